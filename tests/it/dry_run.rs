//! `evmig apply --dry-run` and `evmig plan`: what is told is what happens, and the target stays as it is.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use evmig::catalog::fingerprint::fingerprint;
use evmig::catalog::read::snapshot;

use super::harness::{Database, Evmig, Options, Project, Role, Server, Session, Shape, Target};
use super::pg_server::{block_on, open};

/// Tables and all else that each row of the table of locks finds in a schema of its own.
const SETUP: &str = include_str!("dry_run_setup.sql");
/// The table of locks.
const LOCKS: &str = include_str!("dry_run_locks.sql");

/// One row of the table of locks.
struct Row {
    name: String,
    locks: BTreeSet<String>,
    work: BTreeSet<String>,
    before: String,
    statement: String,
}

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for line in LOCKS.lines().skip(2) {
        let comment = line.strip_prefix("-- ");
        match (comment, rows.last_mut()) {
            (Some(text), Some(row)) if text.starts_with("before ") => {
                row.before.push_str(&text["before ".len()..]);
            }
            (Some(text), _) => {
                let (locks, work) = text.split_once('|').unwrap_or((text, ""));
                let mut words = locks.split_whitespace();
                let name = words.next().unwrap().to_owned();
                let mut kind = "";
                let mut work_set = BTreeSet::new();
                for word in work.split_whitespace() {
                    match word {
                        "scan" | "rewrite" | "index" | "truncate" => kind = word,
                        relation => drop(work_set.insert(format!("{kind} {relation}"))),
                    }
                }
                rows.push(Row {
                    name,
                    locks: words.map(str::to_owned).collect(),
                    work: work_set,
                    before: String::new(),
                    statement: String::new(),
                });
            }
            (None, Some(row)) => row.statement.push_str(line),
            (None, None) => panic!("a statement without a row: {line}"),
        }
    }
    rows
}

/// Runs a command on a target, with the throw-away databases on another database's server.
fn looks(project: &Project, args: &str, target: &Target, shadow: &Target) -> Evmig {
    Evmig::new(project, args)
        .on(target)
        .env("EVMIG_SHADOW_URL", shadow.url())
}

fn short(mode: &str) -> &'static str {
    match mode {
        "ACCESS SHARE" => "AS",
        "ROW SHARE" => "RS",
        "ROW EXCLUSIVE" => "RX",
        "SHARE UPDATE EXCLUSIVE" => "SUE",
        "SHARE" => "S",
        "SHARE ROW EXCLUSIVE" => "SRE",
        "EXCLUSIVE" => "X",
        "ACCESS EXCLUSIVE" => "AEL",
        other => panic!("{other}"),
    }
}

#[test]
fn locks_are_those_of_the_measured_table() {
    let server = Server::shared(15, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    let rows = rows();
    let mut setup = String::new();
    let mut project = Project::one_phase();
    for (at, row) in rows.iter().enumerate() {
        let schema = format!("r{}", row.name);
        writeln!(setup, "create schema {schema}; set search_path = {schema};").unwrap();
        setup.push_str(SETUP);
        setup.push_str(&row.before);
        let text = format!("set search_path = {schema};\n{}\n", row.statement);
        project = project.migration(&format!("V{}__row_{}", at + 2, row.name), &text);
    }
    let project = project.migration("V1__setup", &setup);
    Evmig::new(&project, "apply --to 1")
        .on(&database)
        .run()
        .succeeds();
    let shadow = server.admin("postgres");
    let output = looks(&project, "plan --format json", &database, &shadow).run();
    let report = output.succeeds().json();
    assert_eq!(report["forecast"], "would_apply");
    assert_eq!(report["before"]["proven"], true, "{}", report["before"]);
    let mut wrong = String::new();
    for (row, migration) in rows.iter().zip(report["migrations"].as_array().unwrap()) {
        let statement = &migration["statements"][1];
        let prefix = format!("r{}.", row.name);
        let mut locks = BTreeSet::new();
        let mut indexes = BTreeSet::new();
        for lock in statement["locks"].as_array().unwrap() {
            if lock["new"] == true || lock["kind"] == "toast" {
                continue;
            }
            let relation = lock["relation"].as_str().unwrap();
            let mode = short(lock["mode"].as_str().unwrap());
            let text = format!(
                "{}={mode}",
                relation
                    .strip_prefix(&prefix)
                    .unwrap_or_else(|| panic!("{relation} by #{}", row.name))
            );
            if lock["kind"] == "index" {
                indexes.insert(text);
            } else if mode != "AS" {
                locks.insert(text);
            }
        }
        // Of indexes those are compared that the row names.
        locks.extend(indexes.intersection(&row.locks).cloned());
        let work: BTreeSet<String> = statement["work"]
            .as_array()
            .unwrap()
            .iter()
            .map(|work| {
                let kind = work["work"]
                    .as_str()
                    .unwrap()
                    .replace("index_build", "index");
                let relation = work["relation"].as_str().unwrap();
                format!(
                    "{kind} {}",
                    relation.strip_prefix(&prefix).unwrap_or(relation)
                )
            })
            .collect();
        if locks != row.locks || work != row.work {
            writeln!(
                wrong,
                "#{}: {:?} {:?}, expected {:?} {:?}",
                row.name, locks, work, row.locks, row.work
            )
            .unwrap();
        }
    }
    assert_eq!(wrong, "");
    assert!(rows.len() > 70, "{}", rows.len());
}

/// What changed by hand on the target after the last run.
const DRIFT: &str = "create table by_hand (id int primary key); \
                     create index by_hand_i on t (a); create policy p on t using (true)";

#[test]
fn a_target_that_was_changed_by_hand_is_made_again_from_its_dump() {
    let server = Server::shared(15, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    let project = Project::one_phase()
        .migration("V1__t", "create table t (id int primary key, a int);")
        .migration("V2__u", "alter table by_hand add column b int;");
    Evmig::new(&project, "apply --to 1")
        .on(&database)
        .run()
        .succeeds();
    database.execute(DRIFT);
    let shadow = server.admin("postgres");
    let report = looks(&project, "plan --format json", &database, &shadow)
        .run()
        .succeeds()
        .json();
    assert_eq!(report["before"]["origin"], "dump", "{report}");
    assert_eq!(report["before"]["proven"], true);
}

#[test]
fn drift_without_a_dump_is_told_and_proves_nothing() {
    // There is no pg_dump of this major, and an older one does not read its catalog.
    let server = Server::shared(18, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    let project = Project::one_phase()
        .migration("V1__t", "create table t (id int primary key, a int);")
        .migration("V2__u", "alter table by_hand add column b int;");
    Evmig::new(&project, "apply --to 1")
        .on(&database)
        .run()
        .succeeds();
    database.execute(DRIFT);
    let shadow = server.admin("postgres");
    let output = looks(&project, "apply --dry-run", &database, &shadow)
        .run()
        .exits(1);
    assert!(output.stdout.contains("NOT PROVEN"), "{}", output.stdout);
    assert!(output.stdout.contains("table public.by_hand"));
    assert!(output.stdout.contains("no pg_dump of PostgreSQL 18"));
    assert!(
        output
            .stderr
            .contains("relation \"by_hand\" does not exist")
    );
}

#[test]
fn the_target_is_only_read_and_what_is_foretold_comes() {
    let major = 15;
    let target = Server::private(&Options::new(major));
    let other = Server::private(&Options::new(major));
    let database = target.database(Shape::Plain, Role::Superuser);
    let project = Project::shipped();
    let phase = |number: u32| format!("apply --phase {number} --yes");
    Evmig::new(&project, &phase(1))
        .on(&database)
        .run()
        .succeeds();
    let before = everything(&database);
    let watch = Watch::start(&database);
    let args = "plan --phase 2 --phase 4 --format json";
    let report = looks(&project, args, &database, &other.admin("postgres"))
        .run()
        .succeeds()
        .json();
    assert_eq!(watch.stop(), Vec::<String>::new());
    assert_eq!(everything(&database), before);
    assert_eq!(report["before"]["proven"], true, "{}", report["before"]);
    assert_eq!(report["notes"], serde_json::json!([]));
    // What the real run leads to is what was foretold.
    for number in [2, 4] {
        Evmig::new(&project, &phase(number))
            .on(&database)
            .run()
            .succeeds();
    }
    let args = "plan --phase 4 --format json";
    let after = looks(&project, args, &database, &other.admin("postgres"))
        .run()
        .succeeds()
        .json();
    assert_eq!(after["forecast"], "nothing_to_do");
    let now = catalog_fingerprint(&database);
    assert_eq!(report["fingerprint"]["after"], now);
    // Nothing is left where it was tried.
    let left = "select count(*) from pg_database where datname like 'evmig%'";
    assert_eq!(Session::connect(&other.admin("postgres")).value(left), "0");
    let roles = "select count(*) from pg_roles where rolname !~ '^pg_' and rolname <> 'admin'";
    assert_eq!(Session::connect(&other.admin("postgres")).value(roles), "0");
}

/// The fingerprint of a database as evmig's own library reads it.
fn catalog_fingerprint(database: &Target) -> String {
    block_on(async {
        let (session, _notices) =
            evmig::pg::session::Session::new(open(&database.url(), None).await.unwrap());
        let version = session
            .query("select current_setting('server_version_num')", &[])
            .await
            .unwrap();
        let version = version[0].number(0).unwrap() as u32;
        fingerprint(&snapshot(&session, version, "evmig").await.unwrap())
    })
}

/// The dump of a database's schema, and its rows as far as evmig could have written any.
fn everything(database: &Database) -> String {
    let dump = std::process::Command::new("/usr/lib/postgresql/15/bin/pg_dump")
        .arg(database.admin().url())
        .output()
        .unwrap();
    assert!(dump.status.success());
    let text = String::from_utf8(dump.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('\\'));
    lines.collect::<Vec<_>>().join("\n")
}

/// Looks again and again which locks beyond ACCESS SHARE others have on a database's relations.
struct Watch {
    stop: std::sync::Arc<std::sync::atomic::AtomicBool>,
    thread: std::thread::JoinHandle<Vec<String>>,
}

impl Watch {
    fn start(database: &Database) -> Self {
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (target, flag) = (database.admin(), std::sync::Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut session = Session::connect(&target);
            let mut seen = Vec::new();
            let mut looks = 0;
            while !flag.load(std::sync::atomic::Ordering::Relaxed) {
                looks += 1;
                seen.extend(session.lines(
                    "select l.mode || ' ' || l.relation::regclass from pg_locks l \
                     where l.relation >= 16384 and l.mode <> 'AccessShareLock' \
                     and l.database = (select oid from pg_database where datname = current_database())",
                ));
            }
            assert!(looks > 20, "{looks}");
            seen
        });
        Self { stop, thread }
    }

    fn stop(self) -> Vec<String> {
        self.stop.store(true, std::sync::atomic::Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
