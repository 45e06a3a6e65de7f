//! A run that holds the lock: its work, one after the other, and how it ended.

use std::time::Instant;

use super::apply::{Applied, Scripts};
use super::attempt::{Interrupt, Link};
use super::error::{RunError, Stop};
use super::open::{Opened, Opening};
use super::record::{Facts, Why, migration_ref};
use super::resolve::{self, Fate};
use super::stepwise::{self, Steps};
use super::transactional::{self, Setup, Unit};
use crate::history::error::HistoryError;
use crate::history::model::{Action, History, StatementState};
use crate::history::record::{Prepared, RecordDuration};
use crate::history::store::Store;
use crate::pg::error::DbFailure;
use crate::pg::lock::{HistoryLock, LOST};
use crate::pg::session::Session;
use crate::plan::choose::{Chosen, Work};
use crate::plan::standing::key;
use crate::project::Project;
use crate::project::script::{Mode, Script};
use crate::report::event::{EventSink, MigrationRef, RunEvent};
use crate::report::problem::Problem;
use crate::report::run::{AppliedMigration, Outcome};
use crate::sql::name::QualifiedName;

/// A run that holds the lock.
pub(super) struct Run<'a> {
    pub(super) project: &'a Project,
    pub(super) opening: Opening,
    pub(super) opened: Opened,
    pub(super) watch_session: Option<Session>,
    pub(super) store: Store,
    pub(super) history: History,
    pub(super) lock: HistoryLock,
    pub(super) setup: Setup,
    pub(super) id: String,
    pub(super) chosen: Chosen,
    pub(super) scripts: Scripts,
    pub(super) applied: Vec<AppliedMigration>,
    pub(super) kept: usize,
    pub(super) unknown: bool,
}

/// Says what is not run here, and why.
pub(super) fn tell_passed_over(project: &Project, chosen: &Chosen, sink: &mut dyn EventSink) {
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

/// One migration's way into the history.
struct Recording<'a> {
    session: &'a Session,
    store: &'a Store,
    lock: HistoryLock,
    facts: &'a Facts<'a>,
    run: &'a str,
    reset: String,
}

impl Recording<'_> {
    fn why(&self) -> Why<'_> {
        Why {
            run: self.run,
            action: Action::Apply,
            reason: None,
        }
    }

    /// Runs a file and its history row in one transaction; returns the retries.
    async fn in_transaction(
        &self,
        link: &mut Link<'_>,
        setup: &Setup,
        script: &Script,
        named: &MigrationRef,
    ) -> Result<u32, Box<Stop>> {
        let guard = format!("{}:{}", self.run, self.facts.key().to_text());
        let body = script.body();
        let since_begin = RecordDuration::SinceBegin;
        let row = self
            .facts
            .record(self.why(), Some(&guard), since_begin, body.len(), None);
        // Any statement may call a function, and any function may give the lock away.
        let records = [self.lock_is_held(), self.store.record(&row)];
        let unit = Unit {
            script,
            first: body.start,
            end: body.end,
            begin: script.begin(),
            guard: &guard,
            records: &records,
            migration: named,
            kept: 0,
        };
        transactional::run(link, setup, unit)
            .await
            .map(|cost| cost.retries)
    }

    /// Runs a file statement by statement, then records it; returns the retries.
    async fn stepwise(
        &self,
        link: &mut Link<'_>,
        steps: &Steps<'_>,
        count: usize,
        kept: &mut usize,
    ) -> Result<u32, Box<Stop>> {
        self.reset().await?;
        let cost = steps.run(link, kept).await?;
        // The file may have left a role that may not read the journal, and a path of its own.
        self.reset().await?;
        let last = self
            .store
            .last_journal(self.session, self.facts.key())
            .await;
        let last = last.map_err(own_history)?;
        let duration = RecordDuration::Milliseconds(cost.elapsed.as_secs_f64() * 1000.0);
        let record = self
            .store
            .record(&self.facts.record(self.why(), None, duration, count, last));
        let held = self.lock_is_held();
        let begin = format!("begin; {}", steps.setup.own_prefix());
        let parameters = record.borrowed();
        let (begun, held, written, ended) = tokio::join!(
            biased;
            self.session.run(&begin),
            self.session.query(&held.sql, &[]),
            self.session.query(&record.sql, &parameters),
            self.session.run("commit"),
        );
        begun
            .and(held.map(|_| ()))
            .and(written.map(|_| ()))
            .and(ended)
            .map_err(|failure| {
                if failure.message.contains(LOST) {
                    Box::new(Stop::LostLock)
                } else {
                    stepwise::own("could not write the history", failure)
                }
            })?;
        Ok(cost.retries)
    }

    async fn reset(&self) -> Result<(), Box<Stop>> {
        let own = |failure| stepwise::own("could not reset the session", failure);
        self.session.run(&self.reset).await.map_err(own)
    }

    /// What makes the transaction fail if a file has given the run's lock away.
    fn lock_is_held(&self) -> Prepared {
        Prepared {
            sql: self.lock.assert_sql(),
            parameters: Vec::new(),
        }
    }
}

impl Run<'_> {
    /// Does the chosen work, one after the other, and records how it ended.
    pub(super) async fn walk(
        mut self,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Applied {
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
        let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
        sink.event(&RunEvent::MigrationApplied {
            migration: named.clone(),
            statements,
            retries,
            duration_ms,
        });
        self.applied.push(AppliedMigration {
            version: named.version.clone(),
            name: named.name.clone(),
            phase: named.phase.clone(),
            step: named.step.clone(),
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
            run: &self.id,
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
        let count = script.body().len();
        let recording = Recording {
            session: &self.opened.session,
            store: &self.store,
            lock: self.lock,
            facts: &facts,
            run: &self.id,
            reset: self.opened.settings.reset_sql(),
        };
        let retries = if transactional {
            recording
                .in_transaction(&mut link, &setup, script, named)
                .await?
        } else {
            recording
                .stepwise(&mut link, &steps, count, &mut self.kept)
                .await?
        };
        Ok((count, retries))
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
                migration: Box::new(named.clone()),
                stop: Box::new(stop),
            });
        };
        // What is out of step or silent may still be open, with the lock.
        self.opened.session.abandon();
        let key = key(&self.project.migrations[index]);
        let reason = failure.to_string();
        let fate = resolve::ask(
            &self.opening,
            &self.store,
            self.lock,
            &key,
            &self.id,
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
                    .filter(|row| row.state == StatementState::Done)
                    .count();
                let stop = Box::new(Stop::ConnectionLost { failure });
                Err(RunError::Migration {
                    migration: Box::new(named.clone()),
                    stop,
                })
            }
            Fate::Unknown(why) => {
                self.unknown = true;
                let stop = Box::new(Stop::Unknown { failure, why });
                Err(RunError::Migration {
                    migration: Box::new(named.clone()),
                    stop,
                })
            }
        }
    }

    async fn analyze(&self, tables: &[String]) -> Result<(), RunError> {
        // A role that the last file has left behind would pass its tables over with a warning.
        let reset = self.opened.settings.reset_sql();
        let own = RunError::own("could not reset the session");
        self.opened.session.run(&reset).await.map_err(own)?;
        for table in tables {
            let parts: Vec<&str> = table.splitn(2, '.').collect();
            let name = match parts.as_slice() {
                [schema, table] => QualifiedName {
                    schema: Some((*schema).to_owned()),
                    name: (*table).to_owned(),
                },
                _ => QualifiedName {
                    schema: Some("public".to_owned()),
                    name: table.clone(),
                },
            };
            self.opened
                .session
                .run(&format!("analyze {}", name.quoted()))
                .await
                .map_err(RunError::own("could not analyze a table"))?;
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
                    .finish_run(session, &self.id, outcome.as_str(), error)
                    .await
            }
            Err(failure) => Err(HistoryError::Query {
                what: "could not reset the session",
                failure: Box::new(failure),
            }),
        };
        if let Err(error) = ended {
            sink.event(&RunEvent::Warning {
                problem: Problem::new(
                    "run-end-not-recorded",
                    "the end of the run could not be recorded",
                )
                .detail(error.to_string()),
            });
        }
        let lost = session.lost_notices();
        if lost > 0 {
            sink.event(&RunEvent::Warning {
                problem: Problem::new(
                    "notices-lost",
                    format!(
                        "{lost} notices came faster than they could be shown, and were not kept"
                    ),
                ),
            });
        }
        // The end of the session gives it back too.
        drop(self.lock.release(session).await);
    }
}

fn own_history(error: HistoryError) -> Box<Stop> {
    Box::new(match error {
        HistoryError::Query { what, failure } => Stop::Own {
            what,
            failure: *failure,
        },
        other => Stop::Own {
            what: "could not read the journal",
            failure: DbFailure::protocol(&other.to_string()),
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
