//! Backups: how far one is, what was made, what is wrong with one.

use serde::Serialize;

use super::problem::Problem;
use super::target::Target;

/// How far a backup is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupProgress {
    /// Bytes that are written.
    pub bytes: u64,
    /// Tables that are counted.
    pub tables: usize,
    /// Tables in all; 0 while that is not known.
    pub of: usize,
}

/// Something that is not in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// What it is.
    pub what: String,
    /// How many there were, where that is known.
    pub count: Option<u64>,
    /// Why, and what has it instead.
    pub why: String,
}

/// How `evmig backup` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BackupOutcome {
    /// It is complete.
    Made,
    /// Something stopped it; nothing is left that looks like a backup.
    Failed,
}

/// The result of `evmig backup`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackupReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// How it ended.
    pub outcome: BackupOutcome,
    /// The database.
    pub target: Target,
    /// The backup's id.
    pub id: String,
    /// Its folder; `None` where there is none.
    pub path: Option<String>,
    /// When its snapshot was taken.
    pub taken_at: Option<String>,
    /// Tables whose rows are in it.
    pub tables: usize,
    /// Their rows.
    pub rows: u64,
    /// Bytes of the dump.
    pub bytes: u64,
    /// Whether rows were hashed, and not only counted.
    pub checksums: bool,
    /// Version of `pg_dump`.
    pub pg_dump: String,
    /// The key that authenticates the manifest.
    pub key_id: Option<String>,
    /// Whether the database remembers it.
    pub recorded: bool,
    /// What is not in it.
    pub not_included: Vec<LeftOut>,
    /// Older backups that were removed.
    pub removed: Vec<String>,
    /// Milliseconds in all.
    pub duration_ms: f64,
    /// What stopped it.
    pub error: Option<Problem>,
}

impl BackupReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.backup/1";
}

/// One thing that is wrong with a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupFault {
    /// Its stable id.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

/// The result of `evmig backup --verify`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerifyReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// The folder.
    pub path: String,
    /// Whether nothing is wrong.
    pub sound: bool,
    /// Whether the manifest is as evmig wrote it, with the key that is here.
    pub authentic: bool,
    /// The backup's id, where its manifest can be read.
    pub id: Option<String>,
    /// The database that it is of.
    pub database: Option<String>,
    /// When its snapshot was taken.
    pub taken_at: Option<String>,
    /// Files that the manifest names.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Everything that is wrong.
    pub faults: Vec<BackupFault>,
    /// Milliseconds in all.
    pub duration_ms: f64,
}

impl VerifyReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.backup-verify/1";
}
