//! `evmig apply`: from the project and the history to committed migrations.

use std::time::{Duration, Instant};

use super::attempt::{Interrupt, Link};
use super::error::{RunError, Stop};
use super::open::{Opened, Opening, open};
use super::record::{self, Facts, Why, migration_ref};
use super::resolve::{self, Fate};
use super::retry::LockPolicy;
use super::stepwise::Steps;
use super::transactional::{self, Setup, Unit};
use super::turn;
use crate::history::model::{Action, History};
use crate::history::store::{Located, RecordDuration, Store, locate};
use crate::pg::lock::HistoryLock;
use crate::pg::session::Session;
use crate::plan::adopt::adoptions;
use crate::plan::choose::{Chosen, Selection, Work, choose};
use crate::plan::refusal::PlanRefusal;
use crate::plan::standing::standings;
use crate::project::script::{Mode, Script};
use crate::project::{Migration, Project, ProjectError};
use crate::report::event::{EventSink, MigrationRef, RunEvent};
use crate::report::run::{AppliedMigration, Outcome};

/// What to apply, where, and how.
pub struct Request<'a> {
    /// The project.
    pub project: &'a Project,
    /// What of it.
    pub selection: &'a Selection,
    /// Where.
    pub opening: Opening,
    /// How long to wait for another run.
    pub wait: Duration,
    /// Lock waits and retries.
    pub policy: LockPolicy,
    /// Run id.
    pub run: String,
    /// The checkout's commit, for the history.
    pub git_commit: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Applied {
    /// How it ended.
    pub outcome: Outcome,
    /// Whether a run was recorded.
    pub recorded: bool,
    /// What was committed, in order.
    pub applied: Vec<AppliedMigration>,
    /// How many statements of the file that stopped are committed.
    pub kept: usize,
    /// Runs of others that did the work meanwhile.
    pub other_runs: Vec<String>,
    /// Migrations that are pending now.
    pub pending: usize,
    /// What stopped it.
    pub error: Option<RunError>,
}

impl Applied {
    fn nothing(outcome: Outcome, pending: usize) -> Self {
        Self {
            outcome,
            recorded: false,
            applied: Vec::new(),
            kept: 0,
            other_runs: Vec::new(),
            pending,
            error: None,
        }
    }
}

/// Applies what is selected. The result always says what is committed, also after an error.
pub async fn apply(
    request: Request<'_>,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Applied {
    match prepare(&request, interrupt, sink).await {
        Err(error) => {
            let outcome = if matches!(error, RunError::Interrupted) {
                Outcome::Interrupted
            } else {
                Outcome::Failed
            };
            Applied {
                error: Some(error),
                ..Applied::nothing(outcome, 0)
            }
        }
        Ok(Prepared::Nothing { left, other_runs }) => Applied {
            other_runs,
            ..Applied::nothing(Outcome::NothingToDo, left)
        },
        Ok(Prepared::Ready(run)) => run.walk(interrupt, sink).await,
    }
}

/// What preparing comes to.
enum Prepared<'a> {
    /// Everything selected is applied already.
    Nothing {
        /// What stays pending.
        left: usize,
        /// Runs that did it while this one waited.
        other_runs: Vec<String>,
    },
    /// The lock is held and the run is recorded.
    Ready(Box<Run<'a>>),
}

/// Statements of a chosen migration, by its index in the project.
type Scripts = Vec<(usize, Script)>;

/// A run that holds the lock.
struct Run<'a> {
    project: &'a Project,
    opening: Opening,
    opened: Opened,
    watch_session: Option<Session>,
    store: Store,
    history: History,
    lock: HistoryLock,
    setup: Setup,
    run: String,
    chosen: Chosen,
    scripts: Scripts,
    applied: Vec<AppliedMigration>,
    kept: usize,
    unknown: bool,
}

/// Reads the history and decides; nothing is written before the lock is held.
async fn prepare<'a>(
    request: &Request<'a>,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Result<Prepared<'a>, RunError> {
    let project = request.project;
    let mut opened = open(&request.opening).await?;
    for warning in std::mem::take(&mut opened.warnings) {
        sink.event(&warning);
    }
    let (located, history) = look(&opened.session, project).await?;
    let chosen = plan(project, &history, &located, request.selection)?;
    if nothing_to_do(project, &chosen, &history, &located) {
        tell_passed_over(project, &chosen, sink);
        return Ok(Prepared::Nothing {
            left: chosen.left,
            other_runs: Vec::new(),
        });
    }
    let scripts = scripts(project, &chosen)?;
    refuse_if_present(&opened.session, project, &history, &scripts).await?;
    let lock = HistoryLock::new(&project.manifest.project.history_schema);
    turn::take(&opened.session, lock, request.wait, interrupt, sink).await?;
    // What was read before is only a forecast: it counts what is there under the lock.
    let before = history.rows.len();
    let (located, history) = look(&opened.session, project).await?;
    let chosen = plan(project, &history, &located, request.selection)?;
    if nothing_to_do(project, &chosen, &history, &located) {
        let mut other_runs: Vec<String> = history.rows[before.min(history.rows.len())..]
            .iter()
            .map(|row| row.run.clone())
            .collect();
        other_runs.dedup();
        return Ok(Prepared::Nothing {
            left: chosen.left,
            other_runs,
        });
    }
    let setup = setup(&opened, request.policy);
    let store = begin(request, &opened, &setup, located, &history, &chosen).await?;
    sink.event(&RunEvent::RunStarted {
        run: request.run.clone(),
        migrations: chosen.migrations().count(),
        statements: scripts.iter().map(|(_, script)| script.body().len()).sum(),
    });
    Ok(Prepared::Ready(Box::new(Run {
        project,
        opening: request.opening.clone(),
        opened,
        watch_session: None,
        store,
        history,
        lock,
        setup,
        run: request.run.clone(),
        chosen,
        scripts,
        applied: Vec::new(),
        kept: 0,
        unknown: false,
    })))
}

/// Looks where the history is and reads it.
pub async fn look(session: &Session, project: &Project) -> Result<(Located, History), RunError> {
    let widest = project
        .migrations
        .iter()
        .filter_map(|migration| migration.version.number())
        .max();
    let schema = project.manifest.project.history_schema.value.as_str();
    let located = locate(session, schema, widest.unwrap_or(0)).await?;
    let history = located.read(session).await?;
    Ok((located, history))
}

fn plan(
    project: &Project,
    history: &History,
    located: &Located,
    selection: &Selection,
) -> Result<Chosen, RunError> {
    let standings = standings(project, history, located.version_type());
    Ok(choose(project, &standings, selection)?)
}

/// Rows of refinery's that evmig does not know yet are something to do.
fn nothing_to_do(project: &Project, chosen: &Chosen, history: &History, located: &Located) -> bool {
    chosen.migrations().next().is_none()
        && adoptions(project, history, located.version_type()).is_empty()
}

/// Cuts the chosen migrations into statements; everything that is wrong is said at once.
fn scripts(project: &Project, chosen: &Chosen) -> Result<Scripts, RunError> {
    let mut scripts = Vec::new();
    let mut errors: Vec<ProjectError> = Vec::new();
    for index in chosen.migrations() {
        let migration = &project.migrations[index];
        let phase = &project.manifest.phases[migration.phase];
        match Script::build(migration, &phase.name, phase.contract.as_ref()) {
            Ok(script) => scripts.push((index, script)),
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() {
        Ok(scripts)
    } else {
        Err(RunError::Scripts { errors })
    }
}

/// An empty history over a database that has the objects was lost, or never was: either way the
/// files must not run.
async fn refuse_if_present(
    session: &Session,
    project: &Project,
    history: &History,
    scripts: &Scripts,
) -> Result<(), RunError> {
    if !history.is_empty() {
        return Ok(());
    }
    for (index, script) in scripts {
        let names: Vec<String> = script
            .created_relations()
            .iter()
            .map(|name| name.quoted())
            .collect();
        if names.is_empty() {
            continue;
        }
        let list = serde_json::Value::from(names).to_string();
        let rows = session
            .query(include_str!("sql/present.sql"), &[Some(&list)])
            .await
            .map_err(|failure| RunError::Own {
                what: "could not look for objects",
                failure,
            })?;
        if !rows.is_empty() {
            return Err(RunError::Plan(PlanRefusal::ObjectsPresent {
                label: project.migrations[*index].stem.clone(),
                relations: rows.iter().map(|row| row.text(0)).collect(),
            }));
        }
    }
    Ok(())
}

/// Returns how every transaction of this run is set up.
pub fn setup(opened: &Opened, policy: LockPolicy) -> Setup {
    Setup {
        policy,
        deadlock_timeout: opened.facts.deadlock_timeout,
        search_path: Some(opened.beginnings.search_path.clone()),
        own_role: opened.beginnings.own_role.clone(),
        lock_hold: None,
    }
}

/// Writes the run's first row, and takes over what refinery did.
async fn begin(
    request: &Request<'_>,
    opened: &Opened,
    setup: &Setup,
    mut located: Located,
    history: &History,
    chosen: &Chosen,
) -> Result<Store, RunError> {
    let project = request.project;
    let mut store = if located.exists {
        located.store()
    } else {
        located.create(&opened.session).await?
    };
    widen_if_needed(&mut store, &opened.session, project, history).await?;
    let mut phases: Vec<String> = chosen
        .migrations()
        .map(|index| project.migrations[index].phase)
        .map(|phase| project.manifest.phases[phase].name.value.clone())
        .collect();
    phases.dedup();
    let commit = request.git_commit.as_deref();
    store
        .start_run(&opened.session, &request.run, "apply", &phases, commit)
        .await?;
    let width = store.refinery().version_type;
    let adopted: Vec<&Migration> = adoptions(project, history, width)
        .iter()
        .map(|adoption| &project.migrations[adoption.index])
        .collect();
    let why = Why {
        run: &request.run,
        action: Action::Adopt,
        reason: None,
    };
    record::record_all(&opened.session, setup, &store, project, &adopted, why).await?;
    Ok(store)
}

/// A version beyond int4 in the project makes refinery's table int8, with the checksums that
/// refinery computes for that width.
pub async fn widen_if_needed(
    store: &mut Store,
    session: &Session,
    project: &Project,
    history: &History,
) -> Result<(), RunError> {
    use crate::history::model::{Key, VersionType};
    let too_large = |migration: &Migration| {
        migration
            .version
            .number()
            .is_some_and(|version| i32::try_from(version).is_err())
    };
    if store.refinery().version_type == VersionType::Int8
        || !project.migrations.iter().any(too_large)
    {
        return Ok(());
    }
    let known: Vec<(i64, u64)> = project
        .migrations
        .iter()
        .filter_map(|migration| Some((migration.version.number()?, migration.refinery_i64()?)))
        .filter(|(version, _)| {
            history
                .refinery
                .iter()
                .any(|row| Key::Version(row.version) == Key::Version(*version))
        })
        .collect();
    Ok(store.widen(session, &known).await?)
}

fn tell_passed_over(project: &Project, chosen: &Chosen, sink: &mut dyn EventSink) {
    for work in &chosen.work {
        if let Work::PassOver {
            phase,
            step,
            reason,
        } = work
        {
            let phase = &project.manifest.phases[*phase];
            sink.event(&RunEvent::StepPassedOver {
                phase: phase.name.value.clone(),
                step: step
                    .map(|step| phase.steps[step].name.value.clone())
                    .unwrap_or_default(),
                reason: reason.clone(),
            });
        }
    }
}

impl Run<'_> {
    /// Does the chosen work, one after the other, and records how it ended.
    async fn walk(mut self, interrupt: &mut Interrupt, sink: &mut dyn EventSink) -> Applied {
        let work = std::mem::take(&mut self.chosen.work);
        let result = self.do_all(&work, interrupt, sink).await;
        let total = self.scripts.len();
        let outcome = match &result {
            Ok(()) => Outcome::Applied,
            Err(_) if self.unknown => Outcome::Unknown,
            Err(error) if is_interrupt(error) => Outcome::Interrupted,
            Err(_) => Outcome::Failed,
        };
        let error = result.err();
        let text = error.as_ref().map(ToString::to_string);
        if outcome != Outcome::Unknown {
            self.finish(outcome, text.as_deref(), sink).await;
        }
        Applied {
            outcome,
            recorded: true,
            pending: self.chosen.left + total - self.applied.len(),
            applied: self.applied,
            kept: self.kept,
            other_runs: Vec::new(),
            error,
        }
    }

    async fn do_all(
        &mut self,
        work: &[Work],
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<(), RunError> {
        let mut phase_told = None;
        for item in work {
            if interrupt.is_set() {
                return Err(RunError::Interrupted);
            }
            let phase = match item {
                Work::Migration { index } => self.project.migrations[*index].phase,
                Work::Analyze { phase, .. } | Work::PassOver { phase, .. } => *phase,
            };
            if phase_told != Some(phase) && !matches!(item, Work::PassOver { .. }) {
                phase_told = Some(phase);
                let phase = &self.project.manifest.phases[phase];
                sink.event(&RunEvent::PhaseStarted {
                    number: phase.number.value,
                    name: phase.name.value.clone(),
                    title: phase.title.clone(),
                });
            }
            match item {
                Work::Migration { index } => self.migrate(*index, interrupt, sink).await?,
                Work::Analyze { tables, .. } => self.analyze(tables).await?,
                Work::PassOver { .. } => {
                    let one = Chosen {
                        work: vec![item.clone()],
                        left: 0,
                    };
                    tell_passed_over(self.project, &one, sink);
                }
            }
        }
        Ok(())
    }

    async fn migrate(
        &mut self,
        index: usize,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<(), RunError> {
        let migration = &self.project.migrations[index];
        let named = migration_ref(self.project, migration);
        let started = Instant::now();
        let done = self.run_one(index, &named, interrupt, sink).await;
        let (statements, retries) = match done {
            Ok(done) => done,
            Err(stop) => self.after_stop(index, &named, *stop, sink).await?,
        };
        self.reset(&named).await?;
        let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
        sink.event(&RunEvent::MigrationApplied {
            migration: named.clone(),
            statements,
            retries,
            duration_ms,
        });
        self.applied.push(AppliedMigration {
            version: named.version,
            name: named.name,
            phase: named.phase,
            step: named.step,
            statements,
            retries,
            duration_ms,
        });
        Ok(())
    }

    /// Runs one migration and its history row; returns its statements and retries.
    async fn run_one(
        &mut self,
        index: usize,
        named: &MigrationRef,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<(usize, u32), Box<Stop>> {
        self.kept = 0;
        let migration = &self.project.migrations[index];
        let Some((_, script)) = self.scripts.iter().find(|(at, _)| *at == index) else {
            return Ok((0, 0));
        };
        let facts = Facts::new(self.project, migration, self.store.refinery().version_type);
        let journal = self.history.journal(facts.key());
        let contract = self.project.manifest.phases[migration.phase]
            .contract
            .as_ref();
        let setup = Setup {
            lock_hold: contract
                .and_then(|contract| contract.max_lock_hold.as_ref())
                .map(|at| at.value),
            ..self.setup.clone()
        };
        let steps = Steps {
            script,
            store: &self.store,
            key: facts.key(),
            migration: named,
            run: &self.run,
            journal: &journal,
            setup: &setup,
        };
        let transactional = matches!(script.mode(), Mode::Transaction { .. });
        sink.event(&RunEvent::MigrationStarted {
            migration: named.clone(),
            statements: script.body().len(),
            transactional,
            resumed_at: Some(steps.resume_at()).filter(|at| *at > 0 && !transactional),
        });
        let mut link = Link {
            session: &self.opened.session,
            notices: &mut self.opened.notices,
            watcher: &self.opened.watcher,
            watch_session: &mut self.watch_session,
            pid: self.opened.facts.backend.pid,
            interrupt,
            sink,
        };
        let why = Why {
            run: &self.run,
            action: Action::Apply,
            reason: None,
        };
        let count = script.body().len();
        if transactional {
            let guard = format!("{}:{}", self.run, facts.key().to_text());
            let row = facts.record(why, Some(&guard), RecordDuration::SinceBegin, count, None);
            let records = [self.store.record(&row)];
            let unit = Unit {
                script,
                first: script.body().start,
                end: script.body().end,
                begin: script.begin(),
                guard: &guard,
                records: &records,
                migration: named,
                kept: 0,
            };
            let cost = transactional::run(&mut link, &setup, unit).await?;
            return Ok((count, cost.retries));
        }
        let cost = steps.run(&mut link, &mut self.kept).await?;
        let last = self
            .store
            .last_journal(&self.opened.session, facts.key())
            .await;
        let last = last.map_err(own_history)?;
        let duration = RecordDuration::Milliseconds(cost.elapsed.as_secs_f64() * 1000.0);
        let row = facts.record(why, None, duration, count, last);
        let record = self.store.record(&row);
        let session = &self.opened.session;
        let begin = format!("begin; {}", setup.own_prefix());
        let parameters = record.borrowed();
        let (begun, written, ended) = tokio::join!(
            biased;
            session.run(&begin),
            session.query(&record.sql, &parameters),
            session.run("commit"),
        );
        begun
            .and(written.map(|_| ()))
            .and(ended)
            .map_err(|failure| super::stepwise::own("could not write the history", failure))?;
        Ok((count, cost.retries))
    }

    /// Finds out what a lost connection has left, and gives every other stop its migration.
    async fn after_stop(
        &mut self,
        index: usize,
        named: &MigrationRef,
        stop: Stop,
        sink: &mut dyn EventSink,
    ) -> Result<(usize, u32), RunError> {
        self.kept = self.kept.max(stop.kept());
        let Stop::ConnectionLost { failure } = stop else {
            return Err(RunError::Migration {
                migration: named.clone(),
                stop: Box::new(stop),
            });
        };
        let key = crate::plan::standing::key(&self.project.migrations[index]);
        let reason = failure.to_string();
        let fate = resolve::ask(
            &self.opening,
            &self.store,
            self.lock,
            &key,
            &self.run,
            &reason,
            sink,
        )
        .await;
        self.watch_session = None;
        match fate {
            Fate::Applied(opened) => {
                self.opened = *opened;
                let count = self.scripts.iter().find(|(at, _)| *at == index);
                Ok((count.map_or(0, |(_, script)| script.body().len()), 0))
            }
            Fate::NotApplied(opened) => {
                self.opened = *opened;
                let journal = self.store.read(&self.opened.session).await?;
                self.kept = journal
                    .journal(&key)
                    .iter()
                    .filter(|row| row.state == crate::history::model::StatementState::Done)
                    .count();
                let stop = Box::new(Stop::ConnectionLost { failure });
                Err(RunError::Migration {
                    migration: named.clone(),
                    stop,
                })
            }
            Fate::Unknown(why) => {
                self.unknown = true;
                let stop = Box::new(Stop::Unknown { failure, why });
                Err(RunError::Migration {
                    migration: named.clone(),
                    stop,
                })
            }
        }
    }

    /// Leaves nothing of a file's settings for the next one, and makes sure of the lock.
    async fn reset(&mut self, named: &MigrationRef) -> Result<(), RunError> {
        let own = |failure| RunError::Own {
            what: "could not reset the session",
            failure,
        };
        let reset = self.opened.settings.reset_sql();
        let (reset, held) = tokio::join!(
            biased;
            self.opened.session.run(&reset),
            self.lock.is_held(&self.opened.session)
        );
        reset.map_err(own)?;
        if held.map_err(own)? {
            return Ok(());
        }
        Err(RunError::Migration {
            migration: named.clone(),
            stop: Box::new(Stop::LostLock),
        })
    }

    async fn analyze(&self, tables: &[String]) -> Result<(), RunError> {
        for table in tables {
            let parts: Vec<&str> = table.splitn(2, '.').collect();
            let name = match parts.as_slice() {
                [schema, table] => crate::sql::name::QualifiedName {
                    schema: Some((*schema).to_owned()),
                    name: (*table).to_owned(),
                },
                _ => crate::sql::name::QualifiedName {
                    schema: Some("public".to_owned()),
                    name: table.clone(),
                },
            };
            self.opened
                .session
                .run(&format!("analyze {}", name.quoted()))
                .await
                .map_err(|failure| RunError::Own {
                    what: "could not analyze a table",
                    failure,
                })?;
        }
        Ok(())
    }

    /// Records the end, gives the lock back, and says goodbye; none of it changes the outcome.
    async fn finish(&mut self, outcome: Outcome, error: Option<&str>, sink: &mut dyn EventSink) {
        let session = &self.opened.session;
        // A failed file may have left its settings.
        let reset = self.opened.settings.reset_sql();
        let ended = match session.run(&reset).await {
            Ok(()) => {
                self.store
                    .finish_run(session, &self.run, outcome.as_str(), error)
                    .await
            }
            Err(failure) => Err(crate::history::store::HistoryError::Query {
                what: "could not reset the session",
                failure,
            }),
        };
        if let Err(error) = ended {
            sink.event(&RunEvent::Warning {
                problem: crate::report::problem::Problem::new(
                    "run-end-not-recorded",
                    "the end of the run could not be recorded",
                )
                .detail(error.to_string()),
            });
        }
        // The end of the session gives it back too.
        drop(self.lock.release(session).await);
    }
}

fn own_history(error: crate::history::store::HistoryError) -> Box<Stop> {
    Box::new(match error {
        crate::history::store::HistoryError::Query { what, failure } => Stop::Own { what, failure },
        other => Stop::Own {
            what: "could not read the journal",
            failure: crate::pg::error::DbFailure::protocol(&other.to_string()),
        },
    })
}

/// Returns whether a signal stopped the run.
fn is_interrupt(error: &RunError) -> bool {
    match error {
        RunError::Interrupted => true,
        RunError::Migration { stop, .. } => matches!(**stop, Stop::Interrupted { .. }),
        _ => false,
    }
}
