//! A password reaches evmig in eleven ways and leaves it in none: no output, log, history row,
//! error or process list holds it.
//!
//! The process list is sampled while evmig runs. One image is beyond evmig's power: a password
//! that is typed into `--database-url` is an argument until evmig has replaced itself, about a
//! millisecond later. Samples of that first image are let through, for 50 ms at most, and no
//! sample after the first one of the second image may hold it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::harness::{
    Database, Evmig, Options, Output, Project, Role, Server, Session, Shape, Target,
};

/// Characters that every notation writes differently, around a core that all of them keep.
const PASSWORD: &str = r"k@:canary-4be1c7/%x";
const WRONG: &str = r"w@:canary-wrong-4be1c7/%x";
/// The core: what must be nowhere.
const CANARIES: [&str; 2] = ["canary-4be1c7", "canary-wrong-4be1c7"];
const USER: &str = "keeper";
/// How much of a processor the first image of a process may use while it shows its arguments: how long that is
/// depends on who else wants one.
const FIRST_IMAGE: Duration = Duration::from_millis(50);

/// A server that logs all that it is sent.
static SERVER: LazyLock<Arc<Server>> = LazyLock::new(|| {
    let server = Server::private(
        &Options::new(15)
            .set("log_statement", "all")
            .set("log_connections", "on")
            .set("log_min_duration_statement", "0"),
    );
    let mut admin = Session::connect(&server.admin("postgres"));
    // The one statement with the password in it is the test's own.
    admin.execute("set log_statement = 'none'");
    admin.execute("set log_min_duration_statement = -1");
    admin.execute(&format!(
        "create role {USER} login superuser password '{PASSWORD}'"
    ));
    server
});

/// A way to give a password. `give` gets the run, the project, where to connect, the password.
struct Source {
    /// The end of what `evmig config` says of it.
    shown: &'static str,
    give: fn(Evmig, &Project, &Target, &str) -> Evmig,
}

fn encoded(password: &str) -> String {
    password
        .replace('%', "%25")
        .replace('@', "%40")
        .replace(':', "%3A")
        .replace('/', "%2F")
}

fn url(target: &Target, password: &str) -> String {
    let target = Target {
        password: encoded(password),
        ..target.clone()
    };
    target.url()
}

fn private_file(path: &Path, text: &str) {
    fs::write(path, text).expect("our own file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("our own file");
}

/// A line of a password file.
fn passfile_line(target: &Target, password: &str) -> String {
    let password = password.replace(':', r"\:");
    format!("{}:*:*:{}:{password}\n", target.host, target.user)
}

fn flag(run: Evmig, target: &Target) -> Evmig {
    run.arg("--database-url").arg(target.url_without_password())
}

fn environment(project: &Project, line: &str) {
    let manifest = project.read("phases.toml");
    if !manifest.contains("[environments.staging]") {
        project.write(
            "phases.toml",
            format!("{manifest}\n[environments.staging]\n{line}\n"),
        );
    }
}

const FLAG_URL: Source = Source {
    shown: "flag --database-url",
    give: |run, _, target, password| run.arg("--database-url").arg(url(target, password)),
};
const FLAG_KEYWORDS: Source = Source {
    shown: "flag --database-url",
    give: |run, _, target, password| {
        run.arg(format!(
            "--database-url=host={} port={} user={} dbname={} password='{password}'",
            target.host, target.port, target.user, target.database
        ))
    },
};
const EVMIG_URL: Source = Source {
    shown: "variable EVMIG_DATABASE_URL",
    give: |run, _, target, password| run.env("EVMIG_DATABASE_URL", url(target, password)),
};
const DATABASE_URL: Source = Source {
    shown: "variable DATABASE_URL",
    give: |run, _, target, password| run.env("DATABASE_URL", url(target, password)),
};
const DOTENV_URL: Source = Source {
    shown: ".env DATABASE_URL",
    give: |run, project, target, password| {
        let line = format!("DATABASE_URL='{}'\n", url(target, password));
        project.write(".env", line);
        run
    },
};
const DOTENV_PASSWORD: Source = Source {
    shown: ".env PGPASSWORD",
    give: |run, project, target, password| {
        project.write(".env", format!("PGPASSWORD='{password}'\n"));
        flag(run, target)
    },
};
const PGPASSWORD: Source = Source {
    shown: "variable PGPASSWORD",
    give: |run, _, target, password| flag(run.env("PGPASSWORD", password), target),
};
const HOME_PGPASS: Source = Source {
    shown: ".pgpass:1",
    give: |run, _, target, password| {
        let line = passfile_line(target, password);
        private_file(&run.home().join(".pgpass"), &line);
        flag(run, target)
    },
};
const PGPASSFILE: Source = Source {
    shown: "passwords:1",
    give: |run, project, target, password| {
        let file = project.path("passwords");
        private_file(&file, &passfile_line(target, password));
        flag(run.env("PGPASSFILE", file), target)
    },
};
const PGSERVICE: Source = Source {
    shown: "services",
    give: |run, project, target, password| {
        let file = project.path("services");
        let text = format!(
            "[shop]\nhost={}\nport={}\nuser={}\ndbname={}\npassword={password}\n",
            target.host, target.port, target.user, target.database
        );
        private_file(&file, &text);
        run.env("PGSERVICEFILE", file).env("PGSERVICE", "shop")
    },
};
const URL_ENV: Source = Source {
    shown: "variable SHOP_URL",
    give: |run, project, target, password| {
        environment(project, "url_env = \"SHOP_URL\"");
        run.env("SHOP_URL", url(target, password))
            .arg("--env")
            .arg("staging")
    },
};

#[test]
fn a_password_in_the_flag_as_a_url_is_nowhere() {
    nowhere(&FLAG_URL);
}

#[test]
fn a_password_in_the_flag_as_keywords_is_nowhere() {
    nowhere(&FLAG_KEYWORDS);
}

#[test]
fn a_password_in_evmig_database_url_is_nowhere() {
    nowhere(&EVMIG_URL);
}

#[test]
fn a_password_in_database_url_is_nowhere() {
    nowhere(&DATABASE_URL);
}

#[test]
fn a_password_in_the_url_of_dotenv_is_nowhere() {
    nowhere(&DOTENV_URL);
}

#[test]
fn a_password_in_pgpassword_of_dotenv_is_nowhere() {
    nowhere(&DOTENV_PASSWORD);
}

#[test]
fn a_password_in_pgpassword_is_nowhere() {
    nowhere(&PGPASSWORD);
}

#[test]
fn a_password_in_pgpass_at_home_is_nowhere() {
    nowhere(&HOME_PGPASS);
}

#[test]
fn a_password_in_pgpassfile_is_nowhere() {
    nowhere(&PGPASSFILE);
}

#[test]
fn a_password_in_a_service_file_is_nowhere() {
    nowhere(&PGSERVICE);
}

#[test]
fn a_password_in_a_variable_that_an_environment_names_is_nowhere() {
    nowhere(&URL_ENV);
}

/// The file whose text could hold a password is never shown with it, an error or not.
#[test]
fn a_password_in_a_file_with_an_error_is_not_shown() {
    let project = Project::one_phase();
    environment(
        &project,
        &format!("url = \"{}\"", url(&SERVER.admin("x"), PASSWORD)),
    );
    let output = Evmig::new(&project, "config").run().exits(2);
    assert_no_canary("the manifest's error", &whole(&output));
    assert!(output.stderr.contains("phases.toml:"), "{}", output.stderr);

    let project = Project::one_phase().file(".env", format!("PGPASSWORD=a '{PASSWORD}\n"));
    let output = Evmig::new(&project, "config").run().exits(2);
    assert_no_canary("the error of .env", &whole(&output));
    assert!(output.stderr.contains(".env"), "{}", output.stderr);

    for bad in [
        "postgres://u:PW@h:port/db",
        "host=h password=PW sslmode=x",
        "postgres://u:PW@[h/d",
    ] {
        let bad = bad.replace("PW", "canary-4be1c7");
        let project = Project::one_phase();
        for run in [
            Evmig::new(&project, "status")
                .arg("--database-url")
                .arg(&bad),
            Evmig::new(&project, "status -vv").env("DATABASE_URL", &bad),
        ] {
            let output = run.run().exits(2);
            assert_no_canary(&bad, &whole(&output));
        }
    }
}

#[test]
fn a_password_file_that_others_can_read_is_ignored_with_a_warning() {
    let database = database();
    let project = project();
    let target = over_tcp(&database);
    let run = (HOME_PGPASS.give)(Evmig::new(&project, "apply"), &project, &target, PASSWORD);
    let file = run.home().join(".pgpass");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("our own file");
    let output = run.clone().run().exits(5);
    assert_no_canary("the refusal", &whole(&output));
    let shown = output
        .replacing(target.port.to_string(), "$PORT")
        .replacing(run.home().display().to_string(), "$HOME")
        .snapshot();
    assert!(
        shown.contains("group or others have access (mode 0644)"),
        "{shown}"
    );
    assert!(shown.contains("chmod 0600"), "{shown}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("our own file");
    let output = run.run().succeeds();
    assert!(!output.stderr.contains("warning"), "{}", output.stderr);
}

/// Runs evmig in every way that talks about the connection, and looks everywhere.
fn nowhere(source: &Source) {
    let database = database();
    let target = over_tcp(&database);
    let project = project();
    let give = |words: &str, password: &str| {
        let run = Evmig::new(&project, words).knowing(&target);
        (source.give)(run, &project, &target, password)
    };

    shows_the_source(source, &give("config", PASSWORD));
    watched(
        give("apply -vv --events events-1.jsonl", PASSWORD),
        &database,
    )
    .succeeds();
    project.write(
        "migrations/1_core/1_tables/V3__fails.sql",
        "select 1;\nselect pg_sleep(0.1);\nselect no_such_column from a;\n",
    );
    let failed = watched(
        give("apply --format json --events events-2.jsonl", PASSWORD),
        &database,
    )
    .exits(1);
    assert_eq!(failed.json()["error"]["sqlstate"], "42703");
    watched(
        give("apply -v --events events-3.jsonl", PASSWORD),
        &database,
    )
    .exits(1);
    for words in ["status -vv", "history --format json", "history --verify -v"] {
        watched(give(words, PASSWORD), &database).succeeds();
    }
    for words in [
        "apply -vv",
        "apply --format json",
        "status -v",
        "config -vv",
    ] {
        let refused = watched(give(words, WRONG), &database);
        let code = if words.starts_with("config") { 0 } else { 5 };
        let refused = refused.exits(code);
        let said = whole(&refused);
        assert!(code == 0 || said.contains("28P01"), "{said}");
    }

    let state = project.path("state");
    let backup = give("backup -vv", PASSWORD).env("EVMIG_DATA_DIR", &state);
    watched(backup, &database).succeeds();
    let refused = give("backup", WRONG).env("EVMIG_DATA_DIR", &state);
    watched(refused, &database).exits(5);
    let mut files = project.files();
    files.retain(|file| file.starts_with("backups/") || file.starts_with("state/"));
    assert!(
        files.iter().any(|file| file.ends_with("manifest.json")),
        "{files:?}"
    );
    for file in files {
        let bytes = fs::read(project.path(&file)).expect("our own file");
        assert_no_canary(&file, &String::from_utf8_lossy(&bytes));
    }

    for number in 1..=3 {
        let events = project.read(&format!("events-{number}.jsonl"));
        assert!(events.lines().count() > 1, "{events}");
        assert_no_canary("the events", &events);
    }
    assert_no_canary("the history", &everything_in(&database));
    assert_no_canary("the server's log", &SERVER.log());
}

fn shows_the_source(source: &Source, run: &Evmig) {
    let output = run.clone().run().succeeds();
    assert_no_canary("the configuration", &whole(&output));
    let output = run.clone().arg("--format").arg("json").run().succeeds();
    assert_no_canary("the configuration", &whole(&output));
    let document = output.json();
    let password = document["settings"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|setting| setting["name"] == "connection.password")
        .unwrap_or_else(|| panic!("no password in {document:#}"));
    assert_eq!(password["value"], "[redacted]");
    let shown = password["source"].as_str().expect("text");
    let shown = shown.split('/').next_back().expect("one part at least");
    assert_eq!(shown, source.shown);
}

/// Runs it to its end under watch.
fn watched(run: Evmig, database: &Database) -> Output {
    let running = run.spawn();
    let processes = Watch::processes(running.pid());
    let sessions = Watch::sessions(&database.admin());
    let output = running.finish(Duration::from_mins(1));
    processes.end();
    sessions.end();
    assert_no_canary("the output", &whole(&output));
    output
}

/// A thread that looks at something again and again.
struct Watch {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Looks at the command lines of a process and of all that it starts.
    fn processes(pid: u32) -> Self {
        Self::start(move |ended| {
            let started = Instant::now();
            let mut gaps = Vec::new();
            let (mut shown, mut second_image) = (false, false);
            while !ended.load(Ordering::Relaxed) {
                let sampled = Instant::now();
                for (one, line) in family(pid) {
                    let first_image = one == pid && !second_image;
                    second_image |= one == pid && line.contains("from-environment");
                    let leaked = CANARIES.iter().any(|canary| line.contains(canary));
                    shown |= leaked;
                    let excused = first_image && used(pid).is_none_or(|used| used < FIRST_IMAGE);
                    assert!(
                        !leaked || excused,
                        "in the process list after {:?}: {line}",
                        started.elapsed()
                    );
                }
                std::thread::sleep(Duration::from_micros(100));
                gaps.push(sampled.elapsed());
            }
            assert!(!shown || second_image, "it was shown, and never hidden");
            // The median: a busy machine takes the processor away for longer now and then.
            gaps.sort();
            let median = gaps[gaps.len() / 2];
            assert!(
                median <= Duration::from_millis(10),
                "a sample every {median:?}"
            );
        })
    }

    /// Looks at what the server shows of its sessions.
    fn sessions(target: &Target) -> Self {
        let target = target.clone();
        Self::start(move |ended| {
            let mut session = Session::connect(&target);
            while !ended.load(Ordering::Relaxed) {
                let all = session
                    .lines("select a::text from pg_stat_activity a")
                    .join("\n");
                assert_no_canary("pg_stat_activity", &all);
                std::thread::sleep(Duration::from_millis(1));
            }
        })
    }

    fn start(look: impl FnOnce(&AtomicBool) + Send + 'static) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        Self {
            ended,
            thread: std::thread::spawn(move || look(&seen)),
        }
    }

    fn end(self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Returns how much processor time a process has used; `None` where it is gone.
fn used(pid: u32) -> Option<Duration> {
    let text = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    let nanoseconds = text.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// The command lines of a process and of its descendants.
fn family(pid: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let mut left = vec![pid];
    while let Some(pid) = left.pop() {
        let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else {
            continue;
        };
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        found.push((pid, line));
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        left.extend(
            children
                .unwrap_or_default()
                .split_whitespace()
                .filter_map(|child| child.parse::<u32>().ok()),
        );
    }
    found
}

/// Every row of every table that evmig or refinery writes, as text.
fn everything_in(database: &Database) -> String {
    let mut session = Session::connect(&database.admin());
    let tables = session.lines(
        "select format('%I.%I', schemaname, tablename) from pg_tables \
         where schemaname not in ('pg_catalog', 'information_schema')",
    );
    assert!(
        tables.iter().any(|table| table == "evmig.run"),
        "{tables:?}"
    );
    let rows: Vec<String> = tables
        .iter()
        .flat_map(|table| session.lines(&format!("select t::text from {table} t")))
        .collect();
    assert!(rows.len() > 5, "{rows:?}");
    rows.join("\n")
}

fn assert_no_canary(place: &str, text: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{canary} is in {place}:\n{text}");
    }
}

fn whole(output: &Output) -> String {
    format!("{}\n{}", output.stdout, output.stderr)
}

fn database() -> Database {
    SERVER.database(Shape::Plain, Role::Superuser)
}

/// Over TCP the server asks for the password: a run that succeeds has used it.
fn over_tcp(database: &Database) -> Target {
    Target {
        socket_directory: None,
        ..database.as_user(USER)
    }
}

fn project() -> Project {
    Project::one_phase()
        .migration(
            "V1__a",
            "create table a (id int);\nselect pg_sleep(0.2);\ndo $$ begin raise notice 'hello'; end $$;\n",
        )
        .migration("V2__b", "create index concurrently a_id on a (id);\n")
}
