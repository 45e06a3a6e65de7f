//! A history that this evmig did not write: a newer one, a foreign one, one whose tables are gone.

use super::harness::{Database, Evmig, Output, Project, Role, Server, Shape};

fn applied() -> (Project, Database) {
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration("V2__pets", "create table pets (id int);\n");
    let database = Server::shared(18, Shape::Plain).database(Shape::Plain, Role::Owner);
    Evmig::new(&project, "apply --to 1")
        .on(&database)
        .run()
        .succeeds();
    (project, database)
}

fn run(project: &Project, database: &Database, words: &str) -> Output {
    Evmig::new(project, words).on(database).run()
}

/// Every command that reads the history refuses it, and nothing is written.
#[track_caller]
fn assert_refused(project: &Project, database: &Database, code: &str) {
    let rows = "select count(*) from evmig.run";
    let before = database.value(rows);
    for words in [
        "apply",
        "status",
        "history",
        "history --verify",
        "repair 1 --reason x",
        "baseline --reason x",
    ] {
        let output = run(project, database, &format!("{words} --format json")).exits(5);
        assert_eq!(output.json()["error"]["code"], code, "{words}");
    }
    assert_eq!(database.value(rows), before);
    assert_eq!(database.value("select to_regclass('pets')"), "NULL");
}

#[test]
fn a_newer_format_is_refused() {
    let (project, database) = applied();
    database.execute("update evmig.meta set format = 999");
    assert_refused(&project, &database, "history-newer");
    let output = run(&project, &database, "apply").exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[history-newer]: the history in schema "evmig" has format 999; this evmig knows 3
      hint       a later evmig has worked here; use that one
    --- exit 5 ---
    "#);
}

#[test]
fn a_format_that_never_was_is_refused() {
    let (project, database) = applied();
    database.execute("update evmig.meta set format = 0");
    assert_refused(&project, &database, "history-format");
    database.execute("delete from evmig.meta");
    assert_refused(&project, &database, "history-format");
}

#[test]
fn a_schema_of_another_tool_is_refused() {
    let project = Project::one_phase().migration("V1__people", "create table people (id int);\n");
    let database = Server::shared(18, Shape::Plain).database(Shape::Plain, Role::Owner);
    database.session().execute(
        "create schema evmig; create table evmig.meta (key text, value text); \
         insert into evmig.meta values ('mine', 'yes')",
    );
    let output = run(&project, &database, "apply --format json").exits(5);
    assert_eq!(output.json()["error"]["code"], "history-format");
    assert_eq!(database.value("select to_regclass('people')"), "NULL");
}

#[test]
fn a_history_whose_refinery_table_is_gone_is_refused() {
    let (project, database) = applied();
    database.execute("drop table evmig.refinery_schema_history");
    assert_refused(&project, &database, "not-refinerys");
}

#[test]
fn a_lost_history_is_not_taken_for_an_empty_database() {
    let (project, database) = applied();
    database.execute("drop schema evmig cascade");
    let output = run(&project, &database, "apply --format json").exits(5);
    assert_eq!(output.json()["error"]["code"], "objects-present");
    run(&project, &database, "baseline --to 1 --reason lost").succeeds();
    run(&project, &database, "apply").succeeds();
    run(&project, &database, "status --exit-code").succeeds();
}

#[test]
fn another_schema_is_another_history() {
    let (project, database) = applied();
    let manifest = project.read("phases.toml").replace(
        "name = \"test\"",
        "name = \"test\"\nhistory_schema = \"it's \\\"odd\\\"\"",
    );
    let other = Project::new(&manifest)
        .migration("V1__places", "create table places (id int);\n")
        .migration(
            "V2__index",
            "create index concurrently on places (id);\nselect 1;\n",
        );
    run(&other, &database, "apply").succeeds();
    run(&other, &database, "history --verify").succeeds();
    run(&other, &database, "status --exit-code").succeeds();
    assert_eq!(
        database.value("select count(*) from \"it's \"\"odd\"\"\".migration"),
        "2"
    );
    // The first one knows nothing of it.
    run(&project, &database, "apply").succeeds();
    run(&project, &database, "history --verify").succeeds();
    assert_eq!(database.value("select count(*) from evmig.migration"), "2");
}
