//! Which of refinery's rows evmig takes over.

use super::standing::{key, refinery_text};
use crate::history::model::{History, Key, RefineryRow, VersionType};
use crate::project::Project;

/// A row of refinery's table, and the project's file for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adoption<'a> {
    /// The row.
    pub row: &'a RefineryRow,
    /// Index of the file in the project's migrations.
    pub index: usize,
}

/// Returns the rows that refinery wrote and that match a file, by version.
///
/// Rows that match none are divergent or missing, and stop the plan before this is asked.
pub fn adoptions<'a>(
    project: &Project,
    history: &'a History,
    width: VersionType,
) -> Vec<Adoption<'a>> {
    history
        .refinery_only()
        .into_iter()
        .filter_map(|row| {
            let index = project
                .migrations
                .iter()
                .position(|migration| key(migration) == Key::Version(row.version))?;
            refinery_text(&project.migrations[index], &row.checksum, width)?;
            Some(Adoption { row, index })
        })
        .collect()
}
