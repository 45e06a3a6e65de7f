//! The documents of `evmig backup`.

use serde::Serialize;

use super::pretty;
use super::problem::WireProblem;
use crate::report::backup::{BackupOutcome, BackupReport, LeftOut, VerifyReport};
use crate::report::target::Target;

#[derive(Serialize)]
struct WireBackup<'a> {
    schema: &'static str,
    outcome: BackupOutcome,
    target: &'a Target,
    id: &'a str,
    path: Option<&'a str>,
    taken_at: Option<&'a str>,
    tables: usize,
    rows: u64,
    bytes: u64,
    checksums: bool,
    pg_dump: &'a str,
    key_id: Option<&'a str>,
    recorded: bool,
    not_included: &'a [LeftOut],
    removed: &'a [String],
    duration_ms: f64,
    error: Option<WireProblem<'a>>,
}

/// Returns the document of `evmig backup`.
pub fn backup(report: &BackupReport) -> String {
    pretty(&WireBackup {
        schema: report.schema,
        outcome: report.outcome,
        target: &report.target,
        id: &report.id,
        path: report.path.as_deref(),
        taken_at: report.taken_at.as_deref(),
        tables: report.tables,
        rows: report.rows,
        bytes: report.bytes,
        checksums: report.checksums,
        pg_dump: &report.pg_dump,
        key_id: report.key_id.as_deref(),
        recorded: report.recorded,
        not_included: &report.not_included,
        removed: &report.removed,
        duration_ms: report.duration_ms,
        error: report.error.as_ref().map(WireProblem::from),
    })
}

/// Returns the document of `evmig backup --verify`.
pub fn backup_verify(report: &VerifyReport) -> String {
    pretty(report)
}
