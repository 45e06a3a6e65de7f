//! A run that holds the lock: its work, one after the other, and how it ended.

use std::collections::HashMap;
use std::time::Instant;

use super::apply::Applied;
use super::attempt::{Interrupt, Link};
use super::error::{RunError, Stop};
use super::open::{Opened, Opening};
use super::pace::{Paced, Slow};
use super::planned;
use super::record::{Facts, Why, migration_ref};
use super::resolve::{self, Fate};
use super::stepwise::{self, Steps};
use super::transactional::{self, Setup, Tried, Unit};
use crate::history::checkpoint::Moment;
use crate::history::error::HistoryError;
use crate::history::model::{Action, History, Journal, Key, StatementState};
use crate::history::record::{Prepared, RecordDuration};
use crate::history::store::Store;
use crate::pg::error::DbFailure;
use crate::pg::lock::{HistoryLock, LOST};
use crate::pg::session::{Command, Session, Window};
use crate::plan::choose::{Chosen, Work};
use crate::plan::saved::Prediction;
use crate::plan::standing::key;
use crate::project::Project;
use crate::project::script::{Mode, Script};
use crate::report::event::{EventSink, MigrationRef, RunEvent};
use crate::report::problem::Problem;
use crate::report::run::{AppliedMigration, Outcome, PlanResult};
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
    /// By the migration's index in the project.
    pub(super) scripts: HashMap<usize, Script>,
    pub(super) applied: Vec<AppliedMigration>,
    pub(super) kept: usize,
    pub(super) unknown: bool,
    /// Whether each file travels in a message of its own.
    pub(super) alone: bool,
    /// The index of a migration whose beginning was told already.
    pub(super) begun: Option<usize>,
    /// The fingerprint of the newest checkpoint; `None` where this run makes none.
    pub(super) known: Option<String>,
    /// What the plan says that the catalog will be; `None` without a plan.
    pub(super) predicted: Option<&'a Prediction>,
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

/// Says that a migration begins.
pub(super) fn begins(
    named: &MigrationRef,
    statements: usize,
    transactional: bool,
    resumed_at: Option<usize>,
) -> RunEvent {
    RunEvent::MigrationStarted {
        migration: named.clone(),
        statements,
        transactional,
        resumed_at,
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
        first: Option<Tried>,
    ) -> Result<u32, Box<Stop>> {
        let guard = self.facts.guard(self.run);
        let body = script.body();
        let facts = self.facts;
        let records = facts.applied(self.store, self.lock, self.run, &guard, body.len());
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
        transactional::run(link, setup, unit, first)
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
        let record = self.facts.record(self.why(), None, duration, count, last);
        let records = self.store.record(&record, &self.lock.held());
        let begin = format!("begin; {}", steps.setup.own_prefix());
        let parameters: Vec<_> = records.iter().map(Prepared::borrowed).collect();
        let own = records.iter().zip(&parameters);
        let commands = std::iter::once(Command::Text(&begin))
            .chain(own.map(|(record, parameters)| Command::Own(&record.sql, parameters)))
            .chain([Command::Text("commit")]);
        self.session
            .pipeline(commands, Window::default(), |_| {})
            .await
            .map_err(|(_, failure)| {
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
}

impl Run<'_> {
    /// Does the chosen work, one after the other, and records how it ended.
    pub(super) async fn walk(
        mut self,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Applied {
        let work = std::mem::take(&mut self.chosen.work);
        let mut paced = Paced::new(sink);
        let result = Box::pin(self.do_all(&work, interrupt, &mut paced)).await;
        let slow = paced.slow();
        let total = self.scripts.len();
        let outcome = match &result {
            Ok(()) => Outcome::Applied,
            Err(_) if self.unknown => Outcome::Unknown,
            Err(error) if is_interrupt(error) => Outcome::Interrupted,
            Err(_) => Outcome::Failed,
        };
        let error = result.err();
        let text = error.as_ref().map(ToString::to_string);
        let plan = if outcome == Outcome::Unknown {
            None
        } else {
            self.finish(outcome, text.as_deref(), &slow, sink).await
        };
        Applied {
            outcome,
            recorded: true,
            pending: self.chosen.left + total - self.applied.len(),
            applied: self.applied,
            kept: self.kept,
            other_runs: Vec::new(),
            plan,
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
        let mut rest = work;
        while let Some(item) = rest.first() {
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
            let done = match item {
                Work::Migration { index } => {
                    let group = self.group(rest);
                    if group.is_empty() {
                        Box::pin(self.migrate(*index, &[], None, interrupt, sink)).await?
                    } else {
                        Box::pin(self.travel(&group, interrupt, sink)).await?
                    }
                }
                Work::Analyze { tables, .. } => {
                    self.analyze(tables).await?;
                    1
                }
                Work::PassOver { .. } => {
                    let one = Chosen {
                        work: vec![item.clone()],
                        left: 0,
                    };
                    tell_passed_over(self.project, &one, sink);
                    1
                }
            };
            let is_migration = matches!(item, Work::Migration { .. });
            rest = &rest[done..];
            let has_more = rest
                .iter()
                .any(|item| matches!(item, Work::Migration { .. }));
            if is_migration && has_more && self.is_short() {
                self.remember(sink).await?;
            }
        }
        Ok(())
    }

    /// Runs one migration; returns how many are committed, which may be more: those in `behind` were
    /// on their way when the connection was lost. `first` is what a first try came to that was made
    /// elsewhere.
    pub(super) async fn migrate(
        &mut self,
        index: usize,
        behind: &[usize],
        first: Option<Tried>,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<usize, RunError> {
        let named = migration_ref(self.project, &self.project.migrations[index]);
        let started = Instant::now();
        let run_one = Box::pin(self.run_one(index, &named, first, interrupt, sink));
        let (statements, retries, more) = match run_one.await {
            Ok((statements, retries)) => (statements, retries, 0),
            Err(stop) => {
                let more = self.after_stop(index, behind, &named, *stop, sink).await?;
                (self.statements(index), 0, more)
            }
        };
        let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
        self.applied(named, statements, retries, duration_ms, sink);
        for index in &behind[..more] {
            let named = migration_ref(self.project, &self.project.migrations[*index]);
            let statements = self.statements(*index);
            sink.event(&begins(&named, statements, true, None));
            self.applied(named, statements, 0, 0.0, sink);
        }
        Ok(1 + more)
    }

    fn statements(&self, index: usize) -> usize {
        self.scripts
            .get(&index)
            .map_or(0, |script| script.body().len())
    }

    pub(super) fn applied(
        &mut self,
        named: MigrationRef,
        statements: usize,
        retries: u32,
        duration_ms: f64,
        sink: &mut dyn EventSink,
    ) {
        sink.event(&RunEvent::MigrationApplied {
            migration: named.clone(),
            statements,
            retries,
            duration_ms,
        });
        self.note_applied(named, statements, retries, duration_ms);
    }

    pub(super) fn note_applied(
        &mut self,
        named: MigrationRef,
        statements: usize,
        retries: u32,
        duration_ms: f64,
    ) {
        self.applied.push(AppliedMigration {
            version: named.version,
            name: named.name,
            phase: named.phase,
            step: named.step,
            statements,
            retries,
            duration_ms,
        });
    }

    /// Returns how transactions of a phase are set up.
    pub(super) fn setup_of(&self, phase: usize) -> Setup {
        let contract = self.project.manifest.phases[phase].contract.as_ref();
        Setup {
            lock_hold: contract
                .and_then(|contract| contract.max_lock_hold.as_ref())
                .map(|at| at.value),
            ..self.setup.clone()
        }
    }

    /// Runs one migration and its history row; returns its statements and retries.
    async fn run_one(
        &mut self,
        index: usize,
        named: &MigrationRef,
        first: Option<Tried>,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<(usize, u32), Box<Stop>> {
        self.kept = 0;
        let migration = &self.project.migrations[index];
        let Some(script) = self.scripts.get(&index) else {
            return Ok((0, 0));
        };
        let facts = Facts::new(self.project, migration, self.store.refinery().version_type);
        let journal = self.history.journal(facts.key());
        let setup = self.setup_of(migration.phase);
        let steps = Steps {
            script,
            store: &self.store,
            key: facts.key(),
            migration: named,
            run: &self.id,
            direction: Journal::Up,
            journal: &journal,
            setup: &setup,
        };
        let transactional = matches!(script.mode(), Mode::Transaction { .. });
        if first.is_none() {
            let resumed_at = Some(steps.resume_at()).filter(|at| *at > 0 && !transactional);
            let count = script.body().len();
            sink.event(&begins(named, count, transactional, resumed_at));
        }
        let count = script.body().len();
        let reset = self.opened.settings.reset_sql();
        let mut link = self.opened.link(&mut self.watch_session, interrupt, sink);
        let recording = Recording {
            session: link.session,
            store: &self.store,
            lock: self.lock,
            facts: &facts,
            run: &self.id,
            reset,
        };
        let retries = if transactional {
            recording
                .in_transaction(&mut link, &setup, script, named, first)
                .await?
        } else {
            recording
                .stepwise(&mut link, &steps, count, &mut self.kept)
                .await?
        };
        Ok((count, retries))
    }

    /// Finds out what a lost connection has left, and gives every other stop its migration. Returns
    /// how many of those behind are committed too.
    async fn after_stop(
        &mut self,
        index: usize,
        behind: &[usize],
        named: &MigrationRef,
        stop: Stop,
        sink: &mut dyn EventSink,
    ) -> Result<usize, RunError> {
        self.kept = self.kept.max(stop.kept());
        let stopped = |stop| RunError::Migration {
            migration: Box::new(named.clone()),
            stop: Box::new(stop),
        };
        let Stop::ConnectionLost { failure } = stop else {
            return Err(stopped(stop));
        };
        // What is out of step or silent may still be open, with the lock.
        self.opened.session.abandon();
        let keys: Vec<Key> = std::iter::once(&index)
            .chain(behind)
            .map(|index| key(&self.project.migrations[*index]))
            .collect();
        let reason = failure.to_string();
        let pulse = self.opened.session.pulse();
        let (opening, store, was) = (&self.opening, &self.store, &self.opened.facts);
        let fate = resolve::ask(
            opening, was, store, self.lock, &keys, &self.id, &reason, pulse, sink,
        )
        .await;
        self.watch_session = None;
        match fate {
            Fate::Known { opened, applied } => {
                self.opened = *opened;
                if let Some(more) = applied.checked_sub(1) {
                    return Ok(more);
                }
                let history = self.store.read(&self.opened.session).await?;
                self.kept = history
                    .journal(&keys[0])
                    .iter()
                    .filter(|row| row.state == StatementState::Done)
                    .count();
                Err(stopped(Stop::ConnectionLost { failure }))
            }
            Fate::Unknown(why) => {
                self.unknown = true;
                Err(stopped(Stop::Unknown { failure, why }))
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

    /// Records the end, gives the lock back, and says goodbye; none of it changes the outcome. Returns what became of
    /// the plan's prediction.
    async fn finish(
        &mut self,
        outcome: Outcome,
        error: Option<&str>,
        slow: &[Slow],
        sink: &mut dyn EventSink,
    ) -> Option<PlanResult> {
        // A failed file may have left its settings.
        let picture = self.picture(sink).await;
        if picture.is_ok() {
            self.remember_speeds(slow, sink).await;
        }
        let session = &self.opened.session;
        let checkpoint = async {
            match &picture {
                Ok(Some(picture)) => {
                    let known = self.known.as_deref();
                    picture
                        .record(session, &self.store, &self.id, Moment::End, known)
                        .await
                }
                _ => Ok(()),
            }
        };
        // The end of the session gives the lock back too.
        let (remembered, ended, _) = tokio::join!(
            biased;
            checkpoint,
            self.store.finish_run(session, &self.id, outcome.as_str(), error),
            self.lock.release(session),
        );
        let reset = picture.as_ref().err().map(|failure| HistoryError::Query {
            what: "could not reset the session",
            failure: Box::new(failure.clone()),
        });
        if let Err(error) = reset.map_or(Ok(()), Err).and(remembered).and(ended) {
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
        let predicted = self.predicted.filter(|_| outcome == Outcome::Applied)?;
        let picture = picture.ok().flatten();
        let refinery = self.store.refinery();
        Some(planned::outcome(
            predicted,
            picture.as_ref(),
            refinery,
            sink,
        ))
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
