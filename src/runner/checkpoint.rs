//! What the catalog is at a moment of a run, remembered in the history.

use super::error::RunError;
use super::proof::ProofError;
use super::run::Run;
use crate::catalog::document::{self, canonical};
use crate::catalog::error::CatalogError;
use crate::catalog::fingerprint::sha256;
use crate::catalog::model::Snapshot;
use crate::catalog::read;
use crate::catalog::renames::{Names, shown_of_one};
use crate::history::checkpoint::Moment;
use crate::history::error::HistoryError;
use crate::history::store::Store;
use crate::pg::error::DbFailure;
use crate::pg::probe::ServerFacts;
use crate::pg::session::Session;
use crate::report::change::ObjectChange;
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
    /// What its objects keep when they are renamed.
    pub names: Names,
    version: u32,
    cluster: Option<String>,
}

/// The server that a catalog is read on.
#[derive(Debug, Clone, Copy)]
pub struct On<'a> {
    /// Its `server_version_num`.
    pub version: u32,
    /// The cluster's identifier; `None` if the role may not read it.
    pub cluster: Option<&'a str>,
}

impl<'a> On<'a> {
    /// Takes it from what is known of the server.
    pub fn server(facts: &'a ServerFacts) -> Self {
        Self {
            version: facts.version_num,
            cluster: facts.system_identifier.as_deref(),
        }
    }
}

impl Picture {
    fn new((snapshot, names): (Snapshot, Names), on: On<'_>) -> Self {
        let document = canonical(&snapshot);
        Self {
            snapshot,
            fingerprint: sha256(&document),
            document,
            names,
            version: on.version,
            cluster: on.cluster.map(str::to_owned),
        }
    }

    /// Takes it in a transaction of its own.
    pub async fn take(
        session: &Session,
        on: On<'_>,
        history_schema: &str,
    ) -> Result<Self, CatalogError> {
        let read = read::named(session, on.version, history_schema).await?;
        Ok(Self::new(read, on))
    }

    /// Takes it as the transaction that is open sees the catalog.
    pub async fn take_within(
        session: &Session,
        on: On<'_>,
        history_schema: &str,
    ) -> Result<Self, CatalogError> {
        let read = read::named_within(session, on.version, history_schema).await?;
        Ok(Self::new(read, on))
    }

    /// Returns the server that it was taken on.
    pub fn on(&self) -> On<'_> {
        On {
            version: self.version,
            cluster: self.cluster.as_deref(),
        }
    }

    /// Tells what differs from an earlier moment of this database.
    pub fn since(&self, was: &Remembered) -> Vec<ObjectChange> {
        shown_of_one((&was.snapshot, &was.names), (&self.snapshot, &self.names))
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
        // Where nobody may know which cluster this is, nobody knows whose OIDs these are.
        let cluster = self.cluster.as_deref();
        let keys = cluster.map(|_| self.names.keys(&self.snapshot));
        let keys = keys.as_deref().zip(cluster);
        store
            .add_checkpoint(session, run, moment, &self.fingerprint, document, keys)
            .await
    }
}

/// A catalog that the history keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The objects.
    pub snapshot: Snapshot,
    /// What they keep when they are renamed, as far as the history knows it of this database.
    pub names: Names,
}

impl Remembered {
    /// Reads it; `None` where it is not kept any more. `cluster` is the cluster's identifier.
    pub async fn read(
        session: &Session,
        store: &Store,
        fingerprint: &str,
        cluster: Option<&str>,
    ) -> Result<Option<Self>, ProofError> {
        let Some(kept) = store.catalog(session, fingerprint, cluster).await? else {
            return Ok(None);
        };
        let read = document::read(&kept.document).map_err(|error| ProofError::Document {
            fingerprint: fingerprint.to_owned(),
            error,
        })?;
        let keys = kept.keys.unwrap_or_default();
        Ok(Some(Self {
            names: Names::of_keys(&keys, &read.snapshot),
            snapshot: read.snapshot,
        }))
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
        let (on, schema) = (On::server(&self.opened.facts), self.store.schema());
        let (reset, held, picture) = tokio::join!(
            biased;
            session.run(&reset),
            session.run(&held),
            Picture::take(session, on, schema),
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
