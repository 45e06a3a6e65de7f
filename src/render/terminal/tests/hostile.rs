//! Names and messages that want to harm: nothing obeys them and no table row breaks.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::samples::{
    RUN, apply_report, events, failure, history_report, holder, migration, production, row,
    status_report,
};
use crate::render::terminal::{
    Look, apply, config, event, history, problem, progress, record, status, target,
};
use crate::report::config::{ConfigReport, Setting};
use crate::report::event::{Blocker, MigrationRef, RunEvent};
use crate::report::history::{HistoryEntry, HistoryReport};
use crate::report::problem::Problem;
use crate::report::run::RecordReport;
use crate::report::sanitize::is_unsafe;
use crate::report::status::{MigrationState, MigrationStatus, StatusReport};
use crate::report::target::Target;

const EVIL: &str = "a\x1b[2J\u{9b}1m\u{202e}nimda\r\nb\tc\x07\u{2028}";

/// Asserts that the only escapes are style codes (`ESC [ digits ; m`), which we wrote.
fn assert_harmless(text: &str) {
    let codes = regex::Regex::new("\x1b\\[[0-9;]*m").unwrap();
    let rest = codes.replace_all(text, "");
    assert!(!rest.contains(is_unsafe), "{rest:?}");
    assert!(!rest.contains('\t'), "{rest:?}");
}

fn evil_target(text: &str) -> Target {
    Target {
        host: text.into(),
        database: text.into(),
        user: text.into(),
        environment: Some(text.into()),
        named_by: text.into(),
        ..production()
    }
}

fn evil_problem(text: &str) -> Problem {
    let mut snippet = failure().snippet.unwrap();
    snippet.place.file = text.into();
    snippet.text = text.into();
    snippet.place.column = 3;
    Problem {
        code: text.into(),
        message: text.into(),
        snippet: Some(snippet),
        sqlstate: Some(text.into()),
        detail: Some(text.into()),
        context: Some(text.into()),
        hint: Some(text.into()),
        committed: Some(text.into()),
        next: vec![text.into()],
    }
}

fn evil_status(text: &str) -> StatusReport {
    use MigrationState::{Applied, Failed, Missing, Pending};
    let named = |state| MigrationStatus {
        name: text.into(),
        step: text.into(),
        applied_on: Some(text.into()),
        run: Some(text.into()),
        note: Some(text.into()),
        ..row(101, "x", state)
    };
    let mut report = status_report();
    report.server_version = text.into();
    report.phases[0].title = Some(text.into());
    report.phases[0].migrations = vec![named(Applied), named(Failed), row(102, "y", Pending)];
    report.phases[1].migrations = (0..31).map(|_| named(Applied)).collect();
    report.phases[1].name = text.into();
    report.orphans = vec![named(Missing)];
    report.problems = Vec::new();
    report
}

fn evil_history(text: &str) -> HistoryReport {
    let mut report = history_report();
    report.entries.push(HistoryEntry {
        seq: i64::MAX,
        version: Some(text.into()),
        name: text.into(),
        phase: text.into(),
        step: text.into(),
        action: text.into(),
        run: text.into(),
        at: text.into(),
        duration_ms: Some(f64::MAX),
        actor: text.into(),
        reason: Some(text.into()),
    });
    report
}

/// The sample events with every number at its most and every text replaced.
fn evil_events(text: &str) -> Vec<RunEvent> {
    let blocker = Blocker {
        user: text.into(),
        application: text.into(),
        backend_type: text.into(),
        state: text.into(),
        query: text.into(),
        relation: Some(text.into()),
        ..holder()
    };
    let named = MigrationRef {
        name: text.into(),
        version: Some(text.into()),
        ..migration()
    };
    let mut all = events();
    for one in &mut all {
        spoil(one, text, &named, &blocker);
    }
    all
}

#[expect(clippy::too_many_lines, reason = "one arm for each kind of event")]
fn spoil(one: &mut RunEvent, text: &str, named: &MigrationRef, blocker: &Blocker) {
    let text = || text.to_owned();
    match one {
        RunEvent::WaitingForRun { holder, .. } => *holder = Some(blocker.clone()),
        RunEvent::RunStarted {
            run, statements, ..
        } => {
            *run = text();
            *statements = usize::MAX;
        }
        RunEvent::PhaseStarted { title, .. } => *title = Some(text()),
        RunEvent::MigrationStarted {
            migration,
            resumed_at,
            ..
        } => {
            *migration = named.clone();
            *resumed_at = Some(usize::MAX);
        }
        RunEvent::StatementRunning {
            migration, index, ..
        }
        | RunEvent::StatementDone {
            migration, index, ..
        } => {
            *migration = named.clone();
            *index = usize::MAX;
        }
        RunEvent::Notice {
            migration,
            severity,
            message,
            hint,
        } => {
            *migration = Some(named.clone());
            *severity = text();
            *message = text();
            *hint = Some(text());
        }
        RunEvent::Blocked {
            migration,
            blockers,
            waited_ms,
        } => {
            *migration = named.clone();
            *blockers = vec![blocker.clone()];
            *waited_ms = u64::MAX;
        }
        RunEvent::Retrying {
            migration,
            sqlstate,
            blockers,
            ..
        } => {
            *migration = named.clone();
            *sqlstate = text();
            *blockers = vec![blocker.clone()];
        }
        RunEvent::IndexProgress {
            migration,
            phase,
            waits_for,
            seconds,
            ..
        } => {
            *migration = named.clone();
            *phase = text();
            *waits_for = vec![blocker.clone()];
            *seconds = u64::MAX;
        }
        RunEvent::InvalidIndexDropped { migration, index } => {
            *migration = named.clone();
            *index = text();
        }
        RunEvent::StatementFound {
            migration,
            index,
            evidence,
        } => {
            *migration = named.clone();
            *index = usize::MAX;
            *evidence = text();
        }
        RunEvent::MigrationReverted {
            migration,
            duration_ms,
            ..
        } => {
            *migration = named.clone();
            *duration_ms = f64::MAX;
        }
        RunEvent::MigrationApplied {
            migration,
            duration_ms,
            retries,
            ..
        } => {
            *migration = named.clone();
            *duration_ms = f64::MAX;
            *retries = u32::MAX;
        }
        RunEvent::StepPassedOver {
            phase,
            step,
            reason,
        } => {
            *phase = text();
            *step = text();
            *reason = text();
        }
        RunEvent::NotReplicated { migration } => *migration = named.clone(),
        RunEvent::Reconnecting { reason } => *reason = text(),
        RunEvent::Warning { problem } => *problem = evil_problem(&text()),
    }
}

/// Everything there is to draw, with `text` wherever text of others may be.
fn everything(text: &str, look: Look) -> Vec<String> {
    let mut applied = apply_report();
    applied.run = Some(text.into());
    applied.error = Some(evil_problem(text));
    applied.applied_by_other_runs = vec![text.into()];
    let recorded = RecordReport {
        schema: "x",
        run: Some(text.into()),
        target: evil_target(text),
        recorded: vec![text.into()],
        message: text.into(),
    };
    let setting = Setting {
        name: text.into(),
        value: text.into(),
        source: text.into(),
    };
    let settings = ConfigReport {
        schema: "x",
        settings: vec![setting],
    };
    let mut drawn = vec![
        target(&evil_target(text), look),
        problem(&evil_problem(text), look),
        status(
            &StatusReport {
                target: evil_target(text),
                ..evil_status(text)
            },
            look,
        ),
        history(
            &HistoryReport {
                target: evil_target(text),
                ..evil_history(text)
            },
            look,
        ),
        apply(&applied, look),
        record(&recorded, look),
        config(&settings, look),
    ];
    for one in evil_events(text) {
        drawn.extend(event(&one, look));
        drawn.extend(progress(&one, look));
    }
    drawn
}

fn assert_rows_fit(text: &str, look: Look) {
    for table in [
        status(&evil_status(text), look),
        history(&evil_history(text), look),
    ] {
        for line in anstream::adapter::strip_str(&table)
            .to_string()
            .split('\n')
            .skip(3)
        {
            let wide = unicode_width::UnicodeWidthStr::width(line);
            assert!(wide <= look.width, "{wide} > {}: {line}", look.width);
        }
    }
}

#[test]
fn the_samples_cover_every_kind_of_event() {
    let kind = |one| serde_json::to_value(one).unwrap()["event"].to_string();
    let kinds: BTreeSet<String> = events().iter().map(kind).collect();
    assert_eq!(kinds.len(), 18, "{kinds:?}");
}

#[test]
fn control_characters_are_shown_not_obeyed() {
    for unicode in [true, false] {
        for drawn in everything(EVIL, Look { width: 80, unicode }) {
            assert_harmless(&drawn);
        }
    }
}

#[test]
fn names_with_line_breaks_stay_in_their_row() {
    let lines = |name| {
        status(&evil_status(name), super::AT_80)
            .matches('\n')
            .count()
    };
    assert_eq!(lines("name"), lines(EVIL));
}

#[test]
fn progress_is_one_line_that_leaves_room_for_the_bar() {
    for one in evil_events(&"語 \n".repeat(100)) {
        let Some(text) = progress(&one, super::AT_80) else {
            continue;
        };
        let wide = unicode_width::UnicodeWidthStr::width(text.as_str());
        assert!(wide <= 50 && !text.contains('\n'), "{wide}: {text}");
    }
}

#[test]
fn names_of_300_characters_fit() {
    for unicode in [true, false] {
        for width in [40, 80, 120, 200] {
            let look = Look { width, unicode };
            assert_rows_fit(&"n".repeat(300), look);
            assert_rows_fit(&"語".repeat(300), look);
            assert_rows_fit(&RUN.repeat(15), look);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_row_is_wider_than_the_terminal(
        text in any::<String>(),
        width in 40usize..=200,
        unicode: bool,
    ) {
        assert_rows_fit(&text, Look { width, unicode });
    }

    #[test]
    fn whatever_the_text_nothing_harmful_is_drawn(
        text in any::<String>(),
        width in 40usize..=200,
        unicode: bool,
    ) {
        for drawn in everything(&text, Look { width, unicode }) {
            assert_harmless(&drawn);
        }
    }
}
