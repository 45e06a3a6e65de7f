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
      proof      the catalog is what it was before
      next       evmig status
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    To roll back: 2 migrations, 2 statements, in one transaction
      V3__places                                                    core                   1 statement
      V2__pets                                                      core                   1 statement
      script     the file in rollback/; as it was stored when the migration was applied
      loses      no row
                 and 2 tables without a row
    Run $RUN: 2 migrations, 2 statements
      V3__places                                                        1 statement $T
      V2__pets                                                          1 statement $T
    --- exit 0 ---
    ");
}

/// A table with a trigger in each state, written to by the down script of a migration.
fn guarded() -> (Project, &'static str) {
    let setup = "create table orders (id int primary key, n int);\n\
        create table lines (id int primary key, order_id int references orders);\n\
        insert into orders select g, g from generate_series(1, 5) g;\n\
        insert into lines select g, g from generate_series(1, 5) g;\n\
        create function refuse() returns trigger language plpgsql as \
        $$ begin raise exception 'a trigger fired'; end $$;\n\
        create trigger o before update or delete on orders for each row execute function refuse();\n\
        create trigger d before update on orders for each row execute function refuse();\n\
        create trigger r before update on orders for each row execute function refuse();\n\
        create trigger a before update or delete on orders for each row execute function refuse();\n\
        alter table orders disable trigger d;\n\
        alter table orders enable replica trigger r;\n\
        alter table orders enable always trigger a;\n";
    let project = Project::one_phase()
        .migration("V1__orders", setup)
        .rollback(
            "V1__orders",
            "drop table lines, orders;\ndrop function refuse();\n",
        )
        .migration("V2__double", "select 1;\n")
        .rollback("V2__double", "update orders set n = n / 2;\n");
    let states = "select string_agg(tgname || tgenabled::text, ' ' order by tgname) from pg_trigger \
                  where tgrelid = 'orders'::regclass and not tgisinternal";
    (project, states)
}

#[test]
fn the_triggers_of_written_tables_are_off_meanwhile_and_have_their_own_state_again() {
    let (project, states) = guarded();
    let database = database();
    evmig(&project, &database, "apply").succeeds();
    assert_eq!(database.value(states), "aA dD oO rR");
    let output = evmig(&project, &database, "rollback --last 1 --format json").succeeds();
    assert_eq!(reverted(&output), ["V2"]);
    let document = output.json();
    let triggers = &document["triggers"];
    assert_eq!(
        triggers.to_string(),
        r#"["public.orders.a","public.orders.o","public.orders.r"]"#
    );
    assert_eq!(document["keys_proved"], 1);
    assert_eq!(database.value(states), "aA dD oO rR");
    assert_eq!(database.value("select sum(n) from orders"), "6");
}

#[test]
fn a_script_that_leaves_an_orphan_behind_changes_nothing() {
    let (project, states) = guarded();
    let project = project
        .migration("V3__fewer", "select 1;\n")
        .rollback("V3__fewer", "delete from orders where id = 3;\n");
    let database = Server::shared(17, Shape::Plain).database(Shape::Plain, Role::Superuser);
    evmig(&project, &database, "apply").succeeds();
    let words = "rollback --last 1 --system-triggers --format json";
    let output = evmig(&project, &database, words).exits(1);
    let error = &output.json()["error"];
    assert_eq!(error["code"], "foreign-key-violated");
    let detail = error["detail"].as_str().expect("a text");
    assert!(detail.contains("lines_order_id_fkey"), "{detail}");
    assert_eq!(database.value("select count(*) from orders"), "5");
    assert_eq!(database.value(states), "aA dD oO rR");
    let applied = "select count(*) from evmig.migration where action = 'rollback'";
    assert_eq!(database.value(applied), "0");
}

#[test]
fn tables_that_the_manifest_names_are_bracketed_though_no_script_names_them() {
    let (project, states) = guarded();
    let manifest = project.read("phases.toml");
    project.write(
        "phases.toml",
        format!("{manifest}\n[rollback]\ntables = [\"orders\", \"public.nothing_yet\"]\n"),
    );
    let project = project.migration("V3__hidden", "select 1;\n").rollback(
        "V3__hidden",
        "do $$ begin execute 'update orders set n = 0'; end $$;\n",
    );
    let database = database();
    evmig(&project, &database, "apply").succeeds();
    evmig(&project, &database, "rollback --last 1").succeeds();
    assert_eq!(database.value("select sum(n) from orders"), "0");
    assert_eq!(database.value(states), "aA dD oO rR");
}

#[test]
fn a_script_that_fails_in_the_middle_changes_nothing() {
    let project = three().rollback(
        "V2__pets",
        "insert into people values (1);\ndrop table pets;\ndrop table no_such_table;\n",
    );
    let database = database();
    evmig(&project, &database, "apply").succeeds();
    let output = evmig(&project, &database, "rollback").exits(1);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    To roll back: 3 migrations, 5 statements, in one transaction
      V3__places                                                    core                   1 statement
      V2__pets                                                      core                  3 statements
      V1__people                                                    core                   1 statement
      script     the file in rollback/; as it was stored when the migration was applied
      loses      no row
                 and 3 tables without a row
    Run $RUN: 3 migrations, 5 statements
    error[sql-failed]: the rollback of V2__pets failed at statement 3 of 3: table "no_such_table" does
      not exist
     --> rollback/1_core/1_tables/V2__pets.sql:3:12
      |
    3 | drop table no_such_table;
      |            ^
      sqlstate   42P01 (undefined_table)
      committed  nothing; the database is as it was
      next       edit rollback/1_core/1_tables/V2__pets.sql
                 evmig --database-url URL rollback --from-files
    --- exit 1 ---
    "#);
    assert_eq!(tables(&database), ["people", "pets", "places"]);
    assert_eq!(database.value("select count(*) from people"), "0");
}

#[test]
fn a_script_that_does_not_lead_back_is_rolled_back_with_what_differs() {
    let project = three().rollback("V3__places", "alter table places rename to places_old;\n");
    let database = database();
    evmig(&project, &database, "apply").succeeds();
    let output = evmig(&project, &database, "rollback --last 1").exits(1);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    To roll back: 1 migration, 1 statement, in one transaction
      V3__places                                                    core                   1 statement
      script     the file in rollback/; as it was stored when the migration was applied
      loses      no row
    Run $RUN: 1 migration, 1 statement
    error[not-led-back]: the rollback scripts do not lead back to what was there before
      detail     from what was there to what they leave:
                 @@ -0,0 +1,4 @@
                 +CREATE TABLE public.places_old (
                 +    id integer
                 +);
                 +ALTER TABLE public.places_old OWNER TO $OWNER;
      hint       mend the scripts and run them with --from-files, or take the difference with
                 --accept-differences
      committed  nothing; the database is as it was
      next       evmig --database-url URL rollback --last 1 --from-files
                 evmig --database-url URL rollback --last 1 --accept-differences
    --- exit 1 ---
    ");
    assert_eq!(tables(&database), ["people", "pets", "places"]);
    let words = "rollback --last 1 --accept-differences --format json";
    let output = evmig(&project, &database, words).succeeds();
    assert_eq!(output.json()["proof"]["proven"], "differs");
    assert_eq!(tables(&database), ["people", "pets", "places_old"]);
}

#[test]
fn what_somebody_else_has_changed_is_not_held_against_it() {
    let (project, database) = (three(), database());
    evmig(&project, &database, "apply").succeeds();
    database.execute("alter table people add column note text; create table mine ()");
    let output = evmig(&project, &database, "rollback --last 1").succeeds();
    insta::assert_snapshot!(output.snapshot(), @r"
    Rolled back 1 migration, 1 statement, in $T
      run        $RUN
      locks      held for $T at most
      proof      the catalog is what it was before, but for 2 objects that something else than evmig has
                 changed
      next       evmig status
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    To roll back: 1 migration, 1 statement, in one transaction
      V3__places                                                    core                   1 statement
      script     the file in rollback/; as it was stored when the migration was applied
      loses      no row
                 and 1 table without a row
    Run $RUN: 1 migration, 1 statement
    warning[drift]: the catalog was changed by something else than evmig since the last run
      detail     added table public.mine
                 added column public.people.note
      hint       what that changed is left as it is, and is not held against the rollback
      V3__places                                                        1 statement  $T
    --- exit 0 ---
    ");
    assert_eq!(tables(&database), ["mine", "people", "pets"]);
}

#[test]
fn a_dry_run_does_all_of_it_and_changes_nothing() {
    let (project, states) = guarded();
    let database = database();
    evmig(&project, &database, "apply").succeeds();
    let history = "select count(*) from evmig.run";
    let runs = database.value(history);
    let output = evmig(&project, &database, "rollback --dry-run").succeeds();
    insta::assert_snapshot!(output.snapshot(), @r"
    To roll back: 2 migrations, 3 statements, in one transaction
      V2__double                                                    core                   1 statement
      V1__orders                                                    core                  2 statements
      script     the file in rollback/; as it was stored when the migration was applied
      loses      10 rows of 2 tables, as they are now
                 public.lines  5 rows dropped
                 public.orders  5 rows dropped
    Dry run: all of it ran in a transaction, which was rolled back; nothing has changed
      locks      held for $T at most
      triggers   3 triggers off meanwhile, each that is left in its own state again; 0 foreign keys
                 proved
      proof      the catalog is what it was before
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    --- exit 0 ---
    ");
    assert_eq!(database.value(history), runs);
    assert_eq!(database.value(states), "aA dD oO rR");
    assert_eq!(database.value("select sum(n) from orders"), "15");
    let failing = project.rollback("V2__double", "update orders set m = n / 2;\n");
    let output = evmig(&failing, &database, "rollback --dry-run --from-files").exits(1);
    assert!(output.stderr.contains("42703"), "{}", output.stderr);
    assert_eq!(database.value(history), runs);
}

#[test]
fn the_rows_that_will_be_destroyed_are_told_and_can_be_kept() {
    let (project, database) = (three(), database());
    evmig(&project, &database, "apply").succeeds();
    database.execute("insert into pets select generate_series(1, 7)");
    let output = evmig(&project, &database, "rollback --last 2 --keep-data").succeeds();
    let run = database.value("select id from evmig.run where command = 'rollback'");
    let output = output.replacing(run, "$ROLLBACK");
    insta::assert_snapshot!(output.snapshot(), @r"
    Rolled back 2 migrations, 2 statements, in $T
      run        $ROLLBACK
      locks      held for $T at most
      proof      the catalog is what it was before
      kept       7 rows of public.pets: evmig kept restore $ROLLBACK_1_pets
      next       evmig status
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    To roll back: 2 migrations, 2 statements, in one transaction
      V3__places                                                    core                   1 statement
      V2__pets                                                      core                   1 statement
      script     the file in rollback/; as it was stored when the migration was applied
      loses      7 rows of 1 table, as they are now
                 public.pets  7 rows dropped
                 and 1 table without a row
    Run $ROLLBACK: 2 migrations, 2 statements
      V3__places                                                        1 statement  $T
      V2__pets                                                          1 statement  $T
    --- exit 0 ---
    ");
    let copy = database.value("select relname from pg_class where relnamespace = 'evmig_kept'::regnamespace and relkind = 'r'");
    assert_eq!(
        database.value(&format!("select count(*) from evmig_kept.\"{copy}\"")),
        "7"
    );
    evmig(&project, &database, "apply").succeeds();
    evmig(&project, &database, &format!("kept restore {copy}")).succeeds();
    assert_eq!(database.value("select count(*) from pets"), "7");
    // The copies are no difference that a later rollback would have made.
    let output = evmig(&project, &database, "rollback --last 1 --format json").succeeds();
    assert_eq!(output.json()["proof"]["proven"], "yes");
}
