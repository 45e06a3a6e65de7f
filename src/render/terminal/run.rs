//! What a command that writes has done, on standard output at its end.

use super::label::{commands, labelled, styled};
use super::look::Look;
use super::number::{count, counted, duration};
use super::style::{BAD, CAUTION, GOOD, HEADING, PLAIN, paint};
use super::target::command;
use super::text::{one_line, push_wrapped};
use crate::report::run::{ApplyReport, Outcome, PlanResult, PlanUsed, RecordReport};

/// Returns the summary of `evmig apply`.
pub fn apply(report: &ApplyReport, look: Look) -> String {
    let mut out = headline(report, look);
    for other in &report.applied_by_other_runs {
        let since = match &report.plan {
            Some(_) => "since the plan was made",
            None => "while this one waited",
        };
        let text = format!("run {other} did the work {since}");
        labelled(&mut out, "others", &text, look);
    }
    if let Some(run) = &report.run {
        labelled(&mut out, "run", &one_line(run), look);
    }
    if let Some(used) = &report.plan {
        plan(&mut out, used, look);
    }
    let retries: u64 = report
        .applied
        .iter()
        .map(|one| u64::from(one.retries))
        .sum();
    if retries > 0 {
        let text = format!("{} for want of a lock", count(retries));
        labelled(&mut out, "retries", &text, look);
    }
    if let Some(error) = &report.error {
        let text = format!("{}: {}", error.code, error.message);
        styled(&mut out, "error", &text, BAD, look);
        if let Some(committed) = &error.committed {
            labelled(&mut out, "committed", committed, look);
        }
    }
    if report.pending > 0 {
        labelled(
            &mut out,
            "pending",
            &counted(report.pending, "migration"),
            look,
        );
    }
    next(&mut out, report);
    out
}

/// Says which plan it was, and what became of its prediction.
fn plan(out: &mut String, used: &PlanUsed, look: Look) {
    let (result, style) = match used.result {
        Some(PlanResult::AsPredicted) => (": the catalog is what it predicted", PLAIN),
        Some(PlanResult::Differs) => (": the catalog is NOT what it predicted", BAD),
        Some(PlanResult::NotPredicted) => ("; it predicted no catalog", PLAIN),
        Some(PlanResult::NotCompared) => (
            "; the catalog could not be compared with what it predicted",
            CAUTION,
        ),
        None => ("", PLAIN),
    };
    let checksum: String = used.checksum.chars().take(12).collect();
    let text = format!("{checksum}, {}{result}", one_line(&used.file));
    styled(out, "plan", &text, style, look);
}

fn headline(report: &ApplyReport, look: Look) -> String {
    let statements: usize = report.applied.iter().map(|one| one.statements).sum();
    let migrations = counted(report.applied.len(), "migration");
    let work = format!("{migrations}, {}", counted(statements, "statement"));
    let time = duration(report.duration_ms);
    let (word, style, rest) = match report.outcome {
        Outcome::Applied => ("Applied", GOOD, format!("{work}, in {time}")),
        Outcome::NothingToDo => ("Nothing to do", GOOD, nothing_to_do(report)),
        Outcome::Failed => ("FAILED", BAD, stopped(report, &work, &time)),
        Outcome::Interrupted => ("INTERRUPTED", CAUTION, stopped(report, &work, &time)),
        Outcome::Unknown => (
            "OUTCOME UNKNOWN",
            BAD,
            format!(
                "the connection was lost, and whether the last commit happened cannot be told; \
                 {migrations} committed before it"
            ),
        ),
    };
    let mut out = paint(style, word);
    let mut first = word.len();
    let gap = if report.outcome == Outcome::Applied {
        " "
    } else {
        ": "
    };
    out.push_str(gap);
    first += gap.len();
    push_wrapped(&mut out, &rest, HEADING, first, 2, look);
    out
}

fn nothing_to_do(report: &ApplyReport) -> String {
    if report.applied_by_other_runs.is_empty() {
        "everything selected is applied".to_owned()
    } else {
        "another run has applied everything selected".to_owned()
    }
}

fn stopped(report: &ApplyReport, work: &str, time: &str) -> String {
    if report.applied.is_empty() {
        format!("no migration of this run is committed, after {time}")
    } else {
        format!("{work}, committed in {time} before it stopped")
    }
}

fn next(out: &mut String, report: &ApplyReport) {
    if let Some(error) = report.error.as_ref().filter(|error| !error.next.is_empty()) {
        commands(out, error.next.iter().map(String::as_str));
        return;
    }
    let verb = match report.outcome {
        Outcome::Unknown | Outcome::Failed => "status",
        Outcome::Interrupted => "apply",
        Outcome::Applied | Outcome::NothingToDo if report.pending > 0 => "status",
        Outcome::Applied | Outcome::NothingToDo => return,
    };
    let line = match &report.target {
        Some(target) => command(verb, target),
        None => format!("evmig {verb}"),
    };
    commands(out, [line.as_str()]);
}

/// Returns what `evmig baseline` or `evmig repair` recorded.
pub fn record(report: &RecordReport, look: Look) -> String {
    let mut out = String::new();
    push_wrapped(&mut out, &report.message, HEADING, 0, 2, look);
    for name in &report.recorded {
        labelled(&mut out, "recorded", &one_line(name), look);
    }
    if let Some(run) = &report.run {
        labelled(&mut out, "run", &one_line(run), look);
    }
    out
}
