//! What something else than evmig has changed since the history was written last.

use super::apply::Request;
use super::checkpoint::Picture;
use super::error::RunError;
use super::open::Opened;
use super::proof::ProofError;
use crate::catalog::diff::diff;
use crate::catalog::document;
use crate::catalog::shown::shown;
use crate::history::checkpoint::Newest;
use crate::history::locate::Located;
use crate::history::store::Store;
use crate::pg::session::Session;
use crate::project::manifest::OnDrift;
use crate::report::change::ObjectChange;
use crate::report::event::{EventSink, RunEvent};
use crate::report::problem::Problem;

/// How many of the changes are named.
const NAMED: usize = 10;

/// Tells of drift, or refuses to go on over it. Where the newest checkpoint says what the catalog is, nothing is asked.
pub(super) async fn check(
    opened: &Opened,
    located: &Located,
    both: Option<(&Newest, &Picture)>,
    request: &Request<'_>,
    sink: &mut dyn EventSink,
) -> Result<(), RunError> {
    let Some((newest, picture)) = both else {
        return Ok(());
    };
    // What a run left that was killed is its own, and nobody can tell it from drift.
    if newest.is_outrun || newest.checkpoint.fingerprint == picture.fingerprint {
        return Ok(());
    }
    let store = located.store();
    let changes = changes(&opened.session, &store, newest, picture).await?;
    if changes.as_ref().is_some_and(Vec::is_empty) {
        return Ok(());
    }
    let drift = Drift {
        run: newest.checkpoint.run.clone(),
        changes: changes.unwrap_or_default(),
    };
    if request.project.manifest.apply.on_drift.value == OnDrift::Refuse {
        return Err(RunError::Drift(Box::new(drift)));
    }
    let problem = drift
        .problem()
        .hint("evmig diff shows all of it; with on_drift = \"refuse\" in phases.toml nothing is applied over it");
    sink.event(&RunEvent::Warning { problem });
    Ok(())
}

/// What differs; `None` where the history has the fingerprint alone.
async fn changes(
    session: &Session,
    store: &Store,
    newest: &Newest,
    picture: &Picture,
) -> Result<Option<Vec<ObjectChange>>, RunError> {
    let fingerprint = &newest.checkpoint.fingerprint;
    let Some(text) = store.catalog_document(session, fingerprint).await? else {
        return Ok(None);
    };
    let was = document::read(&text).map_err(|error| ProofError::Document {
        fingerprint: fingerprint.clone(),
        error,
    });
    let was = was.map_err(|error| RunError::Remembered(Box::new(error)))?;
    let changes = diff(&was.snapshot, &picture.snapshot);
    Ok(Some(shown(&changes, &was.snapshot, &picture.snapshot)))
}

/// What something else than evmig has changed.
#[derive(Debug)]
pub struct Drift {
    /// The run that left the catalog as the history knows it.
    pub run: String,
    /// What differs; empty where the history has the fingerprint alone.
    pub changes: Vec<ObjectChange>,
}

impl Drift {
    /// Says what differs.
    pub fn problem(&self) -> Problem {
        let what = match self.changes.len() {
            0 => "the catalog differs".to_owned(),
            1 => "one object differs".to_owned(),
            count => format!("{count} objects differ"),
        };
        let run = &self.run;
        let problem = Problem::new(
            "drift",
            format!(
                "{what} from what run {run} left: something else than evmig has changed the schema"
            ),
        );
        let mut lines: Vec<String> = self.changes.iter().take(NAMED).map(line).collect();
        if self.changes.len() > NAMED {
            lines.push(format!("and {} more", self.changes.len() - NAMED));
        }
        if lines.is_empty() {
            lines.push(
                "which of its objects cannot be told: the history has its fingerprint alone"
                    .to_owned(),
            );
        }
        problem.detail(lines.join("\n"))
    }
}

/// Says in one line what became of an object.
pub(super) fn line(change: &ObjectChange) -> String {
    let word = change.change.word();
    let properties: Vec<String> = change
        .properties
        .iter()
        .map(|one| one.property.replace('_', " "))
        .collect();
    if properties.is_empty() {
        format!("{word} {}", change.object)
    } else {
        format!("{word} {}: {}", change.object, properties.join(", "))
    }
}
