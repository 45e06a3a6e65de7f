//! The document of a dry run.

use serde::Serialize;

use super::pretty;
use super::problem::WireProblem;
use crate::report::access::AccessChange;
use crate::report::change::ObjectChange;
use crate::report::dry_run::{
    DryMigration, DryRunReport, Fingerprints, Forecast, HeldLock, Level, PreState, Remembered,
    SavedAs, ShadowServer, Unproved,
};
use crate::report::target::Target;

#[derive(Serialize)]
struct WireDryRun<'a> {
    schema: &'static str,
    level: Level,
    forecast: Forecast,
    target: &'a Target,
    server_version: &'a str,
    shadow: Option<&'a ShadowServer>,
    before: Option<&'a PreState>,
    remembered: Option<&'a Remembered>,
    fingerprint: Option<&'a Fingerprints>,
    migrations: &'a [DryMigration],
    left: usize,
    passed_over: &'a [String],
    changes: &'a [ObjectChange],
    access: &'a [AccessChange],
    locks: &'a [HeldLock],
    findings: Vec<WireProblem<'a>>,
    unproved: &'a [Unproved],
    notes: Vec<WireProblem<'a>>,
    error: Option<WireProblem<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<&'a SavedAs>,
    duration_ms: f64,
}

/// Returns the document of `evmig apply --dry-run` and `evmig plan`.
pub fn dry_run(report: &DryRunReport) -> String {
    pretty(&WireDryRun {
        schema: report.schema,
        level: report.level,
        forecast: report.forecast,
        target: &report.target,
        server_version: &report.server_version,
        shadow: report.shadow.as_ref(),
        before: report.before.as_ref(),
        remembered: report.remembered.as_ref(),
        fingerprint: report.fingerprint.as_ref(),
        migrations: &report.migrations,
        left: report.left,
        passed_over: &report.passed_over,
        changes: &report.changes,
        access: &report.access,
        locks: &report.locks,
        findings: report.findings.iter().map(WireProblem::from).collect(),
        unproved: &report.unproved,
        notes: report.notes.iter().map(WireProblem::from).collect(),
        error: report.error.as_ref().map(WireProblem::from),
        saved: report.saved.as_ref(),
        duration_ms: report.duration_ms,
    })
}
