//! `-vv`: what is sent to the server, as it is sent, on standard error.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Begins to show evmig's own traces; without `-vv` there are none, and they cost nothing.
pub fn listen(verbose: u8) {
    if verbose < 2 {
        return;
    }
    let ours = Targets::new().with_target("evmig", Level::DEBUG);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time();
    // Only a second subscriber in the same process could be refused, and there is none.
    drop(
        tracing_subscriber::registry()
            .with(ours)
            .with(lines)
            .try_init(),
    );
}
