//! The `[rollback]` table.

use super::model::RollbackSection;
use super::phase::read_tables;
use super::reader::{Reader, Section};

const KEYS: [&str; 1] = ["tables"];

/// Reads `[rollback]`; without it there is nothing in it.
pub(super) fn read(reader: &mut Reader, root: &Section<'_, '_>) -> RollbackSection {
    let section = root
        .get("rollback")
        .and_then(|value| reader.table("rollback", "[rollback]".to_owned(), value));
    let Some(section) = section else {
        return RollbackSection::default();
    };
    reader.only(&section, &KEYS);
    RollbackSection {
        tables: read_tables(reader, &section, "tables").unwrap_or_default(),
    }
}
