//! The catalog as it is read: each thing that is changed by hand is named, that alone, on every supported major.

use evmig::catalog::diff::{Change, diff};
use evmig::catalog::fingerprint::fingerprint;
use evmig::catalog::model::Snapshot;
use evmig::catalog::read::snapshot_within;
use evmig::pg::session::Session;

use super::harness::{Options, Role, Server, Shape};
use super::pg_server::{block_on, open};

/// What is there before each change.
const SETUP: &str = include_str!("catalog_setup.sql");
/// The changes: a line `-- [major] what the diff says`, once or more, and the SQL that does it.
const CHANGES: &str = include_str!("catalog_changes.sql");

#[test]
fn every_change_is_named_on_postgresql_14() {
    every_change_is_named(14);
}

#[test]
fn every_change_is_named_on_postgresql_15() {
    every_change_is_named(15);
}

#[test]
fn every_change_is_named_on_postgresql_16() {
    every_change_is_named(16);
}

#[test]
fn every_change_is_named_on_postgresql_17() {
    every_change_is_named(17);
}

#[test]
fn every_change_is_named_on_postgresql_18() {
    every_change_is_named(18);
}

/// One change by hand.
struct Case<'a> {
    /// The oldest major that knows it.
    since: u32,
    wanted: Vec<&'a str>,
    sql: String,
}

fn cases() -> Vec<Case<'static>> {
    let mut cases = Vec::new();
    for block in CHANGES
        .split("\n\n")
        .filter(|block| !block.trim().is_empty())
    {
        let (told, sql): (Vec<&str>, Vec<&str>) = block
            .trim()
            .lines()
            .partition(|line| line.starts_with("--"));
        let mut since = 14;
        let mut wanted = Vec::new();
        for line in told.iter().map(|line| line.trim_start_matches('-').trim()) {
            match line.strip_prefix("since ").map(str::parse) {
                Some(Ok(major)) => since = major,
                _ => wanted.push(line),
            }
        }
        let sql = sql.join("\n");
        cases.push(Case { since, wanted, sql });
    }
    cases
}

fn every_change_is_named(major: u32) {
    // Roles and event triggers belong to the whole cluster.
    let server = Server::private(&Options::new(major));
    let database = server.database(Shape::Plain, Role::Superuser);
    database.execute(SETUP);
    let version = database.value("SHOW server_version_num").parse().unwrap();
    block_on(async {
        let (session, _notices) = Session::new(open(&database.url(), None).await.unwrap());
        let read = async || snapshot_within(&session, version, "evmig").await.unwrap();
        session.run("BEGIN").await.unwrap();
        let before = read().await;
        assert_eq!(diff(&before, &read().await), [], "nothing was changed");
        let mut wrong = Vec::new();
        for case in cases().into_iter().filter(|case| case.since <= major) {
            session.run("SAVEPOINT one").await.unwrap();
            if let Err(failure) = session.run(&case.sql).await {
                wrong.push(format!("{}\n  {failure}", case.sql));
                session.run("ROLLBACK TO SAVEPOINT one").await.unwrap();
                continue;
            }
            let after = read().await;
            let found = told(&before, &after);
            if found != case.wanted {
                wrong.push(format!(
                    "{}\n  wanted {:#?}\n  found {found:#?}",
                    case.sql, case.wanted
                ));
            }
            assert_ne!(fingerprint(&before), fingerprint(&after), "{}", case.sql);
            session.run("ROLLBACK TO SAVEPOINT one").await.unwrap();
        }
        assert_eq!(fingerprint(&before), fingerprint(&read().await));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

/// The changes in short: `added X`, `removed X`, `changed X: property`.
fn told(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let told = diff(before, after).into_iter().map(|change| match change {
        Change::Added(object) => format!("added {}", object.identity),
        Change::Removed(object) => format!("removed {}", object.identity),
        Change::Changed {
            identity,
            properties,
        } => {
            let names: Vec<&str> = properties.iter().map(|one| &*one.property).collect();
            format!("changed {identity}: {}", names.join(", "))
        }
        Change::Reordered { table, .. } => format!("reordered {table}"),
        Change::Renamed { identity, .. } => {
            panic!("nothing proves that {identity} had another name")
        }
    });
    told.collect()
}
