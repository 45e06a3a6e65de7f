//! The document of `evmig triggers`.

use serde::Serialize;

use super::pretty;
use super::problem::WireProblem;
use crate::report::target::Target;
use crate::report::triggers::{KeyReport, TriggerReport, TriggersAction, TriggersReport};

#[derive(Serialize)]
struct WireTriggers<'a> {
    schema: &'static str,
    action: TriggersAction,
    target: &'a Target,
    run: Option<&'a str>,
    triggers: &'a [TriggerReport],
    keys_proved: usize,
    keys_violated: &'a [KeyReport],
    keys_not_proved: &'a [KeyReport],
    error: Option<WireProblem<'a>>,
}

/// Returns the document of `evmig triggers`.
pub fn triggers(report: &TriggersReport) -> String {
    pretty(&WireTriggers {
        schema: report.schema,
        action: report.action,
        target: &report.target,
        run: report.run.as_deref(),
        triggers: &report.triggers,
        keys_proved: report.keys_proved,
        keys_violated: &report.keys_violated,
        keys_not_proved: &report.keys_not_proved,
        error: report.error.as_ref().map(WireProblem::from),
    })
}
