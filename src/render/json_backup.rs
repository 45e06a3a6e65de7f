//! The documents of backups and of restores from them.

use serde::Serialize;

use super::json::{WireProblem, pretty};
use crate::report::backup::{
    BackupOutcome, BackupReport, LeftOut, RestoreOutcome, RestoreReport, RestoredTable,
    VerifyReport,
};
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

/// Returns the document of `evmig backup --verify`.
pub fn backup_verify(report: &VerifyReport) -> String {
    pretty(report)
}
