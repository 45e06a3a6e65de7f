//! Autovacuum in the way: it steps aside for who waits longer than `deadlock_timeout`, and for
//! nobody else. A short `lock_timeout` alone would never get the lock.

use std::time::Duration;

use super::harness::project::ONE_PHASE;
use super::harness::{Evmig, Holder, Options, Project, Role, Server, Shape};

/// The bar: twice `deadlock_timeout` (1 s), and a second.
const BAR_MS: f64 = 3000.0;

fn steps_aside(role: Role) {
    let server = Server::private(&Options::new(15).slow_autovacuum());
    let database = server.database(Shape::Plain, role);
    for (n, lock_timeout) in ["2s", "500ms", "300ms", "100ms"].iter().enumerate() {
        let table = format!("crowded{n}");
        database
            .session()
            .execute(&format!("create table {table} (id int, filler text)"));
        let project = Project::new(&format!(
            "{ONE_PHASE}\n[apply]\nlock_timeout = \"{lock_timeout}\"\n"
        ))
        .file(
            "migrations/1_core/1_tables/V1__column.sql",
            format!("alter table {table} add column note text;\n"),
        );
        let pid = Holder::autovacuum(&database.admin(), &table, Duration::from_mins(1));
        let before = server.log().matches("canceling autovacuum task").count();
        let events = project.path("events.jsonl");
        let output = Evmig::new(&project, "apply --yes --format json --events")
            .arg(&events)
            .on(&database)
            .run()
            .succeeds();
        let document = output.json();
        let took = document["applied"][0]["duration_ms"]
            .as_f64()
            .expect("a number");
        let case = format!(
            "{role:?}, lock_timeout {lock_timeout}: {took:.0} ms\n{}",
            output.stderr
        );
        eprintln!("autovacuum: {}", case.lines().next().expect("a line"));
        assert!(took <= BAR_MS, "{case}");
        assert!(output.stderr.contains(&format!("pid {pid}, ")), "{case}");
        assert!(output.stderr.contains("autovacuum worker"), "{case}");
        assert!(
            output.stderr.contains("autovacuum steps aside by itself"),
            "{case}"
        );
        // It did hold the table: the server cancelled it.
        let after = server.log().matches("canceling autovacuum task").count();
        assert_eq!(after, before + 1, "{case}");
        database.execute(&format!("drop table {table}; drop schema evmig cascade"));
    }
}

#[test]
fn a_plain_autovacuum_steps_aside_for_a_superuser() {
    steps_aside(Role::Superuser);
}

/// An owner without `pg_read_all_stats` does not see what kind of session is in the way.
#[test]
fn a_plain_autovacuum_steps_aside_for_a_plain_owner() {
    steps_aside(Role::Owner);
}

/// One against wraparound does not step aside, and is waited for like anybody.
fn is_waited_for(role: Role, words: &str) {
    let server = Server::private(
        &Options::new(15)
            .slow_autovacuum()
            .set("autovacuum_freeze_max_age", "100000"),
    );
    let database = server.database(Shape::Plain, role);
    database
        .session()
        .execute("create table crowded (id int, filler text)");
    database.execute(
        "create procedure burn() language plpgsql as $$
         begin for i in 1..101000 loop perform txid_current(); commit; end loop; end $$",
    );
    database.execute("call burn()");
    Holder::autovacuum(&database.admin(), "crowded", Duration::from_mins(1));
    let project = Project::new(&format!(
        "{ONE_PHASE}\n[apply]\nlock_timeout = \"300ms\"\nlock_retries = 2\n"
    ))
    .migration("V1__column", "alter table crowded add column note text;\n");
    let output = Evmig::new(&project, "apply --yes")
        .on(&database)
        .run()
        .exits(6);
    assert!(output.stderr.contains(words), "{}", output.stderr);
    assert!(output.stderr.contains("in 3 tries"), "{}", output.stderr);
    assert!(
        !server.log().contains("canceling autovacuum task"),
        "{}",
        server.log()
    );
}

#[test]
fn an_autovacuum_against_wraparound_is_waited_for_and_said_to_be_one() {
    is_waited_for(Role::Superuser, "does not step aside; let it finish");
}

/// Who may not see its query cannot tell it from a plain one.
#[test]
fn an_autovacuum_against_wraparound_is_waited_for_by_a_plain_owner() {
    is_waited_for(Role::Owner, "autovacuum worker");
}
