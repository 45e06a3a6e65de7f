//! What the catalog is at a moment of a run, remembered in the history.

use super::error::RunError;
use super::run::Run;
use crate::catalog::document::canonical;
use crate::catalog::error::CatalogError;
use crate::catalog::fingerprint::sha256;
use crate::catalog::model::Snapshot;
use crate::catalog::read;
use crate::history::checkpoint::Moment;
use crate::history::error::HistoryError;
use crate::history::store::Store;
use crate::pg::error::DbFailure;
use crate::pg::session::Session;
use crate::report::event::{EventSink, RunEvent};
use crate::report::problem::Problem;

/// A run of so many migrations has a checkpoint behind each, so that it can be taken back in part and the way back be
/// proven; in a longer one only the beginning and the end are worth their time.
const FEW: usize = 8;

/// A picture of the catalog.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The objects.
    pub snapshot: Snapshot,
    /// Their canonical document.
    pub document: String,
    /// Its hash.
    pub fingerprint: String,
}

impl Picture {
    /// Makes it from the objects.
    pub fn new(snapshot: Snapshot) -> Self {
        let document = canonical(&snapshot);
        Self {
            snapshot,
            fingerprint: sha256(&document),
            document,
        }
    }

    /// Takes it in a transaction of its own.
    ///
    /// `version` is the server's `server_version_num`.
    pub async fn take(
        session: &Session,
        version: u32,
        history_schema: &str,
    ) -> Result<Self, CatalogError> {
        let snapshot = read::snapshot(session, version, history_schema).await?;
        Ok(Self::new(snapshot))
    }

    /// Takes it as the transaction that is open sees the catalog.
    pub async fn take_within(
        session: &Session,
        version: u32,
        history_schema: &str,
    ) -> Result<Self, CatalogError> {
        let snapshot = read::snapshot_within(session, version, history_schema).await?;
        Ok(Self::new(snapshot))
    }

    /// Records it as a checkpoint, in the transaction that is open or in one of its own. `known` is the fingerprint of
    /// the newest checkpoint, whose catalog need not be sent again.
    pub async fn record(
        &self,
        session: &Session,
        store: &Store,
        run: &str,
        moment: Moment,
        known: Option<&str>,
    ) -> Result<(), HistoryError> {
        let is_new = known != Some(self.fingerprint.as_str());
        let document = is_new.then_some(self.document.as_str());
        store
            .add_checkpoint(session, run, moment, &self.fingerprint, document)
            .await
    }
}

impl Run<'_> {
    /// Returns whether the run has a checkpoint behind each of its migrations.
    pub(super) fn is_short(&self) -> bool {
        self.known.is_some() && self.scripts.len() <= FEW
    }

    /// Takes a picture of the catalog, where the run still holds the lock. The session is reset for it.
    pub(super) async fn picture(
        &self,
        sink: &mut dyn EventSink,
    ) -> Result<Option<Picture>, DbFailure> {
        let session = &self.opened.session;
        let reset = self.opened.settings.reset_sql();
        if self.known.is_none() || session.is_closed() {
            return session.run(&reset).await.map(|()| None);
        }
        let held = format!("select {}", self.lock.held());
        let (version, schema) = (self.opened.facts.version_num, self.store.schema());
        let (reset, held, picture) = tokio::join!(
            biased;
            session.run(&reset),
            session.run(&held),
            Picture::take(session, version, schema),
        );
        reset?;
        // Who has it now may be changing the catalog.
        if held.is_err() {
            return Ok(None);
        }
        Ok(told(picture, sink))
    }

    /// Remembers what the catalog is between two migrations.
    pub(super) async fn remember(&mut self, sink: &mut dyn EventSink) -> Result<(), RunError> {
        let own = RunError::own("could not reset the session");
        let Some(picture) = self.picture(sink).await.map_err(own)? else {
            return Ok(());
        };
        let (session, store) = (&self.opened.session, &self.store);
        picture
            .record(
                session,
                store,
                &self.id,
                Moment::Between,
                self.known.as_deref(),
            )
            .await?;
        self.known = Some(picture.fingerprint);
        Ok(())
    }
}

/// Returns the picture, or tells that there is none: the run goes on without checkpoints.
pub(super) fn told(
    picture: Result<Picture, CatalogError>,
    sink: &mut dyn EventSink,
) -> Option<Picture> {
    picture
        .inspect_err(|error| sink.event(&not_taken(error)))
        .ok()
}

fn not_taken(error: &CatalogError) -> RunEvent {
    use std::error::Error as _;
    let mut detail = error.to_string();
    if let Some(source) = error.source() {
        detail = format!("{detail}: {source}");
    }
    RunEvent::Warning {
        problem: Problem::new(
            "no-checkpoint",
            "the history will not know what the catalog was in this run",
        )
        .detail(detail)
        .hint("taking this run back cannot be proven to lead to what was there before"),
    }
}
