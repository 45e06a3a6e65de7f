//! Which script takes a migration back, where there is no project, an altered or a broken one; and
//! what is refused.

use super::harness::{Database, Evmig, Output, Project};
use super::rollback::{database, evmig, reverted, table, tables, three};

fn applied(project: &Project) -> Database {
    let database = database();
    evmig(project, &database, "apply").succeeds();
    database
}

fn nowhere(database: &Database, words: &str) -> Output {
    evmig(&Project::empty(), database, words)
}

/// What the plan says of each script: its source and why.
fn sources(output: &Output) -> Vec<String> {
    let document = output.json();
    let scripts = document["plan"]["scripts"].as_array().expect("a list");
    scripts
        .iter()
        .map(|one| format!("{}: {}", one["source"], one["why"]).replace('"', ""))
        .collect()
}

#[test]
fn without_a_project_the_history_is_enough() {
    let database = applied(&three());
    let output = nowhere(&database, "rollback --to 1 --format json").succeeds();
    assert_eq!(reverted(&output), ["V3", "V2"]);
    assert_eq!(sources(&output)[0], "history: no project was read");
    assert_eq!(output.json()["proof"]["proven"], "yes");
    let output = nowhere(&database, "rollback --phase core --format json").succeeds();
    assert_eq!(reverted(&output), ["V1"]);
    assert_eq!(tables(&database), [""; 0]);
}

#[test]
fn without_a_project_another_schema_can_be_named() {
    let project = three();
    let manifest = project.read("phases.toml");
    let named = manifest.replacen("[project]", "[project]\nhistory_schema = \"deploys\"", 1);
    project.write("phases.toml", named);
    let database = applied(&project);
    nowhere(&database, "rollback").exits(5);
    let words = "rollback --history-schema deploys --format json";
    assert_eq!(reverted(&nowhere(&database, words).succeeds()).len(), 3);
}

#[test]
fn a_changed_and_a_missing_script_give_way_to_what_was_stored() {
    let project = three();
    let database = applied(&project);
    let project = project.rollback("V3__places", "select 'another';\n");
    project.remove("rollback/1_core/1_tables/V2__pets.sql");
    let output = evmig(&project, &database, "rollback --dry-run --format json").succeeds();
    assert_eq!(
        sources(&output),
        [
            "history: the file was changed since",
            "history: the file is gone",
            "file: as it was stored when the migration was applied"
        ]
    );
    let words = "rollback --dry-run --from-history --format json";
    let output = evmig(&project, &database, words).succeeds();
    assert_eq!(sources(&output), ["history: it was asked for"; 3]);
    // The file does not drop the table: what is asked for is what runs.
    let words = "rollback --last 1 --from-files";
    let output = evmig(&project, &database, words).exits(1);
    assert!(output.stderr.contains("not-led-back"), "{}", output.stderr);
    let output = evmig(&project, &database, "rollback --format json").succeeds();
    assert_eq!(reverted(&output), ["V3", "V2", "V1"]);
}

#[test]
fn a_broken_project_does_not_stop_it() {
    let project = three();
    let database = applied(&project);
    project.write("migrations/1_core/1_tables/notes.txt", "no migration");
    let output = evmig(&project, &database, "rollback --last 1").succeeds();
    insta::assert_snapshot!(output.snapshot(), @r"
    Rolled back 1 migration, 1 statement, in $T
      run        $RUN
      locks      held for $T at most
      proof      the catalog is what it was before
      next       evmig status
    --- stderr ---
    warning[project-unreadable]: the project cannot be read: what the history stored is used instead
      detail     migrations/1_core/1_tables/notes.txt is no migration file: only .sql files belong here
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    To roll back: 1 migration, 1 statement, in one transaction
      V3__places                                                    core                   1 statement
      script     the text stored in the history; no project was read
      loses      no row
                 and 1 table without a row
    Run $RUN: 1 migration, 1 statement
      V3__places                                                        1 statement  $T
    --- exit 0 ---
    ");
    assert_eq!(tables(&database), ["people", "pets"]);
}

#[test]
fn a_failing_stored_script_says_how_to_mend_it() {
    let project = three().rollback("V3__places", "drop table place;\n");
    let database = applied(&project);
    let output = nowhere(&database, "rollback --last 1").exits(1);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    To roll back: 1 migration, 1 statement, in one transaction
      V3__places                                                    core                   1 statement
      script     the text stored in the history; no project was read
      loses      no row
    Run $RUN: 1 migration, 1 statement
    error[sql-failed]: the rollback of V3__places failed at statement 1 of 1: table "place" does not
      exist
     --> V3__places.sql (the stored rollback script):1:12
      |
    1 | drop table place;
      |            ^
      sqlstate   42P01 (undefined_table)
      hint       the script is the one that the history stored; write a mended one to
                 rollback/…/V3__places.sql in a checkout, and run that
      committed  nothing; the database is as it was
      next       evmig --database-url URL rollback --last 1 --from-files
    --- exit 1 ---
    "#);
    let project = project.rollback("V3__places", "drop table places;\n");
    let words = "rollback --last 1 --from-files --format json";
    let output = evmig(&project, &database, words).succeeds();
    assert_eq!(reverted(&output), ["V3"]);
}

#[test]
fn a_repeatable_file_gets_its_text_of_before_then_its_own_script() {
    let project = table(Project::one_phase(), 1, "people")
        .migration("R__view", "create or replace view v as select 1 as n;\n")
        .rollback("R__view", "drop view v;\n");
    let database = applied(&project);
    let project = project.migration("R__view", "create or replace view v as select 2 as n;\n");
    evmig(&project, &database, "apply").succeeds();
    assert_eq!(database.value("select n from v"), "2");
    let output = evmig(&project, &database, "rollback --format json").succeeds();
    assert_eq!(reverted(&output), ["R:view"]);
    assert_eq!(
        sources(&output),
        ["history: the text that this file had before"]
    );
    assert_eq!(database.value("select n from v"), "1");
    let output = evmig(&project, &database, "apply --format json").succeeds();
    assert_eq!(output.json()["applied"].as_array().map(Vec::len), Some(1));
    assert_eq!(database.value("select n from v"), "2");
    let output = evmig(&project, &database, "rollback --all --format json").succeeds();
    assert_eq!(reverted(&output), ["R:view", "R:view", "V1"]);
    assert_eq!(
        database.value("select count(*) from pg_class where relname = 'v'"),
        "0"
    );
    evmig(&project, &database, "history --verify").succeeds();
}

#[test]
fn a_migration_without_a_script_is_named_and_can_be_stepped_over() {
    let project = three().migration("V4__seed", "insert into people values (1);\n");
    let database = applied(&project);
    let output = evmig(&project, &database, "rollback --to 2").exits(5);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[irreversible]: V4__seed cannot be rolled back: no rollback script
      hint       the history has stored none, and rollback/ has no file for it: write one, or step over
                 it and leave it applied
      next       evmig --database-url URL rollback --to 2 --irreversible-ok 4
    --- exit 5 ---
    ");
    let words = "rollback --to 2 --irreversible-ok 4 --format json";
    let output = evmig(&project, &database, words).succeeds();
    assert_eq!(reverted(&output), ["V3"]);
    assert_eq!(output.json()["plan"]["stepped_over"][0], "V4__seed");
    let state = "select action from evmig.migration where key = '4' order by seq desc limit 1";
    assert_eq!(database.value(state), "apply");
    evmig(&project, &database, "rollback --last 1 --irreversible-ok 7").exits(2);
}

#[test]
fn what_is_not_there_is_named() {
    let project = three();
    let empty = database();
    let output = evmig(&project, &empty, "rollback").exits(5);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[nothing-to-roll-back]: there is nothing to roll back
      hint       by its history this database has no migration; is it the right one?
      next       evmig --database-url URL status
    --- exit 5 ---
    ");
    let database = applied(&project);
    let run = database.value("select id from evmig.run");
    let output = evmig(&project, &database, "rollback --run nope").exits(2);
    let output = output.replacing(run.clone(), "$APPLY");
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[unknown-run]: the history has no run nope
      hint       the newest that applied something: $APPLY
      next       evmig --database-url URL history
    --- exit 2 ---
    ");
    let output = evmig(&project, &database, "rollback --to 7").exits(2);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[unknown-version]: version 7 is not applied
      hint       applied nearest to it: V3, V2, V1
    --- exit 2 ---
    ");
    evmig(&project, &database, "rollback --phase nope").exits(2);
    evmig(&project, &database, "rollback --last 0").exits(2);
    evmig(&project, &database, "rollback --last 1 --all").exits(2);
    let output = evmig(
        &project,
        &database,
        &format!("rollback --run {run} --format json"),
    );
    assert_eq!(reverted(&output.succeeds()).len(), 3);
}

#[test]
fn what_was_only_recorded_goes_where_it_is_named() {
    let (project, database) = (three(), database());
    database.execute("create table people (id int); create table pets (id int)");
    evmig(&project, &database, "baseline --to 2 --reason old").succeeds();
    evmig(&project, &database, "apply").succeeds();
    let output = evmig(&project, &database, "rollback --format json").succeeds();
    assert_eq!(reverted(&output), ["V3"]);
    evmig(&project, &database, "rollback").exits(5);
    let output = evmig(&project, &database, "rollback --last 1 --format json").succeeds();
    assert_eq!(reverted(&output), ["V2"]);
}

#[test]
fn a_file_that_stopped_half_way_is_finished_first() {
    let project = three().migration(
        "V4__index",
        "create index concurrently people_id on people (id);\nselect 1 / (select count(*) from pets);\n",
    );
    let database = database();
    evmig(&project, &database, "apply").exits(3);
    let output = evmig(&project, &database, "rollback").exits(5);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[half-applied]: V4 stopped half way, and is neither in nor out
      hint       a rollback script takes back the whole of a migration: let apply finish it first
      next       evmig --database-url URL apply
                 evmig --database-url URL rollback
    --- exit 5 ---
    ");
}

#[test]
fn a_protected_environment_asks_for_the_databases_name() {
    let project = three();
    let database = applied(&project);
    let manifest = project.read("phases.toml");
    let environment = "[environments.live]\nurl_env = \"LIVE\"\nprotected = true\n";
    project.write("phases.toml", format!("{manifest}\n{environment}"));
    let live = |words: &str| {
        Evmig::new(&project, words)
            .arg("--env")
            .arg("live")
            .env("LIVE", database.url())
            .knowing(&database)
    };
    live("rollback").run().exits(5);
    assert_eq!(tables(&database).len(), 3);
    live("rollback --dry-run").run().succeeds();
    live("rollback --yes").run().succeeds();
    assert_eq!(tables(&database), [""; 0]);
}
