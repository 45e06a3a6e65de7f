//! Which of refinery's rows evmig takes over.

use std::collections::HashMap;

use super::standing::refinery_match;
use crate::history::model::{History, RefineryRow, VersionType};
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
    let only = history.refinery_only();
    if only.is_empty() {
        return Vec::new();
    }
    let indexes: HashMap<i64, usize> = project
        .migrations
        .iter()
        .enumerate()
        .filter_map(|(index, migration)| Some((migration.version.number()?, index)))
        .collect();
    only.into_iter()
        .filter_map(|row| {
            let index = *indexes.get(&row.version)?;
            refinery_match(&project.migrations[index], &row.checksum, width)?;
            Some(Adoption { row, index })
        })
        .collect()
}
