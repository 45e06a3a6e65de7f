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

    /// Waits for the next command to be done; `None` once all are. Of its rows only the first value is
    /// returned, and only where it is `wanted`: a file may select a whole table.
    pub async fn next_done(
        &mut self,
        session: &Session,
        wanted: bool,
    ) -> Result<Option<Done>, DbFailure> {
        let stream = self.answers.as_mut().map_err(|failure| failure.clone())?;
        let mut value = None;
        while let Some(message) = stream.next().await {
            match message.map_err(|error| session.failure(&error))? {
                SimpleQueryMessage::Row(row) if wanted && value.is_none() => {
                    value = row.try_get(0).ok().flatten().map(str::to_owned);
                }
                SimpleQueryMessage::CommandComplete(_) => return Ok(Some(Done { value })),
                _ => {}
            }
        }
        Ok(None)
    }
}

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The first value of its first row, where it was wanted.
    pub value: Option<String>,
}
