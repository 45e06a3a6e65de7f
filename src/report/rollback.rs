//! What `evmig rollback` has to say: what it is going to do, and what it did.

use serde::Serialize;

use super::change::ObjectChange;
use super::event::MigrationRef;
use super::problem::Problem;
use super::target::Target;

/// How a rollback ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RollbackOutcome {
    /// Everything that was selected is taken back.
    RolledBack,
    /// A dry run: nothing was changed.
    Planned,
    /// There was nothing left to do.
    NothingToDo,
    /// An error stopped it.
    Failed,
    /// A signal stopped it.
    Interrupted,
    /// The connection was lost and nobody could tell whether the commit happened.
    Unknown,
}

impl RollbackOutcome {
    /// Returns the word that history stores.
    pub fn stored(self) -> &'static str {
        match self {
            Self::RolledBack => "applied",
            Self::Planned | Self::NothingToDo => "nothing_to_do",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Unknown => "unknown",
        }
    }
}

/// One migration that was taken back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reverted {
    /// Version as text; `None` for a repeatable migration.
    pub version: Option<String>,
    /// Name without version and ending.
    pub name: String,
    /// Phase name.
    pub phase: String,
    /// Step name.
    pub step: String,
    /// How many statements its script has.
    pub statements: usize,
    /// Milliseconds from its script's first statement to the next script's.
    pub duration_ms: f64,
}

impl Reverted {
    /// Makes it from what events call the migration.
    pub fn new(migration: &MigrationRef, statements: usize, duration_ms: f64) -> Self {
        Self {
            version: migration.version.clone(),
            name: migration.name.clone(),
            phase: migration.phase.clone(),
            step: migration.step.clone(),
            statements,
            duration_ms,
        }
    }

    /// Returns `V101__name` or `R__name`.
    pub fn label(&self) -> String {
        match &self.version {
            Some(version) => format!("V{version}__{}", self.name),
            None => format!("R__{}", self.name),
        }
    }
}

/// One script that is going to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedScript {
    /// Version as text; `None` for a repeatable migration.
    pub version: Option<String>,
    /// Name without version and ending.
    pub name: String,
    /// Phase name.
    pub phase: String,
    /// Step name.
    pub step: String,
    /// The run that applied it.
    pub applied_by: String,
    /// How many statements the script has.
    pub statements: usize,
    /// `file` or `history`.
    pub source: &'static str,
    /// Why that one.
    pub why: String,
    /// The file, or what stands for it.
    pub file: String,
    /// Statements that cannot be in a transaction, as they begin.
    pub outside_transaction: Vec<String>,
}

impl PlannedScript {
    /// Returns `V101__name` or `R__name`.
    pub fn label(&self) -> String {
        match &self.version {
            Some(version) => format!("V{version}__{}", self.name),
            None => format!("R__{}", self.name),
        }
    }
}

/// What a rollback destroys of one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LostRows {
    /// Schema and name.
    pub table: String,
    /// How: `dropped`, `truncated`, `deleted`, `columns`.
    pub way: &'static str,
    /// The columns that are lost, where the rows are not.
    pub columns: Vec<String>,
    /// How many rows; of columns, how many values. `None` where they could not be counted.
    pub rows: Option<u64>,
    /// Whether it is all of these rows; else it is at most these.
    pub exact: bool,
    /// What the table takes on disk.
    pub bytes: u64,
}

/// A copy of destroyed rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptRows {
    /// The name of its table in `evmig_kept`.
    pub name: String,
    /// The table whose rows it has.
    pub table: String,
    /// How many.
    pub rows: u64,
}

/// What is going to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct RollbackPlan {
    /// The scripts, in the order in which they run.
    pub scripts: Vec<PlannedScript>,
    /// How many transactions and statements outside of any that takes.
    pub transactions: usize,
    /// Migrations without a script that are stepped over.
    pub stepped_over: Vec<String>,
    /// Migrations that stay, and were applied after one that goes.
    pub stays_behind: Vec<String>,
    /// The run whose rollback is gone on with.
    pub continues: Option<String>,
    /// The rollback that was done last, where this goes further back: who types a command again may have
    /// missed that it was done.
    pub further: Option<String>,
    /// The rows that exist and will be destroyed.
    pub loses: Vec<LostRows>,
    /// What may destroy more, as its text does not tell: `a DO block`.
    pub may_lose: Vec<String>,
}

/// Whether the catalog is what it was before what was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Proven {
    /// It is.
    Yes,
    /// Nobody can say.
    #[default]
    No,
    /// It is not.
    Differs,
}

/// What the catalog was held against, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Checked {
    /// Whether it is what it was.
    pub proven: Proven,
    /// How many differences are the work of something else than evmig, and stay.
    pub by_others: usize,
    /// Why nobody can say.
    pub why: Option<String>,
    /// What differs from what it was; where nobody can say, what the rollback has changed.
    pub changes: Vec<ObjectChange>,
}

/// The result of `evmig rollback`.
#[derive(Debug, Clone, PartialEq)]
pub struct RollbackReport {
    /// Run id; `None` when nothing had to be written.
    pub run: Option<String>,
    /// How it ended.
    pub outcome: RollbackOutcome,
    /// The database.
    pub target: Target,
    /// What was to be done.
    pub plan: RollbackPlan,
    /// What is taken back and committed, in order.
    pub reverted: Vec<Reverted>,
    /// Tries that failed for want of a lock.
    pub retries: u32,
    /// The longest time that one transaction held its locks, in milliseconds.
    pub lock_held_ms: f64,
    /// Triggers that were off meanwhile, as `table.trigger`; each that is left has its state back.
    pub triggers: Vec<String>,
    /// How many foreign keys of the touched tables were proved.
    pub keys_proved: usize,
    /// Whether the catalog is what it was; `None` where nothing was done.
    pub checked: Option<Checked>,
    /// The copies of destroyed rows.
    pub kept: Vec<KeptRows>,
    /// The run that had done it already, and could not say so.
    pub done_by: Option<String>,
    /// Milliseconds in all.
    pub duration_ms: f64,
    /// What stopped it.
    pub error: Option<Problem>,
    /// All that is wrong, where it is more than one thing.
    pub errors: Vec<Problem>,
}

impl RollbackReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.rollback/1";
}
