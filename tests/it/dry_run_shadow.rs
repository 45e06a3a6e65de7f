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
fn target(major: u32) -> (Arc<Server>, Database) {
    let server = Server::private(&Options::new(major));
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
fn shared_state(session: &mut Session) -> Vec<String> {
    session.lines(
        "select 'database ' || datname || ' ' || coalesce(datacl::text, '-') || ' ' || \
         coalesce(shobj_description(oid, 'pg_database'), '-') from pg_database
         union all select 'role ' || r::text from pg_roles r
         union all select 'member ' || m::text from pg_auth_members m
         union all select 'setting ' || s::text from pg_db_role_setting s
         union all select 'slot ' || slot_name from pg_replication_slots order by 1",
    )
}

/// What must hold inside of a throw-away database that is beside its target; the file fails where it does not.
const INSIDE: &str = r"
do $$
declare here pg_database; target pg_database;
begin
  select * into here from pg_database where datname = current_database();
  select * into target from pg_database where datname = 'TARGET';
  if here.datname not like 'evmig\_shadow\_%' then raise 'it is %', here.datname; end if;
  if here.datdba <> target.datdba then raise 'it belongs to %', here.datdba::regrole; end if;
  if (here.datcollate, here.datctype, here.encoding)
    is distinct from (target.datcollate, target.datctype, target.encoding)
  then raise 'it sorts by % and %', here.datcollate, here.datctype; end if;
  if to_jsonb(here) ->> 'datlocprovider' is distinct from to_jsonb(target) ->> 'datlocprovider'
    or to_jsonb(here) ->> 'datlocale' is distinct from to_jsonb(target) ->> 'datlocale'
    or to_jsonb(here) ->> 'daticulocale' is distinct from to_jsonb(target) ->> 'daticulocale'
  then raise 'its locale is %', to_jsonb(here); end if;
  if has_database_privilege('public', here.oid, 'connect') then raise 'all may connect'; end if;
  if shobj_description(here.oid, 'pg_database') not like '%may be dropped' then raise 'no comment'; end if;
end $$;";

#[test]
fn beside_the_target_a_database_is_like_it_and_does_not_stay() {
    for (major, locale) in [
        (14, "lc_collate 'POSIX' lc_ctype 'C'"),
        (15, "lc_collate 'POSIX' lc_ctype 'C'"),
        (
            17,
            "locale_provider builtin builtin_locale 'C.UTF-8' lc_collate 'POSIX' lc_ctype 'C'",
        ),
    ] {
        let (_server, database) = target(major);
        allow(&database);
        let mut admin = Session::connect(&database.admin());
        let name = format!("like_{major}");
        let owner = &database.user;
        admin.execute(&format!(
            "create database {name} owner {owner} template template0 encoding 'UTF8' {locale}"
        ));
        let url = database.url().replace(&database.database, &name);
        let project = Project::one_phase()
            .migration("V1__t", "create table t (id int primary key, a int);")
            .migration("V2__inside", &INSIDE.replace("TARGET", &name))
            .migration("V3__wide", "alter table t alter column a type bigint;");
        let evmig = |words: &str| {
            Evmig::new(&project, words)
                .knowing(&database)
                .env("DATABASE_URL", url.clone())
        };
        evmig("apply --to 1").run().succeeds();
        let before = shared_state(&mut admin);
        let report = evmig("plan --shadow target --format json")
            .run()
            .succeeds()
            .json();
        assert_eq!(report["error"], serde_json::Value::Null);
        assert_eq!(report["forecast"], "would_apply");
        assert_eq!(report["before"]["proven"], true, "{}", report["before"]);
        assert_eq!(report["shadow"]["place"], "target");
        assert_eq!(report["shadow"]["on_targets_server"], true);
        assert_eq!(
            report["migrations"][1]["statements"][0]["work"][0]["work"],
            "rewrite"
        );
        assert_eq!(shared_state(&mut admin), before);
        let shown = evmig("plan --shadow target").run().succeeds();
        assert!(
            shown.stdout.contains("(the target's own"),
            "{}",
            shown.stdout
        );
    }
}

#[test]
fn what_is_in_the_way_beside_the_target_is_told_with_the_grant() {
    let (_server, database) = target(15);
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
    let (server, database) = target(15);
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
