//! What two catalogs do not have in common.

use serde::Serialize;

use super::change::ObjectChange;
use super::problem::Problem;

/// Where a catalog is from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Side {
    /// A database as it is now.
    Database {
        /// Its name.
        database: String,
        /// Host name, address or socket directory.
        host: String,
        /// Port number.
        port: u16,
        /// Name of the environment in `phases.toml`, if one was chosen.
        environment: Option<String>,
    },
    /// What the history says that the catalog was.
    History {
        /// The run that remembered it.
        run: String,
        /// When, RFC 3339 in UTC.
        at: String,
    },
    /// A snapshot file.
    File {
        /// Its path.
        path: String,
    },
    /// A dump, in a throw-away database.
    Dump {
        /// Its path.
        path: String,
        /// The version of the server that took it.
        server_version: String,
    },
    /// The project's files, run in a throw-away database.
    Migrations {
        /// The project's name.
        project: String,
        /// How many ran.
        migrations: usize,
        /// The version of the server that they ran on.
        server_version: String,
    },
}

/// The result of `evmig diff`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// What the changes are from.
    pub before: Side,
    /// What the changes are to.
    pub after: Side,
    /// Whether nothing differs, and nothing is missing.
    pub identical: bool,
    /// Whether both sides are whole; what is missing is said in the notes.
    pub complete: bool,
    /// What differs.
    pub changes: Vec<ObjectChange>,
    /// What the reader should know of the comparison itself.
    pub notes: Vec<Problem>,
}

impl DiffReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.diff/1";
}
