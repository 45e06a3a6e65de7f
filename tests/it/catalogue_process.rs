//! The process dies, is stopped, or loses its streams: rows B5 to B11 of
//! [the catalogue](../../docs/reliability-catalogue.md).

use std::time::Duration;

use nix::sys::signal::Signal;

use super::harness::{
    Database, Evmig, Holder, Options, Project, Role, Running, Server, Session, Shape, scratch,
};

const LONG: Duration = Duration::from_mins(1);
/// How long the server may take to notice that its client is gone.
const SOON: Duration = Duration::from_secs(2);

const NOBODY: &str = "select not exists (select from pg_stat_activity \
     where datname = current_database() and application_name like 'evmig/%')";

fn database() -> Database {
    Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner)
}

fn apply(project: &Project, database: &Database, more: &str) -> Evmig {
    Evmig::new(project, &format!("apply {more}")).on(database)
}

#[track_caller]
fn wait_until(database: &Database, query: &str, limit: Duration) {
    let mut session = Session::connect(&database.admin());
    let started = std::time::Instant::now();
    while session.value(query) != "t" {
        assert!(started.elapsed() < limit, "not within {limit:?}: {query}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// True once a session of evmig waits for this one.
fn waits_for(pid: i32) -> String {
    format!(
        "select exists (select from pg_stat_activity where application_name like 'evmig/%' \
         and {pid} = any(pg_blocking_pids(pid)))"
    )
}

fn people() -> Project {
    Project::one_phase().migration("V1__people", "create table people (id int);\n")
}

/// Signals a run that stands still, and looks that it ends, and that nothing of it goes on.
#[track_caller]
fn obeys(run: Running, database: &Database, signal: Signal) -> String {
    run.signal(signal);
    let output = run.finish(Duration::from_secs(5)).exits(130);
    wait_until(database, NOBODY, SOON);
    assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
    output.stderr
}

/// B5: the signal comes while nobody has answered yet.
#[test]
fn b_05_a_signal_while_connecting() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let project = people();
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let run = Evmig::new(&project, "apply --database-url")
            .arg(format!(
                "postgresql://nobody@127.0.0.1:{port}/none?connect_timeout=60"
            ))
            .spawn();
        let (_connected, _) = listener.accept().unwrap();
        run.signal(signal);
        run.finish(Duration::from_secs(5)).exits(130);
    }
}

/// B5: the signal comes while another run holds the lock.
#[test]
fn b_05_a_signal_while_waiting_for_another_run() {
    let database = database();
    let project = Project::one_phase().migration("V1__slow", "select pg_sleep(60);\n");
    let first = apply(&project, &database, "").spawn();
    let asleep = "select exists (select from pg_stat_activity where datname = current_database() \
                  and query like '%select pg_sleep%' and application_name like 'evmig/%')";
    wait_until(&database, asleep, LONG);
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let second = apply(&project, &database, "--wait 60s").spawn();
        second.wait_for("another run", LONG);
        second.signal(signal);
        let output = second.finish(Duration::from_secs(5)).exits(130);
        assert!(output.stderr.contains("next"), "{}", output.stderr);
    }
    obeys(first, &database, Signal::SIGTERM);
}

/// B5: the signal comes while evmig's own tables are being made, and somebody is in the way.
#[test]
fn b_05_a_signal_while_the_history_is_made() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let database = database();
        let holder = Holder::transaction(&database.admin(), "create schema evmig", LONG);
        let project = people();
        let run = apply(&project, &database, "").spawn();
        wait_until(&database, &waits_for(holder.pid()), LONG);
        obeys(run, &database, signal);
        drop(holder);
        apply(&project, &database, "").run().succeeds();
    }
}

/// B5: the signal comes while a statement waits for a lock, and between two tries for it.
#[test]
fn b_05_a_signal_while_waiting_for_a_lock() {
    let database = database();
    database.session().execute("create table pets (id int)");
    let project =
        Project::one_phase().migration("V1__pets", "alter table pets add column name text;\n");
    let holder = Holder::reader(&database, "pets", LONG);
    let run = apply(&project, &database, "--lock-timeout 30s").spawn();
    wait_until(&database, &waits_for(holder.pid()), LONG);
    obeys(run, &database, Signal::SIGINT);
    let run = apply(
        &project,
        &database,
        "--lock-timeout 50ms --lock-retries 1000",
    )
    .spawn();
    run.wait_for("retrying", LONG);
    obeys(run, &database, Signal::SIGTERM);
    drop(holder);
    apply(&project, &database, "").run().succeeds();
}

/// B5: a second signal does not wait for the server's answer.
#[test]
fn b_05_a_second_signal_ends_it_at_once() {
    let database = database();
    let project = Project::one_phase().migration(
        "V1__deaf",
        "do $$ begin loop begin perform pg_sleep(60); exception when query_canceled then \
         raise notice 'deaf'; end; end loop; end $$;\n",
    );
    let run = apply(&project, &database, "").spawn();
    let asleep = "select exists (select from pg_stat_activity where datname = current_database() \
                  and query like '%do $$%' and application_name like 'evmig/%')";
    wait_until(&database, asleep, LONG);
    run.signal(Signal::SIGTERM);
    run.wait_for("deaf", LONG);
    run.signal(Signal::SIGTERM);
    run.finish(Duration::from_secs(1)).exits(130);
    wait_until(&database, NOBODY, SOON);
}

/// B6: a run that is stopped for longer than its server waits for it finds its session as it was.
#[test]
fn b_06_a_run_that_is_stopped_goes_on_and_keeps_its_lock() {
    let database = database();
    let project = people().migration("V2__slow", "select pg_sleep(6);\ncreate table pets ();\n");
    let first = apply(&project, &database, "").spawn();
    let asleep = "select exists (select from pg_stat_activity where datname = current_database() \
                  and query like '%select pg_sleep%' and application_name like 'evmig/%')";
    wait_until(&database, asleep, LONG);
    first.signal(Signal::SIGSTOP);
    std::thread::sleep(Duration::from_secs(2));
    // Stopped or not, it is the one who works.
    apply(&project, &database, "--wait 1s").run().exits(6);
    first.signal(Signal::SIGCONT);
    first.finish(LONG).succeeds();
    assert_eq!(
        database.lines("select key from evmig.migration order by seq"),
        ["1", "2"]
    );
}

/// A run whose second migration is committed here and waits for a standby that does not exist.
fn unreplicated(more: &str) -> (std::sync::Arc<Server>, Database, Running) {
    let server = Server::private(&Options::new(15).set("synchronous_commit", "on"));
    let database = server.database(Shape::Plain, Role::Owner);
    apply(&people(), &database, "").run().succeeds();
    let project = people().migration(
        "V2__pets",
        "select from people;\ncreate table pets (id int);\n",
    );
    // From here on, and not before, commits wait.
    let gate = Holder::transaction(&database.admin(), "lock table people", LONG);
    let run = apply(&project, &database, &format!("--lock-timeout 30s {more}")).spawn();
    wait_until(&database, &waits_for(gate.pid()), LONG);
    database.execute("alter system set synchronous_standby_names = 'ghost'");
    database.execute("select pg_reload_conf()");
    // The server takes it in some time later: when somebody else's commit waits, evmig's will too.
    let mut other = database.session();
    std::thread::spawn(move || other.execute("create table first_to_wait ()"));
    let waits = "select exists (select from pg_stat_activity where wait_event = 'SyncRep')";
    wait_until(&database, waits, LONG);
    drop(gate);
    let waiting = "select exists (select from pg_stat_activity where wait_event = 'SyncRep' \
                   and application_name like 'evmig/%')";
    wait_until(&database, waiting, LONG);
    (server, database, run)
}

/// Lets commits return again.
fn replicated(database: &Database) {
    database.execute("alter system reset synchronous_standby_names");
    database.execute("select pg_reload_conf()");
}

/// B8: a commit that waits for a standby, and is cancelled, is on this server alone.
#[test]
fn b_08_a_commit_that_is_cancelled_before_its_standby_has_it_is_told() {
    let (_server, database, run) = unreplicated("--format json");
    database.execute(
        "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep' \
         and application_name like 'evmig/%'",
    );
    run.wait_for("not replicated", LONG);
    replicated(&database);
    let output = run.finish(LONG).exits(3);
    let document = output.json();
    assert_eq!(document["outcome"], "failed");
    assert_eq!(document["error"]["code"], "not-replicated");
    assert_eq!(document["error"]["committed"], "V2__pets");
    assert_eq!(document["applied"][0]["version"], "2");
    assert_eq!(
        database.lines("select key from evmig.migration order by seq"),
        ["1", "2"]
    );
}

/// B8: the same by a signal, which is obeyed although the commit cannot be taken back.
#[test]
fn b_08_a_signal_while_a_commit_waits_for_a_standby_is_told() {
    let (_server, database, run) = unreplicated("");
    run.signal(Signal::SIGINT);
    let said = run.wait_for("not replicated", LONG);
    assert!(
        said.contains("V2__pets is committed on this server"),
        "{said}"
    );
    replicated(&database);
    let output = run.finish(LONG).exits(3);
    let committed = "committed  V2__pets\n";
    assert!(output.stderr.contains(committed), "{}", output.stderr);
    assert_eq!(
        database.lines("select key from evmig.migration order by seq"),
        ["1", "2"]
    );
}

/// B9: a fault of evmig's own is told with the next command. Here the system refuses the thread
/// that is to look up a host name, which the runtime takes for a fault.
#[test]
fn b_09_a_panic_says_what_to_type_next() {
    for backtrace in ["0", "1"] {
        let output = Evmig::new(&people(), "apply --yes")
            .arg("--database-url")
            .arg("postgresql://somebody:secret-canary@localhost:1/none")
            .env("RUST_MIN_STACK", (1_u64 << 46).to_string())
            .env("RUST_BACKTRACE", backtrace)
            .run()
            .exits(101);
        let said = &output.stderr;
        for words in [
            "error[internal]: evmig has a fault and stopped",
            "OS can't spawn worker thread",
            "committed  whatever the history has of run ",
            "evmig status",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!said.contains("secret-canary"), "{said}");
    }
}

/// B9: memory runs out: the process ends, nothing of the migration is there, the next run works.
#[test]
fn b_09_a_run_without_memory_leaves_nothing() {
    let database = database();
    // Rows of COPY would stream; a text of one statement does not.
    let text = "x".repeat(16 << 20);
    let project = people().migration(
        "V2__big",
        &format!("create table big (t text);\ninsert into big values ('{text}');\n"),
    );
    for limit in [32, 40, 48] {
        let output = Evmig::new(&project, &format!("--as={}", limit << 20))
            .instead("/usr/bin/prlimit")
            .arg(env!("CARGO_BIN_EXE_evmig"))
            .arg("apply")
            .on(&database)
            .run();
        assert_ne!(output.code(), 0, "{limit} MiB: {}", output.stderr);
        wait_until(&database, NOBODY, SOON);
    }
    apply(&project, &database, "").run().succeeds();
    assert_eq!(database.value("select length(t) from big"), "16777216");
    assert_eq!(
        database.lines("select key from evmig.migration order by seq"),
        ["1", "2"]
    );
}

/// B11: the disk of the events file is full from the first byte, or in the middle.
#[test]
fn b_11_a_full_disk_under_the_events_file_decides_nothing() {
    let database = database();
    let project = people();
    let output = apply(&project, &database, "--events /dev/full")
        .run()
        .succeeds();
    assert!(output.stderr.contains("events file"), "{}", output.stderr);
    let limited = scratch::directory("events").join("events.jsonl");
    let script = "ulimit -f 1; trap '' XFSZ; exec \"$@\"";
    let mut project = Project::one_phase();
    for version in 1..=40 {
        project = project.migration(&format!("V{version}__t"), "select 1;\n");
    }
    let database = self::database();
    let output = Evmig::new(&project, "-c")
        .instead("/bin/sh")
        .arg(script)
        .arg("sh")
        .arg(env!("CARGO_BIN_EXE_evmig"))
        .arg("apply")
        .arg("--events")
        .arg(&limited)
        .on(&database)
        .run()
        .succeeds();
    assert!(output.stderr.contains("events file"), "{}", output.stderr);
    assert_eq!(database.value("select count(*) from evmig.migration"), "40");
}
