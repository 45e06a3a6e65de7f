//! B57, B60, B61, B64 to B67, B72, B76: files and histories that have grown apart.

use super::harness::{Database, Evmig, Output, Project, Role, Server, Shape};

fn database() -> Database {
    Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner)
}

fn apply(project: &Project, database: &Database) -> Output {
    Evmig::new(project, "apply").on(database).run()
}

/// Three migrations, applied.
fn three() -> (Project, Database) {
    let project = Project::one_phase()
        .migration("V10__people", "create table people (\n  id int\n);\n")
        .migration("V20__places", "create table places (id int);\n")
        .migration("V30__events", "create table events (id int);\n");
    let database = database();
    apply(&project, &database).succeeds();
    (project, database)
}

fn path(name: &str) -> String {
    format!("migrations/1_core/1_tables/{name}.sql")
}

/// The rows of the history, which a refusal must leave as they were.
fn history(database: &Database) -> Vec<String> {
    database.lines(
        "select 'migration', count(*) from evmig.migration union all
         select 'run', count(*) from evmig.run union all
         select 'refinery', count(*) from evmig.refinery_schema_history order by 1",
    )
}

#[test]
fn every_file_that_was_changed_or_renamed_or_is_gone_is_named_at_once() {
    let (project, database) = three();
    let before = history(&database);
    project.write(&path("V10__people"), "create table people (id bigint);\n");
    let text = project.read(&path("V20__places"));
    project.remove(&path("V20__places"));
    project.write(&path("V20__locations"), text);
    project.remove(&path("V30__events"));
    project.write(&path("V40__more"), "create table more (id int);\n");
    let output = Evmig::new(&project, "apply")
        .on(&database)
        .env("COLUMNS", "200")
        .run()
        .exits(7);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[divergent]: migrations/1_core/1_tables/V10__people.sql was changed after it was applied
      hint       take the change back, or put it into a new migration; accept it only if the database has it
      next       evmig --database-url URL history --script 10 --diff
                 evmig --database-url URL repair 10 --reason '…'

    error[divergent]: migrations/1_core/1_tables/V20__locations.sql was applied under the name places
      hint       give the file its name back, or accept the new one
      next       mv migrations/1_core/1_tables/V20__locations.sql migrations/1_core/1_tables/V20__places.sql
                 evmig --database-url URL repair 20 --reason '…'

    error[missing]: V30__events was applied by run $RUN on $TIME, and its file is gone
      hint       put the file back into the folder of step tables; the history has its text
      next       evmig --database-url URL history --script 30 > V30__events.sql

    3 errors; nothing was run
    --- exit 7 ---
    "#);
    assert_eq!(history(&database), before);
    assert_eq!(database.value("select to_regclass('more') is null"), "t");
    let status = Evmig::new(&project, "status").on(&database).run();
    for line in [
        "DIVERGENT  V10__people",
        "DIVERGENT  V20__locations",
        "MISSING    V30__events",
    ] {
        assert!(status.stdout.contains(line), "{}", status.stdout);
    }
}

#[test]
fn the_commands_that_a_divergence_names_do_what_they_say() {
    let (project, database) = three();
    project.write(
        &path("V10__people"),
        "create table people (\n  id int -- ours\n);\n",
    );
    let diff = Evmig::new(&project, "history --script 10 --diff")
        .on(&database)
        .run();
    insta::assert_snapshot!(diff.snapshot(), @r#"
    --- V10 as applied
    +++ migrations/1_core/1_tables/V10__people.sql
    @@ -1,3 +1,3 @@
     create table people (
    -  id int
    +  id int -- ours
     );
    --- stderr ---
    --- exit 0 ---
    "#);
    Evmig::new(&project, "repair 10 --reason comment")
        .on(&database)
        .run()
        .succeeds();
    apply(&project, &database).succeeds();
    let (old, new) = (path("V20__places"), path("V20__locations"));
    std::fs::rename(project.path(&old), project.path(&new)).expect("our own file");
    let output = apply(&project, &database).exits(7);
    assert!(output.stderr.contains(&format!("mv {new} {old}")));
    std::fs::rename(project.path(&new), project.path(&old)).expect("our own file");
    apply(&project, &database).succeeds();
    project.remove(&path("V30__events"));
    apply(&project, &database).exits(7);
    let script = Evmig::new(&project, "history --script 30")
        .on(&database)
        .run()
        .succeeds();
    project.write(&path("V30__events"), script.stdout);
    apply(&project, &database).succeeds();
}

#[test]
fn line_endings_and_a_byte_order_mark_are_no_change() {
    let (project, database) = three();
    let text = project.read(&path("V10__people"));
    project.write(
        &path("V10__people"),
        format!("\u{FEFF}{}", text.replace('\n', "\r\n")),
    );
    let output = apply(&project, &database).succeeds();
    insta::assert_snapshot!(output.snapshot(), @r#"
    Nothing to do: everything selected is applied
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    --- exit 0 ---
    "#);
}

#[test]
fn an_older_version_that_was_merged_late_needs_consent() {
    let (project, database) = three();
    project.write(&path("V15__late"), "create table late (id int);\n");
    project.write(&path("V16__later"), "create table later (id int);\n");
    let output = apply(&project, &database).exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[out-of-order]: 2 pending migrations older than what phase core has applied
      detail     pending: V15__late, V16__later; newest applied: V30
      hint       give them newer versions, or run them late after reading them against today's schema
      next       evmig --database-url URL apply --out-of-order
    --- exit 5 ---
    "#);
    assert_eq!(database.value("select to_regclass('late') is null"), "t");
    let output = Evmig::new(&project, "apply --out-of-order")
        .on(&database)
        .run()
        .succeeds();
    insta::assert_snapshot!(output.snapshot(), @r#"
    Applied 2 migrations, 2 statements, in $T
      run        $RUN
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 2 migrations, 2 statements
    Phase 1  Core
      V15__late                                                         1 statement  $T
      V16__later                                                        1 statement  $T
    --- exit 0 ---
    "#);
}

#[test]
fn files_with_nothing_in_them_are_recorded() {
    let database = database();
    let project = Project::one_phase()
        .migration("V1__empty", "")
        .migration("V2__comment", "-- nothing yet\n\n/* still nothing */ ;;\n");
    let output = Evmig::new(&project, "apply -v")
        .on(&database)
        .run()
        .succeeds();
    insta::assert_snapshot!(output.snapshot(), @r#"
    Applied 2 migrations, 0 statements, in $T
      run        $RUN
    --- stderr ---
    warning[empty-migration]: migrations/1_core/1_tables/V1__empty.sql: the file has no statement;
      applying it only records it
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 2 migrations, 0 statements
    Phase 1  Core
      V1__empty                                                         0 statements  $T
      V2__comment                                                       0 statements  $T
    --- exit 0 ---
    "#);
    assert_eq!(database.value("select count(*) from evmig.migration"), "2");
}

#[test]
fn a_phase_that_requires_another_is_not_begun_before_it() {
    let database = database();
    let project = Project::new(
        "[project]\nname = \"test\"\n[[phase]]\nnumber = 1\nname = \"core\"\n[[phase.step]]\nname = \"t\"\nmigrations = \"1\"\n\
         [[phase]]\nnumber = 2\nname = \"logic\"\nrequires = [\"core\"]\nenvironments = [\"local\", \"staging\"]\n[[phase.step]]\nname = \"f\"\nmigrations = \"2\"\n\
         [environments.local]\nurl = \"embedded\"\n[environments.staging]\nurl_env = \"PROD\"\n[environments.production]\nurl_env = \"PROD\"\n",
    )
    .file("migrations/1/V1__a.sql", "create table a (id int);\n")
    .file("migrations/2/V2__b.sql", "create table b (id int);\n");
    let output = Evmig::new(&project, "apply --phase logic")
        .on(&database)
        .run()
        .exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[wrong-environment]: phase logic may not run without a named environment
      hint       phases.toml allows it in: local, staging
    --- exit 5 ---
    "#);
    let output = Evmig::new(&project, "apply --phase logic --env production")
        .knowing(&database)
        .env("PROD", database.url())
        .run()
        .exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            environment production, named by flag --env
    error[wrong-environment]: phase logic may not run in environment production
      hint       phases.toml allows it in: local, staging
    --- exit 5 ---
    "#);
    let output = Evmig::new(&project, "apply --phase logic --env staging")
        .knowing(&database)
        .env("PROD", database.url())
        .run()
        .exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            environment staging, named by flag --env
    error[requires-pending]: phase logic requires phase core, of which 1 migration is not applied
      detail     pending in core: V1__a
      next       evmig --env staging apply --phase logic --phase core
    --- exit 5 ---
    "#);
    assert_eq!(
        database.value("select count(*) from pg_namespace where nspname = 'evmig'"),
        "0"
    );
}

#[test]
fn a_history_that_was_dropped_is_not_taken_for_a_new_database() {
    let (project, database) = three();
    database.execute("drop schema evmig cascade");
    let output = apply(&project, &database).exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[objects-present]: the history is empty, but "people" of V10__people exists already
      hint       if the schema is what the migrations make, record them as applied; if it is not, this
                 is the wrong database
      next       evmig --database-url URL baseline --reason '…'
    --- exit 5 ---
    "#);
    assert_eq!(
        database.value("select count(*) from pg_namespace where nspname = 'evmig'"),
        "0"
    );
    // The command that it names mends it.
    Evmig::new(&project, "baseline --reason lost")
        .on(&database)
        .run()
        .succeeds();
    apply(&project, &database).succeeds();
}

#[test]
fn a_history_of_a_later_evmig_or_of_another_tool_is_left_alone() {
    let (project, database) = three();
    database.execute("update evmig.meta set format = 999");
    let output = apply(&project, &database).exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[history-newer]: the history in schema "evmig" has format 999; this evmig knows 3
      hint       a later evmig has worked here; use that one
    --- exit 5 ---
    "#);
    let foreign = "drop schema if exists evmig cascade; create schema evmig; create table evmig.meta (id int)";
    database.execute(foreign);
    let output = apply(&project, &database).exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[rights]: could not read the history's format: permission denied for schema evmig
      sqlstate   42501 (insufficient_privilege)
      hint       connect as the role that owns the history schema, or let it grant its rights: grant
                 <owner> to "$OWNER"
    --- exit 5 ---
    "#);
    database.execute("drop schema evmig cascade");
    database.session().execute(foreign);
    let output = apply(&project, &database).exits(5);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[history-format]: the history in schema "evmig" has no valid format number
      hint       another tool may own this schema: choose another one with history_schema in phases.toml
    --- exit 5 ---
    "#);
    assert_eq!(
        database.lines("select relname from pg_class where relnamespace = 'evmig'::regnamespace"),
        ["meta"]
    );
}
