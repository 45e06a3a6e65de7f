//! Lock waits: who stands behind us, how often we try, what is said, and when we give up.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::harness::project::ONE_PHASE;
use super::harness::{
    Database, Evmig, Holder, Options, Output, Project, Role, Server, Session, Shape, Target,
};

const LONG: Duration = Duration::from_mins(2);

/// A project with this `[apply]` section.
fn project(apply: &str) -> Project {
    Project::new(&format!("{ONE_PHASE}\n[apply]\n{apply}\n"))
}

fn database() -> Database {
    Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner)
}

fn apply(project: &Project, database: &Database) -> Evmig {
    Evmig::new(project, "apply --yes").on(database)
}

/// Somebody who only wants to read, again and again.
struct Bystander {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Duration>,
}

impl Bystander {
    fn reading(target: &Target, query: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (told, target, query) = (Arc::clone(&stop), target.clone(), query.to_owned());
        let thread = std::thread::spawn(move || {
            let mut session = Session::connect(&target);
            let mut longest = Duration::ZERO;
            while !told.load(Ordering::Relaxed) {
                let started = Instant::now();
                session.execute(&query);
                longest = longest.max(started.elapsed());
                std::thread::sleep(Duration::from_millis(20));
            }
            longest
        });
        Self { stop, thread }
    }

    /// Ends it; returns the longest time that one read took.
    fn longest(self) -> Duration {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("every read succeeds")
    }
}

fn tries(output: &Output) -> usize {
    output.stderr.matches("retrying: ").count()
}

/// B48, I9: the queue behind a waiting ALTER TABLE is what takes sites down.
#[test]
fn a_reader_of_30_seconds_is_waited_for_without_shutting_out_the_others() {
    let project = project("lock_timeout = \"1s\"").migration(
        "V1__column",
        "alter table t add column note text;\ninsert into counter values (1);\n",
    );
    let database = database();
    database
        .session()
        .execute("create table t (id int); insert into t values (1); create table counter (n int)");
    let bystander = Bystander::reading(&database, "select * from t");
    let held = Duration::from_secs(30);
    let started = Instant::now();
    let holder = Holder::reader(&database, "t", held);
    let output = apply(&project, &database).within(LONG).run().succeeds();
    let took = started.elapsed();
    let longest = bystander.longest();
    eprintln!(
        "30 s reader: applied after {took:?}, {} tries failed, others blocked {longest:?} at most",
        tries(&output)
    );
    assert!(
        longest <= Duration::from_millis(1200),
        "blocked for {longest:?}"
    );
    assert!(took >= held, "applied while it was held: {took:?}");
    // The wait after the last try ends when the reader does.
    assert!(
        took <= held + Duration::from_secs(10),
        "idle while it was free: {took:?}"
    );
    assert!(tries(&output) >= 2, "{}", output.stderr);
    let pid = format!(
        "pid {}, user {}, application \"evmig-test\"",
        holder.pid(),
        database.user
    );
    let said = output
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for words in [
        pid.as_str(),
        "idle in transaction",
        "transaction open for ",
        "holds public.t",
        "last query: select 1 from t limit 1",
        "55P03",
        "rolled back, retry 1 of 10 in ",
    ] {
        assert!(said.contains(words), "{words}\n{}", output.stderr);
    }
    assert_eq!(database.value("select count(*) from counter"), "1");
    assert_eq!(
        database.value("select count(*) from evmig.refinery_schema_history"),
        "1"
    );
    drop(holder);
}

#[test]
fn the_words_of_a_wait() {
    let project = project("lock_timeout = \"1s\"\nlock_retries = 1")
        .migration("V1__column", "alter table t add column note text;\n");
    let database = database();
    database.session().execute("create table t (id int)");
    let holder = Holder::reader(&database, "t", LONG);
    let output = apply(&project, &database)
        .env("COLUMNS", "160")
        .run()
        .exits(6);
    let varying =
        regex::Regex::new(r"(open for|, its transaction) [0-9a-z]+( s\b)?").expect("a pattern");
    insta::assert_snapshot!(varying.replace_all(&output.snapshot(), "$1 $$X"), @r#"
--- stderr ---
Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
        no environment, named by flag --database-url
Run $RUN: 1 migration, 1 statement
Phase 1  Core
  waiting: V1__column needs a lock, $T so far, held by
    pid $PID, user $OWNER, application "evmig-test", idle in transaction, transaction open for $X, holds public.t
      last query: select 1 from t limit 1
    goes on when pid $PID ends its transaction
  retrying: V1__column, no lock in time: 55P03 (lock_not_available); rolled back, retry 1 of 1 in $T
    pid $PID, user $OWNER, application "evmig-test", idle in transaction, transaction open for $X, holds public.t
      last query: select 1 from t limit 1
    goes on when pid $PID ends its transaction
  waiting: V1__column needs a lock, $T so far, held by
    pid $PID, user $OWNER, application "evmig-test", idle in transaction, transaction open for $X, holds public.t
      last query: select 1 from t limit 1
    goes on when pid $PID ends its transaction
error[locked]: V1__column did not get a lock in 2 tries: canceling statement due to lock timeout
 --> migrations/1_core/1_tables/V1__column.sql:1:1
  |
1 | alter table t add column note text;
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  sqlstate   55P03 (lock_not_available)
  detail     pid $PID, user $OWNER, evmig-test, idle in transaction, its transaction $X old: select 1 from t limit 1
  hint       end the session that is in the way, choose a quieter hour, or allow more with --lock-timeout and --lock-retries
  committed  nothing; the database is as it was
  next       evmig --database-url URL apply
--- exit 6 ---
"#);
    drop(holder);
    assert_eq!(
        database.value(
            "select count(*) from pg_attribute where attrelid = 't'::regclass and attname = 'note'"
        ),
        "0"
    );
    apply(&project, &database).run().succeeds();
}

#[test]
fn json_has_the_retries_and_the_error() {
    let project = project("lock_timeout = \"200ms\"\nlock_retries = 2")
        .migration("V1__column", "alter table t add column note text;\n");
    let database = database();
    database.session().execute("create table t (id int)");
    let holder = Holder::reader(&database, "t", LONG);
    let output = apply(&project, &database)
        .arg("--format")
        .arg("json")
        .run()
        .exits(6);
    let document = output.json();
    assert_eq!(document["outcome"], "failed");
    assert_eq!(document["error"]["sqlstate"], "55P03");
    let error = document["error"].to_string();
    assert!(error.contains(&format!("pid {}", holder.pid())), "{error}");
    drop(holder);
}

/// `lock_timeout` counts for each lock anew; those who wait behind the first wait for the sum.
#[test]
fn several_locks_that_others_hold_in_turn_share_one_budget() {
    let tables = 6;
    let mut sql = String::new();
    for n in 1..=tables {
        writeln!(sql, "alter table t{n} add column note text;").expect("a String");
    }
    let project = project("lock_timeout = \"1s\"").migration("V1__columns", &sql);
    let database = database();
    for n in 1..=tables {
        database
            .session()
            .execute(&format!("create table t{n} (id int)"));
    }
    // Each lets go before one lock_timeout is over, and so no single wait ever is too long.
    let holders: Vec<Holder> = (1..=tables)
        .map(|n| {
            let time = Duration::from_millis(900 * n + 300);
            Holder::reader(&database, &format!("t{n}"), time)
        })
        .collect();
    let bystander = Bystander::reading(&database, "select * from t1");
    let output = apply(&project, &database).run().succeeds();
    let longest = bystander.longest();
    eprintln!(
        "locks in turn: others blocked {longest:?} at most, {} tries failed",
        tries(&output)
    );
    assert!(
        longest <= Duration::from_millis(3500),
        "blocked for {longest:?}"
    );
    assert!(tries(&output) >= 1, "{}", output.stderr);
    drop(holders);
}

#[test]
fn a_deadlock_is_tried_again() {
    let project = project("lock_timeout = \"10s\"").migration(
        "V1__two",
        "lock table a;\nalter table b add column note text;\ninsert into counter values (1);\n",
    );
    let database = database();
    database
        .session()
        .execute("create table a (id int); create table b (id int); create table counter (n int)");
    let mut other = database.session();
    other.execute("begin; lock table b");
    let running = apply(&project, &database).spawn();
    running.wait_for("holds public.b", Duration::from_secs(20));
    // Who waits first looks for a deadlock first, and is its victim.
    other.execute("lock table a; commit");
    let output = running.finish(LONG).succeeds();
    assert!(
        output.stderr.contains("a deadlock: 40P01"),
        "{}",
        output.stderr
    );
    assert_eq!(database.value("select count(*) from counter"), "1");
}

#[test]
fn nothing_but_locks_is_tried_again() {
    for (sqlstate, apply_section, sql) in [
        (
            "57014",
            "statement_timeout = \"300ms\"",
            "select pg_sleep(30);",
        ),
        (
            "40001",
            "",
            "do $$ begin raise exception 'x' using errcode = '40001'; end $$;",
        ),
        (
            "55006",
            "",
            "do $$ begin raise exception 'x' using errcode = '55006'; end $$;",
        ),
        ("23505", "", "insert into t values (1), (1);"),
    ] {
        let project = project(apply_section).migration("V1__fails", sql);
        let database = database();
        database
            .session()
            .execute("create table t (id int primary key)");
        let output = apply(&project, &database).run().exits(1);
        assert!(output.stderr.contains(sqlstate), "{}", output.stderr);
        assert_eq!(tries(&output), 0, "{}", output.stderr);
    }
}

/// The server is asked, since no output can prove it: what each try ran with.
#[test]
fn every_try_has_a_timeout() {
    let project = project("lock_timeout = \"250ms\"\nlock_retries = 3").migration(
        "V1__column",
        "do $$ begin raise log 'lock_timeout% %', ' is', current_setting('lock_timeout'); end $$;\n\
         alter table t add column note text;\n",
    );
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Owner);
    database.session().execute("create table t (id int)");
    let holder = Holder::reader(&database, "t", LONG);
    apply(&project, &database).run().exits(6);
    drop(holder);
    let log = server.log();
    let tries: Vec<&str> = log
        .lines()
        .filter_map(|line| Some(line.split_once("lock_timeout is ")?.1))
        .collect();
    assert_eq!(tries, ["250ms"; 4]);
}

fn with_contract(limit: &str) -> Project {
    Project::new(&format!(
        "{ONE_PHASE}\n[phase.contract]\nallow = [\"table\", \"index\", \"data\", \"maintenance\"]\nmax_lock_hold = \"{limit}\"\n"
    ))
}

#[test]
fn a_strong_lock_on_somebody_elses_table_is_held_no_longer_than_the_phase_allows() {
    let project = with_contract("1s").migration(
        "V1__slow",
        "create table fresh (id int);\nalter table t add column note text;\nselect pg_sleep(60);\n",
    );
    let database = database();
    database.session().execute("create table t (id int)");
    let bystander = Bystander::reading(&database, "select * from t");
    let output = apply(&project, &database).run().exits(1);
    let longest = bystander.longest();
    eprintln!("max_lock_hold 1 s: others blocked {longest:?} at most");
    assert!(longest <= Duration::from_secs(2), "blocked for {longest:?}");
    assert!(
        output
            .stderr
            .contains("held a strong lock on public.t longer than the 1000 ms"),
        "{}",
        output.stderr
    );
    assert_eq!(
        database.value(
            "select count(*) from pg_attribute where attrelid = 't'::regclass and attname = 'note'"
        ),
        "0"
    );
    assert_eq!(database.value("select to_regclass('fresh') is null"), "t");
}

#[test]
fn what_a_migration_makes_itself_it_may_hold_as_long_as_it_likes() {
    let project = with_contract("500ms").migration(
        "V1__slow",
        "create table fresh (id int);\nalter table fresh add column note text;\n\
         create index on fresh (note);\nselect count(*) from t;\nselect pg_sleep(2);\n",
    );
    let database = database();
    database.session().execute("create table t (id int)");
    apply(&project, &database).run().succeeds();
}

/// What cannot run in a transaction is held to the same limit.
#[test]
fn vacuum_full_is_held_to_the_limit_too() {
    let project = with_contract("500ms").migration("V1__vacuum", "vacuum full t;\n");
    let database = database();
    database.session().execute(
        "create function slow(int) returns int language plpgsql immutable as
         $$ begin perform pg_sleep(0.5); return $1; end $$;
         create table t (id int); insert into t select generate_series(1, 3);
         create index on t (slow(id)); insert into t select generate_series(1, 17)",
    );
    let output = apply(&project, &database).run().exits(1);
    assert!(
        output.stderr.contains("held a strong lock on public.t"),
        "{}",
        output.stderr
    );
}

#[test]
fn notices_pass_through() {
    let project = project("").migration(
        "V1__notice",
        "do $$ begin raise notice 'look here'; raise warning 'and here' using hint = 'so'; end $$;\n",
    );
    let output = apply(&project, &database()).run().succeeds();
    for words in [
        "NOTICE: V1__notice: look here",
        "WARNING: V1__notice: and here",
        "hint: so",
    ] {
        assert!(output.stderr.contains(words), "{words}\n{}", output.stderr);
    }
}

#[test]
fn without_a_second_connection_a_run_only_warns() {
    let project = project("lock_timeout = \"300ms\"\nlock_retries = 20")
        .migration("V1__column", "alter table t add column note text;\n")
        .migration("V2__slow", "select pg_sleep(0.5);\n");
    let database = database();
    database.session().execute("create table t (id int)");
    database.execute(&format!("alter role {} connection limit 1", database.user));
    let holder = Holder::reader(&database.admin(), "t", Duration::from_secs(8));
    let output = apply(&project, &database).run().succeeds();
    drop(holder);
    let warning = "no second connection could be opened";
    assert_eq!(
        output.stderr.matches(warning).count(),
        1,
        "{}",
        output.stderr
    );
    assert!(tries(&output) >= 1, "{}", output.stderr);
}
