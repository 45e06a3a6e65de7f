//! Files that cannot run in one transaction: what they wait for, what they leave when they are
//! stopped anywhere, and where they go on.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::harness::project::ONE_PHASE;
use super::harness::{Database, Evmig, Holder, Output, Project, Role, Running, Server, Shape};

const LONG: Duration = Duration::from_mins(2);
const INDEX: &str = "create index concurrently t_x on t (x);\n";

/// A project with a `lock_timeout` far below the waits of these tests.
fn project(apply: &str, sql: &str) -> Project {
    Project::new(&format!(
        "{ONE_PHASE}\n[apply]\nlock_timeout = \"1s\"\n{apply}\n"
    ))
    .migration("V1__file", sql)
}

/// The counted statement, the given one, the counted statement.
fn between(sql: &str) -> String {
    format!("insert into counter values (1);\n{sql}insert into counter values (3);\n")
}

/// A database of a plain owner with the tables `t`, `other`, `counter`, and `parts` with a partition.
fn database() -> Database {
    database_of(Role::Owner)
}

fn database_of(role: Role) -> Database {
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, role);
    database.session().execute(
        "create table t (id int, x int, note text);
         insert into t select n, n, repeat('x', 9000) from generate_series(1, 50) n;
         create table other (id int);
         create table counter (n int);
         create table parts (id int) partition by range (id);
         create table part1 partition of parts for values from (0) to (10);
         create table part2 partition of parts for values from (10) to (20);
         insert into parts values (1), (11)",
    );
    database
}

fn apply(project: &Project, database: &Database) -> Evmig {
    Evmig::new(project, "apply --yes").on(database)
}

/// `index` of each index of `t` and of its TOAST table, with `INVALID` where it is.
fn indexes(database: &Database) -> Vec<String> {
    database.lines(
        "select c.relname || case when i.indisvalid and i.indisready then '' else ' INVALID' end
         from pg_index i join pg_class c on c.oid = i.indexrelid
         where i.indrelid = 't'::regclass or not i.indisvalid order by 1",
    )
}

fn counter(database: &Database) -> Vec<String> {
    database.lines("select n from counter order by n")
}

/// `position state` of each row of the journal.
fn journal(database: &Database) -> Vec<String> {
    database.lines("select position || ' ' || state from evmig.statement order by seq")
}

fn wait_until(database: &Database, what: &str, query: &str) {
    let started = Instant::now();
    let mut session = super::harness::Session::connect(&database.admin());
    while session.value(query) != "t" {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "not within 30 s: {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Kills evmig and waits until the server has noticed.
fn kill(running: Running, database: &Database) {
    running.signal(Signal::SIGKILL);
    running.finish(LONG).exits(137);
    wait_until(
        database,
        "the orphan ends",
        "select count(*) = 0 from pg_stat_activity where datname = current_database()
         and application_name like 'evmig/%'",
    );
}

/// Starts a run and waits until its statement waits for the holder.
fn stuck(project: &Project, database: &Database, holder: &Holder) -> Running {
    let running = apply(project, database).spawn();
    wait_until(
        database,
        "it waits for the holder",
        &format!(
            "select exists (select from pg_stat_activity where application_name like 'evmig/% run=%'
             and datname = current_database() and {} = any(pg_blocking_pids(pid)))",
            holder.pid()
        ),
    );
    running
}

fn saying(output: &Output, words: &[&str]) {
    for words in words {
        assert!(output.stderr.contains(words), "{words}\n{}", output.stderr);
    }
}

/// B49: `lock_timeout` would count the wait for a snapshot that has nothing to do with the table.
#[test]
fn an_old_snapshot_elsewhere_is_waited_for_and_named() {
    let (project, database) = (project("", INDEX), database());
    let holder = Holder::transaction(
        &database,
        "set transaction isolation level repeatable read; select * from other",
        LONG,
    );
    let running = stuck(&project, &database, &holder);
    let said = running.wait_for("waiting for old snapshots", Duration::from_secs(20));
    assert!(said.contains(&format!("pid {}", holder.pid())), "{said}");
    // Well beyond the lock_timeout.
    wait_until(
        &database,
        "it has waited for 2.5 s",
        "select exists (select from pg_stat_activity where datname = current_database()
         and query like 'create index concurrently%'
         and clock_timestamp() - query_start > interval '2.5 s')",
    );
    holder.release();
    let output = running.finish(LONG).succeeds();
    assert!(!output.stderr.contains("55P03"), "{}", output.stderr);
    assert_eq!(indexes(&database), ["t_x"]);
    eprintln!("{}", output.stderr);
}

#[test]
fn a_unique_violation_leaves_no_index_and_the_file_goes_on_once_the_rows_are_mended() {
    for (before, exit) in [("", 1), ("insert into counter values (1);\n", 3)] {
        let sql = format!("{before}create unique index concurrently t_note on t (note);\n");
        let (project, database) = (project("", &sql), database());
        let output = apply(&project, &database).run().exits(exit);
        saying(&output, &["23505", "V1__file.sql"]);
        assert_eq!(indexes(&database), Vec::<String>::new());
        let failed = if exit == 1 {
            vec!["0 intent", "0 failed"]
        } else {
            vec!["0 done", "1 intent", "1 failed"]
        };
        assert_eq!(journal(&database), failed);
        database.execute("update t set note = id");
        apply(&project, &database).run().succeeds();
        assert_eq!(indexes(&database), ["t_note"]);
        assert_eq!(counter(&database).len(), usize::from(exit == 3));
    }
}

#[test]
fn a_used_up_budget_leaves_no_index() {
    let (project, database) = (project("concurrent_budget = \"1s\"", INDEX), database());
    let holder = Holder::snapshot(&database, LONG);
    let output = apply(&project, &database).run().exits(6);
    saying(
        &output,
        &[
            "took longer than 1 s",
            &format!("pid {}", holder.pid()),
            "dropped the INVALID index public.t_x",
        ],
    );
    assert_eq!(indexes(&database), Vec::<String>::new());
    drop(holder);
    apply(&project, &database).run().succeeds();
    assert_eq!(indexes(&database), ["t_x"]);
}

#[test]
fn a_signal_leaves_no_index() {
    let (project, database) = (project("", &between(INDEX)), database());
    let holder = Holder::snapshot(&database, LONG);
    let running = stuck(&project, &database, &holder);
    running.signal(Signal::SIGTERM);
    let output = running.finish(Duration::from_secs(20)).exits(130);
    assert_eq!(indexes(&database), Vec::<String>::new());
    saying(&output, &["the first statement of V1__file"]);
    drop(holder);
    let output = apply(&project, &database).run().succeeds();
    saying(&output, &["resumes at statement 2 of 3"]);
    assert_eq!(indexes(&database), ["t_x"]);
    assert_eq!(counter(&database), ["1", "3"]);
}

/// Dropping waits for who uses the table: for the very session that the build waits for. Nobody
/// who pressed Ctrl-C should wait for it as well.
#[test]
fn a_signal_is_obeyed_even_where_the_index_cannot_be_dropped() {
    let (project, database) = (project("", INDEX), database());
    let holder = Holder::transaction(
        &database,
        "set transaction isolation level repeatable read; select * from t",
        LONG,
    );
    let running = stuck(&project, &database, &holder);
    let started = Instant::now();
    running.signal(Signal::SIGTERM);
    let output = running.finish(Duration::from_secs(20)).exits(130);
    eprintln!("a signal with the table in use: {:?}", started.elapsed());
    saying(&output, &["public.t_x is INVALID and could not be dropped"]);
    assert_eq!(indexes(&database), ["t_x INVALID"]);
    drop(holder);
    let output = apply(&project, &database).run().succeeds();
    saying(&output, &["dropped the INVALID index public.t_x"]);
    assert_eq!(indexes(&database), ["t_x"]);
}

/// B2, B50: our own INVALID index goes, and every statement runs exactly once.
#[test]
fn a_killed_build_is_dropped_and_built_again() {
    for (statement, name) in [
        (INDEX, "t_x"),
        (
            "create index concurrently if not exists t_x on t (x);\n",
            "t_x",
        ),
        ("create index concurrently on t (x);\n", "t_x_idx"),
    ] {
        let (project, database) = (project("", &between(statement)), database());
        let holder = Holder::snapshot(&database, LONG);
        kill(stuck(&project, &database, &holder), &database);
        assert_eq!(indexes(&database), [format!("{name} INVALID")]);
        assert_eq!(counter(&database), ["1"]);
        drop(holder);
        let output = apply(&project, &database).run().succeeds();
        let dropped = format!("dropped the INVALID index public.{name} ");
        saying(&output, &["resumes at statement 2 of 3", &dropped]);
        assert_eq!(indexes(&database), [name]);
        assert_eq!(counter(&database), ["1", "3"]);
        apply(&project, &database).run().succeeds();
        assert_eq!(counter(&database), ["1", "3"]);
    }
}

#[test]
fn an_invalid_index_of_somebody_else_is_refused_by_name_and_stays() {
    for (before, exit) in [("", 1), ("insert into counter values (1);\n", 3)] {
        let sql = format!("{before}create index concurrently if not exists t_x on t (x);\n");
        let (project, database) = (project("", &sql), database());
        database.execute("update t set x = 1");
        let state = database
            .session()
            .sqlstate("create unique index concurrently t_x on t (x)");
        assert_eq!(state, "23505");
        let output = apply(&project, &database).run().exits(exit);
        saying(
            &output,
            &[
                "public.t_x, an INVALID index",
                "drop index concurrently public.t_x",
            ],
        );
        let kept = if exit == 1 {
            "nothing; the database is as it was"
        } else {
            "the first statement of V1__file"
        };
        saying(&output, &[kept]);
        assert_eq!(indexes(&database), ["t_x INVALID"]);
        database.execute("drop index t_x");
        apply(&project, &database).run().succeeds();
        assert_eq!(indexes(&database), ["t_x"]);
    }
}

#[test]
fn dropping_an_index_goes_on_where_it_was_killed() {
    let sql = between("drop index concurrently t_x;\n");
    let (project, database) = (project("", &sql), database());
    database.session().execute("create index t_x on t (x)");
    let holder = Holder::reader(&database, "t", LONG);
    kill(stuck(&project, &database, &holder), &database);
    assert_eq!(indexes(&database), ["t_x INVALID"]);
    drop(holder);
    apply(&project, &database).run().succeeds();
    assert_eq!(indexes(&database), Vec::<String>::new());
    assert_eq!(counter(&database), ["1", "3"]);
}

/// The server had finished the work, and nobody was there to hear it.
#[test]
fn what_happened_before_the_journal_heard_of_it_is_not_done_again() {
    let sql = between("drop index concurrently t_x;\n");
    let (project, database) = (project("", &sql), database());
    database.session().execute("create index t_x on t (x)");
    let holder = Holder::reader(&database, "t", LONG);
    kill(stuck(&project, &database, &holder), &database);
    drop(holder);
    database.execute("drop index t_x");
    let output = apply(&project, &database).run().succeeds();
    saying(
        &output,
        &["statement 2 was done before the interruption: the index is gone"],
    );
    assert_eq!(counter(&database), ["1", "3"]);
}

/// Killed while the new index is built, `_ccnew` is left over; after the swap, `_ccold`.
#[test]
fn reindexing_goes_on_where_it_was_killed_and_leaves_nothing() {
    for statement in [
        "reindex index concurrently t_x;\n",
        "reindex table concurrently t;\n",
        "reindex schema concurrently public;\n",
    ] {
        for (swapped, left, role) in [
            (false, "_ccnew", Role::Owner),
            (true, "_ccold", Role::Owner),
            (false, "_ccnew", Role::Superuser),
            (true, "_ccold", Role::Superuser),
        ] {
            let (project, database) = (project("", &between(statement)), database_of(role));
            database.session().execute("create index t_x on t (x)");
            let holder = if swapped {
                Holder::reader(&database, "t", LONG)
            } else {
                Holder::snapshot(&database, LONG)
            };
            kill(stuck(&project, &database, &holder), &database);
            let found = indexes(&database);
            let case = format!("{statement} {role:?} {found:?}");
            let left = format!("t_x{left}");
            assert!(found.contains(&format!("{left} INVALID")), "{case}");
            drop(holder);
            let output = apply(&project, &database).run().succeeds();
            saying(&output, &["dropped the INVALID index public.", &left]);
            let mut now = indexes(&database);
            // What is stored out of line has its index in a schema that no owner may drop from.
            let toast = now.iter().position(|index| index.starts_with("pg_toast_"));
            if let Some(toast) = toast {
                assert_eq!(role, Role::Owner, "{case}");
                saying(
                    &output,
                    &["this role may not drop it", "a superuser can: drop index"],
                );
                now.remove(toast);
            }
            assert_eq!(now, ["t_x"], "{case}");
            assert_eq!(counter(&database), ["1", "3"], "{case}");
        }
    }
}

#[test]
fn a_partition_that_is_detached_half_way_is_finished() {
    let sql = between("alter table parts detach partition part1 concurrently;\n");
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let (project, database) = (project("", &sql), database());
        let holder = Holder::reader(&database, "parts", LONG);
        let running = stuck(&project, &database, &holder);
        if signal == Signal::SIGKILL {
            kill(running, &database);
        } else {
            running.signal(signal);
            let output = running.finish(LONG).exits(130);
            saying(
                &output,
                &["detached half way", "the first statement of V1__file"],
            );
        }
        let pending = "select inhdetachpending from pg_inherits where inhrelid = 'part1'::regclass";
        assert_eq!(database.value(pending), "t");
        drop(holder);
        apply(&project, &database).run().succeeds();
        assert_eq!(database.lines(pending), Vec::<String>::new());
        assert_eq!(counter(&database), ["1", "3"]);
    }
}

/// Finishing locks the partition against everybody: it tries again like any other statement.
#[test]
fn finishing_a_detaching_has_a_lock_timeout() {
    let sql = between("alter table parts detach partition part1 concurrently;\n");
    let (project, database) = (project("lock_retries = 1", &sql), database());
    let holder = Holder::reader(&database, "parts", LONG);
    kill(stuck(&project, &database, &holder), &database);
    let output = apply(&project, &database).run().exits(3);
    saying(
        &output,
        &[
            "retrying",
            "did not get a lock in 2 tries",
            "the first statement of V1__file",
        ],
    );
    drop(holder);
    apply(&project, &database).run().succeeds();
    assert_eq!(counter(&database), ["1", "3"]);
}

/// A name that is wrong is an error the second time too, not something that has happened.
#[test]
fn what_never_was_there_is_not_taken_for_done() {
    for statement in [
        "drop index concurrently no_such_index;\n",
        "alter table parts detach partition other concurrently;\n",
        "create index concurrently t_x on no_such_table (x);\n",
        "reindex index concurrently no_such_index;\n",
    ] {
        let (project, database) = (project("", &between(statement)), database());
        for _ in 0..2 {
            apply(&project, &database).run().exits(3);
        }
        assert_eq!(counter(&database), ["1"], "{statement}");
    }
}

#[test]
fn a_file_edited_half_way_is_refused() {
    let (project, database) = (project("", &between(INDEX)), database());
    let holder = Holder::snapshot(&database, LONG);
    kill(stuck(&project, &database, &holder), &database);
    drop(holder);
    let file = "migrations/1_core/1_tables/V1__file.sql";
    let original = project.read(file);
    project.write(file, original.replace("values (1)", "values (7)"));
    let output = apply(&project, &database).run().exits(7);
    saying(
        &output,
        &["was edited after its statement 1 ran", "V1__file.sql:1"],
    );
    assert_eq!(counter(&database), ["1"]);
    // What has not run may be changed.
    project.write(file, original.replace("values (3)", "values (8)"));
    apply(&project, &database).run().succeeds();
    assert_eq!(counter(&database), ["1", "8"]);
}

/// B47: a waiter that sat inside `pg_advisory_lock` would hold a snapshot, and the build would wait
/// for it.
#[test]
fn a_second_run_waits_without_a_deadlock() {
    let (project, database) = (project("", INDEX), database());
    let holder = Holder::snapshot(&database, LONG);
    let first = stuck(&project, &database, &holder);
    let second = apply(&project, &database).arg("--wait").arg("60s").spawn();
    second.wait_for("another run is at work", Duration::from_secs(20));
    holder.release();
    let first = first.finish(LONG).succeeds();
    let second = second.finish(LONG).succeeds();
    assert!(!first.stderr.contains("40P01") && !second.stderr.contains("40P01"));
    assert_eq!(indexes(&database), ["t_x"]);
    let run = database.value("select id from evmig.run");
    let said = format!("{}{}", second.stdout, second.stderr);
    assert!(said.contains(&run), "{run}\n{said}");
}

/// An index that somebody else is building at this moment is not ours to drop.
#[test]
fn an_index_that_somebody_else_is_building_is_left_alone() {
    let statement = "create index concurrently on t (x);\n";
    let (project, database) = (project("", &between(statement)), database());
    let first = Holder::snapshot(&database, LONG);
    kill(stuck(&project, &database, &first), &database);
    database.execute("drop index t_x_idx");
    let second = Holder::snapshot(&database, LONG);
    let target = (*database).clone();
    let builder = std::thread::spawn(move || {
        super::harness::Session::connect(&target)
            .execute("create index concurrently theirs on t (id)");
    });
    wait_until(
        &database,
        "theirs waits",
        "select exists (select from pg_class where relname = 'theirs')",
    );
    let running = apply(&project, &database).spawn();
    running.wait_for("theirs", Duration::from_secs(20));
    first.release();
    second.release();
    builder.join().expect("it succeeds");
    let output = running.finish(LONG).succeeds();
    assert!(!output.stderr.contains("dropped"), "{}", output.stderr);
    assert_eq!(indexes(&database), ["t_x_idx", "theirs"]);
}
