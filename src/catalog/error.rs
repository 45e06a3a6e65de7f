//! Why a catalog cannot be read.

use crate::pg::error::DbFailure;

/// Why a database's objects cannot be listed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CatalogError {
    /// The server could not list them.
    #[error("could not read the catalog")]
    Query {
        /// The server's answer.
        #[source]
        failure: Box<DbFailure>,
    },
    /// The answer is not what a catalog looks like.
    #[error("the server's answer about the catalog cannot be read ({query})")]
    Unreadable {
        /// To which query: the name of its file.
        query: &'static str,
    },
    /// The server lists a kind of object that this version of evmig does not know.
    #[error("the catalog has an object of an unknown kind: {kind}")]
    UnknownKind {
        /// The kind.
        kind: String,
    },
}
