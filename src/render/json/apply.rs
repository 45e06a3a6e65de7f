//! The document of `evmig apply`.

use serde::Serialize;

use super::pretty;
use super::problem::WireProblem;
use crate::report::run::{AppliedMigration, ApplyReport, Outcome, PlanUsed};
use crate::report::target::Target;

#[derive(Serialize)]
struct WireApply<'a> {
    schema: &'static str,
    run: Option<&'a str>,
    outcome: Outcome,
    target: Option<&'a Target>,
    applied: &'a [AppliedMigration],
    applied_by_other_runs: &'a [String],
    pending: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a PlanUsed>,
    duration_ms: f64,
    error: Option<WireProblem<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<WireProblem<'a>>,
}

/// Returns the document of `evmig apply`.
pub fn apply(report: &ApplyReport) -> String {
    pretty(&WireApply {
        schema: report.schema,
        run: report.run.as_deref(),
        outcome: report.outcome,
        target: report.target.as_ref(),
        applied: &report.applied,
        applied_by_other_runs: &report.applied_by_other_runs,
        pending: report.pending,
        plan: report.plan.as_ref(),
        duration_ms: report.duration_ms,
        error: report.error.as_ref().map(WireProblem::from),
        errors: report.errors.iter().map(WireProblem::from).collect(),
    })
}
