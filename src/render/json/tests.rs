//! Whole documents: they are a contract.

use insta::assert_snapshot;

use super as json;
use crate::render::terminal::tests::samples::{
    apply_report, events, failure, history_report, local, status_report,
};
use crate::report::config::{ConfigReport, Setting};
use crate::report::history::HistoryReport;
use crate::report::problem::Problem;
use crate::report::run::{ApplyReport, Outcome, RecordReport};

#[test]
fn errors() {
    let bare = Problem::new("x", "an escape \x1b stays raw");
    assert_snapshot!(json::problem_document(&[failure(), bare], 3), @r#"
    {
      "schema": "evmig.error/1",
      "exit_code": 3,
      "error": {
        "code": "sql-failed",
        "sqlstate": "42P01",
        "file": "migrations/1_core/2_tables/V104__ticketing.sql",
        "line": 212,
        "column": 30,
        "message": "V104__ticketing failed at statement 37 of 50: relation \"public.venuez\" does not exist",
        "detail": null,
        "context": null,
        "hint": "public.venues is near: a table of V102__venues",
        "committed": "V101 to V103 (3 migrations) are in the database; nothing of V104 is",
        "next": [
          "evmig apply",
          "evmig status"
        ]
      },
      "errors": [
        {
          "code": "sql-failed",
          "sqlstate": "42P01",
          "file": "migrations/1_core/2_tables/V104__ticketing.sql",
          "line": 212,
          "column": 30,
          "message": "V104__ticketing failed at statement 37 of 50: relation \"public.venuez\" does not exist",
          "detail": null,
          "context": null,
          "hint": "public.venues is near: a table of V102__venues",
          "committed": "V101 to V103 (3 migrations) are in the database; nothing of V104 is",
          "next": [
            "evmig apply",
            "evmig status"
          ]
        },
        {
          "code": "x",
          "sqlstate": null,
          "file": null,
          "line": null,
          "column": null,
          "message": "an escape \u001b stays raw",
          "detail": null,
          "context": null,
          "hint": null,
          "committed": null,
          "next": []
        }
      ]
    }
    "#);
    assert_snapshot!(json::problem_document(&[], 1), @r#"
    {
      "schema": "evmig.error/1",
      "exit_code": 1,
      "error": null,
      "errors": []
    }
    "#);
}

#[test]
fn apply() {
    assert_snapshot!(json::apply(&apply_report()), @r#"
    {
      "schema": "evmig.apply/1",
      "run": "20261122T194012-7f3a",
      "outcome": "applied",
      "target": {
        "host": "db.example.com",
        "port": 5432,
        "database": "events",
        "user": "deployer",
        "environment": "production",
        "named_by": "flag --env",
        "protected": true,
        "loopback": false,
        "embedded": false
      },
      "applied": [
        {
          "version": "101",
          "name": "extensions",
          "phase": "core",
          "step": "tables",
          "statements": 14,
          "retries": 0,
          "duration_ms": 23.5
        },
        {
          "version": "102",
          "name": "venues",
          "phase": "core",
          "step": "tables",
          "statements": 14,
          "retries": 2,
          "duration_ms": 1200.0
        }
      ],
      "applied_by_other_runs": [],
      "pending": 0,
      "duration_ms": 1234.5,
      "error": null
    }
    "#);
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
    assert_snapshot!(json::apply(&failed), @r#"
    {
      "schema": "evmig.apply/1",
      "run": null,
      "outcome": "failed",
      "target": null,
      "applied": [],
      "applied_by_other_runs": [
        "r"
      ],
      "pending": 3,
      "duration_ms": 0.25,
      "error": {
        "code": "sql-failed",
        "sqlstate": "42P01",
        "file": "migrations/1_core/2_tables/V104__ticketing.sql",
        "line": 212,
        "column": 30,
        "message": "V104__ticketing failed at statement 37 of 50: relation \"public.venuez\" does not exist",
        "detail": null,
        "context": null,
        "hint": "public.venues is near: a table of V102__venues",
        "committed": "V101 to V103 (3 migrations) are in the database; nothing of V104 is",
        "next": [
          "evmig apply",
          "evmig status"
        ]
      }
    }
    "#);
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
    assert_snapshot!(json::record(&report), @r#"
    {
      "schema": "evmig.repair/1",
      "run": null,
      "target": {
        "host": "/run/evmig",
        "port": 5433,
        "database": "events",
        "user": "owner",
        "environment": "local",
        "named_by": "phases.toml:4 (default_environment)",
        "protected": false,
        "loopback": true,
        "embedded": true
      },
      "recorded": [
        "V101__extensions"
      ],
      "message": "done"
    }
    "#);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one document, compared as a whole")]
fn status() {
    assert_snapshot!(json::status(&status_report()), @r#"
    {
      "schema": "evmig.status/1",
      "database": "events",
      "server_version": "15.14 (Debian 15.14-0+deb12u1)",
      "target": {
        "host": "db.example.com",
        "port": 5432,
        "database": "events",
        "user": "deployer",
        "environment": "production",
        "named_by": "flag --env",
        "protected": true,
        "loopback": false,
        "embedded": false
      },
      "phases": [
        {
          "number": 1,
          "name": "core",
          "title": "Core infrastructure",
          "state": "partial",
          "migrations": [
            {
              "version": "101",
              "name": "extensions",
              "step": "extensions",
              "state": "applied",
              "applied_on": "2026-11-22T19:40:12.5Z",
              "run": "20261122T194012-7f3a"
            },
            {
              "version": "102",
              "name": "venues",
              "step": "tables",
              "state": "divergent",
              "applied_on": "2026-11-22T19:40:12.5Z",
              "run": "20261122T194012-7f3a"
            },
            {
              "version": "103",
              "name": "events_and_their_long_subject_of_most_of_a_line",
              "step": "tables",
              "state": "failed",
              "applied_on": "2026-11-22T19:40:12.5Z",
              "run": "20261122T194012-7f3a",
              "note": "stopped at statement 5 of 50; evmig apply goes on there"
            },
            {
              "version": "104",
              "name": "ticketing",
              "step": "tables",
              "state": "reverted",
              "applied_on": "2026-11-22T19:40:12.5Z",
              "run": "20261122T194012-7f3a"
            },
            {
              "version": "105",
              "name": "commerce",
              "step": "tables",
              "state": "pending",
              "applied_on": null
            }
          ]
        },
        {
          "number": 2,
          "name": "logic",
          "state": "pending",
          "migrations": []
        }
      ],
      "orphans": [
        {
          "version": "999",
          "name": "gone",
          "step": "tables",
          "state": "missing",
          "applied_on": "2026-11-22T19:40:12.5Z",
          "run": "20261122T194012-7f3a"
        }
      ],
      "pending": 4,
      "problems": [
        {
          "code": "divergent",
          "sqlstate": null,
          "file": null,
          "line": null,
          "column": null,
          "message": "V102__venues differs from what was applied",
          "detail": null,
          "context": null,
          "hint": null,
          "committed": null,
          "next": [
            "evmig repair 102 --reason TEXT"
          ]
        }
      ]
    }
    "#);
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
    assert_snapshot!(json::history(&report), @r#"
    {
      "schema": "evmig.history/1",
      "target": {
        "host": "/run/evmig",
        "port": 5433,
        "database": "events",
        "user": "owner",
        "environment": "local",
        "named_by": "phases.toml:4 (default_environment)",
        "protected": false,
        "loopback": true,
        "embedded": true
      },
      "entries": [
        {
          "seq": 1,
          "version": "101",
          "name": "extensions",
          "phase": "core",
          "step": "tables",
          "action": "apply",
          "run": "20261122T194012-7f3a",
          "at": "2026-11-22T19:40:12.5Z",
          "duration_ms": 23.4,
          "actor": "deployer"
        },
        {
          "seq": 2,
          "version": null,
          "name": "views",
          "phase": "core",
          "step": "tables",
          "action": "apply",
          "run": "20261122T194012-7f3a",
          "at": "2026-11-22T19:40:12.5Z",
          "duration_ms": 0.42,
          "actor": "deployer"
        },
        {
          "seq": 7,
          "version": "102",
          "name": "venues",
          "phase": "core",
          "step": "tables",
          "action": "repair",
          "run": "20261122T194012-7f3a",
          "at": "2026-11-22T19:40:12.5Z",
          "duration_ms": null,
          "actor": "deployer",
          "reason": "comment added after the deployment"
        }
      ],
      "verified_rows": 2,
      "first_bad": {
        "code": "history-tampered",
        "sqlstate": null,
        "file": null,
        "line": null,
        "column": null,
        "message": "row 3 is not as it was written",
        "detail": null,
        "context": null,
        "hint": null,
        "committed": null,
        "next": []
      }
    }
    "#);
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
    assert_snapshot!(json::config(&report), @r#"
    {
      "schema": "evmig.config/1",
      "settings": [
        {
          "name": "project.name",
          "value": "events",
          "source": "phases.toml:2"
        }
      ]
    }
    "#);
}

#[test]
fn every_event_is_one_line() {
    let lines: Vec<String> = events()
        .iter()
        .map(|one| json::event(one, "2026-11-22T19:40:12Z"))
        .collect();
    assert!(lines.iter().all(|line| !line.contains('\n')));
    assert_snapshot!(lines.join("\n"), @r#"
    {"at":"2026-11-22T19:40:12Z","event":"waiting_for_run","holder":{"pid":4711,"user":"app","application":"psql","backend_type":"client backend","state":"idle in transaction","transaction_seconds":200,"query":"select *\n  from public.venues\n where tenant_id = '6f0f' and name like 'A%' limit 1","relation":"public.venues"},"waited_seconds":12}
    {"at":"2026-11-22T19:40:12Z","event":"run_started","run":"20261122T194012-7f3a","migrations":12,"statements":12659}
    {"at":"2026-11-22T19:40:12Z","event":"phase_started","number":1,"name":"core","title":"Core infrastructure"}
    {"at":"2026-11-22T19:40:12Z","event":"step_passed_over","phase":"core","step":"functions","reason":"this version of evmig does not deploy functions"}
    {"at":"2026-11-22T19:40:12Z","event":"migration_started","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"statements":50,"transactional":false,"resumed_at":4}
    {"at":"2026-11-22T19:40:12Z","event":"statement_found","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"index":4,"evidence":"index public.venues_name_idx exists and is valid"}
    {"at":"2026-11-22T19:40:12Z","event":"invalid_index_dropped","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"index":"public.venues_tenant_idx"}
    {"at":"2026-11-22T19:40:12Z","event":"statement_done","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"index":4,"of":50,"took_ms":1204.0}
    {"at":"2026-11-22T19:40:12Z","event":"statement_running","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"index":5,"of":50,"running_ms":61500}
    {"at":"2026-11-22T19:40:12Z","event":"notice","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"severity":"NOTICE","message":"relation \"venues\" already exists, skipping","hint":null}
    {"at":"2026-11-22T19:40:12Z","event":"notice","migration":null,"severity":"WARNING","message":"there is no transaction in progress","hint":"Begin one."}
    {"at":"2026-11-22T19:40:12Z","event":"index_progress","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"phase":"waiting for old snapshots","percent":43,"waits_for":[{"pid":4711,"user":"app","application":"psql","backend_type":"client backend","state":"idle in transaction","transaction_seconds":200,"query":"select *\n  from public.venues\n where tenant_id = '6f0f' and name like 'A%' limit 1","relation":"public.venues"}],"seconds":75}
    {"at":"2026-11-22T19:40:12Z","event":"blocked","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"blockers":[{"pid":4711,"user":"app","application":"psql","backend_type":"client backend","state":"idle in transaction","transaction_seconds":200,"query":"select *\n  from public.venues\n where tenant_id = '6f0f' and name like 'A%' limit 1","relation":"public.venues"}],"waited_ms":1200}
    {"at":"2026-11-22T19:40:12Z","event":"retrying","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"attempt":1,"of":10,"sqlstate":"55P03","blockers":[{"pid":812,"user":"","application":"","backend_type":"autovacuum worker","state":"active","transaction_seconds":40,"query":"autovacuum: VACUUM public.venues"}],"wait_ms":450}
    {"at":"2026-11-22T19:40:12Z","event":"migration_reverted","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"statements":2,"duration_ms":12.5}
    {"at":"2026-11-22T19:40:12Z","event":"migration_applied","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"statements":14,"retries":0,"duration_ms":23.4}
    {"at":"2026-11-22T19:40:12Z","event":"migration_applied","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"},"statements":1,"retries":2,"duration_ms":200000.0}
    {"at":"2026-11-22T19:40:12Z","event":"reconnecting","reason":"server closed the connection unexpectedly"}
    {"at":"2026-11-22T19:40:12Z","event":"not_replicated","migration":{"version":"102","name":"venues","phase":"core","step":"tables","file":"migrations/1_core/2_tables/V102__venues.sql"}}
    {"at":"2026-11-22T19:40:12Z","event":"warning","problem":{"code":"passfile-ignored","sqlstate":null,"file":null,"line":null,"column":null,"message":"~/.pgpass can be read by others","detail":null,"context":null,"hint":null,"committed":null,"next":["chmod 600 ~/.pgpass"]}}
    "#);
}
