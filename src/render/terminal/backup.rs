//! What `evmig backup` made, and what is wrong with a backup.

use std::fmt::Write as _;

use super::look::Look;
use super::number::{count, counted, duration};
use super::style::{BAD, GOOD, HEADING, LABEL, paint};
use super::text::{cut_end, one_line, push_wrapped};
use crate::report::backup::{BackupProgress, BackupReport, VerifyReport};

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
