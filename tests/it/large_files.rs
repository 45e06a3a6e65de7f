//! Files that are read in pieces: their rows stay on disk, and memory stays small.

use std::fmt::Write as _;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::{Duration, Instant};

use super::harness::{Database, Evmig, Holder, Output, Project, Role, Running, Server, Shape};

const FILE: &str = "migrations/1_core/1_tables/V1__big.sql";
const LIMIT: Duration = Duration::from_mins(5);
/// `faults.md`, 63.
const MOST_KILOBYTES: u64 = 64 << 10;

fn database() -> Database {
    Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner)
}

/// Rows of 1,000 letters each that follow from their number.
fn rows(numbers: std::ops::Range<u32>, line_end: &str) -> String {
    let mut rows = String::new();
    for number in numbers {
        let part = format!("{number:x}-");
        let row = part.repeat(1000 / part.len() + 1);
        write!(rows, "{number}\t{}{line_end}", &row[..1000]).expect("to a string");
    }
    rows
}

/// How many rows are not what [`rows`] makes.
const WRONG: &str = "select count(*) from big
    where id > 0 and pad <> rpad(to_hex(id) || '-', 1000, to_hex(id) || '-')";

/// Runs it to its end; returns the most memory that was seen, in kB.
fn measured(running: Running) -> (Output, u64) {
    let path = format!("/proc/{}/status", running.pid());
    let mut most = 0;
    // What `/proc` shows is the maximum so far, and a process that has ended shows none.
    while let Some(now) = std::fs::read_to_string(&path).ok().and_then(|status| {
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    }) {
        most = most.max(now);
        std::thread::sleep(Duration::from_millis(2));
    }
    (running.finish(LIMIT), most)
}

fn apply(project: &Project, database: &Database) -> (Output, u64) {
    measured(Evmig::new(project, "apply").on(database).spawn())
}

/// B63: a file of any size, and a row longer than what is read at once.
#[test]
fn b63_rows_of_any_size_need_little_memory() {
    let database = database();
    let project = Project::one_phase();
    let long = "ä".repeat(150_000);
    let begin = format!("create table big (id int, pad text);\ncopy big from stdin;\n0\t{long}\n");
    project.write(FILE, "");
    let mut file = std::fs::File::create(project.path(FILE)).expect("our own file");
    file.write_all(begin.as_bytes()).expect("written");
    let count = 200_000;
    for first in (1..=count).step_by(1000) {
        let rows = rows(first..first + 1000, "\n");
        file.write_all(rows.as_bytes()).expect("written");
    }
    file.write_all(b"\\.\ncreate index on big (id);\n")
        .expect("written");
    let size = file.metadata().expect("our own file").len();
    assert!(size > 200_000_000, "{size}");
    let (output, memory) = apply(&project, &database);
    let output = output.succeeds();
    assert!(memory > 0 && memory <= MOST_KILOBYTES, "{memory} kB");
    assert!(
        output.stderr.contains("script-not-stored"),
        "{}",
        output.stderr
    );
    assert_eq!(
        database.value("select count(*) || ' ' || sum(id) from big"),
        format!(
            "{} {}",
            count + 1,
            u64::from(count) * u64::from(count + 1) / 2
        )
    );
    assert_eq!(database.value(WRONG), "0");
    assert_eq!(
        database.value("select pad = repeat('ä', 150000) from big where id = 0"),
        "t"
    );
    let stored = "select up_sql is null and sha256 is not null from evmig.migration";
    assert_eq!(database.value(stored), "t");
    // What is applied is hashed again each time.
    let (again, memory) = apply(&project, &database);
    assert!(again.succeeds().stdout.contains("Nothing to do"));
    assert!(memory <= MOST_KILOBYTES, "{memory} kB");
    let script = Evmig::new(&project, "history --script 1").on(&database);
    assert!(script.run().exits(2).stderr.contains("[script-not-stored]"));
    Evmig::new(&project, "history --verify")
        .on(&database)
        .run()
        .succeeds();
}

/// The checksums do not depend on how a file was read.
#[test]
fn a_large_file_is_known_to_refinery_by_the_checksum_of_its_whole_text() {
    let database = database();
    let text = format!(
        "\u{feff}create table big (id int, pad text);\r\ncopy big from stdin;\r\n{}\\.",
        rows(1..12_000, "\r\n")
    );
    let project = Project::one_phase().migration("V1__big", &text);
    let (output, _) = apply(&project, &database);
    output.succeeds();
    assert_eq!(database.value("select count(*) from big"), "11999");
    assert_eq!(database.value(WRONG), "0");
    let theirs = refinery_core::Migration::unapplied("V1__big", &text).expect("a migration");
    assert_eq!(
        database.value("select checksum from evmig.refinery_schema_history"),
        theirs.checksum().to_string()
    );
    // Line ends and the mark do not count: this is the same file, from another checkout.
    project.write(
        FILE,
        text.replace("\r\n", "\n").trim_start_matches('\u{feff}'),
    );
    let (again, _) = apply(&project, &database);
    assert!(again.succeeds().stdout.contains("Nothing to do"));
    project.write(FILE, text.replace("\t1-1-", "\t1-2-"));
    let (changed, _) = apply(&project, &database);
    assert!(changed.exits(7).stderr.contains("[divergent]"));
}

#[test]
fn an_error_behind_rows_on_disk_has_its_own_line() {
    let database = database();
    let text = format!(
        "create table big (id int, pad text);\ncopy big from stdin;\n{}\\.\n\nselect nothing;\n",
        rows(1..10_000, "\n")
    );
    let project = Project::one_phase().migration("V1__big", &text);
    let line = text.lines().count();
    let (output, _) = apply(&project, &database);
    let output = output.exits(1);
    assert!(
        output.stderr.contains(&format!("V1__big.sql:{line}:8")),
        "{}",
        output.stderr
    );
    // So has what is no text.
    for (bytes, code) in [(&b"\xff"[..], "invalid-utf8"), (b"\0", "nul-byte")] {
        let mut bad = text.clone().into_bytes();
        let at = text.find("select nothing").expect("it is there");
        bad[at..=at].copy_from_slice(bytes);
        project.write(FILE, bad);
        let (output, memory) = apply(&project, &database);
        let output = output.exits(2);
        assert!(output.stderr.contains(&format!("[{code}]")));
        assert!(output.stderr.contains(&format!("offset {at}")));
        assert!(output.stderr.contains(&format!("V1__big.sql:{line}:1")));
        assert!(memory <= MOST_KILOBYTES, "{memory} kB");
    }
}

/// B58: what runs is what was hashed, also where it is read again to be sent.
#[test]
fn b58_rows_that_change_before_they_are_sent_are_rolled_back() {
    let database = database();
    database.execute("create table gate (x int); grant all on gate to public");
    let text = format!(
        "create table big (id int, pad text);\nselect * from gate;\ncopy big from stdin;\n{}\\.\n",
        rows(1..10_000, "\n")
    );
    for (shorter, gone) in [(false, false), (true, false), (false, true)] {
        let project = Project::one_phase().migration("V1__big", &text);
        let holder = Holder::transaction(&database, "lock table gate", LIMIT);
        let running = Evmig::new(&project, "apply --lock-timeout 60s")
            .on(&database)
            .spawn();
        let started = Instant::now();
        let waits = "select count(*) from pg_locks join pg_database on database = pg_database.oid \
                     where datname = current_database() and not granted";
        while database.value(waits) == "0" {
            assert!(started.elapsed() < LIMIT, "it does not come to the gate");
            std::thread::sleep(Duration::from_millis(5));
        }
        if gone {
            project.remove(FILE);
        } else {
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .open(project.path(FILE))
                .expect("our own file");
            if shorter {
                file.set_len(5 << 20).expect("our own file");
            } else {
                // One letter in the middle of the rows.
                file.seek(SeekFrom::Start(5 << 20)).expect("our own file");
                file.write_all(b"x").expect("written");
            }
        }
        holder.release();
        let output = running.finish(LIMIT).exits(1);
        assert!(
            output.stderr.contains("[changed-while-read]"),
            "{}",
            output.stderr
        );
        assert_eq!(database.value("select to_regclass('big') is null"), "t");
        assert_eq!(database.value("select count(*) from evmig.migration"), "0");
        // With the file as it was, the session that had to give up leaves nothing behind.
        project.write(FILE, &text);
        let (output, _) = apply(&project, &database);
        output.succeeds();
        assert_eq!(database.value("select count(*) from big"), "9999");
        database.execute("drop table big; drop schema evmig cascade");
    }
}

#[test]
fn a_large_file_may_be_included() {
    let database = database();
    let rows_file = format!("copy big from stdin;\n{}\\.\n", rows(1..10_000, "\n"));
    let project = Project::one_phase()
        .migration(
            "V1__big",
            "create table big (id int, pad text);\n\\i data/rows.sql\ncreate index on big (id);\n",
        )
        .file("data/rows.sql", &rows_file);
    let (output, memory) = apply(&project, &database);
    output.succeeds();
    assert!(memory <= MOST_KILOBYTES, "{memory} kB");
    assert_eq!(database.value("select count(*) from big"), "9999");
    assert_eq!(database.value(WRONG), "0");
    let (again, _) = apply(&project, &database);
    assert!(again.succeeds().stdout.contains("Nothing to do"));
    // What is included counts.
    project.write("data/rows.sql", rows_file.replace("\t1-1-", "\t1-2-"));
    let (changed, _) = apply(&project, &database);
    assert!(changed.exits(7).stderr.contains("[divergent]"));
}
