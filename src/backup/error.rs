//! What can stop a backup.

use std::io;
use std::path::{Path, PathBuf};

use crate::catalog::error::CatalogError;
use crate::pg::error::DbFailure;
use crate::shadow::ClientError;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// No `pg_dump` or `pg_restore` that can be used.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The program has a known hole.
    #[error("{program} {found} has known holes ({holes}); {needed} or newer is needed")]
    Hole {
        /// The program.
        program: &'static str,
        /// Its version.
        found: String,
        /// Their numbers.
        holes: &'static str,
        /// The first version of this major without them.
        needed: String,
    },
    /// The key cannot be used.
    #[error("the key {} cannot be used: {reason}", path.display())]
    BadKey {
        /// Its file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The system refuses something.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// One of evmig's own questions failed.
    #[error("{what}")]
    Own {
        /// What was to be found out.
        what: String,
        /// What the server said.
        failure: Box<DbFailure>,
    },
    /// The catalog could not be read.
    #[error("the catalog could not be read")]
    Catalog(#[source] CatalogError),
    /// `pg_dump` failed.
    #[error("pg_dump failed ({status})")]
    Dump {
        /// Its exit status.
        status: String,
        /// What it said last.
        words: String,
    },
    /// A signal came.
    #[error("interrupted")]
    Interrupted,
}

impl BackupError {
    /// Makes the error of a system call that failed.
    pub fn io_of(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self::io(action, path)(source)
    }

    /// Makes the error of a system call.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// Makes the error of one of evmig's own questions.
    pub(super) fn own(what: impl Into<String>) -> impl FnOnce(DbFailure) -> Self {
        let what = what.into();
        move |failure| Self::Own {
            what,
            failure: Box::new(failure),
        }
    }
}
