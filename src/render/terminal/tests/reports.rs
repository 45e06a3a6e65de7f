//! `evmig apply`, `repair`, `baseline`, `history` and `config`.

use insta::assert_snapshot;

use super::samples::{RUN, apply_report, failure, history_report, local};
use super::{ASCII, AT_80, AT_120, plain};
use crate::render::terminal::{apply, config, history, record};
use crate::report::config::{ConfigReport, Setting};
use crate::report::history::HistoryReport;
use crate::report::problem::Problem;
use crate::report::run::{ApplyReport, Outcome, RecordReport};

#[test]
fn applied() {
    assert_snapshot!(plain(&apply(&apply_report(), AT_80)), @"
    Applied 2 migrations, 28 statements, in 1.2 s
      run        20261122T194012-7f3a
      retries    2 for want of a lock
    ");
    let partly = ApplyReport {
        pending: 12_345,
        ..apply_report()
    };
    assert_snapshot!(plain(&apply(&partly, AT_80)), @"
    Applied 2 migrations, 28 statements, in 1.2 s
      run        20261122T194012-7f3a
      retries    2 for want of a lock
      pending    12,345 migrations
      next       evmig status --env production
    ");
}

#[test]
fn nothing_to_do() {
    let report = ApplyReport {
        run: None,
        outcome: Outcome::NothingToDo,
        applied: Vec::new(),
        ..apply_report()
    };
    assert_snapshot!(plain(&apply(&report, AT_80)), @"Nothing to do: everything selected is applied");
    let by_another = ApplyReport {
        applied_by_other_runs: vec![RUN.into()],
        ..report
    };
    assert_snapshot!(plain(&apply(&by_another, AT_80)), @"
    Nothing to do: another run has applied everything selected
      others     run 20261122T194012-7f3a did the work while this one waited
    ");
}

#[test]
fn failed() {
    let report = ApplyReport {
        outcome: Outcome::Failed,
        pending: 9,
        error: Some(failure()),
        ..apply_report()
    };
    assert_snapshot!(plain(&apply(&report, AT_80)), @r#"
    FAILED: 2 migrations, 28 statements, committed in 1.2 s before it stopped
      run        20261122T194012-7f3a
      retries    2 for want of a lock
      error      sql-failed: V104__ticketing failed at statement 37 of 50: relation
                 "public.venuez" does not exist
      committed  V101 to V103 (3 migrations) are in the database; nothing of V104 is
      pending    9 migrations
      next       evmig apply
                 evmig status
    "#);
    let at_once = ApplyReport {
        applied: Vec::new(),
        ..report
    };
    assert_snapshot!(plain(&apply(&at_once, AT_120)), @r#"
    FAILED: no migration of this run is committed, after 1.2 s
      run        20261122T194012-7f3a
      error      sql-failed: V104__ticketing failed at statement 37 of 50: relation "public.venuez" does not exist
      committed  V101 to V103 (3 migrations) are in the database; nothing of V104 is
      pending    9 migrations
      next       evmig apply
                 evmig status
    "#);
}

#[test]
fn interrupted_and_unknown() {
    let ended = |outcome| ApplyReport {
        outcome,
        pending: 1,
        ..apply_report()
    };
    assert_snapshot!(plain(&apply(&ended(Outcome::Interrupted), AT_80)), @"
    INTERRUPTED: 2 migrations, 28 statements, committed in 1.2 s before it stopped
      run        20261122T194012-7f3a
      retries    2 for want of a lock
      pending    1 migration
      next       evmig apply --env production
    ");
    assert_snapshot!(plain(&apply(&ended(Outcome::Unknown), AT_80)), @"
    OUTCOME UNKNOWN: the connection was lost, and whether the last commit happened
      cannot be told; 2 migrations committed before it
      run        20261122T194012-7f3a
      retries    2 for want of a lock
      pending    1 migration
      next       evmig status --env production
    ");
}

#[test]
fn recorded() {
    let report = RecordReport {
        schema: "evmig.baseline/1",
        run: Some(RUN.into()),
        target: local(),
        recorded: vec!["V101__extensions".into(), "R__views".into()],
        message: "2 migrations are recorded as applied; none of them was run".into(),
    };
    assert_snapshot!(plain(&record(&report, AT_80)), @"
    2 migrations are recorded as applied; none of them was run
      recorded   V101__extensions
      recorded   R__views
      run        20261122T194012-7f3a
    ");
}

#[test]
fn history_at_both_widths() {
    assert_snapshot!(plain(&history(&history_report(), AT_80)), @"
    Target  events as owner on /run/evmig port 5433 (embedded server)
            environment local, named by phases.toml:4 (default_environment)

    seq  when                     action  migration
      1  2026-11-22 19:40:12 UTC  apply   V101__extensions
         run 20261122T194012-7f3a by deployer, 23 ms
      2  2026-11-22 19:40:12 UTC  apply   R__views
         run 20261122T194012-7f3a by deployer, 0.4 ms
      7  2026-11-22 19:40:12 UTC  repair  V102__venues
         run 20261122T194012-7f3a by deployer
         reason: comment added after the deployment
    ");
    assert_snapshot!(plain(&history(&history_report(), AT_120)), @"
    Target  events as owner on /run/evmig port 5433 (embedded server)
            environment local, named by phases.toml:4 (default_environment)

    seq  when                     action  migration         run                   actor     duration
      1  2026-11-22 19:40:12 UTC  apply   V101__extensions  20261122T194012-7f3a  deployer     23 ms
      2  2026-11-22 19:40:12 UTC  apply   R__views          20261122T194012-7f3a  deployer    0.4 ms
      7  2026-11-22 19:40:12 UTC  repair  V102__venues      20261122T194012-7f3a  deployer
         reason: comment added after the deployment
    ");
}

#[test]
fn history_empty_verified_and_tampered_with() {
    let empty = HistoryReport {
        entries: Vec::new(),
        verified_rows: Some(0),
        ..history_report()
    };
    assert_snapshot!(plain(&history(&empty, ASCII)), @"
    Target  events as owner on /run/evmig port 5433 (embedded server)
            environment local, named by phases.toml:4 (default_environment)

    The history is empty: evmig has applied nothing to this database.

    VERIFIED: 0 rows are as they were written
    ");
    let bad = Problem::new(
        "history-tampered",
        "row 3 (V102__venues) is not as it was written",
    );
    let tampered = HistoryReport {
        verified_rows: Some(2),
        first_bad: Some(bad),
        ..empty
    };
    assert_snapshot!(plain(&history(&tampered, ASCII)), @"
    Target  events as owner on /run/evmig port 5433 (embedded server)
            environment local, named by phases.toml:4 (default_environment)

    The history is empty: evmig has applied nothing to this database.

    NOT VERIFIED: 2 rows checked, and this is the first bad one
    error[history-tampered]: row 3 (V102__venues) is not as it was written
    ");
}

#[test]
fn config_at_both_widths() {
    let url = "postgresql://owner@db.example.com:5432/events?sslmode=verify-full";
    let long = "a source whose name is longer than what is left of 80";
    let rows = [
        ("project.name", "event-management", "phases.toml:2"),
        ("target.url", url, "variable DATABASE_URL"),
        ("apply.lock_timeout", "2s", "default"),
        ("apply.statement_timeout", "", long),
    ];
    let setting = |(name, value, source): (&str, &str, &str)| Setting {
        name: name.into(),
        value: value.into(),
        source: source.into(),
    };
    let settings = rows.into_iter().map(setting).collect();
    let report = ConfigReport {
        schema: ConfigReport::SCHEMA,
        settings,
    };
    assert_snapshot!(plain(&config(&report, AT_80)), @r#"
    project.name             event-management  phases.toml:2
    target.url               postgresql://owner@db.example.com:5432/events?sslmode=verify-full
                               variable DATABASE_URL
    apply.lock_timeout       2s                default
    apply.statement_timeout  ""
                               a source whose name is longer than what is left of 80
    "#);
    assert_snapshot!(plain(&config(&report, AT_120)), @r#"
    project.name             event-management  phases.toml:2
    target.url               postgresql://owner@db.example.com:5432/events?sslmode=verify-full  variable DATABASE_URL
    apply.lock_timeout       2s                default
    apply.statement_timeout  ""                a source whose name is longer than what is left of 80
    "#);
}
