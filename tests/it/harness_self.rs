//! The harness is itself under test: a harness that lies makes every other test worthless.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::harness::postgres::SUPPORTED;
use super::harness::tls::Authority;
use super::harness::{
    Evmig, Holder, Options, Pgbouncer, PoolMode, Project, Role, Server, Session, Shape, Target,
    scratch, tools,
};

/// Set for the process that `a_killed_test_process_leaves_nothing` kills.
const VICTIM: &str = "EVMIG_TEST_VICTIM";

#[test]
fn every_supported_major_makes_every_kind_of_database() {
    for major in SUPPORTED {
        for shape in [Shape::Plain, Shape::Supabase, Shape::SupabaseLegacyGrants] {
            for role in [Role::Superuser, Role::Owner] {
                let database = Server::shared(major, shape).database(shape, role);
                let mut session = database.session();
                let case = format!("{major} {shape:?} {role:?}");
                let version = session.value("show server_version_num");
                assert_eq!(version[..2], major.to_string(), "{case}");
                assert_eq!(
                    session.value("select rolsuper from pg_roles where rolname = current_user"),
                    if role == Role::Superuser { "t" } else { "f" },
                    "{case}"
                );
                session.execute("create schema mine; create table mine.t (id int)");
                assert_eq!(
                    session.value("select count(*) from pg_roles where rolname = 'anon'"),
                    if shape == Shape::Plain { "0" } else { "1" },
                    "{case}"
                );
            }
        }
    }
}

#[test]
fn new_projects_of_supabase_grant_nothing_and_old_ones_all() {
    let server = Server::shared(15, Shape::Supabase);
    for (shape, granted) in [(Shape::Supabase, "f"), (Shape::SupabaseLegacyGrants, "t")] {
        let database = server.database(shape, Role::Owner);
        let mut session = database.session();
        session.execute("create table public.t (id int)");
        let answer = session.value("select has_table_privilege('anon', 'public.t', 'select')");
        assert_eq!(answer, granted, "{shape:?}");
    }
}

#[test]
fn the_supabase_prelude_can_run_again() {
    let database = Server::shared(15, Shape::Supabase).database(Shape::Supabase, Role::Superuser);
    database.execute(include_str!("harness/supabase_prelude.sql"));
    let mut session = database.session();
    session.execute("set request.jwt.claims = '{\"email\": \"a@example.com\"}'");
    assert_eq!(session.value("select auth.email()"), "a@example.com");
}

#[test]
fn a_password_is_asked_for_over_tcp_and_a_wrong_one_refused() {
    let database = Server::shared(16, Shape::Plain).database(Shape::Plain, Role::Owner);
    let over_tcp = Target {
        socket_directory: None,
        ..(*database).clone()
    };
    assert_eq!(Session::connect(&over_tcp).value("select 1"), "1");
    let wrong = Target {
        password: "wrong".to_owned(),
        ..over_tcp
    };
    let error = Session::try_connect(&wrong).err().expect("a refusal");
    assert_eq!(error.code().expect("SQLSTATE").code(), "28P01");
}

#[test]
fn the_server_that_is_too_old_the_one_with_settings_and_latin1() {
    let old = Server::private(&Options::new(13));
    assert_eq!(old.major(), 13);
    let readonly = Server::private(
        &Options::new(14)
            .set("default_transaction_read_only", "on")
            .own_identity(),
    );
    let mut session = Session::connect(&readonly.admin("postgres"));
    assert_eq!(session.sqlstate("create table t (id int)"), "25006");
    let identity = "select system_identifier from pg_control_system()";
    let shared = Server::shared(14, Shape::Plain);
    assert_ne!(
        session.value(identity),
        Session::connect(&shared.admin("postgres")).value(identity)
    );
    let latin1 = shared.latin1_database();
    assert_eq!(latin1.value("show server_encoding"), "LATIN1");
}

#[test]
fn a_standby_follows_and_refuses_writes() {
    for major in [14, 15] {
        let primary = Server::private(&Options::new(major));
        let standby = primary.standby();
        let mut session = Session::connect(&standby.admin("postgres"));
        assert_eq!(session.value("select pg_is_in_recovery()"), "t");
        assert_eq!(session.sqlstate("create table t (id int)"), "25006");
        Session::connect(&primary.admin("postgres")).execute("create table followed (id int)");
        let followed = "select to_regclass('followed') is not null";
        let reader = std::cell::RefCell::new(session);
        wait_until("the table arrives", || {
            reader.borrow_mut().value(followed) == "t"
        });
    }
}

#[test]
fn pgbouncer_pools_transactions() {
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner);
    let pooler =
        Pgbouncer::with_settings(&database, PoolMode::Transaction, "default_pool_size = 1");
    let target = pooler.target(&database);
    let (mut one, mut two) = (Session::connect(&target), Session::connect(&target));
    assert_eq!(one.pid(), two.pid(), "two clients share one backend");
}

#[test]
fn a_holder_holds_until_released() {
    let database = Server::shared(17, Shape::Plain).database(Shape::Plain, Role::Owner);
    let mut session = database.session();
    session.execute("create table t (id int); insert into t values (1); set lock_timeout = '50ms'");
    let holder = Holder::reader(&database, "t", Duration::from_secs(30));
    assert_eq!(session.sqlstate("alter table t add column a int"), "55P03");
    assert!(
        session
            .lines("select pid from pg_locks where relation = 't'::regclass")
            .contains(&holder.pid().to_string())
    );
    assert!(holder.release() < Duration::from_secs(30));
    session.execute("alter table t add column a int");
}

#[test]
fn an_autovacuum_steps_aside_after_deadlock_timeout() {
    let server = Server::private(
        &Options::new(15)
            .slow_autovacuum()
            .set("deadlock_timeout", "200ms"),
    );
    let database = server.database(Shape::Plain, Role::Superuser);
    let pid = Holder::autovacuum(&database, "crowded", Duration::from_secs(30));
    assert!(pid > 0);
    let mut session = database.session();
    assert_eq!(
        session.sqlstate("set lock_timeout = '50ms'; alter table crowded add column a int"),
        "55P03"
    );
    session.execute("set lock_timeout = '10s'; alter table crowded add column a int");
    assert!(server.log().contains("canceling autovacuum task"));
}

#[test]
fn a_server_with_tls_speaks_it() {
    let authority = Authority::new("harness");
    let certificate = authority.issue("127.0.0.1");
    let server = Server::private(&Options::new(18).tls(&certificate));
    let mut url = server.admin("postgres").url();
    url.push_str("?sslmode=verify-full&sslrootcert=");
    url.push_str(authority.root().to_str().expect("UTF-8"));
    let output = Command::new(tools::program("psql"))
        .args([
            "-XAtc",
            "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
            &url,
        ])
        .output()
        .expect("psql");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "t",
        "{output:?}"
    );
}

#[test]
fn a_run_shows_both_streams_the_exit_code_and_a_clean_environment() {
    let project = Project::one_phase().migration("V1__a", "select 1;\n");
    assert_eq!(
        project.files(),
        ["migrations/1_core/1_tables/V1__a.sql", "phases.toml"]
    );
    let script = "cat; pwd; env | grep -c -E '^(CARGO|EVMIG|PG)'; echo took 1.5 ms >&2; exit 3";
    let output = Evmig::new(&project, "-c")
        .instead("/bin/sh")
        .arg(script)
        .stdin("typed\n")
        .run();
    assert_eq!(
        output.exits(3).snapshot(),
        "typed\n$DIR\n0\n--- stderr ---\ntook $T\n--- exit 3 ---"
    );
}

#[test]
fn a_terminal_has_the_width_asked_for_and_all_three_streams_are_it() {
    let project = Project::empty();
    let script = "test -t 0 && test -t 1 && test -t 2 && stty size && echo error >&2";
    let output = Evmig::new(&project, "-c")
        .instead("/bin/sh")
        .arg(script)
        .terminal(80)
        .run();
    assert_eq!(output.snapshot(), "40 80\nerror\n--- exit 0 ---");
}

#[test]
fn a_running_command_can_be_watched_and_signalled() {
    let project = Project::empty();
    let script =
        "trap 'echo caught >&2; exit 143' TERM; echo ready >&2; while :; do sleep 0.01; done";
    let running = Evmig::new(&project, "-c")
        .instead("/bin/sh")
        .arg(script)
        .spawn();
    running.wait_for("ready\n", Duration::from_secs(20));
    assert!(running.process_list().contains("trap 'echo caught"));
    running.signal(nix::sys::signal::Signal::SIGTERM);
    let output = running.finish(Duration::from_secs(20));
    assert_eq!(output.stderr, "ready\ncaught\n");
    assert_eq!(output.code(), 143);
}

#[test]
#[should_panic(expected = "the password is in")]
fn an_output_with_the_password_fails_the_test() {
    let project = Project::empty();
    let script = format!("echo {}", super::harness::postgres::PASSWORD);
    Evmig::new(&project, "-c")
        .instead("/bin/sh")
        .arg(script)
        .run();
}

#[test]
fn a_killed_test_process_leaves_nothing() {
    let mut victim = Command::new(std::env::current_exe().expect("this binary"))
        .args([
            "--exact",
            "harness_self::a_victim_waits_to_be_killed",
            "--nocapture",
        ])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("this binary");
    let lines = BufReader::new(victim.stdout.take().expect("piped")).lines();
    let line = lines
        .map(|line| line.expect("UTF-8"))
        .find(|line| line.contains(VICTIM))
        .expect("the victim's line");
    let mut words = line
        .split_whitespace()
        .skip_while(|word| *word != VICTIM)
        .skip(1);
    let base = PathBuf::from(words.next().expect("a path"));
    let pid: i32 = words
        .next()
        .and_then(|word| word.parse().ok())
        .expect("a pid");
    let postmaster = nix::unistd::Pid::from_raw(pid);
    let alive = || nix::sys::signal::kill(postmaster, None).is_ok();
    assert!(base.is_dir() && alive());
    victim.kill().expect("SIGKILL");
    victim.wait().expect("our own child");
    wait_until("the server stops", || !alive());
    wait_until("its files go", || !base.exists());
}

/// Not a test of its own: the process which the test above kills.
#[test]
fn a_victim_waits_to_be_killed() {
    if tools::setting(VICTIM).is_none() {
        return;
    }
    let server = Server::shared(15, Shape::Plain);
    let file = server.data_directory().join("postmaster.pid");
    let pid = std::fs::read_to_string(file).expect("a running server");
    let pid = pid.lines().next().expect("a pid");
    println!("\n{VICTIM} {} {pid}", scratch::base().display());
    std::thread::sleep(Duration::from_mins(1));
}

#[test]
fn scratch_directories_are_inside_the_base() {
    let directory = scratch::directory("x");
    assert!(directory.starts_with(scratch::base()) && directory.is_dir());
}

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
