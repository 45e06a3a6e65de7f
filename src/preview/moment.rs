//! All that is compared of a throw-away database before the pending files and after them.

use serde::{Deserialize, Serialize};

use super::error::PreviewError;
use super::state::{Wanted, own_snapshot};
use crate::catalog::access::delta::State;
use crate::catalog::access::facts::Facts;
use crate::catalog::model::Snapshot;
use crate::catalog::renames::Names;
use crate::pg::session::Session;
use crate::runner::open::Opened;

/// A throw-away database at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Moment {
    pub(super) snapshot: Snapshot,
    pub(super) facts: Facts,
    pub(super) names: Names,
    /// Functions that build statements at run time.
    pub(super) dynamic: Vec<String>,
}

impl Moment {
    /// Reads all of it.
    pub(super) async fn read(opened: &Opened, wanted: &Wanted<'_>) -> Result<Self, PreviewError> {
        let snapshot = own_snapshot(opened, wanted).await?;
        Self::beside(snapshot, opened, wanted).await
    }

    /// Returns what decides who may do what.
    pub(super) fn access(&self) -> State<'_> {
        State {
            snapshot: &self.snapshot,
            facts: &self.facts,
        }
    }

    /// Reads what a snapshot of the same moment does not say.
    pub(super) async fn beside(
        snapshot: Snapshot,
        opened: &Opened,
        wanted: &Wanted<'_>,
    ) -> Result<Self, PreviewError> {
        let schema = &wanted.project.manifest.project.history_schema.value;
        let session = &opened.session;
        Ok(Self {
            snapshot,
            facts: Facts::read(session, opened.facts.version_num, schema).await?,
            names: Names::read(session).await?,
            dynamic: dynamic(session).await?,
        })
    }
}

/// Reads the names of the functions that build statements at run time.
pub(super) async fn dynamic(session: &Session) -> Result<Vec<String>, PreviewError> {
    let rows = session
        .query_long(include_str!("sql/dynamic.sql"), &[])
        .await
        .map_err(PreviewError::shadow("could not look at the functions"))?;
    Ok(rows.iter().map(|row| row.text(0)).collect())
}
