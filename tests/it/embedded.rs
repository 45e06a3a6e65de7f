//! The embedded server, on the PostgreSQL of this machine.
//!
//! Each test has its own project and data directory and stops its server. As root the server runs
//! as another user, so the data lies in a directory that everybody can pass through.
#![expect(
    clippy::unwrap_used,
    reason = "clippy knows test functions, but not the helpers of an integration test"
)]
#![expect(
    clippy::disallowed_methods,
    reason = "EVMIG_PG_BIN says on which PostgreSQL to test"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use evmig::shadow::{Embedded, EmbeddedError, Origin, Running, Status, Surroundings};

/// A project of its own, whose server is stopped and deleted at the end.
struct Bench {
    directory: PathBuf,
    surroundings: Surroundings,
}

impl Bench {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let top = if memory.is_dir() {
            memory.to_owned()
        } else {
            std::env::temp_dir()
        };
        Self::below(&top.join(format!("evmig-it-{:016x}", fastrand::u64(..))))
    }

    fn below(directory: &Path) -> Self {
        fs::create_dir_all(directory.join("project")).unwrap();
        // Whatever the umask, the server's user must be able to pass through.
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).unwrap();
        let surroundings = Surroundings {
            path: Some("/usr/bin:/bin:/usr/local/bin".into()),
            data_dir: Some(directory.join("data")),
            pg_bin: std::env::var_os("EVMIG_PG_BIN").map(Into::into),
            ..Surroundings::default()
        };
        Self {
            directory: directory.to_owned(),
            surroundings,
        }
    }

    fn embedded(&self) -> Embedded {
        self.embedded_with(&self.surroundings)
    }

    fn embedded_with(&self, surroundings: &Surroundings) -> Embedded {
        let root = self.directory.join("project");
        Embedded::new(surroundings.clone(), "Bench", &root).unwrap()
    }

    /// Runs SQL with psql and returns what it printed on stdout, or on stderr if it failed.
    fn sql(&self, running: &Running, sql: &str) -> Result<String, String> {
        let arguments = ["-X", "-A", "-t", "-c", sql].map(Into::into);
        let mut command = running
            .psql_command(&self.surroundings, "postgres", &arguments)
            .unwrap();
        let output = command.output().unwrap();
        if output.status.success() {
            Ok(String::from_utf8(output.stdout)
                .unwrap()
                .trim_end()
                .to_owned())
        } else {
            Err(String::from_utf8(output.stderr).unwrap())
        }
    }

    /// The directory of the one major that was started.
    fn major(running: &Running) -> &Path {
        running.data_dir.parent().unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let root = self.directory.join("project");
        if let Ok(embedded) = Embedded::new(self.surroundings.clone(), "Bench", &root) {
            drop(embedded.stop());
        }
        drop(fs::remove_dir_all(&self.directory));
    }
}

fn exists(pid: i32) -> bool {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok()
}

fn kill(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL).unwrap();
}

/// Waits for something that takes no more than seconds.
fn wait_until(what: &str, happened: impl Fn() -> bool) {
    let begin = Instant::now();
    while !happened() {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "waited for: {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_server_is_made_found_stopped_and_started_with_its_data() {
    let bench = Bench::new();
    let embedded = bench.embedded();
    assert!(matches!(embedded.status().unwrap(), Status::Absent));
    assert!(embedded.stop().unwrap().is_empty());
    assert_eq!(embedded.reset().unwrap(), None);

    let first = embedded.start().unwrap();
    assert_eq!(first.origin, Origin::Created);
    assert_eq!(first.database, "bench");
    bench
        .sql(&first, "create table kept as select 42 as answer")
        .unwrap();

    // Ctrl-C reaches the process group of evmig, which is not the server's.
    let group = nix::unistd::getpgid(Some(nix::unistd::Pid::from_raw(first.pid))).unwrap();
    assert_eq!(group.as_raw(), first.pid);

    // The fastest of several, since the machine may be busy with other tests.
    let find = |_| {
        let before = Instant::now();
        let second = embedded.start().unwrap();
        assert_eq!((second.pid, second.origin), (first.pid, Origin::Found));
        before.elapsed()
    };
    let fastest = (0..20).map(find).min().unwrap();
    assert!(fastest < Duration::from_millis(5), "{fastest:?}");
    assert!(matches!(embedded.status().unwrap(), Status::Running(found) if found.pid == first.pid));

    let stopped = embedded.stop().unwrap();
    assert_eq!(stopped, std::slice::from_ref(&first.version));
    assert!(!exists(first.pid));
    assert!(matches!(embedded.status().unwrap(), Status::Stopped { .. }));

    let third = embedded.start().unwrap();
    assert_eq!((third.origin, third.port), (Origin::Started, first.port));
    assert_eq!(bench.sql(&third, "select answer from kept").unwrap(), "42");

    let removed = embedded.reset().unwrap().unwrap();
    assert_eq!(removed.directory, Bench::major(&first));
    assert!(!removed.directory.exists());
    assert!(!exists(third.pid));
    assert!(matches!(embedded.status().unwrap(), Status::Absent));
}

#[test]
fn the_server_is_set_up_for_this_machine_only_and_for_any_text() {
    let bench = Bench::new();
    let running = bench.embedded().start().unwrap();
    let setting = |name: &str| bench.sql(&running, &format!("show {name}")).unwrap();
    assert_eq!(setting("listen_addresses"), "127.0.0.1");
    assert_eq!(setting("server_encoding"), "UTF8");
    assert_eq!(setting("fsync"), "on");
    assert_eq!(setting("TimeZone"), "UTC");
    assert_eq!(setting("default_text_search_config"), "pg_catalog.english");
    assert_eq!(
        bench.sql(
            &running,
            "select count(*) from pg_hba_file_rules where auth_method <> 'scram-sha-256'"
        ),
        Ok("0".into())
    );
    if cfg!(target_os = "linux") {
        assert_eq!(bench.sql(&running, "select lower('ÄÉ')").unwrap(), "äé");
    }
    // What is private is private.
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&running.pgpass), 0o600);
    assert_eq!(mode(&running.log), 0o600);
    assert_eq!(mode(&running.data_dir), 0o700);
    assert_eq!(mode(&running.socket_dir), 0o700);
    // The server is not root, though evmig may be.
    assert_ne!(fs::metadata(&running.data_dir).unwrap().uid(), 0);
    // Nothing shows the password: not the structure, not the command line, not the URL.
    let password = running.password.expose();
    assert!(!format!("{running:?}").contains(password));
    assert!(!running.url("bench").contains(password));
    assert!(
        running
            .url_with_password("b/d")
            .expose()
            .ends_with("/b%2Fd")
    );
    let arguments = fs::read_to_string(running.data_dir.join("postmaster.opts")).unwrap();
    assert!(!arguments.contains(password));
}

#[test]
fn a_wrong_password_opens_neither_the_socket_nor_loopback() {
    let bench = Bench::new();
    let running = bench.embedded().start().unwrap();
    for host in [
        running.host.clone(),
        running.socket_dir.display().to_string(),
    ] {
        let arguments = ["-X", "-w", "-c", "select 1"].map(Into::into);
        let command = || {
            running
                .psql_command(&bench.surroundings, "postgres", &arguments)
                .unwrap()
        };
        let right = command().env("PGHOST", &host).output().unwrap();
        assert!(right.status.success(), "{host}: {right:?}");
        let wrong = command()
            .env("PGHOST", &host)
            .env("PGPASSFILE", "/dev/null")
            .env("PGPASSWORD", "x")
            .output();
        let said = String::from_utf8(wrong.unwrap().stderr).unwrap();
        assert!(
            said.contains("password authentication failed"),
            "{host}: {said}"
        );
    }
}

#[test]
fn several_starts_at_once_find_one_server() {
    let bench = Bench::new();
    let embedded = bench.embedded();
    let all: Vec<Running> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..5)
            .map(|_| scope.spawn(|| embedded.start().unwrap()))
            .collect();
        starts
            .into_iter()
            .map(|start| start.join().unwrap())
            .collect()
    });
    assert!(all.iter().all(|running| running.pid == all[0].pid));
    let created = all
        .iter()
        .filter(|running| running.origin == Origin::Created)
        .count();
    assert_eq!(created, 1);
}

#[test]
fn a_killed_server_starts_again_with_what_was_committed() {
    let bench = Bench::new();
    let embedded = bench.embedded();
    let first = embedded.start().unwrap();
    bench
        .sql(&first, "create table kept as select 7 as seven")
        .unwrap();
    kill(first.pid);
    wait_until("the kill has happened", || {
        matches!(embedded.status().unwrap(), Status::Stopped { .. })
    });
    let second = embedded.start().unwrap();
    assert_ne!(second.pid, first.pid);
    assert_eq!(second.origin, Origin::Started);
    assert_eq!(bench.sql(&second, "select seven from kept").unwrap(), "7");
}

#[test]
fn a_left_over_process_id_of_somebody_else_does_not_matter() {
    let bench = Bench::new();
    let embedded = bench.embedded();
    let first = embedded.start().unwrap();
    let pid_file = first.data_dir.join("postmaster.pid");
    let text = fs::read_to_string(&pid_file).unwrap();
    embedded.stop().unwrap();
    // The file is back, and its process id is that of a living process of the server's user.
    let owner = fs::metadata(&first.data_dir).unwrap().uid();
    let sleep = |seconds: &str, directory: &Path| {
        let mut command = Command::new("/bin/sleep");
        command.arg(seconds).current_dir(directory);
        if nix::unistd::Uid::effective().is_root() {
            std::os::unix::process::CommandExt::uid(&mut command, owner);
        }
        command.spawn().unwrap()
    };
    let mut other = sleep("600", Path::new("/"));
    let changed = text.replacen(&first.pid.to_string(), &other.id().to_string(), 1);
    fs::write(&pid_file, changed).unwrap();
    std::os::unix::fs::chown(&pid_file, Some(owner), None).unwrap();
    // A process of the killed server takes a while to leave.
    let mut left_over = sleep("1", &first.data_dir);
    let reaper = std::thread::spawn(move || left_over.wait());
    assert!(matches!(embedded.status().unwrap(), Status::Stopped { .. }));
    let before = Instant::now();
    let second = embedded.start();
    let waited = before.elapsed();
    other.kill().unwrap();
    other.wait().unwrap();
    reaper.join().unwrap().unwrap();
    let second = second.unwrap();
    if cfg!(target_os = "linux") {
        assert!(waited > Duration::from_millis(500), "{waited:?}");
    }
    assert_eq!(bench.sql(&second, "select 1").unwrap(), "1");
}

#[test]
fn an_interrupted_initdb_is_cleared_and_done_again() {
    let bench = Bench::new();
    let embedded = bench.embedded();
    let first = embedded.start().unwrap();
    embedded.stop().unwrap();
    // What a kill between initdb's first file and the rename leaves.
    let major = Bench::major(&first).to_owned();
    let part = major.join("data.part-0123456789abcdef");
    fs::rename(&first.data_dir, &part).unwrap();
    fs::remove_dir_all(part.join("global")).unwrap();
    fs::remove_file(&first.pgpass).unwrap();
    assert!(matches!(embedded.status().unwrap(), Status::Absent));

    let second = embedded.start().unwrap();
    assert_eq!(second.origin, Origin::Created);
    assert!(!part.exists());
    assert_ne!(second.password, first.password);
    assert_eq!(bench.sql(&second, "select 1").unwrap(), "1");
}

#[test]
fn reset_and_start_refuse_a_directory_that_evmig_did_not_make() {
    let bench = Bench::new();
    let embedded = bench.embedded();
    let running = embedded.start().unwrap();
    embedded.reset().unwrap();
    let major = Bench::major(&running);
    fs::create_dir_all(major.join("data")).unwrap();
    fs::write(major.join("data/precious"), "x").unwrap();
    assert!(matches!(
        embedded.reset(),
        Err(EmbeddedError::NotOurs { .. })
    ));
    assert!(matches!(
        embedded.start(),
        Err(EmbeddedError::NotOurs { .. })
    ));
    assert!(matches!(
        embedded.status(),
        Err(EmbeddedError::NotOurs { .. })
    ));
    assert!(major.join("data/precious").exists());
}

#[test]
fn a_long_and_odd_path_gets_a_short_socket() {
    let outer = Bench::new();
    let odd = format!("it's a \"long\" $(path), {}", "x".repeat(90));
    let bench = Bench::below(&outer.directory.join(odd));
    let running = bench.embedded().start().unwrap();
    assert!(
        running.socket_dir.starts_with("/tmp"),
        "{:?}",
        running.socket_dir
    );
    assert_eq!(bench.sql(&running, "select 1").unwrap(), "1");
    let socket_dir = running.socket_dir.clone();
    bench.embedded().reset().unwrap();
    assert!(!socket_dir.exists());
}

#[test]
fn a_server_that_cannot_start_shows_its_log() {
    let bench = Bench::new();
    let embedded = bench.embedded();
    let running = embedded.start().unwrap();
    embedded.stop().unwrap();
    let control = running.data_dir.join("global/pg_control");
    fs::rename(&control, control.with_extension("away")).unwrap();
    let error = embedded.start().unwrap_err();
    assert!(matches!(error, EmbeddedError::Start { .. }));
    let text = error.to_string();
    assert!(text.contains("pg_control"), "{text}");
    assert!(error.hint().contains("evmig db reset"));
}

#[test]
fn a_lost_password_is_said_before_anything_starts() {
    let bench = Bench::new();
    let embedded = bench.embedded();
    let running = embedded.start().unwrap();
    embedded.stop().unwrap();
    fs::write(&running.pgpass, "*:*:*:postgres:short\n").unwrap();
    assert!(matches!(
        embedded.start(),
        Err(EmbeddedError::PasswordLost { .. })
    ));
    assert!(matches!(embedded.status().unwrap(), Status::Stopped { .. }));
}

#[test]
fn unusable_binaries_and_users_are_refused_before_anything_is_made() {
    let bench = Bench::new();
    let with = |change: fn(&mut Surroundings)| {
        let mut surroundings = bench.surroundings.clone();
        change(&mut surroundings);
        bench.embedded_with(&surroundings).start().unwrap_err()
    };
    let error = with(|s| s.pg_bin = Some("/no/such/place".into()));
    assert!(matches!(error, EmbeddedError::BadPgBin { .. }), "{error}");
    let error = with(|s| s.pg_bin = Some("/tmp".into()));
    assert!(error.to_string().contains("no program postgres"), "{error}");
    let error = with(|s| s.pg_user = Some("no-such-user-here".into()));
    assert!(error.hint().contains("EVMIG_PG_USER"), "{error}");
    assert!(!bench.directory.join("data").exists());
}

#[test]
fn a_directory_that_keeps_the_servers_user_out_is_named() {
    if !nix::unistd::Uid::effective().is_root() {
        return;
    }
    let bench = Bench::new();
    let closed = bench.directory.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let mut surroundings = bench.surroundings.clone();
    surroundings.data_dir = Some(closed.join("data"));
    let error = bench.embedded_with(&surroundings).start().unwrap_err();
    assert!(
        matches!(&error, EmbeddedError::Unreachable { obstacle, .. } if *obstacle == closed),
        "{error}"
    );
    assert!(!closed.join("data").exists());
}

#[test]
fn a_taken_port_is_replaced() {
    let bench = Bench::new();
    let embedded = bench.embedded();
    let first = embedded.start().unwrap();
    embedded.stop().unwrap();
    let _taken = std::net::TcpListener::bind((first.host.as_str(), first.port)).unwrap();
    let second = embedded.start().unwrap();
    assert_ne!(second.port, first.port);
    assert_eq!(bench.sql(&second, "select 1").unwrap(), "1");
}

#[test]
fn another_major_leaves_the_first_one_alone() {
    let bench = Bench::new();
    let chosen = bench.embedded().start().unwrap();
    let found = Surroundings {
        pg_bin: None,
        ..bench.surroundings.clone()
    };
    // Needs EVMIG_PG_BIN to name another major than the one that a search finds.
    let elsewhere = Bench::new();
    let other = elsewhere.embedded_with(&found).start().unwrap();
    elsewhere.embedded_with(&found).reset().unwrap();
    if bench.surroundings.pg_bin.is_none() || other.version.major == chosen.version.major {
        return;
    }
    bench.sql(&chosen, "create table kept as select 1").unwrap();
    bench.embedded().stop().unwrap();
    // Without EVMIG_PG_BIN the search keeps to the major that has data only where it finds it.
    let second = bench.embedded_with(&found).start().unwrap();
    assert_eq!(second.version.major, other.version.major);
    assert_eq!(second.notes.len(), 1, "{:?}", second.notes);
    // Both run, and each is found by its own name.
    let first = bench.embedded().start().unwrap();
    assert_eq!(first.version.major, chosen.version.major);
    assert_eq!(bench.sql(&first, "select count(*) from kept").unwrap(), "1");
    let removed = bench.embedded().reset().unwrap().unwrap();
    assert_eq!(
        (removed.major, removed.others),
        (chosen.version.major, vec![other.version.major])
    );
    assert!(exists(second.pid) && !exists(first.pid));
    bench.embedded_with(&found).stop().unwrap();
    assert!(!exists(second.pid));
}
