//! The log of a run.

use insta::assert_snapshot;

use super::samples::{autovacuum, events, holder, local, migration, production};
use super::{ASCII, AT_80, AT_120, plain};
use crate::render::terminal::{Look, event, progress, target};
use crate::report::event::{Blocker, MigrationRef, RunEvent};
use crate::report::target::Target;

fn log(look: Look) -> String {
    let lines: String = events().iter().filter_map(|one| event(one, look)).collect();
    plain(&lines)
}

#[test]
fn every_event_at_80_columns() {
    assert_snapshot!(log(AT_80), @r#"
      waiting: another run is at work on this database, 12 s so far
        pid 4711, user app, application "psql", idle in transaction, transaction
          open for 3 min 20 s, holds public.venues
          last query: select * from public.venues where tenant_id = '6f0f' and name…
    Run 20261122T194012-7f3a: 12 migrations, 12,659 statements
    Phase 1  Core infrastructure
      step functions of phase core passed over: this version of evmig does not
        deploy functions
      V102__venues resumes at statement 5 of 50
      V102__venues: statement 5 was done before the interruption: index
        public.venues_name_idx exists and is valid
      V102__venues: dropped the INVALID index public.venues_tenant_idx that an
        unfinished build left
      V102__venues: statement 6 of 50, 1 min 2 s
      NOTICE: V102__venues: relation "venues" already exists, skipping
      WARNING: there is no transaction in progress
        hint: Begin one.
      V102_…nues: index 43 %, waits for pid 4711: waiting for old snapshots, 1 min …
      waiting: V102__venues needs a lock, 1.2 s so far, held by
        pid 4711, user app, application "psql", idle in transaction, transaction
          open for 3 min 20 s, holds public.venues
          last query: select * from public.venues where tenant_id = '6f0f' and name…
        goes on when pid 4711 ends its transaction
      retrying: V102__venues, no lock in time: 55P03 (lock_not_available); rolled
        back, retry 1 of 10 in 450 ms
        pid 812, autovacuum worker, active, transaction open for 40 s
          query: autovacuum: VACUUM public.venues
        autovacuum steps aside by itself; nothing to do
      V102__venues                                          2 statements       13 ms
      V102__venues                                         14 statements       23 ms
      V102__venues                                          1 statement   3 min 20 s
        after 2 retries for want of a lock
      connection lost: server closed the connection unexpectedly; reconnecting to
        find out what was committed
      not replicated: V102__venues is committed on this server, which stopped
        waiting for its standby
    warning[passfile-ignored]: ~/.pgpass can be read by others
      next       chmod 600 ~/.pgpass
    "#);
}

#[test]
fn every_event_at_120_columns() {
    assert_snapshot!(log(AT_120), @r#"
      waiting: another run is at work on this database, 12 s so far
        pid 4711, user app, application "psql", idle in transaction, transaction open for 3 min 20 s, holds public.venues
          last query: select * from public.venues where tenant_id = '6f0f' and name like 'A%' limit 1
    Run 20261122T194012-7f3a: 12 migrations, 12,659 statements
    Phase 1  Core infrastructure
      step functions of phase core passed over: this version of evmig does not deploy functions
      V102__venues resumes at statement 5 of 50
      V102__venues: statement 5 was done before the interruption: index public.venues_name_idx exists and is valid
      V102__venues: dropped the INVALID index public.venues_tenant_idx that an unfinished build left
      V102__venues: statement 6 of 50, 1 min 2 s
      NOTICE: V102__venues: relation "venues" already exists, skipping
      WARNING: there is no transaction in progress
        hint: Begin one.
      V102__venues: index 43 %, waits for pid 4711: waiting for old snapshots, 1 min 15 s
      waiting: V102__venues needs a lock, 1.2 s so far, held by
        pid 4711, user app, application "psql", idle in transaction, transaction open for 3 min 20 s, holds public.venues
          last query: select * from public.venues where tenant_id = '6f0f' and name like 'A%' limit 1
        goes on when pid 4711 ends its transaction
      retrying: V102__venues, no lock in time: 55P03 (lock_not_available); rolled back, retry 1 of 10 in 450 ms
        pid 812, autovacuum worker, active, transaction open for 40 s
          query: autovacuum: VACUUM public.venues
        autovacuum steps aside by itself; nothing to do
      V102__venues                                                      2 statements       13 ms
      V102__venues                                                     14 statements       23 ms
      V102__venues                                                      1 statement   3 min 20 s
        after 2 retries for want of a lock
      connection lost: server closed the connection unexpectedly; reconnecting to find out what was committed
      not replicated: V102__venues is committed on this server, which stopped waiting for its standby
    warning[passfile-ignored]: ~/.pgpass can be read by others
      next       chmod 600 ~/.pgpass
    "#);
}

#[test]
fn every_event_in_ascii() {
    assert!(log(ASCII).is_ascii());
}

#[test]
fn progress_is_for_events_that_change_what_is_done_now() {
    let shown: Vec<String> = events()
        .iter()
        .filter_map(|one| progress(one, ASCII))
        .collect();
    assert_snapshot!(plain(&shown.join("\n")), @"
    V102__venues: 50 statements
    V102__venues: 5 of 50
    V102__venues: statement 6 of 50, 1 min 2 s
    V102...ues: index 43 %, waits for pid 4711: wai...
    V102__venues: waits for pid 4711, 1.2 s
    ");
}

fn blocked_by(blockers: Vec<Blocker>) -> String {
    let migration = migration();
    let one = RunEvent::Blocked {
        migration,
        blockers,
        waited_ms: 1_000,
    };
    plain(&event(&one, ASCII).unwrap())
}

#[test]
fn what_ends_the_wait_depends_on_who_is_in_the_way() {
    let plain = autovacuum("autovacuum: VACUUM public.venues");
    let wraparound = autovacuum("autovacuum: VACUUM public.venues (to prevent wraparound)");
    assert_snapshot!(blocked_by(Vec::new()), @"  waiting: V102__venues needs a lock, 1.0 s so far");
    assert_snapshot!(blocked_by(vec![wraparound]), @"
    waiting: V102__venues needs a lock, 1.0 s so far, held by
      pid 812, autovacuum worker, active, transaction open for 40 s
        query: autovacuum: VACUUM public.venues (to prevent wraparound)
      a vacuum against transaction id wraparound does not step aside; let it
        finish
    ");
    assert_snapshot!(blocked_by(vec![plain, holder()]), @r#"
    waiting: V102__venues needs a lock, 1.0 s so far, held by
      pid 812, autovacuum worker, active, transaction open for 40 s
        query: autovacuum: VACUUM public.venues
      pid 4711, user app, application "psql", idle in transaction, transaction
        open for 3 min 20 s, holds public.venues
        last query: select * from public.venues where tenant_id = '6f0f' and na...
      goes on when pid 4711 ends its transaction
    "#);
}

#[test]
fn a_crowd_is_counted() {
    let one = |pid| Blocker {
        pid,
        query: String::new(),
        relation: None,
        ..holder()
    };
    assert_snapshot!(blocked_by((1..=7).map(one).collect()), @r#"
    waiting: V102__venues needs a lock, 1.0 s so far, held by
      pid 1, user app, application "psql", idle in transaction, transaction open
        for 3 min 20 s
      pid 2, user app, application "psql", idle in transaction, transaction open
        for 3 min 20 s
      pid 3, user app, application "psql", idle in transaction, transaction open
        for 3 min 20 s
      pid 4, user app, application "psql", idle in transaction, transaction open
        for 3 min 20 s
      pid 5, user app, application "psql", idle in transaction, transaction open
        for 3 min 20 s
      and 2 more
      goes on when pids 1, 2, 3, 4, 5 and 2 more end their transactions
    "#);
}

#[test]
fn long_names_are_cut_and_the_numbers_stay_in_place() {
    let one = RunEvent::MigrationApplied {
        migration: MigrationRef {
            name: "n".repeat(300),
            ..migration()
        },
        statements: 12_000,
        retries: 1,
        duration_ms: 7_500_000.0,
    };
    assert_snapshot!(plain(&event(&one, AT_80).unwrap()), @"
    V102__nnnnnnnnnnnnnnnnn…nnnnnnnnnnnnnnnnnnnnnnn  12,000 statements   2 h 5 min
      after 1 retry for want of a lock
    ");
    assert_snapshot!(plain(&event(&one, ASCII).unwrap()), @"
    V102__nnnnnnnnnnnnnnnn...nnnnnnnnnnnnnnnnnnnnnn  12,000 statements   2 h 5 min
      after 1 retry for want of a lock
    ");
}

#[test]
fn the_target_says_what_named_it() {
    let by_url = Target {
        host: "::1".into(),
        environment: None,
        named_by: "variable DATABASE_URL".into(),
        embedded: false,
        ..local()
    };
    assert_snapshot!(plain(&target(&local(), ASCII)), @"
    Target  events as owner on /run/evmig port 5433 (embedded server)
            environment local, named by phases.toml:4 (default_environment)
    ");
    assert_snapshot!(plain(&target(&production(), ASCII)), @"
    Target  events as deployer on db.example.com:5432
            PROTECTED environment production, named by flag --env
    ");
    assert_snapshot!(plain(&target(&by_url, ASCII)), @"
    Target  events as owner on [::1]:5433 (this machine)
            no environment, named by variable DATABASE_URL
    ");
}

#[test]
fn a_phase_that_is_passed_over_names_no_step() {
    let passed_over = RunEvent::StepPassedOver {
        phase: "sample-data".into(),
        step: String::new(),
        reason: "it may not run in environment local".into(),
    };
    assert_eq!(
        event(&passed_over, AT_80)
            .map(|text| plain(&text))
            .as_deref(),
        Some("  phase sample-data passed over: it may not run in environment local\n")
    );
}
