//! Why there is no preview.

use super::dump::DumpFileError;
use crate::catalog::error::CatalogError;
use crate::pg::connect_error::ConnectError;
use crate::pg::error::DbFailure;
use crate::pg::params::ParamsError;
use crate::pg::pooling::Evidence;
use crate::report::event::Blocker;
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
    /// The throw-away database would be on the target's own server, and a file may run a function of the target that
    /// changes what all its databases share.
    #[error(
        "{file} line {line} may run {function}, which changes what all databases of the target's server share"
    )]
    SharedByCall {
        /// The file.
        file: String,
        /// The line.
        line: u32,
        /// The function.
        function: String,
    },
    /// No throw-away database can be made on the target's own server.
    #[error("no throw-away database can be made on the target's own server: {0}")]
    NotOnTarget(#[from] NotOnTarget),
    /// The role has no right to make databases.
    #[error("the role {role} may not create databases {}", where_not(*on_target))]
    MayNotCreate {
        /// The role.
        role: String,
        /// Whether that is on the target's own server.
        on_target: bool,
    },
    /// The server for throw-away databases takes no changes.
    #[error("the server for throw-away databases is read-only")]
    ReadOnly,
    /// A pooler that switches backends is before the server for throw-away databases.
    #[error("the server for throw-away databases is behind a transaction pooler: {evidence}")]
    Pooled {
        /// What gave it away.
        evidence: Evidence,
    },
    /// Other dry runs or comparisons did not end.
    #[error("another dry run or comparison was at work on the server of the throw-away databases for all of {} s", waited.as_secs())]
    Busy {
        /// Which, as far as the role may see.
        holder: Option<Box<Blocker>>,
        /// How long it was waited for.
        waited: std::time::Duration,
    },
    /// A dump cannot be read.
    #[error(transparent)]
    Dump(#[from] DumpFileError),
    /// A throw-away database's catalog cannot be read.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// A plan would not be bound to the target's catalog, which cannot be read.
    #[error(
        "no plan was written: the target's catalog, which it would be bound to, cannot be read"
    )]
    Unbound(#[source] CatalogError),
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

/// What the target's own server has against a throw-away database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotOnTarget {
    /// A pooler is in between.
    #[error("a pooler is in between, which leads to the databases that it was told of")]
    Pooler,
    /// It is a standby.
    #[error("it is a standby, and takes no changes")]
    Standby,
    /// Transactions are read-only.
    #[error("transactions are read-only there")]
    ReadOnly,
    /// The environment is protected, and only another server was spoken of.
    #[error("the environment is protected, and the URL leads to its own server")]
    Protected,
    /// A second session met another server.
    #[error("a second connection to the same address reached another server")]
    OtherServer,
}

fn where_not(on_target: bool) -> &'static str {
    if on_target {
        "on the target's own server"
    } else {
        "on the server for throw-away databases"
    }
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
