//! What `evmig seed` does and did.

use std::fmt::Write as _;

use super::look::Look;
use super::number::{count, counted, duration};
use super::style::{GOOD, HEADING, LABEL, paint};
use super::text::{columns, cut_end, left, one_line, push_wrapped};
use crate::report::seed::{SeedOutcome, SeedProgress, SeedReport};

/// The bar and its numbers take this much of the line.
const BAR_COLUMNS: usize = 30;

/// Returns the text beside the bar: `cell 12: public.tickets, 482,113 rows`.
pub fn seed_progress(progress: &SeedProgress, look: Look) -> String {
    let rows = match progress.rows {
        0 => String::new(),
        rows => format!(", {} rows", count(rows)),
    };
    let place = match &progress.table {
        Some(table) => format!(": {}", one_line(table)),
        None => String::new(),
    };
    let text = format!("cell {}{place}{rows}", count(progress.cell));
    cut_end(&text, look.width.saturating_sub(BAR_COLUMNS), look)
}

/// Returns the result.
pub fn seed(report: &SeedReport, look: Look) -> String {
    let mut out = String::new();
    let style = match report.outcome {
        SeedOutcome::Loaded | SeedOutcome::Removed => GOOD,
        _ => HEADING,
    };
    push_wrapped(&mut out, &sentence(report), style, 0, 2, look);
    if report.outcome != SeedOutcome::Planned {
        return out;
    }
    let wide = report.tables.iter().map(|one| columns(&one.table)).max();
    for one in &report.tables {
        out.push_str("  ");
        out.push_str(&paint(
            LABEL,
            &left(&one_line(&one.table), wide.unwrap_or(0)),
        ));
        let rows = count(one.rows);
        // Writing into memory does not fail.
        let _ = writeln!(out, "  {rows:>13}");
    }
    if report.triggers_suspended == Some(false) {
        let note = "This role may not set session_replication_role: the rows pass through every \
                    trigger, which takes several times as long.";
        push_wrapped(&mut out, note, HEADING, 0, 2, look);
    }
    out
}

fn sentence(report: &SeedReport) -> String {
    let cells = counted(report.cells as usize, "cell");
    let time = duration(report.duration_ms);
    match report.outcome {
        SeedOutcome::Planned if report.scale.is_none() => {
            format!("Would remove {cells}; nothing was changed")
        }
        SeedOutcome::Planned => format!(
            "Would load {cells} with {} rows; nothing was changed",
            count(report.rows)
        ),
        SeedOutcome::Loaded => {
            let seconds = (report.duration_ms / 1000.0).max(0.001);
            let speed = count((report.rows as f64 / seconds) as u64);
            format!(
                "Loaded {cells}, {} rows, in {time} ({speed} rows/s)",
                count(report.rows)
            )
        }
        SeedOutcome::Removed => format!("Removed {cells} in {time}"),
        SeedOutcome::NothingToDo if report.scale.is_none() => {
            "Nothing to remove: evmig seed has loaded nothing into this database".to_owned()
        }
        SeedOutcome::NothingToDo => format!(
            "Nothing to load: {} there already",
            match report.cells_before {
                1 => "the 1 cell is".to_owned(),
                more => format!("all {} cells are", count(more)),
            }
        ),
        SeedOutcome::Failed => format!("Stopped after {cells}, in {time}"),
    }
}
