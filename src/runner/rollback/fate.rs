//! After a connection was lost in a rollback: what became of its transaction?

use super::error::RollbackError;
use super::parts::Part;
use super::run::Run;
use crate::history::model::{Journal, Key, StatementState};
use crate::report::event::EventSink;
use crate::runner::error::Stop;
use crate::runner::resolve::{self, Fate};

impl Run<'_> {
    /// Finds out what a lost connection has left: `Ok` where the transaction is committed after all.
    pub(super) async fn after_stop(
        &mut self,
        parts: &[Part],
        error: RollbackError,
        sink: &mut dyn EventSink,
    ) -> Result<(), RollbackError> {
        let RollbackError::Stopped { migration, stop } = error else {
            return Err(error);
        };
        let stopped = |stop| RollbackError::Stopped {
            migration,
            stop: Box::new(stop),
        };
        let Stop::ConnectionLost { failure } = *stop else {
            return Err(stopped(*stop));
        };
        // What is out of step or silent may still be open, with the lock.
        self.opened.session.abandon();
        let keys: Vec<Key> = parts
            .iter()
            .filter(|part| part.ends)
            .map(|part| self.plan.pieces[part.piece].layer.key.clone())
            .collect();
        let reason = failure.to_string();
        let pulse = self.opened.session.pulse();
        let (opening, store, was) = (&self.opening, &self.store, &self.opened.facts);
        let run = &self.request.run;
        let fate = resolve::ask(
            opening, was, store, self.lock, &keys, run, &reason, pulse, sink,
        )
        .await;
        self.watch_session = None;
        match fate {
            Fate::Known { opened, applied } => {
                self.opened = *opened;
                self.in_session = None;
                if applied > 0 || self.has_journalled(parts).await? {
                    return Ok(());
                }
                Err(stopped(Stop::ConnectionLost { failure }))
            }
            Fate::Unknown(why) => {
                self.unknown = true;
                Err(stopped(Stop::Unknown { failure, why }))
            }
        }
    }

    /// Whether the journal has a transaction whose scripts do not end in it.
    async fn has_journalled(&self, parts: &[Part]) -> Result<bool, RollbackError> {
        let Some(part) = parts.iter().rfind(|part| !part.statements.is_empty()) else {
            return Ok(false);
        };
        let last = part.statements.end - 1;
        let history = self.store.read(&self.opened.session).await?;
        let journal = history.journal_of(Journal::Down, &self.plan.pieces[part.piece].layer.key);
        Ok(journal
            .iter()
            .any(|row| row.position == last && row.state == StatementState::Done))
    }
}
