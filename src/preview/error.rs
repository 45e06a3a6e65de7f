//! Why there is no preview.

use crate::catalog::error::CatalogError;
use crate::pg::connect_error::ConnectError;
use crate::pg::error::DbFailure;
use crate::pg::params::ParamsError;
use crate::runner::error::RunError;
use crate::shadow::EmbeddedError;

/// Why a dry run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// What would stop an apply before it starts, too.
    #[error(transparent)]
    Run(#[from] RunError),
    /// No local server for throw-away databases can be had.
    #[error("there is no server for a throw-away database")]
    NoServer(#[source] Box<EmbeddedError>),
    /// The server for throw-away databases does not let evmig in.
    #[error("the server for throw-away databases cannot be reached")]
    Unreachable(#[source] Box<ConnectError>),
    /// The embedded server's own address is not one.
    #[error(transparent)]
    Address(#[from] ParamsError),
    /// A step on the server of the throw-away databases failed.
    #[error("{what}")]
    Shadow {
        /// Which, as "could not …".
        what: &'static str,
        /// The server's answer.
        #[source]
        failure: Box<DbFailure>,
    },
    /// The throw-away database would be on the target's own server, and a file changes what all its
    /// databases share.
    #[error("{file} line {line} changes what all databases of the target's server share")]
    Shared {
        /// The file.
        file: String,
        /// The line.
        line: u32,
    },
    /// A throw-away database's catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The dry run on the target took longer than it may.
    #[error("the dry run on the target took longer than {} s, and was rolled back", budget.as_secs())]
    OverBudget {
        /// How long it may take.
        budget: std::time::Duration,
    },
    /// A signal came.
    #[error("interrupted")]
    Interrupted,
}

impl PreviewError {
    /// Makes the error of a step on the server of the throw-away databases.
    pub fn shadow(what: &'static str) -> impl FnOnce(DbFailure) -> Self {
        move |failure| Self::Shadow {
            what,
            failure: Box::new(failure),
        }
    }
}
