//! Where a dry run makes its throw-away databases: beside the target, and beside other dry runs and comparisons.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::harness::{
    Database, Evmig, Options, Pgbouncer, PoolMode, Project, Role, Running, Server, Session, Shape,
};

const SHADOWS: &str = "select count(*) from pg_database where datname like 'evmig\\_shadow\\_%'";
const KEEPERS: &str =
    "select count(*) from pg_stat_activity where application_name like 'evmig-shadow %'";

/// A server of the test's own with a target that belongs to a role that is no superuser.
fn target() -> (Arc<Server>, Database) {
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Owner);
    (server, database)
}

fn allow(database: &Database) {
    Session::connect(&database.admin()).execute(&format!(
        "alter role {} createdb nocreaterole",
        database.user
    ));
}

fn wait_until(session: &mut Session, question: &str, answer: &str) {
    for _ in 0..200 {
        if session.value(question) == answer {
            return;
        }
        sleep(Duration::from_millis(50));
    }
    panic!("{question} is not {answer}");
}

/// What all databases of a server share, as text.
pub(crate) fn shared_state(session: &mut Session) -> Vec<String> {
    session.lines(
        "select 'database ' || datname || ' ' || coalesce(datacl::text, '-') || ' ' || \
         coalesce(shobj_description(oid, 'pg_database'), '-') from pg_database
         union all select 'role ' || r::text from pg_roles r
         union all select 'member ' || m::text from pg_auth_members m
         union all select 'setting ' || s::text from pg_db_role_setting s
         union all select 'slot ' || slot_name from pg_replication_slots order by 1",
    )
}

#[test]
fn what_is_in_the_way_beside_the_target_is_told_with_the_grant() {
    let (_server, database) = target();
    let project = Project::one_phase().migration("V1__t", "create table t ();");
    let plan = |words: &str| Evmig::new(&project, &format!("plan {words}")).on(&database);
    let output = plan("--shadow target").run().exits(5);
    for part in [
        "shadow-may-not-create",
        &format!("alter role \"{}\" createdb;", database.user),
        "--shadow embedded",
        "--level sql",
    ] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
    allow(&database);
    let pooler = Pgbouncer::start(&database, PoolMode::Session);
    let output = Evmig::new(&project, "plan --shadow target")
        .on(&pooler.target(&database))
        .run()
        .exits(5);
    assert!(
        output.stderr.contains("shadow-not-on-target"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("which leads to the databases"));
    // A protected environment is asked about, as where the files run on it.
    let manifest = project.read("phases.toml");
    project.write(
        "phases.toml",
        format!("{manifest}\n[environments.live]\nurl_env = \"LIVE\"\nprotected = true\n"),
    );
    let live = |words: &str| {
        Evmig::new(&project, &format!("plan --env live {words}"))
            .knowing(&database)
            .env("LIVE", database.url())
    };
    let output = live("--shadow target").run().exits(5);
    assert!(
        output.stderr.contains("error[protected]"),
        "{}",
        output.stderr
    );
    live("--shadow target --yes").run().succeeds();
    // Nor is it enough to call it by its URL.
    let by_url = |words: &str| live(words).arg("--shadow").arg(database.url());
    let output = by_url("").run().exits(5);
    assert!(output.stderr.contains("is protected"), "{}", output.stderr);
    by_url("--yes").run().succeeds();
    // A flag that would do nothing is refused, and a slip of the pen is not a database's name.
    let output = plan("--shadow target --level sql").run().exits(2);
    assert!(
        output.stderr.contains("shadow-not-used"),
        "{}",
        output.stderr
    );
    let output = plan("--shadow targt").run().exits(2);
    assert!(
        output.stderr.contains("bad-shadow-url"),
        "{}",
        output.stderr
    );
}

#[test]
fn beside_the_target_nothing_that_its_databases_share_is_touched() {
    let server = Server::private(&Options::new(15).set("wal_level", "logical"));
    let database = server.database(Shape::Plain, Role::Superuser);
    let mut admin = Session::connect(&database.admin());
    admin.execute("create role app");
    let name = &database.database;
    for sql in [
        format!("grant connect on database {name} to app;"),
        format!("comment on database {name} is 'changed';"),
        "alter role app set work_mem = '8MB';".to_owned(),
        "comment on role app is 'changed';".to_owned(),
        "grant pg_monitor to app;".to_owned(),
        "do $$ begin execute format('grant %I to %I', 'pg_monitor', 'app'); end $$;".to_owned(),
        "create function f() returns void language plpgsql as \
         $$ begin create role made; end $$;\nselect f();"
            .to_owned(),
        "select pg_create_logical_replication_slot('s', 'test_decoding');".to_owned(),
        "drop owned by app;".to_owned(),
    ] {
        let project = Project::one_phase().migration("V1__shared", &sql);
        let before = shared_state(&mut admin);
        let output = Evmig::new(&project, "plan --shadow target")
            .on(&database)
            .run()
            .exits(5);
        assert!(
            output.stderr.contains("shadow-shares-server"),
            "{sql}: {}",
            output.stderr
        );
        assert_eq!(shared_state(&mut admin), before, "{sql}");
    }
    // What only sounds like it is tried.
    let project = Project::one_phase().migration(
        "V1__own",
        "create table role (database text);\ngrant select on role to app;\n\
         create function user_name() returns text language sql as 'select ''grant''';",
    );
    Evmig::new(&project, "plan --shadow target")
        .on(&database)
        .run()
        .succeeds();
}

#[test]
fn beside_the_target_no_function_of_it_is_run_that_changes_what_is_shared() {
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Superuser);
    let mut admin = Session::connect(&database.admin());
    let project = Project::one_phase().migration(
        "V1__t",
        "create table t (id int primary key);\ncreate table part (t int references t);\n\
         create view seen as select id from t;",
    );
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    // By hand: what the history has made was looked at when it was a file.
    database.execute(
        "create function make_role() returns int language plpgsql as 'begin create role made; return 1; end'; \
         create function on_part() returns trigger language plpgsql as 'begin perform make_role(); return new; end'; \
         create trigger audit before insert on part for each row execute function on_part(); \
         create function run(what text) returns void language plpgsql as 'begin execute what; end'; \
         create function harmless() returns int language sql as 'select 1'",
    );
    for (sql, function) in [
        ("select make_role();", "make_role"),
        (
            "create table u (id int default \"make_role\"());",
            "make_role",
        ),
        ("insert into part values (null);", "on_part"),
        ("select 1;\ndelete from seen;", "on_part"),
        ("select run('create ' || 'role made');", "run"),
        (
            "do $$ begin execute 'select make_' || 'role()'; end $$;",
            "make_role",
        ),
    ] {
        let project = Project::one_phase().migration(
            "V1__t",
            &project.read("migrations/1_core/1_tables/V1__t.sql"),
        );
        let project = project.migration("V2__runs", sql);
        let before = shared_state(&mut admin);
        let output = Evmig::new(&project, "plan --shadow target")
            .on(&database)
            .run()
            .exits(5);
        assert!(
            output.stderr.contains("error[shadow-shares-server]")
                && output.stderr.contains(&format!("may run {function},")),
            "{sql}: {}",
            output.stderr
        );
        assert_eq!(shared_state(&mut admin), before, "{sql}");
    }
    // What runs none of them is tried, as long as none runs by itself.
    let project = project.migration(
        "V2__runs",
        "create table v (id int);\nselect harmless();\nselect run('select 1');",
    );
    let plan = Evmig::new(&project, "plan --shadow target").on(&database);
    plan.run().succeeds();
    database.execute(
        "create function on_change() returns event_trigger language plpgsql as 'begin perform make_role(); end'; \
         create event trigger on_change on ddl_command_end execute function on_change()",
    );
    let plan = Evmig::new(&project, "plan --shadow target").on(&database);
    let output = plan.run().exits(5);
    assert!(
        output.stderr.contains("may run on_change,"),
        "{}",
        output.stderr
    );
}

/// A dry run that sleeps after it has made something.
fn sleeping(database: &Database, flags: &str, sql: &str) -> Running {
    let project = Project::one_phase().migration("V1__slow", sql);
    let running = Evmig::new(&project, &format!("plan {flags}"))
        .on(database)
        .spawn();
    let mut admin = Session::connect(&database.server().admin("postgres"));
    let sleeps = "select count(*) from pg_stat_activity where query like '%pg_sleep(%' \
                  and pid <> pg_backend_pid()";
    wait_until(&mut admin, sleeps, "1");
    running
}

#[test]
fn what_a_killed_run_has_left_beside_the_target_goes_with_the_next() {
    let (server, database) = target();
    allow(&database);
    let killed = sleeping(&database, "--shadow target", "select pg_sleep(30);");
    let mut admin = Session::connect(&server.admin("postgres"));
    assert_eq!(admin.value(SHADOWS), "1");
    killed.signal(Signal::SIGKILL);
    drop(killed.finish(Duration::from_secs(10)));
    wait_until(&mut admin, KEEPERS, "0");
    assert_eq!(admin.value(SHADOWS), "1");
    let project = Project::one_phase().migration("V1__t", "create table t ();");
    Evmig::new(&project, "plan --shadow target")
        .on(&database)
        .run()
        .succeeds();
    assert_eq!(admin.value(SHADOWS), "0");
}

#[test]
fn two_dry_runs_on_one_server_do_not_meet_each_others_roles() {
    let server = Server::private(&Options::new(15));
    let here = server.database(Shape::Plain, Role::Superuser);
    let elsewhere = Server::shared(15, Shape::Plain);
    let database = elsewhere.database(Shape::Plain, Role::Superuser);
    let mut admin = Session::connect(&server.admin("postgres"));
    // The first goes on once this role is gone.
    admin.execute("create role gate");
    let slow = Project::one_phase().migration(
        "V1__slow",
        "create role of_both;\ncreate table t ();\ndo $$ begin \
         while exists (select from pg_roles where rolname = 'gate') loop perform pg_sleep(0.02); \
         end loop; end $$;\ngrant select on t to of_both;",
    );
    let quick = Project::one_phase().migration(
        "V1__quick",
        "create role of_both;\ncreate table t ();\ngrant select on t to of_both;",
    );
    // The URLs name different databases of the server: what keeps the runs apart must not be one of them.
    let (url, other_url) = (server.admin("postgres").url(), here.url());
    let first = Evmig::new(&slow, "plan")
        .on(&database)
        .knowing(&here)
        .arg("--shadow")
        .arg(&url)
        .spawn();
    let waits = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
    wait_until(&mut admin, waits, "1");
    let second = |words: &str| {
        Evmig::new(&quick, &format!("plan {words}"))
            .on(&database)
            .knowing(&here)
            .arg("--shadow-url")
            .arg(&other_url)
    };
    // Who does not want to wait is told who is at work.
    let output = second("--wait 600ms").run().exits(6);
    for part in ["shadow-busy", "evmig-shadow ", "--level sql"] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
    let second = second("").spawn();
    second.wait_for("waiting-for-dry-run", Duration::from_secs(20));
    admin.execute("drop role gate");
    first.finish(Duration::from_secs(30)).succeeds();
    second.finish(Duration::from_secs(30)).succeeds();
    let left = "select count(*) from pg_roles where rolname = 'of_both'";
    assert_eq!(admin.value(left), "0");
    assert_eq!(admin.value(SHADOWS), "0");
}

#[test]
fn two_comparisons_on_one_server_take_turns() {
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Superuser);
    let mut admin = Session::connect(&server.admin("postgres"));
    // The first goes on once this role is gone.
    admin.execute("create role gate");
    let project = |sql: &str| Project::one_phase().migration("V1__t", sql);
    let slow = project(
        "do $$ begin while exists (select from pg_roles where rolname = 'gate') loop \
         perform pg_sleep(0.02); end loop; end $$;",
    );
    let quick = project("create table other ();");
    let compares = |project: &Project, words: &str| {
        // A file is of no server: it is not the other side's own that is named.
        Evmig::new(project, "snapshot --out live.json")
            .on(&database)
            .run()
            .succeeds();
        Evmig::new(project, &format!("diff migrations live.json {words}"))
            .knowing(&database)
            .arg("--shadow-url")
            .arg(server.admin("postgres").url())
    };
    let first = compares(&slow, "").spawn();
    let waits = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'";
    wait_until(&mut admin, waits, "1");
    let output = compares(&quick, "--wait 600ms").run().exits(6);
    let again = "diff migrations live.json\n";
    for part in ["shadow-busy", "for all of 0 s", "evmig-shadow ", again] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
    // A comparison has no other levels.
    assert!(!output.stderr.contains("--level"), "{}", output.stderr);
    let second = compares(&quick, "--exit-code").spawn();
    second.wait_for("waiting-for-dry-run", Duration::from_secs(20));
    admin.execute("drop role gate");
    first.finish(Duration::from_secs(30)).succeeds();
    let second = second.finish(Duration::from_secs(30)).exits(4);
    assert!(second.stderr.contains("evmig-shadow "), "{}", second.stderr);
    assert_eq!(admin.value(SHADOWS), "0");
}
