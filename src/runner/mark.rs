//! What a session calls itself while a statement of a packed file runs: who looks from outside knows it by that.

use crate::report::event::MigrationRef;

/// Returns what the session of a packed file calls itself while a statement of it runs.
pub(super) fn mark(application: &str, migration: &MigrationRef, index: usize, of: usize) -> String {
    format!("{application} {} {}/{of}", short(migration), index + 1)
}

/// Reads the index of the running statement from it.
pub(super) fn statement_in_mark(mark: &str, migration: &MigrationRef) -> Option<usize> {
    let (before, counted) = mark.rsplit_once(' ')?;
    let number: usize = counted.split_once('/')?.0.parse().ok()?;
    before
        .ends_with(&format!(" {}", short(migration)))
        .then(|| number.saturating_sub(1))
}

/// A name has 63 bytes, and a part of it for the migration.
fn short(migration: &MigrationRef) -> String {
    const BYTES: usize = 16;
    match &migration.version {
        Some(version) => format!("V{version}"),
        None => migration
            .name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(BYTES)
            .collect(),
    }
}
