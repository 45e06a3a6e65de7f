//! The locks and the work that a dry run reports, held against the measured table, row by row, on every supported major.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::Value;

use super::harness::{Database, Evmig, Options, Project, Role, Server, Session, Shape};

/// Tables and all else that each row of the table finds in a schema of its own.
const SETUP: &str = include_str!("dry_run_setup.sql");
/// The table.
const LOCKS: &str = include_str!("dry_run_locks.sql");

/// Modes as the table writes them, weakest first, and as evmig does.
const MODES: [(&str, &str); 8] = [
    ("AS", "ACCESS SHARE"),
    ("RS", "ROW SHARE"),
    ("RX", "ROW EXCLUSIVE"),
    ("SUE", "SHARE UPDATE EXCLUSIVE"),
    ("S", "SHARE"),
    ("SRE", "SHARE ROW EXCLUSIVE"),
    ("X", "EXCLUSIVE"),
    ("AEL", "ACCESS EXCLUSIVE"),
];

/// One row of the table.
#[derive(Default)]
struct Row {
    name: String,
    /// The oldest major that knows the statement.
    since: u32,
    locks: BTreeSet<String>,
    work: BTreeSet<String>,
    before: String,
    statements: String,
}

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in LOCKS.lines().skip(3) {
        let comment = line.strip_prefix("-- ");
        match (comment, rows.last_mut()) {
            (Some(text), Some(row)) if text.starts_with("before ") => {
                row.before.push_str(&text["before ".len()..]);
            }
            (Some(text), Some(row)) if text.starts_with("since ") => {
                row.since = text["since ".len()..].parse().unwrap();
            }
            (Some(text), _) => rows.push(row(text)),
            (None, Some(row)) => row.statements.push_str(line),
            (None, None) => panic!("a statement without a row: {line}"),
        }
    }
    rows
}

/// Reads `<row> <relation>=<mode> … [| <work> <relation> …]`.
fn row(text: &str) -> Row {
    let (locks, work) = text.split_once('|').unwrap_or((text, ""));
    let mut words = locks.split_whitespace();
    let mut row = Row {
        name: words.next().unwrap().to_owned(),
        locks: words.map(str::to_owned).collect(),
        ..Row::default()
    };
    let mut kind = "";
    for word in work.split_whitespace() {
        match word {
            "scan" | "rewrite" | "index" | "truncate" => kind = word,
            relation => drop(row.work.insert(format!("{kind} {relation}"))),
        }
    }
    row
}

/// What a dry run says that the statements of a row do, as the table writes it.
fn told(row: &Row, migration: &Value) -> (BTreeSet<String>, BTreeSet<String>) {
    let prefix = format!("r{}.", row.name);
    let short = |relation: &Value| {
        let relation = relation.as_str().unwrap();
        relation
            .strip_prefix(&prefix)
            .unwrap_or(relation)
            .to_owned()
    };
    let mut locks: BTreeMap<String, (usize, bool)> = BTreeMap::new();
    let mut work = BTreeSet::new();
    // The first one sets the search path.
    let statements = migration["statements"].as_array().unwrap();
    for statement in &statements[1..] {
        for lock in statement["locks"].as_array().unwrap() {
            if lock["new"] == true || lock["kind"] == "toast" {
                continue;
            }
            let mode = MODES.iter().position(|(_, word)| lock["mode"] == *word);
            let mode = mode.unwrap_or_else(|| panic!("{lock}"));
            let is_index = lock["kind"] == "index";
            let strongest = locks
                .entry(short(&lock["relation"]))
                .or_insert((mode, is_index));
            strongest.0 = strongest.0.max(mode);
        }
        for done in statement["work"].as_array().unwrap() {
            let kind = done["work"]
                .as_str()
                .unwrap()
                .replace("index_build", "index");
            work.insert(format!("{kind} {}", short(&done["relation"])));
        }
    }
    let locks = locks
        .into_iter()
        .map(|(relation, (mode, is_index))| {
            (format!("{relation}={}", MODES[mode].0), mode, is_index)
        })
        // What `SELECT` takes stands in no row, and of indexes those are compared that the row names.
        .filter(|(text, mode, is_index)| (*mode > 0 && !is_index) || row.locks.contains(text))
        .map(|(text, ..)| text)
        .collect();
    (locks, work)
}

/// A server with the tablespace that one row needs. On 14 none can be made inside the data directory.
fn server(major: u32) -> Arc<Server> {
    if major < 15 {
        return Server::private(&Options::new(major));
    }
    let server = Server::private(&Options::new(major).set("allow_in_place_tablespaces", "on"));
    Session::connect(&server.admin("postgres")).execute("create tablespace lock_space location ''");
    server
}

/// Holds the rows that a major knows, and that are not older than `from`, against a dry run on it.
fn locks_are_those_of_the_measured_table(major: u32, from: u32) {
    // Roles belong to the whole cluster, and some rows are about them.
    let (server, shadow) = (self::server(major), self::server(major));
    Session::connect(&server.admin("postgres"))
        .execute("create role lock_owner; create role lock_dropper");
    let rows: Vec<Row> = rows()
        .into_iter()
        .filter(|row| (from..=major).contains(&row.since))
        .collect();
    assert!(
        rows.len() > if from == 0 { 180 } else { 8 },
        "{}",
        rows.len()
    );
    // All relations are looked at before each file: a few small databases are faster than a large one.
    let wrong: String = rows
        .chunks(25)
        .map(|rows| {
            wrong(
                rows,
                &server.database(Shape::Plain, Role::Superuser),
                &shadow,
            )
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong}");
}

/// Makes what each row needs in a schema of its own, and a dry run of all statements; returns the rows that are not
/// what the table says.
fn wrong(rows: &[Row], database: &Database, shadow: &Server) -> String {
    let mut setup = String::new();
    let mut project = Project::one_phase();
    for (at, row) in rows.iter().enumerate() {
        let schema = format!("r{}", row.name);
        writeln!(setup, "create schema {schema}; set search_path = {schema};").unwrap();
        setup.push_str(SETUP);
        setup.push_str(&row.before);
        let text = format!("set search_path = {schema};\n{}\n", row.statements);
        project = project.migration(&format!("V{}__row_{}", at + 2, row.name), &text);
    }
    let project = project.migration("V1__setup", &setup);
    Evmig::new(&project, "apply --to 1")
        .on(database)
        .run()
        .succeeds();
    let report = Evmig::new(&project, "plan --format json")
        .on(database)
        .env("EVMIG_SHADOW_URL", shadow.admin("postgres").url())
        .run()
        .succeeds()
        .json();
    assert_eq!(report["before"]["proven"], true, "{}", report["before"]);
    let mut wrong = String::new();
    for (row, migration) in rows.iter().zip(report["migrations"].as_array().unwrap()) {
        let (locks, work) = told(row, migration);
        if locks != row.locks || work != row.work {
            let wanted = (&row.locks, &row.work);
            writeln!(
                wrong,
                "#{}: {locks:?} {work:?}, expected {wanted:?}",
                row.name
            )
            .unwrap();
        }
    }
    wrong
}

#[test]
fn locks_are_those_of_the_table() {
    locks_are_those_of_the_measured_table(15, 0);
}

#[test]
fn locks_of_new_statements_are_those_of_the_table() {
    locks_are_those_of_the_measured_table(18, 16);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn locks_on_postgresql_14() {
    locks_are_those_of_the_measured_table(14, 0);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn locks_on_postgresql_16() {
    locks_are_those_of_the_measured_table(16, 0);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn locks_on_postgresql_17() {
    locks_are_those_of_the_measured_table(17, 0);
}

#[test]
#[ignore = "takes long: scripts/test --long"]
fn locks_on_postgresql_18() {
    locks_are_those_of_the_measured_table(18, 0);
}

/// A dry run on what the rows of the table find, as JSON: beside the target, each statement in a file of its own.
fn dry_run_of(server: &Arc<Server>, before: &str, statements: &[&str]) -> Value {
    let database = server.database(Shape::Plain, Role::Superuser);
    let mut project = Project::one_phase().migration("V1__setup", &format!("{SETUP}\n{before}"));
    for (at, statement) in statements.iter().enumerate() {
        project = project.migration(&format!("V{}__row", at + 2), &format!("{statement};"));
    }
    Evmig::new(&project, "apply --to 1")
        .on(&database)
        .run()
        .succeeds();
    Evmig::new(&project, "plan --shadow target --format json")
        .on(&database)
        .run()
        .json()
}

/// Row 20: it does not come to the lock.
#[test]
fn the_row_that_is_an_error_is_foretold_as_one() {
    let statement = ["alter table p alter column x type bigint"];
    let (view, materialized) = ("drop view v;", "drop materialized view mv;");
    for major in [15, 18] {
        let server = Server::shared(major, Shape::Plain);
        for before in [view, materialized] {
            let report = dry_run_of(&server, before, &statement);
            assert_eq!(report["forecast"], "would_fail", "{major} {before}");
            assert_eq!(report["error"]["sqlstate"], "0A000", "{major} {before}");
            assert_eq!(report["locks"], serde_json::json!([]), "{major} {before}");
        }
    }
    // It is the views.
    let server = Server::shared(15, Shape::Plain);
    let report = dry_run_of(&server, &format!("{view}{materialized}"), &statement);
    assert_eq!(report["forecast"], "would_apply", "{report:#}");
}

/// Row 96: what they do would stay, whatever becomes of the dry run.
#[test]
fn statements_that_reach_beyond_the_database_are_listed_and_not_tried() {
    let server = Server::private(&Options::new(15));
    let statements = [
        "create database elsewhere",
        "create tablespace elsewhere location '/nowhere'",
        "alter system set work_mem = '8MB'",
        "create subscription s connection 'host=nowhere' publication p",
    ];
    let report = dry_run_of(&server, "", &statements);
    let migrations = report["migrations"].as_array().unwrap();
    assert_eq!(migrations.len(), statements.len());
    for (migration, statement) in migrations.iter().zip(statements) {
        assert_eq!(migration["tried"], false, "{statement}");
        assert_eq!(migration["transactional"], false, "{statement}");
        assert!(migration["not_tried"].is_string(), "{migration:#}");
        let told = &migration["statements"][0];
        assert_eq!(told["sql"], statement);
        assert_eq!(told["locks"], serde_json::json!([]), "{statement}");
    }
    let mut admin = Session::connect(&server.admin("postgres"));
    let made = "select (select count(*) from pg_database where datname = 'elsewhere')
        + (select count(*) from pg_subscription)
        + (select count(*) from pg_file_settings where sourcefile like '%auto.conf')";
    assert_eq!(admin.value(made), "0");
}

/// Whether a statement waits for somebody who holds a lock of this mode on a relation.
fn waits(database: &Database, statement: &str, relation: &str, mode: &str) -> bool {
    let mut holder = Session::connect(&database.admin());
    holder.execute(&format!("begin; lock table only {relation} in {mode} mode"));
    let mut session = Session::connect(&database.admin());
    session.execute("set lock_timeout = '50ms'");
    let error = session.try_execute(statement).err();
    let sqlstate = error.map(|error| error.code().unwrap().code().to_owned());
    assert!(
        matches!(sqlstate.as_deref(), None | Some("55P03")),
        "{statement}: {sqlstate:?}"
    );
    sqlstate.is_some()
}

/// What is told of VACUUM cannot be read from `pg_locks` after it, so each mode is held against who waits for whom: it is
/// strong enough to wait for the one, and weak enough to pass by the other.
#[test]
fn what_is_documented_of_vacuum_is_what_waits() {
    let (weak, strong) = ("row exclusive", "share update exclusive");
    for major in [15, 18] {
        let server = Server::shared(major, Shape::Plain);
        let database = server.database(Shape::Plain, Role::Superuser);
        database.execute(SETUP);
        database.execute("alter table heir inherit parent");
        // Heirs are vacuumed with their parents from 18 on, which knows ONLY since then.
        let heirs = major >= 18;
        for (statement, relation, mode, is_waited_for) in [
            ("vacuum t", "t", weak, false),
            ("vacuum t", "t", strong, true),
            ("vacuum pt", "pt", weak, false),
            ("vacuum pt", "pt", strong, true),
            ("vacuum pt", "pt1", weak, false),
            ("vacuum pt", "pt1", strong, true),
            ("vacuum full t", "t", "access share", true),
            ("vacuum full pt", "pt", "access share", true),
            ("vacuum (full) pt", "pt1", "access share", true),
            ("vacuum parent", "heir", strong, heirs),
        ] {
            let found = waits(&database, statement, relation, mode);
            let said = format!("{statement} on {major}: {mode} on {relation}");
            assert_eq!(found, is_waited_for, "{said}");
        }
        if heirs {
            assert!(!waits(&database, "vacuum only parent", "heir", strong));
        }
    }
}
