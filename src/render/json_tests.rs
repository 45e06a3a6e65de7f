//! Whole documents: they are a contract.

use insta::assert_snapshot;

use super::json;
use super::terminal::tests::samples::{
    apply_report, events, failure, history_report, local, status_report,
};
use crate::report::config::{ConfigReport, Setting};
use crate::report::history::HistoryReport;
use crate::report::problem::Problem;
use crate::report::run::{ApplyReport, Outcome, RecordReport};

#[test]
fn errors() {
    let bare = Problem::new("x", "an escape \x1b stays raw");
    assert_snapshot!(json::problem_document(&[failure(), bare], 3), @"");
    assert_snapshot!(json::problem_document(&[], 1), @"");
}

#[test]
fn apply() {
    assert_snapshot!(json::apply(&apply_report()), @"");
    let failed = ApplyReport {
        run: None,
        target: None,
        outcome: Outcome::Failed,
        applied: Vec::new(),
        applied_by_other_runs: vec!["r".into()],
        pending: 3,
        error: Some(failure()),
        duration_ms: 0.25,
        ..apply_report()
    };
    assert_snapshot!(json::apply(&failed), @"");
}

#[test]
fn record() {
    let report = RecordReport {
        schema: "evmig.repair/1",
        run: None,
        target: local(),
        recorded: vec!["V101__extensions".into()],
        message: "done".into(),
    };
    assert_snapshot!(json::record(&report), @"");
}

#[test]
fn status() {
    assert_snapshot!(json::status(&status_report()), @"");
}

#[test]
fn history() {
    let report = HistoryReport {
        verified_rows: Some(2),
        first_bad: Some(Problem::new(
            "history-tampered",
            "row 3 is not as it was written",
        )),
        ..history_report()
    };
    assert_snapshot!(json::history(&report), @"");
}

#[test]
fn config() {
    let report = ConfigReport {
        schema: ConfigReport::SCHEMA,
        settings: vec![Setting {
            name: "project.name".into(),
            value: "events".into(),
            source: "phases.toml:2".into(),
        }],
    };
    assert_snapshot!(json::config(&report), @"");
}

#[test]
fn every_event_is_one_line() {
    let lines: Vec<String> = events()
        .iter()
        .map(|one| json::event(one, "2026-11-22T19:40:12Z"))
        .collect();
    assert!(lines.iter().all(|line| !line.contains('\n')));
    assert_snapshot!(lines.join("\n"), @"");
}
