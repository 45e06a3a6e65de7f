//! Notices that a server can no longer be reached although nobody said goodbye (faults.md B15).
//!
//! A statement may run for hours without a word, so that silence alone proves nothing, and a proxy
//! or a NAT box in between answers keepalives for a server that is long gone. Asking the server's
//! address for TLS is cheap proof of life: it is answered before any login, also where there is no
//! room for one more session, and without a line in the server's log.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::pg::cancel::{CancelError, Canceller};
use crate::pg::error::DbFailure;

/// How silence is borne.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// How long nothing comes before the server is asked whether it is there.
    quiet: Duration,
    /// How long the answer to that may take.
    answer: Duration,
    /// A network that is down refuses at once; the time until it is asked again.
    pause: Duration,
    /// How long nothing at all is heard before that is the end.
    limit: Duration,
}

/// Before the session is given up. The server's own limits are 30 s.
const SESSION: Patience = Patience {
    quiet: Duration::from_secs(5),
    answer: Duration::from_secs(5),
    pause: Duration::from_secs(1),
    limit: Duration::from_secs(20),
};

/// Before nobody is expected to answer any more: the rest of half a minute, in which a network that
/// was away for a moment can still be reached again. A server that refuses or says that it starts up
/// is heard.
const SERVER: Patience = Patience {
    limit: Duration::from_secs(28),
    ..SESSION
};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// When something last came from the server, shared between the stream and who listens for silence.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<AtomicU64>);

impl Heard {
    /// Says that something came now.
    pub(super) fn now(&self) {
        let millis = START.elapsed().as_millis() as u64;
        self.0.store(millis, Ordering::Relaxed);
    }

    fn elapsed(&self) -> Duration {
        let at = Duration::from_millis(self.0.load(Ordering::Relaxed));
        START.elapsed().saturating_sub(at)
    }
}

/// Says whether a server is there, also when its session has been given up.
#[derive(Debug, Clone)]
pub struct Pulse {
    heard: Heard,
    server: Canceller,
}

impl Pulse {
    pub(super) fn new(heard: Heard, server: Canceller) -> Self {
        Self { heard, server }
    }

    /// Returns once nothing has come from the server for 28 s, neither in its session nor by asking.
    pub async fn stops(&self) {
        self.stops_within(SERVER).await;
    }

    /// Returns whether it has stopped.
    pub fn has_stopped(&self) -> bool {
        self.heard.elapsed() >= SERVER.limit
    }

    async fn stops_within(&self, patience: Patience) {
        let ask = || {
            let server = self.server.clone();
            async move { is_alive(server.ask().await) }
        };
        silent_for(&self.heard, patience, ask).await;
    }
}

/// Returns once nothing was heard of the server for too long, neither in the session nor by asking.
pub(super) async fn too_long(pulse: Pulse) -> DbFailure {
    pulse.stops_within(SESSION).await;
    DbFailure::connection_lost(&format!(
        "nothing was heard from the server for {} s, and it does not answer",
        SESSION.limit.as_secs()
    ))
}

/// Asks whenever nothing has come for a while, and returns when that has been so for too long.
async fn silent_for<Asking>(heard: &Heard, patience: Patience, ask: impl Fn() -> Asking)
where
    Asking: Future<Output = bool>,
{
    loop {
        let silent = heard.elapsed();
        let left = patience.limit.saturating_sub(silent);
        if left.is_zero() {
            return;
        }
        if silent < patience.quiet {
            sleep(patience.quiet.saturating_sub(silent)).await;
        } else if timeout(patience.answer.min(left), ask()).await == Ok(true) {
            heard.now();
        } else {
            let left = patience.limit.saturating_sub(heard.elapsed());
            sleep(patience.pause.min(left)).await;
        }
    }
}

/// Whatever a machine answers, it is there, and would end a session that it does not know.
fn is_alive(answer: Result<(), CancelError>) -> bool {
    match answer {
        Err(CancelError::Io(error)) => matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidData
        ),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_any_kind_is_life_and_none_is_not() {
        let io = |kind: io::ErrorKind| Err(CancelError::Io(kind.into()));
        assert!(is_alive(Ok(())));
        assert!(is_alive(Err(CancelError::TlsRefused)));
        assert!(is_alive(io(io::ErrorKind::ConnectionRefused)));
        assert!(!is_alive(io(io::ErrorKind::HostUnreachable)));
        assert!(!is_alive(io(io::ErrorKind::TimedOut)));
    }

    const SHORT: Patience = Patience {
        quiet: Duration::from_millis(100),
        answer: Duration::from_millis(200),
        pause: Duration::from_millis(20),
        limit: Duration::from_millis(600),
    };

    /// How long it takes until a server is given up that says `alive` after a time; `None` where
    /// it is not within five times the limit.
    fn given_up_after(answers_in: Duration, alive: bool) -> Option<Duration> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let heard = Heard::default();
            heard.now();
            let started = Instant::now();
            let ask = || async {
                sleep(answers_in).await;
                alive
            };
            let waits = timeout(SHORT.limit * 5, silent_for(&heard, SHORT, ask));
            waits.await.ok().map(|()| started.elapsed())
        })
    }

    #[test]
    fn b15_only_who_is_silent_for_all_the_time_is_given_up() {
        assert_eq!(given_up_after(Duration::from_millis(100), true), None);
        for (answers_in, alive) in [(SHORT.limit * 9, true), (Duration::ZERO, false)] {
            let after = given_up_after(answers_in, alive).unwrap();
            // What was heard is known to the millisecond.
            let tick = Duration::from_millis(2);
            assert!(after + tick >= SHORT.limit, "{after:?}");
            assert!(after < SHORT.limit * 4, "{after:?}");
        }
    }
}
