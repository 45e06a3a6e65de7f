//! Why a catalog cannot be read.

use crate::pg::error::DbFailure;

/// Why a database's objects cannot be listed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CatalogError {
    /// A query failed.
    #[error("could not read the catalog ({query})")]
    Query {
        /// Which one: the name of its file.
        query: &'static str,
        /// The server's answer.
        #[source]
        failure: Box<DbFailure>,
    },
    /// The server lists a kind of object that this version of evmig does not know.
    #[error("the catalog has an object of an unknown kind: {kind}")]
    UnknownKind {
        /// The kind.
        kind: String,
    },
}
