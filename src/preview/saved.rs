//! The plan that an apply can be bound to: what was decided, on which database, and what its catalog will be.

use super::dry_run::{Request, Tried};
use super::error::PreviewError;
use super::pending::Pending;
use crate::catalog::error::CatalogError;
use crate::catalog::read::snapshot;
use crate::plan::saved::{PLANNING, PlannedSelection, Prediction, SavedPlan, work};
use crate::report::dry_run::{DryRunReport, Forecast, Level};
use crate::report::problem::Problem;
use crate::runner::open::Opened;
use crate::runner::planned::{catalog, target};

/// Makes the plan of a dry run, unless a file would fail. Without the target's catalog it would be bound to nothing,
/// and there is none.
pub(super) async fn saved(
    request: &Request<'_>,
    opened: &Opened,
    pending: &Pending<'_>,
    tried: &Tried,
    report: &mut DryRunReport,
) -> Result<Option<SavedPlan>, PreviewError> {
    if report.forecast == Forecast::WouldFail {
        let message = "no plan was written: a migration would fail";
        report.notes.push(Problem::new("plan-not-written", message));
        return Ok(None);
    }
    let schema = &request.opening.history_schema;
    let read;
    let before = if let Some(before) = &tried.target {
        before
    } else {
        read = snapshot(&opened.session, opened.facts.version_num, schema)
            .await
            .map_err(unbound)?;
        &read
    };
    let target = target(opened, schema, request.selection.environment.as_ref()).await?;
    if target.system_identifier.is_none() {
        let message = "the role may not read the cluster's identifier: the plan knows its database by name and oid";
        let hint =
            "grant execute on function pg_control_system() to the role, and make the plan again";
        report
            .notes
            .push(Problem::new("plan-half-bound", message).hint(hint));
    }
    let predicted = match (why_not(report), &tried.after) {
        (None, Some(after)) => Prediction::Known(catalog(after, &pending.refinery)),
        (None, None) => Prediction::Known(catalog(before, &pending.refinery)),
        (Some(why), _) => Prediction::Unknown(why.to_owned()),
    };
    Ok(Some(SavedPlan {
        evmig: env!("CARGO_PKG_VERSION").to_owned(),
        planning: PLANNING,
        target,
        selection: PlannedSelection::of(request.selection),
        history_position: pending.position,
        work: work(pending.project, &pending.standings, &pending.chosen),
        catalog: catalog(before, &pending.refinery),
        predicted,
    }))
}

/// Says why what the catalog will be is not known.
fn why_not(report: &DryRunReport) -> Option<&'static str> {
    let all_tried = report.migrations.iter().all(|one| one.tried);
    let is_proven = report.before.as_ref().is_some_and(|before| before.proven);
    let same_major = report
        .shadow
        .as_ref()
        .is_some_and(|shadow| shadow.same_major);
    match report.level {
        _ if report.forecast == Forecast::NothingToDo => None,
        Level::Sql => Some("level sql runs nothing"),
        _ if !all_tried => Some("not all migrations could be tried"),
        Level::Rollback => None,
        Level::Shadow if !is_proven => {
            Some("the throw-away database was not proven to be what the target is")
        }
        Level::Shadow if !same_major => {
            Some("the throw-away database was on another major version of PostgreSQL")
        }
        Level::Shadow => None,
    }
}

fn unbound(error: CatalogError) -> PreviewError {
    PreviewError::Unbound(error)
}
