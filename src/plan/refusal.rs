//! Why a plan may not be run.

use super::standing::{Difference, MissingFile};
use crate::project::{UnknownPhase, UnknownStep};

/// A file that differs from what was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DivergentFile {
    /// `V101__name`.
    pub label: String,
    /// Its path.
    pub file: String,
    /// Position of the history row it differs from; `None` where refinery's table has it.
    pub seq: Option<i64>,
    /// What differs.
    pub difference: Difference,
}

/// Why a plan may not be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanRefusal {
    /// Files differ from what was applied, or are gone.
    #[error("{} and {} between the files and the history", count(divergent.len(), "divergence"), count(missing.len(), "missing file"))]
    Differs {
        /// Files that differ.
        divergent: Vec<DivergentFile>,
        /// Applied migrations without a file.
        missing: Vec<MissingFile>,
    },
    /// A rollback stopped half way.
    #[error("the rollback of {} stopped half way", labels.join(", "))]
    HalfReverted {
        /// `V101__name`.
        labels: Vec<String>,
    },
    /// An older version was merged late.
    #[error("{} older than what phase {phase} has applied", count(files.len(), "pending migration"))]
    OutOfOrder {
        /// The phase.
        phase: String,
        /// The pending files, as `V101__name`.
        files: Vec<String>,
        /// The newest applied version of the phase.
        newest: i64,
    },
    /// A phase needs another one first.
    #[error("phase {phase} requires phase {requires}, of which {} {} not applied", count(pending.len(), "migration"), if pending.len() == 1 { "is" } else { "are" })]
    RequiresPending {
        /// The phase that was asked for.
        phase: String,
        /// The phase it requires.
        requires: String,
        /// What is pending there, as `V101__name`.
        pending: Vec<String>,
    },
    /// The phase may not run in this environment.
    #[error("phase {phase} may not run {}", environment.as_ref().map_or_else(|| "without a named environment".to_owned(), |name| format!("in environment {name}")))]
    WrongEnvironment {
        /// The phase.
        phase: String,
        /// The environment, if one was named.
        environment: Option<String>,
        /// Where it may run.
        allowed: Vec<String>,
    },
    /// No such phase.
    #[error(transparent)]
    UnknownPhase(#[from] UnknownPhase),
    /// No such step.
    #[error(transparent)]
    UnknownStep(#[from] UnknownStep),
    /// No such version in the selected phases.
    #[error("there is no version {wanted} in the selected phases")]
    UnknownVersion {
        /// What was asked for.
        wanted: i64,
        /// The nearest ones.
        nearest: Vec<i64>,
    },
    /// The file is not divergent.
    #[error("{label} does not differ from what was applied, or is not applied")]
    NothingToRepair {
        /// `V101__name`.
        label: String,
    },
    /// The history is empty, but the database is not.
    #[error("the history is empty, but {} of {label} exists already", relations.join(", "))]
    ObjectsPresent {
        /// The first migration whose objects exist.
        label: String,
        /// Its relations that exist.
        relations: Vec<String>,
    },
}

fn count(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}"),
        1 => format!("1 {what}"),
        more => format!("{more} {what}s"),
    }
}
