//! The surroundings of a run that does evmig's own work: its session, its turn, its row in the history.

use std::time::Duration;

use super::error::RunError;
use super::open::{Opened, Opening, open};
use super::own_work::{Failing, Listeners, Stopped, WorkStop, transaction};
use super::retry::LockPolicy;
use super::turn;
use crate::history::locate::Located;
use crate::history::store::Store;
use crate::pg::lock::HistoryLock;
use crate::pg::session::Session;
use crate::report::run::Outcome;

/// How long the server may take to hear goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// A run that does evmig's own work, and nothing of the project's.
pub struct OwnRun {
    /// Where.
    pub opening: Opening,
    /// How long to wait for another run.
    pub wait: Duration,
    /// Lock waits and retries.
    pub policy: LockPolicy,
    /// Run id.
    pub run: String,
    /// The checkout's commit.
    pub git_commit: Option<String>,
}

impl OwnRun {
    /// Opens the session, waits for its turn and finds the history.
    pub(super) async fn begin(
        &self,
        listeners: &mut Listeners<'_>,
    ) -> Result<(Opened, Located), RunError> {
        let opening = Opening {
            look: None,
            ..self.opening.clone()
        };
        let mut opened = open(&opening).await?;
        for warning in &opened.warnings {
            listeners.sink.event(warning);
        }
        let lock = HistoryLock::new(&opening.history_schema);
        let (interrupt, sink) = (&mut *listeners.interrupt, &mut *listeners.sink);
        turn::take(&opened.session, lock, self.wait, interrupt, sink).await?;
        let located = opened.take_look().await?.located(0)?;
        Ok((opened, located))
    }

    /// Does the work in a transaction, and closes the session.
    pub(super) async fn finish<T, E: Failing + From<RunError> + From<Stopped>>(
        &self,
        opened: Opened,
        listeners: &mut Listeners<'_>,
        work: impl AsyncFn(&Session) -> Result<T, E>,
    ) -> Result<T, E> {
        let done = Box::pin(transaction(&opened, self.policy, listeners, work)).await;
        opened.session.close(GOODBYE).await;
        done.map_err(WorkStop::into_error)
    }

    /// Writes the run's row, and what else there is to be written of it, as a part of the work.
    pub(super) async fn record<E: From<RunError>>(
        &self,
        session: &Session,
        store: &Store,
        command: &str,
        enter: impl AsyncFnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        let (run, commit) = (&self.run, self.git_commit.as_deref());
        session
            .run("set local search_path = pg_catalog, pg_temp")
            .await
            .map_err(RunError::own("could not set evmig's own search path"))?;
        let started = store.start_run(session, run, command, &[], commit).await;
        started.map_err(RunError::History)?;
        enter().await?;
        let outcome = Outcome::Applied.as_str();
        let finished = store.finish_run(session, run, outcome, None).await;
        Ok(finished.map_err(RunError::History)?)
    }
}
