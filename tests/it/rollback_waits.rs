//! Locks that others hold, and signals, while a rollback or `evmig kept` is at work: it waits as it should, gives up as
//! it should, and leaves everything as it was.

use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::harness::{Database, Evmig, Holder, Project, Role, Running, Server, Session, Shape};

const LONG: Duration = Duration::from_mins(1);

/// A table with rows and a trigger; the second migration doubles the rows, and `slow` comes first on its way back.
fn begun(slow: &str) -> (Project, Database) {
    let database = Server::shared(17, Shape::Plain).database(Shape::Plain, Role::Owner);
    let project = Project::one_phase()
        .migration(
            "V1__orders",
            "create table orders (id int primary key, n int);\n\
             insert into orders select g, g from generate_series(1, 5) g;\n\
             create function refuse() returns trigger language plpgsql as \
             $$ begin raise exception 'a trigger fired'; end $$;\n\
             create trigger o before delete or update on orders for each row execute function refuse();\n",
        )
        .rollback("V1__orders", "drop table orders; drop function refuse();\n")
        .migration("V2__more", "alter table orders add column more int default 7;\n")
        .rollback(
            "V2__more",
            &format!("update orders set n = n + 100;\n{slow}alter table orders drop column more;\n"),
        );
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    (project, database)
}

/// Rows, columns, the trigger's state, and what the history has of migrations.
fn picture(database: &Database) -> Vec<String> {
    database.lines(
        "select to_jsonb(o)::text from orders o
         union all select tgname || tgenabled::text from pg_trigger where tgname = 'o'
         union all select key || action from evmig.migration
         order by 1",
    )
}

fn rollback(project: &Project, database: &Database, words: &str) -> Evmig {
    Evmig::new(
        project,
        &format!("rollback --last 1 --yes --lock-timeout 200ms {words}"),
    )
    .on(database)
    .within(LONG)
}

/// Waits until evmig's session on a database is where `condition` says.
#[track_caller]
fn until(database: &Database, condition: &str) {
    let mut session = Session::connect(&database.admin());
    let asked = format!(
        "select count(*) from pg_stat_activity where datname = current_database()
         and application_name like 'evmig%' and application_name <> 'evmig-test' and {condition}"
    );
    for _ in 0..800 {
        if session.value(&asked) != "0" {
            return;
        }
        sleep(Duration::from_millis(25));
    }
    panic!("never: {condition}");
}

/// Signals a run that is where `condition` says, and holds what it left against what was there before.
#[track_caller]
fn interrupted(
    database: &Database,
    running: Running,
    condition: &str,
    signal: Signal,
    before: &[String],
) {
    until(database, condition);
    running.signal(signal);
    let output = running.finish(Duration::from_secs(20)).exits(130);
    assert!(output.stderr.contains("interrupted"), "{}", output.stderr);
    assert_eq!(picture(database), before);
}

#[test]
fn a_rollback_waits_for_a_reader_and_names_him() {
    let (project, database) = begun("");
    let holder = Holder::reader(&database, "orders", LONG);
    let running = rollback(&project, &database, "--lock-retries 50 --format json").spawn();
    let said = running.wait_for("retry 2 of 50", LONG);
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains(&format!("pid {}", holder.pid())), "{said}");
    assert!(said.contains("holds public.orders"), "{said}");
    drop(holder);
    let document = running.finish(LONG).succeeds().json();
    assert!(document["retries"].as_u64() >= Some(2), "{document:#}");
    assert_eq!(document["proof"]["proven"], "yes");
    // Once, however many tries there were.
    assert_eq!(database.value("select sum(n) from orders"), "515");
}

#[test]
fn a_rollback_gives_up_after_its_tries_and_changes_nothing() {
    let (project, database) = begun("");
    let before = picture(&database);
    let holder = Holder::reader(&database, "orders", LONG);
    let document = rollback(&project, &database, "--lock-retries 1 --format json")
        .run()
        .exits(6)
        .json();
    assert_eq!(document["outcome"], "failed", "{document:#}");
    assert_eq!(document["error"]["sqlstate"], "55P03", "{document:#}");
    assert_eq!(document["reverted"], serde_json::json!([]));
    drop(holder);
    assert_eq!(picture(&database), before);
    rollback(&project, &database, "").run().succeeds();
}

#[test]
fn a_deadlock_of_a_rollback_is_tried_again() {
    let (project, database) = begun("lock table other;\n");
    database.session().execute("create table other (id int)");
    let mut session = database.session();
    session.execute("begin; lock table other");
    let running = Evmig::new(&project, "rollback --last 1 --yes --lock-timeout 20s")
        .on(&database)
        .spawn();
    until(&database, "wait_event_type = 'Lock'");
    // Who waits first looks for a deadlock first, and is its victim.
    session.execute("lock table orders; commit");
    let output = running.finish(LONG).succeeds();
    assert!(output.stderr.contains("40P01"), "{}", output.stderr);
    assert_eq!(database.value("select sum(n) from orders"), "515");
}

#[test]
fn a_signal_takes_a_rollback_back_wherever_it_is() {
    let (project, database) = begun("select pg_sleep(0.1);\n");
    let before = picture(&database);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        // It waits for a lock.
        let holder = Holder::reader(&database, "orders", LONG);
        let running = Evmig::new(&project, "rollback --last 1 --yes --lock-timeout 60s")
            .on(&database)
            .spawn();
        interrupted(
            &database,
            running,
            "wait_event_type = 'Lock'",
            signal,
            &before,
        );
        // It waits between two tries.
        let running = rollback(&project, &database, "--lock-retries 500").spawn();
        running.wait_for("retry 1 of 500", LONG);
        interrupted(&database, running, "true", signal, &before);
        drop(holder);
    }
    let (slow, database) = begun("select pg_sleep(60);\n");
    let before = picture(&database);
    let running = rollback(&slow, &database, "").spawn();
    let asleep = "wait_event = 'PgSleep'";
    interrupted(&database, running, asleep, Signal::SIGINT, &before);
    Evmig::new(&slow, "history --verify")
        .on(&database)
        .run()
        .succeeds();
}

#[test]
fn copies_wait_for_locks_and_a_signal_puts_nothing_back() {
    let (project, database) = begun("");
    let run = Evmig::new(
        &project,
        "rollback --last 1 --yes --keep-data --format json",
    )
    .on(&database)
    .run()
    .succeeds()
    .json();
    let name = run["kept"][0]["name"].as_str().unwrap().to_owned();
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    database.session().execute("alter table orders disable trigger o; update orders set more = null; alter table orders enable trigger o");
    let before = picture(&database);
    let kept = |words: &str| {
        Evmig::new(&project, &format!("kept {words} {name}"))
            .on(&database)
            .within(LONG)
    };
    let copies = format!("select count(*) from evmig_kept.\"{name}\"");
    let rows = database.value(&copies);

    // What takes long is ended on the server: no lock has to run into its limit for that.
    database.session().execute(
        "create function slow(int) returns boolean language plpgsql as 'begin perform pg_sleep(60); return true; end';
         alter table orders add constraint slow check (slow(more)) not valid",
    );
    let asleep = "wait_event = 'PgSleep'";
    interrupted(
        &database,
        kept("restore").spawn(),
        asleep,
        Signal::SIGINT,
        &before,
    );
    database
        .session()
        .execute("alter table orders drop constraint slow");

    // A restore is in the way of a writer, and he of it: evmig's own lock timeout is 2 s.
    let holder = Holder::transaction(&database, "update orders set id = id where false", LONG);
    let running = kept("restore").spawn();
    running.wait_for("did not get a lock (try 1)", LONG);
    interrupted(&database, running, "true", Signal::SIGINT, &before);
    let running = kept("restore").spawn();
    let said = running.wait_for("did not get a lock (try 1)", LONG);
    assert!(said.contains(&format!("pid {}", holder.pid())), "{said}");
    drop(holder);
    running.finish(LONG).succeeds();
    assert_eq!(
        database.value("select count(*) from orders where more = 7"),
        "5"
    );
    // The trigger that was off meanwhile would have refused.
    let state = "select tgenabled::text from pg_trigger where tgname = 'o'";
    assert_eq!(database.value(state), "O");

    let holder = Holder::transaction(&database, &copies, LONG);
    let running = kept("drop").spawn();
    interrupted(
        &database,
        running,
        "wait_event_type = 'Lock'",
        Signal::SIGTERM,
        &picture(&database),
    );
    assert_eq!(database.value(&copies), rows);
    drop(holder);
    kept("drop").run().succeeds();
    assert_eq!(
        database.value(&format!("select to_regclass('evmig_kept.\"{name}\"')")),
        "NULL"
    );
}
