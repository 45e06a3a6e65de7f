//! B53, B71, B72, B74: what can be read from the statements is found before any of them runs: all
//! of it at once, exit 2, and nothing is written. What cannot be read is found by the server's
//! transaction status, and leaves nothing either.
#![allow(
    clippy::too_many_lines,
    reason = "a whole output in a test is as long as the output"
)]

use super::harness::project::ONE_PHASE;
use super::harness::{Database, Evmig, Output, Project, Role, Server, Shape};

fn database() -> Database {
    Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner)
}

fn apply(project: &Project, database: &Database) -> Output {
    Evmig::new(project, "apply").on(database).run()
}

/// Applies files that must be refused; the first one is good and must not run either.
#[track_caller]
fn refused(files: &[(&str, &str)]) -> String {
    let mut project = Project::one_phase().migration("V1__good", "create table good (id int);\n");
    for (name, sql) in files {
        project = project.migration(name, sql);
    }
    refused_in(&project)
}

#[track_caller]
fn refused_in(project: &Project) -> String {
    let database = database();
    let output = apply(project, &database).exits(2);
    assert_untouched(&database);
    output.snapshot()
}

#[track_caller]
fn assert_untouched(database: &Database) {
    assert_eq!(
        database.lines(
            "select nspname from pg_namespace
             where nspname !~ '^pg_' and nspname not in ('information_schema', 'public')
             union all select relname from pg_class where relnamespace = 'public'::regnamespace"
        ),
        [""; 0]
    );
}

#[test]
fn transaction_control_of_every_kind_in_one_run() {
    insta::assert_snapshot!(
        refused(&[
            ("V2__commit", "create table a (id int);\ncommit;\ncreate table b (id int);\n"),
            ("V3__left_open", "begin;\ncreate table c (id int);\n"),
            ("V4__rollback", "begin;\ncreate table d (id int);\nrollback;\n"),
            ("V5__nested", "begin;\n  start transaction;\ncommit;\ncommit;\n"),
            ("V6__before", "create table e (id int);\nbegin;\ncreate table f (id int);\ncommit;\n"),
            ("V7__after", "begin;\ncreate table g (id int);\ncommit;\n\ncreate table h (id int);\n"),
            ("V8__chain", "begin;\ncreate table i (id int);\ncommit and chain;\n"),
            ("V9__prepare", "begin;\ncreate table j (id int);\nprepare transaction 'x';\n"),
            (
                "V10__wrapped_without",
                "-- evmig: no-transaction\nbegin;\ncreate table k (id int);\ncommit;\n"
            ),
            (
                "V11__concurrently_inside",
                "begin;\ncreate index concurrently l_id on l (id);\ncommit;\n"
            ),
            ("V12__end", "end;\n"),
            ("V13__abort", "abort;\n"),
            ("V14__two", "begin;\nselect 1;\ncommit;\nbegin;\nselect 2;\ncommit;\n"),
        ]),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[transaction-control]: COMMIT without BEGIN would end the migration's own transaction
     --> migrations/1_core/1_tables/V2__commit.sql:2:1
      |
    2 | commit;
      | ^^^^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT

    error[transaction-control]: this transaction is left open: no COMMIT follows it
     --> migrations/1_core/1_tables/V3__left_open.sql:1:1
      |
    1 | begin;
      | ^^^^^
      hint       add COMMIT as the last statement, or take BEGIN out: evmig begins and commits each
                 migration itself

    error[transaction-control]: ROLLBACK would undo the migration and leave it recorded as applied
     --> migrations/1_core/1_tables/V4__rollback.sql:3:1
      |
    3 | rollback;
      | ^^^^^^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT

    error[transaction-control]: BEGIN inside a transaction: the server only warns, and the first COMMIT
      ends both
     --> migrations/1_core/1_tables/V5__nested.sql:2:3
      |
    2 |   start transaction;
      |   ^^^^^^^^^^^^^^^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT

    error[transaction-control]: this stands before BEGIN: a migration's transaction must span the whole
      file
     --> migrations/1_core/1_tables/V6__before.sql:1:1
      |
    1 | create table e (id int);
      | ^^^^^^^^^^^^^^^^^^^^^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT

    error[transaction-control]: this stands after COMMIT: a migration's transaction must span the whole
      file
     --> migrations/1_core/1_tables/V7__after.sql:5:1
      |
    5 | create table h (id int);
      | ^^^^^^^^^^^^^^^^^^^^^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT

    error[transaction-control]: COMMIT AND CHAIN opens another transaction that the file cannot close
     --> migrations/1_core/1_tables/V8__chain.sql:3:1
      |
    3 | commit and chain;
      | ^^^^^^^^^^^^^^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT

    error[transaction-control]: PREPARE TRANSACTION takes the migration out of its own transaction
     --> migrations/1_core/1_tables/V9__prepare.sql:3:1
      |
    3 | prepare transaction 'x';
      | ^^^^^^^^^^^^^^^^^^^^^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT

    error[transaction-control]: the file asks for no transaction, and wraps itself in one
     --> migrations/1_core/1_tables/V10__wrapped_without.sql:2:1
      |
    2 | begin;
      | ^^^^^
      hint       take out either the comment or BEGIN and COMMIT

    error[transaction-control]: CREATE INDEX CONCURRENTLY cannot run inside a transaction, but this file
      wraps itself in BEGIN and COMMIT
     --> migrations/1_core/1_tables/V11__concurrently_inside.sql:2:1
      |
    2 | create index concurrently l_id on l (id);
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       take BEGIN and COMMIT out: evmig then runs the file statement by statement, and
                 journals each

    error[transaction-control]: COMMIT without BEGIN would end the migration's own transaction
     --> migrations/1_core/1_tables/V12__end.sql:1:1
      |
    1 | end;
      | ^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT

    error[transaction-control]: ROLLBACK without BEGIN would end the migration's own transaction
     --> migrations/1_core/1_tables/V13__abort.sql:1:1
      |
    1 | abort;
      | ^^^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT

    error[transaction-control]: this stands after COMMIT: a migration's transaction must span the whole
      file
     --> migrations/1_core/1_tables/V14__two.sql:4:1
      |
    4 | begin;
      | ^^^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT

    13 errors; nothing was run
    --- exit 2 ---
    "#
    );
}

#[test]
fn savepoints_are_free_and_a_file_may_wrap_itself() {
    let database = database();
    let project = Project::one_phase()
        .migration(
            "V1__savepoint",
            "create table a (id int);\nsavepoint s;\ncreate table b (id int);\nrollback to savepoint s;\nrelease savepoint s;\n",
        )
        .migration(
            "V2__wrapped",
            "-- a file of another tool\nbegin isolation level serializable;\ncreate table c (id int);\nend;\n",
        );
    insta::assert_snapshot!(apply(&project, &database).succeeds().snapshot(), @r#"
    Applied 2 migrations, 6 statements, in $T
      run        $RUN
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 2 migrations, 6 statements
    Phase 1  Core
      V1__savepoint                                                     5 statements  $T
      V2__wrapped                                                       1 statement  $T
    --- exit 0 ---
    "#);
    assert_eq!(
        database.lines(
            "select relname from pg_class where relnamespace = 'public'::regnamespace order by 1"
        ),
        ["a", "c"]
    );
}

/// Runs one file whose transaction control only the server sees.
#[track_caller]
fn hidden(sql: &str) -> (Database, Output) {
    let database = database();
    let project = Project::one_phase().migration("V1__hidden", sql);
    let output = apply(&project, &database);
    (database, output)
}

#[track_caller]
fn assert_nothing_of_it(database: &Database) {
    assert_eq!(
        database.lines("select relname from pg_class where relnamespace = 'public'::regnamespace"),
        [""; 0]
    );
    assert_eq!(database.value("select count(*) from evmig.migration"), "0");
    assert_eq!(database.value("select outcome from evmig.run"), "failed");
}

#[test]
fn commit_inside_a_block_is_found_by_the_server() {
    let (database, output) = hidden(
        "create table a (id int);\ndo $$\nbegin\n  insert into a values (1);\n  commit;\nend\n$$;\ncreate table b (id int);\n",
    );
    insta::assert_snapshot!(output.exits(2).snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 3 statements
    Phase 1  Core
    error[transaction-control]: V1__hidden ends its own transaction, inside a block or a procedure
     --> migrations/1_core/1_tables/V1__hidden.sql:2:1
      |
    2 | do $$
      | ^^^^^
      hint       take COMMIT and ROLLBACK out, or put `-- evmig: no-transaction` on the first line to
                 run the file statement by statement
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__hidden.sql
                 evmig --database-url URL apply
    --- exit 2 ---
    "#);
    assert_nothing_of_it(&database);
}

#[test]
fn commit_inside_a_procedure_is_found_by_the_server() {
    let (database, output) = hidden(
        "create table a (id int);\n\
         create procedure p() language plpgsql as $$ begin rollback; end $$;\n\
         call p();\n",
    );
    insta::assert_snapshot!(output.exits(2).snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 3 statements
    Phase 1  Core
    error[transaction-control]: V1__hidden ends its own transaction, inside a block or a procedure
     --> migrations/1_core/1_tables/V1__hidden.sql:3:1
      |
    3 | call p();
      | ^^^^^^^^
      hint       take COMMIT and ROLLBACK out, or put `-- evmig: no-transaction` on the first line to
                 run the file statement by statement
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V1__hidden.sql
                 evmig --database-url URL apply
    --- exit 2 ---
    "#);
    assert_nothing_of_it(&database);
}

#[test]
fn commit_inside_a_block_is_free_where_there_is_no_transaction() {
    let (database, output) = hidden(
        "-- evmig: no-transaction\ncreate table a (id int);\n\
         do $$ begin for i in 1..3 loop insert into a values (i); commit; end loop; end $$;\n",
    );
    insta::assert_snapshot!(output.succeeds().snapshot(), @r#"
    Applied 1 migration, 2 statements, in $T
      run        $RUN
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
      V1__hidden                                                        2 statements  $T
    --- exit 0 ---
    "#);
    assert_eq!(database.value("select count(*) from a"), "3");
}

#[test]
fn psql_commands() {
    insta::assert_snapshot!(
        refused(&[
            ("V2__connect", "\\c other\ncreate table a (id int);\n"),
            ("V3__copy", "create table a (id int);\n\\copy a from 'a.csv' csv\n"),
            ("V4__gexec", "select 'drop table x'\n\\gexec\n"),
            ("V5__set", "\\set ON_ERROR_STOP on\nselect 1;\n"),
            ("V6__shell", "\\! rm -rf /\n"),
            ("V7__if", "\\if true\nselect 1;\n\\endif\n"),
            ("V8__echo", "  \\echo hello\nselect 1;\n"),
            ("V9__inside", "select 1 \\g\n"),
        ]),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[psql-command]: psql's \c is not supported: only \i, \ir, \restrict and \unrestrict are
     --> migrations/1_core/1_tables/V2__connect.sql:1:1
      |
    1 | \c other
      | ^^
      hint       a migration runs in one database: the one that evmig is pointed at

    error[psql-command]: psql's \copy is not supported: only \i, \ir, \restrict and \unrestrict are
     --> migrations/1_core/1_tables/V3__copy.sql:2:1
      |
    2 | \copy a from 'a.csv' csv
      | ^^^^^
      hint       COPY … FROM stdin takes its rows from the lines below it in the same file

    error[psql-command]: psql's \gexec stands inside a statement: is a `;` missing before it?
     --> migrations/1_core/1_tables/V4__gexec.sql:2:1
      |
    2 | \gexec
      | ^^^^^^
      hint       psql runs the statement with it; end the statement with `;` instead

    error[psql-command]: psql's \set is not supported: only \i, \ir, \restrict and \unrestrict are
     --> migrations/1_core/1_tables/V5__set.sql:1:1
      |
    1 | \set ON_ERROR_STOP on
      | ^^^^
      hint       a migration is the same text everywhere; a DO block can look before it acts

    error[psql-command]: psql's \! is not supported: only \i, \ir, \restrict and \unrestrict are
     --> migrations/1_core/1_tables/V6__shell.sql:1:1
      |
    1 | \! rm -rf /
      | ^^

    error[psql-command]: psql's \if is not supported: only \i, \ir, \restrict and \unrestrict are
     --> migrations/1_core/1_tables/V7__if.sql:1:1
      |
    1 | \if true
      | ^^^
      hint       a migration is the same text everywhere; a DO block can look before it acts

    error[psql-command]: psql's \echo is not supported: only \i, \ir, \restrict and \unrestrict are
     --> migrations/1_core/1_tables/V8__echo.sql:1:3
      |
    1 |   \echo hello
      |   ^^^^^
      hint       RAISE NOTICE in a DO block says something

    error[psql-command]: psql's \g stands inside a statement: is a `;` missing before it?
     --> migrations/1_core/1_tables/V9__inside.sql:1:10
      |
    1 | select 1 \g
      |          ^^
      hint       psql runs the statement with it; end the statement with `;` instead

    8 errors; nothing was run
    --- exit 2 ---
    "#
    );
}

#[test]
fn restrict_lines_of_pg_dump_are_passed_over() {
    let database = database();
    let project = Project::one_phase().migration(
        "V1__dump",
        "\\restrict abcDEF123\n\ncreate table a (id int);\n\n\\unrestrict abcDEF123\n",
    );
    apply(&project, &database).succeeds();
    assert_eq!(database.value("select count(*) from a"), "0");
}

#[test]
fn what_is_never_closed_shows_where_it_opened() {
    insta::assert_snapshot!(
        refused(&[
            ("V2__string", "select 1;\nselect 'it''s open;\nselect 2;\n"),
            ("V3__dollar", "create function f() returns int language sql as $body$\n  select 1;\n$$;\n"),
            ("V4__identifier", "select 1 as \"open;\n"),
            ("V5__comment", "select 1; /* outer /* inner */\nselect 2;\n"),
            ("V6__parenthesis", "create table a (\n  id int;\ncreate table b (id int);\n"),
            ("V7__copy", "create table a (id int);\ncopy a from stdin;\n1\n2\n"),
            ("V8__atomic", "create function f() returns int begin atomic select 1;\n"),
            ("V9__escape", "select E'it\\'s open;\n"),
        ]),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[sql-unclosed]: this string is never closed
     --> migrations/1_core/1_tables/V2__string.sql:2:8
      |
    2 | select 'it''s open;
      |        ^

    error[sql-unclosed]: this dollar quote is never closed: $body$ does not occur again
     --> migrations/1_core/1_tables/V3__dollar.sql:1:49
      |
    1 | create function f() returns int language sql as $body$
      |                                                 ^^^^^^

    error[sql-unclosed]: this quoted identifier is never closed
     --> migrations/1_core/1_tables/V4__identifier.sql:1:13
      |
    1 | select 1 as "open;
      |             ^

    error[sql-unclosed]: this comment is never closed (comments nest in PostgreSQL)
     --> migrations/1_core/1_tables/V5__comment.sql:1:11
      |
    1 | select 1; /* outer /* inner */
      |           ^^

    error[sql-unclosed]: this parenthesis is never closed
     --> migrations/1_core/1_tables/V6__parenthesis.sql:1:16
      |
    1 | create table a (
      |                ^

    error[sql-unclosed]: the data of this COPY has no `\.` line at its end
     --> migrations/1_core/1_tables/V7__copy.sql:2:1
      |
    2 | copy a from stdin;
      | ^^^^

    error[sql-unclosed]: this BEGIN ATOMIC body has no END after its last `;`
     --> migrations/1_core/1_tables/V8__atomic.sql:1:33
      |
    1 | create function f() returns int begin atomic select 1;
      |                                 ^^^^^

    error[sql-unclosed]: this string is never closed
     --> migrations/1_core/1_tables/V9__escape.sql:1:8
      |
    1 | select E'it\'s open;
      |        ^

    8 errors; nothing was run
    --- exit 2 ---
    "#
    );
}

fn with_contract() -> Project {
    Project::new(&format!(
        "{ONE_PHASE}\n[phase.contract]\nallow = [\"table\", \"sequence\"]\n"
    ))
}

#[test]
fn statements_outside_the_contract_of_their_phase() {
    let project = with_contract().migration(
        "V1__mixed",
        "create table a (id int);\n\
         create index a_id on a (id);\n\
         set lock_timeout = '1s';\n\
         comment on table a is 'fine';\n\
         grant select on a to public;\n\
         create function f() returns int language sql as 'select 1';\n\
         insert into a values (1);\n\
         drop view v;\n\
         do $$ begin perform 1; end $$;\n",
    );
    insta::assert_snapshot!(refused_in(&project), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[contract]: phase core may not touch index: its contract allows table, sequence
     --> migrations/1_core/1_tables/V1__mixed.sql:2:1
      |
    2 | create index a_id on a (id);
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       move it to a phase that allows it, or widen [phase.contract] allow

    error[contract]: phase core may not touch grant: its contract allows table, sequence
     --> migrations/1_core/1_tables/V1__mixed.sql:5:1
      |
    5 | grant select on a to public;
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       move it to a phase that allows it, or widen [phase.contract] allow

    error[contract]: phase core may not touch function: its contract allows table, sequence
     --> migrations/1_core/1_tables/V1__mixed.sql:6:1
      |
    6 | create function f() returns int language sql as 'select 1';
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       move it to a phase that allows it, or widen [phase.contract] allow

    error[contract]: phase core may not touch data: its contract allows table, sequence
     --> migrations/1_core/1_tables/V1__mixed.sql:7:1
      |
    7 | insert into a values (1);
      | ^^^^^^^^^^^^^^^^^^^^^^^^
      hint       move it to a phase that allows it, or widen [phase.contract] allow

    error[contract]: phase core may not touch view: its contract allows table, sequence
     --> migrations/1_core/1_tables/V1__mixed.sql:8:1
      |
    8 | drop view v;
      | ^^^^^^^^^^^
      hint       move it to a phase that allows it, or widen [phase.contract] allow

    error[contract]: phase core may not touch code: its contract allows table, sequence
     --> migrations/1_core/1_tables/V1__mixed.sql:9:1
      |
    9 | do $$ begin perform 1; end $$;
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       move it to a phase that allows it, or widen [phase.contract] allow

    6 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn directives_that_cannot_be_followed() {
    insta::assert_snapshot!(
        refused(&[
            ("V2__misspelt", "-- evmig: no-transactoin\nselect 1;\n"),
            ("V3__late", "select 1;\n-- evmig: no-transaction\nselect 2;\n"),
            ("V4__trailing", "-- evmig: no-transaction please\nselect 2;\n"),
            ("V5__empty", "-- evmig:\nselect 2;\n"),
            ("V6__unknown", "-- evmig: sudo\nselect 2;\n"),
        ]),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[unknown-directive]: there is no directive `no-transactoin`; did you mean `no-transaction`?
     --> migrations/1_core/1_tables/V2__misspelt.sql:1:11
      |
    1 | -- evmig: no-transactoin
      |           ^^^^^^^^^^^^^^
      hint       the directives are `no-transaction` and `allow`

    error[unknown-directive]: `no-transaction` must stand before the first statement of the file
     --> migrations/1_core/1_tables/V3__late.sql:2:11
      |
    2 | -- evmig: no-transaction
      |           ^^^^^^^^^^^^^^

    error[unknown-directive]: `no-transaction` takes nothing, but `please` follows it
     --> migrations/1_core/1_tables/V4__trailing.sql:1:26
      |
    1 | -- evmig: no-transaction please
      |                          ^^^^^^

    error[unknown-directive]: no directive follows the colon
     --> migrations/1_core/1_tables/V5__empty.sql:1:10
      |
    1 | -- evmig:
      |          ^
      hint       the directives are `no-transaction` and `allow`

    error[unknown-directive]: there is no directive `sudo`
     --> migrations/1_core/1_tables/V6__unknown.sql:1:11
      |
    1 | -- evmig: sudo
      |           ^^^^
      hint       the directives are `no-transaction` and `allow`

    5 errors; nothing was run
    --- exit 2 ---
    "#
    );
}

#[test]
fn names_that_the_server_would_cut() {
    let long = "a_name_that_is_rather_long_and_goes_on_until_it_is_too_long_for_it";
    insta::assert_snapshot!(
        refused(&[
            ("V2__plain", &format!("create table {long} (id int);\n")),
            ("V3__quoted", &format!("create table t (id int, \"{}\" int);\n", "ü".repeat(32))),
        ]),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[long-name]: this name has 66 bytes; the server would cut it to 63 without an error
     --> migrations/1_core/1_tables/V2__plain.sql:1:14
      |
    1 | create table a_name_that_is_rather_long_and_goes_on_until_it_is_too_long_for_it (id int);
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       shorten it: two long names that begin alike would become one

    error[long-name]: this name has 64 bytes; the server would cut it to 63 without an error
     --> migrations/1_core/1_tables/V3__quoted.sql:1:25
      |
    1 | create table t (id int, "üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü" int);
      |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       shorten it: two long names that begin alike would become one

    2 errors; nothing was run
    --- exit 2 ---
    "#
    );
    // 63 bytes are kept whole, and in a string no name is cut.
    let database = database();
    let project = Project::one_phase().migration(
        "V1__fits",
        &format!("create table {} (id int);\nselect '{long}';\n", &long[..63]),
    );
    apply(&project, &database).succeeds();
}

#[test]
fn statements_that_evmig_cannot_live_with() {
    insta::assert_snapshot!(
        refused(&[
            ("V2__unlock", "select 1;\nselect pg_advisory_unlock_all();\n"),
            ("V3__stdout", "create table a (id int);\ncopy a to stdout;\n"),
            ("V4__discard", "discard all;\n"),
        ]),
        @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[releases-lock]: this would release the lock that keeps other runs out
     --> migrations/1_core/1_tables/V2__unlock.sql:2:1
      |
    2 | select pg_advisory_unlock_all();
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       use pg_advisory_unlock with the lock's own key

    error[copy-to-stdout]: COPY TO stdout sends rows to a client that has no use for them
     --> migrations/1_core/1_tables/V3__stdout.sql:2:1
      |
    2 | copy a to stdout;
      | ^^^^^^^^^^^^^^^^
      hint       take it out; psql's \copy and pg_dump export rows

    error[releases-lock]: this would release the lock that keeps other runs out
     --> migrations/1_core/1_tables/V4__discard.sql:1:1
      |
    1 | discard all;
      | ^^^^^^^^^^^
      hint       use RESET ALL; evmig itself resets the session after each file

    3 errors; nothing was run
    --- exit 2 ---
    "#
    );
}

#[test]
fn includes_that_cannot_be_followed() {
    let project = Project::one_phase()
        .migration(
            "V1__missing",
            "select 1;\n\\i parts/misssing.sql\n\\ir beside.sql\n",
        )
        .migration(
            "V2__outside",
            "\\i ../../../../etc/passwd\n\\i /etc/passwd\n",
        )
        .migration("V3__circle", "\\i parts/one.sql\n")
        .migration("V4__nothing", "\\i\n")
        .file("parts/missing.sql", "select 1;\n")
        .file("parts/one.sql", "select 1;\n\\ir two.sql\n")
        .file("parts/two.sql", "select 2;\n\\ir one.sql\n");
    insta::assert_snapshot!(refused_in(&project), @r#"
    --- stderr ---
    error[path-missing]: file `parts/misssing.sql` does not exist
     --> migrations/1_core/1_tables/V1__missing.sql:2:1
      |
    2 | \i parts/misssing.sql
      | ^^^^^^^^^^^^^^^^^^^^^
      hint       did you mean `parts/missing.sql`?

    error[path-missing]: file `migrations/1_core/1_tables/beside.sql` does not exist
     --> migrations/1_core/1_tables/V1__missing.sql:3:1
      |
    3 | \ir beside.sql
      | ^^^^^^^^^^^^^^

    error[path-outside-project]: `../../../../etc/passwd` leaves the project
     --> migrations/1_core/1_tables/V2__outside.sql:1:1
      |
    1 | \i ../../../../etc/passwd
      | ^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       move or copy the file into the project and name it from there

    error[path-absolute]: `/etc/passwd` is an absolute path; paths are relative to the project
     --> migrations/1_core/1_tables/V2__outside.sql:2:1
      |
    2 | \i /etc/passwd
      | ^^^^^^^^^^^^^^
      hint       move or copy the file into the project and name it from there

    error[include-circle]: includes are nested more than 16 deep: do they include each other?
     --> parts/two.sql:2:1
      |
    2 | \ir one.sql
      | ^^^^^^^^^^^

    5 errors; nothing was run
    --- exit 2 ---
    "#);
}

#[test]
fn an_error_in_an_included_file_is_shown_in_that_file() {
    let project = Project::one_phase()
        .migration("V1__good", "select 1;\n\\i parts/bad.sql\n")
        .file("parts/bad.sql", "-- a part\nselect 1;\n  commit;\n");
    insta::assert_snapshot!(refused_in(&project), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[transaction-control]: COMMIT without BEGIN would end the migration's own transaction
     --> parts/bad.sql:3:3
      |
    3 |   commit;
      |   ^^^^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT
    --- exit 2 ---
    "#);
}

#[test]
fn a_file_that_is_applied_already_is_not_read_again_for_errors() {
    let database = database();
    let project = with_contract().migration("V1__people", "create table people (id int);\n");
    apply(&project, &database).succeeds();
    // What was allowed then is not any more.
    let manifest = project.read("phases.toml").replace("\"table\", ", "");
    project.write("phases.toml", manifest);
    let output = apply(&project, &database).succeeds();
    insta::assert_snapshot!(output.snapshot(), @r#"
    Nothing to do: everything selected is applied
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    --- exit 0 ---
    "#);
    let project = project.migration("V2__numbers", "create sequence numbers;\n");
    apply(&project, &database).succeeds();
}

#[test]
fn errors_of_phases_that_were_not_chosen_do_not_stand_in_the_way() {
    let database = database();
    let manifest = format!(
        "{ONE_PHASE}\n[[phase]]\nnumber = 2\nname = \"later\"\n[[phase.step]]\nname = \"x\"\nmigrations = \"2_later\"\n"
    );
    let project = Project::new(&manifest)
        .migration("V1__people", "create table people (id int);\n")
        .file("migrations/2_later/V2__bad.sql", "commit;\n");
    apply(&project, &database).exits(2);
    assert_untouched(&database);
    let output = Evmig::new(&project, "apply --phase core")
        .on(&database)
        .run()
        .succeeds();
    insta::assert_snapshot!(output.snapshot(), @r#"
    Applied 1 migration, 1 statement, in $T
      run        $RUN
      pending    1 migration
      next       evmig status
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 1 statement
    Phase 1  Core
      V1__people                                                        1 statement  $T
    --- exit 0 ---
    "#);
}

#[test]
fn the_same_as_json() {
    let database = database();
    let project = Project::one_phase()
        .migration("V1__commit", "commit;\n")
        .migration("V2__shell", "\\! ls\n");
    let output = Evmig::new(&project, "apply --format json")
        .on(&database)
        .run()
        .exits(2);
    insta::assert_snapshot!(output.snapshot(), @r#"
    {
      "schema": "evmig.apply/1",
      "run": null,
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
      "applied": [],
      "applied_by_other_runs": [],
      "pending": 0,
      "duration_ms": $T,
      "error": {
        "code": "transaction-control",
        "sqlstate": null,
        "file": "migrations/1_core/1_tables/V1__commit.sql",
        "line": 1,
        "column": 1,
        "message": "COMMIT without BEGIN would end the migration's own transaction",
        "detail": null,
        "context": null,
        "hint": "evmig begins and commits each migration itself: take this out, or put the whole file between one BEGIN and one COMMIT",
        "committed": null,
        "next": []
      },
      "errors": [
        {
          "code": "transaction-control",
          "sqlstate": null,
          "file": "migrations/1_core/1_tables/V1__commit.sql",
          "line": 1,
          "column": 1,
          "message": "COMMIT without BEGIN would end the migration's own transaction",
          "detail": null,
          "context": null,
          "hint": "evmig begins and commits each migration itself: take this out, or put the whole file between one BEGIN and one COMMIT",
          "committed": null,
          "next": []
        },
        {
          "code": "psql-command",
          "sqlstate": null,
          "file": "migrations/1_core/1_tables/V2__shell.sql",
          "line": 1,
          "column": 1,
          "message": "psql's \\! is not supported: only \\i, \\ir, \\restrict and \\unrestrict are",
          "detail": null,
          "context": null,
          "hint": null,
          "committed": null,
          "next": []
        }
      ]
    }
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[transaction-control]: COMMIT without BEGIN would end the migration's own transaction
     --> migrations/1_core/1_tables/V1__commit.sql:1:1
      |
    1 | commit;
      | ^^^^^^
      hint       evmig begins and commits each migration itself: take this out, or put the whole file
                 between one BEGIN and one COMMIT

    error[psql-command]: psql's \! is not supported: only \i, \ir, \restrict and \unrestrict are
     --> migrations/1_core/1_tables/V2__shell.sql:1:1
      |
    1 | \! ls
      | ^^

    2 errors; nothing was run
    --- exit 2 ---
    "#);
    assert_untouched(&database);
}

#[test]
fn files_that_the_splitter_must_not_misread_run_whole() {
    let database = database();
    let project = Project::one_phase().migration(
        "V1__tricky",
        "create function a() returns text language sql as $x$ select $$;$$ || ';' $x$;\n\
         select E'it\\'s; fine', 'it''s; fine', \"c;d\" from (values (1)) v(\"c;d\");\n\
         /* ; /* nested ; */ ; */ select 1; -- ; a comment\n\
         create function b() returns int begin atomic select 1; select case when true then 2 end; end;\n\
         create table t (a int, b text);\n\
         create rule r as on insert to t do also (select 1; select 2);\n\
         copy t from stdin;\n1\t;\n2\t'\n\\.\n\
         create view w as select U&'d\\0061t\\+000061;' as x;\n",
    );
    apply(&project, &database).succeeds();
    assert_eq!(database.value("select count(*) from t"), "2");
    assert_eq!(database.value("select b()"), "2");
    assert_eq!(database.value("select x from w"), "data;");
}

/// The file is wrong, but others of the run are committed: that is what the exit code says.
#[test]
fn commit_inside_a_block_after_a_migration_is_committed() {
    let database = database();
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration("V2__hidden", "do $$ begin commit; end $$;\n");
    let output = apply(&project, &database).exits(3);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 2 migrations, 2 statements
    Phase 1  Core
      V1__people                                                        1 statement  $T
    error[transaction-control]: V2__hidden ends its own transaction, inside a block or a procedure
     --> migrations/1_core/1_tables/V2__hidden.sql:1:1
      |
    1 | do $$ begin commit; end $$;
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^
      hint       take COMMIT and ROLLBACK out, or put `-- evmig: no-transaction` on the first line to
                 run the file statement by statement
      committed  V1__people; nothing of V2__hidden
      next       edit migrations/1_core/1_tables/V2__hidden.sql
                 evmig --database-url URL apply
    --- exit 3 ---
    "#);
}

#[test]
fn a_commit_that_the_text_does_not_show_is_found_by_the_guard() {
    // With the setting off, the server takes the string for finished at its second quote, and runs
    // what stands behind it; evmig, like psql, reads one statement.
    let (database, output) = hidden(
        "select set_config('standard_conforming_strings', 'off', true);\n\
         create table kept (id int);\n\
         select 'x\\'';commit;begin;select 1 --';\n\
         create table public.rolled_back (id int);\n",
    );
    insta::assert_snapshot!(output.exits(3).snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 4 statements
    Phase 1  Core
      WARNING: V1__hidden: nonstandard use of \' in a string literal
        hint: Use '' to write quotes in strings, or use the escape string syntax (E'...').
    error[transaction-escaped]: V1__hidden ended its own transaction while it ran, and is not recorded
      hint       it changes a setting that the server reads its text by (standard_conforming_strings?);
                 look what it left before it runs again
      committed  whatever V1__hidden committed itself; the rest is not
      next       evmig --database-url URL status
    --- exit 3 ---
    ");
    assert_eq!(
        database.lines("select relname from pg_class where relname in ('kept', 'rolled_back')"),
        ["kept"]
    );
    assert_eq!(
        database.value("select count(*)::text from evmig.migration"),
        "0"
    );
}
