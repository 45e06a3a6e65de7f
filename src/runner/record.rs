//! Writes history without running anything: adopting refinery's rows, `baseline`, `repair`.

use std::borrow::Cow;
use std::time::Duration;

use super::apply;
use super::attempt::Interrupt;
use super::error::RunError;
use super::open::{Opening, open};
use super::retry::LockPolicy;
use super::transactional::Setup;
use super::turn;
use crate::history::model::{Action, Key, VersionType};
use crate::history::record::{Prepared, Record, RecordDuration};
use crate::history::store::{NOT_LOOKED_AT, Store};
use crate::pg::lock::HistoryLock;
use crate::pg::session::Session;
use crate::plan::choose::{Selection, choose};
use crate::plan::refusal::PlanRefusal;
use crate::plan::standing::{Standing, Standings, key, refinery_checksum, standings};
use crate::project::{Migration, Project, RollbackScript};
use crate::report::event::{EventSink, MigrationRef};
use crate::report::run::Outcome;

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
    up_sql: Option<Cow<'a, str>>,
    down_sql: Option<Cow<'a, str>>,
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
            up_sql: migration.stored(),
            down_sql: migration.rollback.as_ref().and_then(RollbackScript::stored),
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

    /// Returns what tells the migration's transaction in a run from every other.
    pub fn guard(&self, run: &str) -> String {
        format!("{run}:{}", self.key.to_text())
    }

    /// Returns the statements that record the migration within its own transaction. Any statement of
    /// the file may have called a function, and any function may have given the lock away.
    pub fn applied(
        &self,
        store: &Store,
        lock: HistoryLock,
        run: &str,
        guard: &str,
        statements: usize,
    ) -> Vec<Prepared> {
        let why = Why {
            run,
            action: Action::Apply,
            reason: None,
        };
        let duration = RecordDuration::SinceBegin;
        let record = self.record(why, Some(guard), duration, statements, None);
        store.record(&record, &lock.held())
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
            up_sql: self.up_sql.as_deref(),
            down_sql: self.down_sql.as_deref(),
            reason: why.reason,
            journal_seq,
        }
    }
}

/// What is recorded without being run.
#[derive(Debug, Clone, Copy)]
pub enum RecordWhat<'a> {
    /// The selected pending migrations, as applied.
    Baseline {
        /// Which.
        selection: &'a Selection,
    },
    /// The present text of one changed file, as what was applied.
    Repair {
        /// Its version.
        version: i64,
    },
}

/// A request to write history.
pub struct RecordRequest<'a> {
    /// The project.
    pub project: &'a Project,
    /// Where.
    pub opening: Opening,
    /// How long to wait for another run.
    pub wait: Duration,
    /// Run id.
    pub run: &'a str,
    /// What to record.
    pub what: RecordWhat<'a>,
    /// Why.
    pub reason: &'a str,
    /// The command's name, for the run's row.
    pub command: &'a str,
    /// The checkout's commit.
    pub git_commit: Option<String>,
}

/// Records what is asked for, under the lock; returns the labels of what was recorded.
pub async fn record(
    request: &RecordRequest<'_>,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Result<Vec<String>, RunError> {
    let project = request.project;
    // What counts is read under the lock.
    let opening = Opening {
        look: None,
        ..request.opening.clone()
    };
    let mut opened = open(&opening).await?;
    for warning in &opened.warnings {
        sink.event(warning);
    }
    let lock = HistoryLock::new(&project.manifest.project.history_schema);
    turn::take(&opened.session, lock, request.wait, interrupt, sink).await?;
    let look = opened.take_look().await?;
    let (history, mut located) = (&look.history, look.located(apply::widest(project))?);
    let standings = standings(project, history, located.version_type());
    let (action, chosen) = match request.what {
        RecordWhat::Baseline { selection } => {
            let chosen = choose(project, &standings, selection)?;
            (Action::Baseline, chosen.migrations().collect())
        }
        RecordWhat::Repair { version } => (
            Action::Repair,
            vec![repairable(project, &standings, version)?],
        ),
    };
    let migrations: Vec<&Migration> = chosen
        .iter()
        .map(|index| &project.migrations[*index])
        .collect();
    if migrations.is_empty() {
        return Ok(Vec::new());
    }
    located.make_ready(&opened.session).await?;
    let mut store = located.store();
    apply::widen_if_needed(&mut store, &opened.session, project).await?;
    let mut phases: Vec<String> = migrations
        .iter()
        .map(|migration| project.manifest.phases[migration.phase].name.value.clone())
        .collect();
    phases.dedup();
    let session = &opened.session;
    let commit = request.git_commit.as_deref();
    store
        .start_run(session, request.run, request.command, &phases, commit)
        .await?;
    let setup = apply::setup(&opened, LockPolicy::default());
    let why = Why {
        run: request.run,
        action,
        reason: Some(request.reason),
    };
    let recorded: Vec<_> = migrations.iter().map(|one| (*one, None)).collect();
    let recorded = record_all(session, &setup, &store, project, &recorded, why).await;
    let outcome = if recorded.is_ok() {
        Outcome::Applied
    } else {
        Outcome::Failed
    };
    let error = recorded.as_ref().err().map(ToString::to_string);
    store
        .finish_run(session, request.run, outcome.as_str(), error.as_deref())
        .await?;
    recorded?;
    Ok(migrations
        .iter()
        .map(|migration| migration.stem.clone())
        .collect())
}

/// Returns the index of a file that differs from what was applied.
fn repairable(project: &Project, standings: &Standings, version: i64) -> Result<usize, RunError> {
    let found = project
        .migrations
        .iter()
        .zip(&standings.of)
        .position(|(migration, _)| migration.version.number() == Some(version));
    match found.map(|index| (index, &standings.of[index])) {
        Some((index, Standing::Divergent { .. })) => Ok(index),
        Some((index, _)) => Err(RunError::from(PlanRefusal::NothingToRepair {
            label: project.migrations[index].stem.clone(),
        })),
        None => {
            let mut versions: Vec<i64> = project
                .migrations
                .iter()
                .filter_map(|migration| migration.version.number())
                .collect();
            versions.sort_by_key(|other| other.abs_diff(version));
            versions.truncate(3);
            Err(RunError::from(PlanRefusal::UnknownVersion {
                wanted: version,
                nearest: versions,
            }))
        }
    }
}

/// Records migrations that are not run, in one transaction. Beside each stands the checksum that
/// refinery's table has for it, where refinery applied it.
pub async fn record_all(
    session: &Session,
    setup: &Setup,
    store: &Store,
    project: &Project,
    migrations: &[(&Migration, Option<&str>)],
    why: Why<'_>,
) -> Result<(), RunError> {
    if migrations.is_empty() {
        return Ok(());
    }
    let own = || RunError::own("could not write the history");
    session
        .run(&format!("begin; {}", setup.own_prefix()))
        .await
        .map_err(own())?;
    for (migration, checksum) in migrations {
        let mut facts = Facts::new(project, migration, store.refinery().version_type);
        if let Some(checksum) = checksum {
            facts.checksum = Some((*checksum).to_owned());
        }
        let record = facts.record(why, None, RecordDuration::None, 0, None);
        for prepared in store.record(&record, NOT_LOOKED_AT) {
            if let Err(failure) = session.query(&prepared.sql, &prepared.borrowed()).await {
                session.run("rollback").await.map_err(own())?;
                return Err(own()(failure));
            }
        }
    }
    session.run("commit").await.map_err(own())
}
