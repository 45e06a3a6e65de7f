//! A rollback that holds the lock: its transactions, one after the other, and how it ended.

use super::begin::{Begun, begin};
use super::error::RollbackError;
use super::parts::{Part, Segment, all_in_transaction, segments};
use super::prepare::{Piece, Plan, Prepared, Request};
use super::recorder::Recorder;
use super::shot::{Cost, Shot};
use super::tables;
use crate::history::kept::Copy;
use crate::history::model::{History, Journal, StatementRow, StatementState};
use crate::history::record::Prepared as Statement;
use crate::history::store::Store;
use crate::pg::lock::HistoryLock;
use crate::pg::session::{Command, Session, Window};
use crate::report::event::{EventSink, RunEvent};
use crate::report::problem::Problem;
use crate::report::rollback::{Checked, Reverted, RollbackOutcome};
use crate::runner::attempt::Interrupt;
use crate::runner::bill::{self, Bill};
use crate::runner::error::{RunError, Stop};
use crate::runner::open::{Opened, Opening};
use crate::runner::proof::Expected;
use crate::runner::stepwise::{self, Steps};
use crate::runner::transactional::Setup;
use crate::sql::name::QualifiedName;

/// What came of a rollback.
#[derive(Debug)]
pub struct RolledBack {
    /// How it ended.
    pub outcome: RollbackOutcome,
    /// Whether a run was recorded.
    pub recorded: bool,
    /// What was taken back and is committed, in order.
    pub reverted: Vec<Reverted>,
    /// How many statements of a script are committed that is not done, and whose that is.
    pub kept: usize,
    /// Its migration.
    pub kept_of: Option<String>,
    /// Tries that failed for want of a lock.
    pub retries: u32,
    /// The longest time that one transaction held its locks, in milliseconds.
    pub held_ms: f64,
    /// Triggers that were off meanwhile, as `table.trigger`; each that is left has its state back.
    pub triggers: Vec<String>,
    /// Foreign keys that were proved.
    pub keys_proved: usize,
    /// Whether the catalog is what it was.
    pub checked: Option<Checked>,
    /// The copies of destroyed rows.
    pub kept_rows: Vec<Copy>,
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
            kept_of: None,
            retries: 0,
            held_ms: 0.0,
            triggers: Vec::new(),
            keys_proved: 0,
            checked: None,
            kept_rows: Vec::new(),
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

/// A rollback that holds the lock.
pub(super) struct Run<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) opening: Opening,
    pub(super) opened: Opened,
    pub(super) watch_session: Option<Session>,
    pub(super) store: Store,
    pub(super) lock: HistoryLock,
    pub(super) setup: Setup,
    pub(super) plan: Plan,
    pub(super) reverted: Vec<Reverted>,
    pub(super) kept: usize,
    pub(super) kept_of: Option<String>,
    pub(super) retries: u32,
    pub(super) held_ms: f64,
    pub(super) triggers: Vec<String>,
    pub(super) keys_proved: usize,
    pub(super) unknown: bool,
    pub(super) history: History,
    /// Whether the history has checkpoints of the catalog.
    pub(super) has_checkpoints: bool,
    /// The copies of destroyed rows.
    pub(super) kept_rows: Vec<Copy>,
    /// What the catalog is to be afterwards.
    pub(super) expected: Option<Expected>,
    /// Whether it is.
    pub(super) checked: Option<Checked>,
    /// Tables that are somebody else's: their triggers stay as they are.
    pub(super) of_others: Vec<QualifiedName>,
    /// Whether this run has written down what it is going to take back.
    pub(super) has_turns: bool,
    /// Index of the script whose settings the session has.
    pub(super) in_session: Option<usize>,
}

impl Run<'_> {
    /// Does it, and records how it ended.
    async fn walk(mut self, interrupt: &mut Interrupt, sink: &mut dyn EventSink) -> RolledBack {
        let result = if self.request.dry_run {
            Box::pin(self.rehearse(interrupt, sink)).await
        } else {
            Box::pin(self.do_all(interrupt, sink)).await
        };
        let outcome = match &result {
            Ok(()) if self.request.dry_run => RollbackOutcome::Planned,
            Ok(()) => RollbackOutcome::RolledBack,
            Err(_) if self.unknown => RollbackOutcome::Unknown,
            Err(error) if error.is_interrupt() => RollbackOutcome::Interrupted,
            Err(_) => RollbackOutcome::Failed,
        };
        let error = result.err();
        let text = error.as_ref().map(ToString::to_string);
        if outcome != RollbackOutcome::Unknown {
            if error.is_some() {
                self.give_up(sink).await;
            }
            self.finish(outcome, text.as_deref(), sink).await;
        }
        RolledBack {
            outcome,
            recorded: !self.request.dry_run,
            reverted: self.reverted,
            kept: self.kept,
            kept_of: self.kept_of,
            retries: self.retries,
            held_ms: self.held_ms,
            triggers: self.triggers,
            keys_proved: self.keys_proved,
            checked: self.checked,
            kept_rows: self.kept_rows,
            done_by: None,
            error,
        }
    }

    async fn do_all(
        &mut self,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<(), RollbackError> {
        self.check_unedited()?;
        let segments = segments(&self.plan.pieces);
        let turns = segments.len() > 1 || self.plan.continues.is_some();
        if turns && self.plan.continues.is_none() {
            self.write_turns(StatementState::Intent).await?;
            self.has_turns = true;
        }
        self.expect(sink).await?;
        let last = segments.len().saturating_sub(1);
        for (at, segment) in segments.into_iter().enumerate() {
            if interrupt.is_set() {
                return Err(RunError::Interrupted.into());
            }
            match segment {
                Segment::Shot(parts) => {
                    let ends = (turns, at == last);
                    Box::pin(self.shoot(&parts, ends, interrupt, sink)).await?;
                }
                Segment::Bare { piece, statement } => {
                    self.run_bare(piece, statement, interrupt, sink).await?;
                }
            }
        }
        Ok(())
    }

    /// Runs what a transaction can have in one that is rolled back.
    async fn rehearse(
        &mut self,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<(), RollbackError> {
        self.check_unedited()?;
        let parts = all_in_transaction(&self.plan.pieces);
        self.expect(sink).await?;
        let all = segments(&self.plan.pieces);
        let is_bare = |one: &Segment| matches!(one, Segment::Bare { .. });
        let proves = !all.iter().any(is_bare);
        Box::pin(self.shoot(&parts, (false, proves), interrupt, sink)).await
    }

    /// Takes the turns back of a rollback that has done nothing: there is nothing to go on with.
    async fn give_up(&self, sink: &mut dyn EventSink) {
        if !self.has_turns || !self.reverted.is_empty() || self.kept > 0 {
            return;
        }
        let begun = async {
            let history = self.store.read(&self.opened.session).await?;
            let is_begun = |row: &StatementRow| {
                row.journal == Journal::Down && row.state != StatementState::Failed
            };
            // What was begun and failed has its failure behind it.
            let begun = self.plan.pieces.iter().any(|piece| {
                let journal = history.journal_of(Journal::Down, &piece.layer.key);
                journal.last().is_some_and(|row| is_begun(row))
            });
            if begun {
                Ok(())
            } else {
                self.write_turns(StatementState::Failed).await
            }
        };
        if let Err(error) = begun.await {
            sink.event(&not_recorded(error.to_string()));
        }
    }

    fn recorder(&self, turns: bool) -> Recorder<'_> {
        Recorder {
            store: &self.store,
            lock: self.lock,
            run: &self.request.run,
            guard: format!("{}:rollback", self.request.run),
            turns,
        }
    }

    /// Returns a script as what runs statement by statement.
    fn steps<'s>(&'s self, piece: &'s Piece, journal: &'s [&'s StatementRow]) -> Steps<'s> {
        Steps {
            script: &piece.script,
            store: &self.store,
            key: &piece.layer.key,
            migration: &piece.named,
            run: &self.request.run,
            direction: Journal::Down,
            journal,
            setup: &self.setup,
        }
    }

    fn journal_of(&self, piece: &Piece) -> Vec<&StatementRow> {
        self.history.journal_of(Journal::Down, &piece.layer.key)
    }

    /// A script edited after a part of it ran would be recorded as something that never ran.
    fn check_unedited(&self) -> Result<(), RollbackError> {
        for piece in &self.plan.pieces {
            let journal = self.journal_of(piece);
            let unedited = self.steps(piece, &journal).check_unedited();
            unedited.map_err(|stop| stopped(piece, *stop))?;
        }
        Ok(())
    }

    /// Notes what is going to be taken back, or that it is given up: the next command reads it.
    async fn write_turns(&self, state: StatementState) -> Result<(), RollbackError> {
        let own = RunError::own("could not write the journal");
        let session = &self.opened.session;
        let recorder = self.recorder(true);
        let pieces = self.plan.pieces.iter().enumerate();
        let rows: Vec<Statement> = pieces
            .map(|(turn, piece)| recorder.turn(piece, turn, state, self.plan.newest))
            .collect();
        let parameters: Vec<_> = rows.iter().map(Statement::borrowed).collect();
        let own_rows = rows.iter().zip(&parameters);
        let commands = std::iter::once(Command::Text("begin"))
            .chain(own_rows.map(|(row, parameters)| Command::Own(&row.sql, parameters)))
            .chain([Command::Text("commit")]);
        let sent = session.pipeline(commands, Window::default(), |_| {}).await;
        sent.map_err(|(_, failure)| own(failure))?;
        Ok(())
    }

    /// Runs one statement outside of any transaction.
    async fn run_bare(
        &mut self,
        index: usize,
        statement: usize,
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<(), RollbackError> {
        let piece = self.plan.pieces[index].clone();
        let journal: Vec<StatementRow> = self.journal_of(&piece).into_iter().cloned().collect();
        let journal: Vec<&StatementRow> = journal.iter().collect();
        self.kept = statement;
        self.kept_of = Some(piece.named.label());
        let result = self
            .bare(&piece, index, statement, &journal, interrupt, sink)
            .await;
        match result {
            Ok(retries) => {
                self.retries += retries;
                self.kept = statement + 1;
                Ok(())
            }
            Err(stop) => self.after_stop(&[], stopped(&piece, *stop), sink).await,
        }
    }

    async fn bare(
        &mut self,
        piece: &Piece,
        index: usize,
        statement: usize,
        journal: &[&StatementRow],
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<u32, Box<Stop>> {
        let goes_on = self.in_session == Some(index);
        let reset = self.opened.settings.reset_sql();
        let steps = Steps {
            script: &piece.script,
            store: &self.store,
            key: &piece.layer.key,
            migration: &piece.named,
            run: &self.request.run,
            direction: Journal::Down,
            journal,
            setup: &self.setup,
        };
        let mut link = self.opened.link(&mut self.watch_session, interrupt, sink);
        if !goes_on {
            let own = |failure| stepwise::own("could not reset the session", failure);
            link.session.run(&reset).await.map_err(own)?;
            steps.give_search_path(link.session).await?;
        }
        let retries = steps.bare(&mut link, statement).await?;
        self.in_session = Some(index);
        Ok(retries)
    }

    /// Runs one transaction.
    async fn shoot(
        &mut self,
        parts: &[Part],
        (turns, is_last): (bool, bool),
        interrupt: &mut Interrupt,
        sink: &mut dyn EventSink,
    ) -> Result<(), RollbackError> {
        let tables = self.tables(parts);
        let bill = self.bill(parts).await?;
        let first = parts.first().map(|part| part.piece);
        let recorder = Recorder {
            store: &self.store,
            lock: self.lock,
            run: &self.request.run,
            guard: format!("{}:rollback", self.request.run),
            turns,
        };
        let shot = Shot {
            pieces: &self.plan.pieces,
            parts,
            recorder: &recorder,
            tables: &tables,
            switch: self.request.switch,
            goes_on: first.is_some() && first == self.in_session,
            setup: &self.setup,
            kept: self.kept,
            rehearsal: self.request.dry_run,
            bill: bill.as_ref(),
            expected: self.expected.as_ref().filter(|_| is_last),
            accepts: self.request.accept_differences,
        };
        let mut link = self.opened.link(&mut self.watch_session, interrupt, sink);
        let cost = match Box::pin(shot.run(&mut link)).await {
            Ok(cost) => cost,
            Err(error) => {
                self.after_stop(parts, error, sink).await?;
                let (session, run) = (&self.opened.session, &self.request.run);
                Cost {
                    durations: self.store.durations(session, run).await?,
                    ..Cost::default()
                }
            }
        };
        self.in_session = parts
            .last()
            .filter(|part| !part.ends)
            .map(|part| part.piece);
        self.note(parts, cost, sink);
        Ok(())
    }

    /// What a transaction destroys, where that is to be kept.
    async fn bill(&self, parts: &[Part]) -> Result<Option<Bill>, RollbackError> {
        if !self.request.keep_data || self.request.dry_run {
            return Ok(None);
        }
        let statements: Vec<&str> = parts
            .iter()
            .map(|part| (part, &self.plan.pieces[part.piece].script))
            .flat_map(|(part, script)| part.statements.clone().map(|at| script.text(at)))
            .collect();
        let path = &self.opened.beginnings.search_path;
        let bill = bill::present(&self.opened.session, path, &statements).await;
        let failed = |error| RollbackError::Bracket(Box::new(error));
        bill.map(Some).map_err(failed)
    }

    /// The tables whose triggers a transaction switches off.
    fn tables(&self, parts: &[Part]) -> Vec<QualifiedName> {
        let mut tables = tables::written_by(&self.plan.pieces, parts);
        tables.retain(|table| !self.of_others.contains(table));
        for table in tables::named_in(self.request.manifest) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        tables
    }

    /// Takes in what a committed transaction has taken back.
    fn note(&mut self, parts: &[Part], cost: Cost, sink: &mut dyn EventSink) {
        self.retries += cost.retries;
        self.held_ms = self.held_ms.max(cost.held.as_secs_f64() * 1000.0);
        self.kept_rows.extend(cost.kept);
        self.checked = cost.checked.or(self.checked.take());
        if let Some(closed) = &cost.closed {
            let switched = closed.restored.iter().chain(&closed.gone);
            self.triggers
                .extend(switched.map(|one| format!("{}.{}", one.table, one.name)));
            self.triggers.sort();
            self.triggers.dedup();
            self.keys_proved += closed.keys.proved.len();
        }
        for part in parts {
            let piece = &self.plan.pieces[part.piece];
            if !part.ends {
                self.kept = part.statements.end;
                self.kept_of = Some(piece.named.label());
                continue;
            }
            self.kept = 0;
            if self.request.dry_run {
                continue;
            }
            let key = piece.layer.key.to_text();
            let duration_ms = cost.durations.get(&key).copied().unwrap_or(0.0);
            sink.event(&RunEvent::MigrationReverted {
                migration: piece.named.clone(),
                statements: piece.statements(),
                duration_ms,
            });
            self.reverted
                .push(Reverted::new(&piece.named, piece.statements(), duration_ms));
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
        let ended = async {
            if self.request.dry_run {
                return Ok(());
            }
            let (store, word) = (&self.store, outcome.stored());
            store.finish_run(session, run, word, error).await
        };
        let (reset, ended, _) = tokio::join!(
            biased;
            session.run(&reset),
            ended,
            self.lock.release(session),
        );
        let failed = match (reset, ended) {
            (Err(failure), _) => Some(failure.to_string()),
            (_, Err(error)) => Some(error.to_string()),
            _ => None,
        };
        if let Some(why) = failed {
            sink.event(&not_recorded(why));
        }
    }
}

fn not_recorded(why: String) -> RunEvent {
    let problem = Problem::new(
        "run-end-not-recorded",
        "the end of the run could not be recorded",
    );
    RunEvent::Warning {
        problem: problem.detail(why),
    }
}

/// Says whose script a stop belongs to.
pub(super) fn stopped(piece: &Piece, stop: Stop) -> RollbackError {
    RollbackError::Stopped {
        migration: Box::new(piece.named.clone()),
        stop: Box::new(stop),
    }
}
