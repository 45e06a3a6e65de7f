//! What happens during a run, as it happens; listeners show or store it.

use serde::Serialize;

use super::problem::Problem;

/// A session that is in the way of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blocker {
    /// Process id of the session.
    pub pid: i32,
    /// Its role; empty for a background process.
    pub user: String,
    /// Its `application_name`.
    pub application: String,
    /// `client backend`, `autovacuum worker`, …
    pub backend_type: String,
    /// `active`, `idle in transaction`, …
    pub state: String,
    /// Seconds since its transaction began.
    pub transaction_seconds: Option<u64>,
    /// The start of its current or last query, on one line.
    pub query: String,
    /// The relation it holds and we wait for, where that can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation: Option<String>,
}

impl Blocker {
    /// Returns whether this is an autovacuum worker that steps aside when asked to.
    ///
    /// One that prevents transaction id wraparound does not (PostgreSQL manual, 25.1.6).
    pub fn is_plain_autovacuum(&self) -> bool {
        self.backend_type == "autovacuum worker" && !self.query.contains("to prevent wraparound")
    }

    /// Returns whether this is a prepared transaction, which has no process (`pid` is 0).
    pub fn is_prepared(&self) -> bool {
        self.pid == 0 && self.backend_type.starts_with("prepared transaction ")
    }
}

/// A table that a statement had for itself, as it was before its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldTable {
    /// Its OID.
    pub oid: u32,
    /// Which file its rows were in.
    pub file: u32,
    /// The transaction that had it.
    pub transaction: u32,
}

/// One migration, as events and reports name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationRef {
    /// Version as text (`"101"`); `None` for a repeatable migration.
    pub version: Option<String>,
    /// Name without version and ending.
    pub name: String,
    /// Name of the phase.
    pub phase: String,
    /// Name of the step.
    pub step: String,
    /// Path of the file, relative to the project.
    pub file: String,
}

impl MigrationRef {
    /// Returns `V101__name` or `R__name`.
    pub fn label(&self) -> String {
        match &self.version {
            Some(version) => format!("V{version}__{}", self.name),
            None => format!("R__{}", self.name),
        }
    }
}

/// One thing that happened during a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum RunEvent {
    /// Another run holds the history's lock; asked again until the wait is used up.
    WaitingForRun {
        /// Who holds it, as far as the server tells.
        holder: Option<Blocker>,
        /// Seconds waited so far.
        waited_seconds: u64,
    },
    /// The run holds the lock and has written its first row.
    RunStarted {
        /// Run id.
        run: String,
        /// How many migrations it will apply.
        migrations: usize,
        /// How many statements they have in all.
        statements: usize,
    },
    /// A phase begins.
    PhaseStarted {
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
        /// Its title, if it has one.
        title: Option<String>,
    },
    /// A migration begins.
    MigrationStarted {
        /// Which.
        migration: MigrationRef,
        /// How many statements it has.
        statements: usize,
        /// Whether it runs in one transaction.
        transactional: bool,
        /// The statement it resumes at, from 0, after an interruption.
        resumed_at: Option<usize>,
    },
    /// A statement was answered.
    StatementDone {
        /// Which migration.
        migration: MigrationRef,
        /// Index from 0.
        index: usize,
        /// How many statements the migration has.
        of: usize,
        /// Milliseconds it ran, where that is a second or more, and it was seen to wait for nobody.
        #[serde(skip_serializing_if = "Option::is_none")]
        took_ms: Option<f64>,
        /// Tables that it was seen to have for itself, where `took_ms` is there: numbers that tell nobody anything but
        /// whether a table was written anew.
        #[serde(skip)]
        held: Vec<HeldTable>,
    },
    /// A statement is still running; sent after a quarter of a second, then every second.
    StatementRunning {
        /// Which migration.
        migration: MigrationRef,
        /// Index from 0.
        index: usize,
        /// How many statements the migration has.
        of: usize,
        /// Milliseconds since the last answer.
        running_ms: u64,
    },
    /// The server sent a notice or warning.
    Notice {
        /// Which migration was running.
        migration: Option<MigrationRef>,
        /// `NOTICE`, `WARNING`, …
        severity: String,
        /// Its text.
        message: String,
        /// Its hint, if any.
        hint: Option<String>,
    },
    /// The migration waits for a lock.
    Blocked {
        /// Which migration.
        migration: MigrationRef,
        /// Sessions in the way.
        blockers: Vec<Blocker>,
        /// Milliseconds it has waited.
        waited_ms: u64,
    },
    /// A lock was not obtained in time; everything was rolled back and will be tried again.
    Retrying {
        /// Which migration.
        migration: MigrationRef,
        /// Number of the try that failed, from 1.
        attempt: u32,
        /// How many retries there may be.
        of: u32,
        /// `55P03` or `40P01`.
        sqlstate: String,
        /// Who was in the way.
        blockers: Vec<Blocker>,
        /// Milliseconds until the next try.
        wait_ms: u64,
    },
    /// Progress of a statement that runs `CONCURRENTLY`.
    IndexProgress {
        /// Which migration.
        migration: MigrationRef,
        /// Phase as `pg_stat_progress_create_index` has it.
        phase: String,
        /// Per cent of the blocks or tuples done, if the phase counts them.
        percent: Option<u8>,
        /// Sessions whose transaction it waits for, oldest first.
        waits_for: Vec<Blocker>,
        /// Seconds since the statement began.
        seconds: u64,
    },
    /// An INVALID index of our own interrupted statement was dropped.
    InvalidIndexDropped {
        /// Which migration.
        migration: MigrationRef,
        /// Its qualified name.
        index: String,
    },
    /// The catalog shows that an interrupted statement did happen.
    StatementFound {
        /// Which migration.
        migration: MigrationRef,
        /// Index from 0.
        index: usize,
        /// What was found.
        evidence: String,
    },
    /// A migration is committed.
    MigrationApplied {
        /// Which.
        migration: MigrationRef,
        /// How many statements ran.
        statements: usize,
        /// How many tries failed for want of a lock.
        retries: u32,
        /// Milliseconds from its first statement to its commit.
        duration_ms: f64,
    },
    /// A migration is taken back, and that is committed.
    MigrationReverted {
        /// Which.
        migration: MigrationRef,
        /// How many statements its script has.
        statements: usize,
        /// Milliseconds from its script's first statement to the next script's.
        duration_ms: f64,
    },
    /// A step that this command does not run was passed over, and why.
    StepPassedOver {
        /// Phase name.
        phase: String,
        /// Step name; empty where all of the phase is passed over.
        step: String,
        /// Why.
        reason: String,
    },
    /// The connection was lost and evmig finds out what became of the work.
    Reconnecting {
        /// Why.
        reason: String,
    },
    /// A commit stopped waiting for its standby: it is on this server alone.
    NotReplicated {
        /// Which migration ran when the server said so.
        migration: MigrationRef,
    },
    /// Something the reader should know, without consequences for the run.
    Warning {
        /// What.
        problem: Problem,
    },
}

/// Somebody who listens to a run: the terminal, a JSON lines file, a test.
pub trait EventSink {
    /// Takes one event. It must not fail: showing never decides the outcome (faults.md B11).
    fn event(&mut self, event: &RunEvent);
}
