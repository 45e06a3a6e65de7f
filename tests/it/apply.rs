//! The life of a small project: made, applied, changed, repaired, merged late, selected from.

use serde_json::{Value, json};

use super::harness::{Database, Evmig, Output, Project, Role, Server, Shape};

fn database() -> Database {
    Server::shared(17, Shape::Plain).database(Shape::Plain, Role::Owner)
}

fn evmig(project: &Project, database: &Database, words: &str) -> Output {
    Evmig::new(project, words).on(database).run()
}

/// The versions and names that an `apply --format json` committed.
#[track_caller]
fn applied(output: &Output) -> Vec<String> {
    output.json()["applied"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| match &one["version"] {
            Value::String(version) => format!("V{version}"),
            _ => format!("R:{}", one["name"].as_str().expect("a name")),
        })
        .collect()
}

/// `version state` of everything in `evmig status`.
fn states(project: &Project, database: &Database) -> Vec<String> {
    let status = evmig(project, database, "status --format json")
        .succeeds()
        .json();
    let phases = status["phases"].as_array().expect("a list");
    phases
        .iter()
        .flat_map(|phase| phase["migrations"].as_array().expect("a list"))
        .map(|one| {
            let name = one["version"].as_str().or(one["name"].as_str());
            format!(
                "{} {}",
                name.expect("a name"),
                one["state"].as_str().expect("a state")
            )
        })
        .collect()
}

fn three() -> Project {
    Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration("V2__pets", "create table pets (id int);\n")
        .migration("V3__places", "create table places (id int);\n")
}

#[test]
fn from_an_empty_folder_to_an_applied_schema() {
    let (project, database) = (Project::empty(), database());
    Evmig::new(&project, "init --name shop").run().succeeds();
    let made = Evmig::new(&project, "new people --phase 1 --format json")
        .run()
        .succeeds()
        .json();
    let file = made["migration"].as_str().expect("a path");
    let version = made["version"].as_str().expect("a version");
    project.write(file, "create table people (id int);\n");
    assert_eq!(states(&project, &database), [format!("{version} pending")]);
    evmig(&project, &database, "status --exit-code").exits(4);
    let output = evmig(&project, &database, "apply --format json").succeeds();
    assert_eq!(applied(&output), [format!("V{version}")]);
    assert_eq!(states(&project, &database), [format!("{version} applied")]);
    let second = Evmig::new(&project, "new pets --phase core --format json")
        .run()
        .succeeds()
        .json();
    let next: i64 = second["version"]
        .as_str()
        .expect("a version")
        .parse()
        .expect("a number");
    assert_eq!(next, version.parse::<i64>().expect("a number") + 1);
    project.write(
        second["migration"].as_str().expect("a path"),
        "create table pets (id int);\n",
    );
    assert_eq!(
        applied(&evmig(&project, &database, "apply --format json").succeeds()),
        [format!("V{next}")]
    );
}

#[test]
fn the_whole_output_of_an_apply_and_of_one_with_nothing_to_do() {
    let (project, database) = (three(), database());
    let output = evmig(&project, &database, "apply").succeeds();
    let run = database.value("select id from evmig.run");
    // Times are aligned at the right, and their widths differ.
    let text = output.replacing(run, "$RUN").snapshot();
    let text = regex::Regex::new(r" +\$T")
        .expect("a pattern")
        .replace_all(&text, " $$T");
    insta::assert_snapshot!(text, @r"
    Applied 3 migrations, 3 statements, in $T
      run        $RUN
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 3 migrations, 3 statements
    Phase 1  Core
      V1__people                                                        1 statement $T
      V2__pets                                                          1 statement $T
      V3__places                                                        1 statement $T
    --- exit 0 ---
    ");
    let output = evmig(&project, &database, "apply").succeeds();
    insta::assert_snapshot!(output.snapshot(), @r"
    Nothing to do: everything selected is applied
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    --- exit 0 ---
    ");
}

#[test]
fn the_document_of_an_apply() {
    let (project, database) = (three(), database());
    let mut document = evmig(&project, &database, "apply --to 1 --format json")
        .succeeds()
        .json();
    assert!(document["duration_ms"].as_f64() > Some(0.0));
    assert!(document["applied"][0]["duration_ms"].as_f64() > Some(0.0));
    document["duration_ms"] = json!(0);
    document["applied"][0]["duration_ms"] = json!(0);
    let run = database.value("select id from evmig.run");
    assert_eq!(
        document,
        json!({
            "schema": "evmig.apply/1",
            "run": run,
            "outcome": "applied",
            "target": document["target"],
            "applied": [{
                "version": "1", "name": "people", "phase": "core", "step": "tables",
                "statements": 1, "retries": 0, "duration_ms": 0,
            }],
            "applied_by_other_runs": [],
            "pending": 2,
            "duration_ms": 0,
            "error": null,
        })
    );
    assert_eq!(document["target"]["database"], database.database.as_str());
    let nothing = evmig(&project, &database, "apply --to 1 --format json")
        .succeeds()
        .json();
    assert_eq!(nothing["outcome"], "nothing_to_do");
    assert_eq!(nothing["run"], Value::Null);
    assert_eq!(nothing["pending"], 2);
}

#[test]
fn the_document_of_a_failed_apply() {
    let project = three().migration(
        "V2__pets",
        "create table pets (id int);\n\n  create tabel x ();\n",
    );
    let database = database();
    let document = evmig(&project, &database, "apply --format json")
        .exits(3)
        .json();
    assert_eq!(document["schema"], "evmig.apply/1");
    assert_eq!(document["outcome"], "failed");
    assert_eq!(document["applied"].as_array().map(Vec::len), Some(1));
    assert_eq!(document["pending"], 2);
    let error = &document["error"];
    for (key, value) in [
        ("code", json!("sql-failed")),
        ("sqlstate", json!("42601")),
        ("file", json!("migrations/1_core/1_tables/V2__pets.sql")),
        ("line", json!(3)),
        ("column", json!(10)),
    ] {
        assert_eq!(error[key], value, "{key} of {error}");
    }
    assert_eq!(
        states(&project, &database),
        ["1 applied", "2 pending", "3 pending"]
    );
    assert_eq!(database.value("select outcome from evmig.run"), "failed");
    // Without anything before it, the database is as it was: exit code 1.
    evmig(&project, &database, "apply --format json").exits(1);
    // An error before there is a database to speak of has the document of errors.
    project.write("migrations/1_core/1_tables/oops.sql", "");
    let document = evmig(&project, &database, "apply --format json")
        .exits(2)
        .json();
    assert_eq!(document["schema"], "evmig.error/1");
    assert_eq!(document["exit_code"], 2);
}

#[test]
fn a_changed_file_stops_everything_until_it_is_put_back_or_accepted() {
    let (project, database) = (three(), database());
    evmig(&project, &database, "apply --to 2").succeeds();
    let before = project.read("migrations/1_core/1_tables/V1__people.sql");
    project.write(
        "migrations/1_core/1_tables/V1__people.sql",
        "create table people (id int); -- all\n",
    );
    let output = evmig(&project, &database, "apply").exits(7);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[divergent]: migrations/1_core/1_tables/V1__people.sql was changed after it was applied
      hint       take the change back, or put it into a new migration; accept it only if the database
                 has it
      next       evmig --database-url URL history --script 1 --diff
                 evmig --database-url URL repair 1 --reason '…'
    --- exit 7 ---
    ");
    assert_eq!(
        states(&project, &database),
        ["1 divergent", "2 applied", "3 pending"]
    );
    assert_eq!(database.value("select to_regclass('places')"), "NULL");
    let output = evmig(&project, &database, "history --script 1 --diff").succeeds();
    insta::assert_snapshot!(output.snapshot(), @r"
    --- V1 as applied
    +++ migrations/1_core/1_tables/V1__people.sql
    @@ -1 +1 @@
    -create table people (id int);
    +create table people (id int); -- all
    --- stderr ---
    --- exit 0 ---
    ");

    project.write("migrations/1_core/1_tables/V1__people.sql", &before);
    assert_eq!(
        states(&project, &database),
        ["1 applied", "2 applied", "3 pending"]
    );

    project.write(
        "migrations/1_core/1_tables/V1__people.sql",
        "create table people (id int); -- all\n",
    );
    evmig(&project, &database, "repair 1").exits(2);
    Evmig::new(&project, "repair 1 --reason")
        .arg("  ")
        .on(&database)
        .run()
        .exits(2);
    evmig(&project, &database, "repair 2 --reason unchanged").exits(2);
    Evmig::new(&project, "repair 1 --reason")
        .arg("only a comment")
        .on(&database)
        .run()
        .succeeds();
    assert_eq!(
        database.lines("select action, reason from evmig.migration where key = '1' order by seq"),
        ["apply|", "repair|only a comment"]
    );
    assert_eq!(
        applied(&evmig(&project, &database, "apply --format json").succeeds()),
        ["V3"]
    );
    evmig(&project, &database, "history --verify").succeeds();
}

#[test]
fn a_repair_accepts_one_file_and_no_other() {
    let (project, database) = (three(), database());
    evmig(&project, &database, "apply --to 2").succeeds();
    let project = project
        .migration("V1__people", "create table people (id bigint);\n")
        .migration("V2__pets", "create table pets (id bigint);\n");
    evmig(&project, &database, "repair 1 --reason x").succeeds();
    assert_eq!(
        states(&project, &database),
        ["1 applied", "2 divergent", "3 pending"]
    );
    evmig(&project, &database, "apply").exits(7);
}

#[test]
fn a_renamed_file_is_a_divergence_too() {
    let (project, database) = (three(), database());
    evmig(&project, &database, "apply").succeeds();
    project.remove("migrations/1_core/1_tables/V1__people.sql");
    let project = project.migration("V1__persons", "create table people (id int);\n");
    let error = evmig(&project, &database, "apply --format json")
        .exits(7)
        .json();
    let message = error["error"]["message"]
        .as_str()
        .expect("a message")
        .to_owned();
    assert!(message.contains("under the name people"), "{message}");
}

#[test]
fn a_missing_file_stops_everything_and_history_gives_it_back() {
    let text = "-- ünïcode, and no newline at the end\ncreate table people (id int);";
    let project = three().migration("V1__people", text);
    let database = database();
    evmig(&project, &database, "apply").succeeds();
    project.remove("migrations/1_core/1_tables/V1__people.sql");
    let output = evmig(&project, &database, "apply").exits(7);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[missing]: V1__people was applied by run $RUN on $TIME, and its
      file is gone
      hint       put the file back into the folder of step tables; the history has its text
      next       evmig --database-url URL history --script 1 > V1__people.sql
    --- exit 7 ---
    ");
    assert_eq!(
        states(&project, &database),
        ["2 applied", "3 applied", "1 missing"]
    );
    let script = evmig(&project, &database, "history --script 1")
        .succeeds()
        .stdout;
    assert_eq!(script, text);
    project.write("migrations/1_core/1_tables/V1__people.sql", script);
    evmig(&project, &database, "status --exit-code").succeeds();
    evmig(&project, &database, "history --script 9").exits(2);
}

#[test]
fn an_older_version_merged_late_is_refused_unless_asked_for() {
    let (project, database) = (three(), database());
    project.remove("migrations/1_core/1_tables/V2__pets.sql");
    evmig(&project, &database, "apply").succeeds();
    let project = project.migration("V2__pets", "create table pets (id int);\n");
    let output = evmig(&project, &database, "apply").exits(5);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[out-of-order]: 1 pending migration older than what phase core has applied
      detail     pending: V2__pets; newest applied: V3
      hint       give them newer versions, or run them late after reading them against today's schema
      next       evmig --database-url URL apply --out-of-order
    --- exit 5 ---
    ");
    assert_eq!(database.value("select to_regclass('pets')"), "NULL");
    let output = evmig(&project, &database, "apply --out-of-order --format json").succeeds();
    assert_eq!(applied(&output), ["V2"]);
    evmig(&project, &database, "history --verify").succeeds();
}

/// Two phases, the second of which requires the first; three steps in all.
fn phases() -> Project {
    Project::new(
        r#"[project]
name = "test"

[environments.here]
url_env = "HERE"

[environments.there]
url_env = "HERE"

[[phase]]
number = 1
name = "core"
[[phase.step]]
name = "tables"
migrations = "1_core/1_tables"
[[phase.step]]
name = "indexes"
migrations = "1_core/2_indexes"

[[phase]]
number = 2
name = "data"
requires = ["core"]
[[phase.step]]
name = "rows"
migrations = "2_data/1_rows"

[[phase]]
number = 3
name = "samples"
environments = ["here"]
[[phase.step]]
name = "samples"
migrations = "3_samples/1_samples"
"#,
    )
    .file(
        "migrations/1_core/1_tables/V101__people.sql",
        "create table people (id int);\n",
    )
    .file(
        "migrations/1_core/2_indexes/V110__people.sql",
        "create index on people (id);\n",
    )
    .file(
        "migrations/1_core/1_tables/V105__pets.sql",
        "create table pets (id int);\n",
    )
    .file(
        "migrations/2_data/1_rows/V201__people.sql",
        "insert into people values (1);\n",
    )
    .file(
        "migrations/3_samples/1_samples/V301__people.sql",
        "insert into people values (2);\n",
    )
}

#[test]
fn phases_steps_and_versions_select() {
    let (project, database) = (phases(), database());
    let run = |words: &str| {
        applied(&evmig(&project, &database, &format!("apply --format json {words}")).succeeds())
    };
    assert_eq!(run("--to 101"), ["V101"]);
    assert_eq!(run("--phase 1 --step tables"), ["V105"]);
    assert_eq!(run("--phase 1 --step tables"), [""; 0]);
    assert_eq!(run("--phase core"), ["V110"]);
    assert_eq!(run(""), ["V201"]);
}

#[test]
fn what_is_selected_must_exist() {
    let (project, database) = (phases(), database());
    for (words, code) in [
        ("--phase cora", "unknown-phase"),
        ("--phase 7", "unknown-phase"),
        ("--phase core --step table", "unknown-step"),
        ("--to 102", "unknown-version"),
    ] {
        let document = evmig(&project, &database, &format!("apply --format json {words}"))
            .exits(2)
            .json();
        assert_eq!(document["error"]["code"], code, "{words}");
    }
    assert_eq!(database.value("select to_regnamespace('evmig')"), "NULL");
}

#[test]
fn the_order_is_phase_step_version() {
    let (project, database) = (phases(), database());
    let output = evmig(&project, &database, "apply --format json").succeeds();
    assert_eq!(applied(&output), ["V101", "V105", "V110", "V201"]);
}

#[test]
fn a_phase_whose_requirements_are_pending_is_refused_naming_them() {
    let (project, database) = (phases(), database());
    let output = evmig(&project, &database, "apply --phase data").exits(5);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[requires-pending]: phase data requires phase core, of which 3 migrations are not applied
      detail     pending in core: V101__people, V105__pets, V110__people
      next       evmig --database-url URL apply --phase data --phase core
    --- exit 5 ---
    ");
    assert_eq!(database.value("select to_regnamespace('evmig')"), "NULL");
    let output = evmig(
        &project,
        &database,
        "apply --phase data --phase core --format json",
    );
    assert_eq!(
        applied(&output.succeeds()),
        ["V101", "V105", "V110", "V201"]
    );
}

#[test]
fn a_phase_of_another_environment_is_passed_over_and_refused_where_it_is_named() {
    let (project, database) = (phases(), database());
    let run = |words: &str, environment: &str| {
        Evmig::new(
            &project,
            &format!("apply --format json --env {environment} {words}"),
        )
        .knowing(&database)
        .env("HERE", database.url_without_password())
        .env("PGPASSWORD", &database.password)
        .run()
    };
    let output = run("", "there").succeeds();
    assert_eq!(applied(&output), ["V101", "V105", "V110", "V201"]);
    assert_eq!(output.json()["pending"], 0);
    assert!(output.stderr.contains("samples"), "{}", output.stderr);
    for document in [
        run("--phase samples", "there").exits(5).json(),
        evmig(&project, &database, "apply --phase samples --format json")
            .exits(5)
            .json(),
    ] {
        assert_eq!(document["error"]["code"], "wrong-environment");
    }
    assert_eq!(applied(&run("", "here").succeeds()), ["V301"]);
}

#[test]
fn a_repeatable_migration_runs_again_when_its_text_changes_and_only_then() {
    let database = database();
    let view =
        |column: &str| format!("create or replace view names as select {column} from people;\n");
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int, name text);\n")
        .migration("R__names", &view("id"));
    let run =
        |project: &Project| applied(&evmig(project, &database, "apply --format json").succeeds());
    assert_eq!(run(&project), ["V1", "R:names"]);
    assert_eq!(run(&project), [""; 0]);
    // After the versioned files of its step, on which it builds.
    let project = project
        .migration("R__names", &view("id, nick"))
        .migration("V2__nick", "alter table people add column nick text;\n");
    assert_eq!(run(&project), ["V2", "R:names"]);
    assert_eq!(run(&project), [""; 0]);
    let project = project.migration("R__names", &view("id, nick").replace('\n', "\r\n"));
    assert_eq!(run(&project), [""; 0]);
    assert_eq!(
        database.lines("select key, action from evmig.migration order by seq"),
        ["1|apply", "R:names|apply", "2|apply", "R:names|apply"]
    );
    assert_eq!(
        database.lines("select version from evmig.refinery_schema_history order by 1"),
        ["1", "2"]
    );
    assert_eq!(
        states(&project, &database),
        ["1 applied", "2 applied", "names applied"]
    );
    evmig(&project, &database, "history --verify").succeeds();
}

#[test]
fn a_database_that_has_the_objects_and_no_history_is_refused_until_baseline() {
    let (project, database) = (three(), database());
    database
        .session()
        .execute("create table people (id int); create table pets (id int)");
    let output = evmig(&project, &database, "apply").exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[objects-present]: the history is empty, but "people" of V1__people exists already
      hint       if the schema is what the migrations make, record them as applied; if it is not, this
                 is the wrong database
      next       evmig --database-url URL baseline --reason '…'
    --- exit 5 ---
    "#);
    assert_eq!(database.value("select to_regnamespace('evmig')"), "NULL");
    evmig(&project, &database, "baseline --to 2").exits(2);
    Evmig::new(&project, "baseline --to 2 --reason")
        .arg("made by hand")
        .on(&database)
        .run()
        .succeeds();
    assert_eq!(
        states(&project, &database),
        ["1 applied", "2 applied", "3 pending"]
    );
    assert_eq!(
        database.lines("select key, action, reason from evmig.migration order by seq"),
        ["1|baseline|made by hand", "2|baseline|made by hand"]
    );
    assert_eq!(
        database.lines("select version from evmig.refinery_schema_history order by 1"),
        ["1", "2"]
    );
    assert_eq!(
        applied(&evmig(&project, &database, "apply --format json").succeeds()),
        ["V3"]
    );
    evmig(&project, &database, "history --verify").succeeds();
}

#[test]
fn events_are_written_line_by_line() {
    let (project, database) = (three(), database());
    let file = project.path("events.jsonl");
    Evmig::new(&project, "apply --to 1 --events")
        .arg(&file)
        .on(&database)
        .run()
        .succeeds();
    let lines: Vec<Value> = project
        .read("events.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).expect("one document per line"))
        .collect();
    let names: Vec<&str> = lines
        .iter()
        .map(|line| line["event"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        names,
        [
            "run_started",
            "phase_started",
            "migration_started",
            "statement_done",
            "migration_applied"
        ]
    );
    let run = database.value("select id from evmig.run");
    assert_eq!(lines[0]["run"], run.as_str());
    assert_eq!(lines[2]["migration"]["version"], "1");
    assert_eq!(
        lines[2]["migration"]["file"],
        "migrations/1_core/1_tables/V1__people.sql"
    );
    for line in &lines {
        let at = line["at"].as_str().expect("a time");
        assert!(at.ends_with('Z') && at.contains('T'), "{at}");
    }
    // A path that cannot be written is found out before anything runs.
    let output = Evmig::new(&project, "apply --events")
        .arg(project.path("no/such/file"))
        .on(&database)
        .run();
    output.exits(1);
    assert_eq!(
        states(&project, &database),
        ["1 applied", "2 pending", "3 pending"]
    );
}
