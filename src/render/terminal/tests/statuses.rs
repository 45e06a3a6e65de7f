//! `evmig status`.

use insta::assert_snapshot;

use super::samples::{local, row, status_report};
use super::{ASCII, AT_80, AT_120, plain};
use crate::render::terminal::status;
use crate::report::status::{
    MigrationState, MigrationStatus, PhaseState, PhaseStatus, StatusReport,
};

#[test]
fn every_state_at_80_columns() {
    assert_snapshot!(plain(&status(&status_report(), AT_80)), @"
    Target  events as deployer on db.example.com:5432
            PROTECTED environment production, named by flag --env
    Server  PostgreSQL 15.14 (Debian 15.14-0+deb12u1)

    Phase 1  Core infrastructure  partial: 2 of 5 applied
      extensions
        applied    V101__extensions              2026-11-22 19:40:12 UTC  20261…7f3a
      tables
        DIVERGENT  V102__venues                  2026-11-22 19:40:12 UTC  20261…7f3a
        FAILED     V103__events_a…ost_of_a_line  2026-11-22 19:40:12 UTC  20261…7f3a
                   stopped at statement 5 of 50; evmig apply goes on there
        reverted   V104__ticketing               2026-11-22 19:40:12 UTC  20261…7f3a
        pending    V105__commerce

    Phase 2  logic  no migrations

    In the database, but in no phase of this project
        MISSING    V999__gone                    2026-11-22 19:40:12 UTC  20261…7f3a

    warning[divergent]: V102__venues differs from what was applied
      next       evmig repair 102 --reason TEXT

    1 FAILED, 1 DIVERGENT, 1 MISSING, 1 pending, 1 reverted
    Divergent and missing migrations stop every apply until they are settled.
    ");
}

#[test]
fn every_state_at_120_columns() {
    assert_snapshot!(plain(&status(&status_report(), AT_120)), @"
    Target  events as deployer on db.example.com:5432
            PROTECTED environment production, named by flag --env
    Server  PostgreSQL 15.14 (Debian 15.14-0+deb12u1)

    Phase 1  Core infrastructure  partial: 2 of 5 applied
      extensions
        applied    V101__extensions                                       2026-11-22 19:40:12 UTC  20261122T194012-7f3a
      tables
        DIVERGENT  V102__venues                                           2026-11-22 19:40:12 UTC  20261122T194012-7f3a
        FAILED     V103__events_and_their_long_subject_of_most_of_a_line  2026-11-22 19:40:12 UTC  20261122T194012-7f3a
                   stopped at statement 5 of 50; evmig apply goes on there
        reverted   V104__ticketing                                        2026-11-22 19:40:12 UTC  20261122T194012-7f3a
        pending    V105__commerce

    Phase 2  logic  no migrations

    In the database, but in no phase of this project
        MISSING    V999__gone                                             2026-11-22 19:40:12 UTC  20261122T194012-7f3a

    warning[divergent]: V102__venues differs from what was applied
      next       evmig repair 102 --reason TEXT

    1 FAILED, 1 DIVERGENT, 1 MISSING, 1 pending, 1 reverted
    Divergent and missing migrations stop every apply until they are settled.
    ");
}

#[test]
fn every_state_in_ascii() {
    let text = plain(&status(&status_report(), ASCII));
    assert!(text.is_ascii(), "{text}");
}

fn with(migrations: Vec<MigrationStatus>) -> StatusReport {
    let is_pending = |one: &&MigrationStatus| one.state == MigrationState::Pending;
    let pending = migrations.iter().filter(is_pending).count();
    let phase = PhaseStatus {
        number: 1,
        name: "core".into(),
        title: None,
        only_in: None,
        state: if pending == 0 {
            PhaseState::Applied
        } else {
            PhaseState::Partial
        },
        migrations,
    };
    StatusReport {
        phases: vec![phase],
        orphans: Vec::new(),
        problems: Vec::new(),
        pending,
        target: local(),
        ..status_report()
    }
}

#[test]
fn a_phase_for_other_environments_waits_for_nothing() {
    let pending = row(201, "people", MigrationState::Pending);
    let mut report = with(vec![row(101, "table", MigrationState::Applied)]);
    report.phases.push(PhaseStatus {
        number: 2,
        name: "samples".into(),
        title: None,
        state: PhaseState::Pending,
        only_in: Some(vec!["local".into(), "staging".into()]),
        migrations: vec![pending],
    });
    let text = plain(&status(&report, AT_80));
    let (_, phases) = text.split_once("\n\n").unwrap();
    assert_snapshot!(phases, @r"
    Phase 1  core  applied: all 1
      extensions
        applied    V101__table   2026-11-22 19:40:12 UTC  20261122T194012-7f3a

    Phase 2  samples  only for local, staging: 1 not applied here

    Up to date: 1 migration applied
    ");
}

#[test]
fn a_large_phase_is_folded_only_when_all_of_it_is_applied() {
    let applied = |version| row(version, "table", MigrationState::Applied);
    let listed = |all: &[MigrationStatus]| {
        plain(&status(&with(all.to_vec()), AT_80))
            .matches("    applied    V1")
            .count()
    };
    let mut all: Vec<_> = (100..131).map(applied).collect();
    assert_snapshot!(plain(&status(&with(all.clone()), AT_80)), @"
    Target  events as owner on /run/evmig port 5433 (embedded server)
            environment local, named by phases.toml:4 (default_environment)
    Server  PostgreSQL 15.14 (Debian 15.14-0+deb12u1)

    Phase 1  core  applied: all 31
      extensions   2 applied
      tables      29 applied

    Up to date: 31 migrations applied
    ");
    assert_eq!(listed(&all), 0);
    assert_eq!(listed(&all[..30]), 30);
    all.push(row(200, "new", MigrationState::Pending));
    assert_eq!(listed(&all), 31);
}

#[test]
fn pending_names_the_next_command_for_this_target() {
    let mut report = with(vec![row(101, "extensions", MigrationState::Pending)]);
    assert_snapshot!(plain(&status(&report, AT_80)), @"
    Target  events as owner on /run/evmig port 5433 (embedded server)
            environment local, named by phases.toml:4 (default_environment)
    Server  PostgreSQL 15.14 (Debian 15.14-0+deb12u1)

    Phase 1  core  partial: 0 of 1 applied
      extensions
        pending    V101__extensions

    1 pending
      next       evmig apply
    ");
    report.target.named_by = "flag --env".into();
    let text = plain(&status(&report, AT_80));
    assert!(text.ends_with("evmig apply --env local\n"), "{text}");
}

#[test]
fn no_phase_at_all() {
    let report = StatusReport {
        phases: Vec::new(),
        ..with(Vec::new())
    };
    assert_snapshot!(plain(&status(&report, AT_80)), @"
    Target  events as owner on /run/evmig port 5433 (embedded server)
            environment local, named by phases.toml:4 (default_environment)
    Server  PostgreSQL 15.14 (Debian 15.14-0+deb12u1)

    Up to date: 0 migrations applied
    ");
}
