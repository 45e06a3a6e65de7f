//! What can stop a load or a removal.

use crate::pg::error::DbFailure;
use crate::report::event::Blocker;

/// Why the world is not there, or not gone.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// One of evmig's own questions failed.
    #[error("{what}")]
    Own {
        /// What was to be found out.
        what: &'static str,
        /// What the server said.
        failure: DbFailure,
    },
    /// The platform's schema is not there, or is another one.
    #[error("the database lacks what the sample world is made of")]
    Schema {
        /// Tables, and columns as `table.column`.
        missing: Vec<String>,
    },
    /// The role may not write a table, or not delete from it.
    #[error("the role may not write to every table of the sample world")]
    Rights {
        /// The tables.
        tables: Vec<String>,
    },
    /// Another evmig holds the history's lock.
    #[error("another evmig is at work in this database")]
    Busy {
        /// Who, as far as the server tells.
        holder: Option<Box<Blocker>>,
    },
    /// The ledger is of another version of evmig, whose rows differ.
    #[error("the world in this database was made by another version of evmig")]
    Format {
        /// The format in the ledger.
        found: i64,
    },
    /// A cell failed; nothing of it is there.
    #[error("cell {cell} failed at {at}")]
    Cell {
        /// Its number.
        cell: u16,
        /// The table, or the statement's purpose.
        at: String,
        /// What the server said.
        failure: DbFailure,
    },
    /// The connection broke while a cell was committed.
    #[error("the connection was lost while cell {cell} was being committed")]
    Unknown {
        /// Its number.
        cell: u16,
        /// What was heard last.
        failure: DbFailure,
    },
    /// A signal came.
    #[error("interrupted")]
    Interrupted,
}

impl SeedError {
    /// Makes an error of one of evmig's own questions.
    pub(super) fn own(what: &'static str) -> impl FnOnce(DbFailure) -> Self {
        move |failure| Self::Own { what, failure }
    }
}
