//! Why nothing is rolled back.

/// Why nothing is rolled back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UndoRefusal {
    /// The selection has nothing that is applied.
    #[error("there is nothing to roll back")]
    Nothing {
        /// How many migrations the history has as applied, whatever was selected.
        recorded: usize,
    },
    /// No such run.
    #[error("the history has no run {wanted}")]
    UnknownRun {
        /// What was asked for.
        wanted: String,
        /// The newest runs that applied something.
        newest: Vec<String>,
    },
    /// No such phase.
    #[error("there is no phase `{wanted}`")]
    UnknownPhase {
        /// What was asked for.
        wanted: String,
        /// The phases that there are, `1 (core)`.
        valid: Vec<String>,
    },
    /// The version that should be kept is not there.
    #[error("version {wanted} is not applied")]
    NotApplied {
        /// What was asked for.
        wanted: i64,
        /// The nearest applied ones.
        nearest: Vec<i64>,
    },
    /// A version that may be stepped over is not among those that go.
    #[error("version {wanted} is not among what is rolled back")]
    NotSelected {
        /// What was asked for.
        wanted: i64,
    },
    /// Refinery applied what evmig has no row for.
    #[error("refinery has applied {} of which evmig has no row", versions.iter().map(|version| format!("V{version}")).collect::<Vec<_>>().join(", "))]
    NotAdopted {
        /// The versions.
        versions: Vec<i64>,
    },
    /// A migration is half applied.
    #[error("{} stopped half way, and is neither in nor out", labels.join(", "))]
    HalfApplied {
        /// `V101__name`.
        labels: Vec<String>,
    },
    /// Another rollback is half done.
    #[error("rollback {run} is not finished: {} to go", labels.join(", "))]
    Unfinished {
        /// Its run.
        run: String,
        /// What it still has to take back.
        labels: Vec<String>,
    },
    /// A later text of the same repeatable file is applied.
    #[error("a newer text of {label} was applied by run {run}")]
    NewerText {
        /// `R__name`.
        label: String,
        /// The run that applied the newer text.
        run: String,
    },
    /// What was applied later needs it.
    #[error("phase {phase} is required by what was applied after it")]
    Required {
        /// The phase that would lose something.
        phase: String,
        /// Phases that require it, each with what stays of it.
        dependents: Vec<(String, Vec<String>)>,
    },
    /// There is no script to run.
    #[error("{} cannot be rolled back: no rollback script", labels.join(", "))]
    Irreversible {
        /// `V101__name`.
        labels: Vec<String>,
        /// Whether the files were looked through too.
        project: bool,
    },
    /// The text of a repeatable file, as it was before, is not stored.
    #[error("the text that {} had before is not stored", labels.join(", "))]
    PreviousNotStored {
        /// `R__name`.
        labels: Vec<String>,
    },
}
