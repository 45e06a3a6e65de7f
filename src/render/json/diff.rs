//! The document of a comparison.

use serde::Serialize;

use super::pretty;
use super::problem::WireProblem;
use crate::report::change::ObjectChange;
use crate::report::diff::{DiffReport, Side};

#[derive(Serialize)]
struct WireDiff<'a> {
    schema: &'static str,
    before: &'a Side,
    after: &'a Side,
    identical: bool,
    complete: bool,
    changes: &'a [ObjectChange],
    notes: Vec<WireProblem<'a>>,
}

/// Returns the document of `evmig diff`.
pub fn diff(report: &DiffReport) -> String {
    pretty(&WireDiff {
        schema: report.schema,
        before: &report.before,
        after: &report.after,
        identical: report.identical,
        complete: report.complete,
        changes: &report.changes,
        notes: report.notes.iter().map(WireProblem::from).collect(),
    })
}
