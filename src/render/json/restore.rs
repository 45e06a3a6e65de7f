//! The document of a restore from a backup.

use serde::Serialize;

use super::pretty;
use super::problem::WireProblem;
use crate::report::backup::{RestoreOutcome, RestoreReport, RestoredTable};
use crate::report::target::Target;

#[derive(Serialize)]
struct WireRestore<'a> {
    schema: &'static str,
    run: Option<&'a str>,
    outcome: RestoreOutcome,
    target: &'a Target,
    backup: &'a str,
    backup_id: &'a str,
    taken_at: &'a str,
    backup_database: &'a str,
    same_database: bool,
    tables: &'a [RestoredTable],
    system_triggers: bool,
    triggers: usize,
    keys_proved: usize,
    checksums: bool,
    sequences: usize,
    pg_restore: &'a str,
    duration_ms: f64,
    error: Option<WireProblem<'a>>,
}

/// Returns the document of `evmig rollback --restore`.
pub fn restore(report: &RestoreReport) -> String {
    pretty(&WireRestore {
        schema: report.schema,
        run: report.run.as_deref(),
        outcome: report.outcome,
        target: &report.target,
        backup: &report.backup,
        backup_id: &report.backup_id,
        taken_at: &report.taken_at,
        backup_database: &report.backup_database,
        same_database: report.same_database,
        tables: &report.tables,
        system_triggers: report.system_triggers,
        triggers: report.triggers,
        keys_proved: report.keys_proved,
        checksums: report.checksums,
        sequences: report.sequences,
        pg_restore: &report.pg_restore,
        duration_ms: report.duration_ms,
        error: report.error.as_ref().map(WireProblem::from),
    })
}
