//! Copies of destroyed rows, and what became of them.

use super::label::{commands, labelled, styled};
use super::look::Look;
use super::number::{count, counted, time};
use super::style::{CAUTION, GOOD, HEADING, PLAIN};
use super::target::{command, target};
use super::text::{one_line, push_wrapped};
use crate::report::kept::{KeptAction, KeptListReport, KeptReport};

/// Returns the result of `evmig kept`.
pub fn kept(report: &KeptListReport, look: Look) -> String {
    match report.action {
        KeptAction::List => list(report, look),
        KeptAction::Restore => changed(report, "Put back", look),
        KeptAction::Drop => changed(report, "Dropped", look),
    }
}

fn list(report: &KeptListReport, look: Look) -> String {
    let mut out = target(&report.target, look);
    out.push('\n');
    if report.copies.is_empty() {
        let text = "No rows are kept: evmig rollback --keep-data makes copies of what it destroys";
        push_wrapped(&mut out, text, PLAIN, 0, 2, look);
        return out;
    }
    for copy in &report.copies {
        push_wrapped(&mut out, &one_line(&copy.name), HEADING, 0, 2, look);
        labelled(&mut out, "has", &contents(copy), look);
        let (at, actor, run) = (
            time(&copy.kept_at),
            one_line(&copy.actor),
            one_line(&copy.run),
        );
        labelled(
            &mut out,
            "kept",
            &format!("{at}, by {actor}, run {run}"),
            look,
        );
        match (&copy.bytes, &copy.restored_at) {
            (None, _) => styled(
                &mut out,
                "gone",
                "its table was dropped by hand",
                CAUTION,
                look,
            ),
            (_, Some(at)) => labelled(&mut out, "put back", &time(at), look),
            (_, None) => {}
        }
    }
    out.push('\n');
    if let Some(copy) = report.copies.last() {
        let restore = command("kept restore", &report.target);
        commands(&mut out, [format!("{restore} --run {}", copy.run).as_str()]);
    }
    out
}

fn contents(copy: &KeptReport) -> String {
    let rows = counted(usize::try_from(copy.rows).unwrap_or(usize::MAX), "row");
    let of = match copy.columns.as_slice() {
        [] => format!("{rows} of {}, {}", copy.table, copy.way),
        columns => format!(
            "{rows} of {}: its column {}",
            copy.table,
            columns.join(", ")
        ),
    };
    match copy.bytes {
        Some(bytes) => format!("{}, {} kB", one_line(&of), count(bytes / 1024)),
        None => one_line(&of),
    }
}

fn changed(report: &KeptListReport, verb: &str, look: Look) -> String {
    let mut out = String::new();
    let text = format!(
        "{verb} {}",
        match report.copies.len() {
            1 => "1 copy".to_owned(),
            more => format!("{} copies", count(more as u64)),
        }
    );
    push_wrapped(&mut out, &text, GOOD, 0, 2, look);
    for copy in &report.copies {
        let text = match copy.rows_restored {
            Some(rows) => format!(
                "{} into {}, of {} in {}",
                counted(usize::try_from(rows).unwrap_or(usize::MAX), "row"),
                one_line(&copy.table),
                count(copy.rows),
                one_line(&copy.name)
            ),
            None => one_line(&copy.name),
        };
        labelled(&mut out, "", &text, look);
        if !copy.left_out.is_empty() {
            let columns: Vec<String> = copy.left_out.iter().map(|one| one_line(one)).collect();
            let text = format!(
                "{} not: the table has no such column any more; the copy keeps them",
                columns.join(", ")
            );
            styled(&mut out, "", &text, CAUTION, look);
        }
    }
    if let Some(run) = &report.run {
        labelled(&mut out, "run", run, look);
    }
    out
}
