//! The server is not what it was: rows B20 to B44 of
//! [the catalogue](../../docs/reliability-catalogue.md).

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};

use super::harness::{
    Database, Evmig, Options, Pgbouncer, PoolMode, Project, Role, Running, Server, Session, Shape,
    Target, scratch, tools,
};

const LONG: Duration = Duration::from_mins(1);

fn apply(project: &Project, target: &Target, more: &str) -> Evmig {
    Evmig::new(project, &format!("apply {more}")).on(target)
}

#[track_caller]
fn wait_until(database: &Database, query: &str, limit: Duration) {
    let mut session = Session::connect(&database.admin());
    let started = Instant::now();
    while session.value(query) != "t" {
        assert!(started.elapsed() < limit, "not within {limit:?}: {query}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The second of two migrations sleeps until `awake`.
fn asleep(target: &Target, database: &Database) -> (Project, Running) {
    database
        .session()
        .execute("create table slow (seconds float8); insert into slow values (60)");
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration(
            "V2__pets",
            "create table pets (id int);\nselect pg_sleep(seconds) from slow;\n",
        );
    let run = apply(&project, target, "").spawn();
    wait_until(
        database,
        "select exists (select from pg_stat_activity where datname = current_database() \
         and application_name like 'evmig/%' and query like '%select pg_sleep%')",
        LONG,
    );
    (project, run)
}

fn applied(database: &Database) -> Vec<String> {
    database.lines("select key from evmig.migration order by seq")
}

fn start_again(server: &Server) {
    let started = scratch::server_command(&tools::postgres_bin(server.major()).join("pg_ctl"))
        .args(["start", "-w", "-s", "-t", "60", "-D"])
        .arg(server.data_directory())
        .arg("-l")
        .arg(server.socket_directory().join("log"))
        .status()
        .unwrap();
    assert!(started.success(), "{}", server.log());
}

fn postmaster(server: &Server) -> Pid {
    let file = server.data_directory().join("postmaster.pid");
    let text = std::fs::read_to_string(file).unwrap();
    Pid::from_raw(text.lines().next().unwrap().trim().parse().unwrap())
}

/// B20: no message of the protocol names a prepared statement. What a run prepares itself, it prepares
/// after `deallocate all`, and it ends with one: a session that a pooler hands on has none of another
/// client's, and ten runs through one session do not meet each other's.
#[test]
fn b_20_no_statement_has_a_name() {
    let server = Server::private(&Options::new(15).set("log_statement", "all"));
    let database = server.database(Shape::Plain, Role::Owner);
    let pooler = Pgbouncer::with_settings(
        &database,
        PoolMode::Session,
        "server_reset_query =\ndefault_pool_size = 1",
    );
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration("V2__index", "create index concurrently on people (id);\n");
    let target = pooler.target(&database);
    for _ in 0..10 {
        apply(&project, &target, "").run().succeeds();
        Evmig::new(&project, "status").on(&target).run().succeeds();
    }
    let log = server.log();
    let named: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("LOG:  execute ") && !line.contains("execute <unnamed>"))
        .collect();
    assert_eq!(named, [""; 0]);
    assert!(log.contains("execute <unnamed>"), "{log}");
}

/// A door that leads to one server, and later to another one.
struct Door {
    port: u16,
    to: Arc<Mutex<(u16, Vec<TcpStream>)>>,
}

impl Door {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let door = Self {
            port: listener.local_addr().unwrap().port(),
            to: Arc::new(Mutex::new((port, Vec::new()))),
        };
        let to = Arc::clone(&door.to);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let mut to = to.lock().unwrap();
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", to.0)))
                else {
                    continue;
                };
                for (mut from, mut onto) in [
                    (client.try_clone().unwrap(), server.try_clone().unwrap()),
                    (server.try_clone().unwrap(), client.try_clone().unwrap()),
                ] {
                    std::thread::spawn(move || {
                        let mut buffer = [0; 16 << 10];
                        while let Ok(n @ 1..) = from.read(&mut buffer) {
                            if onto.write_all(&buffer[..n]).is_err() {
                                break;
                            }
                        }
                        // Fails only where the other direction has done it.
                        onto.shutdown(Shutdown::Both).ok();
                    });
                }
                to.1.extend([client, server]);
            }
        });
        door
    }

    /// Leads everybody who comes from now on elsewhere, and shows out who is there.
    fn turn(&self, port: u16) {
        let mut to = self.to.lock().unwrap();
        to.0 = port;
        for stream in to.1.drain(..) {
            stream.shutdown(Shutdown::Both).ok();
        }
    }

    fn target(&self, target: &Target) -> Target {
        Target {
            port: self.port,
            socket_directory: None,
            ..target.clone()
        }
    }
}

/// B23: behind the same name there is another server after the connection was lost. Its history
/// says nothing about what became of the migration.
#[test]
fn b_23_another_server_is_not_asked_what_became_of_a_migration() {
    let one = Server::private(&Options::new(15));
    let database = one.database(Shape::Plain, Role::Owner);
    let other = Server::private(&Options::new(15).own_identity());
    let door = Door::to(one.port());
    // The other one has the same role and database, and the same history up to V1.
    let mut admin = Session::connect(&other.admin("postgres"));
    admin.execute(&format!(
        "create role {user} login password '{password}'; ",
        user = database.user,
        password = database.password
    ));
    admin.execute(&format!(
        "create database {} owner {}",
        database.database, database.user
    ));
    let elsewhere = Target {
        port: other.port(),
        socket_directory: Some(other.socket_directory().to_path_buf()),
        ..(*database).clone()
    };
    let (project, run) = asleep(&door.target(&database), &database);
    let first = Project::one_phase().migration("V1__people", "create table people (id int);\n");
    apply(&first, &elsewhere, "").run().succeeds();
    door.turn(other.port());
    let output = run.finish(LONG).exits(8);
    assert!(
        output.stderr.contains("another server"),
        "{}",
        output.stderr
    );
    assert_eq!(
        Session::connect(&elsewhere).lines("select key from evmig.migration"),
        ["1"]
    );
    door.turn(one.port());
    database.session().execute("update slow set seconds = 0");
    apply(&project, &door.target(&database), "")
        .run()
        .succeeds();
    assert_eq!(applied(&database), ["1", "2"]);
}

/// B24: a server that is still starting up is tried again.
#[test]
fn b_24_a_server_that_starts_up_is_waited_for() {
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Owner);
    let project = Project::one_phase().migration("V1__people", "create table people (id int);\n");
    server.crash();
    // A standby that may not be asked answers "the database system is starting up" (57P03).
    let data = server.data_directory();
    super::harness::postgres::write_for_server(&data.join("standby.signal"), "");
    let conf = std::fs::read_to_string(data.join("postgresql.conf")).unwrap();
    super::harness::postgres::write_for_server(
        &data.join("postgresql.conf"),
        &format!("{conf}\nhot_standby = off\nlog_connections = on\n"),
    );
    // Without -w: it never becomes ready, as it is.
    let status = scratch::server_command(&tools::postgres_bin(15).join("pg_ctl"))
        .args(["start", "-W", "-s", "-D"])
        .arg(&data)
        .arg("-l")
        .arg(server.socket_directory().join("log"))
        .status()
        .unwrap();
    assert!(status.success());
    let run = apply(&project, &database, "").spawn();
    let asked = Instant::now();
    while server.log().matches("FATAL:").count() < 3 {
        assert!(asked.elapsed() < LONG, "{}", server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    let promoted = scratch::server_command(&tools::postgres_bin(15).join("pg_ctl"))
        .args(["promote", "-w", "-D"])
        .arg(&data)
        .status()
        .unwrap();
    assert!(promoted.success(), "{}", server.log());
    run.finish(LONG).succeeds();
    assert_eq!(applied(&database), ["1"]);
}

/// B26, B27: the postmaster is killed, and all its children; it comes back after a moment.
#[test]
fn b_27_a_killed_server_that_comes_back_is_asked() {
    for signal in [Signal::SIGQUIT, Signal::SIGKILL] {
        let server = Server::private(&Options::new(15));
        let database = server.database(Shape::Plain, Role::Owner);
        let (project, run) = asleep(&database, &database);
        let main = postmaster(&server);
        let children = Command::new("pgrep")
            .args(["-P", &main.to_string()])
            .output()
            .unwrap();
        kill(main, signal).unwrap();
        if signal == Signal::SIGKILL {
            for child in String::from_utf8_lossy(&children.stdout).lines() {
                // One that noticed the postmaster's end by itself is gone.
                kill(Pid::from_raw(child.parse().unwrap()), Signal::SIGKILL).ok();
            }
        }
        run.wait_for("connection lost", LONG);
        while kill(main, None).is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
        start_again(&server);
        let output = run.finish(LONG).exits(3);
        let said = &output.stderr;
        assert!(said.contains("V2__pets was not applied"), "{said}");
        database.session().execute("update slow set seconds = 0");
        apply(&project, &database, "").run().succeeds();
        assert_eq!(applied(&database), ["1", "2"]);
    }
}

/// A small file system, gone when dropped. Only root may mount one.
struct Small(std::path::PathBuf);

impl Small {
    fn mount(size: &str) -> Option<Self> {
        if !geteuid().is_root() {
            eprintln!("skipped: only root may mount a file system");
            return None;
        }
        let path = scratch::server_directory("small");
        let mounted = Command::new("mount")
            .args([
                "-t",
                "tmpfs",
                "-o",
                &format!("size={size},mode=0777"),
                "tmpfs",
            ])
            .arg(&path)
            .output()
            .unwrap();
        if !mounted.status.success() {
            eprintln!("skipped: {}", String::from_utf8_lossy(&mounted.stderr));
            scratch::remove(&path);
            return None;
        }
        scratch::give_to_server_user(&path);
        Some(Self(path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: a server that a failing test leaves may still have files open.
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// B28: the disk of a tablespace is full in the middle of a migration.
#[test]
fn b_28_a_full_tablespace_leaves_nothing() {
    let Some(small) = Small::mount("4m") else {
        return;
    };
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Superuser);
    let place = small.0.display().to_string();
    database.execute(&format!("create tablespace small location '{place}'"));
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration(
            "V2__big",
            "create table big (t text) tablespace small;\n\
             insert into big select repeat('x', 5000) || n from generate_series(1, 2000) n;\n",
        );
    database.execute("alter system set default_toast_compression = 'pglz'");
    let project = project.migration(
        "V2__big",
        "create table big (n bigint) tablespace small;\n\
         insert into big select generate_series(1, 300000);\n",
    );
    let output = apply(&project, &database, "").run().exits(3);
    let said = &output.stderr;
    assert!(said.contains("53100"), "{said}");
    assert!(said.contains("No space left on device"), "{said}");
    assert_eq!(database.value("select to_regclass('big')"), "NULL");
    assert_eq!(applied(&database), ["1"]);
    project.write(
        "migrations/1_core/1_tables/V2__big.sql",
        "create table big (n bigint) tablespace small;\n\
         insert into big select generate_series(1, 300);\n",
    );
    apply(&project, &database, "").run().succeeds();
    assert_eq!(applied(&database), ["1", "2"]);
    drop(server);
}

/// B29: the disk of the write-ahead log is full: the server stops itself, and nothing of the
/// migration is there when it comes back with room.
#[test]
fn b_29_a_full_disk_of_the_log_is_survived() {
    let Some(small) = Small::mount("48m") else {
        return;
    };
    let server = Server::private(
        &Options::new(15)
            .set("min_wal_size", "32MB")
            .set("max_wal_size", "32MB")
            .set("checkpoint_timeout", "1h"),
    );
    let database = server.database(Shape::Plain, Role::Superuser);
    database.execute("checkpoint");
    server.crash();
    let wal = server.data_directory().join("pg_wal");
    let moved = scratch::server_command(std::path::Path::new("/bin/sh"))
        .args([
            "-c",
            "cp -a \"$1\"/. \"$2\" && mv \"$1\" \"$1.old\" && ln -s \"$2\" \"$1\"",
            "sh",
        ])
        .arg(&wal)
        .arg(&small.0)
        .status()
        .unwrap();
    assert!(moved.success());
    start_again(&server);
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration(
            "V2__big",
            "create table big (t text);\nalter table big alter t set storage external;\n\
             insert into big select repeat(md5(n::text), 60) from generate_series(1, 60000) n;\n",
        );
    let filler = small.0.join("filler");
    std::fs::write(&filler, vec![0; 1 << 20]).ok();
    let run = apply(&project, &database, "").spawn();
    let said = run.wait_for("connection lost", LONG);
    // Room again, as an administrator would make it.
    let bigger = Command::new("mount")
        .args(["-o", "remount,size=600m"])
        .arg(&small.0)
        .status()
        .unwrap();
    assert!(bigger.success());
    let log = server.log();
    assert!(log.contains("No space left on device"), "{log}\n{said}");
    // Where the postmaster has ended with its PANIC, somebody starts it again.
    if !server.data_directory().join("postmaster.pid").exists() {
        start_again(&server);
    }
    let output = run.finish(LONG).exits(3);
    let said = &output.stderr;
    assert!(said.contains("V2__big was not applied"), "{said}");
    assert_eq!(database.value("select to_regclass('big')"), "NULL");
    apply(&project, &database, "").run().succeeds();
    assert_eq!(applied(&database), ["1", "2"]);
    drop(server);
}

/// B32: a standby takes over that lacks the last migrations: they and their rows are gone together,
/// and the next run applies them again.
#[test]
fn b_32_what_a_failover_lost_is_applied_again() {
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Owner);
    let project = Project::one_phase().migration("V1__people", "create table people (id int);\n");
    apply(&project, &database, "").run().succeeds();
    let standby = server.standby();
    let mut session = Session::connect(&standby.admin(&database.database));
    let project = project
        .migration("V2__pets", "create table pets (id int);\n")
        .migration("V3__index", "create index concurrently on pets (id);\n");
    let first = "select to_regclass('evmig.migration') is not null and exists (select from \
                 evmig.run where outcome = 'applied')";
    let asked = Instant::now();
    while session.value("select to_regclass('evmig.run') is not null") != "t"
        || session.value(first) != "t"
    {
        assert!(asked.elapsed() < LONG, "the standby follows");
        std::thread::sleep(Duration::from_millis(20));
    }
    // From here on it receives nothing.
    session.execute("alter system set primary_conninfo = ''");
    session.execute("select pg_reload_conf()");
    wait_until(
        &database,
        "select not exists (select from pg_stat_replication)",
        LONG,
    );
    apply(&project, &database, "").run().succeeds();
    session.execute("select pg_promote()");
    let successor = Target {
        port: standby.port(),
        socket_directory: Some(standby.socket_directory().to_path_buf()),
        ..(*database).clone()
    };
    let history = "select key from evmig.migration order by seq";
    assert_eq!(Session::connect(&successor).lines(history), ["1"]);
    apply(&project, &successor, "").run().succeeds();
    assert_eq!(Session::connect(&successor).lines(history), ["1", "2", "3"]);
    Evmig::new(&project, "history --verify")
        .on(&successor)
        .run()
        .succeeds();
}

/// B39: the clock of the machine that evmig runs on is a day off, either way. History is stamped by
/// the server and ordered by a sequence; waits are measured by a clock that only goes forward.
#[test]
fn b_39_the_clock_of_the_client_decides_nothing() {
    let faketime = tools::program("faketime");
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner);
    let mut project = Project::one_phase();
    for (version, skew) in [(1, "-1d"), (2, "+1d"), (3, "-400d")] {
        project = project.migration(&format!("V{version}__t"), "select 1;\n");
        Evmig::new(&project, "-f")
            .instead(&faketime)
            .arg(skew)
            .arg(env!("CARGO_BIN_EXE_evmig"))
            .arg("apply")
            .on(&database)
            .run()
            .succeeds();
    }
    assert_eq!(
        database.lines(
            "select key, now() - at between '-1 s' and '1 min' from evmig.migration \
             order by seq"
        ),
        ["1|t", "2|t", "3|t"]
    );
    assert_eq!(
        database.lines("select key from evmig.migration order by at"),
        ["1", "2", "3"]
    );
    Evmig::new(&project, "history --verify")
        .on(&database)
        .run()
        .succeeds();
}

/// B42: an extension that the server lacks.
#[test]
fn b_42_a_missing_extension_is_named() {
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Superuser);
    let project = Project::one_phase().migration(
        "V1__extension",
        "create table people (id int);\ncreate extension no_such_extension;\n",
    );
    let output = apply(&project, &database, "").run().exits(1);
    let said = &output.stderr;
    assert!(said.contains("no_such_extension"), "{said}");
    assert!(said.contains("V1__extension.sql:2"), "{said}");
    assert_eq!(database.value("select to_regclass('people')"), "NULL");
}

/// B43: one transaction that needs more locks than the server has room for.
#[test]
fn b_43_too_many_locks_say_what_to_change() {
    let server = Server::private(
        &Options::new(15)
            .set("max_locks_per_transaction", "10")
            .set("max_connections", "10"),
    );
    let database = server.database(Shape::Plain, Role::Owner);
    let mut tables = String::new();
    for n in 0..4000 {
        writeln!(tables, "create table t{n} (id int primary key);").unwrap();
    }
    let project = Project::one_phase().migration("V1__tables", &tables);
    let output = apply(&project, &database, "").run().exits(1);
    let said = &output.stderr;
    for words in ["53200", "out of shared memory", "max_locks_per_transaction"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(
        database.value("select count(*) from pg_class where relname like 't%' and relnamespace = 'public'::regnamespace"),
        "0"
    );
}

/// Somebody's two-phase commit that never got its second phase.
fn forgotten(database: &Database) {
    let mut session = database.session();
    session.execute("create table people (id int)");
    session.execute("begin");
    session.execute("insert into people values (1)");
    session.execute("prepare transaction 'forgotten'");
}

/// B44: a prepared transaction for which a concurrent build waits has no session that could be
/// ended: it is named as what it is.
#[test]
fn b_44_a_prepared_transaction_in_the_way_is_named() {
    let server = Server::private(&Options::new(15).set("max_prepared_transactions", "5"));
    let database = server.database(Shape::Plain, Role::Owner);
    forgotten(&database);
    let project =
        Project::one_phase().migration("V1__index", "create index concurrently on people (id);\n");
    let run = apply(&project, &database, "").spawn();
    run.wait_for("forgotten", LONG);
    database.session().execute("rollback prepared 'forgotten'");
    run.finish(LONG).succeeds();
    assert_eq!(applied(&database), ["1"]);
}

/// B44: and where a table lock is held by one.
#[test]
fn b_44_a_prepared_transaction_that_holds_a_table_is_named() {
    let server = Server::private(&Options::new(15).set("max_prepared_transactions", "5"));
    let database = server.database(Shape::Plain, Role::Owner);
    forgotten(&database);
    let project =
        Project::one_phase().migration("V1__column", "alter table people add column name text;\n");
    let run = apply(&project, &database, "--lock-timeout 1s --lock-retries 1").spawn();
    let output = run.finish(LONG).exits(6);
    assert!(output.stderr.contains("forgotten"), "{}", output.stderr);
}

/// B55: whoever holds the very key of the history's lock is named by the name it gave itself.
#[test]
fn b_55_a_stranger_who_holds_the_lock_is_named() {
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner);
    let project = Project::one_phase().migration("V1__people", "create table people (id int);\n");
    let key = u32::from_be_bytes(*b"evmg");
    let hash = <sha2::Sha256 as sha2::Digest>::digest(b"evmig");
    let second = i32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
    let mut stranger = database.session();
    stranger.execute(&format!(
        "set application_name = 'billing'; select pg_advisory_lock({key}, {second})"
    ));
    let output = apply(&project, &database, "--wait 1s").run().exits(6);
    assert!(output.stderr.contains("billing"), "{}", output.stderr);
    drop(stranger);
    // The same number as one key, and other tools' keys, are in nobody's way.
    let mut others = database.session();
    let whole = (i64::from(key) << 32) | i64::from(second.cast_unsigned());
    others.execute(&format!(
        "select pg_advisory_lock({whole}), pg_advisory_lock(72707369), pg_advisory_lock(75474063)"
    ));
    apply(&project, &database, "--wait 1s").run().succeeds();
}

/// B40, B41: what the environment says about encodings and dates does not reach the server.
#[test]
fn b_41_libpqs_variables_for_sessions_change_nothing() {
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner);
    let project = Project::one_phase().migration(
        "V1__people",
        "create table people (name text default 'ü€\\');\ninsert into people default values;\n",
    );
    apply(&project, &database, "")
        .env("PGCLIENTENCODING", "LATIN1")
        .env("PGDATESTYLE", "SQL, DMY")
        .env(
            "PGOPTIONS",
            "-c standard_conforming_strings=off -c search_path=nowhere,public",
        )
        .run()
        .succeeds();
    assert_eq!(database.value("select name from people"), "ü€\\");
}
