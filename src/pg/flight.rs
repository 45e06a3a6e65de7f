//! A text of several commands on its way: what the server answered, command by command.

use std::pin::Pin;

use futures_util::StreamExt;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream};

use super::error::DbFailure;
use super::session::Session;
use super::stream::Waiting;

/// A text that was sent with the simple protocol, and its answers.
///
/// The server parses the whole text first, then runs one command after the other; it skips what is
/// behind an error (PostgreSQL manual, 55.2.2.1). So what stands behind `begin` in the same text
/// never runs outside of that transaction.
pub struct Flight {
    answers: Result<Pin<Box<SimpleQueryStream>>, DbFailure>,
    _waiting: Waiting,
}

impl Flight {
    /// Puts a text on the wire; it does not wait for the answers of those before it.
    pub async fn depart(session: &Session, sql: &str) -> Self {
        // The user's statements are in it.
        let waiting = session.waits_for_users();
        let sent = session.client().simple_query_raw(sql).await;
        Self {
            answers: sent.map(Box::pin).map_err(|error| session.failure(&error)),
            _waiting: waiting,
        }
    }

    /// Waits for the next command to be done; `false` once all are.
    pub async fn next_done(&mut self, session: &Session) -> Result<bool, DbFailure> {
        let stream = self.answers.as_mut().map_err(|failure| failure.clone())?;
        while let Some(message) = stream.next().await {
            if let SimpleQueryMessage::CommandComplete(_) =
                message.map_err(|error| session.failure(&error))?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
