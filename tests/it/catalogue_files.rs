//! Files and names that are not what they seem: rows B5x to B8x of
//! [the catalogue](../../docs/reliability-catalogue.md).

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::harness::{
    Database, Evmig, Holder, Options, Project, Role, Server, Session, Shape, scratch,
};

const LONG: Duration = Duration::from_mins(1);

fn database() -> Database {
    Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner)
}

fn apply(project: &Project, database: &Database, more: &str) -> Evmig {
    Evmig::new(project, &format!("apply {more}")).on(database)
}

fn applied(database: &Database) -> Vec<String> {
    database.lines("select key from evmig.migration order by seq")
}

/// B46: the history is made by two who race, or half of it is there because the first one was
/// killed: it is made in one transaction, so that there is all of it or nothing.
#[test]
fn b_46_a_runner_killed_while_it_makes_the_history_leaves_none_of_it() {
    let database = database();
    let project = Project::one_phase().migration("V1__people", "create table people (id int);\n");
    let holder = Holder::transaction(&database.admin(), "create schema evmig", LONG);
    let run = apply(&project, &database, "").spawn();
    let waits = format!(
        "select exists (select from pg_stat_activity where application_name like 'evmig/%' \
         and {} = any(pg_blocking_pids(pid)))",
        holder.pid()
    );
    let mut session = Session::connect(&database.admin());
    while session.value(&waits) != "t" {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(run);
    drop(holder);
    apply(&project, &database, "").run().succeeds();
    assert_eq!(applied(&database), ["1"]);
}

/// B52: each statement that drops a session's advisory locks, in a file of either kind.
#[test]
fn b_52_every_way_to_lose_the_lock_is_found() {
    for statement in ["select pg_advisory_unlock_all()", "discard all"] {
        let database = database();
        let project = Project::one_phase()
            .migration("V1__people", "create table people (id int);\n")
            .migration(
                "V2__loses",
                &format!(
                    "-- evmig: no-transaction\ncreate table pets (id int);\n{statement};\n\
                     create table more (id int);\n"
                ),
            )
            .migration("V3__last", "create table last (id int);\n");
        let output = apply(&project, &database, "").run();
        assert!(
            [2, 3].contains(&output.code()),
            "{statement}: {} {}",
            output.code(),
            output.stderr
        );
        assert_eq!(database.value("select to_regclass('last')"), "NULL");
        assert_eq!(
            database.value("select to_regclass('more')"),
            "NULL",
            "{statement}: {}",
            output.stderr
        );
    }
}

/// B58: somebody writes a file while it is read and applied. What is recorded is what ran: the
/// text in the history has the recorded hash, and its number is the one in the table.
#[test]
fn b_58_what_was_hashed_is_what_ran() {
    let path = "migrations/1_core/1_tables/V1__race.sql";
    let text = |n: usize| {
        let padding = "-- x\n".repeat(2000);
        format!("{padding}create table race as select {n} as n;\n{padding}-- {n}\n")
    };
    for round in 0..8 {
        let database = database();
        let project = Project::one_phase().migration("V1__race", &text(0));
        let stop = AtomicBool::new(false);
        let output = std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut n = 0;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    // Renamed into place, so that a reader has one version or the other.
                    project.write("next", text(n));
                    std::fs::rename(project.path("next"), project.path(path)).unwrap();
                }
            });
            let output = apply(&project, &database, "").run();
            stop.store(true, Ordering::Relaxed);
            output
        });
        output.succeeds();
        let n = database.value("select n from race");
        let kept = Evmig::new(&project, "history --script 1")
            .on(&database)
            .run();
        assert_eq!(kept.stdout, text(n.parse().unwrap()), "round {round}");
        let mut hash = String::new();
        for byte in Sha256::digest(&kept.stdout) {
            write!(hash, "{byte:02x}").unwrap();
        }
        assert_eq!(database.value("select sha256 from evmig.migration"), hash);
    }
}

/// B58: a file that changes while its run waits for its turn: read once, before, and that is what
/// runs; the next command sees the change.
#[test]
fn b_58_a_file_that_changes_while_the_run_waits() {
    let database = database();
    let slow = Project::one_phase().migration("V1__slow", "select pg_advisory_lock_shared(5);\n");
    let gate = Holder::transaction(&database.admin(), "select pg_advisory_xact_lock(5)", LONG);
    let project = Project::one_phase()
        .migration("V1__slow", "select pg_advisory_lock_shared(5);\n")
        .migration("V2__people", "create table people (old int);\n");
    let first = apply(&slow, &database, "--lock-timeout 60s").spawn();
    let waits = format!(
        "select exists (select from pg_stat_activity where application_name like 'evmig/%' \
         and {} = any(pg_blocking_pids(pid)))",
        gate.pid()
    );
    let mut session = Session::connect(&database.admin());
    while session.value(&waits) != "t" {
        std::thread::sleep(Duration::from_millis(10));
    }
    let second = apply(&project, &database, "").spawn();
    second.wait_for("another run", LONG);
    let path = "migrations/1_core/1_tables/V2__people.sql";
    project.write(path, "create table people (new int);\n");
    gate.release();
    first.finish(LONG).succeeds();
    second.finish(LONG).succeeds();
    assert_eq!(
        database.value(
            "select attname from pg_attribute where attrelid = 'people'::regclass and attnum = 1"
        ),
        "old"
    );
    let output = apply(&project, &database, "").run().exits(7);
    assert!(
        output.stderr.contains("V2__people.sql"),
        "{}",
        output.stderr
    );
}

/// B59: between the forecast and the lock another run does part of the work.
#[test]
fn b_59_what_another_run_did_meanwhile_is_seen_under_the_lock() {
    let database = database();
    let one = Project::one_phase().migration(
        "V1__people",
        "select pg_advisory_lock_shared(6);\ncreate table people (id int);\n",
    );
    let two = Project::one_phase()
        .migration(
            "V1__people",
            "select pg_advisory_lock_shared(6);\ncreate table people (id int);\n",
        )
        .migration("V2__pets", "create table pets (id int);\n");
    let gate = Holder::transaction(&database.admin(), "select pg_advisory_xact_lock(6)", LONG);
    let first = apply(&one, &database, "--lock-timeout 60s").spawn();
    let waits = format!(
        "select exists (select from pg_stat_activity where application_name like 'evmig/%' \
         and {} = any(pg_blocking_pids(pid)))",
        gate.pid()
    );
    let mut session = Session::connect(&database.admin());
    while session.value(&waits) != "t" {
        std::thread::sleep(Duration::from_millis(10));
    }
    let second = apply(&two, &database, "--format json").spawn();
    second.wait_for("another run", LONG);
    gate.release();
    first.finish(LONG).succeeds();
    let document = second.finish(LONG).succeeds().json();
    assert_eq!(document["applied"].as_array().unwrap().len(), 1);
    assert_eq!(document["applied"][0]["version"], "2");
    assert_eq!(applied(&database), ["1", "2"]);
}

/// B73: nothing in a file is a placeholder: text that other tools would fill in arrives as it is.
#[test]
fn b_73_nothing_is_substituted() {
    let database = database();
    let text = "${HOME} {{ name }} :name :\"name\" $1 %s &name @name@ #{x} \\$VAR `id` $(id) %(x)s";
    let project = Project::one_phase().migration(
        "V1__text",
        &format!(
            "create table kept (t text);\ninsert into kept values ('{text}');\n\
             do $outer$ begin insert into kept values ($body${text}$body$); end $outer$;\n\
             insert into kept values (E'\\x24{{HOME}} :name');\n"
        ),
    );
    apply(&project, &database, "")
        .env("name", "x")
        .run()
        .succeeds();
    assert_eq!(
        database.lines("select t from kept"),
        [text, text, "${HOME} :name"]
    );
}

/// B76: a history whose tables somebody dropped or altered is not taken for an empty one.
#[test]
fn b_76_a_history_that_lost_a_table_is_not_empty() {
    for damage in [
        "drop table evmig.migration cascade",
        "drop table evmig.run cascade",
        "drop table evmig.statement cascade",
        "drop table evmig.meta cascade",
        "alter table evmig.migration drop column sha256",
        "alter table evmig.migration rename column key to id",
        "drop schema evmig cascade",
    ] {
        let database = database();
        let project =
            Project::one_phase().migration("V1__people", "create table people (id int);\n");
        apply(&project, &database, "").run().succeeds();
        database.execute(damage);
        let project = project.migration("V2__pets", "create table pets (id int);\n");
        let output = apply(&project, &database, "").run();
        assert_eq!(
            database.value("select to_regclass('pets')"),
            "NULL",
            "{damage}"
        );
        assert!(
            [1, 5, 7].contains(&output.code()),
            "{damage}: {} {}{}",
            output.code(),
            output.stdout,
            output.stderr
        );
        assert!(
            output.stderr.contains("error["),
            "{damage}: {}",
            output.stderr
        );
    }
}

/// B75, B76: rows that are gone from evmig's own tables are still in refinery's, so that nothing
/// runs twice; that they are gone is found by whoever asks.
#[test]
fn b_76_a_history_that_was_emptied_applies_nothing_twice() {
    let database = database();
    let project = Project::one_phase().migration(
        "V1__people",
        "create table if not exists people (id int);\ninsert into people values (1);\n",
    );
    apply(&project, &database, "").run().succeeds();
    database.execute("truncate evmig.migration, evmig.run cascade");
    Evmig::new(&project, "history --verify")
        .on(&database)
        .run()
        .exits(7);
    apply(&project, &database, "").run().succeeds();
    assert_eq!(database.value("select count(*) from people"), "1");
}

/// Names that somebody might put into a project, a role or a database to have them read as SQL.
const NAMES: [&str; 9] = [
    "a\"; drop table canary; --",
    "a'; drop table canary; --",
    "a$$; drop table canary; $$",
    "a\\\"; drop table canary; --",
    "{schema}",
    "$1",
    "a/*",
    "Üñï cödé",
    "select",
];

/// B84: every name that reaches evmig's own statements is quoted.
#[test]
fn b_84_names_are_names_wherever_they_are() {
    for name in NAMES {
        let server = Server::shared(16, Shape::Plain);
        let database = server.database(Shape::Plain, Role::Superuser);
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let role = quoted(&format!("{name} role {}", database.database));
        let other = quoted(&format!("{name} db {}", database.database));
        database.execute("create table canary (id int)");
        database.execute(&format!(
            "create role {role} login createrole password '{}'",
            database.password
        ));
        database.execute(&format!("create database {other} owner {role}"));
        let target = super::harness::Target {
            user: format!("{name} role {}", database.database),
            database: format!("{name} db {}", database.database),
            ..(*database).clone()
        };
        let mut session = Session::connect(&server.admin(&target.database));
        session.execute("create table canary (id int)");
        session.execute(&format!(
            "create schema {schema} authorization {role}; alter role {role} set search_path = {schema}, public",
            schema = quoted(name)
        ));
        // History in a schema of that name, tables in the other one, an index built apart.
        let manifest = format!(
            "[project]\nname = \"test\"\nhistory_schema = {}\n\n[[phase]]\nnumber = 1\nname = \"core\"\n\
             title = {}\n\n[[phase.step]]\nname = \"tables\"\nmigrations = \"1_core/1_tables\"\n",
            serde_json::json!(format!("h{name}")),
            serde_json::json!(name),
        );
        let project = Project::new(&manifest)
            .migration(
                "V1__people",
                &format!("create table {q} (id int);\n", q = quoted(name)),
            )
            .migration(
                "V2__index",
                &format!(
                    "create index concurrently {i} on {q} (id);\n",
                    i = quoted(&format!("i {name}")),
                    q = quoted(name)
                ),
            )
            .migration("R__again", "select 1;\n");
        let run = |words: &str| {
            let mut run = Evmig::new(&project, words);
            for (variable, value) in target.variables() {
                run = run.env(variable, value);
            }
            run.run()
        };
        run("apply").succeeds();
        run("apply").succeeds();
        run("status --exit-code").succeeds();
        run("history --verify").succeeds();
        project.write("migrations/1_core/1_tables/R__again.sql", "select 2;\n");
        run("apply").succeeds();
        assert_eq!(
            session.value("select count(*) from pg_class where relname = 'canary'"),
            "1",
            "{name}"
        );
        let history = format!(
            "select count(*) from {}.migration",
            quoted(&format!("h{name}"))
        );
        assert_eq!(session.value(&history), "4", "{name}");
    }
}

/// B85: an application's role plants functions, operators and casts of its own in `public`, which
/// the migrating superuser's path names: none of them runs, and each would tell.
#[test]
fn b_85_what_stands_in_public_is_not_called() {
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Superuser);
    database.execute("grant create on schema public to public; create table stolen (what text)");
    database.execute("create role app login; grant insert on stolen to public");
    let mut app = Session::connect(&database.as_user("app"));
    let mut planted = String::new();
    for (kind, left) in [
        ("text", "text"),
        ("name", "name"),
        ("oid", "oid"),
        ("bigint", "bigint"),
    ] {
        write!(
            planted,
            "create function public.steal(a {kind}, b {left}) returns boolean language plpgsql as $$
             begin insert into public.stolen values ('operator {kind}'); return true; end $$;
             create operator public.= (leftarg = {kind}, rightarg = {left}, function = public.steal);
             create operator public.<> (leftarg = {kind}, rightarg = {left}, function = public.steal);"
        )
        .unwrap();
    }
    for function in [
        "to_regclass(text)",
        "pg_try_advisory_lock(integer, integer)",
        "pg_advisory_unlock(integer, integer)",
        "clock_timestamp()",
        "now()",
        "current_setting(text)",
        "quote_ident(text)",
        "format(text, text)",
        "encode(bytea, text)",
        "sha256(bytea)",
        "count(text)",
        "jsonb_array_elements(jsonb)",
        "pg_get_userbyid(oid)",
        "pg_blocking_pids(integer)",
        "pg_backend_pid()",
        "version()",
    ] {
        write!(
            planted,
            "create function public.{function} returns text language plpgsql as $$
             begin insert into public.stolen values ('function {name}'); return null; end $$;",
            name = function.replace('(', " ").replace(')', "")
        )
        .unwrap();
    }
    app.execute(&planted);
    database.execute("alter role admin set search_path = public, pg_catalog");
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration("V2__index", "create index concurrently on people (id);\n")
        .migration("R__again", "select 1;\n");
    let run = |words: &str| Evmig::new(&project, words).on(&database).run().succeeds();
    run("apply");
    run("status");
    run("history --verify");
    project.write("migrations/1_core/1_tables/R__again.sql", "select 2;\n");
    let holder = Holder::reader(&database.admin(), "people", LONG);
    let waiting = project.migration("V3__column", "alter table people add column n int;\n");
    let run = apply(&waiting, &database, "--lock-timeout 200ms").spawn();
    run.wait_for("retrying", LONG);
    drop(holder);
    run.finish(LONG).succeeds();
    assert_eq!(database.lines("select * from stolen"), [""; 0]);
}

/// B66 and B50: a statement in the middle of a file without a transaction fails again and again:
/// what ran before it does not run again.
#[test]
fn b_50_a_retry_begins_at_the_statement_that_failed() {
    let database = database();
    database
        .session()
        .execute("create table counter (n int); create table t (id int)");
    let project = Project::one_phase().migration(
        "V1__steps",
        "-- evmig: no-transaction\ninsert into counter values (1);\ninsert into counter values (2);\n\
         alter table t add column a int;\ninsert into counter values (4);\ninsert into counter values (5);\n",
    );
    let holder = Holder::reader(&database, "t", LONG);
    apply(&project, &database, "--lock-timeout 50ms --lock-retries 2")
        .run()
        .exits(3);
    let run = apply(
        &project,
        &database,
        "--lock-timeout 100ms --lock-retries 100",
    )
    .spawn();
    run.wait_for("retrying", LONG);
    drop(holder);
    run.finish(LONG).succeeds();
    assert_eq!(
        database.lines("select n from counter order by n"),
        ["1", "2", "4", "5"]
    );
}

/// B68, B69: a directory, a pipe and a file that nobody may read, in the place of a migration: said
/// before anything is connected to. The events file may not be one of them either.
#[test]
fn b_68_an_events_file_that_cannot_be_is_said_before_anything_runs() {
    let database = database();
    let project = Project::one_phase().migration("V1__people", "create table people (id int);\n");
    for place in [
        scratch::directory("events").display().to_string(),
        "/no/such/folder/events".to_owned(),
    ] {
        let output = apply(&project, &database, "--events").arg(place).run();
        assert!([1, 2, 5].contains(&output.code()), "{}", output.stderr);
        assert_eq!(database.value("select to_regnamespace('evmig')"), "NULL");
    }
}
