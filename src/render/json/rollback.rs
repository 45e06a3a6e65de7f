//! The document of `evmig rollback`.

use serde::Serialize;

use super::pretty;
use super::problem::WireProblem;
use crate::report::rollback::{
    Checked, KeptRows, Reverted, RollbackOutcome, RollbackPlan, RollbackReport,
};
use crate::report::target::Target;

#[derive(Serialize)]
struct WireRollback<'a> {
    schema: &'static str,
    run: Option<&'a str>,
    outcome: RollbackOutcome,
    target: &'a Target,
    plan: &'a RollbackPlan,
    reverted: &'a [Reverted],
    retries: u32,
    lock_held_ms: f64,
    triggers: &'a [String],
    keys_proved: usize,
    proof: Option<&'a Checked>,
    kept: &'a [KeptRows],
    done_by: Option<&'a str>,
    duration_ms: f64,
    error: Option<WireProblem<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<WireProblem<'a>>,
}

/// Returns the document of `evmig rollback`.
pub fn rollback(report: &RollbackReport) -> String {
    pretty(&WireRollback {
        schema: RollbackReport::SCHEMA,
        run: report.run.as_deref(),
        outcome: report.outcome,
        target: &report.target,
        plan: &report.plan,
        reverted: &report.reverted,
        retries: report.retries,
        lock_held_ms: report.lock_held_ms,
        triggers: &report.triggers,
        keys_proved: report.keys_proved,
        proof: report.checked.as_ref(),
        kept: &report.kept,
        done_by: report.done_by.as_deref(),
        duration_ms: report.duration_ms,
        error: report.error.as_ref().map(WireProblem::from),
        errors: report.errors.iter().map(WireProblem::from).collect(),
    })
}
