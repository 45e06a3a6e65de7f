//! What `evmig apply --dry-run` and `evmig plan` found out, as plain data.

use serde::{Deserialize, Serialize};

use super::access::AccessChange;
use super::change::ObjectChange;
use super::event::MigrationRef;
use super::place::Place;
use super::problem::Problem;
use super::target::Target;

/// How far a dry run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The statements are listed; the target is read only.
    Sql,
    /// They run in a throw-away database; the target is read only.
    Shadow,
    /// They run on the target, in a transaction that is rolled back.
    Rollback,
}

impl Level {
    /// Returns the word for it, as it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sql => "sql",
            Self::Shadow => "shadow",
            Self::Rollback => "rollback",
        }
    }
}

/// What an apply would come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Forecast {
    /// Everything that is selected would be applied, as far as it was tried.
    WouldApply,
    /// There is nothing to do.
    NothingToDo,
    /// A statement failed.
    WouldFail,
    /// Nothing was tried: the level lists the statements only.
    NotTried,
}

/// The result of a dry run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DryRunReport {
    /// Name and version of this document's format.
    pub schema: &'static str,
    /// How far it went.
    pub level: Level,
    /// What an apply would come to.
    pub forecast: Forecast,
    /// The database that the plan is for. Nothing in it was changed.
    pub target: Target,
    /// Its server's version.
    pub server_version: String,
    /// Where the statements ran; `None` where they ran on the target or not at all.
    pub shadow: Option<ShadowServer>,
    /// What the throw-away database was before the first pending statement.
    pub before: Option<PreState>,
    /// What of it was taken from an earlier dry run.
    pub remembered: Option<Remembered>,
    /// The catalog's fingerprints; `None` where nothing ran.
    pub fingerprint: Option<Fingerprints>,
    /// What would run, in order.
    pub migrations: Vec<DryMigration>,
    /// Migrations that stay pending because they were not selected.
    pub left: usize,
    /// Phases and steps that are not run here, and why.
    pub passed_over: Vec<String>,
    /// Objects that come, go or change.
    pub changes: Vec<ObjectChange>,
    /// Who may do what with which relation that could not, or not any more.
    pub access: Vec<AccessChange>,
    /// Locks on relations that others use, over all migrations, strongest first.
    pub locks: Vec<HeldLock>,
    /// What the phases' contracts do not allow.
    pub findings: Vec<Problem>,
    /// Statements of which not all can be known before they run on the target.
    pub unproved: Vec<Unproved>,
    /// What the reader should know of the dry run itself: what is missing, what could not be read.
    pub notes: Vec<Problem>,
    /// What failed in it.
    pub error: Option<Problem>,
    /// The plan that it was saved as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved: Option<SavedAs>,
    /// Milliseconds in all.
    pub duration_ms: f64,
}

/// The plan that a dry run was saved as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SavedAs {
    /// Its file.
    pub file: String,
    /// The checksum of it.
    pub checksum: String,
    /// What applies it.
    pub apply: String,
}

impl DryRunReport {
    /// Name and version of the document.
    pub const SCHEMA: &'static str = "evmig.dry-run/1";
}

/// The server of the throw-away database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShadowServer {
    /// `embedded`, `target`, or the URL without its password.
    pub place: String,
    /// Its version.
    pub server_version: String,
    /// Whether its major version is the target's.
    pub same_major: bool,
    /// Whether it is the server that the target is on.
    pub on_targets_server: bool,
}

impl ShadowServer {
    /// Returns where it is, for people.
    pub fn shown(&self) -> &str {
        if self.on_targets_server {
            "the target's own server"
        } else {
            &self.place
        }
    }
}

/// Where the state before the first pending statement came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreStateOrigin {
    /// Nothing had to be made.
    Empty,
    /// The applied migrations ran again.
    History,
    /// `pg_dump --schema-only` of the target.
    Dump,
}

/// What the throw-away database was before the first pending statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreState {
    /// Where it came from.
    pub origin: PreStateOrigin,
    /// How many migrations ran again.
    pub replayed: usize,
    /// Whether they ran in an earlier dry run, which kept the database.
    pub kept: bool,
    /// Whether its catalog equals the target's.
    pub proven: bool,
    /// How it differs from the target's.
    pub differences: Vec<ObjectChange>,
}

/// What was taken from an earlier dry run, which ran the same files in the same state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remembered {
    /// How many of the pending migrations.
    pub migrations: usize,
    /// When that began, in RFC 3339.
    pub at: String,
}

/// Fingerprints of the catalog, without the history's schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fingerprints {
    /// The target's now; `None` where its catalog cannot be read.
    pub target: Option<String>,
    /// The throw-away database's before the first pending statement.
    pub before: Option<String>,
    /// What the target's will be, if `before` is `target`; `None` after a failure.
    pub after: Option<String>,
}

/// One migration that would run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DryMigration {
    /// Which.
    #[serde(flatten)]
    pub migration: MigrationRef,
    /// Whether it runs in one transaction.
    pub transactional: bool,
    /// Whether it was tried.
    pub tried: bool,
    /// Why not, or why not to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_tried: Option<String>,
    /// Milliseconds it took in the throw-away database.
    pub duration_ms: Option<f64>,
    /// Its statements.
    pub statements: Vec<DryStatement>,
    /// The locks it holds on relations that others use, strongest first.
    pub locks: Vec<HeldLock>,
}

/// What of other sessions a lock keeps waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Blocks {
    /// Neither reads nor writes of rows.
    Nothing,
    /// Writes.
    Writes,
    /// Reads and writes.
    ReadsAndWrites,
}

/// Modes of a lock on a relation, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LockMode {
    /// `SELECT`.
    #[serde(rename = "ACCESS SHARE")]
    AccessShare,
    /// `SELECT … FOR UPDATE`.
    #[serde(rename = "ROW SHARE")]
    RowShare,
    /// `INSERT`, `UPDATE`, `DELETE`.
    #[serde(rename = "ROW EXCLUSIVE")]
    RowExclusive,
    /// `VACUUM`, `VALIDATE CONSTRAINT`, `CONCURRENTLY`.
    #[serde(rename = "SHARE UPDATE EXCLUSIVE")]
    ShareUpdateExclusive,
    /// `CREATE INDEX`.
    #[serde(rename = "SHARE")]
    Share,
    /// `ADD FOREIGN KEY`, `CREATE TRIGGER`.
    #[serde(rename = "SHARE ROW EXCLUSIVE")]
    ShareRowExclusive,
    /// `REFRESH MATERIALIZED VIEW CONCURRENTLY`.
    #[serde(rename = "EXCLUSIVE")]
    Exclusive,
    /// Most forms of `ALTER TABLE`.
    #[serde(rename = "ACCESS EXCLUSIVE")]
    AccessExclusive,
}

impl LockMode {
    /// Every mode, weakest first.
    pub const ALL: [Self; 8] = [
        Self::AccessShare,
        Self::RowShare,
        Self::RowExclusive,
        Self::ShareUpdateExclusive,
        Self::Share,
        Self::ShareRowExclusive,
        Self::Exclusive,
        Self::AccessExclusive,
    ];

    /// Reads the name that `pg_locks` has for it, such as `ShareRowExclusiveLock`.
    pub fn of_catalog(name: &str) -> Option<Self> {
        let names = [
            "AccessShareLock",
            "RowShareLock",
            "RowExclusiveLock",
            "ShareUpdateExclusiveLock",
            "ShareLock",
            "ShareRowExclusiveLock",
            "ExclusiveLock",
            "AccessExclusiveLock",
        ];
        let at = names.iter().position(|known| *known == name)?;
        Some(Self::ALL[at])
    }

    /// Returns its name in SQL.
    pub fn word(self) -> &'static str {
        match self {
            Self::AccessShare => "ACCESS SHARE",
            Self::RowShare => "ROW SHARE",
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }

    /// Returns what it keeps waiting (PostgreSQL manual, table 13.2).
    pub fn blocks(self) -> Blocks {
        match self {
            Self::AccessShare
            | Self::RowShare
            | Self::RowExclusive
            | Self::ShareUpdateExclusive => Blocks::Nothing,
            Self::Share | Self::ShareRowExclusive | Self::Exclusive => Blocks::Writes,
            Self::AccessExclusive => Blocks::ReadsAndWrites,
        }
    }
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationKind {
    /// A table, partitioned or not.
    Table,
    /// An index.
    Index,
    /// A sequence.
    Sequence,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// The table of large values of another.
    Toast,
    /// A foreign table, or what has no rows of its own.
    Other,
}

/// How a lock is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Read from `pg_locks` after the statement.
    Measured,
    /// What PostgreSQL documents for the statement, which runs outside of any transaction.
    Documented,
}

/// A lock that a statement took, which its transaction did not hold before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementLock {
    /// `schema.name`
    pub relation: String,
    /// What it is.
    pub kind: RelationKind,
    /// The strongest mode.
    pub mode: LockMode,
    /// What it keeps waiting.
    pub blocks: Blocks,
    /// How it is known.
    pub source: Source,
    /// Whether the same transaction made the relation: nobody else can see it.
    pub new: bool,
}

/// What a statement does to the rows of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// The relation is written anew.
    Rewrite,
    /// Every row is read.
    Scan,
    /// Every row is read, and an index is built.
    IndexBuild,
    /// Its rows go.
    Truncate,
}

/// Work on the rows of a relation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Work {
    /// `schema.name`
    pub relation: String,
    /// What is done.
    pub work: WorkKind,
    /// Bytes of the relation on the target, where it is there and can be read.
    pub bytes: Option<u64>,
    /// Rows on the target, as its statistics have them; `None` where they were never counted.
    pub rows: Option<u64>,
}

/// What an estimate rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The statement changes the catalog only, and took this long in the throw-away database.
    Shadow,
    /// The target's bytes, and the speed of the same work on the throw-away database's server.
    Speed,
    /// The target's bytes, and the speed of the same work on the target in earlier runs.
    History,
    /// It took this long on the target itself.
    Target,
    /// Nothing is known that an estimate could rest on.
    Unknown,
}

/// How long something takes on the target, and how that is known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// Milliseconds; `None` where it is not known.
    pub ms: Option<f64>,
    /// What it rests on.
    pub basis: Basis,
    /// The same, in words.
    pub reason: String,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DryStatement {
    /// Where it begins.
    pub place: Place,
    /// Its text.
    pub sql: String,
    /// Whether it ran.
    pub tried: bool,
    /// Locks it took.
    pub locks: Vec<StatementLock>,
    /// What it does to rows.
    pub work: Vec<Work>,
    /// Milliseconds it took where it ran.
    pub duration_ms: Option<f64>,
    /// How long it takes on the target.
    pub estimate: Option<Estimate>,
    /// Why not all of it can be known.
    pub unproved: Option<String>,
}

/// A lock on a relation that others use, from the statement that takes it to the end of its transaction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeldLock {
    /// `schema.name`
    pub relation: String,
    /// What it is.
    pub kind: RelationKind,
    /// The strongest mode.
    pub mode: LockMode,
    /// What it keeps waiting.
    pub blocks: Blocks,
    /// How it is known.
    pub source: Source,
    /// The migration that holds it, as `V101__name`.
    pub migration: String,
    /// The statement that takes it.
    pub place: Place,
    /// What is done to the rows of the relation while it is held.
    pub work: Vec<WorkKind>,
    /// Bytes of the relation on the target.
    pub bytes: Option<u64>,
    /// Rows of the relation on the target.
    pub rows: Option<u64>,
    /// How long it is held.
    pub held: Estimate,
}

/// A statement of which not all can be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unproved {
    /// Where it is.
    pub place: Place,
    /// Its first line.
    pub sql: String,
    /// Why.
    pub reason: String,
}
