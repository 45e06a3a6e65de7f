//! Copies of destroyed rows.

use serde::Serialize;

use super::problem::Problem;
use super::target::Target;

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptAction {
    /// Which copies there are.
    List,
    /// To put rows back.
    Restore,
    /// To drop copies.
    Drop,
}

/// One copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptReport {
    /// The name of its table in `evmig_kept`.
    pub name: String,
    /// Schema and name of the table whose rows it has.
    pub table: String,
    /// How they were lost: `dropped`, `truncated`, `deleted`, `columns`.
    pub way: String,
    /// The columns that were lost, where the rows were not.
    pub columns: Vec<String>,
    /// How many rows it has.
    pub rows: u64,
    /// What it takes on disk; `None` where its table is gone.
    pub bytes: Option<u64>,
    /// The run that destroyed the rows.
    pub run: String,
    /// Who that was.
    pub actor: String,
    /// When.
    pub kept_at: String,
    /// When they were last put back.
    pub restored_at: Option<String>,
    /// How many rows were put back by this command.
    pub rows_restored: Option<u64>,
    /// Columns that the table does not have any more; their values stay in the copy.
    pub left_out: Vec<String>,
}

/// The result of `evmig kept`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptListReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// What was asked.
    pub action: KeptAction,
    /// The database.
    pub target: Target,
    /// The run, where something was changed.
    pub run: Option<String>,
    /// The copies.
    pub copies: Vec<KeptReport>,
    /// What stopped it.
    pub error: Option<Problem>,
}

impl KeptListReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.kept/1";
}
