//! Writes history without running anything: adopting refinery's rows, `baseline`, `repair`.

use super::error::RunError;
use super::transactional::Setup;
use crate::history::model::{Action, Key, VersionType};
use crate::history::store::{Record, RecordDuration, Store};
use crate::pg::session::Session;
use crate::plan::standing::{key, refinery_checksum};
use crate::project::{Migration, Project};
use crate::report::event::MigrationRef;

/// Who records, and why.
#[derive(Debug, Clone, Copy)]
pub struct Why<'a> {
    /// Run id.
    pub run: &'a str,
    /// What is recorded.
    pub action: Action,
    /// The reason that was given.
    pub reason: Option<&'a str>,
}

/// Returns how events and reports name a migration.
pub fn migration_ref(project: &Project, migration: &Migration) -> MigrationRef {
    let phase = &project.manifest.phases[migration.phase];
    MigrationRef {
        version: migration
            .version
            .number()
            .map(|version| version.to_string()),
        name: migration.name.clone(),
        phase: phase.name.value.clone(),
        step: phase.steps[migration.step].name.value.clone(),
        file: migration.path.to_string(),
    }
}

/// Everything about a migration that its row has, whatever was done with it.
pub struct Facts<'a> {
    migration: &'a Migration,
    key: Key,
    phase_number: u32,
    phase: &'a str,
    step: &'a str,
    checksum: Option<String>,
}

impl<'a> Facts<'a> {
    /// Gathers the facts of a migration.
    pub fn new(project: &'a Project, migration: &'a Migration, width: VersionType) -> Self {
        let phase = &project.manifest.phases[migration.phase];
        Self {
            migration,
            key: key(migration),
            phase_number: phase.number.value,
            phase: &phase.name.value,
            step: &phase.steps[migration.step].name.value,
            checksum: refinery_checksum(migration, width).map(|checksum| checksum.to_string()),
        }
    }

    /// Returns the migration's key.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Makes the row.
    pub fn record<'b>(
        &'b self,
        why: Why<'b>,
        guard: Option<&'b str>,
        duration: RecordDuration,
        statements: usize,
        journal_seq: Option<i64>,
    ) -> Record<'b> {
        Record {
            guard,
            key: &self.key,
            name: &self.migration.name,
            phase_number: self.phase_number,
            phase: self.phase,
            step: self.step,
            run: why.run,
            action: why.action,
            sha256: &self.migration.sha256,
            refinery_checksum: self.checksum.as_deref(),
            duration,
            statements,
            up_sql: Some(&self.migration.text),
            down_sql: self
                .migration
                .rollback
                .as_ref()
                .map(|script| script.text.as_str()),
            reason: why.reason,
            journal_seq,
        }
    }
}

/// Records migrations that are not run, in one transaction.
pub async fn record_all(
    session: &Session,
    setup: &Setup,
    store: &Store,
    project: &Project,
    migrations: &[&Migration],
    why: Why<'_>,
) -> Result<(), RunError> {
    if migrations.is_empty() {
        return Ok(());
    }
    let own = |failure| RunError::Own {
        what: "could not write the history",
        failure,
    };
    session
        .run(&format!("begin; {}", setup.own_prefix()))
        .await
        .map_err(own)?;
    for migration in migrations {
        let facts = Facts::new(project, migration, store.refinery().version_type);
        let record = facts.record(why, None, RecordDuration::None, 0, None);
        let prepared = store.record(&record);
        if let Err(failure) = session.query(&prepared.sql, &prepared.borrowed()).await {
            session.run("rollback").await.map_err(own)?;
            return Err(own(failure));
        }
    }
    session.run("commit").await.map_err(own)
}
