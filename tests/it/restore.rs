//! `evmig rollback --restore`: rows come back as they were, or nothing changes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::backup::Scene;
use super::harness::{Database, Evmig, Role, Session};

/// What is in the scene's tables.
const CONTENTS: &str = "
select 'parent', count(*), sum(hashtextextended(t::text, 0)) from parent t
union all select 'child', count(*), sum(hashtextextended(t::text, 0)) from child t
union all select 'odd', count(*), sum(hashtextextended(t::text, 0)) from \"Odd \"\"name\" t
union all select 'measures', count(*), sum(hashtextextended(t::text, 0)) from measures t
union all select 'empty', count(*), sum(hashtextextended(t::text, 0)) from empty t
order by 1";

/// What happens to them after the backup.
const DAMAGE: &str = "
delete from child where id % 3 = 0;
update parent set name = 'gone' where id < 100;
insert into parent (name) select 'late' from generate_series(1, 10);
delete from \"Odd \"\"name\";
update measures set n = -n;
insert into empty values (1);";

/// `pg_restore`'s holes are closed in this version; an older one must be accepted by name.
const WITHOUT_HOLES: u32 = 20;

/// The flag that accepts this machine's client, where it needs one.
fn accept() -> String {
    let output = std::process::Command::new("/usr/lib/postgresql/15/bin/pg_restore")
        .arg("--version")
        .output()
        .expect("pg_restore 15");
    let line = String::from_utf8(output.stdout).expect("UTF-8");
    let version = line.split_whitespace().nth(2).expect("a version");
    let minor: u32 = version
        .split_once('.')
        .and_then(|(_, minor)| minor.parse().ok())
        .expect("a minor");
    if minor < WITHOUT_HOLES {
        format!(" --accept-client {version}")
    } else {
        String::new()
    }
}

fn restore(scene: &Scene, backup: &Path, words: &str) -> Evmig {
    scene
        .evmig(&format!("rollback --yes{}{words}", accept()))
        .arg("--restore")
        .arg(backup)
}

fn contents(database: &Database) -> Vec<String> {
    database.lines(CONTENTS)
}

/// Gives the tables triggers in all four states.
fn with_triggers(database: &Database) {
    database.execute(
        "create function shout() returns trigger language plpgsql as
            $$ begin new.note := 'changed by a trigger'; return new; end $$;
         create trigger o before insert or update on child for each row execute function shout();
         create trigger d before insert or update on child for each row execute function shout();
         create trigger r before insert or update on child for each row execute function shout();
         alter table child disable trigger d;
         alter table child enable replica trigger r;",
    );
}

const STATES: &str =
    "select tgname || tgenabled::text from pg_trigger where not tgisinternal order by 1";

#[test]
fn rows_come_back_as_they_were_and_triggers_stay_as_they_are() {
    for (major, role) in [(15, Role::Superuser), (15, Role::Owner), (14, Role::Owner)] {
        let scene = Scene::new(major, role);
        let database = &scene.database;
        with_triggers(database);
        let before = contents(database);
        let backup = scene.backup();
        database.execute(&format!(
            "alter table child disable trigger o;{DAMAGE}alter table child enable trigger o;"
        ));
        let damaged = contents(database);
        assert_ne!(before, damaged);
        let states = database.lines(STATES);
        let next = database.value("select last_value from parent_id_seq");

        let output = restore(&scene, &backup, " --dry-run").run().succeeds();
        assert!(output.stdout.contains("rows that go"), "{}", output.stdout);
        assert_eq!(contents(database), damaged, "a dry run changes nothing");

        let document = restore(&scene, &backup, " --format json")
            .run()
            .succeeds()
            .json();
        assert_eq!(document["outcome"], "restored", "{document:#}");
        assert_eq!(document["same_database"], true);
        assert_eq!(document["checksums"], true);
        assert_eq!(document["system_triggers"], role == Role::Superuser);
        assert_eq!(contents(database), before);
        assert_eq!(database.lines(STATES), states);
        // Ids that were given out since are not given out again.
        assert_eq!(database.value("select last_value from parent_id_seq"), next);
        let run = database
            .value("select command || ' ' || outcome from evmig.run order by seq desc limit 1");
        assert_eq!(run, "restore applied");
        let line = database.value("select action || ' ' || (reason ~ 'public.child') from evmig.backup order by seq desc limit 1");
        assert_eq!(line, "restored true");
        scene.evmig("history --verify").run().succeeds();
        assert_eq!(fs::read_dir(scene.state()).expect("our own").count(), 1);
    }
}

#[test]
fn a_sequence_that_was_set_back_is_moved_on() {
    let scene = Scene::new(15, Role::Owner);
    let backup = scene.backup();
    scene.database.execute("select setval('parent_id_seq', 7)");
    let relative = backup
        .strip_prefix(scene.project.root())
        .expect("in the project");
    restore(&scene, relative, "").run().succeeds();
    assert_eq!(
        scene.database.value("select nextval('parent_id_seq')"),
        "501"
    );
}

#[test]
fn tables_can_be_chosen_and_a_partitioned_one_is_all_of_its_partitions() {
    let scene = Scene::new(15, Role::Owner);
    let database = &scene.database;
    let before = contents(database);
    let backup = scene.backup();
    database.execute(DAMAGE);
    let damaged = contents(database);
    restore(&scene, &backup, " --table measures")
        .run()
        .succeeds();
    let after = contents(database);
    let of = |lines: &[String], table: &str| {
        lines
            .iter()
            .find(|line| line.starts_with(table))
            .expect("it")
            .clone()
    };
    assert_eq!(of(&after, "measures"), of(&before, "measures"));
    assert_eq!(of(&after, "child"), of(&damaged, "child"));
    let output = restore(&scene, &backup, " --table nothing --table evmig.run")
        .run()
        .exits(5);
    assert!(
        output.stderr.contains("restore-refused"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("nothing is not in the backup"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("never put back"),
        "{}",
        output.stderr
    );
}

#[test]
fn an_owner_does_not_lose_rows_of_other_tables_to_a_cascade() {
    let scene = Scene::new(15, Role::Owner);
    let database = &scene.database;
    let backup = scene.backup();
    let before = contents(database);
    let output = restore(&scene, &backup, " --table public.parent")
        .run()
        .exits(5);
    assert!(output.stderr.contains("public.child"), "{}", output.stderr);
    assert!(
        output.stderr.contains("session_replication_role"),
        "{}",
        output.stderr
    );
    assert_eq!(contents(database), before);
    restore(&scene, &backup, " --table public.parent --table child")
        .run()
        .succeeds();
    assert_eq!(contents(database), before);
}

#[test]
fn a_restore_that_would_orphan_a_row_is_rolled_back_and_names_it() {
    let scene = Scene::new(15, Role::Superuser);
    let database = &scene.database;
    let backup = scene.backup();
    database.execute(
        "insert into parent (id, name) values (777, 'new'); \
         insert into child (parent_id, note) values (777, 'refers to it')",
    );
    let before = contents(database);
    let output = restore(&scene, &backup, " --table public.parent")
        .run()
        .exits(1);
    assert!(
        output.stderr.contains("foreign-key-violated"),
        "{}",
        output.stderr
    );
    assert!(
        output.stderr.contains("child_parent_id_fkey"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("777"), "{}", output.stderr);
    assert_eq!(contents(database), before);
    let run = database.value("select outcome from evmig.run order by seq desc limit 1");
    assert_eq!(run, "failed");
}

#[test]
fn rows_that_something_changes_as_they_come_are_noticed() {
    let scene = Scene::new(15, Role::Superuser);
    let database = &scene.database;
    let backup = scene.backup();
    // A superuser's session switches triggers off by name; what a default or a rule makes of rows
    // stays. A generated column that is computed in another way now is such a thing.
    database.execute(
        "alter table parent drop column len; \
         alter table parent add column len int generated always as (length(name) + 1) stored",
    );
    let before = contents(database);
    let output = restore(&scene, &backup, "").run().exits(1);
    assert!(
        output.stderr.contains("restore-differs"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("public.parent"), "{}", output.stderr);
    assert_eq!(contents(database), before);
}

#[test]
fn other_columns_are_refused_by_name() {
    let scene = Scene::new(15, Role::Owner);
    let backup = scene.backup();
    scene.database.execute(
        "alter table child add column new int; alter table child alter column note type varchar(9); drop table empty",
    );
    let output = restore(&scene, &backup, "").run().exits(5);
    let said = output
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for part in [
        "public.child",
        "new is new",
        "note was text and is character varying(9)",
        "public.empty",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn nothing_is_restored_from_what_was_changed() {
    let scene = Scene::new(15, Role::Owner);
    let backup = scene.backup();
    scene.database.execute(DAMAGE);
    let before = contents(&scene.database);
    let runs = || scene.database.value("select count(*) from evmig.run");
    let counted = runs();
    let dump = backup.join("dump");
    let file = fs::read_dir(&dump)
        .expect("a dump")
        .map(|entry| entry.expect("our own").path())
        .find(|path| path.extension().is_some_and(|end| end == "gz"))
        .expect("rows");
    let mut bytes = fs::read(&file).expect("our own");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&file, bytes).expect("our own");
    let output = restore(&scene, &backup, "").run().exits(5);
    assert!(
        output.stderr.contains("backup-unsound"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("was changed"), "{}", output.stderr);
    assert!(
        output.stderr.contains("backup --verify"),
        "{}",
        output.stderr
    );
    assert_eq!(contents(&scene.database), before);
    assert_eq!(runs(), counted);
}

#[test]
fn a_client_with_holes_must_be_accepted_by_its_very_version() {
    let flag = accept();
    let scene = Scene::new(15, Role::Owner);
    let backup = scene.backup();
    let run = |words: &str| {
        scene
            .evmig(&format!("rollback --yes {words}"))
            .arg("--restore")
            .arg(&backup)
            .run()
    };
    if flag.is_empty() {
        run("").succeeds();
        return;
    }
    let output = run("").exits(5);
    assert!(output.stderr.contains("client-hole"), "{}", output.stderr);
    assert!(
        output.stderr.contains("CVE-2026-116314"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("15.20"), "{}", output.stderr);
    assert!(output.stderr.contains(flag.trim()), "{}", output.stderr);
    run("--accept-client 15.1").exits(5);
    run(&flag).succeeds();
}

/// A `pg_restore` that lists an archive as the real one does and then writes this.
fn false_client(scene: &Scene, text: &str) -> PathBuf {
    let real = "/usr/lib/postgresql/15/bin/pg_restore";
    let script = format!(
        "#!/bin/bash\ncase \"$*\" in\n--version) echo 'pg_restore (PostgreSQL) 15.99';;\n\
         --list*) exec {real} \"$@\";;\n*) cat <<'END'\n{text}END\n;;\nesac\n"
    );
    scene.project.write("bin/pg_restore", script);
    let path = scene.project.path("bin/pg_restore");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own");
    scene.project.path("bin")
}

#[test]
fn what_pg_restore_writes_is_never_run() {
    let scene = Scene::new(15, Role::Superuser);
    let backup = scene.backup();
    let before = contents(&scene.database);
    let rows = "COPY public.empty (id) FROM stdin;\n5\n\\.\n";
    for text in [
        "drop table parent cascade;\n".to_owned(),
        format!("\\! touch planted\n{rows}"),
        format!("{rows}\\! touch planted\n"),
        format!("{rows}drop table parent cascade;\n"),
        rows.replace("empty", "parent"),
        rows.replace("5\n\\.\n", "5\n"),
        String::new(),
        format!("{rows}{rows}"),
    ] {
        let bin = false_client(&scene, &text);
        let output = scene
            .evmig("rollback --yes --table empty")
            .arg("--restore")
            .arg(&backup)
            .env("EVMIG_PG_BIN", bin)
            .run()
            .exits(1);
        assert!(
            output.stderr.contains("restore-"),
            "{text:?}: {}",
            output.stderr
        );
        assert_eq!(contents(&scene.database), before, "{text:?}");
    }
    assert!(!scene.project.path("planted").exists());
}

#[test]
fn a_million_rows_come_back_in_little_memory_and_a_kill_in_the_middle_changes_nothing() {
    let scene = Scene::new(15, Role::Owner);
    let database = &scene.database;
    Session::connect(database).execute(
        "create table big (id bigint primary key, a text, b numeric, c timestamptz);
         insert into big select i, md5(i::text), i / 3.0, '2026-01-01'::timestamptz + i * interval '1 s'
            from generate_series(1, 1000000) i",
    );
    let sum = "select count(*) || ' ' || sum(hashtextextended(t::text, 0)) from big t";
    let before = database.value(sum);
    let backup = scene.backup();
    database.execute(
        "update big set a = 'damaged' where id % 10 = 0; delete from big where id % 7 = 0",
    );
    let damaged = database.value(sum);

    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        let running = restore(&scene, &backup, " --table big").spawn();
        let started = Instant::now();
        let copying = "select count(*) from pg_stat_progress_copy where tuples_processed > 100000";
        while database.value(copying) == "0" {
            assert!(
                started.elapsed() < Duration::from_mins(1),
                "it does not copy"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        running.signal(signal);
        let output = running.finish(Duration::from_secs(30));
        if signal == Signal::SIGINT {
            let output = output.exits(130);
            assert!(output.stderr.contains("rolled back"), "{}", output.stderr);
        }
        let started = Instant::now();
        let mut session = Session::connect(&database.admin());
        while session.value("select count(*) from pg_stat_progress_copy") != "0" {
            assert!(started.elapsed() < Duration::from_secs(30), "it goes on");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(database.value(sum), damaged);
    }

    let running = restore(&scene, &backup, " --table big").spawn();
    let status = format!("/proc/{}/status", running.pid());
    let mut most = 0;
    while let Ok(text) = fs::read_to_string(&status) {
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let Some(peak) = peak else { break };
        most = peak.trim().trim_end_matches(" kB").parse().unwrap_or(most);
        std::thread::sleep(Duration::from_millis(20));
    }
    running.finish(Duration::from_mins(2)).succeeds();
    assert_eq!(database.value(sum), before);
    assert!((1000..60_000).contains(&most), "{most} kB");
}
