//! Triggers that are off, and what became of those that were switched.

use anstyle::Style;

use super::label::{commands, labelled, styled};
use super::look::Look;
use super::number::{counted, time};
use super::style::{BAD, CAUTION, GOOD, HEADING, PLAIN, paint};
use super::target::{command, target};
use super::text::{columns, cut_middle, left, one_line, push_wrapped};
use crate::report::triggers::{TriggerReport, TriggerStanding, TriggersAction, TriggersReport};

/// How far rows are indented.
const INDENT: usize = 2;

/// Returns the result of `evmig triggers`.
pub fn triggers(report: &TriggersReport, look: Look) -> String {
    match report.action {
        TriggersAction::Status => status(report, look),
        TriggersAction::Disable => disabled(report, look),
        TriggersAction::Enable => enabled(report, look),
    }
}

fn status(report: &TriggersReport, look: Look) -> String {
    let mut out = target(&report.target, look);
    out.push('\n');
    if report.triggers.is_empty() {
        push_wrapped(&mut out, "No trigger is off", GOOD, 0, 2, look);
        return out;
    }
    rows(&mut out, report, look);
    out.push('\n');
    let of = |standing| {
        let all = report.triggers.iter();
        all.filter(|one| one.standing == standing).count()
    };
    let known = of(TriggerStanding::Off);
    if known > 0 {
        let text = format!("{} off by the ledger", counted(known, "trigger"));
        push_wrapped(&mut out, &text, BAD, 0, 2, look);
    }
    let unknown = of(TriggerStanding::OffUnknown);
    if unknown > 0 {
        let text = format!(
            "{} off, and not by evmig triggers: a migration, a person or another tool has done it",
            counted(unknown, "trigger")
        );
        push_wrapped(&mut out, &text, CAUTION, 0, 2, look);
    }
    let differing = of(TriggerStanding::OnAgain) + of(TriggerStanding::Gone);
    if differing > 0 {
        let text = format!(
            "{} switched by somebody else since, or gone: evmig triggers enable gives what is there the \
             state that the ledger has, and closes the rest",
            counted(differing, "trigger")
        );
        push_wrapped(&mut out, &text, CAUTION, 0, 2, look);
    }
    if known + differing > 0 {
        commands(
            &mut out,
            [command("triggers enable", &report.target).as_str()],
        );
    }
    out
}

fn disabled(report: &TriggersReport, look: Look) -> String {
    let mut out = String::new();
    if report.triggers.is_empty() {
        let text = "Nothing to switch off: the tables have no trigger that is on";
        push_wrapped(&mut out, text, HEADING, 0, 2, look);
        return out;
    }
    let text = format!(
        "Switched {} off, for every session, until they are switched back",
        counted(report.triggers.len(), "trigger")
    );
    push_wrapped(&mut out, &text, CAUTION, 0, 2, look);
    rows(&mut out, report, look);
    if let Some(run) = &report.run {
        labelled(&mut out, "run", run, look);
    }
    commands(
        &mut out,
        [command("triggers enable", &report.target).as_str()],
    );
    out
}

fn enabled(report: &TriggersReport, look: Look) -> String {
    let mut out = String::new();
    if report.triggers.is_empty() {
        let text = "Nothing to switch back: no trigger is off by the ledger";
        push_wrapped(&mut out, text, HEADING, 0, 2, look);
        return out;
    }
    let back = report.triggers.iter();
    let back = back.filter(|one| one.standing == TriggerStanding::Restored);
    let text = format!(
        "{} back, each in its own state",
        counted(back.count(), "trigger")
    );
    push_wrapped(&mut out, &text, GOOD, 0, 2, look);
    rows(&mut out, report, look);
    if let Some(run) = &report.run {
        labelled(&mut out, "run", run, look);
    }
    let proved = format!("{} proved", counted(report.keys_proved, "foreign key"));
    labelled(&mut out, "keys", &proved, look);
    for key in &report.keys_not_proved {
        let text = if key.key.is_empty() {
            format!("none was proved: {}", key.why)
        } else {
            format!("{} was not proved: it is {}", key.key, key.why)
        };
        styled(&mut out, "", &text, CAUTION, look);
    }
    for key in &report.keys_violated {
        styled(&mut out, "VIOLATED", &key.why, BAD, look);
    }
    out
}

/// Appends the triggers: those that share a fate below one heading, those of a table in one line.
fn rows(out: &mut String, report: &TriggersReport, look: Look) {
    let mut sorted: Vec<&TriggerReport> = report.triggers.iter().collect();
    sorted.sort_by_cached_key(|one| {
        let place = ORDER.iter().position(|standing| *standing == one.standing);
        (place, one.since.clone(), one.run.clone(), one.table.clone())
    });
    for alike in sorted.chunk_by(|one, next| fate(one) == fate(next)) {
        let Some(first) = alike.first() else { continue };
        push_wrapped(out, &heading(first), style(first.standing), 0, INDENT, look);
        let tables: Vec<&[&TriggerReport]> = alike
            .chunk_by(|one, next| one.table == next.table)
            .collect();
        let wide = tables.iter().filter_map(|table| table.first());
        let wide = wide.map(|one| columns(&one_line(&one.table))).max();
        let wide = wide.unwrap_or(0).min(look.width / 3);
        for table in tables {
            let Some(first) = table.first() else { continue };
            let name = cut_middle(&one_line(&first.table), wide, look);
            out.push_str(&" ".repeat(INDENT));
            out.push_str(&paint(HEADING, &left(&name, wide)));
            out.push_str("  ");
            let indent = INDENT + wide + 2;
            push_wrapped(out, &names(table), PLAIN, indent, indent, look);
        }
    }
}

/// What is worst comes first.
const ORDER: [TriggerStanding; 5] = [
    TriggerStanding::Off,
    TriggerStanding::OffUnknown,
    TriggerStanding::OnAgain,
    TriggerStanding::Gone,
    TriggerStanding::Restored,
];

fn fate(one: &TriggerReport) -> (TriggerStanding, &Option<String>, &Option<String>) {
    (one.standing, &one.since, &one.run)
}

fn heading(one: &TriggerReport) -> String {
    let word = one.standing.as_str();
    match (&one.since, &one.actor, &one.run) {
        (Some(since), Some(actor), Some(run)) => {
            let (since, actor, run) = (time(since), one_line(actor), one_line(run));
            match one.standing {
                TriggerStanding::Off => format!("{word} since {since}, by {actor} (run {run})"),
                _ => format!("{word}; switched off {since} by {actor} (run {run})"),
            }
        }
        _ => word.to_owned(),
    }
}

/// Names the triggers of a table; those of constraints, whose names say nothing, are counted.
fn names(triggers: &[&TriggerReport]) -> String {
    let (of_system, own): (Vec<&TriggerReport>, Vec<&TriggerReport>) =
        triggers.iter().copied().partition(|one| one.of_system);
    let named = own.iter().map(|one| {
        let state = one.state.map_or(String::new(), |state| match one.standing {
            TriggerStanding::Restored => format!(" ({state})"),
            _ => format!(" (was {state})"),
        });
        format!("{}{state}", one_line(&one.name))
    });
    let counted = (!of_system.is_empty()).then(|| format!("{} of constraints", of_system.len()));
    named.chain(counted).collect::<Vec<_>>().join(", ")
}

fn style(standing: TriggerStanding) -> Style {
    match standing {
        TriggerStanding::Off => BAD,
        TriggerStanding::OffUnknown | TriggerStanding::OnAgain | TriggerStanding::Gone => CAUTION,
        TriggerStanding::Restored => GOOD,
    }
}
