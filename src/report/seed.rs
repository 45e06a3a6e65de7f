//! The large sample world: how far it is, and what became of it.

use serde::Serialize;

use super::problem::Problem;
use super::target::Target;

/// How far a load or a removal is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedProgress {
    /// The cell that is being moved, from 0.
    pub cell: u32,
    /// Cells that are committed.
    pub done: u32,
    /// Cells in all.
    pub of: u32,
    /// Rows that were sent.
    pub rows: u64,
    /// The table that is being filled.
    pub table: Option<String>,
}

/// A table and a number of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableRows {
    /// Schema and name.
    pub table: String,
    /// How many.
    pub rows: u64,
}

/// How `evmig seed` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedOutcome {
    /// It was asked with `--dry-run`.
    Planned,
    /// All of the world is there.
    Loaded,
    /// All of the world is gone.
    Removed,
    /// There was nothing to load or to remove.
    NothingToDo,
    /// Something stopped it.
    Failed,
}

/// The result of `evmig seed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeedReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// How it ended.
    pub outcome: SeedOutcome,
    /// The database.
    pub target: Target,
    /// The scale that was asked for; `None` for a removal.
    pub scale: Option<u32>,
    /// Whether the rows pass by the tables' triggers; `None` where none was to be loaded.
    pub triggers_suspended: Option<bool>,
    /// Cells that were there before.
    pub cells_before: u32,
    /// Cells that were loaded or removed, or would be.
    pub cells: u32,
    /// Rows that were loaded, or would be; what a removal deletes is not counted.
    pub rows: u64,
    /// What is to be loaded, table by table.
    pub tables: Vec<TableRows>,
    /// Milliseconds in all.
    pub duration_ms: f64,
    /// What stopped it.
    pub error: Option<Problem>,
}

impl SeedReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.seed/1";
}
