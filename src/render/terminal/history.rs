//! The history as a table, and the verdict of `--verify`.

use super::look::Look;
use super::number::{count, counted, duration, time};
use super::problem::problem;
use super::style::{BAD, GOOD, HEADING, PLAIN, QUIET, paint};
use super::table::{Cell, Widths, fits};
use super::target::target;
use super::text::{cut_middle, one_line, push_wrapped};
use crate::report::history::{HistoryEntry, HistoryReport};

/// Returns the table, oldest row first, and below it what `--verify` found.
pub fn history(report: &HistoryReport, look: Look) -> String {
    let mut out = target(&report.target, look);
    out.push('\n');
    if report.entries.is_empty() {
        out.push_str("The history is empty: evmig has applied nothing to this database.\n");
    } else {
        entries(&mut out, &report.entries, look);
    }
    verdict(&mut out, report, look);
    out
}

fn entries(out: &mut String, entries: &[HistoryEntry], look: Look) {
    let wide: Vec<Vec<Cell>> = std::iter::once(head(true))
        .chain(entries.iter().map(|entry| row(entry, true)))
        .collect();
    if fits(&wide, look.width) {
        table(out, &wide, entries, None, look);
        return;
    }
    let narrow: Vec<Vec<Cell>> = std::iter::once(head(false))
        .chain(entries.iter().map(|entry| row(entry, false)))
        .collect();
    table(out, &narrow, entries, Some(second_line), look);
}

fn table(
    out: &mut String,
    rows: &[Vec<Cell>],
    entries: &[HistoryEntry],
    below: Option<fn(&HistoryEntry) -> String>,
    look: Look,
) {
    // A sequence number of 19 digits or a made-up action gives way after the name.
    let gives_way = [(3, 20), (2, 8), (0, 6), (1, 6), (3, 6), (2, 6)];
    let widths = Widths::fit(rows, look.width, &gives_way);
    let indent = widths.second();
    let room = look.width.saturating_sub(indent);
    let margin = " ".repeat(indent);
    for (at, cells) in rows.iter().enumerate() {
        out.push_str(&widths.row(cells, look));
        out.push('\n');
        let Some(entry) = at.checked_sub(1).and_then(|at| entries.get(at)) else {
            continue;
        };
        if let Some(below) = below {
            let text = cut_middle(&below(entry), room, look);
            out.push_str(&margin);
            out.push_str(&paint(QUIET, &text));
            out.push('\n');
        }
        if let Some(reason) = &entry.reason {
            let text = cut_middle(&format!("reason: {reason}"), room, look);
            out.push_str(&margin);
            out.push_str(&text);
            out.push('\n');
        }
    }
}

fn head(wide: bool) -> Vec<Cell> {
    let mut cells = vec![
        Cell::new("seq", HEADING).at_the_right(),
        Cell::new("when", HEADING),
        Cell::new("action", HEADING),
        Cell::new("migration", HEADING),
    ];
    if wide {
        cells.push(Cell::new("run", HEADING));
        cells.push(Cell::new("actor", HEADING));
        cells.push(Cell::new("duration", HEADING).at_the_right());
    }
    cells
}

fn row(entry: &HistoryEntry, wide: bool) -> Vec<Cell> {
    let mut cells = vec![
        Cell::new(&entry.seq.to_string(), QUIET).at_the_right(),
        Cell::new(&time(&entry.at), PLAIN),
        Cell::new(&entry.action, PLAIN),
        Cell::new(&label(entry), HEADING),
    ];
    if wide {
        let took = entry.duration_ms.map(duration).unwrap_or_default();
        cells.push(Cell::new(&entry.run, QUIET));
        cells.push(Cell::new(&entry.actor, QUIET));
        cells.push(Cell::new(&took, PLAIN).at_the_right());
    }
    cells
}

fn label(entry: &HistoryEntry) -> String {
    match &entry.version {
        Some(version) => format!("V{version}__{}", entry.name),
        None => format!("R__{}", entry.name),
    }
}

fn second_line(entry: &HistoryEntry) -> String {
    let took = entry
        .duration_ms
        .map(|took| format!(", {}", duration(took)))
        .unwrap_or_default();
    format!(
        "run {} by {}{took}",
        one_line(&entry.run),
        one_line(&entry.actor)
    )
}

fn verdict(out: &mut String, report: &HistoryReport, look: Look) {
    let Some(rows) = report.verified_rows else {
        if let Some(bad) = &report.first_bad {
            out.push('\n');
            out.push_str(&problem(bad, look));
        }
        return;
    };
    out.push('\n');
    let plural = if rows == 1 {
        "row is as it was"
    } else {
        "rows are as they were"
    };
    match &report.first_bad {
        None => {
            out.push_str(&paint(GOOD, "VERIFIED"));
            out.push_str(": ");
            let text = format!("{} {plural} written", count(rows));
            push_wrapped(out, &text, PLAIN, 10, 2, look);
        }
        Some(bad) => {
            out.push_str(&paint(BAD, "NOT VERIFIED"));
            out.push_str(": ");
            let text = format!(
                "{} checked, and this is the first bad one",
                counted(usize::try_from(rows).unwrap_or(usize::MAX), "row")
            );
            push_wrapped(out, &text, PLAIN, 14, 2, look);
            out.push_str(&problem(bad, look));
        }
    }
}
