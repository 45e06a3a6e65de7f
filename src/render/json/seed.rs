//! The document of `evmig seed`.

use serde::Serialize;

use super::pretty;
use super::problem::WireProblem;
use crate::report::seed::{SeedOutcome, SeedReport, TableRows};
use crate::report::target::Target;

#[derive(Serialize)]
struct WireSeed<'a> {
    schema: &'static str,
    outcome: SeedOutcome,
    target: &'a Target,
    scale: Option<u32>,
    triggers_suspended: Option<bool>,
    cells_before: u32,
    cells: u32,
    rows: u64,
    tables: &'a [TableRows],
    duration_ms: f64,
    error: Option<WireProblem<'a>>,
}

/// Returns the document of `evmig seed`.
pub fn seed(report: &SeedReport) -> String {
    pretty(&WireSeed {
        schema: report.schema,
        outcome: report.outcome,
        target: &report.target,
        scale: report.scale,
        triggers_suspended: report.triggers_suspended,
        cells_before: report.cells_before,
        cells: report.cells,
        rows: report.rows,
        tables: &report.tables,
        duration_ms: report.duration_ms,
        error: report.error.as_ref().map(WireProblem::from),
    })
}
