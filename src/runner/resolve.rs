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
use crate::report::event::{EventSink, RunEvent};

/// How long to try before the outcome is called unknown.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two tries to connect.
const INTERVAL: Duration = Duration::from_millis(500);

/// What became of a migration.
#[derive(Debug)]
pub enum Fate {
    /// It is in the database; the session is a new one that holds the lock.
    Applied(Box<Opened>),
    /// It is not; likewise.
    NotApplied(Box<Opened>),
    /// Nobody can tell.
    Unknown(String),
}

/// Asks until there is an answer, or patience ends.
pub async fn ask(
    opening: &Opening,
    store: &Store,
    lock: HistoryLock,
    key: &Key,
    run: &str,
    reason: &str,
    sink: &mut dyn EventSink,
) -> Fate {
    sink.event(&RunEvent::Reconnecting {
        reason: reason.to_owned(),
    });
    let deadline = Deadline::after(PATIENCE);
    let opened = loop {
        match open(opening).await {
            Ok(opened) => break opened,
            Err(error) if deadline.is_over() => return Fate::Unknown(error.to_string()),
            Err(_) => tokio::time::sleep(INTERVAL).await,
        }
    };
    // The answer is wanted even if a signal has come.
    let mut deaf = Interrupt::never();
    if let Err(error) = turn::take(&opened.session, lock, deadline.left(), &mut deaf, sink).await {
        return Fate::Unknown(match error {
            RunError::Busy { .. } => "the old session still holds its lock".to_owned(),
            other => other.to_string(),
        });
    }
    match store.has_row(&opened.session, key, run).await {
        Ok(true) => Fate::Applied(Box::new(opened)),
        Ok(false) => Fate::NotApplied(Box::new(opened)),
        Err(error) => Fate::Unknown(error.to_string()),
    }
}
