//! What two catalogs do not have in common: a line for each object, and below it its definition before and after.

use super::look::Look;
use super::number::counted;
use super::problem::warning;
use super::style::{BAD, CAUTION, GOOD, HEADING, QUIET, paint};
use super::text::one_line;
use crate::render::change::{besides, tally};
use crate::report::change::{ChangeKind, ObjectChange};
use crate::report::diff::{DiffReport, Side};
use crate::report::sanitize::for_terminal;

/// Returns the comparison, and its sum in the last line.
pub fn diff(report: &DiffReport, look: Look) -> String {
    let mut out = String::new();
    for (mark, side) in [("---", &report.before), ("+++", &report.after)] {
        out.push_str(&paint(HEADING, &format!("{mark} {}", self::side(side))));
        out.push('\n');
    }
    out.push('\n');
    out.push_str(&changes(&report.changes, look));
    for note in &report.notes {
        out.push_str(&warning(note, look));
        out.push('\n');
    }
    let style = match (report.identical, report.complete) {
        (true, _) => GOOD,
        (false, true) => HEADING,
        (false, false) => CAUTION,
    };
    out.push_str(&paint(style, &sum(report)));
    out.push('\n');
    out
}

/// Returns the changes alone.
pub fn changes(changes: &[ObjectChange], _look: Look) -> String {
    let mut out = String::new();
    for change in changes {
        one(&mut out, change);
        out.push('\n');
    }
    out
}

/// `3 differences: 2 added, 1 changed`
pub(in crate::render) fn sum(report: &DiffReport) -> String {
    let known = if report.complete {
        ""
    } else {
        ", as far as both could be made"
    };
    if report.changes.is_empty() {
        return format!("No difference{known}");
    }
    let all = counted(report.changes.len(), "difference");
    format!("{all}{known}: {}", tally(report.changes.iter()))
}

/// Says in a few words where a catalog is from.
pub(in crate::render) fn side(side: &Side) -> String {
    match side {
        Side::Database {
            database,
            host,
            port,
            environment,
        } => {
            let named = environment.as_ref().map_or_else(String::new, |name| {
                format!(" (environment {})", one_line(name))
            });
            let (database, host) = (one_line(database), one_line(host));
            format!("database {database} on {host}:{port}{named}")
        }
        Side::History { run, at } => {
            format!(
                "history, as run {} left it at {}",
                one_line(run),
                one_line(at)
            )
        }
        Side::File { path } => format!("file {}", one_line(path)),
        Side::Dump {
            path,
            server_version,
        } => format!(
            "dump {}, on PostgreSQL {}",
            one_line(path),
            one_line(server_version)
        ),
        Side::Migrations {
            project,
            migrations,
            server_version,
        } => format!(
            "{} of {}, on PostgreSQL {}",
            counted(*migrations, "migration"),
            one_line(project),
            one_line(server_version)
        ),
    }
}

fn one(out: &mut String, change: &ObjectChange) {
    let style = match change.change {
        ChangeKind::Added => GOOD,
        ChangeKind::Removed => BAD,
        ChangeKind::Changed | ChangeKind::Renamed => CAUTION,
    };
    out.push_str(&paint(style, &format!("{:<7}", change.change.word())));
    out.push(' ');
    out.push_str(&paint(HEADING, &one_line(&change.object)));
    out.push_str(&one_line(&besides(change)));
    out.push('\n');
    for line in change.diff.lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => GOOD,
            Some(b'-') => BAD,
            _ => QUIET,
        };
        // A line is as long as it is: SQL that is cut or wrapped cannot be read.
        out.push_str("  ");
        out.push_str(&paint(style, &for_terminal(line)));
        out.push('\n');
    }
}
