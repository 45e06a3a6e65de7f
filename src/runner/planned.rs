//! A saved plan in the run that is to apply it: held against the files, the history and the catalog before anything
//! runs, and against what the catalog has become afterwards.

use super::apply::Request;
use super::checkpoint::Picture;
use super::drift;
use super::error::RunError;
use super::open::Opened;
use crate::catalog::diff::diff;
use crate::catalog::digest::{differences, digests};
use crate::catalog::document;
use crate::catalog::fingerprint::fingerprint;
use crate::catalog::model::{Object, Snapshot};
use crate::catalog::shown::shown;
use crate::history::locate::{Located, RefineryTable};
use crate::history::model::History;
use crate::history::upgrade::Format;
use crate::plan::choose::Chosen;
use crate::plan::refusal::PlanRefusal;
use crate::plan::saved::{PlannedCatalog, PlannedTarget, Prediction, SavedPlan, work};
use crate::plan::stale::{Now, Stale, StalePlan, is_of_selection};
use crate::plan::standing::standings;
use crate::report::event::{EventSink, RunEvent};
use crate::report::problem::Problem;
use crate::report::run::PlanResult;

/// How many objects that are not as predicted are named.
const NAMED: usize = 10;

/// Asks which database this is, as a plan remembers it.
pub async fn target(
    opened: &Opened,
    history_schema: &str,
    environment: Option<&String>,
) -> Result<PlannedTarget, RunError> {
    const OID: &str = "select d.oid::text from pg_catalog.pg_database d \
                       where d.datname = pg_catalog.current_database()";
    let rows = opened.session.query(OID, &[]).await;
    let rows = rows.map_err(RunError::own("could not ask which database this is"))?;
    let oid = rows.first().and_then(|row| row.number(0));
    Ok(PlannedTarget {
        system_identifier: opened.facts.system_identifier.clone(),
        database: opened.facts.database.clone(),
        database_oid: oid.and_then(|oid| u32::try_from(oid).ok()).unwrap_or(0),
        history_schema: history_schema.to_owned(),
        environment: environment.cloned(),
    })
}

/// Returns a catalog as a plan remembers it.
pub fn catalog(snapshot: &Snapshot, refinery: &RefineryTable) -> PlannedCatalog {
    let snapshot = without_refinery(snapshot, adopted_schema(refinery).as_deref());
    PlannedCatalog {
        fingerprint: fingerprint(&snapshot),
        objects: digests(&snapshot),
    }
}

/// Returns the schema of refinery's table, where that is not the history's.
pub fn adopted_schema(refinery: &RefineryTable) -> Option<String> {
    let schema = refinery.name.strip_suffix(".refinery_schema_history")?;
    refinery
        .adopted
        .then(|| schema.trim_matches('"').replace("\"\"", "\""))
}

/// Leaves out refinery's table, which is a part of the history wherever it is; `None` where there is none.
pub fn without_refinery(snapshot: &Snapshot, schema: Option<&str>) -> Snapshot {
    match schema {
        Some(_) => without_refinery_where(snapshot, |found| found == schema),
        None => snapshot.clone(),
    }
}

/// Leaves out each table of refinery's name that is in such a schema.
pub fn without_refinery_where(
    snapshot: &Snapshot,
    is_its_schema: impl Fn(Option<&str>) -> bool,
) -> Snapshot {
    const TABLE: &str = "refinery_schema_history";
    let is_its = |object: &&Object| {
        let identity = &object.identity;
        is_its_schema(identity.schema.as_deref())
            && (&*identity.name == TABLE || identity.parent.as_deref() == Some(TABLE))
    };
    let kept = snapshot.objects().iter().filter(|object| !is_its(object));
    Snapshot::new(kept.cloned().collect())
}

/// The plan of a run, with the database that was found.
pub(super) struct Planned<'a> {
    plan: &'a SavedPlan,
    target: PlannedTarget,
}

impl<'a> Planned<'a> {
    /// Looks which database this is; `None` where the run has no plan. One for another database or evmig is refused.
    pub(super) async fn of(
        request: &Request<'a>,
        opened: &Opened,
    ) -> Result<Option<Self>, RunError> {
        let Some(plan) = request.plan else {
            return Ok(None);
        };
        let schema = &request.project.manifest.project.history_schema.value;
        let environment = request.selection.environment.as_ref();
        let target = target(opened, schema, environment).await?;
        match plan.misfit(&target) {
            Some(reason) => Err(StalePlan::of(reason).into()),
            None => Ok(Some(Self { plan, target })),
        }
    }

    /// Returns whether all of the plan was done meanwhile, and nothing else.
    pub(super) fn is_done(&self, history: &History, chosen: &Chosen) -> bool {
        self.plan.is_done(history, chosen)
    }

    /// Returns the runs that wrote the history since.
    pub(super) fn runs_since(&self, history: &History) -> Vec<String> {
        self.plan.runs_since(history)
    }

    /// Refuses what the plan does not say: `chosen` must be its work, on the history as it was.
    pub(super) fn hold(
        &self,
        request: &Request<'_>,
        located: &Located,
        history: &History,
        chosen: &Chosen,
    ) -> Result<(), RunError> {
        let project = request.project;
        let standings = standings(project, history, located.version_type());
        let reasons = self.plan.stale(&Now {
            target: &self.target,
            history,
            work: &work(project, &standings, chosen),
        });
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(StalePlan { reasons }.into())
        }
    }

    /// Refuses a catalog that is not the plan's.
    pub(super) async fn hold_catalog(
        &self,
        opened: &Opened,
        located: &Located,
        picture: Option<&Picture>,
    ) -> Result<(), RunError> {
        let picture = picture.ok_or(RunError::PlanUnchecked)?;
        let now = catalog(&picture.snapshot, located.refinery());
        let then = &self.plan.catalog;
        if now.fingerprint == then.fingerprint {
            return Ok(());
        }
        let in_full = in_full(opened, located, &then.fingerprint, &picture.snapshot).await?;
        let differences = in_full.unwrap_or_else(|| some(differences(&then.objects, &now.objects)));
        let own = env!("CARGO_PKG_VERSION");
        let made_by = (self.plan.evmig != own).then(|| self.plan.evmig.clone());
        Err(StalePlan::of(Stale::Catalog {
            differences,
            made_by,
        })
        .into())
    }
}

/// Gives a refusal to choose its name: where a plan selects, that is what is stale.
pub(super) fn of_choice(refusal: PlanRefusal, has_plan: bool) -> RunError {
    if has_plan && is_of_selection(&refusal) {
        StalePlan::of(Stale::Selection { refusal }).into()
    } else {
        refusal.into()
    }
}

/// Says what differs property by property, where the history still has the catalog that the plan saw.
async fn in_full(
    opened: &Opened,
    located: &Located,
    fingerprint: &str,
    now: &Snapshot,
) -> Result<Option<Vec<String>>, RunError> {
    if !located.format().is_some_and(Format::has_checkpoints) {
        return Ok(None);
    }
    let store = located.store();
    let kept = store.catalog(&opened.session, fingerprint, None).await?;
    // What cannot be read is named by its objects alone.
    let Some(was) = kept.and_then(|kept| document::read(&kept.document).ok()) else {
        return Ok(None);
    };
    let changes = shown(&diff(&was.snapshot, now), &was.snapshot, now);
    Ok(Some(some(changes.iter().map(drift::line).collect())))
}

fn some(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(NAMED);
    lines.truncate(NAMED);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// Compares what the catalog has become with what the plan says, and tells a difference.
pub(super) fn outcome(
    predicted: &Prediction,
    picture: Option<&Picture>,
    refinery: &RefineryTable,
    sink: &mut dyn EventSink,
) -> PlanResult {
    let Prediction::Known(predicted) = predicted else {
        return PlanResult::NotPredicted;
    };
    let Some(picture) = picture else {
        return PlanResult::NotCompared;
    };
    let now = catalog(&picture.snapshot, refinery);
    if now.fingerprint == predicted.fingerprint {
        return PlanResult::AsPredicted;
    }
    let lines = some(differences(&predicted.objects, &now.objects));
    let message = "all is committed, and the catalog is not what the plan predicted";
    let problem = Problem::new("plan-outcome", message)
        .detail(lines.join("\n"))
        .hint(
            "a file decides by what the throw-away database did not have (rows, settings, roles), \
             or somebody changed the schema during the run",
        );
    sink.event(&RunEvent::Warning { problem });
    PlanResult::Differs
}
