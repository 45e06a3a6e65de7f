//! What can stop a rollback, as data; `cli/error/rollback.rs` gives each its exit code and words.

use crate::history::error::HistoryError;
use crate::plan::undo_refusal::UndoRefusal;
use crate::project::ProjectError;
use crate::report::event::MigrationRef;
use crate::report::rollback::Checked;
use crate::runner::bill::keep::KeepError;
use crate::runner::bracket::BracketError;
use crate::runner::error::{RunError, Stop};
use crate::runner::proof::ProofError;

/// Why a rollback stopped.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// What can stop any run: the connection, the lock, the history.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The selection may not be rolled back.
    #[error(transparent)]
    Refused(Box<UndoRefusal>),
    /// What would be rolled back now is not what was shown.
    #[error("the history has changed since it was shown")]
    Changed,
    /// Scripts are wrong.
    #[error("{} in the rollback scripts", match errors.len() { 1 => "1 error".to_owned(), more => format!("{more} errors") })]
    Scripts {
        /// Everything that is wrong.
        errors: Vec<ProjectError>,
    },
    /// The triggers could not be switched or switched back, or a foreign key does not hold.
    #[error(transparent)]
    Bracket(Box<BracketError>),
    /// The rows that are destroyed could not be copied first.
    #[error(transparent)]
    Keep(Box<KeepError>),
    /// What the catalog is cannot be read, or not be remembered.
    #[error(transparent)]
    Proof(Box<ProofError>),
    /// The scripts leave another catalog than there was.
    #[error("the rollback scripts do not lead back to what was there before")]
    Differs(Box<Checked>),
    /// A script stopped.
    #[error("the rollback of {} {stop}", migration.label())]
    Stopped {
        /// Whose.
        migration: Box<MigrationRef>,
        /// How.
        stop: Box<Stop>,
    },
}

impl From<UndoRefusal> for RollbackError {
    fn from(refusal: UndoRefusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<HistoryError> for RollbackError {
    fn from(error: HistoryError) -> Self {
        Self::Run(error.into())
    }
}

impl RollbackError {
    /// Returns whether a signal stopped it.
    pub fn is_interrupt(&self) -> bool {
        match self {
            Self::Run(RunError::Interrupted) => true,
            Self::Stopped { stop, .. } => matches!(**stop, Stop::Interrupted { .. }),
            _ => false,
        }
    }
}
