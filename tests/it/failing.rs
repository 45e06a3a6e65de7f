//! B78: a migration that fails: what is shown, what remains, what the exit code says.
//!
//! The snapshots are whole outputs on purpose. They are what somebody reads at three in the
//! morning, and a change of one word of them is to be looked at.

use std::fmt::Write as _;

use super::harness::{Database, Evmig, Output, Project, Role, Server, Shape};

/// A database of its own, whose role owns it and is no superuser.
fn database() -> Database {
    Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner)
}

fn apply(project: &Project, database: &Database) -> Output {
    Evmig::new(project, "apply").on(database).run()
}

/// Applies one migration with this text, which must fail as the first of its run.
#[track_caller]
fn failure_of(sql: &str) -> String {
    let database = database();
    let project = Project::one_phase().migration("V1__broken", sql);
    let output = apply(&project, &database).exits(1);
    assert_nothing_remains(&database);
    output.snapshot()
}

/// Asserts that the catalog holds nothing but evmig's own schema and that no migration counts as
/// applied, and that the run is remembered as failed.
#[track_caller]
fn assert_nothing_remains(database: &Database) {
    assert_eq!(objects(database), [""; 0]);
    assert_eq!(database.value("select count(*) from evmig.migration"), "0");
    assert_eq!(
        database.value("select count(*) from evmig.refinery_schema_history"),
        "0"
    );
    assert_eq!(
        database.lines("select command, outcome from evmig.run"),
        ["apply|failed"]
    );
}

/// Everything outside evmig's schema that a migration may have left: relations, types, functions,
/// schemas.
fn objects(database: &Database) -> Vec<String> {
    database.lines(
        "with ours as (
             select oid from pg_namespace
             where nspname !~ '^pg_' and nspname not in ('information_schema', 'evmig'))
         select 'schema ' || nspname from pg_namespace join ours using (oid)
         where nspname <> 'public'
         union all
         select 'relation ' || relname from pg_class join ours on ours.oid = relnamespace
         where relkind <> 'i'
         union all
         select 'type ' || typname from pg_type join ours on ours.oid = typnamespace
         where typrelid = 0 and typelem = 0
         union all
         select 'function ' || proname from pg_proc join ours on ours.oid = pronamespace
         order by 1",
    )
}

/// Fifty statements; the 37th names a type that does not exist, after a tab and letters of two
/// and three bytes, on its fourth line.
fn fifty() -> String {
    let mut sql = "-- Fünfzig Anweisungen\n".to_owned();
    for n in 1..=50 {
        if n == 37 {
            sql.push_str(
                "create table t_37 (\n    id int primary key,\n    -- größer als sie aussieht\n\
                 \t\"größe_€\" centimetre not null,\n    note text\n);\n",
            );
        } else {
            writeln!(sql, "create table t_{n:02} (id int primary key);").expect("a String");
        }
    }
    sql
}

#[test]
fn the_37th_statement_of_50_in_the_first_migration() {
    let database = database();
    let project = Project::one_phase().migration("V1__fifty", &fifty());
    let output = apply(&project, &database).exits(1);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 50 statements
    Phase 1  Core
    error[sql-failed]: V1__fifty failed at statement 37 of 50: type "centimetre" does not exist
      --> migrations/1_core/1_tables/V1__fifty.sql:41:12
       |
    41 |     "größe_€" centimetre not null,
       |               ^
      sqlstate   42704 (undefined_object)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__fifty.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#);
    assert_nothing_remains(&database);
}

#[test]
fn the_37th_statement_of_50_after_two_migrations_are_committed() {
    let database = database();
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration("V2__places", "create table places (id int);\n")
        .migration("V3__fifty", &fifty());
    let output = apply(&project, &database).exits(3);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 3 migrations, 52 statements
    Phase 1  Core
      V1__people                                                        1 statement  $T
      V2__places                                                        1 statement  $T
    error[sql-failed]: V3__fifty failed at statement 37 of 50: type "centimetre" does not exist
      --> migrations/1_core/1_tables/V3__fifty.sql:41:12
       |
    41 |     "größe_€" centimetre not null,
       |               ^
      sqlstate   42704 (undefined_object)
      committed  V1__people and V2__places; nothing of V3__fifty
      next       edit migrations/1_core/1_tables/V3__fifty.sql
                 evmig --database-url URL apply
    --- exit 3 ---
    "#);
    assert_eq!(objects(&database), ["relation people", "relation places"]);
    assert_eq!(
        database.lines("select name, action from evmig.migration order by seq"),
        ["people|apply", "places|apply"]
    );
    assert_eq!(
        database.lines("select command, outcome from evmig.run"),
        ["apply|failed"]
    );
}

#[test]
fn the_same_as_json() {
    let database = database();
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration("V2__fifty", &fifty());
    let output = Evmig::new(&project, "apply --format json")
        .on(&database)
        .run()
        .exits(3);
    insta::assert_snapshot!(output.snapshot(), @r#"
    {
      "schema": "evmig.apply/1",
      "run": "$RUN",
      "outcome": "failed",
      "target": {
        "host": "127.0.0.1",
        "port": $PORT,
        "database": "$DATABASE",
        "user": "$OWNER",
        "named_by": "flag --database-url",
        "protected": false,
        "loopback": true,
        "embedded": false
      },
      "applied": [
        {
          "version": "1",
          "name": "people",
          "phase": "core",
          "step": "tables",
          "statements": 1,
          "retries": 0,
          "duration_ms": $T
        }
      ],
      "applied_by_other_runs": [],
      "pending": 1,
      "duration_ms": $T,
      "error": {
        "code": "sql-failed",
        "sqlstate": "42704",
        "file": "migrations/1_core/1_tables/V2__fifty.sql",
        "line": 41,
        "column": 12,
        "message": "V2__fifty failed at statement 37 of 50: type \"centimetre\" does not exist",
        "detail": null,
        "context": null,
        "hint": null,
        "committed": "V1__people; nothing of V2__fifty",
        "next": [
          "edit migrations/1_core/1_tables/V2__fifty.sql",
          "evmig --database-url URL apply"
        ]
      }
    }
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 2 migrations, 51 statements
    Phase 1  Core
      V1__people                                                        1 statement  $T
    error[sql-failed]: V2__fifty failed at statement 37 of 50: type "centimetre" does not exist
      --> migrations/1_core/1_tables/V2__fifty.sql:41:12
       |
    41 |     "größe_€" centimetre not null,
       |               ^
      sqlstate   42704 (undefined_object)
      committed  V1__people; nothing of V2__fifty
      next       edit migrations/1_core/1_tables/V2__fifty.sql
                 evmig --database-url URL apply
    --- exit 3 ---
    "#);
    let document = output.json();
    let error = &document["error"];
    assert_eq!(error["sqlstate"], "42704");
    assert_eq!(document["outcome"], "failed");
    assert_eq!(document["applied"][0]["version"], "1");
}

#[test]
fn the_run_goes_on_where_it_stopped_once_the_file_is_mended() {
    let database = database();
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration("V2__fifty", &fifty());
    apply(&project, &database).exits(3);
    project.write(
        "migrations/1_core/1_tables/V2__fifty.sql",
        fifty().replace("centimetre", "integer"),
    );
    let output = apply(&project, &database).succeeds();
    insta::assert_snapshot!(output.snapshot(), @r#"
    Applied 1 migration, 50 statements, in $T
      run        $RUN
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 50 statements
    Phase 1  Core
      V2__fifty                                                        50 statements  $T
    --- exit 0 ---
    "#);
    assert_eq!(
        database.lines("select outcome from evmig.run order by seq"),
        ["failed", "applied"]
    );
}

#[test]
fn the_caret_is_right_in_a_file_with_crlf_tabs_and_a_byte_order_mark() {
    insta::assert_snapshot!(
        failure_of("\u{FEFF}select 1;\r\n\tselect\t1,\r\n\t\t'ü', nonsense\r\n\tfrom pg_class;\r\n"),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 2 of 2: column "nonsense" does not exist
     --> migrations/1_core/1_tables/V1__broken.sql:3:8
      |
    3 |         'ü', nonsense
      |              ^
      sqlstate   42703 (undefined_column)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
}

#[test]
fn a_long_line_is_cut_around_the_caret() {
    let sql = format!(
        "select {}nonsense{};\n",
        "1, ".repeat(200),
        ", 2".repeat(200)
    );
    insta::assert_snapshot!(failure_of(&sql), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 1 statement
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 1 of 1: column "nonsense" does not exist
     --> migrations/1_core/1_tables/V1__broken.sql:1:608
      |
    1 | …, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, nonsense, 2, 2, 2, 2, 2, 2, 2, 2…
      |                                                                ^
      sqlstate   42703 (undefined_column)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#);
}

#[test]
fn a_statement_of_an_included_file_is_shown_in_that_file() {
    let database = database();
    let project = Project::one_phase()
        .migration(
            "V1__broken",
            "create table a (id int);\n\\ir ../../../parts/b.sql\ncreate table c (id int);\n",
        )
        .file(
            "parts/b.sql",
            "create table b (id int);\n\ninsert into b (identity) values (1);\n",
        );
    let output = apply(&project, &database).exits(1);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 4 statements
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 3 of 4: column "identity" of relation "b" does not
      exist
     --> parts/b.sql:3:16
      |
    3 | insert into b (identity) values (1);
      |                ^
      sqlstate   42703 (undefined_column)
      committed  nothing; the database is as it was
      next       edit parts/b.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#);
    assert_nothing_remains(&database);
}

#[test]
fn a_syntax_error() {
    insta::assert_snapshot!(failure_of("create tabel people (id int);\n"), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 1 statement
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 1 of 1: syntax error at or near "tabel"
     --> migrations/1_core/1_tables/V1__broken.sql:1:8
      |
    1 | create tabel people (id int);
      |        ^
      sqlstate   42601 (syntax_error)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#);
}

#[test]
fn a_syntax_error_at_the_end_of_the_statement() {
    insta::assert_snapshot!(failure_of("select 1;\ncreate table people\n  (id int,)\n;\n"), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 2 of 2: syntax error at or near ")"
     --> migrations/1_core/1_tables/V1__broken.sql:3:11
      |
    3 |   (id int,)
      |           ^
      sqlstate   42601 (syntax_error)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#);
    insta::assert_snapshot!(failure_of("create table people\n"), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 1 statement
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 1 of 1: syntax error at or near ";"
     --> migrations/1_core/1_tables/V1__broken.sql:1:20
      |
    1 | create table people
      |                    ^
      sqlstate   42601 (syntax_error)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#);
}

#[test]
fn an_error_without_a_position_points_at_what_it_names_or_at_its_statement() {
    insta::assert_snapshot!(
        failure_of("create table a (id int);\n\nalter table a\n  add foreign key (id) references b;\n"),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 2 of 2: relation "b" does not exist
     --> migrations/1_core/1_tables/V1__broken.sql:4:35
      |
    4 |   add foreign key (id) references b;
      |                                   ^
      sqlstate   42P01 (undefined_table)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
    insta::assert_snapshot!(
        failure_of("select 1;\n\nselect 1 /\n  (select 0);\n"),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 2 of 2: division by zero
     --> migrations/1_core/1_tables/V1__broken.sql:3:1
      |
    3 | select 1 /
      | ^^^^^^^^^^
      sqlstate   22012 (division_by_zero)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
}

#[test]
fn a_unique_violation_shows_the_key() {
    insta::assert_snapshot!(
        failure_of("create table a (id int primary key);\ninsert into a values (1), (2), (1);\n"),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 2 of 2: duplicate key value violates unique
      constraint "a_pkey"
     --> migrations/1_core/1_tables/V1__broken.sql:2:1
      |
    2 | insert into a values (1), (2), (1);
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      sqlstate   23505 (unique_violation)
      detail     Key (id)=(1) already exists.
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
}

#[test]
fn an_error_inside_a_function_shows_where() {
    insta::assert_snapshot!(
        failure_of(
            "create function half(n int) returns int language plpgsql as $$\nbegin\n  return n / 0;\nend\n$$;\n\
             do $body$\nbegin\n  perform half(4);\nend\n$body$;\n"
        ),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 2 of 2: division by zero
     --> migrations/1_core/1_tables/V1__broken.sql:6:1
      |
    6 | do $body$
      | ^^^^^^^^^
      sqlstate   22012 (division_by_zero)
      context    PL/pgSQL function half(integer) line 3 at RETURN
                 SQL statement "SELECT half(4)"
                 PL/pgSQL function inline_code_block line 3 at PERFORM
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
}

#[test]
fn a_function_with_a_broken_body_shows_the_line_in_the_body() {
    insta::assert_snapshot!(
        failure_of(
            "create function f() returns int language sql as $$\n  select 1;\n  select missing;\n$$;\n"
        ),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 1 statement
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 1 of 1: column "missing" does not exist
     --> migrations/1_core/1_tables/V1__broken.sql:3:10
      |
    3 |   select missing;
      |          ^
      sqlstate   42703 (undefined_column)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
    insta::assert_snapshot!(
        failure_of(
            "create function f() returns int language plpgsql as $$\nbegin\n  retrun 1;\nend\n$$;\n"
        ),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 1 statement
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 1 of 1: syntax error at or near "retrun"
     --> migrations/1_core/1_tables/V1__broken.sql:3:3
      |
    3 |   retrun 1;
      |   ^
      sqlstate   42601 (syntax_error)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
    insta::assert_snapshot!(
        failure_of("do $$\nbegin\n  perform missing();\nend\n$$;\n"),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 1 statement
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 1 of 1: function missing() does not exist
     --> migrations/1_core/1_tables/V1__broken.sql:1:1
      |
    1 | do $$
      | ^^^^^
      sqlstate   42883 (undefined_function)
      context    PL/pgSQL function inline_code_block line 3 at PERFORM
      hint       No function matches the given name and argument types. You might need to add explicit
                 type casts.
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
}

#[test]
fn a_deferred_constraint_fails_at_commit() {
    insta::assert_snapshot!(
        failure_of(
            "create table a (id int primary key);\n\
             create table b (a int references a deferrable initially deferred);\n\
             insert into b values (7);\n"
        ),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 3 statements
    Phase 1  Core
    error[commit-failed]: V1__broken failed at COMMIT, where deferred constraints and triggers are
      checked: insert or update on table "b" violates foreign key constraint "b_a_fkey"
      sqlstate   23503 (foreign_key_violation)
      detail     Key (a)=(7) is not present in table "a".
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
}

#[test]
fn a_deferred_trigger_fails_at_commit_also_in_a_file_that_wraps_itself() {
    insta::assert_snapshot!(
        failure_of(
            "begin;\ncreate table a (id int);\n\
             create function no() returns trigger language plpgsql as $$ begin raise exception 'not today' using hint = 'come back tomorrow'; end $$;\n\
             create constraint trigger no after insert on a deferrable initially deferred for each row execute function no();\n\
             insert into a values (1);\ncommit;\n"
        ),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 4 statements
    Phase 1  Core
    error[commit-failed]: V1__broken failed at COMMIT, where deferred constraints and triggers are
      checked: not today
      sqlstate   P0001 (raise_exception)
      context    PL/pgSQL function no() line 1 at RAISE
      hint       come back tomorrow
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
}

#[test]
fn a_line_of_copy_data_is_named() {
    insta::assert_snapshot!(
        failure_of("create table a (id int, name text);\ncopy a from stdin;\n1\tone\n2\ttwo\nthree\t3\n\\.\nselect 1;\n"),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 3 statements
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 2 of 3: invalid input syntax for type integer:
      "three"
     --> migrations/1_core/1_tables/V1__broken.sql:2:1
      |
    2 | copy a from stdin;
      | ^^^^^^^^^^^^^^^^^
      sqlstate   22P02 (invalid_text_representation)
      context    COPY a, line 3, column id: "three"
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
    insta::assert_snapshot!(
        failure_of("create table a (id int, name text);\ncopy a (id, name) from stdin with (format csv);\n1,one\n2\n\\.\n"),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
    error[sql-failed]: V1__broken failed at statement 2 of 2: missing data for column "name"
     --> migrations/1_core/1_tables/V1__broken.sql:2:13
      |
    2 | copy a (id, name) from stdin with (format csv);
      |             ^
      sqlstate   22P04 (bad_copy_file_format)
      context    COPY a, line 2: "2"
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
}

#[test]
fn what_the_server_says_along_the_way_is_shown() {
    insta::assert_snapshot!(
        failure_of(
            "drop table if exists never;\n\
             do $$ begin raise warning 'the ice is thin'; raise notice 'step %', 1; raise info 'still here'; end $$;\n\
             do $$ begin raise exception 'it broke' using errcode = 'P0042', detail = 'in two', hint = 'walk slower'; end $$;\n"
        ),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 3 statements
    Phase 1  Core
      NOTICE: V1__broken: table "never" does not exist, skipping
      WARNING: V1__broken: the ice is thin
      NOTICE: V1__broken: step 1
      INFO: V1__broken: still here
    error[sql-failed]: V1__broken failed at statement 3 of 3: it broke
     --> migrations/1_core/1_tables/V1__broken.sql:3:1
      |
    3 | do $$ begin raise exception 'it broke' using errcode = 'P0042', detail = 'in two', hint = 'wa…
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      sqlstate   P0042
      detail     in two
      context    PL/pgSQL function inline_code_block line 1 at RAISE
      hint       walk slower
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#
    );
}

#[test]
fn escape_sequences_from_the_server_are_not_sent_to_the_terminal() {
    let database = database();
    let project = Project::one_phase().migration(
        "V1__broken",
        "do $$ begin raise notice e'\\x1b]0;title\\x07 \\x1b[2J'; raise exception e'red \\x1b[31m alert'; end $$;\n",
    );
    let output = apply(&project, &database).exits(1);
    assert!(!output.stderr.contains('\u{1b}') && !output.stderr.contains('\u{7}'));
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 1 statement
    Phase 1  Core
      NOTICE: V1__broken: \x1b]0;title\x07 \x1b[2J
    error[sql-failed]: V1__broken failed at statement 1 of 1: red \x1b[31m alert
     --> migrations/1_core/1_tables/V1__broken.sql:1:1
      |
    1 | do $$ begin raise notice e'\x1b]0;title\x07 \x1b[2J'; raise exception e'red \x1b[31m alert'; …
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      sqlstate   P0001 (raise_exception)
      context    PL/pgSQL function inline_code_block line 1 at RAISE
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#);
}

#[test]
fn a_file_without_a_transaction_keeps_what_ran_and_says_how_much() {
    let database = database();
    let project = Project::one_phase().migration(
        "V1__steps",
        "-- evmig: no-transaction\ncreate table a (id int);\ncreate table b (id int);\n\
         create table a (id int);\ncreate table c (id int);\n",
    );
    let output = apply(&project, &database).exits(3);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 4 statements
    Phase 1  Core
    error[sql-failed]: V1__steps failed at statement 3 of 4: relation "a" already exists
     --> migrations/1_core/1_tables/V1__steps.sql:4:14
      |
    4 | create table a (id int);
      |              ^
      sqlstate   42P07 (duplicate_table)
      hint       apply goes on at statement 3; what is before it is committed, and must stay as it is in
                 the file
      committed  the first 2 statements of V1__steps
      next       edit migrations/1_core/1_tables/V1__steps.sql
                 evmig --database-url URL apply
    --- exit 3 ---
    "#);
    assert_eq!(objects(&database), ["relation a", "relation b"]);
    let status = Evmig::new(&project, "status").on(&database).run();
    insta::assert_snapshot!(status.snapshot(), @r#"
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Server  PostgreSQL 15.x

    Phase 1  Core  partial: 0 of 1 applied
      tables
        FAILED     V1__steps
                   2 statements are applied; statement 3 is next

    warning[failed]: a file stopped half way
      hint       apply goes on at the statement it stopped at
      next       evmig --database-url URL apply

    1 FAILED
    --- stderr ---
    --- exit 0 ---
    "#);
    project.write(
        "migrations/1_core/1_tables/V1__steps.sql",
        "-- evmig: no-transaction\ncreate table a (id int);\ncreate table b (id int);\n\
         create table d (id int);\ncreate table c (id int);\n",
    );
    let output = apply(&project, &database).succeeds();
    insta::assert_snapshot!(output.snapshot(), @r#"
    Applied 1 migration, 4 statements, in $T
      run        $RUN
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 4 statements
    Phase 1  Core
      V1__steps resumes at statement 3 of 4
      V1__steps                                                         4 statements  $T
    --- exit 0 ---
    "#);
    assert_eq!(
        objects(&database),
        ["relation a", "relation b", "relation c", "relation d"]
    );
}

#[test]
fn a_file_without_a_transaction_that_fails_at_once_leaves_nothing() {
    let database = database();
    let project = Project::one_phase().migration(
        "V1__steps",
        "-- evmig: no-transaction\ncreate table a (id nonsense);\ncreate table b (id int);\n",
    );
    let output = apply(&project, &database).exits(1);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
    error[sql-failed]: V1__steps failed at statement 1 of 2: type "nonsense" does not exist
     --> migrations/1_core/1_tables/V1__steps.sql:2:20
      |
    2 | create table a (id nonsense);
      |                    ^
      sqlstate   42704 (undefined_object)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__steps.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#);
    assert_eq!(objects(&database), [""; 0]);
}

#[test]
fn an_index_that_cannot_be_unique_is_told_with_its_remains() {
    let database = database();
    database
        .session()
        .execute("create table a (id int); insert into a values (1), (1)");
    let project = Project::one_phase().migration(
        "V1__unique",
        "create table b (id int);\ncreate unique index concurrently a_id on a (id);\n",
    );
    let output = apply(&project, &database).exits(3);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
      V1__unique: dropped the INVALID index public.a_id that an unfinished build left
    error[sql-failed]: V1__unique failed at statement 2 of 2: could not create unique index "a_id"
     --> migrations/1_core/1_tables/V1__unique.sql:2:34
      |
    2 | create unique index concurrently a_id on a (id);
      |                                  ^
      sqlstate   23505 (unique_violation)
      detail     Key (id)=(1) is duplicated.
      hint       apply goes on at statement 2; what is before it is committed, and must stay as it is in
                 the file
      committed  the first statement of V1__unique
      next       edit migrations/1_core/1_tables/V1__unique.sql
                 evmig --database-url URL apply
    --- exit 3 ---
    "#);
    assert_eq!(objects(&database), ["relation a", "relation b"]);
}

#[test]
fn the_next_command_repeats_the_flags_that_were_typed() {
    let database = database();
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration("V2__broken", "select nonsense;\n")
        .migration("V3__more", "select 1;\n");
    let output = Evmig::new(
        &project,
        "apply --phase core --step tables --to 2 --lock-timeout 500ms --out-of-order --wait 1s",
    )
    .on(&database)
    .run()
    .exits(3);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 2 migrations, 2 statements
    Phase 1  Core
      V1__people                                                        1 statement  $T
    error[sql-failed]: V2__broken failed at statement 1 of 1: column "nonsense" does not exist
     --> migrations/1_core/1_tables/V2__broken.sql:1:8
      |
    1 | select nonsense;
      |        ^
      sqlstate   42703 (undefined_column)
      committed  V1__people; nothing of V2__broken
      next       edit migrations/1_core/1_tables/V2__broken.sql
                 evmig --database-url URL apply --phase core --step tables --to 2 --out-of-order --lock-timeout $T
    --- exit 3 ---
    "#);
}

#[test]
fn at_80_columns_on_a_terminal() {
    let database = database();
    let project = Project::one_phase().migration("V1__fifty", &fifty());
    let output = Evmig::new(&project, "apply --color never")
        .on(&database)
        .terminal(80)
        .run()
        .exits(1);
    let widest = output.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?}\n{}", output.stdout);
}

/// B52: the text of the statement does not show it, so that only the server can tell.
#[test]
fn a_file_that_gives_up_the_lock_is_rolled_back() {
    insta::assert_snapshot!(
        failure_of(
            "create table a (id int);\ndo $$ begin execute 'select pg_advisory_' || 'unlock_all()'; end $$;\n"
        ),
        @"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
      WARNING: V1__broken: you don't own a lock of type ExclusiveLock
    error[lost-lock]: V1__broken was rolled back: its session did not hold the run's lock any more
      hint       something in the file released it (pg_advisory_unlock?); another run may have begun
      committed  nothing; the database is as it was
      next       evmig --database-url URL status
    --- exit 1 ---
    "
    );
}

#[test]
fn a_connection_that_ends_inside_a_migration_leaves_nothing_and_says_so() {
    let database = database();
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration(
            "V2__suicide",
            "create table a (id int);\nselect pg_terminate_backend(pg_backend_pid());\n",
        );
    let output = apply(&project, &database).exits(3);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 2 migrations, 3 statements
    Phase 1  Core
      V1__people                                                        1 statement  $T
      connection lost: terminating connection due to administrator command; reconnecting to find out
        what was committed
    error[connection-lost]: V2__suicide was not applied: the connection was lost
      sqlstate   57P01 (admin_shutdown)
      detail     terminating connection due to administrator command
      committed  V1__people; nothing of V2__suicide
      next       evmig --database-url URL apply
    --- exit 3 ---
    "#);
    assert_eq!(objects(&database), ["relation people"]);
}
