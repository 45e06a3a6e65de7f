//! What can stop a restore, as data; `cli/error/restore.rs` gives each its exit code and words.

use crate::backup::error::BackupError;
use crate::backup::stream::StreamFault;
use crate::pg::error::DbFailure;
use crate::runner::bracket::BracketError;
use crate::runner::error::RunError;

/// Why a table cannot be restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// The backup does not have it.
    #[error("{table} is not in the backup")]
    NotInBackup {
        /// As it was asked for.
        table: String,
    },
    /// It is one of the history's own.
    #[error("{table} belongs to the history, which is never put back: it says what happened")]
    OfHistory {
        /// Its name.
        table: String,
    },
    /// The database does not have it.
    #[error("{table} is in the backup and not in the database")]
    NotInDatabase {
        /// Its name.
        table: String,
    },
    /// Its columns differ.
    #[error("{table} has other columns than in the backup: {difference}")]
    Columns {
        /// Its name.
        table: String,
        /// How they differ.
        difference: String,
    },
    /// Rows of a table that stays refer to it, and the role cannot pass their foreign key by: deleting
    /// would be refused, or would delete those rows, too.
    #[error("rows of {referring}, which stays as it is, refer to {table} ({key})")]
    ReferredTo {
        /// Its name.
        table: String,
        /// The table whose rows refer to it.
        referring: String,
        /// The foreign key.
        key: String,
    },
    /// Tables refer to each other in a circle that cannot be deferred.
    #[error("{} refer to each other in a circle that is checked at once ({key})", tables.join(", "))]
    Circle {
        /// The tables.
        tables: Vec<String>,
        /// One of the foreign keys that are not deferrable.
        key: String,
    },
    /// The role may not.
    #[error("the role may not delete from and insert into {table}")]
    Rights {
        /// Its name.
        table: String,
    },
}

/// Why a restore stopped.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// What can stop any run: the connection, the lock, the history.
    #[error(transparent)]
    Run(#[from] RunError),
    /// What can stop a backup can stop its reading.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// Tables cannot be restored.
    #[error("{}", match obstacles.as_slice() { [one] => one.to_string(), all => format!("{} obstacles", all.len()) })]
    Refused {
        /// All that is against it.
        obstacles: Vec<Obstacle>,
    },
    /// There is no table to restore.
    #[error("there is nothing to restore: the backup has no table but the history's own")]
    Nothing,
    /// A lock was not obtained.
    #[error("a table is locked by somebody else; tried {tries} times")]
    Locked {
        /// How often it was tried.
        tries: u32,
        /// The server's answer.
        failure: Box<DbFailure>,
    },
    /// A statement failed.
    #[error("{what}")]
    Statement {
        /// What was to be done.
        what: String,
        /// The server's answer.
        failure: Box<DbFailure>,
    },
    /// `pg_restore`'s text is not what it should be.
    #[error(transparent)]
    Stream(#[from] StreamFault),
    /// `pg_restore` failed.
    #[error("pg_restore failed ({status})")]
    Program {
        /// Its exit status.
        status: String,
        /// What it said last.
        words: String,
    },
    /// The text has other tables than were asked for.
    #[error("pg_restore wrote the rows of {found} where {wanted} was due")]
    WrongTable {
        /// What came.
        found: String,
        /// What should have.
        wanted: String,
    },
    /// A table is not what it was.
    #[error("{table} does not come out as it was backed up: {difference}")]
    Differs {
        /// Its name.
        table: String,
        /// Rows or checksum, as they should be and are.
        difference: String,
    },
    /// The triggers, or the foreign keys.
    #[error(transparent)]
    Bracket(Box<BracketError>),
    /// The connection was lost while it was committed.
    #[error("the connection was lost while the restore was being committed")]
    Unknown {
        /// What was heard last.
        failure: Box<DbFailure>,
    },
    /// A signal came.
    #[error("interrupted")]
    Interrupted,
}

impl RestoreError {
    /// Makes the error of a statement.
    pub(super) fn statement(what: impl Into<String>) -> impl FnOnce(DbFailure) -> Self {
        let what = what.into();
        move |failure| Self::Statement {
            what,
            failure: Box::new(failure),
        }
    }

    /// Returns the server's answer, where there was one.
    pub fn failure(&self) -> Option<&DbFailure> {
        match self {
            Self::Statement { failure, .. }
            | Self::Locked { failure, .. }
            | Self::Unknown { failure } => Some(failure),
            Self::Bracket(error) => error.failure(),
            _ => None,
        }
    }
}

impl From<BracketError> for RestoreError {
    fn from(error: BracketError) -> Self {
        Self::Bracket(Box::new(error))
    }
}
