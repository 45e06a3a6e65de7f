//! Reports and events as JSON: a documented, versioned contract.
//!
//! Text stays raw here: JSON escapes control characters, and programs want what the server said.
//! Wire types stand apart from the report's where the two differ, which is wherever a problem
//! appears: on the wire its place is flat and what is absent is null.

use serde::Serialize;
use serde_json::Value;

use crate::report::access::AccessChange;
use crate::report::config::ConfigReport;
use crate::report::diagram::DiagramReport;
use crate::report::diff::DiffReport;
use crate::report::dry_run::{
    DryMigration, DryRunReport, Fingerprints, Forecast, HeldLock, Level, ObjectChange, PreState,
    ShadowServer, Unproved,
};
use crate::report::event::RunEvent;
use crate::report::history::{HistoryEntry, HistoryReport};
use crate::report::kept::{KeptAction, KeptListReport, KeptReport};
use crate::report::problem::Problem;
use crate::report::rollback::{
    Checked, KeptRows, Reverted, RollbackOutcome, RollbackPlan, RollbackReport,
};
use crate::report::run::{AppliedMigration, ApplyReport, Outcome, RecordReport};
use crate::report::seed::{SeedOutcome, SeedReport, TableRows};
use crate::report::status::{MigrationStatus, PhaseStatus, StatusReport};
use crate::report::target::Target;
use crate::report::triggers::{KeyReport, TriggerReport, TriggersAction, TriggersReport};

/// Name and version of the document that a failed command prints.
pub const ERROR_SCHEMA: &str = "evmig.error/1";

/// A problem on the wire.
#[derive(Serialize)]
pub(super) struct WireProblem<'a> {
    code: &'a str,
    sqlstate: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    message: &'a str,
    detail: Option<&'a str>,
    context: Option<&'a str>,
    hint: Option<&'a str>,
    committed: Option<&'a str>,
    next: &'a [String],
}

impl<'a> From<&'a Problem> for WireProblem<'a> {
    fn from(problem: &'a Problem) -> Self {
        let place = problem.snippet.as_ref().map(|snippet| &snippet.place);
        Self {
            code: &problem.code,
            sqlstate: problem.sqlstate.as_deref(),
            file: place.map(|place| place.file.as_str()),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            message: &problem.message,
            detail: problem.detail.as_deref(),
            context: problem.context.as_deref(),
            hint: problem.hint.as_deref(),
            committed: problem.committed.as_deref(),
            next: &problem.next,
        }
    }
}

#[derive(Serialize)]
struct WireErrors<'a> {
    schema: &'static str,
    exit_code: u8,
    error: Option<WireProblem<'a>>,
    errors: Vec<WireProblem<'a>>,
}

/// Returns the document of a command that failed without a report of its own.
pub fn problem_document(problems: &[Problem], exit_code: u8) -> String {
    pretty(&WireErrors {
        schema: ERROR_SCHEMA,
        exit_code,
        error: problems.first().map(WireProblem::from),
        errors: problems.iter().map(WireProblem::from).collect(),
    })
}

#[derive(Serialize)]
struct WireApply<'a> {
    schema: &'static str,
    run: Option<&'a str>,
    outcome: Outcome,
    target: Option<&'a Target>,
    applied: &'a [AppliedMigration],
    applied_by_other_runs: &'a [String],
    pending: usize,
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
        duration_ms: report.duration_ms,
        error: report.error.as_ref().map(WireProblem::from),
        errors: report.errors.iter().map(WireProblem::from).collect(),
    })
}

/// Returns the document of `evmig diagram`.
pub fn diagram(report: &DiagramReport) -> String {
    pretty(report)
}

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

#[derive(Serialize)]
struct WireDryRun<'a> {
    schema: &'static str,
    level: Level,
    forecast: Forecast,
    target: &'a Target,
    server_version: &'a str,
    shadow: Option<&'a ShadowServer>,
    before: Option<&'a PreState>,
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
        duration_ms: report.duration_ms,
    })
}

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

/// Returns the document of `evmig baseline` and `evmig repair`.
pub fn record(report: &RecordReport) -> String {
    pretty(report)
}

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

#[derive(Serialize)]
struct WireHistory<'a> {
    schema: &'static str,
    target: &'a Target,
    entries: &'a [HistoryEntry],
    verified_rows: Option<u64>,
    first_bad: Option<WireProblem<'a>>,
}

/// Returns the document of `evmig diff`.
pub fn diff(report: &DiffReport) -> String {
    pretty(report)
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

/// Returns the document of `evmig config`.
pub fn config(report: &ConfigReport) -> String {
    pretty(report)
}

#[derive(Serialize)]
struct WireEvent<'a> {
    at: &'a str,
    #[serde(flatten)]
    event: &'a RunEvent,
}

#[derive(Serialize)]
struct WireWarning<'a> {
    at: &'a str,
    event: &'static str,
    problem: WireProblem<'a>,
}

/// Returns one event as one line, without a line break; `at` is an RFC 3339 time.
pub fn event(event: &RunEvent, at: &str) -> String {
    let line = match event {
        RunEvent::Warning { problem } => serde_json::to_string(&WireWarning {
            at,
            event: "warning",
            problem: problem.into(),
        }),
        _ => serde_json::to_string(&WireEvent { at, event }),
    };
    line.unwrap_or_else(|error| unserializable(&error))
}

pub(super) fn pretty(document: &impl Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(document).unwrap_or_else(|error| unserializable(&error));
    text.push('\n');
    text
}

/// Says that a document could not be written, as a document.
///
/// `serde_json` fails only for maps whose keys are not strings and for writers that fail; there
/// are neither here. A caller that reads JSON still gets some, should a report ever grow one.
fn unserializable(error: &serde_json::Error) -> String {
    let message = Value::String(error.to_string());
    format!(
        "{{\"schema\":\"{ERROR_SCHEMA}\",\"error\":{{\"code\":\"internal\",\"message\":{message}}}}}"
    )
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
