//! Several runners at once, and runners that are killed, signalled or cut off: nothing runs twice,
//! nothing is left behind, and one more plain run always gets there.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::harness::{
    Database, Evmig, Holder, Options, Output, Project, Role, Running, Server, Session, Shape,
};

const LONG: Duration = Duration::from_mins(1);

fn database() -> Database {
    Server::shared(16, Shape::Plain).database(Shape::Plain, Role::Owner)
}

fn apply(project: &Project, database: &Database, more: &str) -> Output {
    Evmig::new(project, &format!("apply {more}"))
        .on(database)
        .run()
}

fn spawn(project: &Project, database: &Database, more: &str) -> Running {
    Evmig::new(project, &format!("apply {more}"))
        .on(database)
        .spawn()
}

/// Waits until a query answers `t`.
#[track_caller]
fn wait_until(database: &Database, query: &str, limit: Duration) {
    let mut session = Session::connect(&database.admin());
    let started = Instant::now();
    while session.value(query) != "t" {
        assert!(started.elapsed() < limit, "not within {limit:?}: {query}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// True once an evmig backend of this database runs a statement like this.
fn running(pattern: &str) -> String {
    format!(
        "select exists (select from pg_stat_activity where datname = current_database() \
         and application_name like 'evmig/%' and application_name not like '% watch' \
         and state = 'active' and query ilike '%{pattern}%')"
    )
}

const NOBODY: &str = "select not exists (select from pg_stat_activity \
     where datname = current_database() and application_name like 'evmig/%')";

/// Everything that the test oracle of an interrupted run asks for, after it ran again: all applied,
/// each once, nothing invalid, no advisory lock, an intact history.
#[track_caller]
fn assert_converged(project: &Project, database: &Database, ran: &[&str]) {
    assert_eq!(
        database.lines("select migration from counter order by migration"),
        ran
    );
    assert_eq!(
        database.lines("select indexrelid::regclass from pg_index where not indisvalid"),
        [""; 0]
    );
    // A server process ends a moment after the client that it served.
    wait_until(database, NOBODY, Duration::from_secs(5));
    assert_eq!(
        database.lines(
            "select pid from pg_locks where locktype = 'advisory' and database = \
             (select oid from pg_database where datname = current_database())"
        ),
        [""; 0]
    );
    Evmig::new(project, "status --exit-code")
        .on(database)
        .run()
        .succeeds();
    Evmig::new(project, "history --verify")
        .on(database)
        .run()
        .succeeds();
}

/// A table that counts how often each migration ran, and one that says how long they take.
pub(super) fn with_counter(database: &Database) {
    database.session().execute(
        "create table counter (migration text); create table slow (seconds float8); \
         insert into slow values (60)",
    );
}

/// Three migrations, the second with an index that is built concurrently.
pub(super) fn three() -> Project {
    Project::one_phase()
        .migration(
            "V1__people",
            "create table people (id int);\ninsert into people select generate_series(1, 2000);\n\
             insert into counter values ('1');\n",
        )
        .migration(
            "V2__index",
            "create index concurrently people_id on people (id);\n\
             insert into counter values ('2');\n",
        )
        .migration(
            "V3__pets",
            "create table pets (id int);\ninsert into counter values ('3');\n",
        )
}

#[test]
fn eight_first_runs_at_once_apply_everything_once() {
    let server = Server::private(&Options::new(15));
    let project = three();
    for _ in 0..3 {
        let database = server.database(Shape::Plain, Role::Owner);
        with_counter(&database);
        let runs: Vec<Running> = (0..8)
            .map(|_| spawn(&project, &database, "--format json"))
            .collect();
        let outputs: Vec<Output> = runs.into_iter().map(|run| run.finish(LONG)).collect();
        check_one_winner(&project, &database, outputs);
    }
    assert!(
        !server.log().contains("deadlock detected"),
        "{}",
        server.log()
    );
}

/// Returns the winner's run.
pub(super) fn check_one_winner(
    project: &Project,
    database: &Database,
    outputs: Vec<Output>,
) -> String {
    let mut winners = Vec::new();
    for output in outputs {
        let document = output.succeeds().json();
        match document["outcome"].as_str() {
            Some("applied") => winners.push(document["run"].as_str().expect("an id").to_owned()),
            other => assert_eq!(other, Some("nothing_to_do"), "{document}"),
        }
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_converged(project, database, &["1", "2", "3"]);
    assert_eq!(
        database.lines("select key, action from evmig.migration order by seq"),
        ["1|apply", "2|apply", "3|apply"]
    );
    winners.remove(0)
}

#[test]
fn fifteen_that_wait_for_one_say_which_run_did_it() {
    let server = Server::private(&Options::new(15));
    let project = three().migration(
        "V1__people",
        "select pg_advisory_lock(7);\nselect pg_advisory_unlock(7);\ncreate table people (id int);\n\
         insert into counter values ('1');\n",
    );
    let database = server.database(Shape::Plain, Role::Owner);
    with_counter(&database);
    let gate = Holder::transaction(&database, "select pg_advisory_xact_lock(7)", LONG);
    let flags = "--format json --lock-timeout 60s";
    let winner = spawn(&project, &database, flags);
    wait_until(&database, &running("pg_advisory_lock(7)"), LONG);
    let others: Vec<Running> = (0..15).map(|_| spawn(&project, &database, flags)).collect();
    for other in &others {
        other.wait_for("another run", LONG);
    }
    gate.release();
    let winner = winner.finish(LONG).succeeds().json();
    let id = winner["run"].clone();
    assert_eq!(winner["outcome"], "applied");
    for other in others {
        let document = other.finish(LONG).succeeds().json();
        assert_eq!(document["outcome"], "nothing_to_do");
        assert_eq!(document["run"], serde_json::Value::Null);
        assert_eq!(document["applied_by_other_runs"], serde_json::json!([id]));
    }
    assert_converged(&project, &database, &["1", "2", "3"]);
    assert!(!server.log().contains("deadlock detected"));
}

/// A run that is stopped in the middle of its second migration.
fn asleep(database: &Database) -> (Project, Running) {
    with_counter(database);
    let project = Project::one_phase()
        .migration(
            "V1__people",
            "create table people (id int);\ninsert into counter values ('1');\n",
        )
        .migration(
            "V2__pets",
            "create table pets (id int);\nselect pg_sleep(seconds) from slow;\n\
             insert into counter values ('2');\n",
        );
    let run = spawn(&project, database, "");
    wait_until(database, &running("pg_sleep"), LONG);
    (project, run)
}

fn awake(database: &Database) {
    database.execute("update slow set seconds = 0");
}

#[test]
fn a_run_that_must_wait_too_long_names_who_holds_the_lock() {
    let database = database();
    let (project, run) = asleep(&database);
    let pid = database.value(
        "select pid from pg_stat_activity where datname = current_database() \
         and application_name like 'evmig/%' and query like '%pg_sleep%'",
    );
    let output = apply(&project, &database, "--wait 1s --format json").exits(6);
    assert!(
        output.took >= Duration::from_secs(1) && output.took < Duration::from_secs(10),
        "{:?}",
        output.took
    );
    let error = output.json()["error"].clone();
    assert_eq!(error["code"], "busy");
    let detail = error["detail"].as_str().expect("who holds it");
    for word in [
        &format!("pid {pid}, user {}, evmig/", database.user),
        " run=",
        "select pg_sleep(seconds) from slow",
    ] {
        assert!(detail.contains(word), "{word:?} is not in {detail}");
    }
    // The same is said as soon as the waiting begins.
    let waiting = format!("pid {pid}, user {}", database.user);
    assert!(output.stderr.contains(&waiting), "{}", output.stderr);
    drop(run);
}

#[test]
fn a_killed_runner_leaves_no_backend_and_the_next_run_ends_its_work() {
    let database = database();
    let (project, run) = asleep(&database);
    run.signal(Signal::SIGKILL);
    wait_until(&database, NOBODY, Duration::from_secs(2));
    assert_eq!(run.finish(LONG).code(), 128 + 9);
    assert_eq!(database.value("select to_regclass('pets')"), "NULL");
    assert_eq!(database.lines("select key from evmig.migration"), ["1"]);
    awake(&database);
    apply(&project, &database, "").succeeds();
    assert_converged(&project, &database, &["1", "2"]);
}

/// A run that waits, with an INVALID index already there, for somebody's old snapshot.
fn building(database: &Database) -> (Project, Running, Holder) {
    with_counter(database);
    database
        .session()
        .execute("create table people (id int); insert into people values (1)");
    let project = Project::one_phase().migration(
        "V1__index",
        "insert into counter values ('1');\n\
         create index concurrently people_id on people (id);\n\
         insert into counter values ('2');\n",
    );
    let holder = Holder::snapshot(database, LONG);
    let run = spawn(&project, database, "");
    wait_until(
        database,
        "select exists (select from pg_index where indexrelid = to_regclass('people_id') \
         and not indisvalid) and exists (select from pg_stat_progress_create_index \
         where phase like 'waiting for old snapshots' or phase like 'waiting for writers%')",
        LONG,
    );
    (project, run, holder)
}

#[test]
fn a_runner_killed_in_an_index_build_leaves_an_index_that_the_next_run_rebuilds() {
    let database = database();
    let (project, run, holder) = building(&database);
    run.signal(Signal::SIGKILL);
    wait_until(&database, NOBODY, Duration::from_secs(2));
    let index = "select oid from pg_class where relname = 'people_id'";
    let left = database.value(index);
    holder.release();
    let output = apply(&project, &database, "").succeeds();
    assert!(output.stderr.contains("INVALID"), "{}", output.stderr);
    assert_ne!(database.value(index), left, "the old index was dropped");
    assert_converged(&project, &database, &["1", "2"]);
}

#[test]
fn a_signal_rolls_back_and_nothing_goes_on_running() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let database = database();
        let (project, run) = asleep(&database);
        run.signal(signal);
        let output = run.finish(Duration::from_secs(5)).exits(130);
        wait_until(&database, NOBODY, Duration::from_secs(2));
        assert_eq!(database.value("select to_regclass('pets')"), "NULL");
        assert_eq!(
            database.value("select outcome from evmig.run order by seq desc limit 1"),
            "interrupted"
        );
        let said = &output.stderr;
        let committed = "committed  V1__people; nothing of V2__pets\n";
        assert!(said.contains(committed), "{said}");
        awake(&database);
        apply(&project, &database, "").succeeds();
        assert_converged(&project, &database, &["1", "2"]);
    }
}

#[test]
fn a_signal_in_an_index_build_leaves_no_invalid_index() {
    let database = database();
    let (project, run, holder) = building(&database);
    run.signal(Signal::SIGTERM);
    // The leftover is dropped concurrently, which waits for the snapshot too.
    wait_until(
        &database,
        "select not exists (select from pg_stat_progress_create_index)",
        Duration::from_secs(5),
    );
    holder.release();
    let output = run.finish(LONG).exits(130);
    let said = &output.stderr;
    assert!(said.contains("the first statement of V1__index"), "{said}");
    assert_eq!(database.value("select to_regclass('people_id')"), "NULL");
    wait_until(&database, NOBODY, Duration::from_secs(2));
    apply(&project, &database, "").succeeds();
    assert_converged(&project, &database, &["1", "2"]);
}

/// Ends the backend of the run that holds the lock.
fn terminate(database: &Database) {
    let ended = database.value(
        "select bool_and(pg_terminate_backend(pid)) from pg_stat_activity \
         where datname = current_database() and application_name like 'evmig/%' \
         and application_name not like '% watch'",
    );
    assert_eq!(ended, "t");
}

#[test]
fn a_terminated_backend_is_told_truly_and_the_next_run_ends_its_work() {
    let database = database();
    let (project, run) = asleep(&database);
    terminate(&database);
    let output = run.finish(LONG).exits(3);
    let said = &output.stderr;
    assert!(said.contains("V2__pets was not applied"), "{said}");
    let committed = "committed  V1__people; nothing of V2__pets\n";
    assert!(said.contains(committed), "{said}");
    assert_eq!(database.value("select to_regclass('pets')"), "NULL");
    awake(&database);
    apply(&project, &database, "").succeeds();
    assert_converged(&project, &database, &["1", "2"]);
}

#[test]
fn a_backend_terminated_in_the_first_migration_leaves_the_database_as_it_was() {
    let database = database();
    with_counter(&database);
    let project = Project::one_phase().migration(
        "V1__people",
        "create table people (id int);\nselect pg_sleep(seconds) from slow;\n\
         insert into counter values ('1');\n",
    );
    let run = spawn(&project, &database, "--format json");
    wait_until(&database, &running("pg_sleep"), LONG);
    terminate(&database);
    let document = run.finish(LONG).exits(1).json();
    assert_eq!(document["outcome"], "failed");
    assert_eq!(document["error"]["code"], "connection-lost");
    assert_eq!(document["error"]["sqlstate"], "57P01");
    awake(&database);
    apply(&project, &database, "").succeeds();
    assert_converged(&project, &database, &["1"]);
}

#[test]
fn a_backend_terminated_in_an_index_build_leaves_an_index_that_the_next_run_rebuilds() {
    let database = database();
    let (project, run, holder) = building(&database);
    terminate(&database);
    let output = run.finish(LONG).exits(3);
    let said = &output.stderr;
    assert!(said.contains("the first statement of V1__index"), "{said}");
    holder.release();
    apply(&project, &database, "").succeeds();
    assert_converged(&project, &database, &["1", "2"]);
}

#[test]
fn a_crash_of_the_server_is_survived() {
    let server = Server::private(&Options::new(17));
    let database = server.database(Shape::Plain, Role::Owner);
    let (project, run) = asleep(&database);
    // The postmaster takes the death of one backend for a crash: it ends all, and recovers.
    let mut session = database.session();
    let pid = session.pid();
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a running backend");
    let output = run.finish(LONG).exits(3);
    let said = &output.stderr;
    assert!(said.contains("V2__pets was not applied"), "{said}");
    assert!(server.log().contains("all server processes terminated"));
    assert_eq!(database.value("select to_regclass('pets')"), "NULL");
    awake(&database);
    apply(&project, &database, "").succeeds();
    assert_converged(&project, &database, &["1", "2"]);
}

/// COMMIT travels with the statements, so that nobody but the server knows what became of it.
#[test]
fn a_server_that_stays_away_leaves_the_outcome_unknown_and_the_message_says_so() {
    let server = Server::private(&Options::new(14));
    let database = server.database(Shape::Plain, Role::Owner);
    with_counter(&database);
    let project = Project::one_phase()
        .migration(
            "V1__people",
            "create table people (id int);\ninsert into counter values ('1');\n",
        )
        .migration("V2__pets", "select pg_sleep(seconds) from slow;\n");
    let run = spawn(&project, &database, "--format json");
    wait_until(&database, &running("pg_sleep"), LONG);
    server.crash();
    let output = run.finish(LONG).exits(8);
    // A machine that refuses is there, and its server may come back: that is no silence.
    assert!(output.took > Duration::from_secs(29), "{:?}", output.took);
    let document = output.json();
    assert_eq!(document["outcome"], "unknown");
    assert_eq!(document["applied"].as_array().map(Vec::len), Some(1));
    let error = &document["error"];
    assert_eq!(error["code"], "outcome-unknown");
    assert_eq!(error["committed"], "V1__people; perhaps V2__pets");
    let hint = error["hint"].as_str().expect("what to do");
    assert!(hint.contains("ask again once the server answers"), "{hint}");
}
