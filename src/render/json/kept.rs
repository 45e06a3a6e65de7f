//! The document of `evmig kept`.

use serde::Serialize;

use super::pretty;
use super::problem::WireProblem;
use crate::report::kept::{KeptAction, KeptListReport, KeptReport};
use crate::report::target::Target;

#[derive(Serialize)]
struct WireKept<'a> {
    schema: &'static str,
    action: KeptAction,
    target: &'a Target,
    run: Option<&'a str>,
    copies: &'a [KeptReport],
    error: Option<WireProblem<'a>>,
}

/// Returns the document of `evmig kept`.
pub fn kept(report: &KeptListReport) -> String {
    pretty(&WireKept {
        schema: report.schema,
        action: report.action,
        target: &report.target,
        run: report.run.as_deref(),
        copies: &report.copies,
        error: report.error.as_ref().map(WireProblem::from),
    })
}
