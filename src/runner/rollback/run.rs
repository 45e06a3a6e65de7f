//! A rollback that holds the lock: its transactions, one after the other, and how it ended.

use super::error::RollbackError;
use super::parts::{Part, Segment, segments};
use super::prepare::{Piece, Plan, Prepared, Request, decide};
use super::shot::{Cost, Shot};
use crate::history::model::{Action, Journal, Key, StatementState};
use crate::history::record::{Prepared as Statement, Record, RecordDuration};
use crate::history::store::Store;
use crate::pg::lock::HistoryLock;
use crate::pg::session::Session;
use crate::project::checksum;
use crate::report::event::{EventSink, RunEvent};
use crate::report::problem::Problem;
use crate::report::rollback::{Reverted, RollbackOutcome};
use crate::runner::apply;
use crate::runner::attempt::Interrupt;
use crate::runner::error::{RunError, Stop};
use crate::runner::open::{Opened, Opening};
use crate::runner::resolve::{self, Fate};
use crate::runner::transactional::Setup;
use crate::runner::turn;

/// What came of a rollback.
#[derive(Debug)]
pub struct RolledBack {
    /// How it ended.
    pub outcome: RollbackOutcome,
    /// Whether a run was recorded.
    pub recorded: bool,
    /// What was taken back and is committed, in order.
    pub reverted: Vec<Reverted>,
    /// How many statements of the script that stopped are committed.
    pub kept: usize,
    /// Tries that failed for want of a lock.
    pub retries: u32,
    /// The longest time that one transaction held its locks, in milliseconds.
    pub held_ms: f64,
    /// The run that had done it already, and could not say so.
    pub done_by: Option<String>,
    /// What stopped it.
    pub error: Option<RollbackError>,
}

impl RolledBack {
    /// Says that it stopped before anything was written.
    fn before(error: RollbackError) -> Self {
        Self {
            outcome: if error.is_interrupt() {
                RollbackOutcome::Interrupted
            } else {
                RollbackOutcome::Failed
            },
            error: Some(error),
            ..Self::nothing()
        }
    }

    fn nothing() -> Self {
        Self {
            outcome: RollbackOutcome::NothingToDo,
            recorded: false,
            reverted: Vec::new(),
            kept: 0,
            retries: 0,
            held_ms: 0.0,
            done_by: None,
            error: None,
        }
    }
}

/// Rolls back what was prepared. The result always says what is committed, also after an error.
pub async fn rollback(
    request: &Request<'_>,
    prepared: Prepared,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> RolledBack {
    let mut early = interrupt.clone();
    let begun = tokio::select! {
        biased;
        begun = begin(request, prepared, interrupt, sink) => begun,
        () = early.wait() => Err(RunError::Interrupted.into()),
    };
    match begun {
        Err(error) => RolledBack::before(error),
        Ok(Begun::DoneBy(run)) => RolledBack {
            done_by: Some(run),
            ..RolledBack::nothing()
        },
        Ok(Begun::Ready(run)) => Box::pin(run.walk(interrupt, sink)).await,
    }
}

/// What taking the lock comes to.
enum Begun<'a> {
    /// An earlier run had done it.
    DoneBy(String),
    /// The lock is held and the run is recorded.
    Ready(Box<Run<'a>>),
}

/// A rollback that holds the lock.
struct Run<'a> {
    request: &'a Request<'a>,
    opening: Opening,
    opened: Opened,
    watch_session: Option<Session>,
    store: Store,
    lock: HistoryLock,
    setup: Setup,
    plan: Plan,
    reverted: Vec<Reverted>,
    kept: usize,
    retries: u32,
    held_ms: f64,
    unknown: bool,
}

/// Takes the lock, decides again, and writes the run's first row.
async fn begin<'a>(
    request: &'a Request<'a>,
    prepared: Prepared,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Result<Begun<'a>, RollbackError> {
    let Prepared { mut opened, plan } = prepared;
    let schema = &request.opening.history_schema;
    let lock = HistoryLock::new(schema);
    turn::take(&opened.session, lock, request.wait, interrupt, sink).await?;
    let look = opened.take_look().await?;
    let store = look.located(0)?.store();
    let now = decide(request, &opened, look).await?;
    if !now.is_same(&plan) {
        return Err(RollbackError::Changed);
    }
    if let Some(run) = now.unheard {
        store
            .finish_run(&opened.session, &run, "applied", None)
            .await?;
        return Ok(Begun::DoneBy(run));
    }
    let mut phases: Vec<String> = now
        .pieces
        .iter()
        .map(|piece| piece.layer.phase.clone())
        .collect();
    phases.dedup();
    let commit = request.git_commit.as_deref();
    store
        .start_run(&opened.session, &request.run, "rollback", &phases, commit)
        .await?;
    sink.event(&RunEvent::RunStarted {
        run: request.run.clone(),
        migrations: now.pieces.len(),
        statements: now.pieces.iter().map(Piece::statements).sum(),
    });
    Ok(Begun::Ready(Box::new(Run {
        request,
        opening: Opening {
            look: None,
            ..request.opening.clone()
        },
        setup: apply::setup(&opened, request.policy),
        opened,
        watch_session: None,
        store,
        lock,
        plan: now,
        reverted: Vec::new(),
        kept: 0,
        retries: 0,
        held_ms: 0.0,
        unknown: false,
    })))
}

impl Run<'_> {
    /// Does it, and records how it ended.
    async fn walk(mut self, interrupt: &mut Interrupt, sink: &mut dyn EventSink) -> RolledBack {
        let result = Box::pin(self.do_all(interrupt, sink)).await;
        let outcome = match &result {
            Ok(()) => RollbackOutcome::RolledBack,
            Err(_) if self.unknown => RollbackOutcome::Unknown,
            Err(error) if error.is_interrupt() => RollbackOutcome::Interrupted,
            Err(_) => RollbackOutcome::Failed,
        };
        let error = result.err();
        let text = error.as_ref().map(ToString::to_string);
        if outcome != RollbackOutcome::Unknown {
            self.finish(outcome, text.as_deref(), sink).await;
        }
        RolledBack {
            outcome,
            recorded: true,
            reverted: self.reverted,
            kept: self.kept,
            retries: self.retries,
            held_ms: self.held_ms,
            done_by: None,
            error,
        }
    }

    async fn do_all(
        &mut self,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<(), RollbackError> {
        for segment in segments(&self.plan.pieces) {
            if interrupt.is_set() {
                return Err(RunError::Interrupted.into());
            }
            match segment {
                Segment::Shot(parts) => self.shoot(&parts, interrupt, sink).await?,
                Segment::Bare { .. } => {}
            }
        }
        Ok(())
    }

    /// Runs one transaction.
    async fn shoot(
        &mut self,
        parts: &[Part],
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<(), RollbackError> {
        let guard = format!("{}:rollback", self.request.run);
        let records = self.records(parts, &guard);
        let shot = Shot {
            pieces: &self.plan.pieces,
            parts,
            guard: &guard,
            records: &records,
            setup: &self.setup,
            kept: self.kept,
        };
        let mut link = self.opened.link(&mut self.watch_session, interrupt, sink);
        let cost = match shot.run(&mut link).await {
            Ok(cost) => cost,
            Err(error) => {
                self.after_stop(parts, error, sink).await?;
                Cost::default()
            }
        };
        self.retries += cost.retries;
        self.held_ms = self.held_ms.max(cost.held.as_secs_f64() * 1000.0);
        self.note(parts, &cost, sink);
        Ok(())
    }

    /// Returns what is recorded in a transaction's own end.
    fn records(&self, parts: &[Part], guard: &str) -> Vec<Statement> {
        let mut records = Vec::new();
        for part in parts {
            let piece = &self.plan.pieces[part.piece];
            if part.journalled {
                records.extend(part.statements.clone().map(|index| {
                    let sha256 = checksum::sha256(piece.script.text(index));
                    let (key, run) = (&piece.layer.key, self.request.run.as_str());
                    let done = StatementState::Done;
                    self.store
                        .journal(Journal::Down, key, run, index, done, &sha256, None)
                }));
            }
            if part.ends {
                records.extend(self.record(piece, guard));
            }
        }
        records
    }

    fn record(&self, piece: &Piece, guard: &str) -> Vec<Statement> {
        let layer = &piece.layer;
        let record = Record {
            guard: Some(guard),
            key: &layer.key,
            name: &layer.name,
            phase_number: layer.phase_number,
            phase: &layer.phase,
            step: &layer.step,
            run: &self.request.run,
            action: Action::Rollback,
            sha256: &layer.sha256,
            refinery_checksum: layer.refinery_checksum.as_deref(),
            duration: RecordDuration::SinceBegin,
            statements: piece.statements(),
            up_sql: None,
            down_sql: piece.text.as_deref(),
            reason: None,
            journal_seq: None,
        };
        self.store.record(&record, &self.lock.held())
    }

    /// Takes in what a committed transaction has taken back.
    fn note(&mut self, parts: &[Part], cost: &Cost, sink: &mut dyn EventSink) {
        for (at, part) in parts.iter().enumerate() {
            let piece = &self.plan.pieces[part.piece];
            if !part.ends {
                self.kept = part.statements.end;
                continue;
            }
            self.kept = 0;
            let duration_ms = cost
                .parts
                .get(at)
                .map_or(0.0, |time| time.as_secs_f64() * 1000.0);
            sink.event(&RunEvent::MigrationReverted {
                migration: piece.named.clone(),
                statements: piece.statements(),
                duration_ms,
            });
            self.reverted
                .push(Reverted::new(&piece.named, piece.statements(), duration_ms));
        }
    }

    /// Finds out what a lost connection has left: `Ok` where the transaction is committed after all.
    async fn after_stop(
        &mut self,
        parts: &[Part],
        error: RollbackError,
        sink: &mut dyn EventSink,
    ) -> Result<(), RollbackError> {
        let RollbackError::Stopped { migration, stop } = error else {
            return Err(error);
        };
        let stopped = |stop| RollbackError::Stopped {
            migration,
            stop: Box::new(stop),
        };
        let Stop::ConnectionLost { failure } = *stop else {
            return Err(stopped(*stop));
        };
        // What is out of step or silent may still be open, with the lock.
        self.opened.session.abandon();
        let keys: Vec<Key> = parts
            .iter()
            .filter(|part| part.ends)
            .map(|part| self.plan.pieces[part.piece].layer.key.clone())
            .collect();
        let reason = failure.to_string();
        let pulse = self.opened.session.pulse();
        let (opening, store, was) = (&self.opening, &self.store, &self.opened.facts);
        let run = &self.request.run;
        let fate = resolve::ask(
            opening, was, store, self.lock, &keys, run, &reason, pulse, sink,
        )
        .await;
        self.watch_session = None;
        match fate {
            Fate::Known { opened, applied } => {
                self.opened = *opened;
                if applied > 0 {
                    return Ok(());
                }
                Err(stopped(Stop::ConnectionLost { failure }))
            }
            Fate::Unknown(why) => {
                self.unknown = true;
                Err(stopped(Stop::Unknown { failure, why }))
            }
        }
    }

    /// Records the end, gives the lock back, and says goodbye; none of it changes the outcome.
    async fn finish(
        &mut self,
        outcome: RollbackOutcome,
        error: Option<&str>,
        sink: &mut dyn EventSink,
    ) {
        let session = &self.opened.session;
        // A failed script may have left its settings.
        let reset = self.opened.settings.reset_sql();
        let run = &self.request.run;
        // The end of the session gives the lock back too.
        let (reset, ended, _) = tokio::join!(
            biased;
            session.run(&reset),
            self.store.finish_run(session, run, outcome.stored(), error),
            self.lock.release(session),
        );
        let failed = match (reset, ended) {
            (Err(failure), _) => Some(failure.to_string()),
            (_, Err(error)) => Some(error.to_string()),
            _ => None,
        };
        if let Some(why) = failed {
            sink.event(&RunEvent::Warning {
                problem: Problem::new(
                    "run-end-not-recorded",
                    "the end of the run could not be recorded",
                )
                .detail(why),
            });
        }
    }
}
