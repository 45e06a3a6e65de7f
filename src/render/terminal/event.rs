//! Events as the lines of a log.

use anstyle::Style;

use super::blocker::{blockers, way_out};
use super::look::Look;
use super::number::{count, counted, duration, milliseconds, whole_seconds};
use super::problem::{sqlstate_text, warning};
use super::progress::{index, running};
use super::style::{CAUTION, GOOD, HEADING, PLAIN, QUIET, paint};
use super::text::{columns, cut_middle, left, one_line, push_wrapped, right};
use crate::report::event::{Blocker, MigrationRef, RunEvent};

/// Returns the lines for a log; `None` for events that only move a progress bar.
pub fn event(event: &RunEvent, look: Look) -> Option<String> {
    let text = match event {
        RunEvent::StatementDone { .. } => return None,
        RunEvent::MigrationStarted {
            migration,
            statements,
            resumed_at,
            ..
        } => {
            let at = (*resumed_at)?;
            let text = format!(
                "{} resumes at statement {} of {}",
                migration.label(),
                count(at.saturating_add(1) as u64),
                count(*statements as u64)
            );
            said("", PLAIN, &text, look)
        }
        RunEvent::WaitingForRun {
            holder,
            waited_seconds,
        } => waiting_for_run(holder.as_ref(), *waited_seconds, look),
        RunEvent::RunStarted {
            run,
            migrations,
            statements,
        } => run_started(run, *migrations, *statements, look),
        RunEvent::PhaseStarted {
            number,
            name,
            title,
        } => phase_started(*number, title.as_ref().unwrap_or(name), look),
        RunEvent::Blocked {
            migration,
            blockers,
            waited_ms,
        } => blocked(migration, blockers, *waited_ms, look),
        RunEvent::Retrying { .. } => retrying(event, look),
        RunEvent::IndexProgress { migration, .. } => going_on(migration, &index(event)?, look),
        RunEvent::StatementRunning { migration, .. } => going_on(migration, &running(event)?, look),
        RunEvent::MigrationApplied {
            migration,
            statements,
            retries,
            duration_ms,
        } => applied(migration, *statements, *retries, *duration_ms, look),
        RunEvent::MigrationReverted {
            migration,
            statements,
            duration_ms,
        } => applied(migration, *statements, 0, *duration_ms, look),
        RunEvent::Warning { problem } => warning(problem, look),
        _ => remark(event, look)?,
    };
    Some(text)
}

/// What is going on, in one line.
fn going_on(migration: &MigrationRef, text: &str, look: Look) -> String {
    let room = look.width.saturating_sub(2);
    format!("  {}\n", super::progress::line(migration, text, room, look))
}

/// The events that are one sentence.
fn remark(event: &RunEvent, look: Look) -> Option<String> {
    let text = match event {
        RunEvent::Notice {
            migration,
            severity,
            message,
            hint,
        } => {
            return Some(notice(
                migration.as_ref(),
                severity,
                message,
                hint.as_deref(),
                look,
            ));
        }
        RunEvent::InvalidIndexDropped { migration, index } => format!(
            "{}: dropped the INVALID index {} that an unfinished build left",
            migration.label(),
            one_line(index)
        ),
        RunEvent::StatementFound {
            migration,
            index,
            evidence,
        } => format!(
            "{}: statement {} was done before the interruption: {evidence}",
            migration.label(),
            count(index.saturating_add(1) as u64)
        ),
        RunEvent::StepPassedOver {
            phase,
            step,
            reason,
        } => match step.as_str() {
            "" => format!("phase {phase} passed over: {reason}"),
            step => format!("step {step} of phase {phase} passed over: {reason}"),
        },
        RunEvent::NotReplicated { migration } => {
            let text = format!(
                "{} is committed on this server, which stopped waiting for its standby",
                migration.label()
            );
            return Some(said("not replicated", CAUTION, &text, look));
        }
        RunEvent::Reconnecting { reason } => {
            let text = format!("{reason}; reconnecting to find out what was committed");
            return Some(said("connection lost", CAUTION, &text, look));
        }
        _ => return None,
    };
    Some(said("", PLAIN, &text, look))
}

/// Returns an indented remark: a word in its style, a colon, wrapped prose.
fn said(word: &str, style: Style, prose: &str, look: Look) -> String {
    let mut out = "  ".to_owned();
    let mut first = 2;
    if !word.is_empty() {
        out.push_str(&paint(style, word));
        out.push_str(": ");
        first += columns(word) + 2;
    }
    push_wrapped(&mut out, prose, PLAIN, first, 4, look);
    out
}

fn run_started(run: &str, migrations: usize, statements: usize, look: Look) -> String {
    let what = format!(
        "{}, {}",
        counted(migrations, "migration"),
        counted(statements, "statement")
    );
    let mut out = String::new();
    push_wrapped(
        &mut out,
        &format!("Run {}: {what}", one_line(run)),
        PLAIN,
        0,
        2,
        look,
    );
    out
}

fn phase_started(number: u32, title: &str, look: Look) -> String {
    let lead = format!("Phase {number}  ");
    let indent = columns(&lead);
    let mut out = paint(HEADING, &lead);
    push_wrapped(&mut out, &one_line(title), HEADING, indent, indent, look);
    out
}

fn applied(
    migration: &MigrationRef,
    statements: usize,
    retries: u32,
    duration_ms: f64,
    look: Look,
) -> String {
    let mut statements = counted(statements, "statement");
    if !statements.ends_with('s') {
        // The place of the plural's ending, so that the words stand below each other.
        statements.push(' ');
    }
    let statements = right(&statements, 16);
    let time = right(&duration(duration_ms), 10);
    let room = look
        .width
        .saturating_sub(2 + 2 + columns(&statements) + 2 + columns(&time));
    // Wider columns would only move the numbers away from the names.
    let room = room.min(60);
    let name = left(&cut_middle(&migration.label(), room, look), room);
    let mut out = format!("  {}  {statements}  {time}\n", paint(GOOD, &name));
    if retries > 0 {
        let again = if retries == 1 { "retry" } else { "retries" };
        let text = format!(
            "    after {} {again} for want of a lock",
            count(u64::from(retries))
        );
        out.push_str(&paint(QUIET, &text));
        out.push('\n');
    }
    out
}

fn waiting_for_run(holder: Option<&Blocker>, waited_seconds: u64, look: Look) -> String {
    let text = format!(
        "another run is at work on this database, {} so far",
        whole_seconds(waited_seconds)
    );
    let mut out = said("waiting", CAUTION, &text, look);
    if let Some(holder) = holder {
        blockers(&mut out, std::slice::from_ref(holder), 4, look);
    }
    out
}

fn blocked(migration: &MigrationRef, sessions: &[Blocker], waited_ms: u64, look: Look) -> String {
    let who = if sessions.is_empty() { "" } else { ", held by" };
    let text = format!(
        "{} needs a lock, {} so far{who}",
        migration.label(),
        milliseconds(waited_ms)
    );
    let mut out = said("waiting", CAUTION, &text, look);
    in_the_way(&mut out, sessions, look);
    out
}

fn retrying(event: &RunEvent, look: Look) -> String {
    let RunEvent::Retrying {
        migration,
        attempt,
        of,
        sqlstate,
        blockers: sessions,
        wait_ms,
    } = event
    else {
        return String::new();
    };
    let why = if sqlstate == "40P01" {
        "a deadlock"
    } else {
        "no lock in time"
    };
    let text = format!(
        "{}, {why}: {}; rolled back, retry {} of {} in {}",
        migration.label(),
        sqlstate_text(sqlstate),
        count(u64::from(*attempt)),
        count(u64::from(*of)),
        milliseconds(*wait_ms)
    );
    let mut out = said("retrying", CAUTION, &text, look);
    in_the_way(&mut out, sessions, look);
    out
}

fn in_the_way(out: &mut String, sessions: &[Blocker], look: Look) {
    blockers(out, sessions, 4, look);
    if let Some(way_out) = way_out(sessions) {
        out.push_str("    ");
        push_wrapped(out, &way_out, PLAIN, 4, 6, look);
    }
}

fn notice(
    migration: Option<&MigrationRef>,
    severity: &str,
    message: &str,
    hint: Option<&str>,
    look: Look,
) -> String {
    let severity = one_line(severity);
    let style = if severity == "WARNING" {
        CAUTION
    } else {
        QUIET
    };
    let text = match migration {
        Some(migration) => format!("{}: {message}", migration.label()),
        None => message.to_owned(),
    };
    let mut out = said(&severity, style, &text, look);
    if let Some(hint) = hint {
        out.push_str("    ");
        push_wrapped(&mut out, &format!("hint: {hint}"), PLAIN, 4, 6, look);
    }
    out
}
