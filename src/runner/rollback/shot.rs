//! One transaction of a rollback: begin, scripts in reverse order, history rows, commit; retried as a
//! whole.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::error::RollbackError;
use super::parts::Part;
use super::prepare::Piece;
use super::proof;
use super::recorder::Recorder;
use super::sending::{At, Failed, Sending};
use crate::history::checkpoint::Moment;
use crate::history::kept::Copy;
use crate::pg::error::Kind;
use crate::pg::lock::LOST;
use crate::pg::settings::DISCARD;
use crate::report::event::MigrationRef;
use crate::report::place::Snippet;
use crate::report::rollback::{Checked, Proven};
use crate::runner::attempt::{Cancelled, Driven, Heading, Link, drive, is_gone, no_answer};
use crate::runner::bill::Bill;
use crate::runner::bill::keep::keep;
use crate::runner::bracket::{Bracket, Closed, Switch};
use crate::runner::error::Stop;
use crate::runner::proof::{Expected, ProofError};
use crate::runner::retry::{Next, Tries};
use crate::runner::stepwise;
use crate::runner::transactional::{Again, GUARD_ERROR, Setup, end_failed, limits, wait_for_retry};
use crate::sql::name::QualifiedName;

/// A transaction that is going to be tried.
#[derive(Clone, Copy)]
pub(super) struct Shot<'a> {
    /// All scripts.
    pub(super) pieces: &'a [Piece],
    /// The statements of this transaction; there is at least one part.
    pub(super) parts: &'a [Part],
    /// Makes evmig's own statements at its end.
    pub(super) recorder: &'a Recorder<'a>,
    /// Tables whose triggers are switched off meanwhile.
    pub(super) tables: &'a [QualifiedName],
    /// Which of them.
    pub(super) switch: Switch,
    /// Whether the first part goes on with a script whose settings the session still has.
    pub(super) goes_on: bool,
    /// How transactions are set up.
    pub(super) setup: &'a Setup,
    /// The rows that are copied before they are destroyed.
    pub(super) bill: Option<&'a Bill>,
    /// What the catalog is to be at its end, where that is the end of everything.
    pub(super) expected: Option<&'a Expected>,
    /// Whether a catalog that is not that is committed all the same.
    pub(super) accepts: bool,
    /// Whether it ends in a rollback, and records nothing.
    pub(super) rehearsal: bool,
    /// How many statements of the first part's script are committed already.
    pub(super) kept: usize,
}

/// What a committed transaction cost.
#[derive(Debug, Clone, Default)]
pub(super) struct Cost {
    /// Tries that failed for want of a lock.
    pub(super) retries: u32,
    /// From the last try's first statement to its commit: as long as any lock was held.
    pub(super) held: Duration,
    /// How long each migration's script took, in milliseconds, by its key.
    pub(super) durations: HashMap<String, f64>,
    /// What the trigger bracket has found.
    pub(super) closed: Option<Closed>,
    /// Whether the catalog is what it was.
    pub(super) checked: Option<Checked>,
    /// The copies of destroyed rows.
    pub(super) kept: Vec<Copy>,
}

/// What one try came to.
type Tried = Driven<Result<Done, Failed>>;

/// When each part of a try began, and when it was committed.
#[derive(Debug)]
struct Done {
    begun: Vec<Option<Instant>>,
    committed: Instant,
    durations: HashMap<String, f64>,
    closed: Option<Closed>,
    checked: Option<Checked>,
    kept: Vec<Copy>,
}

impl Done {
    fn cost(self, retries: u32) -> Cost {
        let begun = self.begun.first().copied().flatten();
        Cost {
            retries,
            held: begun.map_or(Duration::ZERO, |at| self.committed.duration_since(at)),
            durations: self.durations,
            closed: self.closed,
            checked: self.checked,
            kept: self.kept,
        }
    }
}

impl Shot<'_> {
    fn piece(&self, part: usize) -> &Piece {
        &self.pieces[self.parts[part.min(self.parts.len() - 1)].piece]
    }

    /// Runs it until it is committed, a limit is reached, or it fails.
    ///
    /// A lost connection comes back as [`Stop::ConnectionLost`], whether or not the commit happened;
    /// the caller asks the history.
    pub(super) async fn run(self, link: &mut Link<'_>) -> Result<Cost, RollbackError> {
        let setup = self.setup;
        let mut tries = Tries::new(setup.policy, setup.deadlock_timeout);
        let mut lock_timeout = setup.policy.lock_timeout;
        loop {
            let driven = Box::pin(self.attempt(link, lock_timeout)).await;
            let failed = match driven.result {
                Some(Ok(done)) => return Ok(done.cost(tries.failed())),
                Some(Err(failed)) => failed,
                None => Failed::At(At::Commit, Box::new(no_answer())),
            };
            let no_answer = driven.cancelled == Some(Cancelled::NoAnswer);
            if let Some(failure) = failed.failure()
                && (is_gone(failure) || no_answer)
            {
                let failure = failure.clone();
                return Err(self.stopped(&failed, Stop::ConnectionLost { failure }));
            }
            let named = self.named(&failed);
            end_failed(link, named).await.map_err(|failure| {
                self.stopped(&failed, *stepwise::own("could not roll back", failure))
            })?;
            let lock_wait = driven.cancelled == Some(Cancelled::LockWait);
            let retryable = failed.failure().filter(|failure| {
                lock_wait || matches!(failure.kind(), Kind::LockTimeout | Kind::Deadlock)
            });
            let Some(failure) = retryable.cloned() else {
                return Err(self.given_up(failed, driven.cancelled.as_ref()));
            };
            let Next::Try {
                wait,
                lock_timeout: longer,
            } = tries.next(&driven.blockers)
            else {
                let stop = Stop::Locked {
                    tries: tries.failed(),
                    snippet: self.snippet(&failed),
                    blockers: driven.blockers,
                    failure,
                    kept: self.kept,
                };
                return Err(self.stopped(&failed, stop));
            };
            lock_timeout = longer;
            let again = Again {
                migration: named,
                kept: self.kept,
                attempt: tries.failed(),
                of: setup.policy.retries,
                wait,
            };
            wait_for_retry(link, again, &failure, driven.blockers)
                .await
                .map_err(|stop| self.stopped(&failed, *stop))?;
        }
    }

    async fn attempt(&self, link: &mut Link<'_>, lock_timeout: Duration) -> Tried {
        let headings: Vec<Heading<'_>> = self
            .parts
            .iter()
            .map(|part| Heading {
                migration: &self.pieces[part.piece].named,
                statements: part.statements.start..self.pieces[part.piece].script.body().end,
                limits: limits(self.setup, lock_timeout),
            })
            .collect();
        let (sender, answers) = mpsc::unbounded_channel();
        let sending = Sending::new(link.session, sender, self.parts.len());
        let work = self.send(sending, lock_timeout);
        Box::pin(drive(link, &headings, answers, work, &mut ())).await
    }

    /// Puts the whole transaction on the wire. Nothing is awaited between the statements; if one
    /// fails, the server refuses those behind it, and makes the `COMMIT` a rollback.
    async fn send(&self, mut sending: Sending<'_>, lock_timeout: Duration) -> Result<Done, Failed> {
        let session = sending.session;
        let restore = self.setup.restore.as_ref().map(|all| all.join("; "));
        let mut settings = [0, 1].map(|at| self.settings(at, lock_timeout));
        sending.push("begin".to_owned(), At::Begin(0));
        if let Some(restore) = restore.as_ref().filter(|_| !self.goes_on) {
            sending.push(restore.clone(), At::Begin(0));
        }
        let [first, _] = &settings;
        sending.push(format!("{}{first}", self.path_of(0)), At::Begin(0));
        let kept = match self.bill {
            Some(bill) if !self.rehearsal => {
                sending.flush().await?;
                let (schema, run) = (self.recorder.store.schema(), self.recorder.run);
                keep(session, schema, run, bill).await?
            }
            _ => Vec::new(),
        };
        let bracket = if self.tables.is_empty() {
            None
        } else {
            sending.flush().await?;
            let mut bracket = Bracket::open(session, self.tables, self.switch).await?;
            bracket.leave_to(self.texts());
            Some(bracket)
        };
        if bracket.as_ref().is_some_and(Bracket::is_replica) {
            // What is reset between the scripts would let the triggers fire again.
            for settings in &mut settings {
                settings.push_str("; set local session_replication_role = replica");
            }
        }
        for (at, part) in self.parts.iter().enumerate() {
            let settings = &settings[at.min(1)];
            if at > 0 {
                // What one script has left in the session does not reach the next.
                let restored = restore
                    .as_ref()
                    .map_or(String::new(), |all| format!("; {all}"));
                let path = self.path_of(at);
                let between = format!("{DISCARD}{restored}; {path}{settings}");
                sending.push(between, At::Begin(at));
            }
            self.script(&mut sending, at, part, settings).await?;
        }
        let closed = match bracket {
            Some(bracket) => Some(self.close(&mut sending, bracket, &settings[1]).await?),
            None => None,
        };
        // A script that goes on outside of this transaction keeps what it has made in the session.
        if self.parts.last().is_some_and(|part| part.ends) {
            sending.push(DISCARD.to_owned(), At::End(self.parts.len() - 1));
        }
        sending.flush().await?;
        let recorder = self.recorder;
        let checked = match self.expected {
            Some(expected) => Some(self.prove(&sending, expected).await?),
            None => None,
        };
        if self.rehearsal {
            let ended = session.run("rollback").await;
            ended.map_err(Failed::own(At::Commit))?;
            return Ok(Done {
                begun: sending.begun(),
                committed: Instant::now(),
                durations: HashMap::new(),
                closed,
                checked,
                kept,
            });
        }
        let (durations, committed) = tokio::join!(
            biased;
            recorder.store.durations(session, recorder.run),
            session.run("commit"),
        );
        committed.map_err(Failed::own(At::Commit))?;
        Ok(Done {
            begun: sending.begun(),
            committed: Instant::now(),
            durations: durations.unwrap_or_default(),
            closed,
            checked,
            kept,
        })
    }

    /// The statements of all parts.
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| {
            let script = &self.pieces[part.piece].script;
            part.statements.clone().map(|index| script.text(index))
        })
    }

    /// Sends a part's statements, and what is recorded of it.
    async fn script(
        &self,
        sending: &mut Sending<'_>,
        at: usize,
        part: &Part,
        settings: &str,
    ) -> Result<(), Failed> {
        let piece = &self.pieces[part.piece];
        for index in part.statements.clone() {
            sending.statement(&piece.script, at, index).await?;
            if piece.script.resets_settings(index) {
                sending.push(settings.to_owned(), At::Begin(at));
            }
        }
        let own = self.setup.own_prefix();
        sending.push(format!("set constraints all immediate; {own}"), At::End(at));
        self.record(sending, at, part).await
    }

    /// A script that goes on outside of this transaction has its path in the session.
    fn path_of(&self, at: usize) -> String {
        match &self.setup.search_path {
            Some(path) if self.parts[at].journalled && !(at == 0 && self.goes_on) => {
                format!("set search_path = {path}; ")
            }
            _ => String::new(),
        }
    }

    /// The limits and the path of a part; a script that goes on in the middle keeps the path it has set.
    fn settings(&self, at: usize, lock_timeout: Duration) -> String {
        let mut setup = self.setup.clone();
        if self.goes_on && at == 0 {
            setup.search_path = None;
        }
        setup
            .settings(&self.recorder.guard, lock_timeout)
            .join("; ")
    }

    /// Gives the triggers their states back, as the role that has switched them off.
    async fn close(
        &self,
        sending: &mut Sending<'_>,
        bracket: Bracket,
        settings: &str,
    ) -> Result<Closed, Failed> {
        let last = self.parts.len().saturating_sub(1);
        sending.push(settings.to_owned(), At::End(last));
        sending.flush().await?;
        let closed = bracket.close(sending.session).await?;
        sending.push(self.setup.own_prefix(), At::End(last));
        Ok(closed)
    }

    /// Holds the catalog against what it is to be, and remembers what it is.
    async fn prove(&self, sending: &Sending<'_>, expected: &Expected) -> Result<Checked, Failed> {
        let (session, store) = (sending.session, self.recorder.store);
        let (found, picture) = expected.compare(session, store).await?;
        let checked = proof::checked(found);
        if checked.proven == Proven::Differs && !self.accepts {
            return Err(Failed::Differs(checked));
        }
        if !self.rehearsal {
            let recorded = picture
                .record(session, store, self.recorder.run, Moment::End, None)
                .await;
            recorded.map_err(ProofError::from)?;
        }
        Ok(checked)
    }

    /// Writes the journal and the history's rows of a part.
    async fn record(
        &self,
        sending: &mut Sending<'_>,
        at: usize,
        part: &Part,
    ) -> Result<(), Failed> {
        if self.rehearsal {
            return Ok(());
        }
        let piece = &self.pieces[part.piece];
        if part.journalled {
            for statement in self.recorder.journal(piece, part.statements.clone()) {
                sending.own(statement, At::Record(at));
            }
        }
        if !part.ends {
            return Ok(());
        }
        let last = if self.recorder.turns {
            sending.flush().await?;
            let last = self.recorder.last_journal(sending.session, piece).await;
            last.map_err(Failed::own(At::Record(at)))?
        } else {
            None
        };
        for statement in self.recorder.record(piece, last) {
            sending.own(statement, At::Record(at));
        }
        Ok(())
    }

    /// The migration that is to blame.
    fn named(&self, failed: &Failed) -> &MigrationRef {
        let last = self.parts.len().saturating_sub(1);
        let part = match failed {
            Failed::At(at, _) => at.part(self.parts.len()).min(last),
            _ => last,
        };
        &self.piece(part).named
    }

    /// Says whose script a stop belongs to.
    fn stopped(&self, failed: &Failed, stop: Stop) -> RollbackError {
        RollbackError::Stopped {
            migration: Box::new(self.named(failed).clone()),
            stop: Box::new(stop),
        }
    }

    /// Returns the place of a failure in its script.
    fn snippet(&self, failed: &Failed) -> Option<Snippet> {
        match failed {
            Failed::At(At::Statement(part, index), failure) => {
                let script = &self.piece(*part).script;
                Some(script.snippet(*index, failure.caret_in(script.text(*index))))
            }
            Failed::At(At::Rows(part, index, _), _) => {
                Some(self.piece(*part).script.snippet(*index, None))
            }
            _ => None,
        }
    }

    /// Gives a failure that is not tried again its name.
    fn given_up(&self, failed: Failed, cancelled: Option<&Cancelled>) -> RollbackError {
        let kept = self.kept;
        if let Some(Cancelled::Interrupt | Cancelled::NoAnswer) = cancelled {
            return self.stopped(&failed, Stop::Interrupted { kept });
        }
        let named = self.named(&failed).clone();
        let snippet = self.snippet(&failed);
        let (at, failure) = match failed {
            Failed::Bracket(error) => return RollbackError::Bracket(Box::new(error)),
            Failed::Keep(error) => return RollbackError::Keep(Box::new(error)),
            Failed::Proof(error) => return RollbackError::Proof(Box::new(error)),
            Failed::Differs(checked) => return RollbackError::Differs(Box::new(checked)),
            Failed::At(at, failure) => (at, *failure),
        };
        let ended_by_code = failure.sqlstate.as_deref() == Some("2D000");
        let stop = match at {
            At::Statement(..) if ended_by_code => Stop::EndedTransaction { snippet },
            At::Statement(part, index) => Stop::Statement {
                index,
                of: self.piece(part).script.len(),
                snippet,
                failure,
                kept,
            },
            At::Rows(_, _, why) => Stop::Rows { why, snippet, kept },
            At::Record(_) if failure.message.contains(GUARD_ERROR) => Stop::EscapedTransaction,
            At::Record(_) if failure.message.contains(LOST) => Stop::LostLock,
            At::Record(_) => Stop::Own {
                what: "could not write the history",
                failure,
            },
            At::Begin(_) | At::End(_) | At::Commit => Stop::AtEnd { failure },
        };
        RollbackError::Stopped {
            migration: Box::new(named),
            stop: Box::new(stop),
        }
    }
}
