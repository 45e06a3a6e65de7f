//! The database that a dry run keeps for the next: the same facts, sooner; gone once anything is another.

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
    let command = Evmig::new(project, &format!("plan --to {to} --format json"));
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

    // A copy would not have the database's own settings.
    apply("4");
    for _ in 0..2 {
        let report = plan(&project, 5, &database, &home);
        assert_eq!(report["before"]["kept"], false, "{}", report["before"]);
    }
}
