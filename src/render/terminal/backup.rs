//! What `evmig backup` made, and what is wrong with a backup.

use std::fmt::Write as _;

use super::look::Look;
use super::number::{count, counted, duration};
use super::style::{BAD, CAUTION, GOOD, HEADING, LABEL, PLAIN, paint};
use super::text::{columns, cut_end, left, one_line, push_wrapped};
use crate::report::backup::{
    BackupProgress, BackupReport, RestoreProgress, RestoreReport, VerifyReport,
};

/// The spinner takes this much of the line.
const SPINNER: usize = 6;

/// Returns the text beside the spinner: `412 MB written, 34 of 80 tables counted`.
pub fn backup_progress(progress: &BackupProgress, look: Look) -> String {
    let tables = match progress.of {
        0 => String::new(),
        of => format!(
            ", {} of {} tables counted",
            count(progress.tables),
            count(of)
        ),
    };
    let text = format!("{} written{tables}", size(progress.bytes));
    cut_end(&text, look.width.saturating_sub(SPINNER), look)
}

/// Returns the result.
pub fn backup(report: &BackupReport, look: Look) -> String {
    let mut out = String::new();
    let sentence = format!(
        "Backed up {}, {} rows, {} in {}",
        counted(report.tables, "table"),
        count(report.rows),
        size(report.bytes),
        duration(report.duration_ms)
    );
    push_wrapped(&mut out, &sentence, GOOD, 0, 2, look);
    let mut line = |label: &str, text: &str| {
        // Writing into memory does not fail.
        let _ = writeln!(
            out,
            "  {}  {}",
            paint(LABEL, &format!("{label:<8}")),
            one_line(text)
        );
    };
    if let Some(path) = &report.path {
        line("folder", path);
    }
    if let Some(at) = &report.taken_at {
        line("snapshot", at);
    }
    if let Some(key) = &report.key_id {
        line(
            "key",
            &format!("{key}; keep a copy of it elsewhere: without it no restore"),
        );
    }
    for path in &report.removed {
        line("removed", path);
    }
    let elsewhere: Vec<String> = report
        .not_included
        .iter()
        .filter(|one| one.count.is_some_and(|number| number > 0))
        .map(|one| format!("{} ({})", one.what, count(one.count.unwrap_or_default())))
        .collect();
    if !elsewhere.is_empty() {
        let text = format!("Not restored from it: {}", elsewhere.join(", "));
        push_wrapped(&mut out, &one_line(&text), HEADING, 0, 2, look);
    }
    out
}

/// Returns what is wrong with a backup.
pub fn backup_verify(report: &VerifyReport, look: Look) -> String {
    let mut out = String::new();
    let path = one_line(&report.path);
    if report.sound {
        let of = report.database.as_deref().map(one_line).unwrap_or_default();
        let at = report.taken_at.as_deref().map(one_line).unwrap_or_default();
        let sentence = format!(
            "SOUND: {path} is as it was written: {}, {}, of {of} at {at}",
            counted(report.files, "file"),
            size(report.bytes),
        );
        push_wrapped(&mut out, &sentence, GOOD, 0, 2, look);
        return out;
    }
    let sentence = format!(
        "NOT SOUND: {path}: {}",
        counted(report.faults.len(), "fault")
    );
    push_wrapped(&mut out, &sentence, BAD, 0, 2, look);
    for fault in &report.faults {
        push_wrapped(&mut out, &one_line(&fault.message), HEADING, 2, 4, look);
    }
    out
}

/// Returns the text beside the spinner: `filling public.orders, 3 of 12 tables`.
pub fn restore_progress(progress: &RestoreProgress, look: Look) -> String {
    let text = format!(
        "filling {}, {} of {} tables done",
        one_line(&progress.table),
        count(progress.done),
        count(progress.of)
    );
    cut_end(&text, look.width.saturating_sub(SPINNER), look)
}

/// Returns what a restore will replace.
pub fn restore_plan(report: &RestoreReport, look: Look) -> String {
    let mut out = String::new();
    let sentence = format!(
        "Would put {} back as of {}, from {}",
        counted(report.tables.len(), "table"),
        one_line(&report.taken_at),
        one_line(&report.backup)
    );
    push_wrapped(&mut out, &sentence, HEADING, 0, 2, look);
    if !report.same_database {
        let text = format!(
            "The backup is of another database, {}, or of another cluster.",
            one_line(&report.backup_database)
        );
        push_wrapped(&mut out, &text, CAUTION, 0, 2, look);
    }
    let names: Vec<String> = report
        .tables
        .iter()
        .map(|one| one_line(&one.table))
        .collect();
    let wide = names
        .iter()
        .map(|name| columns(name))
        .max()
        .unwrap_or(0)
        .max(5);
    // Writing into memory does not fail.
    let _ = writeln!(
        out,
        "  {}  {:>15}  {:>15}",
        paint(LABEL, &left("table", wide)),
        "rows that go",
        "rows that come"
    );
    for (one, name) in report.tables.iter().zip(&names) {
        let _ = writeln!(
            out,
            "  {}  {:>15}  {:>15}",
            left(name, wide),
            count(one.rows_before),
            count(one.rows)
        );
    }
    let triggers = if report.system_triggers {
        "All triggers are off meanwhile; every foreign key is proved before the commit."
    } else {
        "The tables' own triggers are off meanwhile; foreign keys are checked as rows come."
    };
    push_wrapped(&mut out, triggers, PLAIN, 0, 2, look);
    if !report.checksums {
        let text = "The backup has no checksums: rows are counted, and not compared.";
        push_wrapped(&mut out, text, CAUTION, 0, 2, look);
    }
    out
}

/// Returns the result of a restore.
pub fn restore(report: &RestoreReport, look: Look) -> String {
    let mut out = String::new();
    let rows: u64 = report.tables.iter().map(|one| one.rows).sum();
    let sentence = format!(
        "Restored {}, {} rows, as of {}, in {}",
        counted(report.tables.len(), "table"),
        count(rows),
        one_line(&report.taken_at),
        duration(report.duration_ms)
    );
    push_wrapped(&mut out, &sentence, GOOD, 0, 2, look);
    let compared = if report.checksums {
        "Row counts and checksums are the backup's"
    } else {
        "Row counts are the backup's"
    };
    let text = format!(
        "{compared}; {} proved; {} back in their own state; {} moved on.",
        counted(report.keys_proved, "foreign key"),
        counted(report.triggers, "trigger"),
        counted(report.sequences, "sequence"),
    );
    push_wrapped(&mut out, &text, PLAIN, 0, 2, look);
    out
}

/// Writes a number of bytes for people.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return counted(bytes as usize, "byte");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}
