//! The database that a dry run keeps for the next: the same facts, sooner; gone once anything is another.

use std::fs;

use serde_json::Value;

use super::harness::{Evmig, Options, Project, Role, Server, Shape, Target};

/// A file that takes long enough to be worth keeping, and a file that is pending after it. A role of its own shows
/// whether what the copy leans on is kept as well. A dump has no rows.
fn project() -> Project {
    Project::one_phase()
        .migration(
            "V1__t",
            "create table t (id int primary key, a int);\n\
             insert into t select n, n from generate_series(1, 1000) n;\n\
             grant select on t to kept_reader;\n\
             create sequence s;\n\
             select setval('s', 41);\n\
             select pg_sleep(0.4);",
        )
        .migration(
            "V2__wide",
            "alter table t alter column a type bigint;\n\
             do $$ begin assert (select count(*) from t) = 0 or nextval('s') = 42; end $$;",
        )
        .migration(
            "V3__role",
            "alter role kept_reader createdb;\nselect pg_sleep(0.4);",
        )
        .migration(
            "V4__setting",
            "do $$ begin execute format('alter database %I set work_mem = ''5MB''', current_database()); end $$;",
        )
        .migration("V5__next", "select 1;")
}

/// A dry run up to a version, with the server that lives in another command's home.
fn plan(project: &Project, to: u32, target: &Target, home: &Evmig) -> Value {
    plan_to(project, &format!("plan --to {to}"), target, home)
}

fn plan_to(project: &Project, words: &str, target: &Target, home: &Evmig) -> Value {
    let command = Evmig::new(project, &format!("{words} --format json"));
    let command = command.on(target).embedded(15).home_of(home);
    command.run().succeeds().json()
}

fn kept(report: &Value) -> bool {
    assert_eq!(report["forecast"], "would_apply", "{report:#}");
    assert_eq!(report["before"]["proven"], true, "{}", report["before"]);
    report["before"]["kept"].as_bool().unwrap()
}

#[test]
fn applied_files_run_once_for_all_dry_runs_until_something_is_another() {
    let server = Server::private(&Options::new(15));
    let project = project();
    let database = server.database(Shape::Plain, Role::Superuser);
    let apply = |to: &str| {
        let command = Evmig::new(&project, &format!("apply --to {to}"));
        command.on(&database).run().succeeds();
    };
    database.execute("create role kept_reader");
    apply("1");
    let home = Evmig::new(&project, "plan");
    let again = || plan(&project, 2, &database, &home);
    let before = again();
    assert!(!kept(&before));
    let after = again();
    assert!(kept(&after), "{}", after["before"]);
    for part in ["fingerprint", "changes", "access", "unproved", "findings"] {
        assert_eq!(before[part], after[part], "{part}");
    }
    for part in ["relation", "mode", "blocks", "migration"] {
        let all = |report: &Value| -> Vec<Value> {
            let locks = report["locks"].as_array().unwrap();
            locks.iter().map(|lock| lock[part].clone()).collect()
        };
        assert_eq!(all(&before), all(&after), "{part}");
        assert!(!all(&before).is_empty());
    }

    // A role more on the target: the files might ask for it.
    database.execute("create role kept_other");
    assert!(!kept(&again()));
    assert!(kept(&again()));

    // What a pending file does to a role outlives its database, and is not there for the next.
    assert!(kept(&plan(&project, 3, &database, &home)));
    assert!(!kept(&again()));

    // Nor where the database that is kept is that of the applied files alone.
    assert!(kept(&again()));
    let path = "migrations/1_core/1_tables/V2__wide.sql";
    let text = fs::read_to_string(project.path(path)).unwrap();
    project.write(path, "alter role kept_reader createrole;");
    assert!(kept(&again()));
    project.write(path, &text);
    assert!(!kept(&again()));

    // Drift is drift, whatever the files led to.
    assert!(kept(&again()));
    database.execute("alter table t add column by_hand int");
    let drifted = again();
    assert_ne!(
        drifted["before"]["origin"], "history",
        "{}",
        drifted["before"]
    );
    database.execute("alter table t drop column by_hand");

    // Another history.
    apply("2");
    let report = plan(&project, 3, &database, &home);
    assert_eq!(report["before"]["replayed"], 2, "{}", report["before"]);
    assert!(!kept(&report));

    // A copy would not have the database's own settings: all runs again, unless it is all the same.
    apply("4");
    for text in ["select 2;", "select 3;"] {
        project.write("migrations/1_core/1_tables/V5__next.sql", text);
        let report = plan(&project, 5, &database, &home);
        assert_eq!(report["before"]["kept"], false, "{}", report["before"]);
    }
    let report = plan(&project, 5, &database, &home);
    assert_eq!(report["remembered"]["migrations"], 1, "{report:#}");
}

/// Files whose first one leaves the moment at which it ran, so that a fingerprint says whether it ran again.
fn pending() -> Project {
    Project::one_phase()
        .migration(
            "V1__t",
            "create table t (id int primary key, a int);\n\
             insert into t select n, n from generate_series(1, 1000) n;\n\
             do $$ begin execute format('comment on table t is %L', clock_timestamp()); end $$;\n\
             create role remembered_reader;\n\
             grant select on t to remembered_reader;\n\
             create sequence s;\n\
             select setval('s', 41);\n\
             select pg_sleep(0.4);",
        )
        .migration(
            "V2__wide",
            "alter table t alter column a type bigint;\ncreate view v as select a from t;",
        )
        .migration(
            "V3__last",
            "do $$ begin assert nextval('s') = 42 and (select count(*) from t) = 1000; end $$;\n\
             create index concurrently t_a on t (a);",
        )
}

fn remembered(report: &Value) -> Option<u64> {
    report["remembered"]["migrations"].as_u64()
}

#[test]
fn pending_files_run_once_for_all_dry_runs_until_something_is_another() {
    let server = Server::private(&Options::new(15));
    let project = pending();
    let database = server.database(Shape::Plain, Role::Superuser);
    let home = Evmig::new(&project, "plan");
    let planned = |words: &str| {
        let command = Evmig::new(&project, &format!("plan {words} --format json"));
        command
            .on(&database)
            .embedded(15)
            .home_of(&home)
            .run()
            .json()
    };
    let after = |report: &Value| report["fingerprint"]["after"].clone();
    let first = planned("");
    assert_eq!(first["forecast"], "would_apply", "{first:#}");
    assert_eq!(remembered(&first), None);

    // The same again: everything is from the first.
    let second = planned("");
    assert_eq!(remembered(&second), Some(3), "{:#}", second["remembered"]);
    for part in [
        "forecast",
        "fingerprint",
        "before",
        "changes",
        "access",
        "locks",
        "migrations",
        "unproved",
        "findings",
    ] {
        assert_eq!(first[part], second[part], "{part}");
    }

    // Another end: from the beginning, and kept before it; then from there on.
    let edit = |text: &str| project.write("migrations/1_core/1_tables/V3__last.sql", text);
    edit("do $$ begin assert nextval('s') = 42; end $$;\ncreate table one ();");
    let edited = planned("");
    assert_eq!(
        (edited["forecast"].as_str(), remembered(&edited)),
        (Some("would_apply"), None)
    );
    assert_ne!(after(&edited), after(&first));
    edit("do $$ begin assert nextval('s') = 42; end $$;\ncreate table two ();");
    let resumed = planned("");
    assert_eq!(remembered(&resumed), Some(2), "{:#}", resumed["remembered"]);
    let names = |report: &Value| {
        let all = report["changes"].as_array().unwrap().clone();
        all.into_iter()
            .map(|one| one["object"].clone())
            .collect::<Vec<_>>()
    };
    assert!(
        names(&resumed)
            .iter()
            .any(|name| name == "table public.two"),
        "{:?}",
        names(&resumed)
    );
    assert!(
        !names(&resumed)
            .iter()
            .any(|name| name == "table public.one")
    );
    assert_eq!(names(&resumed).len(), names(&edited).len());

    // What fails is not taken for run; what was there before it is.
    edit("create table two ();\nselect pg_sleep(0.3);\nselect 1 / 0;");
    for _ in 0..2 {
        let failing = planned("");
        assert_eq!(failing["forecast"], "would_fail");
        assert_eq!(remembered(&failing), Some(2));
    }
    edit("create table two ();");
    let mended = planned("");
    assert_eq!(
        (mended["forecast"].as_str(), remembered(&mended)),
        (Some("would_apply"), Some(2))
    );

    // Asked for, all of it runs, and that is what is known from then on.
    let fresh = planned("--fresh");
    assert_eq!(remembered(&fresh), None);
    assert_ne!(after(&fresh), after(&mended));
    let again = planned("");
    assert_eq!(remembered(&again), Some(3));
    assert_eq!(after(&again), after(&fresh));

    // Another role, another state by hand.
    database.execute("create role remembered_other");
    assert_eq!(remembered(&planned("")), None);
    assert_eq!(remembered(&planned("")), Some(3));
    database.execute("create table by_hand ()");
    let drifted = planned("");
    assert_eq!(remembered(&drifted), None);
    assert_eq!(drifted["before"]["proven"], true, "{:#}", drifted["before"]);
    database.execute("drop table by_hand");

    // A file that has been applied is no pending one; when it ran is another moment than that of the likeness.
    let command = Evmig::new(&project, "apply --to 1");
    command.on(&database).run().succeeds();
    let rest = planned("");
    assert_eq!(rest["before"]["origin"], "dump", "{:#}", rest["before"]);
    assert_eq!(remembered(&rest), None);
}

#[test]
fn a_plan_of_what_ran_in_an_earlier_dry_run_predicts_as_well() {
    let server = Server::private(&Options::new(15));
    let project = project();
    let database = server.database(Shape::Plain, Role::Superuser);
    database.execute("create role kept_reader");
    let home = Evmig::new(&project, "plan");
    let before = plan(&project, 2, &database, &home);
    assert_eq!(remembered(&before), None);
    let written = plan_to(&project, "plan --to 2 --out deploy.plan", &database, &home);
    assert_eq!(remembered(&written), Some(2), "{written:#}");
    let applying = Evmig::new(&project, "apply --plan deploy.plan --format json");
    let applied = applying.on(&database).run().succeeds().json();
    assert_eq!(applied["plan"]["result"], "as_predicted", "{applied:#}");

    // What has been applied since is what it was predicted to be: nothing runs again to know that.
    let next = plan(&project, 3, &database, &home);
    assert_eq!(next["before"]["replayed"], 2, "{}", next["before"]);
    assert!(kept(&next), "{}", next["before"]);
}
