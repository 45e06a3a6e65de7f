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

/// How long a session says nothing before its server is asked whether it is there.
const QUIET: Duration = Duration::from_secs(5);
/// How long the answer to that may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How long nothing at all is heard from the server before the session is given up.
const LIMIT: Duration = Duration::from_secs(20);

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

/// Returns once nothing was heard of the server for too long, neither in the session nor by asking.
pub(super) async fn too_long(heard: Heard, server: Canceller) -> DbFailure {
    loop {
        let silent = heard.elapsed();
        if silent < QUIET {
            sleep(QUIET.saturating_sub(silent)).await;
            continue;
        }
        if is_alive(timeout(ANSWER, server.ask()).await.ok()) {
            heard.now();
        } else if heard.elapsed() >= LIMIT {
            return DbFailure::connection_lost(&format!(
                "nothing was heard from the server for {} s, and it does not answer",
                LIMIT.as_secs()
            ));
        } else {
            // A network that is down refuses at once.
            sleep(Duration::from_secs(1)).await;
        }
    }
}

/// Whatever a machine answers, it is there, and would end a session that it does not know.
fn is_alive(answer: Option<Result<(), CancelError>>) -> bool {
    match answer {
        None => false,
        Some(Err(CancelError::Io(error))) => matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidData
        ),
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_any_kind_is_life_and_none_is_not() {
        let io = |kind: io::ErrorKind| Some(Err(CancelError::Io(kind.into())));
        assert!(is_alive(Some(Ok(()))));
        assert!(is_alive(Some(Err(CancelError::TlsRefused))));
        assert!(is_alive(io(io::ErrorKind::ConnectionRefused)));
        assert!(!is_alive(io(io::ErrorKind::HostUnreachable)));
        assert!(!is_alive(io(io::ErrorKind::TimedOut)));
        assert!(!is_alive(None));
    }
}
