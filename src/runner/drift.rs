//! What something else than evmig has changed since the history was written last.

use super::apply::Request;
use super::checkpoint::{Picture, Remembered};
use super::error::RunError;
use super::open::Opened;
use super::proof::ProofError;
use crate::history::checkpoint::Newest;
use crate::history::locate::Located;
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
    let cluster = opened.facts.system_identifier.as_deref();
    let fingerprint = &newest.checkpoint.fingerprint;
    let was = Remembered::read(&opened.session, &store, fingerprint, cluster).await;
    let was = was.map_err(remembered)?;
    // `None` where the history has the fingerprint alone.
    let changes = was.map(|was| picture.since(&was));
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

fn remembered(error: ProofError) -> RunError {
    match error {
        ProofError::History(error) => error.into(),
        error => RunError::Remembered(Box::new(error)),
    }
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
pub fn line(change: &ObjectChange) -> String {
    let word = change.change.word();
    let renamed = change.renamed_from.as_ref();
    let object = match renamed {
        Some(was) => format!("{was} to {}", change.object),
        None => change.object.clone(),
    };
    let properties: Vec<String> = change
        .properties
        .iter()
        .map(|one| one.property.replace('_', " "))
        .collect();
    if properties.is_empty() {
        format!("{word} {object}")
    } else {
        format!("{word} {object}: {}", properties.join(", "))
    }
}
