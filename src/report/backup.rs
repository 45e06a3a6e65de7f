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

/// How far a restore is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreProgress {
    /// The table that is being filled.
    pub table: String,
    /// Tables that are full.
    pub done: usize,
    /// Tables in all.
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

/// How `evmig rollback --restore` ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreOutcome {
    /// It was asked with `--dry-run`.
    Planned,
    /// All rows are back.
    Restored,
    /// Something stopped it; the database is as it was.
    Failed,
    /// A signal stopped it; the database is as it was.
    Interrupted,
    /// The connection was lost at the commit.
    Unknown,
}

/// A table that is restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoredTable {
    /// Schema and name.
    pub table: String,
    /// Rows that are replaced.
    pub rows_before: u64,
    /// Rows of the backup.
    pub rows: u64,
}

/// The result of `evmig rollback --restore`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RestoreReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// The run's id, where it is in the history.
    pub run: Option<String>,
    /// How it ended.
    pub outcome: RestoreOutcome,
    /// The database.
    pub target: Target,
    /// The backup's folder.
    pub backup: String,
    /// Its id.
    pub backup_id: String,
    /// When its snapshot was taken.
    pub taken_at: String,
    /// The database that it is of.
    pub backup_database: String,
    /// Whether that is this very database.
    pub same_database: bool,
    /// The tables, in the order in which they are filled.
    pub tables: Vec<RestoredTable>,
    /// Whether the triggers of foreign keys are passed by, too.
    pub system_triggers: bool,
    /// Triggers that were switched off and have their state back.
    pub triggers: usize,
    /// Foreign keys that were proved.
    pub keys_proved: usize,
    /// Whether checksums are compared, and not only row counts.
    pub checksums: bool,
    /// Sequences that were moved on.
    pub sequences: usize,
    /// Version of `pg_restore`.
    pub pg_restore: String,
    /// Milliseconds in all.
    pub duration_ms: f64,
    /// What stopped it.
    pub error: Option<Problem>,
}

impl RestoreReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.restore/1";
}
