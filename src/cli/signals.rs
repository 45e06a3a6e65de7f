//! SIGINT and SIGTERM: the first stops the run in order, the second stops it at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::exit::Exit;
use crate::runner::attempt::Interrupt;

/// Begins to listen; must be called inside the runtime.
///
/// Where the system refuses, the signals keep their default effect, and the server rolls back.
pub fn listen() -> Interrupt {
    let (sender, receiver) = watch::channel(false);
    let (Ok(mut int), Ok(mut term)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return Interrupt::never();
    };
    tokio::spawn(async move {
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
        // The run may be over; the next signal then ends the process.
        let _ = sender.send(true);
        tokio::select! {
            _ = int.recv() => {}
            _ = term.recv() => {}
        }
        leave_at_once();
    });
    Interrupt::new(receiver)
}

/// Whoever asks twice does not want to wait for the server's answer.
#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "a second signal means now"
)]
fn leave_at_once() -> ! {
    std::process::exit(Exit::Interrupted.number().into())
}
