//! Reports and events for tests, as a real project gives them.

use crate::report::event::{Blocker, MigrationRef, RunEvent};
use crate::report::history::{HistoryEntry, HistoryReport};
use crate::report::place::Snippet;
use crate::report::problem::Problem;
use crate::report::run::{AppliedMigration, ApplyReport, Outcome};
use crate::report::status::{
    MigrationState, MigrationStatus, PhaseState, PhaseStatus, StatusReport,
};
use crate::report::target::Target;

pub(in crate::render) const RUN: &str = "20261122T194012-7f3a";

pub(in crate::render) fn local() -> Target {
    Target {
        host: "/run/evmig".into(),
        port: 5433,
        database: "events".into(),
        user: "owner".into(),
        environment: Some("local".into()),
        named_by: "phases.toml:4 (default_environment)".into(),
        protected: false,
        loopback: true,
        embedded: true,
    }
}

pub(in crate::render) fn production() -> Target {
    Target {
        host: "db.example.com".into(),
        port: 5432,
        database: "events".into(),
        user: "deployer".into(),
        environment: Some("production".into()),
        named_by: "flag --env".into(),
        protected: true,
        loopback: false,
        embedded: false,
    }
}

pub(in crate::render) fn failure() -> Problem {
    let line = "    venue_id uuid references public.venuez (id)";
    let at = line.find("public.venuez").unwrap();
    let file = "migrations/1_core/2_tables/V104__ticketing.sql";
    let mut snippet = Snippet::cut(file, line, at, 13);
    snippet.place.line = 212;
    let message =
        "V104__ticketing failed at statement 37 of 50: relation \"public.venuez\" does not exist";
    let committed = "V101 to V103 (3 migrations) are in the database; nothing of V104 is";
    Problem {
        sqlstate: Some("42P01".into()),
        hint: Some("public.venues is near: a table of V102__venues".into()),
        committed: Some(committed.into()),
        ..Problem::new("sql-failed", message)
            .at(Some(snippet))
            .next("evmig apply")
            .next("evmig status")
    }
}

pub(in crate::render) fn migration() -> MigrationRef {
    MigrationRef {
        version: Some("102".into()),
        name: "venues".into(),
        phase: "core".into(),
        step: "tables".into(),
        file: "migrations/1_core/2_tables/V102__venues.sql".into(),
    }
}

pub(in crate::render) fn holder() -> Blocker {
    let query =
        "select *\n  from public.venues\n where tenant_id = '6f0f' and name like 'A%' limit 1";
    Blocker {
        pid: 4711,
        user: "app".into(),
        application: "psql".into(),
        backend_type: "client backend".into(),
        state: "idle in transaction".into(),
        transaction_seconds: Some(200),
        query: query.into(),
        relation: Some("public.venues".into()),
    }
}

pub(in crate::render) fn autovacuum(query: &str) -> Blocker {
    Blocker {
        pid: 812,
        user: String::new(),
        application: String::new(),
        backend_type: "autovacuum worker".into(),
        state: "active".into(),
        transaction_seconds: Some(40),
        query: query.into(),
        relation: None,
    }
}

/// One event of each kind, in the order a long run might have them.
pub(in crate::render) fn events() -> Vec<RunEvent> {
    let mut all = start_of_a_run();
    all.extend(middle_of_a_run());
    all.push(RunEvent::MigrationReverted {
        migration: migration(),
        statements: 2,
        duration_ms: 12.5,
    });
    all.push(RunEvent::MigrationApplied {
        migration: migration(),
        statements: 14,
        retries: 0,
        duration_ms: 23.4,
    });
    all.push(RunEvent::MigrationApplied {
        migration: migration(),
        statements: 1,
        retries: 2,
        duration_ms: 200_000.0,
    });
    all.push(RunEvent::Reconnecting {
        reason: "server closed the connection unexpectedly".into(),
    });
    all.push(RunEvent::NotReplicated {
        migration: migration(),
    });
    all.push(RunEvent::Warning {
        problem: Problem::new("passfile-ignored", "~/.pgpass can be read by others")
            .next("chmod 600 ~/.pgpass"),
    });
    all
}

fn start_of_a_run() -> Vec<RunEvent> {
    vec![
        RunEvent::WaitingForRun {
            holder: Some(holder()),
            waited_seconds: 12,
        },
        RunEvent::RunStarted {
            run: RUN.into(),
            migrations: 12,
            statements: 12_659,
        },
        RunEvent::PhaseStarted {
            number: 1,
            name: "core".into(),
            title: Some("Core infrastructure".into()),
        },
        RunEvent::StepPassedOver {
            phase: "core".into(),
            step: "functions".into(),
            reason: "this version of evmig does not deploy functions".into(),
        },
        RunEvent::MigrationStarted {
            migration: migration(),
            statements: 50,
            transactional: false,
            resumed_at: Some(4),
        },
        RunEvent::StatementFound {
            migration: migration(),
            index: 4,
            evidence: "index public.venues_name_idx exists and is valid".into(),
        },
        RunEvent::InvalidIndexDropped {
            migration: migration(),
            index: "public.venues_tenant_idx".into(),
        },
        RunEvent::StatementDone {
            migration: migration(),
            index: 4,
            of: 50,
            took_ms: Some(1204.0),
            held: Vec::new(),
        },
        RunEvent::StatementRunning {
            migration: migration(),
            index: 5,
            of: 50,
            running_ms: 61_500,
        },
    ]
}

fn middle_of_a_run() -> Vec<RunEvent> {
    vec![
        RunEvent::Notice {
            migration: Some(migration()),
            severity: "NOTICE".into(),
            message: "relation \"venues\" already exists, skipping".into(),
            hint: None,
        },
        RunEvent::Notice {
            migration: None,
            severity: "WARNING".into(),
            message: "there is no transaction in progress".into(),
            hint: Some("Begin one.".into()),
        },
        RunEvent::IndexProgress {
            migration: migration(),
            phase: "waiting for old snapshots".into(),
            percent: Some(43),
            waits_for: vec![holder()],
            seconds: 75,
        },
        RunEvent::Blocked {
            migration: migration(),
            blockers: vec![holder()],
            waited_ms: 1_200,
        },
        RunEvent::Retrying {
            migration: migration(),
            attempt: 1,
            of: 10,
            sqlstate: "55P03".into(),
            blockers: vec![autovacuum("autovacuum: VACUUM public.venues")],
            wait_ms: 450,
        },
    ]
}

pub(in crate::render) fn apply_report() -> ApplyReport {
    let applied = |version: &str, name: &str, retries, duration_ms| AppliedMigration {
        version: Some(version.into()),
        name: name.into(),
        phase: "core".into(),
        step: "tables".into(),
        statements: 14,
        retries,
        duration_ms,
    };
    ApplyReport {
        schema: ApplyReport::SCHEMA,
        run: Some(RUN.into()),
        outcome: Outcome::Applied,
        target: Some(production()),
        applied: vec![
            applied("101", "extensions", 0, 23.5),
            applied("102", "venues", 2, 1200.0),
        ],
        applied_by_other_runs: Vec::new(),
        pending: 0,
        plan: None,
        duration_ms: 1234.5,
        error: None,
        errors: Vec::new(),
    }
}

pub(in crate::render) fn row(version: u32, name: &str, state: MigrationState) -> MigrationStatus {
    let known = state != MigrationState::Pending;
    MigrationStatus {
        version: Some(version.to_string()),
        name: name.into(),
        step: if version < 102 {
            "extensions"
        } else {
            "tables"
        }
        .into(),
        state,
        applied_on: known.then(|| "2026-11-22T19:40:12.5Z".into()),
        run: known.then(|| RUN.into()),
        note: None,
    }
}

pub(in crate::render) fn status_report() -> StatusReport {
    use MigrationState::{Applied, Divergent, Failed, Missing, Pending, Reverted};
    let failed = MigrationStatus {
        note: Some("stopped at statement 5 of 50; evmig apply goes on there".into()),
        ..row(
            103,
            "events_and_their_long_subject_of_most_of_a_line",
            Failed,
        )
    };
    let phase = |number, name: &str, title: Option<&str>, state, migrations| PhaseStatus {
        number,
        name: name.into(),
        title: title.map(str::to_owned),
        state,
        only_in: None,
        migrations,
    };
    let core = vec![
        row(101, "extensions", Applied),
        row(102, "venues", Divergent),
        failed,
        row(104, "ticketing", Reverted),
        row(105, "commerce", Pending),
    ];
    StatusReport {
        schema: StatusReport::SCHEMA,
        database: "events".into(),
        server_version: "15.14 (Debian 15.14-0+deb12u1)".into(),
        target: production(),
        phases: vec![
            phase(
                1,
                "core",
                Some("Core infrastructure"),
                PhaseState::Partial,
                core,
            ),
            phase(2, "logic", None, PhaseState::Pending, Vec::new()),
        ],
        orphans: vec![row(999, "gone", Missing)],
        pending: 4,
        problems: vec![
            Problem::new("divergent", "V102__venues differs from what was applied")
                .next("evmig repair 102 --reason TEXT"),
        ],
    }
}

pub(in crate::render) fn history_report() -> HistoryReport {
    let entry = |seq, version: Option<&str>, name: &str, action: &str, duration_ms| HistoryEntry {
        seq,
        version: version.map(str::to_owned),
        name: name.into(),
        phase: "core".into(),
        step: "tables".into(),
        action: action.into(),
        run: RUN.into(),
        at: "2026-11-22T19:40:12.5Z".into(),
        duration_ms,
        actor: "deployer".into(),
        reason: None,
    };
    let mut repaired = entry(7, Some("102"), "venues", "repair", None);
    repaired.reason = Some("comment added after the deployment".into());
    HistoryReport {
        schema: HistoryReport::SCHEMA,
        target: local(),
        entries: vec![
            entry(1, Some("101"), "extensions", "apply", Some(23.4)),
            entry(2, None, "views", "apply", Some(0.42)),
            repaired,
        ],
        verified_rows: None,
        first_bad: None,
    }
}
