//! What `evmig status` shows.

use serde::Serialize;

use super::problem::Problem;
use super::target::Target;

/// What is known of one migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationState {
    /// On disk, not in the database.
    Pending,
    /// In the database, as it is on disk.
    Applied,
    /// A non-transactional file of which a part is in the database.
    Failed,
    /// In the database, but the file has changed since.
    Divergent,
    /// In the database, but the file is gone.
    Missing,
    /// Was in the database and has been taken back.
    Reverted,
}

impl MigrationState {
    /// Returns the word that people and JSON read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Applied => "applied",
            Self::Failed => "failed",
            Self::Divergent => "divergent",
            Self::Missing => "missing",
            Self::Reverted => "reverted",
        }
    }
}

/// What is known of one phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseState {
    /// Nothing of it is applied.
    Pending,
    /// Some of it is applied.
    Partial,
    /// All of it is applied.
    Applied,
}

impl PhaseState {
    /// Returns the word that people and JSON read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Partial => "partial",
            Self::Applied => "applied",
        }
    }
}

/// One migration in `evmig status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MigrationStatus {
    /// Version as text; `None` for a repeatable migration.
    pub version: Option<String>,
    /// Name without version and ending.
    pub name: String,
    /// Step name.
    pub step: String,
    /// Its state.
    pub state: MigrationState,
    /// When it was applied, RFC 3339 in UTC.
    pub applied_on: Option<String>,
    /// The run that applied it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Where a failed file stands, or how a divergent one differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One phase in `evmig status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PhaseStatus {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its state.
    pub state: PhaseState,
    /// The environments that it is for, where this database is none of them: apply passes it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_in: Option<Vec<String>>,
    /// Its migrations in the order they run.
    pub migrations: Vec<MigrationStatus>,
}

impl PhaseStatus {
    /// Returns the migrations that count: what is for other environments only and not here waits for nothing.
    pub fn counted(&self) -> impl Iterator<Item = &MigrationStatus> {
        use MigrationState::{Pending, Reverted};
        let is_elsewhere = self.only_in.is_some();
        let all = self.migrations.iter();
        all.filter(move |one| !(is_elsewhere && matches!(one.state, Pending | Reverted)))
    }
}

/// The result of `evmig status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StatusReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// Database name.
    pub database: String,
    /// Version as the server prints it.
    pub server_version: String,
    /// The database.
    pub target: Target,
    /// The phases by number.
    pub phases: Vec<PhaseStatus>,
    /// Applied versions whose phase is not known any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orphans: Vec<MigrationStatus>,
    /// How many are pending, failed, divergent or missing; what is for other environments is not pending.
    pub pending: usize,
    /// What the reader should know or do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

impl StatusReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.status/1";
}
