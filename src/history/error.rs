//! Why a history cannot be used.

use super::upgrade::FormatError;
use crate::pg::error::DbFailure;

/// Why the history cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A query failed.
    #[error("{what}")]
    Query {
        /// Which one, as "could not …".
        what: &'static str,
        /// The server's answer.
        #[source]
        failure: Box<DbFailure>,
    },
    /// Its format is not ours.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Several tables could be refinery's, and only a person can tell which one is.
    #[error("refinery's table exists in several schemas: {}", schemas.join(", "))]
    SeveralRefineryTables {
        /// The schemas.
        schemas: Vec<String>,
    },
    /// Refinery's table has another shape.
    #[error("{table} does not look like refinery's: its column version is {found}")]
    NotRefinerys {
        /// The table.
        table: String,
        /// Type of its version column, or "missing".
        found: String,
    },
    /// The history does not exist yet and the role may not create it.
    #[error("the role may not create the schema {schema:?} in this database")]
    MayNotCreate {
        /// History schema.
        schema: String,
    },
    /// A row has a value that evmig never writes.
    #[error("row {seq} of the history has an unreadable {column}")]
    Unreadable {
        /// Its position.
        seq: i64,
        /// Which column.
        column: &'static str,
    },
}

/// Makes the error of one of the history's own queries.
pub(super) fn query(what: &'static str) -> impl FnOnce(DbFailure) -> HistoryError {
    move |failure| HistoryError::Query {
        what,
        failure: Box::new(failure),
    }
}
