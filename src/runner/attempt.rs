//! Waits for work on the session, and listens to everybody else meanwhile.

use std::ops::Range;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch as channel};
use tokio::time::interval_at;

use super::watch::{Look, Watcher};
use crate::pg::error::{DbFailure, Kind};
use crate::pg::session::{Notices, Session};
use crate::report::event::{Blocker, EventSink, MigrationRef, RunEvent};
use crate::report::problem::Problem;

/// After a cancel was sent, how long the answer may take before the session is given up.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);
/// A wait shorter than this is not worth a line.
const WORTH_TELLING: Duration = Duration::from_millis(400);
/// Time between two lines about a wait for the same sessions.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// A statement that takes less is not worth a word.
const FIRST_TICK: Duration = Duration::from_millis(250);
/// Time between two words about the same statement.
const TICK: Duration = Duration::from_secs(1);

/// Tells a run that a signal came.
#[derive(Debug, Clone)]
pub struct Interrupt {
    receiver: channel::Receiver<bool>,
}

impl Interrupt {
    /// Listens to a channel that becomes true once a signal came.
    pub fn new(receiver: channel::Receiver<bool>) -> Self {
        Self { receiver }
    }

    /// Makes one that never comes.
    pub fn never() -> Self {
        Self {
            receiver: channel::channel(false).1,
        }
    }

    /// Returns whether it came.
    pub fn is_set(&self) -> bool {
        *self.receiver.borrow()
    }

    /// Waits until it comes; for ever if nobody can send it.
    pub async fn wait(&mut self) {
        if self.receiver.wait_for(|set| *set).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// The session that works, with everybody who listens while it does.
pub struct Link<'r> {
    /// The session that holds the lock.
    pub session: &'r Session,
    /// Its notices.
    pub notices: &'r mut Notices,
    /// Looks at it from outside.
    pub watcher: &'r Watcher,
    /// The watcher's own connection, once it has one.
    pub watch_session: &'r mut Option<Session>,
    /// The session's backend.
    pub pid: i32,
    /// Tells that a signal came.
    pub interrupt: &'r mut Interrupt,
    /// Who is told.
    pub sink: &'r mut dyn EventSink,
}

/// When work is stopped from outside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    /// Longest time that a strong lock on somebody else's relation may be held.
    pub lock_hold: Option<Duration>,
    /// Longest time that one transaction may wait for all its locks together. `lock_timeout`
    /// counts for each lock anew, and everybody behind waits for the sum.
    pub lock_wait: Option<Duration>,
    /// Longest time for the whole work.
    pub total: Option<Duration>,
}

/// Why work was cancelled.
#[derive(Debug, Clone, PartialEq)]
pub enum Cancelled {
    /// A signal came.
    Interrupt,
    /// A strong lock on this relation was held too long.
    LockHeld(String),
    /// All lock waits together took too long.
    LockWait,
    /// It took too long in all.
    Total,
    /// It was interrupted, and the server did not answer the cancel.
    NoAnswer,
}

/// What came of it.
#[derive(Debug)]
pub struct Driven<T> {
    /// The work's own result; `None` where the server did not answer.
    pub result: Option<T>,
    /// Who was in the way when it was last looked at.
    pub blockers: Vec<Blocker>,
    /// Why it was cancelled, if it was.
    pub cancelled: Option<Cancelled>,
}

/// The state of listening.
struct Listening<'m> {
    migration: &'m MigrationRef,
    statements: usize,
    limits: Limits,
    answered: usize,
    last_answer: Instant,
    blockers: Vec<Blocker>,
    cancelled: Option<Cancelled>,
    told: Option<(Duration, Vec<i32>)>,
    blocked_since: Option<Duration>,
    last_look: Duration,
    lock_waited: Duration,
    lock_held_since: Option<Duration>,
}

impl Listening<'_> {
    /// Takes a look in: tells about it, and decides whether a limit is passed.
    fn look(&mut self, look: &Look, sink: &mut dyn EventSink) {
        let step = look.elapsed.saturating_sub(self.last_look);
        self.last_look = look.elapsed;
        if look.blockers.is_empty() {
            self.blocked_since = None;
        } else {
            self.lock_waited += step;
            self.blockers.clone_from(&look.blockers);
            let since = *self
                .blocked_since
                .get_or_insert(look.elapsed.saturating_sub(step));
            if look.index.is_none() && look.elapsed.saturating_sub(since) >= WORTH_TELLING {
                self.tell_blocked(look, sink);
            }
        }
        if let Some(index) = &look.index {
            let mut waits_for: Vec<Blocker> = look.blockers.clone();
            if let Some(locker) = &index.waits_for
                && !waits_for.iter().any(|blocker| blocker.pid == locker.pid)
            {
                waits_for.push(locker.clone());
            }
            self.blockers.clone_from(&waits_for);
            sink.event(&RunEvent::IndexProgress {
                migration: self.migration.clone(),
                phase: index.phase.clone(),
                percent: index.percent,
                waits_for,
                seconds: look.elapsed.as_secs(),
            });
        }
        self.lock_held_since = match (&look.strong_lock, self.lock_held_since) {
            (None, _) => None,
            (Some(_), Some(since)) => Some(since),
            (Some(_), None) => Some(look.elapsed.saturating_sub(step)),
        };
        self.check_limits(look);
    }

    /// Says who is in the way: once, again when it is somebody else, and now and then.
    fn tell_blocked(&mut self, look: &Look, sink: &mut dyn EventSink) {
        let pids: Vec<i32> = look.blockers.iter().map(|blocker| blocker.pid).collect();
        let known = self.told.as_ref().is_some_and(|(at, told)| {
            *told == pids && look.elapsed.saturating_sub(*at) < TELL_EVERY
        });
        if known {
            return;
        }
        self.told = Some((look.elapsed, pids));
        sink.event(&RunEvent::Blocked {
            migration: self.migration.clone(),
            blockers: look.blockers.clone(),
            waited_ms: self.lock_waited.as_millis() as u64,
        });
    }

    fn check_limits(&mut self, look: &Look) {
        if self.cancelled.is_some() {
            return;
        }
        if let (Some(limit), Some(since), Some(relation)) = (
            self.limits.lock_hold,
            self.lock_held_since,
            &look.strong_lock,
        ) && look.elapsed.saturating_sub(since) > limit
        {
            self.cancelled = Some(Cancelled::LockHeld(relation.clone()));
        } else if self
            .limits
            .lock_wait
            .is_some_and(|limit| self.lock_waited > limit)
        {
            self.cancelled = Some(Cancelled::LockWait);
        }
    }

    fn notice(&self, notice: &DbFailure, sink: &mut dyn EventSink) {
        if notice.kind() == Kind::NotReplicated {
            let migration = self.migration.clone();
            sink.event(&RunEvent::NotReplicated { migration });
            return;
        }
        sink.event(&RunEvent::Notice {
            migration: Some(self.migration.clone()),
            severity: notice.severity.clone(),
            message: notice.message.clone(),
            hint: notice.hint.clone(),
        });
    }

    /// Says that a statement is still running, unless a wait for a lock is told already.
    fn tick(&self, sink: &mut dyn EventSink) {
        if self.statements > self.answered && self.blocked_since.is_none() {
            sink.event(&RunEvent::StatementRunning {
                migration: self.migration.clone(),
                index: self.answered,
                of: self.statements,
                running_ms: self.last_answer.elapsed().as_millis() as u64,
            });
        }
    }

    fn answered(&mut self, index: usize, sink: &mut dyn EventSink) {
        self.answered = index + 1;
        self.last_answer = Instant::now();
        sink.event(&RunEvent::StatementDone {
            migration: self.migration.clone(),
            index,
            of: self.statements,
        });
    }
}

/// Waits for `work` and listens to notices, answers, looks and the interrupt meanwhile.
///
/// `statements` is the index of the first one that runs and the number that the file has.
/// `answers` gets the index of each statement that was answered; the first message on it also says
/// that the transaction has begun. A cancel is held back until then: one that hit `BEGIN` itself
/// would let the statements behind it run outside of any transaction.
pub async fn drive<T>(
    link: &mut Link<'_>,
    migration: &MigrationRef,
    statements: Range<usize>,
    limits: Limits,
    mut answers: mpsc::UnboundedReceiver<Answer>,
    work: impl Future<Output = T>,
) -> Driven<T> {
    let mut listening = Listening {
        migration,
        statements: statements.end,
        limits,
        answered: statements.start,
        last_answer: Instant::now(),
        blockers: Vec::new(),
        cancelled: None,
        told: None,
        blocked_since: None,
        last_look: Duration::ZERO,
        lock_waited: Duration::ZERO,
        lock_held_since: None,
    };
    let Link {
        session,
        notices,
        watcher,
        watch_session,
        pid,
        interrupt,
        sink,
    } = link;
    let (look_sender, mut looks) = mpsc::unbounded_channel();
    let watching = watcher.watch(watch_session, *pid, limits.lock_wait, look_sender);
    let total = async {
        match limits.total {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let (mut work, mut watching, mut total) = (
        std::pin::pin!(work),
        std::pin::pin!(watching),
        std::pin::pin!(total),
    );
    let (mut begun, mut listens) = (false, true);
    let mut cancel_sent = false;
    let patience = tokio::time::sleep(Duration::MAX);
    let mut patience = std::pin::pin!(patience);
    let mut ticks = interval_at(tokio::time::Instant::now() + FIRST_TICK, TICK);
    let result = loop {
        if listening.cancelled.is_some() && begun && !cancel_sent {
            cancel_sent = true;
            // A cancel that cannot be sent leaves the statement running; patience then ends.
            drop(session.canceller().cancel(CANCEL_PATIENCE).await);
            patience
                .as_mut()
                .reset(tokio::time::Instant::now() + CANCEL_PATIENCE);
        }
        tokio::select! {
            biased;
            result = &mut work => break Some(result),
            answer = answers.recv(), if listens => match answer {
                Some(Answer::Begun) => begun = true,
                Some(Answer::Statement(index)) => listening.answered(index, *sink),
                None => listens = false,
            },
            Some(notice) = notices.recv() => listening.notice(&notice, *sink),
            Some(look) = looks.recv() => match look {
                Ok(look) => listening.look(&look, *sink),
                Err(message) => sink.event(&no_second_connection(message)),
            },
            () = interrupt.wait(), if listening.cancelled.is_none() => {
                listening.cancelled = Some(Cancelled::Interrupt);
            }
            () = &mut total, if listening.cancelled.is_none() => {
                listening.cancelled = Some(Cancelled::Total);
            }
            () = &mut patience, if cancel_sent => {
                listening.cancelled = Some(Cancelled::NoAnswer);
                break None;
            }
            _ = ticks.tick() => listening.tick(*sink),
            () = &mut watching => {}
        }
    };
    while let Ok(answer) = answers.try_recv() {
        if let Answer::Statement(index) = answer {
            listening.answered(index, *sink);
        }
    }
    while let Ok(notice) = notices.try_recv() {
        listening.notice(&notice, *sink);
    }
    Driven {
        result,
        blockers: listening.blockers,
        cancelled: listening.cancelled,
    }
}

/// Says that nobody will be named who is in the way.
pub fn no_second_connection(message: String) -> RunEvent {
    RunEvent::Warning {
        problem: Problem::new(
            "no-second-connection",
            "cannot say who is in the way: no second connection could be opened",
        )
        .detail(message),
    }
}

/// Returns whether the session is over.
pub fn is_gone(failure: &DbFailure) -> bool {
    failure.kind() == Kind::ConnectionLost || failure.ends_the_session()
}

/// Makes the failure of a session that did not answer a cancel.
pub fn no_answer() -> DbFailure {
    DbFailure::connection_lost("the server did not answer a request to cancel")
}

/// What the pipeline tells the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The transaction has begun.
    Begun,
    /// The statement with this index was answered.
    Statement(usize),
}
