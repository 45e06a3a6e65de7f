//! The manifest: what a backup consists of, and what was in the database when it was made.

use serde::{Deserialize, Serialize};

/// Name and version of the document.
pub const SCHEMA: &str = "evmig.backup-manifest/1";

/// The manifest's file in a backup.
pub const FILE: &str = "manifest.json";

/// The file that authenticates it.
pub const HMAC: &str = "manifest.hmac";

/// The folder of `pg_dump`.
pub const DUMP: &str = "dump";

/// The document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name and version of the document.
    pub schema: String,
    /// The backup's id.
    pub id: String,
    /// When its snapshot was taken, by the server's clock, in UTC.
    pub taken_at: String,
    /// Who made it, and with which version of evmig.
    pub made_by: MadeBy,
    /// Where the rows are from.
    pub server: Server,
    /// The program that wrote the dump.
    pub client: Client,
    /// The key that authenticates this document.
    pub key_id: String,
    /// What the history said.
    pub history: Option<HistoryMark>,
    /// The catalog's fingerprint, in the same snapshot.
    pub catalog_fingerprint: String,
    /// The tables whose rows are in the dump.
    pub tables: Vec<Table>,
    /// The sequences.
    pub sequences: Vec<Sequence>,
    /// What is in the database or its server and not in the dump, or not restored from it.
    pub not_included: Vec<NotIncluded>,
    /// The files of the dump.
    pub files: Vec<File>,
}

/// Who made a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeBy {
    /// Version of evmig.
    pub evmig: String,
    /// The role that read the rows.
    pub role: String,
    /// The user of the operating system.
    pub os_user: String,
    /// The machine.
    pub host: String,
}

/// A server and its database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// `server_version`.
    pub version: String,
    /// `server_version_num`.
    pub version_num: u32,
    /// The cluster's identifier; `None` where the role may not read it.
    pub system_identifier: Option<String>,
    /// The database.
    pub database: String,
}

/// The program that wrote the dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Its version.
    pub pg_dump: String,
    /// How many jobs it had.
    pub jobs: u32,
}

/// The ends of the history's chains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryMark {
    /// Its schema.
    pub schema: String,
    /// Hash of the newest row of `run`.
    pub run_hash: Option<String>,
    /// Hash of the newest row of `migration`.
    pub migration_hash: Option<String>,
    /// The newest version that a row is about.
    pub newest_version: Option<i64>,
}

/// A table whose rows are in the dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its oid in the database that was dumped, by which the dump's own list names it.
    pub oid: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The partitioned table that it is a part of, at the top, as schema and name.
    pub partition_of: Option<(String, String)>,
    /// Its columns, by name.
    pub columns: Vec<Column>,
    /// How many rows it had.
    pub rows: u64,
    /// The sum of a hash of each row's text; `None` where none was asked for.
    pub checksum: Option<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type as the server writes it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Whether the server computes it.
    pub generated: bool,
}

/// A sequence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The table whose column it belongs to, as schema and name.
    pub owned_by: Option<(String, String)>,
    /// Where it stood.
    pub last_value: i64,
    /// Whether that value has been given out.
    pub is_called: bool,
    /// Whether it counts downwards.
    pub descending: bool,
}

/// Something that is not in the dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotIncluded {
    /// What it is.
    pub what: String,
    /// How many of them there were, where that is known.
    pub count: Option<u64>,
    /// Why, and what has it instead.
    pub why: String,
}

/// A file of the dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its path below the backup, with `/`.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its hash, in hex.
    pub sha256: String,
}

impl Manifest {
    /// Returns the document as it is written.
    pub fn to_text(&self) -> String {
        // A struct of strings and numbers is always JSON.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Returns how many bytes the dump has.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Returns how many rows it has.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// Returns whether both are of one database of one cluster, as far as that can be told.
    pub fn is_of(&self, system_identifier: Option<&str>, database: &str) -> bool {
        let own = self.server.system_identifier.as_deref();
        own.is_some() && own == system_identifier && self.server.database == database
    }
}
