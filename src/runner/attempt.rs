//! Waits for work on the session, and listens to everybody else meanwhile.

use std::ops::Range;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch as channel};
use tokio::time::interval_at;

use super::mark::statement_in_mark;
use super::pace::{Lap, Stopwatch};
use super::watch::{Last, Look, Watcher};
use crate::pg::connect::Notice;
use crate::pg::error::{DbFailure, Kind};
use crate::pg::session::{Notices, Session};
use crate::report::event::{Blocker, EventSink, MigrationRef, RunEvent};
use crate::report::problem::Problem;

/// After a cancel was sent, how long the answer may take before the session is given up.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);
/// A cancel is sent again after this time, where it does no harm.
const CANCEL_AGAIN: Duration = Duration::from_millis(500);
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

/// One migration of the work that is waited for.
#[derive(Debug, Clone)]
pub struct Heading<'a> {
    /// Which.
    pub migration: &'a MigrationRef,
    /// The index of the first statement that runs, and the number that the file has.
    pub statements: Range<usize>,
    /// When it is stopped.
    pub limits: Limits,
}

/// Who is told how far work on several migrations is.
pub trait Progress {
    /// The migration with this index is committed.
    fn committed(&mut self, _index: usize, _duration_ms: f64, _sink: &mut dyn EventSink) {}
    /// The work shall come to an end: a cancel is about to be sent.
    fn halt(&mut self) {}
    /// Whether a cancel does no harm at any time. One that hits `BEGIN` would let the statements
    /// behind it run outside of any transaction, unless they are in the same message.
    fn cancels_at_any_time(&self) -> bool {
        false
    }
}

impl Progress for () {}

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
struct Listening<'l, 'm> {
    headings: &'l [Heading<'m>],
    /// The index of the migration that answers are awaited of.
    awaited: usize,
    /// The index of the one that runs. The answers of those before it may still be with the server,
    /// where they share a message.
    running: usize,
    statements: usize,
    limits: Limits,
    started: Instant,
    answered: usize,
    last_answer: Instant,
    blockers: Vec<Blocker>,
    cancelled: Option<Cancelled>,
    told: Option<(Duration, Vec<i32>)>,
    blocked_since: Option<Duration>,
    last_look: Duration,
    lock_waited: Duration,
    lock_held_since: Option<Duration>,
    stopwatch: Stopwatch,
}

impl<'l, 'm> Listening<'l, 'm> {
    fn new(headings: &'l [Heading<'m>], awaited: usize, running: usize, started: Instant) -> Self {
        let heading = &headings[running];
        Self {
            headings,
            awaited,
            running,
            statements: heading.statements.end,
            limits: heading.limits,
            started,
            answered: heading.statements.start,
            last_answer: Instant::now(),
            blockers: Vec::new(),
            cancelled: None,
            told: None,
            blocked_since: None,
            last_look: started.elapsed(),
            lock_waited: Duration::ZERO,
            lock_held_since: None,
            stopwatch: Stopwatch::default(),
        }
    }

    fn migration(&self) -> &'m MigrationRef {
        self.headings[self.running].migration
    }

    fn awaited(&self) -> &'m MigrationRef {
        self.headings[self.awaited].migration
    }

    /// Takes a look in: tells about it, and decides whether a limit is passed.
    fn look(&mut self, look: &Look, sink: &mut dyn EventSink) {
        let step = look.elapsed.saturating_sub(self.last_look);
        self.last_look = look.elapsed;
        self.follow(look);
        let waits = look
            .index
            .as_ref()
            .and_then(|index| index.waits_for.as_ref());
        let is_free = look.blockers.is_empty() && waits.is_none();
        self.stopwatch.look(is_free, &look.held);
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
                migration: self.migration().clone(),
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

    /// The session's name says which statement of a message is running; the answers of those before
    /// it come with the message's end.
    fn follow(&mut self, look: &Look) {
        /// A message has no more files than this.
        const AHEAD: usize = 64;
        let Some(mark) = look.mark.as_deref() else {
            return;
        };
        let ahead = self.headings.iter().enumerate().skip(self.running);
        let found = ahead.take(AHEAD).find_map(|(at, heading)| {
            statement_in_mark(mark, heading.migration).map(|statement| (at, statement))
        });
        let Some((at, statement)) = found else {
            return;
        };
        if at > self.running {
            self.turn_to(self.awaited, at);
        }
        if statement > self.answered {
            // Of several that ended between two looks, none took long.
            let is_next = statement == self.answered + 1;
            let ended = is_next.then_some(self.answered);
            self.stopwatch.turn(ended, self.last_answer);
            self.answered = statement;
            self.last_answer = Instant::now();
        }
    }

    /// Goes on with another migration in the same transaction: its lock times count on.
    fn go_on_with(&mut self, index: usize) {
        let times = (self.lock_waited, self.lock_held_since);
        self.turn_to(index, index);
        (self.lock_waited, self.lock_held_since) = times;
    }

    /// Begins with another migration of the same work.
    fn turn_to(&mut self, awaited: usize, running: usize) {
        *self = Self {
            cancelled: self.cancelled.take(),
            ..Self::new(self.headings, awaited, running, self.started)
        };
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
            migration: self.migration().clone(),
            blockers: look.blockers.clone(),
            waited_ms: self.lock_waited.as_millis() as u64,
        });
    }

    /// Takes one of the work's answers in.
    fn take(
        &mut self,
        answer: Answer,
        hearing: &mut Hearing<'_>,
        progress: &mut dyn Progress,
        sink: &mut dyn EventSink,
    ) {
        match answer {
            Answer::Begun => {}
            Answer::Statement(index) => self.answered(index, sink),
            Answer::Turned { index, commands } => {
                self.tell_notices(hearing, commands, sink);
                self.go_on_with(index);
            }
            Answer::Committed {
                index,
                duration_ms,
                commands,
            } => {
                self.tell_notices(hearing, commands, sink);
                progress.committed(index, duration_ms, sink);
                let next = index + 1;
                if next > self.running && next < self.headings.len() {
                    self.turn_to(next, next);
                } else {
                    self.awaited = next.min(self.headings.len() - 1);
                }
            }
        }
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

    /// Tells the notices that came before so many commands of the session were done.
    fn tell_notices(&self, hearing: &mut Hearing<'_>, before: u64, sink: &mut dyn EventSink) {
        while let Some(notice) = hearing.next_before(before) {
            self.notice(&notice, sink);
        }
    }

    fn notice(&self, notice: &Notice, sink: &mut dyn EventSink) {
        let notice = &notice.said;
        if notice.kind() == Kind::NotReplicated {
            let migration = self.awaited().clone();
            sink.event(&RunEvent::NotReplicated { migration });
            return;
        }
        sink.event(&RunEvent::Notice {
            migration: Some(self.awaited().clone()),
            severity: notice.severity.clone(),
            message: notice.message.clone(),
            hint: notice.hint.clone(),
        });
    }

    /// Says that a statement is still running, unless a wait for a lock is told already.
    fn tick(&self, sink: &mut dyn EventSink) {
        if self.statements > self.answered && self.blocked_since.is_none() {
            sink.event(&RunEvent::StatementRunning {
                migration: self.migration().clone(),
                index: self.answered,
                of: self.statements,
                running_ms: self.last_answer.elapsed().as_millis() as u64,
            });
        }
    }

    fn answered(&mut self, index: usize, sink: &mut dyn EventSink) {
        if self.awaited == self.running {
            // Of those that came before the one that runs, a look has seen the end already.
            if index >= self.answered {
                let ended = (index == self.answered).then_some(index);
                self.stopwatch.turn(ended, self.last_answer);
                self.answered = index + 1;
                self.last_answer = Instant::now();
            }
            // Nobody looks while answers come quickly: that time was not waited, unless it began so.
            let now = self.started.elapsed();
            if self.blocked_since.is_some() {
                self.lock_waited += now.saturating_sub(self.last_look);
            }
            self.last_look = now;
        }
        let lap = self.stopwatch.lap(index);
        let lap = lap.filter(|_| self.awaited == self.running);
        sink.event(&RunEvent::StatementDone {
            migration: self.awaited().clone(),
            index,
            of: self.headings[self.awaited].statements.end,
            took_ms: lap.map(Lap::ms),
            held: lap.map(|lap| lap.held.clone()).unwrap_or_default(),
        });
    }
}

/// Waits for `work` and listens to notices, answers, looks and the interrupt meanwhile.
///
/// `headings` are the migrations it does, one after the other; there is at least one. `answers` gets
/// the index of each statement that was answered, and of each migration that is committed; the first
/// message on it also says that a transaction has begun. A cancel is held back until then, unless
/// `progress` says otherwise.
pub async fn drive<T>(
    link: &mut Link<'_>,
    headings: &[Heading<'_>],
    mut answers: mpsc::UnboundedReceiver<Answer>,
    work: impl Future<Output = T>,
    progress: &mut dyn Progress,
) -> Driven<T> {
    let last = Last::now();
    let started = last.begin.get();
    let mut listening = Listening::new(headings, 0, 0, started);
    let Link {
        session,
        notices,
        watcher,
        watch_session,
        pid,
        interrupt,
        sink,
    } = link;
    let mut hearing = Hearing {
        notices,
        next: None,
    };
    let (look_sender, mut looks) = mpsc::unbounded_channel();
    let watching = watcher.watch(watch_session, *pid, listening.limits, &last, look_sender);
    let total = async {
        match headings[0].limits.total {
            Some(limit) => tokio::time::sleep(limit).await,
            None => std::future::pending().await,
        }
    };
    let (mut work, mut watching, mut total) = (
        std::pin::pin!(work),
        std::pin::pin!(watching),
        std::pin::pin!(total),
    );
    let any_time = progress.cancels_at_any_time();
    let (mut begun, mut listens) = (any_time, true);
    let mut cancel_sent = false;
    let again = tokio::time::sleep(Duration::MAX);
    let patience = tokio::time::sleep(Duration::MAX);
    let (mut patience, mut again) = (std::pin::pin!(patience), std::pin::pin!(again));
    let mut ticks = interval_at(tokio::time::Instant::now() + FIRST_TICK, TICK);
    let result = loop {
        if listening.cancelled.is_some() && begun && !cancel_sent {
            cancel_sent = true;
            progress.halt();
            // A cancel that cannot be sent leaves the statement running; patience then ends.
            drop(session.canceller().cancel(CANCEL_PATIENCE).await);
            let now = tokio::time::Instant::now();
            patience.as_mut().reset(now + CANCEL_PATIENCE);
            again.as_mut().reset(now + CANCEL_AGAIN);
        }
        tokio::select! {
            biased;
            result = &mut work => break Some(result),
            answer = answers.recv(), if listens => match answer {
                Some(answer) => {
                    begun = true;
                    last.answer.set(Instant::now());
                    if matches!(answer, Answer::Committed { .. }) {
                        last.begin.set(Instant::now());
                    }
                    listening.take(answer, &mut hearing, progress, *sink);
                }
                None => listens = false,
            },
            Some(notice) = hearing.next() => listening.notice(&notice, *sink),
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
            // It may have come between two files, and cancelled nothing.
            () = &mut again, if cancel_sent && any_time => {
                drop(session.canceller().cancel(CANCEL_PATIENCE).await);
                again.as_mut().reset(tokio::time::Instant::now() + CANCEL_AGAIN);
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
        listening.take(answer, &mut hearing, progress, *sink);
    }
    listening.tell_notices(&mut hearing, u64::MAX, *sink);
    Driven {
        result,
        blockers: listening.blockers,
        cancelled: listening.cancelled,
    }
}

/// The notices of a session, of which the next one may be kept back for the migration it belongs to.
struct Hearing<'n> {
    notices: &'n mut Notices,
    next: Option<Notice>,
}

impl Hearing<'_> {
    async fn next(&mut self) -> Option<Notice> {
        match self.next.take() {
            Some(notice) => Some(notice),
            None => self.notices.recv().await,
        }
    }

    fn next_before(&mut self, commands: u64) -> Option<Notice> {
        if self.next.is_none() {
            self.next = self.notices.try_recv().ok();
        }
        self.next.take_if(|notice| notice.after < commands)
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
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Answer {
    /// The transaction has begun.
    Begun,
    /// The statement with this index was answered.
    Statement(usize),
    /// The next migration of the same transaction has begun.
    Turned {
        /// Its index in the work.
        index: usize,
        /// How many commands of the session were done before it.
        commands: u64,
    },
    /// A migration of the convoy is committed.
    Committed {
        /// Its index in the convoy.
        index: usize,
        /// How long its transaction took on the server.
        duration_ms: f64,
        /// How many commands of the session were done with its commit.
        commands: u64,
    },
}
