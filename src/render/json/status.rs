//! The document of `evmig status`.

use serde::Serialize;

use super::pretty;
use super::problem::WireProblem;
use crate::report::status::{MigrationStatus, PhaseStatus, StatusReport};
use crate::report::target::Target;

#[derive(Serialize)]
struct WireStatus<'a> {
    schema: &'static str,
    database: &'a str,
    server_version: &'a str,
    target: &'a Target,
    phases: &'a [PhaseStatus],
    orphans: &'a [MigrationStatus],
    pending: usize,
    problems: Vec<WireProblem<'a>>,
}

/// Returns the document of `evmig status`.
pub fn status(report: &StatusReport) -> String {
    pretty(&WireStatus {
        schema: report.schema,
        database: &report.database,
        server_version: &report.server_version,
        target: &report.target,
        phases: &report.phases,
        orphans: &report.orphans,
        pending: report.pending,
        problems: report.problems.iter().map(WireProblem::from).collect(),
    })
}
