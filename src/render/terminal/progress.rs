//! The one short text beside a progress bar.

use super::blocker::pids;
use super::look::Look;
use super::number::{count, counted, milliseconds, whole_seconds};
use super::text::{cut_end, cut_middle, one_line};
use crate::report::event::{Blocker, MigrationRef, RunEvent};

/// The bar and its numbers take this much of the line.
const BAR_COLUMNS: usize = 30;

/// Returns the text for events that change what a run is doing; `None` for all others.
pub fn progress(event: &RunEvent, look: Look) -> Option<String> {
    let (migration, tail) = match event {
        RunEvent::MigrationStarted {
            migration,
            statements,
            ..
        } => (migration, counted(*statements, "statement")),
        RunEvent::StatementDone {
            migration,
            index,
            of,
            ..
        } => {
            let done = count(index.saturating_add(1) as u64);
            (migration, format!("{done} of {}", count(*of as u64)))
        }
        RunEvent::StatementRunning { migration, .. } => (migration, running(event)?),
        RunEvent::Blocked {
            migration,
            blockers,
            waited_ms,
        } => (migration, blocked(blockers, *waited_ms)),
        RunEvent::IndexProgress { migration, .. } => (migration, index(event)?),
        _ => return None,
    };
    Some(line(
        migration,
        &tail,
        look.width.saturating_sub(BAR_COLUMNS),
        look,
    ))
}

/// Returns `V101__name: tail` within `most` columns; the name gives way first.
pub(super) fn line(migration: &MigrationRef, tail: &str, most: usize, look: Look) -> String {
    let tail = cut_end(tail, most.saturating_sub(12), look);
    let room = most.saturating_sub(super::text::columns(&tail) + 2);
    format!("{}: {tail}", cut_middle(&migration.label(), room, look))
}

/// Returns `statement 3 of 50, 12 s`; `None` for other events.
pub(super) fn running(event: &RunEvent) -> Option<String> {
    let RunEvent::StatementRunning {
        index,
        of,
        running_ms,
        ..
    } = event
    else {
        return None;
    };
    Some(format!(
        "statement {} of {}, {}",
        count(index.saturating_add(1) as u64),
        count(*of as u64),
        milliseconds(*running_ms)
    ))
}

fn blocked(blockers: &[Blocker], waited_ms: u64) -> String {
    let waited = milliseconds(waited_ms);
    if blockers.is_empty() {
        return format!("waits for a lock, {waited}");
    }
    format!("waits for {}, {waited}", pids(blockers))
}

/// Returns `index 43 %, waits for pid 4711: phase, 12 s`; `None` for other events.
///
/// What is worth most stands in front, because a narrow terminal cuts the end.
pub(super) fn index(event: &RunEvent) -> Option<String> {
    let RunEvent::IndexProgress {
        phase,
        percent,
        waits_for,
        seconds,
        ..
    } = event
    else {
        return None;
    };
    let percent = percent.map_or_else(String::new, |percent| format!(" {percent} %"));
    let waits = if waits_for.is_empty() {
        String::new()
    } else {
        format!(", waits for {}", pids(waits_for))
    };
    let (phase, time) = (one_line(phase), whole_seconds(*seconds));
    Some(format!("index{percent}{waits}: {phase}, {time}"))
}
