//! One transaction of a rollback: begin, scripts in reverse order, history rows, commit; retried as a
//! whole.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::error::RollbackError;
use super::parts::Part;
use super::prepare::Piece;
use crate::history::record::Prepared as Statement;
use crate::pg::error::{DbFailure, Kind};
use crate::pg::lock::LOST;
use crate::pg::session::{Command, CopyFailure, Session, Window};
use crate::pg::settings::DISCARD;
use crate::project::RereadFault;
use crate::report::place::Snippet;
use crate::runner::attempt::{Answer, Cancelled, Driven, Heading, Link, drive, is_gone, no_answer};
use crate::runner::error::Stop;
use crate::runner::retry::{Next, Tries};
use crate::runner::stepwise;
use crate::runner::transactional::{Again, GUARD_ERROR, Setup, end_failed, limits, wait_for_retry};

/// A transaction that is going to be tried.
#[derive(Clone, Copy)]
pub(super) struct Shot<'a> {
    /// All scripts.
    pub(super) pieces: &'a [Piece],
    /// The statements of this transaction; there is at least one part.
    pub(super) parts: &'a [Part],
    /// The transaction guard.
    pub(super) guard: &'a str,
    /// Evmig's own statements at its end.
    pub(super) records: &'a [Statement],
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
}

/// Where a try failed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    /// Before a part's first statement.
    Begin(usize),
    /// In a statement of a part.
    Statement(usize, usize),
    /// Rows that could not be read again.
    Rows(usize, usize, RereadFault),
    /// Behind the last statement.
    End,
    /// In a history row.
    Record,
    /// In the commit.
    Commit,
}

impl At {
    /// The part that is to blame.
    fn part(&self, of: usize) -> usize {
        match self {
            Self::Begin(part) | Self::Statement(part, _) | Self::Rows(part, ..) => *part,
            Self::End | Self::Record | Self::Commit => of.saturating_sub(1),
        }
    }
}

/// What one try came to.
type Tried = Driven<Result<Times, (At, DbFailure)>>;

/// When each part of a try began, and when it was committed.
#[derive(Debug, Clone)]
struct Times {
    begun: Vec<Option<Instant>>,
    committed: Instant,
}

impl Times {
    fn cost(&self, retries: u32) -> Cost {
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
            let (at, failure) = match driven.result {
                Some(Ok(times)) => return Ok(times.cost(tries.failed())),
                Some(Err(failed)) => failed,
                None => (At::Commit, no_answer()),
            };
            if is_gone(&failure) || driven.cancelled == Some(Cancelled::NoAnswer) {
                return Err(self.stopped(&at, Stop::ConnectionLost { failure }));
            }
            let named = &self.piece(at.part(self.parts.len())).named;
            end_failed(link, named).await.map_err(|failure| {
                self.stopped(&at, *stepwise::own("could not roll back", failure))
            })?;
            let lock_wait = driven.cancelled == Some(Cancelled::LockWait);
            let retryable = matches!(failure.kind(), Kind::LockTimeout | Kind::Deadlock);
            if !retryable && !lock_wait {
                return Err(self.stopped(&at, self.stop(&at, failure, driven.cancelled)));
            }
            let Next::Try {
                wait,
                lock_timeout: longer,
            } = tries.next(&driven.blockers)
            else {
                let stop = Stop::Locked {
                    tries: tries.failed(),
                    snippet: self.snippet(&at, &failure),
                    blockers: driven.blockers,
                    failure,
                    kept: self.kept,
                };
                return Err(self.stopped(&at, stop));
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
                .map_err(|stop| self.stopped(&at, *stop))?;
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
        let sending = Sending {
            session: link.session,
            answers: sender,
            commands: Vec::new(),
            places: Vec::new(),
            begun: vec![Cell::new(None); self.parts.len()],
        };
        drive(
            link,
            &headings,
            answers,
            self.send(sending, lock_timeout),
            &mut (),
        )
        .await
    }

    /// Puts the whole transaction on the wire. Nothing is awaited between the statements; if one
    /// fails, the server refuses those behind it, and makes the `COMMIT` a rollback.
    async fn send(
        &self,
        mut sending: Sending<'_>,
        lock_timeout: Duration,
    ) -> Result<Times, (At, DbFailure)> {
        let setup = self.setup;
        let settings = setup.settings(self.guard, lock_timeout).join("; ");
        let restore = setup.restore.as_ref().map(|all| all.join("; "));
        // What one script has left in the session does not reach the next.
        let between = format!(
            "set constraints all immediate; {}; {DISCARD}{}; {settings}",
            setup.own_prefix(),
            restore
                .as_ref()
                .map(|text| format!("; {text}"))
                .unwrap_or_default(),
        );
        sending.push("begin".to_owned(), At::Begin(0));
        if let Some(restore) = restore {
            sending.push(restore, At::Begin(0));
        }
        sending.push(settings.clone(), At::Begin(0));
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 {
                sending.push(between.clone(), At::Begin(at));
            }
            self.statements(&mut sending, at, part, &settings).await?;
        }
        let end = format!(
            "set constraints all immediate; {}; {DISCARD}",
            setup.own_prefix()
        );
        sending.push(end, At::End);
        for record in self.records {
            sending.own(record.clone(), At::Record);
        }
        sending.push("commit".to_owned(), At::Commit);
        sending.flush().await?;
        Ok(Times {
            begun: sending.begun.iter().map(Cell::get).collect(),
            committed: Instant::now(),
        })
    }

    async fn statements(
        &self,
        sending: &mut Sending<'_>,
        at: usize,
        part: &Part,
        settings: &str,
    ) -> Result<(), (At, DbFailure)> {
        let script = &self.pieces[part.piece].script;
        for index in part.statements.clone() {
            let text = script.text(index);
            if let Some(data) = script.copy_data(index) {
                sending.flush().await?;
                let copied = sending.session.copy_in(text, data.chunks()).await;
                copied.map_err(|failure| copy_failed(at, index, failure))?;
                // The listener may be gone; nothing depends on it.
                let _ = sending.answers.send(Answer::Statement(index));
                continue;
            }
            sending.push(text.to_owned(), At::Statement(at, index));
            if script.resets_settings(index) {
                sending.push(settings.to_owned(), At::Begin(at));
            }
        }
        Ok(())
    }

    /// Says whose script a stop belongs to.
    fn stopped(&self, at: &At, stop: Stop) -> RollbackError {
        RollbackError::Stopped {
            migration: Box::new(self.piece(at.part(self.parts.len())).named.clone()),
            stop: Box::new(stop),
        }
    }

    /// Returns the place of a failure in its script.
    fn snippet(&self, at: &At, failure: &DbFailure) -> Option<Snippet> {
        match at {
            At::Statement(part, index) => {
                let script = &self.piece(*part).script;
                Some(script.snippet(*index, failure.caret_in(script.text(*index))))
            }
            At::Rows(part, index, _) => Some(self.piece(*part).script.snippet(*index, None)),
            _ => None,
        }
    }

    /// Gives a failure that is not tried again its name.
    fn stop(&self, at: &At, failure: DbFailure, cancelled: Option<Cancelled>) -> Stop {
        let snippet = self.snippet(at, &failure);
        let kept = self.kept;
        if let Some(Cancelled::Interrupt | Cancelled::NoAnswer) = cancelled {
            return Stop::Interrupted { kept };
        }
        let ended_by_code = failure.sqlstate.as_deref() == Some("2D000");
        match at {
            At::Statement(..) if ended_by_code => Stop::EndedTransaction { snippet },
            At::Statement(part, index) => Stop::Statement {
                index: *index,
                of: self.piece(*part).script.len(),
                snippet,
                failure,
                kept,
            },
            At::Rows(_, _, why) => Stop::Rows {
                why: why.clone(),
                snippet,
                kept,
            },
            At::Record if failure.message.contains(GUARD_ERROR) => Stop::EscapedTransaction,
            At::Record if failure.message.contains(LOST) => Stop::LostLock,
            At::Record => Stop::Own {
                what: "could not write the history",
                failure,
            },
            At::Begin(_) | At::End | At::Commit => Stop::AtEnd { failure },
        }
    }
}

fn copy_failed(part: usize, index: usize, failure: CopyFailure<RereadFault>) -> (At, DbFailure) {
    match failure {
        CopyFailure::Server(failure) => (At::Statement(part, index), *failure),
        CopyFailure::Data(why) => {
            let failure = DbFailure::protocol(&why.to_string());
            (At::Rows(part, index, why), failure)
        }
    }
}

/// One of the commands that gather until they are sent together.
enum Gathered {
    Text(String),
    Own(Statement),
}

/// Commands on their way, each with what it is.
struct Sending<'a> {
    session: &'a Session,
    answers: mpsc::UnboundedSender<Answer>,
    commands: Vec<Gathered>,
    places: Vec<At>,
    /// When each part began.
    begun: Vec<Cell<Option<Instant>>>,
}

impl Sending<'_> {
    fn push(&mut self, text: String, at: At) {
        self.commands.push(Gathered::Text(text));
        self.places.push(at);
    }

    fn own(&mut self, statement: Statement, at: At) {
        self.commands.push(Gathered::Own(statement));
        self.places.push(at);
    }

    /// Sends what has gathered and waits for the answers.
    async fn flush(&mut self) -> Result<(), (At, DbFailure)> {
        let gathered = std::mem::take(&mut self.commands);
        let places = std::mem::take(&mut self.places);
        let parameters: Vec<Vec<Option<&str>>> = gathered
            .iter()
            .map(|one| match one {
                Gathered::Text(_) => Vec::new(),
                Gathered::Own(statement) => statement.borrowed(),
            })
            .collect();
        let commands: Vec<Command<'_>> = gathered
            .iter()
            .zip(&parameters)
            .map(|(one, parameters)| match one {
                Gathered::Text(text) => Command::Text(text),
                Gathered::Own(statement) => Command::Own(&statement.sql, parameters),
            })
            .collect();
        let before = self.session.commands();
        let answered = |at: usize| self.tell(&places, at, before);
        self.session
            .pipeline(commands, Window::default(), answered)
            .await
            .map(|_| ())
            .map_err(|(at, failure)| (places.get(at).cloned().unwrap_or(At::Commit), failure))
    }

    /// Tells the listener of an answer. The listener may be gone; nothing depends on it.
    fn tell(&self, places: &[At], at: usize, before: u64) {
        let answer = match places.get(at) {
            Some(At::Statement(_, index)) => Answer::Statement(*index),
            Some(At::Begin(part)) => {
                let begun = &self.begun[*part];
                let is_first = begun.get().is_none();
                begun.set(begun.get().or_else(|| Some(Instant::now())));
                if is_first && *part > 0 {
                    Answer::Turned {
                        index: *part,
                        commands: before + at as u64,
                    }
                } else {
                    Answer::Begun
                }
            }
            _ => Answer::Begun,
        };
        let _ = self.answers.send(answer);
    }
}
