//! The catalog as it is read: each thing that is changed by hand is named, that alone, on every supported major.

use evmig::catalog::diff::{Change, diff};
use evmig::catalog::fingerprint::fingerprint;
use evmig::catalog::model::{Identity, Kind, Snapshot};
use evmig::catalog::read::snapshot_within;
use evmig::pg::session::Session;

use super::harness::{Options, Role, Server, Shape};
use super::pg_server::{block_on, open};

/// What is there before each change.
const SETUP: &str = include_str!("catalog_setup.sql");
/// The changes: a line `-- what the diff says`, once or more or never, and the SQL that does it.
const CHANGES: &str = include_str!("catalog_changes.sql");
/// Things that are the only ones of their kind: a line `-- kind`, and the SQL that makes one.
const ALONE: &str = include_str!("catalog_alone.sql");
/// Indexes and keys: blocks of SQL, some `-- since` a major.
const KEYS: &str = include_str!("catalog_keys.sql");
/// How the server itself writes indexes and constraints.
const DEFINITIONS: &str = "
    SELECT 'index', n.nspname, t.relname, c.relname, pg_get_indexdef(c.oid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname IN ('app', 'My app') AND NOT EXISTS (
        SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')
    )
    UNION ALL
    SELECT 'constraint', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('app', 'My app') AND k.contype IN ('p', 'u', 'x', 'f', 'c')";

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

/// Which queries are sent is asked first; where all kinds are there at once, a wrong answer would not show.
#[test]
fn what_is_the_only_one_of_its_kind_is_found() {
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Superuser);
    let version = database.value("SHOW server_version_num").parse().unwrap();
    let blocks: Vec<(&str, &str)> = ALONE
        .split("\n-- ")
        .skip(1)
        .filter_map(|block| block.split_once('\n'))
        .collect();
    assert!(blocks.len() > 30, "{blocks:?}");
    block_on(async {
        let (session, _notices) = Session::new(open(&database.url(), None).await.unwrap());
        for (word, sql) in blocks {
            let kind = Kind::of(word).unwrap_or_else(|| panic!("no kind is called {word}"));
            session.run(&format!("BEGIN; {sql}")).await.unwrap();
            let snapshot = snapshot_within(&session, version, "evmig").await.unwrap();
            session.run("ROLLBACK").await.unwrap();
            let mut kinds = snapshot.objects().iter().map(|one| one.identity.kind);
            assert!(kinds.any(|found| found == kind), "{sql}: {snapshot:#?}");
        }
    });
}

/// One change by hand.
struct Case<'a> {
    /// The oldest major that knows it.
    since: u32,
    /// What is said, and from which major on.
    wanted: Vec<(u32, &'a str)>,
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
            let numbered = |word| line.strip_prefix(word)?.split_at_checked(2);
            if let Some((major, _)) = numbered("since ") {
                since = major.parse().unwrap();
            } else if let Some((major, told)) = numbered("from ") {
                wanted.push((major.parse().unwrap(), told.trim()));
            } else {
                wanted.push((since, line));
            }
        }
        let sql = sql.join("\n");
        cases.push(Case { since, wanted, sql });
    }
    cases
}

fn every_change_is_named(major: u32) {
    // Roles and event triggers belong to the whole cluster.
    let options = match major {
        14 => Options::new(14),
        _ => Options::new(major).set("allow_in_place_tablespaces", "on"),
    };
    let server = Server::private(&options);
    let database = server.database(Shape::Plain, Role::Superuser);
    if major > 14 {
        database.execute("CREATE TABLESPACE elsewhere LOCATION ''");
    }
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
            let wanted = case.wanted.iter().filter(|(from, _)| *from <= major);
            let wanted: Vec<&str> = wanted.map(|(_, told)| *told).collect();
            if found != wanted {
                wrong.push(format!(
                    "{}\n  wanted {wanted:#?}\n  found {found:#?}",
                    case.sql
                ));
            }
            let same = fingerprint(&before) == fingerprint(&after);
            assert_eq!(found.is_empty(), same, "{}", case.sql);
            session.run("ROLLBACK TO SAVEPOINT one").await.unwrap();
        }
        assert_eq!(fingerprint(&before), fingerprint(&read().await));
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        for block in KEYS.split("\n\n") {
            let since = block
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("-- since "));
            if since.is_some_and(|since| since.parse::<u32>().unwrap() > major) {
                continue;
            }
            session.run(block).await.unwrap();
            let found = undefined_as_the_server_does(&session, &read().await).await;
            assert!(found.is_empty(), "{block}\n{}", found.join("\n"));
        }
    });
}

/// The indexes and constraints that are not told in the server's own words.
async fn undefined_as_the_server_does(session: &Session, snapshot: &Snapshot) -> Vec<String> {
    session.run("SAVEPOINT own").await.unwrap();
    session
        .run("SET LOCAL search_path TO pg_catalog, pg_temp")
        .await
        .unwrap();
    let rows = session.query(DEFINITIONS, &[]).await.unwrap();
    session.run("ROLLBACK TO SAVEPOINT own").await.unwrap();
    assert!(rows.len() > 45, "{} definitions", rows.len());
    let wrong = rows.iter().filter_map(|row| {
        let identity = Identity {
            kind: Kind::of(&row.text(0)).unwrap(),
            schema: Some(row.text(1).into()),
            parent: Some(row.text(2).into()),
            name: row.text(3).into(),
        };
        let found = snapshot
            .find(&identity)
            .and_then(|object| object.get("definition"));
        let own = row.text(4);
        (found != Some(own.as_str()))
            .then(|| format!("{identity}\n  is    {own}\n  found {found:?}"))
    });
    wrong.collect()
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
        Change::Renamed { from, identity, .. } => format!("renamed {from} to {identity}"),
        Change::Reordered { table, .. } => format!("reordered {table}"),
    });
    told.collect()
}
