//! What two catalogs do not have in common.

use serde::Serialize;

use super::change::ObjectChange;

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
    /// Whether nothing differs.
    pub identical: bool,
    /// What differs.
    pub changes: Vec<ObjectChange>,
}

impl DiffReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.diff/1";
}
