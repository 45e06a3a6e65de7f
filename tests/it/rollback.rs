//! `evmig rollback`: what is selected goes, in one transaction, and nothing else.

use serde_json::Value;

use super::harness::{Database, Evmig, Output, Project, Role, Server, Shape};

pub(crate) fn database() -> Database {
    Server::shared(17, Shape::Plain).database(Shape::Plain, Role::Owner)
}

pub(crate) fn evmig(project: &Project, database: &Database, words: &str) -> Output {
    Evmig::new(project, words).on(database).run()
}

/// A table of the project's own with its rollback script.
pub(crate) fn table(project: Project, version: u32, name: &str) -> Project {
    let file = format!("V{version}__{name}");
    project
        .migration(&file, &format!("create table {name} (id int);\n"))
        .rollback(&file, &format!("drop table {name};\n"))
}

pub(crate) fn three() -> Project {
    let project = table(Project::one_phase(), 1, "people");
    table(table(project, 2, "pets"), 3, "places")
}

/// What a rollback says that it has taken back.
#[track_caller]
pub(crate) fn reverted(output: &Output) -> Vec<String> {
    output.json()["reverted"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| match &one["version"] {
            Value::String(version) => format!("V{version}"),
            _ => format!("R:{}", one["name"].as_str().expect("a name")),
        })
        .collect()
}

pub(crate) fn tables(database: &Database) -> Vec<String> {
    database.lines(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace \
         order by 1",
    )
}

#[test]
fn the_last_run_goes_then_the_one_before_it() {
    let (project, database) = (three(), database());
    evmig(&project, &database, "apply --to 1").succeeds();
    evmig(&project, &database, "apply").succeeds();
    let output = evmig(&project, &database, "rollback --format json").succeeds();
    assert_eq!(reverted(&output), ["V3", "V2"]);
    assert_eq!(tables(&database), ["people"]);
    let rows = "select key || ' ' || action from evmig.migration order by seq";
    assert_eq!(
        database.lines(rows),
        ["1 apply", "2 apply", "3 apply", "3 rollback", "2 rollback"]
    );
    let refinery = "select version from evmig.refinery_schema_history";
    assert_eq!(database.lines(refinery), ["1"]);
    let runs = "select command || ' ' || outcome from evmig.run order by seq";
    assert_eq!(
        database.lines(runs),
        ["apply applied", "apply applied", "rollback applied"]
    );
    evmig(&project, &database, "history --verify").succeeds();
    let output = evmig(&project, &database, "rollback --format json").succeeds();
    assert_eq!(reverted(&output), ["V1"]);
    evmig(&project, &database, "rollback").exits(5);
    let again = evmig(&project, &database, "apply --format json").succeeds();
    assert_eq!(again.json()["applied"].as_array().map(Vec::len), Some(3));
    let output = evmig(&project, &database, "rollback --all --format json").succeeds();
    assert_eq!(reverted(&output), ["V3", "V2", "V1"]);
    evmig(&project, &database, "history --verify").succeeds();
}

#[test]
fn the_whole_output_of_a_rollback() {
    let (project, database) = (three(), database());
    evmig(&project, &database, "apply").succeeds();
    let output = evmig(&project, &database, "rollback --to 1").succeeds();
    let run = database.value("select id from evmig.run where command = 'rollback'");
    let text = output.replacing(run, "$RUN").snapshot();
    let text = regex::Regex::new(r" +\$T")
        .expect("a pattern")
        .replace_all(&text, " $$T");
    insta::assert_snapshot!(text, @r"
    Rolled back 2 migrations, 2 statements, in $T
      run        $RUN
      locks      held for $T at most
      next       evmig status
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    To roll back: 2 migrations, 2 statements, in one transaction
      V3__places                                                    core                   1 statement
      V2__pets                                                      core                   1 statement
      script     the file in rollback/; as it was stored when the migration was applied
    Run $RUN: 2 migrations, 2 statements
      V3__places                                                        1 statement $T
      V2__pets                                                          1 statement $T
    --- exit 0 ---
    ");
}
