//! After a connection was lost: what became of the migration?
//!
//! The history row is written in the migration's own transaction, so that it is the answer. It can
//! be asked once the old backend is gone, and that shows by its lock: it is held to the end of the
//! session.

use std::time::Duration;

use super::attempt::Interrupt;
use super::error::RunError;
use super::open::{Opened, Opening, open};
use super::turn;
use crate::clock::Deadline;
use crate::history::model::Key;
use crate::history::store::Store;
use crate::pg::lock::HistoryLock;
use crate::pg::probe::ServerFacts;
use crate::pg::silence::Pulse;
use crate::report::event::{EventSink, RunEvent};

/// How long to try before the outcome is called unknown; less where nothing at all is heard any more.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two tries to connect.
const INTERVAL: Duration = Duration::from_millis(500);

/// What became of the migrations that were on their way.
#[derive(Debug)]
pub enum Fate {
    /// So many of them, the first ones, are in the database.
    Known {
        /// A new session that holds the lock.
        opened: Box<Opened>,
        /// How many.
        applied: usize,
    },
    /// Nobody can tell.
    Unknown(String),
}

/// Asks until there is an answer, or patience ends. `keys` are what was on its way, in its order;
/// `pulse` is that of the lost session.
pub async fn ask(
    opening: &Opening,
    was: &ServerFacts,
    store: &Store,
    lock: HistoryLock,
    keys: &[Key],
    run: &str,
    reason: &str,
    mut pulse: Pulse,
    sink: &mut dyn EventSink,
) -> Fate {
    sink.event(&RunEvent::Reconnecting {
        reason: reason.to_owned(),
    });
    let deadline = Deadline::after(PATIENCE);
    loop {
        let tried = try_once(
            opening, was, store, lock, keys, run, &deadline, &mut pulse, sink,
        );
        let why = match tried.await {
            Ok(fate) => return fate,
            Err(why) => why,
        };
        if deadline.is_over() || pulse.has_stopped() {
            return Fate::Unknown(why);
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Connects and asks; `Err` says why there is no answer yet.
///
/// A server that crashed still lets clients in for a moment before it ends them, so that a
/// connection proves nothing until the answer is there.
async fn try_once(
    opening: &Opening,
    was: &ServerFacts,
    store: &Store,
    lock: HistoryLock,
    keys: &[Key],
    run: &str,
    deadline: &Deadline,
    pulse: &mut Pulse,
    sink: &mut dyn EventSink,
) -> Result<Fate, String> {
    // Opening has its own time limits, which are made for a server that answers.
    let opened = tokio::select! {
        opened = open(opening) => opened.map_err(|error| in_full(&error))?,
        () = pulse.stops() => return Err("nothing is heard from the server".to_owned()),
    };
    *pulse = opened.session.pulse();
    if let Some(why) = elsewhere(was, &opened.facts) {
        return Ok(Fate::Unknown(why));
    }
    // The answer is wanted even if a signal has come.
    let mut deaf = Interrupt::never();
    turn::take(&opened.session, lock, deadline.left(), &mut deaf, sink)
        .await
        .map_err(|error| match error {
            RunError::Busy { .. } => "the old session still holds its lock".to_owned(),
            other => in_full(&other),
        })?;
    let applied = store
        .count_applied(&opened.session, keys, run)
        .await
        .map_err(|error| in_full(&error))?;
    Ok(Fate::Known {
        opened: Box::new(opened),
        applied,
    })
}

/// Says so if the same name leads to another cluster or database now (a list of hosts, a changed
/// DNS entry, a proxy): what its history lacks proves nothing.
///
/// A promoted standby has the identifier of its primary, and its history is the one that counts.
fn elsewhere(was: &ServerFacts, is: &ServerFacts) -> Option<String> {
    let identifiers = (&was.system_identifier, &is.system_identifier);
    match identifiers {
        (Some(was), Some(is)) if was != is => Some(format!(
            "another server answers now: its system identifier is {is}, and was {was}"
        )),
        _ if was.database != is.database => Some(format!(
            "another database answers now: {}, and was {}",
            is.database, was.database
        )),
        _ => None,
    }
}

/// Returns an error with everything that it came from.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
