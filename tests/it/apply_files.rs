//! What may stand in a migration file, and what must not reach from one file, or from the role's
//! own settings, into another.

use std::time::Duration;

use super::harness::{Database, Evmig, Holder, Output, Project, Role, Server, Shape};

fn database() -> Database {
    Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner)
}

fn superuser() -> Database {
    Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Superuser)
}

fn apply(project: &Project, database: &Database) -> Output {
    Evmig::new(project, "apply").on(database).run()
}

/// Applies, finds nothing to do after it, and verifies the history.
#[track_caller]
fn applies(project: &Project, database: &Database) -> Output {
    let output = apply(project, database).succeeds();
    let second = Evmig::new(project, "apply --format json")
        .on(database)
        .run()
        .succeeds();
    assert_eq!(second.json()["outcome"], "nothing_to_do");
    Evmig::new(project, "history --verify")
        .on(database)
        .run()
        .succeeds();
    output
}

#[track_caller]
fn error_code(output: Output, exit: i32) -> String {
    let document = output.exits(exit).json();
    let error = document["error"]["code"].as_str();
    error.expect("an error with a code").to_owned()
}

fn failing(project: &Project, database: &Database) -> Output {
    Evmig::new(project, "apply --format json")
        .on(database)
        .run()
}

#[test]
fn a_file_that_is_one_transaction_runs_as_the_migrations_own() {
    let database = database();
    let project = Project::one_phase()
        .migration(
            "V1__wrapped",
            "-- as psql ran it\nBEGIN ISOLATION LEVEL REPEATABLE READ;\n\
             create table seen (isolation text, xid xid8);\n\
             insert into seen values (current_setting('transaction_isolation'), \
             pg_current_xact_id());\nCOMMIT;\n",
        )
        .migration(
            "V2__after",
            "insert into seen values (current_setting('transaction_isolation'), \
             pg_current_xact_id());\n",
        );
    applies(&project, &database);
    assert_eq!(
        database.lines("select isolation from seen order by xid"),
        ["repeatable read", "read committed"]
    );
    // The row of the history was written by the file's own transaction.
    assert_eq!(
        database.value("select s.xid::xid = m.xmin from seen s, evmig.migration m where m.version = 1 order by s.xid limit 1"),
        "t"
    );
}

/// `SET TRANSACTION` must stand before any query, evmig's own among them.
#[test]
fn a_file_may_choose_its_isolation_level() {
    let database = database();
    let body = "set transaction isolation level serializable;\n\
                insert into seen values (current_setting('transaction_isolation'));\n";
    let project = Project::one_phase()
        .migration("V1__seen", "create table seen (isolation text);\n")
        .migration("V2__plain", body)
        .migration("V3__wrapped", &format!("begin;\n{body}commit;\n"));
    applies(&project, &database);
    assert_eq!(
        database.lines("select isolation from seen"),
        ["serializable", "serializable"]
    );
}

/// A prepared statement outlives a rollback.
#[test]
fn a_file_that_prepares_a_statement_can_be_tried_again() {
    let database = database();
    database.session().execute("create table people (id int)");
    let project = Project::one_phase().migration(
        "V1__people",
        "prepare one as select 1;\nalter table people add column name text;\n",
    );
    let holder = Holder::reader(&database, "people", Duration::from_mins(1));
    let run = Evmig::new(&project, "apply --lock-timeout 50ms --lock-retries 1000")
        .on(&database)
        .spawn();
    run.wait_for("try", Duration::from_mins(1));
    holder.release();
    run.finish(Duration::from_mins(1)).succeeds();
}

#[test]
fn tables_are_analyzed_whatever_role_the_last_file_left() {
    let database = superuser();
    database.execute("create role helper_of_analyze");
    let project = Project::one_phase().migration(
        "V1__people",
        "create table public.people (id int);\ninsert into public.people values (1);\n\
         set search_path = nowhere;\nset role helper_of_analyze;\n",
    );
    let manifest = project.read("phases.toml");
    project.write(
        "phases.toml",
        format!("{manifest}\n[[phase.step]]\nname = \"statistics\"\nanalyze = [\"people\"]\n"),
    );
    applies(&project, &database);
    assert_eq!(
        database.value("select count(*) from pg_stats where tablename = 'people'"),
        "1"
    );
}

#[test]
fn a_wrapped_file_that_fails_leaves_nothing() {
    let database = database();
    let project = Project::one_phase().migration(
        "V1__wrapped",
        "begin;\ncreate table t (id int);\nselect 1 / 0;\ncommit;\n",
    );
    let output = apply(&project, &database).exits(1);
    assert!(output.stderr.contains(":3:"), "{}", output.stderr);
    assert_eq!(database.value("select to_regclass('t')"), "NULL");
    assert_eq!(database.value("select count(*) from evmig.migration"), "0");
}

#[test]
fn transaction_control_that_the_text_hides_is_found_by_the_server() {
    let database = database();
    let hidden =
        "create table t (id int);\ndo $$ begin commit; end $$;\ncreate table u (id int);\n";
    let project = Project::one_phase().migration("V1__hidden", hidden);
    failing(&project, &database).exits(2);
    assert_eq!(
        database.lines("select relname from pg_class where relname in ('t', 'u')"),
        [""; 0]
    );
    assert_eq!(database.value("select count(*) from evmig.migration"), "0");

    // The same is what no-transaction is for.
    let project = project.migration("V1__hidden", &format!("-- evmig: no-transaction\n{hidden}"));
    applies(&project, &database);
    assert_eq!(
        database.lines("select relname from pg_class where relname in ('t', 'u') order by 1"),
        ["t", "u"]
    );
}

#[test]
fn a_procedure_that_commits_runs_in_a_file_without_a_transaction() {
    let database = database();
    let project = Project::one_phase().migration(
        "V1__batches",
        "-- evmig: no-transaction\ncreate table t (id int);\n\
         create procedure fill() language plpgsql as $$\nbegin\n  for n in 1..3 loop\n    \
         insert into t values (n);\n    commit;\n  end loop;\nend $$;\ncall fill();\n",
    );
    applies(&project, &database);
    assert_eq!(
        database.value("select count(distinct xmin::text) from t"),
        "3"
    );
    assert_eq!(
        database.lines("select position, state from evmig.statement order by seq"),
        ["0|done", "1|done", "2|intent", "2|done"]
    );
}

#[test]
fn a_file_that_stops_goes_on_at_its_statement() {
    let database = database();
    let text = |last: &str| {
        format!(
            "-- evmig: no-transaction\ncreate table t (id int);\ninsert into t values (1);\n{last}\n"
        )
    };
    let project = Project::one_phase().migration("V1__steps", &text("select 1 / 0;"));
    let output = apply(&project, &database).exits(3);
    assert!(
        output
            .stderr
            .contains("the first 2 statements of V1__steps"),
        "{}",
        output.stderr
    );
    let status = Evmig::new(&project, "status --format json")
        .on(&database)
        .run()
        .succeeds()
        .json();
    assert_eq!(status["phases"][0]["migrations"][0]["state"], "failed");
    // What ran may not be edited, what did not may.
    let edited = text("select 1;").replace("values (1)", "values (2)");
    let project = project.migration("V1__steps", &edited);
    assert_eq!(
        error_code(failing(&project, &database), 7),
        "edited-halfway"
    );
    let project = project.migration("V1__steps", &text("insert into t values (3);"));
    applies(&project, &database);
    assert_eq!(database.lines("select id from t order by 1"), ["1", "3"]);
}

#[test]
fn a_new_enum_value_is_used_in_the_same_file() {
    let database = database();
    let project = Project::one_phase()
        .migration(
            "V1__mood",
            "create type mood as enum ('sad');\ncreate table t (m mood);\n",
        )
        .migration(
            "V2__happy",
            "alter type mood add value 'happy';\ninsert into t values ('happy');\n",
        );
    applies(&project, &database);
    assert_eq!(database.value("select m from t"), "happy");
}

#[test]
fn data_of_copy_is_streamed() {
    let database = database();
    let project = Project::one_phase().migration(
        "V1__people",
        "create table people (id int, name text);\n\
         copy people (id, name) from stdin;\n1\tAda; it's\n2\t\\N\n3\t\\\\.\n\\.\n\
         copy people from stdin with (format csv);\n4,\"a\nb\"\n\\.\n\
         insert into people values (5, 'after');\n",
    );
    applies(&project, &database);
    assert_eq!(
        database.lines("select id, coalesce(name, 'nothing') from people order by id"),
        ["1|Ada; it's", "2|nothing", "3|\\.", "4|a\nb", "5|after"]
    );
}

#[test]
fn an_error_in_the_data_of_copy_names_the_statement() {
    let database = database();
    let project = Project::one_phase().migration(
        "V1__people",
        "create table people (id int);\n\ncopy people from stdin;\n1\nx\n\\.\n",
    );
    let document = failing(&project, &database).exits(1).json();
    assert_eq!(document["error"]["sqlstate"], "22P02");
    assert_eq!(document["error"]["line"], 3);
    assert_eq!(database.value("select to_regclass('people')"), "NULL");
}

#[test]
fn includes_are_part_of_the_file() {
    let database = database();
    let project = Project::one_phase()
        .file(
            "shared/people.sql",
            "create table people (id int);\n\\ir more.sql\n",
        )
        .file("shared/more.sql", "create table more (id int);\n")
        .migration(
            "V1__all",
            "create table first (id int);\n\\i shared/people.sql\ninsert into more values (1);\n",
        );
    applies(&project, &database);
    assert_eq!(database.value("select count(*) from first, more"), "0");
    assert_eq!(database.value("select count(*) from more"), "1");
    project.write("shared/more.sql", "create table more (id bigint);\n");
    assert_eq!(error_code(failing(&project, &database), 7), "divergent");
    project.write("shared/more.sql", "create table more (id int);\r\n");
    applies(&project, &database);
}

#[test]
fn an_error_in_an_included_file_names_it() {
    let database = database();
    let project = Project::one_phase()
        .file(
            "shared/people.sql",
            "-- two lines\ncreate tabel people ();\n",
        )
        .migration(
            "V1__all",
            "create table first (id int);\n\\i shared/people.sql\n",
        );
    let document = failing(&project, &database).exits(1).json();
    assert_eq!(document["error"]["file"], "shared/people.sql");
    assert_eq!(document["error"]["line"], 2);
    assert_eq!(document["error"]["column"], 8);
}

#[test]
fn byte_order_marks_line_endings_and_nothing_at_all() {
    let database = database();
    let project = Project::one_phase()
        .file(
            "migrations/1_core/1_tables/V1__bom.sql",
            "\u{FEFF}create table t (name text default 'ü');\r\n\
             create function f() returns text language sql as $$\r\n  select 'x'::text\r\n$$;\r\n",
        )
        .migration("V2__empty", "")
        .migration(
            "V3__comment",
            "-- nothing yet\n/* and /* nested */ */\n;;\n",
        )
        .migration("V4__dump", "\\restrict abc\nselect 1;\n\\unrestrict abc\n");
    applies(&project, &database);
    assert_eq!(
        database.lines("select version, statements from evmig.migration order by seq"),
        ["1|2", "2|0", "3|0", "4|1"]
    );
    let written = database.value("select prosrc from pg_proc where proname = 'f'");
    assert_eq!(
        written, "\r\n  select 'x'::text\r\n",
        "what is sent is what was read"
    );
}

/// Files are on their way together: one that fails in its very COMMIT must keep those behind it out.
#[test]
fn nothing_behind_a_commit_that_fails_is_applied() {
    let database = superuser();
    let project = Project::one_phase()
        .migration(
            "V1__trap",
            // A cursor that is to outlive its transaction is read at COMMIT, and cannot be.
            "create function public.trap() returns trigger language plpgsql as\n\
             $$ begin if new.key = '2' then execute 'declare sprung cursor with hold for \
             select 1 / (n - 3) from generate_series(1, 5) n'; end if; return null; end $$;\n\
             create trigger trap after insert on evmig.migration\n\
             for each row execute function public.trap();\n",
        )
        .migration("V2__caught", "create table public.second ();\n")
        .migration("V3__behind", "create table public.third ();\n");
    let output = Evmig::new(&project, "apply").on(&database).run().exits(3);
    assert!(
        output.stderr.contains("division by zero"),
        "{}",
        output.stderr
    );
    assert_eq!(
        database.lines("select key from evmig.migration order by seq"),
        ["1"]
    );
    assert_eq!(
        database.value("select count(*) from pg_class where relname in ('second', 'third')"),
        "0"
    );
}

/// What a run has prepared is dropped by a file whose text does not say so.
#[test]
fn a_file_that_drops_what_is_prepared_is_applied_once() {
    let database = superuser();
    database.execute("create table public.counter (migration int)");
    let hidden = "insert into public.counter values (1);\n\
                  do $$ begin execute 'deallo' || 'cate all'; end $$;\n";
    let project = Project::one_phase()
        .migration("V1__hidden", hidden)
        .migration("V2__plain", "insert into public.counter values (2);\n");
    applies(&project, &database);
    assert_eq!(
        database.lines("select migration from counter order by 1"),
        ["1", "2"]
    );
    assert_eq!(
        database.lines("select key from evmig.migration order by seq"),
        ["1", "2"]
    );
}

#[test]
fn what_a_file_sets_does_not_reach_the_next() {
    let database = superuser();
    database.execute(
        "create role helper_of_leaks; create schema other; grant all on schema other to helper_of_leaks;
         create table public.seen (migration int, setting text, value text); grant all on public.seen to public",
    );
    let look = |migration: u32| {
        format!(
            "insert into public.seen select {migration}, 'current_user', current_user;\n\
             insert into public.seen select {migration}, n, current_setting(n) from unnest(array[\
             'search_path', 'session_replication_role', 'statement_timeout', 'TimeZone', \
             'standard_conforming_strings', 'role', 'check_function_bodies', 'my.own']) n \
             where current_setting(n, true) is not null;\n\
             insert into public.seen select {migration}, 'temp', count(*)::text from pg_class \
             where relpersistence = 't' and relkind = 'r';\n\
             insert into public.seen select {migration}, 'prepared', count(*)::text \
             from pg_prepared_statements where name not like 'evmig%';\n"
        )
    };
    let leaks = "set search_path = other;\nset statement_timeout = '50s';\nset timezone = 'Asia/Kolkata';\n\
                 set session_replication_role = replica;\nset check_function_bodies = off;\n\
                 set my.own = 'mine';\n\
                 create temporary table left_over (id int);\nprepare left_over as select 1;\nlisten left_over;\n\
                 set role helper_of_leaks;\ncreate table made (id int);\n";
    let project = Project::one_phase()
        .migration("V1__look", &look(1))
        .migration("V2__leak", leaks)
        .migration("V3__look", &look(3))
        .migration(
            "V4__leak",
            &format!(
                "-- evmig: no-transaction\n{}",
                leaks.replace("table made", "table made_too")
            ),
        )
        .migration("V5__look", &look(5));
    applies(&project, &database);
    let seen = |migration: u32| {
        database.lines(&format!(
            "select setting, value from seen where migration = {migration} order by 1, 2"
        ))
    };
    let mut first = seen(1);
    // A setting that once was keeps its name, as the empty text.
    first.push("my.own|".to_owned());
    first.sort();
    assert!(first.contains(&"prepared|0".to_owned()), "{first:?}");
    assert_eq!(seen(3), first);
    assert_eq!(seen(5), first);
    assert_eq!(
        database.lines(
            "select relname, pg_get_userbyid(relowner), relnamespace::regnamespace from pg_class \
             where relname like 'made%' and relkind = 'r' order by 1"
        ),
        [
            "made|helper_of_leaks|other",
            "made_too|helper_of_leaks|other"
        ]
    );
}

/// faults.md B36, B37, B41: settings of the role or the database that would change what runs.
#[test]
fn settings_of_the_role_do_not_change_what_runs() {
    let database = database();
    let role = database.user.clone();
    for setting in [
        "statement_timeout = '250ms'",
        "lock_timeout = '1ms'",
        "idle_in_transaction_session_timeout = '20ms'",
        "idle_session_timeout = '200ms'",
        "standard_conforming_strings = off",
        "backslash_quote = on",
        "datestyle = 'SQL, DMY'",
        "intervalstyle = 'sql_standard'",
        "extra_float_digits = -5",
        "bytea_output = 'escape'",
        "client_encoding = 'LATIN1'",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_deferrable = on",
        "client_min_messages = 'error'",
        "row_security = off",
        "timezone = 'Asia/Kolkata'",
        "quote_all_identifiers = on",
        "transform_null_equals = on",
        "array_nulls = off",
        "plan_cache_mode = 'force_generic_plan'",
        "search_path = \"we ird\", public",
        "enable_seqscan = off",
    ] {
        database.execute(&format!("alter role {role} set {setting}"));
    }
    database.execute(&format!("create schema \"we ird\" authorization {role}"));
    let project = Project::one_phase()
        .migration(
            "V1__people",
            "create table people (id int, path text default 'a\\b', name text default 'ü€');\n\
             select pg_sleep(0.4);\ninsert into people (id) values (1);\n",
        )
        .migration(
            "V2__index",
            "create index concurrently on people (id);\nselect pg_sleep(0.4);\n",
        )
        .migration(
            "V3__look",
            "create table seen as select n, current_setting(n) from unnest(array[\
             'client_encoding', 'default_transaction_deferrable', 'idle_in_transaction_session_timeout', \
             'idle_session_timeout', 'lock_timeout', 'row_security', 'standard_conforming_strings', \
             'statement_timeout', 'transaction_isolation']) n;\n",
        );
    let output = applies(&project, &database);
    assert!(!output.stderr.contains("warning"), "{}", output.stderr);
    assert_eq!(
        database.lines("select path, name from \"we ird\".people"),
        ["a\\b|ü€"]
    );
    assert_eq!(
        database.lines("select * from \"we ird\".seen"),
        [
            "client_encoding|UTF8",
            "default_transaction_deferrable|off",
            "idle_in_transaction_session_timeout|0",
            "idle_session_timeout|0",
            "lock_timeout|2s",
            "row_security|on",
            "standard_conforming_strings|on",
            "statement_timeout|0",
            "transaction_isolation|read committed",
        ]
    );
    let status = Evmig::new(&project, "status --format json")
        .on(&database)
        .run()
        .succeeds()
        .json();
    let at = status["phases"][0]["migrations"][0]["applied_on"].as_str();
    let at = at.expect("a time").to_owned();
    assert!(at.ends_with('Z'), "{at}");
    let recent = format!("select now() - '{at}'::timestamptz between '-1 s' and '1 min'");
    assert_eq!(database.value(&recent), "t");
}

#[test]
fn a_role_that_becomes_another_owns_nothing_itself() {
    let database = database();
    let role = database.user.clone();
    let owner = format!("app_{role}");
    database.execute(&format!(
        "create role {owner}; grant {owner} to {role}; grant create on database {db} to {owner}; \
         grant create on schema public to {owner}; alter role {role} set role = '{owner}'",
        db = database.database
    ));
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int);\n")
        .migration(
            "V2__index",
            "create index concurrently on people (id);\ncreate table pets (id int);\n",
        )
        .migration("V3__more", "reset role;\nset role none;\nselect 1;\n")
        .migration("V4__places", "create table places (id int);\n");
    applies(&project, &database);
    assert_eq!(
        database.lines(
            "select distinct pg_get_userbyid(relowner) from pg_class where relkind = 'r' and \
             (relnamespace = 'evmig'::regnamespace or relname in ('people', 'pets', 'places'))"
        ),
        [owner]
    );
}

/// What stands before `pg_catalog` in the role's path would be used by a query without qualification.
#[test]
fn evmigs_own_queries_do_not_see_what_stands_in_the_roles_path() {
    let database = database();
    let role = database.user.clone();
    database.session().execute(
        "create schema evil;
         create function evil.boom() returns void language plpgsql as $$ begin raise exception 'hijacked'; end $$;
         create function evil.now() returns timestamptz language sql as $$ select evil.boom(); select null::timestamptz $$;
         create function evil.clock_timestamp() returns timestamptz language sql as $$ select evil.boom(); select null::timestamptz $$;
         create function evil.to_regclass(text) returns regclass language sql as $$ select evil.boom(); select null::regclass $$;
         create function evil.encode(bytea, text) returns text language sql as $$ select evil.boom(); select ''::text $$;
         create function evil.current_database() returns name language sql as $$ select evil.boom(); select 'x'::name $$;
         create function evil.equal(text, text) returns boolean language sql as $$ select evil.boom(); select true $$;
         create operator evil.= (leftarg = text, rightarg = text, function = evil.equal);
         create table evil.pg_class (); create table evil.pg_namespace (); create table evil.pg_locks ();
         create table evil.pg_stat_activity (); create table evil.pg_index ();",
    );
    database.execute(&format!(
        "alter role {role} set search_path = evil, pg_catalog, public"
    ));
    let project = Project::one_phase()
        .migration("V1__people", "create table public.people (id int);\n")
        .migration(
            "V2__index",
            "create index concurrently people_id on public.people (id);\n",
        );
    applies(&project, &database);
    Evmig::new(&project, "status --exit-code")
        .on(&database)
        .run()
        .succeeds();
}
