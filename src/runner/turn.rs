//! Waits for the history's lock, and says who has it.

use std::time::Duration;

use super::attempt::Interrupt;
use super::error::RunError;
use crate::clock::Deadline;
use crate::pg::lock::HistoryLock;
use crate::pg::session::Session;
use crate::report::event::{EventSink, RunEvent};

/// Time between two tries.
const INTERVAL: Duration = Duration::from_millis(200);
/// Time between two words about it.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Takes the lock, or gives up after `wait`; returns how long it took.
pub async fn take(
    session: &Session,
    lock: HistoryLock,
    wait: Duration,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Result<Duration, RunError> {
    let own = || RunError::own("could not ask for the lock");
    let deadline = Deadline::after(wait);
    let mut told: Option<Duration> = None;
    loop {
        if lock.try_take(session).await.map_err(own())? {
            return Ok(deadline.elapsed());
        }
        let waited = deadline.elapsed();
        let over = deadline.is_over();
        if over || told.is_none_or(|at| waited.saturating_sub(at) >= TELL_EVERY) {
            let holder = lock.holder(session).await.map_err(own())?;
            if over {
                return Err(RunError::Busy {
                    holder: holder.map(Box::new),
                    waited,
                });
            }
            // A holder that was gone when it was looked for leaves the lock for the next try.
            if holder.is_some() {
                told = Some(waited);
                sink.event(&RunEvent::WaitingForRun {
                    holder,
                    waited_seconds: waited.as_secs(),
                });
            }
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL.min(deadline.left().max(Duration::from_millis(1)))) => {}
            () = interrupt.wait() => return Err(RunError::Interrupted),
        }
    }
}
