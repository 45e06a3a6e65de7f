//! `evmig backup`: what it makes, what it says of it, what it leaves when it fails.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use evmig::backup::key::Key;
use evmig::backup::verify::{Fault, verify};
use nix::sys::signal::Signal;

use super::harness::{
    Database, Evmig, Holder, Options, Project, Role, Server, Session, Shape, tools,
};

/// What the tests dump.
pub(crate) const SCHEMA: &str = "
create table parent (id serial primary key, name text, len int generated always as (length(name)) stored);
create table child (id bigint generated always as identity primary key,
    parent_id int not null references parent on delete cascade, note text);
create table \"Odd \"\"name\" (\"a b\" numeric, t timestamptz, b bytea);
create table measures (at date not null, n int) partition by range (at);
create table measures_1 partition of measures for values from ('2026-01-01') to ('2026-07-01');
create table measures_2 partition of measures for values from ('2026-07-01') to ('2027-01-01');
create table empty (id int);
insert into parent (name) select repeat('ä', i % 7) || E'\\\\\\t\\n' || i from generate_series(1, 500) i;
insert into child (parent_id, note) select i % 500 + 1, nullif(i % 3, 0)::text from generate_series(1, 2000) i;
insert into \"Odd \"\"name\" select i / 7.0, '2026-01-01'::timestamptz + i * interval '1 hour', decode(lpad(to_hex(i), 4, '0'), 'hex')
    from generate_series(1, 300) i;
insert into measures select '2026-01-01'::date + i, i from generate_series(0, 300) i;
";

/// A database with rows, its project, and runs that share one home: one key.
pub(crate) struct Scene {
    pub(crate) project: Project,
    pub(crate) database: Database,
    home: Evmig,
}

impl Scene {
    pub(crate) fn new(major: u32, role: Role) -> Self {
        let database = Server::shared(major, Shape::Plain).database(Shape::Plain, role);
        let project = Project::one_phase().migration("V1__schema", SCHEMA);
        let home = Evmig::new(&project, "");
        let scene = Self {
            project,
            database,
            home,
        };
        scene.evmig("apply").run().succeeds();
        scene
    }

    /// A command on the database. Its key lies in the home that all share.
    pub(crate) fn evmig(&self, words: &str) -> Evmig {
        Evmig::new(&self.project, words)
            .home_of(&self.home)
            .env("EVMIG_DATA_DIR", self.state())
            .env("EVMIG_PG_BIN", "/usr/lib/postgresql/15/bin")
            .on(&self.database)
    }

    /// evmig's state directory.
    pub(crate) fn state(&self) -> PathBuf {
        self.home.home().join("state")
    }

    pub(crate) fn key(&self) -> Key {
        Key::read(&self.state().join("backup.key"))
            .expect("a good key")
            .expect("a key")
    }

    /// Makes a backup and returns its folder.
    pub(crate) fn backup(&self) -> PathBuf {
        let document = self.evmig("backup --format json").run().succeeds().json();
        PathBuf::from(document["path"].as_str().expect("a path"))
    }
}

/// Somebody who has a table of the scene locked.
fn locked(scene: &Scene) -> Holder {
    Holder::transaction(
        &scene.database,
        "lock table parent in access exclusive mode",
        Duration::from_mins(1),
    )
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .map(|entry| {
            entry
                .expect("our own")
                .file_name()
                .into_string()
                .expect("UTF-8")
        })
        .collect();
    names.sort();
    names
}

fn manifest(backup: &Path) -> serde_json::Value {
    let text = fs::read_to_string(backup.join("manifest.json")).expect("a manifest");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn a_backup_says_what_is_in_it_and_can_be_verified() {
    for major in [14, 15] {
        let scene = Scene::new(major, Role::Owner);
        let output = scene.evmig("backup").run().succeeds();
        assert!(output.stdout.starts_with("Backed up "), "{}", output.stdout);
        let name = &names(&scene.project.path("backups"))[1];
        let backup = scene.project.path(&format!("backups/{name}"));
        assert_eq!(names(&backup), ["dump", "manifest.hmac", "manifest.json"]);
        let mode = fs::metadata(&backup).expect("it").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let manifest = manifest(&backup);
        assert_eq!(manifest["schema"], "evmig.backup-manifest/1");
        assert_eq!(manifest["server"]["database"], scene.database.database);
        let table = |name: &str| {
            let tables = manifest["tables"].as_array().expect("a list");
            tables
                .iter()
                .find(|table| table["name"] == name)
                .unwrap_or_else(|| panic!("no {name}"))
                .clone()
        };
        assert_eq!(table("parent")["rows"], 500);
        assert_eq!(table("child")["rows"], 2000);
        assert_eq!(table("Odd \"name")["rows"], 300);
        assert_eq!(table("measures_1")["rows"], 181);
        assert_eq!(table("measures_1")["partition_of"][1], "measures");
        assert_eq!(table("empty")["rows"], 0);
        let hash = scene
            .database
            .value("select row_hash from evmig.run order by seq desc limit 1");
        assert_eq!(manifest["history"]["run_hash"], hash);
        assert_eq!(manifest["history"]["newest_version"], 1);
        // What the database remembers is the manifest itself.
        let sha256 = scene
            .database
            .value("select manifest_sha256 from evmig.backup where action = 'made'");
        let bytes = fs::read(backup.join("manifest.json")).expect("a manifest");
        assert_eq!(
            sha256,
            evmig::backup::key::hex(&<sha2::Sha256 as sha2::Digest>::digest(bytes))
        );
        let sound = scene
            .evmig("backup")
            .arg("--verify")
            .arg(&backup)
            .run()
            .succeeds();
        assert!(sound.stdout.starts_with("SOUND: "), "{}", sound.stdout);
        // pg_restore reads it as any other archive.
        let listed = std::process::Command::new("/usr/lib/postgresql/15/bin/pg_restore")
            .arg("--list")
            .arg(backup.join("dump"))
            .output()
            .expect("pg_restore");
        assert!(listed.status.success());
    }
}

#[test]
fn a_line_of_the_list_of_backups_that_was_changed_is_named() {
    let scene = Scene::new(15, Role::Owner);
    scene.backup();
    scene.backup();
    scene.evmig("history --verify").run().succeeds();
    scene
        .database
        .execute("update evmig.backup set path = '/elsewhere' where seq = 2");
    let output = scene.evmig("history --verify").run().exits(7);
    assert!(output.stdout.contains("backup row 2"), "{}", output.stdout);
}

#[test]
fn everything_that_is_wrong_is_said_and_nothing_else() {
    let scene = Scene::new(15, Role::Owner);
    let backup = scene.backup();
    let verified = |words: &str| scene.evmig(words).arg("--verify").arg(&backup).run();
    let dump = backup.join("dump");
    let data: Vec<String> = names(&dump)
        .into_iter()
        .filter(|name| name != "toc.dat")
        .collect();
    fs::write(dump.join("extra"), "x").expect("our own");
    fs::write(dump.join(&data[0]), "short").expect("our own");
    fs::remove_file(dump.join(&data[1])).expect("our own");
    let text = fs::read_to_string(backup.join("manifest.json")).expect("a manifest");
    fs::write(
        backup.join("manifest.json"),
        text.replace("\"rows\": 500", "\"rows\": 501"),
    )
    .expect("our own");
    let document = verified("backup --format json").exits(4).json();
    let codes: Vec<&str> = document["faults"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|fault| fault["code"].as_str().expect("text"))
        .collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        ["extra", "missing", "not-authentic", "size"],
        "{document:#}"
    );
    assert_eq!(document["authentic"], false);
    let shown = verified("backup").exits(4).stdout;
    assert!(
        shown.contains("NOT SOUND") && shown.contains("is missing"),
        "{shown}"
    );

    // Without the key nothing can be said of the manifest, and that is said.
    fs::rename(scene.state().join("backup.key"), scene.state().join("away")).expect("our own");
    let shown = verified("backup").exits(4).stdout;
    assert!(shown.contains("there is no key"), "{shown}");
    let other = scene.backup();
    let document = verified("backup --format json").exits(4).json();
    assert!(document.to_string().contains("other-key"), "{document:#}");
    scene
        .evmig("backup")
        .arg("--verify")
        .arg(&other)
        .run()
        .succeeds();
    scene.evmig("backup --verify nowhere").run().exits(4);
}

#[test]
fn two_thousand_bit_flips_and_truncations_are_all_found() {
    let scene = Scene::new(15, Role::Owner);
    let backup = scene.backup();
    let key = scene.key();
    let sound = |what: &str| {
        let verified = verify(&backup, Ok(&key));
        assert_eq!(verified.faults, [], "{what}");
    };
    sound("before");
    let mut files = vec![backup.join("manifest.json"), backup.join("manifest.hmac")];
    files.extend(
        names(&backup.join("dump"))
            .iter()
            .map(|name| backup.join("dump").join(name)),
    );
    let originals: Vec<Vec<u8>> = files
        .iter()
        .map(|file| fs::read(file).expect("our own"))
        .collect();
    let mut random = fastrand::Rng::with_seed(20_261_126);
    for round in 0..2000 {
        let at = random.usize(..files.len());
        let original = &originals[at];
        let mut bytes = original.clone();
        let byte = random.usize(..bytes.len());
        if round % 4 == 0 {
            bytes.truncate(byte);
        } else {
            bytes[byte] ^= 1 << random.u32(..8);
        }
        fs::write(&files[at], &bytes).expect("our own");
        let verified = verify(&backup, Ok(&key));
        let name = files[at].display();
        assert!(
            !verified.faults.is_empty(),
            "round {round}: byte {byte} of {name}"
        );
        assert!(
            !verified.faults.contains(&Fault::Incomplete),
            "the fault is another one"
        );
        fs::write(&files[at], original).expect("our own");
    }
    sound("after");
}

#[test]
fn the_rows_are_those_of_one_moment_whatever_is_written_meanwhile() {
    let scene = Scene::new(15, Role::Superuser);
    scene
        .database
        .execute("create table busy (id bigint, n int); insert into busy select i, 0 from generate_series(1, 20000) i");
    let admin = scene.database.admin();
    let ended = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&ended);
    let writer = std::thread::spawn(move || {
        let mut session = Session::connect(&admin);
        while !seen.load(std::sync::atomic::Ordering::Relaxed) {
            session.execute("insert into busy select 0, 1 from generate_series(1, 50); delete from busy where id in (select id from busy where id > 0 limit 20)");
        }
    });
    let backup = scene.backup();
    ended.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().expect("the writer");
    let manifest = manifest(&backup);
    let tables = manifest["tables"].as_array().expect("a list");
    let busy = tables
        .iter()
        .find(|table| table["name"] == "busy")
        .expect("it");
    // Restored by pg_restore itself, it has the rows that were counted.
    let other = scene
        .database
        .server()
        .database(Shape::Plain, Role::Superuser);
    let status = std::process::Command::new("/usr/lib/postgresql/15/bin/pg_restore")
        .args(["--no-owner", "--table=busy", "--dbname"])
        .arg(other.url())
        .arg(backup.join("dump"))
        .status()
        .expect("pg_restore");
    assert!(status.success());
    assert_eq!(
        other.value("select count(*) from busy"),
        busy["rows"].to_string()
    );
}

#[test]
fn a_newer_server_is_refused_with_the_version_that_is_needed() {
    let scene = Scene::new(18, Role::Owner);
    let output = scene.evmig("backup").run().exits(5);
    assert!(
        output.stderr.contains("client-too-old"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("pg_dump 18"), "{}", output.stderr);
    assert!(
        output.stderr.contains("postgresql-client-18"),
        "{}",
        output.stderr
    );
    assert!(!scene.project.path("backups").exists());
    let output = scene
        .evmig("backup")
        .env("EVMIG_PG_BIN", tools::postgres_bin(18))
        .run()
        .exits(5);
    assert!(
        output.stderr.contains("client-missing"),
        "{}",
        output.stderr
    );
}

#[test]
fn old_backups_of_this_database_go_and_nothing_else_does() {
    let scene = Scene::new(15, Role::Owner);
    let other = Scene::new(15, Role::Owner);
    let out = scene.project.path("backups");
    let first = scene.backup();
    let second = scene.backup();
    let theirs = other
        .evmig("backup --format json")
        .arg("--out")
        .arg(&out)
        .env("EVMIG_DATA_DIR", scene.state())
        .run()
        .succeeds()
        .json();
    fs::create_dir(out.join("mine")).expect("our own");
    fs::write(out.join("mine/precious"), "x").expect("our own");
    // One that was tampered with is not known to be evmig's own.
    let third = scene.backup();
    fs::write(third.join("manifest.hmac"), "x").expect("our own");
    let document = scene
        .evmig("backup --keep 2 --format json")
        .run()
        .succeeds()
        .json();
    let removed = document["removed"].as_array().expect("a list");
    assert_eq!(removed, &[first.to_str().expect("UTF-8")]);
    assert!(!first.exists() && second.exists() && third.exists());
    assert!(Path::new(theirs["path"].as_str().expect("text")).exists());
    assert!(out.join("mine/precious").exists());
    let document = scene
        .evmig("backup --keep 1 --format json")
        .run()
        .succeeds()
        .json();
    assert_eq!(document["removed"].as_array().expect("a list").len(), 2);
    assert!(Path::new(document["path"].as_str().expect("text")).exists());
}

#[test]
fn a_table_that_is_locked_is_not_waited_for_without_end() {
    let scene = Scene::new(15, Role::Owner);
    let _holder = locked(&scene);
    let output = scene.evmig("backup --lock-timeout 300ms").run().exits(6);
    assert!(output.stderr.contains("backup-locked"), "{}", output.stderr);
    assert!(
        output.stderr.contains("--lock-timeout"),
        "{}",
        output.stderr
    );
    assert_eq!(names(&scene.project.path("backups")), [".gitignore"]);
}

#[test]
fn an_interrupt_stops_pg_dump_and_leaves_nothing() {
    let scene = Scene::new(15, Role::Owner);
    let _holder = locked(&scene);
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let running = scene.evmig("backup --lock-timeout 60s").spawn();
        let started = std::time::Instant::now();
        while !running.process_list().contains("pg_dump") {
            assert!(started.elapsed() < Duration::from_secs(20), "no pg_dump");
            std::thread::sleep(Duration::from_millis(20));
        }
        running.signal(signal);
        let output = running.finish(Duration::from_secs(20));
        let output = output.exits(130);
        assert!(
            output.stderr.contains("pg_dump is stopped"),
            "{}",
            output.stderr
        );
        assert_eq!(names(&scene.project.path("backups")), [".gitignore"]);
        // Nobody waits for the lock any more.
        let waiting = scene.database.value(
            "select count(*) from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())",
        );
        assert_eq!(waiting, "0");
    }
}

#[test]
fn a_killed_backup_leaves_neither_a_password_nor_what_looks_like_a_backup() {
    let scene = Scene::new(15, Role::Owner);
    let holder = locked(&scene);
    let running = scene.evmig("backup --lock-timeout 3s").spawn();
    let started = std::time::Instant::now();
    // pg_dump is asked for its version before there is a folder.
    while !running.process_list().contains("pg_dump")
        || names(&scene.project.path("backups")).len() < 2
    {
        assert!(started.elapsed() < Duration::from_secs(20), "no pg_dump");
        std::thread::sleep(Duration::from_millis(20));
    }
    let list = running.process_list();
    assert!(!list.contains(&scene.database.password), "{list}");
    running.signal(Signal::SIGKILL);
    drop(running);
    drop(holder);
    assert_eq!(names(&scene.state()), ["backup.key"]);
    let left = names(&scene.project.path("backups"));
    assert_eq!(left.len(), 2, "{left:?}");
    assert!(
        Path::new(&left[1])
            .extension()
            .is_some_and(|end| end == "part"),
        "{left:?}"
    );
    let part = scene.project.path(&format!("backups/{}", left[1]));
    scene
        .evmig("backup")
        .arg("--verify")
        .arg(&part)
        .run()
        .exits(4);
    let output = scene.evmig("backup").run().succeeds();
    assert!(
        output.stderr.contains("backup-left-over"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains(&left[1]), "{}", output.stderr);
}

#[test]
fn a_full_disk_leaves_nothing_that_looks_like_a_backup() {
    let scene = Scene::new(15, Role::Superuser);
    scene.database.execute(
        "create table big (t text); insert into big select md5(i::text) || md5((i * 7)::text) from generate_series(1, 60000) i",
    );
    // The system's limit on a file's size ends pg_dump's writing as a full disk does, without one.
    let program = env!("CARGO_BIN_EXE_evmig");
    let script = format!("#!/bin/bash\nulimit -f 1024\nexec {program} \"$@\"\n");
    scene.project.write("limited", script);
    let limited = scene.project.path("limited");
    fs::set_permissions(&limited, fs::Permissions::from_mode(0o755)).expect("our own");
    let output = scene.evmig("backup").instead(limited).run().exits(1);
    assert!(output.stderr.contains("backup-failed"), "{}", output.stderr);
    assert_eq!(names(&scene.project.path("backups")), [".gitignore"]);
}

#[test]
fn a_role_that_may_not_read_all_rows_gets_no_backup_of_some() {
    let server = Server::private(&Options::new(15));
    let database = server.database(Shape::Plain, Role::Owner);
    let project = Project::one_phase().migration("V1__schema", "create table mine (id int);\n");
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    let mut admin = Session::connect(&database.admin());
    admin.execute("create schema theirs; create table theirs.t (id int)");
    let backup = || {
        Evmig::new(&project, "backup")
            .env("EVMIG_PG_BIN", "/usr/lib/postgresql/15/bin")
            .env("EVMIG_DATA_DIR", project.path("state"))
            .on(&database)
            .run()
    };
    let output = backup().exits(1);
    assert!(
        output.stderr.contains("permission denied"),
        "{}",
        output.stderr
    );
    let user = &database.user;
    admin.execute(&format!(
        "grant usage on schema theirs to {user}; grant select on theirs.t to {user}; \
         alter table theirs.t enable row level security"
    ));
    let output = backup().exits(1);
    assert!(output.stderr.contains("row-level"), "{}", output.stderr);
    assert_eq!(names(&project.path("backups")), [".gitignore"]);
}

/// A protected environment that asks for a backup, and a run on it.
fn protected(scene: &Scene, max_age: &str) -> Project {
    let manifest = scene.project.read("phases.toml");
    let project = Project::new(&format!(
        "{manifest}\n[environments.live]\nurl_env = \"LIVE\"\nprotected = true\nbackup_max_age = \"{max_age}\"\n"
    ));
    project
        .migration("V1__schema", SCHEMA)
        .migration("V2__more", "create table more (id int);\n")
        .rollback("V2__more", "drop table more;\n")
}

#[test]
fn a_protected_environment_asks_for_a_fresh_backup_that_is_still_there() {
    let scene = Scene::new(15, Role::Owner);
    let project = protected(&scene, "1h");
    let run = |words: &str| {
        Evmig::new(&project, &format!("{words} --env live"))
            .env("LIVE", format!("{}?sslmode=disable", scene.database.url()))
            .env("EVMIG_DATA_DIR", scene.state())
            .env("EVMIG_PG_BIN", "/usr/lib/postgresql/15/bin")
    };
    let output = run("apply --yes").run().exits(5);
    assert!(output.stderr.contains("backup-stale"), "{}", output.stderr);
    assert!(
        output.stderr.contains("evmig --env live backup"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("--no-backup-check"),
        "{}",
        output.stderr
    );
    let made = run("backup --format json").run().succeeds().json();
    run("apply --yes").run().succeeds();
    // Nothing to do needs no backup; something to do does, and what is gone from the disk is none.
    fs::remove_dir_all(made["path"].as_str().expect("a path")).expect("our own");
    run("apply --yes").run().succeeds();
    let output = run("rollback --yes").run().exits(5);
    assert!(
        output.stderr.contains("manifest.json is gone"),
        "{}",
        output.stderr
    );
    run("rollback --dry-run").run().succeeds();
    run("rollback --yes")
        .arg("--no-backup-check")
        .arg("the site is down")
        .run()
        .succeeds();
    let waived = scene
        .database
        .value("select reason from evmig.backup where action = 'waived'");
    assert_eq!(waived, "the site is down");
    // One that is too old.
    let output = run("backup").run().succeeds();
    assert!(output.stdout.contains("Backed up"), "{}", output.stdout);
    scene
        .database
        .execute("update evmig.backup set taken_at = taken_at - interval '61 min'");
    let output = run("apply --yes").run().exits(5);
    assert!(output.stderr.contains("taken at"), "{}", output.stderr);
}

#[test]
fn a_fresh_backup_is_asked_for_where_somebody_looks_only() {
    let project = Project::new(
        "[project]\nname = \"x\"\n[environments.local]\nurl = \"embedded\"\nbackup_max_age = \"1h\"\n",
    );
    let output = Evmig::new(&project, "status").run().exits(2);
    assert!(
        output.stderr.contains("backup-age-unprotected"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("phases.toml:5"), "{}", output.stderr);
}
