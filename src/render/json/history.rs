//! The document of `evmig history`.

use serde::Serialize;

use super::pretty;
use super::problem::WireProblem;
use crate::report::history::{HistoryEntry, HistoryReport};
use crate::report::target::Target;

#[derive(Serialize)]
struct WireHistory<'a> {
    schema: &'static str,
    target: &'a Target,
    entries: &'a [HistoryEntry],
    verified_rows: Option<u64>,
    first_bad: Option<WireProblem<'a>>,
}

/// Returns the document of `evmig history`.
pub fn history(report: &HistoryReport) -> String {
    pretty(&WireHistory {
        schema: report.schema,
        target: &report.target,
        entries: &report.entries,
        verified_rows: report.verified_rows,
        first_bad: report.first_bad.as_ref().map(WireProblem::from),
    })
}
