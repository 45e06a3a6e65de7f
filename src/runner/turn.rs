//! Waits for an advisory lock, and says who has it.
//!
//! Nobody waits inside the server: a waiter's snapshot there would hold up `CREATE INDEX CONCURRENTLY`.

use std::time::Duration;

use super::attempt::Interrupt;
use super::error::RunError;
use crate::clock::Deadline;
use crate::pg::error::DbFailure;
use crate::pg::lock::HistoryLock;
use crate::pg::session::Session;
use crate::report::event::{Blocker, EventSink, RunEvent};

/// Time between two tries.
const INTERVAL: Duration = Duration::from_millis(200);
/// Time between two words about it.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// A lock that is tried for again and again.
pub trait Queue {
    /// Tries once, without waiting.
    fn try_take(&self) -> impl Future<Output = Result<bool, DbFailure>>;
    /// Asks who has it, as far as the role may see.
    fn holder(&self) -> impl Future<Output = Result<Option<Blocker>, DbFailure>>;
    /// Says who is in the way, and for how long that has been so.
    fn waiting(&self, holder: Option<Blocker>, waited: Duration) -> RunEvent;
}

/// Why it was not obtained.
#[derive(Debug)]
pub enum NotTaken {
    /// The server could not be asked.
    Failed(Box<DbFailure>),
    /// Somebody else still has it.
    Busy {
        /// Who, as far as the role may see.
        holder: Option<Box<Blocker>>,
        /// How long that was waited for.
        waited: Duration,
    },
    /// A signal came.
    Interrupted,
}

/// Takes the history's lock, or gives up after `wait`; returns how long it took.
pub async fn take(
    session: &Session,
    lock: HistoryLock,
    wait: Duration,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Result<Duration, RunError> {
    let queue = OfHistory { session, lock };
    let taken = take_of(&queue, wait, interrupt, sink).await;
    taken.map_err(|not_taken| match not_taken {
        NotTaken::Failed(failure) => RunError::own("could not ask for the lock")(*failure),
        NotTaken::Busy { holder, waited } => RunError::Busy { holder, waited },
        NotTaken::Interrupted => RunError::Interrupted,
    })
}

/// Takes any such lock, or gives up after `wait`; returns how long it took.
pub async fn take_of(
    queue: &impl Queue,
    wait: Duration,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Result<Duration, NotTaken> {
    let failed = |failure| NotTaken::Failed(Box::new(failure));
    let deadline = Deadline::after(wait);
    let mut told: Option<Duration> = None;
    loop {
        if queue.try_take().await.map_err(failed)? {
            return Ok(deadline.elapsed());
        }
        let waited = deadline.elapsed();
        let over = deadline.is_over();
        if over || told.is_none_or(|at| waited.saturating_sub(at) >= TELL_EVERY) {
            let holder = queue.holder().await.map_err(failed)?;
            if over {
                let holder = holder.map(Box::new);
                return Err(NotTaken::Busy { holder, waited });
            }
            // A holder that was gone when it was looked for leaves the lock for the next try.
            if holder.is_some() {
                told = Some(waited);
                sink.event(&queue.waiting(holder, waited));
            }
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL.min(deadline.left().max(Duration::from_millis(1)))) => {}
            () = interrupt.wait() => return Err(NotTaken::Interrupted),
        }
    }
}

struct OfHistory<'a> {
    session: &'a Session,
    lock: HistoryLock,
}

impl Queue for OfHistory<'_> {
    async fn try_take(&self) -> Result<bool, DbFailure> {
        self.lock.try_take(self.session).await
    }

    async fn holder(&self) -> Result<Option<Blocker>, DbFailure> {
        self.lock.holder(self.session).await
    }

    fn waiting(&self, holder: Option<Blocker>, waited: Duration) -> RunEvent {
        RunEvent::WaitingForRun {
            holder,
            waited_seconds: waited.as_secs(),
        }
    }
}
