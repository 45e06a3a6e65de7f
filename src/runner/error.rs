//! What can stop a run, as data; `cli/error.rs` gives each its exit code and words.

use std::time::Duration;

use super::drift::Drift;
use super::fresh::StaleBackup;
use super::proof::ProofError;
use crate::history::error::HistoryError;
use crate::pg::connect_error::ConnectError;
use crate::pg::error::DbFailure;
use crate::pg::refusal::Refusal;
use crate::pg::settings::NotTaken;
use crate::plan::refusal::PlanRefusal;
use crate::plan::stale::StalePlan;
use crate::project::{ProjectError, RereadFault};
use crate::report::event::{Blocker, MigrationRef};
use crate::report::place::Snippet;

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No session could be had.
    #[error(transparent)]
    Connect(Box<ConnectError>),
    /// The server is not one to run migrations on.
    #[error("the server cannot be used: {}", reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused {
        /// Every reason, so that all can be mended at once.
        reasons: Vec<Refusal>,
    },
    /// The server does not keep a setting that the run depends on.
    #[error(transparent)]
    Setting(#[from] NotTaken),
    /// The history cannot be used.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The plan may not be run.
    #[error(transparent)]
    Plan(Box<PlanRefusal>),
    /// The saved plan is not what is true any more.
    #[error(transparent)]
    Stale(Box<StalePlan>),
    /// Whether the saved plan is still true cannot be told: the catalog cannot be read.
    #[error("the catalog cannot be compared with the plan's")]
    PlanUnchecked,
    /// Something else than evmig has changed the schema, and nothing is to be applied over it.
    #[error("the schema is not what run {} left", .0.run)]
    Drift(Box<Drift>),
    /// What the history keeps of the catalog cannot be used.
    #[error(transparent)]
    Remembered(Box<ProofError>),
    /// Another run held the history's lock all the time.
    #[error("another run holds the lock of this history")]
    Busy {
        /// Who.
        holder: Option<Box<Blocker>>,
        /// How long it was asked.
        waited: Duration,
    },
    /// One of evmig's own queries failed.
    #[error("{what}")]
    Own {
        /// Which, as "could not …".
        what: &'static str,
        /// The server's answer.
        failure: Box<DbFailure>,
    },
    /// The migrations' own text is wrong.
    #[error("{} in the migrations", match errors.len() { 1 => "1 error".to_owned(), more => format!("{more} errors") })]
    Scripts {
        /// Everything that is wrong.
        errors: Vec<ProjectError>,
    },
    /// The environment asks for a fresh backup, and there is none.
    #[error(transparent)]
    StaleBackup(Box<StaleBackup>),
    /// The user was asked and did not agree.
    #[error("not confirmed")]
    NotConfirmed,
    /// A migration stopped.
    #[error("{} {stop}", migration.label())]
    Migration {
        /// Which.
        migration: Box<MigrationRef>,
        /// How.
        stop: Box<Stop>,
    },
    /// A signal came between two migrations.
    #[error("interrupted")]
    Interrupted,
    /// All was committed, but the server stopped waiting for a standby.
    #[error("committed on this server, but not known to be replicated")]
    NotReplicated {
        /// Labels of the migrations.
        migrations: Vec<String>,
    },
}

impl RunError {
    /// Makes the error of one of evmig's own queries.
    pub fn own(what: &'static str) -> impl FnOnce(DbFailure) -> Self {
        move |failure| Self::Own {
            what,
            failure: Box::new(failure),
        }
    }
}

impl From<ConnectError> for RunError {
    fn from(error: ConnectError) -> Self {
        Self::Connect(Box::new(error))
    }
}

impl From<PlanRefusal> for RunError {
    fn from(refusal: PlanRefusal) -> Self {
        Self::Plan(Box::new(refusal))
    }
}

impl From<StalePlan> for RunError {
    fn from(stale: StalePlan) -> Self {
        Self::Stale(Box::new(stale))
    }
}

/// How a migration stopped.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// A statement failed; its transaction was rolled back.
    #[error("failed at statement {} of {of}: {failure}", index + 1)]
    Statement {
        /// Index from 0.
        index: usize,
        /// How many there are.
        of: usize,
        /// Where it is, with the caret where the server put it.
        snippet: Option<Snippet>,
        /// The server's answer.
        failure: DbFailure,
        /// For a file that runs statement by statement: how many before it are committed.
        kept: usize,
    },
    /// The last check or the commit failed; all was rolled back.
    #[error("failed at its end: {failure}")]
    AtEnd {
        /// The server's answer.
        failure: DbFailure,
    },
    /// The file ended its own transaction behind evmig's back.
    #[error("ended its own transaction")]
    EndedTransaction {
        /// The statement, where it is known.
        snippet: Option<Snippet>,
    },
    /// The file did end its own transaction, in a way that cannot be read from its text; what it
    /// committed itself is in the database, and the history does not have it.
    #[error("ended its own transaction while it ran")]
    EscapedTransaction,
    /// Rows that are read from disk when they are sent were not what was hashed; its transaction was
    /// rolled back.
    #[error("was rolled back: {why}")]
    Rows {
        /// What happened to the file.
        why: RereadFault,
        /// The statement.
        snippet: Option<Snippet>,
        /// For a file that runs statement by statement: how many before it are committed.
        kept: usize,
    },
    /// A lock was not obtained in all tries.
    #[error("did not get a lock in {tries} tries")]
    Locked {
        /// How many tries.
        tries: u32,
        /// Where it waited.
        snippet: Option<Snippet>,
        /// Who was in the way the last time.
        blockers: Vec<Blocker>,
        /// The server's last answer.
        failure: DbFailure,
        /// How many statements before it are committed.
        kept: usize,
    },
    /// A statement that runs `CONCURRENTLY` took longer than `concurrent_budget`.
    #[error("took longer than {} s", budget.as_secs())]
    OverBudget {
        /// The budget.
        budget: Duration,
        /// Where.
        snippet: Option<Snippet>,
        /// For whom it waited.
        blockers: Vec<Blocker>,
        /// How many statements before it are committed.
        kept: usize,
    },
    /// It held a strong lock longer than its phase allows.
    #[error("held a lock on {relation} longer than {} ms", limit.as_millis())]
    HeldTooLong {
        /// The relation.
        relation: String,
        /// `max_lock_hold` of the phase.
        limit: Duration,
        /// The statement that ran.
        snippet: Option<Snippet>,
    },
    /// The session lost the history's lock, so that another run may be at work.
    #[error("lost the history's lock")]
    LostLock,
    /// A signal came.
    #[error("was interrupted")]
    Interrupted {
        /// How many statements are committed, for a file that runs statement by statement.
        kept: usize,
    },
    /// The connection was lost, and the migration is not in the database.
    #[error("was not applied: the connection was lost")]
    ConnectionLost {
        /// What the driver said.
        failure: DbFailure,
    },
    /// The connection was lost, and nobody can tell.
    #[error("may or may not be applied: the connection was lost")]
    Unknown {
        /// What the driver said.
        failure: DbFailure,
        /// Why evmig could not find out.
        why: String,
    },
    /// A file was edited between its first and its second part.
    #[error("was edited after a part of it ran")]
    EditedHalfway {
        /// The statement that differs.
        snippet: Option<Snippet>,
        /// Its index from 0.
        index: usize,
    },
    /// An index with that name exists, is INVALID, and is not ours.
    #[error("found an INVALID index that it did not make: {index}")]
    ForeignInvalidIndex {
        /// Its qualified name.
        index: String,
        /// The statement.
        snippet: Option<Snippet>,
    },
    /// One of evmig's own queries failed in the middle.
    #[error("{what}: {failure}")]
    Own {
        /// Which, as "could not …".
        what: &'static str,
        /// The server's answer.
        failure: DbFailure,
    },
}

impl Stop {
    /// Returns how many statements of the file are committed, as far as the stop itself knows.
    pub fn kept(&self) -> usize {
        match self {
            Self::Statement { kept, .. }
            | Self::Rows { kept, .. }
            | Self::Locked { kept, .. }
            | Self::OverBudget { kept, .. }
            | Self::Interrupted { kept } => *kept,
            _ => 0,
        }
    }
}
