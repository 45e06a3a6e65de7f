//! One transaction of a rollback: begin, scripts in reverse order, history rows, commit; retried as a
//! whole.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::error::RollbackError;
use super::parts::Part;
use super::prepare::Piece;
use super::recorder::Recorder;
use super::sending::{At, Failed, Sending};
use crate::pg::error::Kind;
use crate::pg::lock::LOST;
use crate::pg::settings::DISCARD;
use crate::report::event::MigrationRef;
use crate::report::place::Snippet;
use crate::runner::attempt::{Cancelled, Driven, Heading, Link, drive, is_gone, no_answer};
use crate::runner::bracket::{Bracket, Closed, Switch};
use crate::runner::error::Stop;
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
    /// How long each part took.
    pub(super) parts: Vec<Duration>,
    /// What the trigger bracket has found.
    pub(super) closed: Option<Closed>,
}

/// What one try came to.
type Tried = Driven<Result<Done, Failed>>;

/// When each part of a try began, and when it was committed.
#[derive(Debug)]
struct Done {
    begun: Vec<Option<Instant>>,
    committed: Instant,
    closed: Option<Closed>,
}

impl Done {
    fn cost(self, retries: u32) -> Cost {
        let begun: Vec<Instant> = self
            .begun
            .iter()
            .map(|at| at.unwrap_or(self.committed))
            .collect();
        let ends = begun.iter().skip(1).chain([&self.committed]);
        Cost {
            retries,
            held: begun
                .first()
                .map_or(Duration::ZERO, |at| self.committed.duration_since(*at)),
            parts: begun
                .iter()
                .zip(ends)
                .map(|(from, to)| to.saturating_duration_since(*from))
                .collect(),
            closed: self.closed,
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
            let driven = self.attempt(link, lock_timeout).await;
            let failed = match driven.result {
                Some(Ok(done)) => return Ok(done.cost(tries.failed())),
                Some(Err(failed)) => failed,
                None => Failed::At(At::Commit, no_answer()),
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
                return Err(self.given_up(failed, driven.cancelled));
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
        drive(link, &headings, answers, work, &mut ()).await
    }

    /// Puts the whole transaction on the wire. Nothing is awaited between the statements; if one
    /// fails, the server refuses those behind it, and makes the `COMMIT` a rollback.
    async fn send(&self, mut sending: Sending<'_>, lock_timeout: Duration) -> Result<Done, Failed> {
        let setup = self.setup;
        let mut settings = self.settings(lock_timeout);
        let restore = setup.restore.as_ref().map(|all| all.join("; "));
        sending.push("begin".to_owned(), At::Begin(0));
        if let Some(restore) = restore.as_ref().filter(|_| !self.goes_on) {
            sending.push(restore.clone(), At::Begin(0));
        }
        sending.push(settings.clone(), At::Begin(0));
        let bracket = if self.tables.is_empty() {
            None
        } else {
            sending.flush().await?;
            Some(Bracket::open(sending.session, self.tables, self.switch).await?)
        };
        if bracket.as_ref().is_some_and(Bracket::is_replica) {
            // What is reset between the scripts would let the triggers fire again.
            settings.push_str("; set local session_replication_role = replica");
        }
        // What one script has left in the session does not reach the next.
        let own = setup.own_prefix();
        let restored = restore.map_or(String::new(), |text| format!("; {text}"));
        let between =
            format!("set constraints all immediate; {own}; {DISCARD}{restored}; {settings}");
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                sending.push(between.clone(), At::Begin(at));
            }
            let script = &self.pieces[part.piece].script;
            for index in part.statements.clone() {
                sending.statement(script, at, index).await?;
                if script.resets_settings(index) {
                    sending.push(settings.clone(), At::Begin(at));
                }
            }
        }
        let closed = match bracket {
            Some(bracket) => Some(self.close(&mut sending, bracket, &settings).await?),
            None => None,
        };
        let end = format!("set constraints all immediate; {own}; {DISCARD}");
        sending.push(end, At::End);
        self.record(&mut sending).await?;
        sending.push("commit".to_owned(), At::Commit);
        sending.flush().await?;
        Ok(Done {
            begun: sending.begun(),
            committed: Instant::now(),
            closed,
        })
    }

    /// The limits and the path of a script; one that goes on in the middle keeps the path it has set.
    fn settings(&self, lock_timeout: Duration) -> String {
        let mut setup = self.setup.clone();
        if self.goes_on {
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
        let role = &self.setup.own_role;
        let own = format!("set local session authorization default; {role}; {settings}");
        sending.push(own, At::End);
        sending.flush().await?;
        Ok(bracket.close(sending.session).await?)
    }

    /// Writes the journal and the history's rows.
    async fn record(&self, sending: &mut Sending<'_>) -> Result<(), Failed> {
        let pieces = || {
            self.parts
                .iter()
                .map(|part| (part, &self.pieces[part.piece]))
        };
        for (part, piece) in pieces().filter(|(part, _)| part.journalled) {
            for statement in self.recorder.journal(piece, part.statements.clone()) {
                sending.own(statement, At::Record);
            }
        }
        for (_, piece) in pieces().filter(|(part, _)| part.ends) {
            let last = if self.recorder.turns {
                sending.flush().await?;
                self.recorder
                    .last_journal(sending.session, piece)
                    .await
                    .map_err(Failed::own(At::Record))?
            } else {
                None
            };
            for statement in self.recorder.record(piece, last) {
                sending.own(statement, At::Record);
            }
        }
        Ok(())
    }

    /// The migration that is to blame.
    fn named(&self, failed: &Failed) -> &MigrationRef {
        let last = self.parts.len().saturating_sub(1);
        let part = match failed {
            Failed::At(at, _) => at.part(self.parts.len()).min(last),
            Failed::Bracket(_) => last,
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
    fn given_up(&self, failed: Failed, cancelled: Option<Cancelled>) -> RollbackError {
        let kept = self.kept;
        if let Some(Cancelled::Interrupt | Cancelled::NoAnswer) = cancelled {
            return self.stopped(&failed, Stop::Interrupted { kept });
        }
        let named = self.named(&failed).clone();
        let snippet = self.snippet(&failed);
        let (at, failure) = match failed {
            Failed::Bracket(error) => return RollbackError::Bracket(Box::new(error)),
            Failed::At(at, failure) => (at, failure),
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
            At::Record if failure.message.contains(GUARD_ERROR) => Stop::EscapedTransaction,
            At::Record if failure.message.contains(LOST) => Stop::LostLock,
            At::Record => Stop::Own {
                what: "could not write the history",
                failure,
            },
            At::Begin(_) | At::End | At::Commit => Stop::AtEnd { failure },
        };
        RollbackError::Stopped {
            migration: Box::new(named),
            stop: Box::new(stop),
        }
    }
}
