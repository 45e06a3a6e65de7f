//! Many small files share messages: each of them is still told, stopped and tried again by itself.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::harness::{Database, Evmig, Holder, Output, Project, Role, Server, Shape};

/// As many as share messages, and a part of a message more.
const FILES: usize = 100;

fn database() -> Database {
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner);
    database
        .session()
        .execute("create table counter (version int not null)");
    database
}

/// Files that count themselves; the one in the middle of a message has this text before that.
fn project(middle: &str) -> Project {
    (1..=FILES).fold(Project::one_phase(), |project, version| {
        let more = if version == 50 { middle } else { "" };
        project.migration(
            &format!("V{version}__one_of_many"),
            &format!("{more}insert into counter values ({version});\n"),
        )
    })
}

fn apply(project: &Project, database: &Database, flags: &str) -> Output {
    Evmig::new(project, &format!("apply --format json {flags}"))
        .on(database)
        .run()
}

/// Each of the first files ran once and is recorded, and no other.
#[track_caller]
fn ran(database: &Database, count: usize) {
    let expected: Vec<String> = (1..=count).map(|version| version.to_string()).collect();
    assert_eq!(
        database.lines("select version from counter order by version"),
        expected
    );
    for table in ["evmig.migration", "evmig.refinery_schema_history"] {
        let sql = format!("select version from {table} order by version");
        assert_eq!(database.lines(&sql), expected, "{table}");
    }
}

#[track_caller]
fn applied(document: &serde_json::Value) -> usize {
    document["applied"].as_array().expect("a list").len()
}

#[test]
fn all_run_once_each_with_its_own_duration() {
    let (database, project) = (database(), project("select pg_sleep(2);\n"));
    let document = apply(&project, &database, "").succeeds().json();
    assert_eq!(applied(&document), FILES);
    let slow: Vec<&str> = document["applied"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["duration_ms"].as_f64().expect("a number") >= 2000.0)
        .map(|one| one["version"].as_str().expect("a version"))
        .collect();
    assert_eq!(slow, ["50"]);
    ran(&database, FILES);
    Evmig::new(&project, "history --verify")
        .on(&database)
        .run()
        .succeeds();
}

#[test]
fn those_before_a_failure_are_kept_and_those_behind_it_do_not_run() {
    let (database, bad) = (database(), project("select 1,\n  nothing_here;\n"));
    let document = apply(&bad, &database, "").exits(3).json();
    assert_eq!(applied(&document), 49);
    let error = &document["error"];
    assert_eq!(error["sqlstate"], "42703");
    assert_eq!(
        error["file"],
        "migrations/1_core/1_tables/V50__one_of_many.sql"
    );
    assert_eq!((&error["line"], &error["column"]), (&2.into(), &3.into()));
    ran(&database, 49);
    apply(&project(""), &database, "").succeeds();
    ran(&database, FILES);
}

/// The server reads a whole message before it runs any of it.
#[test]
fn those_before_a_file_that_cannot_be_read_run_all_the_same() {
    let (database, bad) = (database(), project("create table t (id int,);\n"));
    let document = apply(&bad, &database, "").exits(3).json();
    assert_eq!(applied(&document), 49);
    let error = &document["error"];
    assert_eq!(error["sqlstate"], "42601");
    assert_eq!(
        error["file"],
        "migrations/1_core/1_tables/V50__one_of_many.sql"
    );
    assert_eq!((&error["line"], &error["column"]), (&1.into(), &24.into()));
    ran(&database, 49);
    apply(&project(""), &database, "").succeeds();
    ran(&database, FILES);
}

#[test]
fn one_that_waits_for_a_lock_is_named_and_tried_again_alone() {
    let database = database();
    database.session().execute("create table busy (id int)");
    let project = project("alter table busy add column x int;\n");
    let holder = Holder::reader(&database, "busy", Duration::from_mins(1));
    let run = Evmig::new(&project, "apply --lock-timeout 700ms --lock-retries 100")
        .on(&database)
        .spawn();
    let told = run.wait_for("try", Duration::from_mins(1));
    assert!(told.contains("V50__one_of_many"), "{told}");
    holder.release();
    run.finish(Duration::from_mins(1)).succeeds();
    ran(&database, FILES);
}

#[test]
fn a_signal_stops_the_one_that_runs() {
    let (database, project) = (database(), project("select pg_sleep(60);\n"));
    let run = Evmig::new(&project, "apply").on(&database).spawn();
    // The session's name says so; the message is longer than what the server shows of it.
    let running = "select exists (select from pg_stat_activity where datname = current_database() \
                   and application_name like 'evmig/% V50 1/2')";
    let since = std::time::Instant::now();
    while database.value(running) != "t" {
        assert!(since.elapsed() < Duration::from_mins(1), "it does not run");
        std::thread::sleep(Duration::from_millis(20));
    }
    run.signal(Signal::SIGINT);
    run.finish(Duration::from_secs(20)).exits(130);
    ran(&database, 49);
}

#[test]
fn a_notice_belongs_to_the_file_that_raised_it() {
    let database = database();
    let project = project("do $$ begin raise notice 'from the middle'; end $$;\n");
    apply(&project, &database, "--events events").succeeds();
    let notices: Vec<serde_json::Value> = project
        .read("events")
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .filter(|event| event["event"] == "notice")
        .collect();
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0]["message"], "from the middle");
    assert_eq!(notices[0]["migration"]["version"], "50");
}

/// The transaction guard works for each file of a message.
#[test]
fn a_file_that_ends_its_transaction_is_not_recorded_and_stops_the_others() {
    let database = database();
    database.session().execute(
        "create function forget() returns void language sql as \
         $$ select set_config('evmig.guard', 'another', true) $$",
    );
    let document = apply(&project("select forget();\n"), &database, "")
        .exits(3)
        .json();
    assert_eq!(document["error"]["code"], "transaction-escaped");
    ran(&database, 49);
}
