//! What `evmig history` shows.

use serde::Serialize;

use super::problem::Problem;
use super::target::Target;

/// One row of `evmig history`: what happened to one migration in one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryEntry {
    /// Position in the history, from 1, with gaps where a transaction was rolled back.
    pub seq: i64,
    /// Version as text; `None` for a repeatable migration.
    pub version: Option<String>,
    /// Name without version and ending.
    pub name: String,
    /// Phase name.
    pub phase: String,
    /// Step name.
    pub step: String,
    /// `apply`, `baseline`, `adopt`, `repair` or `rollback`.
    pub action: String,
    /// Run id.
    pub run: String,
    /// When, RFC 3339 in UTC, by the server's clock.
    pub at: String,
    /// Milliseconds; `None` where nothing ran.
    pub duration_ms: Option<f64>,
    /// Role that did it.
    pub actor: String,
    /// The reason given to `evmig repair` or `evmig baseline`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The result of `evmig history`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// The database.
    pub target: Target,
    /// The rows, oldest first.
    pub entries: Vec<HistoryEntry>,
    /// With `--verify`: how many rows were proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_rows: Option<u64>,
    /// With `--verify`: the first row that is not as it was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bad: Option<Problem>,
}

impl HistoryReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.history/1";
}
