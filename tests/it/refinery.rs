//! The refinery command and evmig on one database: each sees the other's work as applied.

use std::hash::Hasher;

use refinery_core::Migration;
use siphasher::sip::SipHasher13;

use super::harness::{Database, Evmig, Output, Project, Role, Server, Shape, Target, tools};

const OURS: &str = "evmig.refinery_schema_history";
const THEIRS: &str = "refinery_schema_history";

fn database() -> Database {
    Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner)
}

fn evmig(project: &Project, database: &Target, words: &str) -> Output {
    Evmig::new(project, words).on(database).run()
}

/// Runs `refinery migrate -d -m`: it aborts where a file differs from its row, or lacks one.
fn refinery(project: &Project, database: &Target, table: &str) -> Output {
    refinery_with(project, database, table, &[])
}

fn refinery_with(project: &Project, database: &Target, table: &str, more: &[&str]) -> Output {
    let Target {
        host,
        port,
        user,
        password,
        database,
        ..
    } = database;
    project.write(
        "refinery.toml",
        format!(
            "[main]\ndb_type = \"Postgres\"\ndb_host = \"{host}\"\ndb_port = \"{port}\"\n\
             db_user = \"{user}\"\ndb_pass = \"{password}\"\ndb_name = \"{database}\"\n"
        ),
    );
    let mut run = Evmig::new(
        project,
        "migrate -d -m -c refinery.toml -p migrations --table-name",
    )
    .instead(tools::program("refinery"))
    .arg(table);
    for word in more {
        run = run.arg(*word);
    }
    let output = run.run();
    project.remove("refinery.toml");
    output
}

fn two() -> Project {
    Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration(
            "V2__pets",
            "-- ünïcode\r\ncreate table pets (id int, name text default 'a;b');\r\n",
        )
}

/// Each row of a refinery table, with what refinery itself reads of it.
fn rows(database: &Database, table: &str) -> Vec<String> {
    database.lines(&format!(
        "select version, name, checksum from {table} order by version"
    ))
}

/// What refinery computes for the files of `one_phase`, by its own code.
fn expected(project: &Project, stems: &[&str]) -> Vec<String> {
    stems
        .iter()
        .map(|stem| {
            let text = project.read(&format!("migrations/1_core/1_tables/{stem}.sql"));
            let theirs = Migration::unapplied(stem, &text).expect("a name that refinery takes");
            format!(
                "{}|{}|{}",
                theirs.version(),
                theirs.name(),
                theirs.checksum()
            )
        })
        .collect()
}

/// The checksum of a refinery built with `int8-versions`, byte by byte: a text ends with 0xff, an
/// integer is little-endian.
fn checksum_i64(name: &str, version: i64, text: &str) -> u64 {
    let mut bytes = name.as_bytes().to_vec();
    bytes.push(0xff);
    bytes.extend(version.to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.push(0xff);
    let mut hasher = SipHasher13::new();
    hasher.write(&bytes);
    hasher.finish()
}

fn states(project: &Project, database: &Target) -> Vec<String> {
    let status = evmig(project, database, "status --format json")
        .succeeds()
        .json();
    let migrations = status["phases"][0]["migrations"].as_array();
    migrations
        .expect("a list")
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                one["version"].as_str().expect("a version"),
                one["state"].as_str().expect("a state")
            )
        })
        .collect()
}

fn applied(output: &Output) -> Vec<String> {
    output.json()["applied"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["version"].as_str().expect("a version").to_owned())
        .collect()
}

#[track_caller]
fn assert_verifies(project: &Project, database: &Target) {
    evmig(project, database, "history --verify").succeeds();
}

#[test]
fn refinery_finds_nothing_to_do_where_evmig_was() {
    let (project, database) = (two(), database());
    evmig(&project, &database, "apply").succeeds();
    let before = rows(&database, OURS);
    assert_eq!(before, expected(&project, &["V1__people", "V2__pets"]));
    refinery(&project, &database, OURS).succeeds();
    assert_eq!(rows(&database, OURS), before);

    let project = project.migration("V3__more", "create table more (id int);\n");
    refinery(&project, &database, OURS).succeeds();
    assert_eq!(database.value("select to_regclass('more')"), "more");
    assert_eq!(
        states(&project, &database),
        ["1 applied", "2 applied", "3 applied"]
    );
    let output = evmig(&project, &database, "apply --format json").succeeds();
    assert!(applied(&output).is_empty(), "{}", output.stdout);
    assert_verifies(&project, &database);
}

#[test]
fn refinery_stops_at_a_file_that_differs_from_what_evmig_applied() {
    let (project, database) = (two(), database());
    evmig(&project, &database, "apply").succeeds();
    let project = project.migration("V1__people", "create table people (id bigint);\n");
    let output = refinery(&project, &database, OURS).exits(1);
    assert!(output.stderr.contains("people"), "{}", output.stderr);
}

#[test]
fn the_table_is_as_refinery_makes_it() {
    let (one, other) = (database(), database());
    let project = two();
    evmig(&project, &one, "apply").succeeds();
    refinery(&project, &other, THEIRS).succeeds();
    let columns = |database: &Database, table: &str| {
        database.lines(&format!(
            "select attname, format_type(atttypid, atttypmod), attnotnull, atthasdef \
             from pg_attribute where attrelid = '{table}'::regclass and attnum > 0 order by attnum"
        ))
    };
    assert_eq!(columns(&one, OURS), columns(&other, THEIRS));
    let keys = |database: &Database, table: &str| {
        database.lines(&format!(
            "select contype, pg_get_constraintdef(oid) from pg_constraint \
             where conrelid = '{table}'::regclass and contype <> 'n'"
        ))
    };
    assert_eq!(keys(&one, OURS), keys(&other, THEIRS));
    assert_eq!(rows(&one, OURS), rows(&other, THEIRS));
    for (database, table) in [(&one, OURS), (&other, THEIRS)] {
        // RFC 3339 in UTC with a fraction, and a moment that has just been.
        let recent = database.value(&format!(
            "select bool_and(applied_on ~ '^\\d{{4}}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{{1,9}}Z$' \
             and now() - applied_on::timestamptz between '-1 s' and '1 min') from {table}"
        ));
        assert_eq!(recent, "t", "{table}");
    }
}

#[test]
fn evmig_takes_over_where_refinery_was() {
    let (project, database) = (two(), database());
    refinery(&project, &database, THEIRS).succeeds();
    assert_eq!(states(&project, &database), ["1 applied", "2 applied"]);
    assert_eq!(
        database.value("select to_regnamespace('evmig')"),
        "NULL",
        "status writes nothing"
    );

    let project = project.migration("V3__more", "create table more (id int);\n");
    let output = evmig(&project, &database, "apply --format json").succeeds();
    assert_eq!(applied(&output), ["3"]);
    assert_eq!(
        database.lines("select key, action from evmig.migration order by seq"),
        ["1|adopt", "2|adopt", "3|apply"]
    );
    assert_eq!(
        rows(&database, THEIRS),
        expected(&project, &["V1__people", "V2__pets", "V3__more"])
    );
    assert_eq!(
        database.value("select to_regclass('evmig.refinery_schema_history')"),
        "NULL",
        "there is one table of refinery's, where refinery made it"
    );
    refinery(&project, &database, THEIRS).succeeds();
    assert_eq!(rows(&database, THEIRS).len(), 3);
    assert_verifies(&project, &database);
    evmig(&project, &database, "status --exit-code").succeeds();
}

#[test]
fn adopting_is_a_run_of_its_own_where_nothing_is_pending() {
    let (project, database) = (two(), database());
    refinery(&project, &database, THEIRS).succeeds();
    let output = evmig(&project, &database, "apply --format json").succeeds();
    assert!(applied(&output).is_empty());
    assert_eq!(
        database.lines("select key, action, up_sql is not null from evmig.migration order by seq"),
        ["1|adopt|t", "2|adopt|t"]
    );
    assert_verifies(&project, &database);
    let second = evmig(&project, &database, "apply --format json").succeeds();
    assert_eq!(second.json()["outcome"], "nothing_to_do");
}

#[test]
fn a_file_changed_since_refinery_applied_it_stops_evmig() {
    let (project, database) = (two(), database());
    refinery(&project, &database, THEIRS).succeeds();
    let project = project.migration("V1__people", "create table people (id bigint);\n");
    let output = evmig(&project, &database, "apply --format json").exits(7);
    assert_eq!(output.json()["error"]["code"], "divergent");
    assert_eq!(database.value("select to_regnamespace('evmig')"), "NULL");
}

#[test]
fn a_half_applied_refinery_history_goes_on_where_it_stopped() {
    let (project, database) = (two(), database());
    refinery_with(&project, &database, THEIRS, &["-t", "1"]).succeeds();
    assert_eq!(states(&project, &database), ["1 applied", "2 pending"]);
    let output = evmig(&project, &database, "apply --format json").succeeds();
    assert_eq!(applied(&output), ["2"]);
    refinery(&project, &database, THEIRS).succeeds();
}

#[test]
fn a_checkout_with_other_line_endings_is_no_divergence() {
    let text = "create table people (\n  id int\n);\n";
    let with_crlf = text.replace('\n', "\r\n");
    for (first, second) in [(text, with_crlf.as_str()), (with_crlf.as_str(), text)] {
        // Applied by evmig.
        let project = Project::one_phase().migration("V1__people", first);
        let ours = database();
        evmig(&project, &ours, "apply").succeeds();
        // Applied by refinery.
        let theirs = database();
        refinery(&project, &theirs, THEIRS).succeeds();
        let project = project.migration("V1__people", second);
        for database in [&ours, &theirs] {
            let output = evmig(&project, database, "apply --format json").succeeds();
            assert!(applied(&output).is_empty());
            assert_eq!(states(&project, database), ["1 applied"]);
            assert_verifies(&project, database);
        }
        // What refinery wrote stays as it wrote it.
        let before = Migration::unapplied("V1__people", first).expect("a name");
        assert_eq!(
            rows(&theirs, THEIRS),
            [format!("1|people|{}", before.checksum())]
        );
    }
}

#[test]
fn timestamps_get_an_int8_table_and_its_checksums() {
    let text = "create table people (id int);\n";
    let project = Project::one_phase().migration("V20260102030405__people", text);
    let database = database();
    evmig(&project, &database, "apply").succeeds();
    assert_eq!(version_type(&database), "bigint");
    let checksum = checksum_i64("people", 20_260_102_030_405, text);
    assert_eq!(
        rows(&database, OURS),
        [format!("20260102030405|people|{checksum}")]
    );
    assert_eq!(states(&project, &database), ["20260102030405 applied"]);
    assert_verifies(&project, &database);
}

#[test]
fn a_timestamp_after_small_versions_widens_the_table() {
    let (project, database) = (two(), database());
    evmig(&project, &database, "apply").succeeds();
    assert_eq!(version_type(&database), "integer");
    let text = "create table late (id int);\n";
    let project = project.migration("V20260102030405__late", text);
    let output = evmig(&project, &database, "apply --format json").succeeds();
    assert_eq!(applied(&output), ["20260102030405"]);
    assert_eq!(version_type(&database), "bigint");
    let read = |stem: &str| project.read(&format!("migrations/1_core/1_tables/{stem}.sql"));
    let one = checksum_i64("people", 1, &read("V1__people"));
    let pets = checksum_i64("pets", 2, &read("V2__pets"));
    let late = checksum_i64("late", 20_260_102_030_405, text);
    assert_eq!(
        rows(&database, OURS),
        [
            format!("1|people|{one}"),
            format!("2|pets|{pets}"),
            format!("20260102030405|late|{late}")
        ]
    );
    assert_eq!(
        states(&project, &database),
        ["1 applied", "2 applied", "20260102030405 applied"]
    );
    assert_verifies(&project, &database);
    let again = evmig(&project, &database, "apply --format json").succeeds();
    assert_eq!(again.json()["outcome"], "nothing_to_do");

    // A widened row is known by its script, not by any number that stands there.
    database.execute(&format!(
        "update {OURS} set checksum = '1' where version = 1"
    ));
    let output = evmig(&project, &database, "history --verify").exits(7);
    assert!(
        output
            .stdout
            .contains("version 1 has another name or checksum")
    );
}

#[test]
fn a_table_of_refinerys_is_widened_too_and_its_rows_stay_known() {
    let (project, database) = (two(), database());
    refinery(&project, &database, THEIRS).succeeds();
    let project = project.migration("V20260102030405__late", "create table late (id int);\n");
    let output = evmig(&project, &database, "apply --format json").succeeds();
    assert_eq!(applied(&output), ["20260102030405"]);
    assert_eq!(
        states(&project, &database),
        ["1 applied", "2 applied", "20260102030405 applied"]
    );
    assert_verifies(&project, &database);
}

fn version_type(database: &Database) -> String {
    database.value(&format!(
        "select format_type(atttypid, null) from pg_attribute \
         where attrelid = '{OURS}'::regclass and attname = 'version'"
    ))
}

#[test]
fn two_tables_of_refinerys_are_refused_until_one_goes() {
    let (project, database) = (two(), database());
    refinery(&project, &database, THEIRS).succeeds();
    database.execute(
        "create schema other; create table other.refinery_schema_history (like \
         public.refinery_schema_history including all)",
    );
    let output = evmig(&project, &database, "apply --format json").exits(5);
    assert_eq!(output.json()["error"]["code"], "several-refinery-tables");
    database.execute("drop schema other cascade");
    evmig(&project, &database, "apply").succeeds();
}

#[test]
fn a_table_that_only_has_refinerys_name_is_refused() {
    let database = database();
    database.execute("create table public.refinery_schema_history (version text)");
    let output = evmig(&two(), &database, "apply --format json").exits(5);
    assert_eq!(output.json()["error"]["code"], "not-refinerys");
    assert_eq!(database.value("select to_regclass('people')"), "NULL");
}
