//! What a command that writes has to say at its end.

use serde::Serialize;

use super::problem::Problem;
use super::target::Target;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything that was selected is committed.
    Applied,
    /// There was nothing left to do.
    NothingToDo,
    /// An error stopped it.
    Failed,
    /// A signal stopped it.
    Interrupted,
    /// The connection was lost and nobody could tell whether the last commit happened.
    Unknown,
}

impl Outcome {
    /// Returns the word that history stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NothingToDo => "nothing_to_do",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Unknown => "unknown",
        }
    }
}

/// One migration that this run committed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AppliedMigration {
    /// Version as text; `None` for a repeatable migration.
    pub version: Option<String>,
    /// Name without version and ending.
    pub name: String,
    /// Phase name.
    pub phase: String,
    /// Step name.
    pub step: String,
    /// How many statements ran.
    pub statements: usize,
    /// How many tries failed for want of a lock.
    pub retries: u32,
    /// Milliseconds from its first statement to its commit.
    pub duration_ms: f64,
}

/// What became of a plan's prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanResult {
    /// The catalog is what the plan said.
    AsPredicted,
    /// It is not; a warning has said where.
    Differs,
    /// The plan said nothing of it.
    NotPredicted,
    /// The catalog could not be read at the end.
    NotCompared,
}

/// The plan that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanUsed {
    /// Its file.
    pub file: String,
    /// The checksum of it.
    pub checksum: String,
    /// What became of its prediction; `None` where it was not applied to its end.
    pub result: Option<PlanResult>,
}

/// The result of `evmig apply`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ApplyReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// Run id; `None` when nothing had to be written.
    pub run: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The database.
    pub target: Option<Target>,
    /// What was committed, in order.
    pub applied: Vec<AppliedMigration>,
    /// Runs of others that did the work while this one waited.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub applied_by_other_runs: Vec<String>,
    /// Versions that stay pending, with this selection or after this error.
    pub pending: usize,
    /// The plan, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanUsed>,
    /// Milliseconds in all.
    pub duration_ms: f64,
    /// What stopped it.
    pub error: Option<Problem>,
    /// All that is wrong, where it is more than one thing: they are found together only before
    /// anything runs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Problem>,
}

impl ApplyReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.apply/1";
}

/// The result of `evmig baseline` and `evmig repair`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// Run id; `None` when nothing had to be written.
    pub run: Option<String>,
    /// The database.
    pub target: Target,
    /// What was recorded without running it, as `V101__name`.
    pub recorded: Vec<String>,
    /// One sentence for people.
    pub message: String,
}
