//! The levels of a dry run, and what it says where something is missing: a server, rights, the same major.

use super::harness::{Database, Evmig, Options, Project, Role, Server, Session, Shape, Target};

/// A file for the target as it is, and two that are pending: one per way of running.
fn project() -> Project {
    Project::one_phase()
        .migration(
            "V1__t",
            "create table t (id int primary key, a int); insert into t select n, n from generate_series(1, 20000) n;",
        )
        .migration(
            "V2__wide",
            "alter table t alter column a type bigint;\nalter table t add check (a > 0) not valid;",
        )
        .migration("V3__index", "create index concurrently t_a on t (a);")
        .migration("V4__do", "do $$ begin perform 1; end $$;")
}

fn begun(server: &std::sync::Arc<Server>, project: &Project) -> Database {
    let database = server.database(Shape::Plain, Role::Superuser);
    Evmig::new(project, "apply --to 1")
        .on(&database)
        .run()
        .succeeds();
    database.execute("analyze t");
    database
}

fn plan(project: &Project, args: &str, target: &Target, shadow: &Target) -> Evmig {
    Evmig::new(project, &format!("plan {args}"))
        .on(target)
        .env("EVMIG_SHADOW_URL", shadow.url())
}

#[test]
fn the_level_sql_prints_what_psql_can_run() {
    let server = Server::shared(15, Shape::Plain);
    let project = project();
    let database = begun(&server, &project);
    let output = Evmig::new(&project, "apply --dry-run=sql")
        .on(&database)
        .run()
        .succeeds();
    insta::assert_snapshot!(output.stdout, @r"
    -- V2__wide (migrations/1_core/1_tables/V2__wide.sql), one transaction
    alter table t alter column a type bigint;
    alter table t add check (a > 0) not valid;

    -- V3__index (migrations/1_core/1_tables/V3__index.sql), statement by statement
    create index concurrently t_a on t (a);

    -- V4__do (migrations/1_core/1_tables/V4__do.sql), one transaction
    do $$ begin perform 1; end $$;

    ");
}

#[test]
fn sizes_of_the_target_make_the_estimate_and_its_basis_is_told() {
    let server = Server::shared(15, Shape::Plain);
    let project = project();
    let database = begun(&server, &project);
    let report = plan(
        &project,
        "--format json",
        &database,
        &server.admin("postgres"),
    )
    .run()
    .succeeds()
    .json();
    let rewrite = &report["migrations"][0]["statements"][0];
    assert_eq!(rewrite["work"][0]["work"], "rewrite");
    assert_eq!(rewrite["work"][0]["rows"], 20000);
    let bytes = database.value("select pg_table_size('t') + pg_indexes_size('t')");
    assert_eq!(rewrite["work"][0]["bytes"].to_string(), bytes);
    assert_eq!(rewrite["estimate"]["basis"], "speed", "{rewrite}");
    // The second statement's lock is the first one's already, and is held to the end.
    assert_eq!(
        report["migrations"][0]["statements"][1]["locks"],
        serde_json::json!([])
    );
    let held = &report["migrations"][0]["locks"][0];
    assert_eq!(held["mode"], "ACCESS EXCLUSIVE");
    assert_eq!(held["blocks"], "reads_and_writes");
    let concurrent = &report["migrations"][1]["locks"][0];
    assert_eq!(concurrent["mode"], "SHARE UPDATE EXCLUSIVE");
    assert_eq!(concurrent["source"], "documented");
    assert_eq!(
        report["unproved"][0]["place"]["file"],
        "migrations/1_core/1_tables/V4__do.sql"
    );
}

#[test]
fn the_level_rollback_leaves_the_target_as_it_was() {
    let server = Server::shared(15, Shape::Plain);
    let project = project();
    let database = begun(&server, &project);
    let columns = "select string_agg(format_type(atttypid, -1), ',') from pg_attribute \
                   where attrelid = 't'::regclass and attnum > 0";
    let file = "select pg_relation_filenode('t')";
    let before = (database.value(columns), database.value(file));
    let report = Evmig::new(&project, "plan --level rollback --format json")
        .on(&database)
        .run()
        .succeeds()
        .json();
    assert_eq!((database.value(columns), database.value(file)), before);
    assert_eq!(report["forecast"], "would_apply");
    let wide = &report["migrations"][0];
    assert_eq!(wide["statements"][0]["estimate"]["basis"], "target");
    assert_eq!(wide["locks"][0]["mode"], "ACCESS EXCLUSIVE");
    assert_eq!(report["migrations"][1]["tried"], false);
    assert_eq!(report["migrations"][2]["tried"], true);
    assert_eq!(database.value("select count(*) from evmig.migration"), "1");
    // Who waits for a lock there gives up, and so does the dry run.
    let mut reader = database.session();
    reader.execute("begin; select * from t limit 1");
    let output = Evmig::new(&project, "plan --level rollback --lock-timeout 200ms")
        .on(&database)
        .run()
        .exits(1);
    assert!(output.stderr.contains("lock timeout"), "{}", output.stderr);
}

#[test]
fn a_role_that_may_only_read_is_enough() {
    let server = Server::shared(15, Shape::Plain);
    let project = project();
    let database = begun(&server, &project);
    let reader = database.database.replace("db_", "reader_");
    database.execute(&format!(
        "create role {reader} login password '{}'; grant usage on schema evmig to {reader}; \
         grant select on all tables in schema evmig to {reader}",
        database.password
    ));
    let shadow = server.admin("postgres");
    let target = database.as_user(&reader);
    let report = plan(&project, "--to 3 --format json", &target, &shadow)
        .run()
        .succeeds()
        .json();
    assert_eq!(report["forecast"], "would_apply");
    assert_eq!(report["before"]["proven"], true, "{}", report["before"]);
    assert_eq!(report["notes"][0]["code"], "runs-as-owner");
}

#[test]
fn a_history_that_may_not_be_read_is_named_with_the_grants() {
    let server = Server::shared(15, Shape::Plain);
    let project = project();
    let database = begun(&server, &project);
    let reader = database.database.replace("db_", "stranger_");
    database.execute(&format!(
        "create role {reader} login password '{}'",
        database.password
    ));
    let target = database.as_user(&reader);
    let output = plan(&project, "", &target, &server.admin("postgres"))
        .run()
        .exits(5);
    assert!(
        output.stderr.contains("history-unreadable"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("grant usage on schema \"evmig\" to"));
}

#[test]
fn without_a_server_it_says_what_to_install_and_what_still_works() {
    let server = Server::shared(15, Shape::Plain);
    let project = project();
    let database = begun(&server, &project);
    let output = Evmig::new(&project, "plan")
        .on(&database)
        .env("EVMIG_PG_BIN", "/nowhere")
        .run()
        .exits(5);
    for part in [
        "no-shadow-server",
        "EVMIG_PG_BIN is /nowhere",
        "--level rollback",
        "--shadow target",
        "--level sql",
        "--shadow-url",
    ] {
        assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
    }
    let unreachable = "postgresql://nobody@127.0.0.1:1/none";
    let output = Evmig::new(&project, "plan")
        .on(&database)
        .env("EVMIG_SHADOW_URL", unreachable)
        .run()
        .exits(5);
    assert!(
        output.stderr.contains("no-shadow-server"),
        "{}",
        output.stderr
    );
}

#[test]
fn the_embedded_server_is_started_and_of_another_major_said_so() {
    let server = Server::shared(14, Shape::Plain);
    let project = project();
    let database = begun(&server, &project);
    let output = Evmig::new(&project, "plan")
        .on(&database)
        .embedded(15)
        .run()
        .succeeds();
    assert!(output.stdout.contains("(embedded)"), "{}", output.stdout);
    assert!(
        output
            .stdout
            .contains("PostgreSQL 15, and the target on 14")
    );
}

#[test]
fn what_a_crashed_run_has_left_is_swept_and_nothing_else() {
    let server = Server::private(&Options::new(15));
    let project = project();
    let database = begun(&server, &project);
    let shadow = server.admin("postgres");
    let mut admin = Session::connect(&shadow);
    // A dry run that is killed while a statement runs.
    let slow = Project::one_phase()
        .migration("V1__t", "create table t (id int primary key, a int); insert into t select n, n from generate_series(1, 20000) n;")
        .migration("V2__slow", "select pg_sleep(30);");
    let killed = plan(&slow, "", &database, &shadow).spawn();
    let made = "select count(*) from pg_database where datname like 'evmig\\_shadow\\_%'";
    let begins = "select count(*) from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()";
    for _ in 0..200 {
        if admin.value(begins) == "1" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(admin.value(made), "1");
    // While it lives, another run leaves its database alone.
    plan(&project, "", &database, &shadow).run().succeeds();
    assert_eq!(admin.value(made), "1");
    killed.signal(nix::sys::signal::Signal::SIGKILL);
    drop(killed.finish(std::time::Duration::from_secs(10)));
    admin.execute("create database evmig_shadow_mine");
    admin.execute("create database evmig_shadow_12345678900_000000000000");
    for _ in 0..100 {
        if admin.value(
            "select count(*) from pg_stat_activity where application_name like 'evmig-shadow %'",
        ) == "0"
        {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    plan(&project, "", &database, &shadow).run().succeeds();
    assert_eq!(
        admin.lines(
            "select datname from pg_database where datname like 'evmig\\_shadow\\_%' order by 1"
        ),
        ["evmig_shadow_12345678900_000000000000", "evmig_shadow_mine"]
    );
}

#[test]
fn roles_of_the_targets_own_server_are_not_touched() {
    let server = Server::shared(15, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    let project =
        Project::one_phase().migration("V1__r", "create table t ();\ncreate role of_dry_run;");
    let shadow = server.admin("postgres");
    let output = plan(&project, "", &database, &shadow).run().exits(5);
    assert!(
        output.stderr.contains("shadow-shares-server"),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("line 2"), "{}", output.stderr);
    // On another server it is tried, and does not stay.
    let other = Server::private(&Options::new(15));
    let elsewhere = other.admin("postgres");
    plan(&project, "", &database, &elsewhere).run().succeeds();
    let there = "select count(*) from pg_roles where rolname = 'of_dry_run'";
    assert_eq!(Session::connect(&elsewhere).value(there), "0");
    assert_eq!(database.value(there), "0");
}

#[test]
fn a_contract_that_would_be_broken_is_a_finding() {
    let server = Server::shared(15, Shape::Plain);
    let project = project();
    let database = begun(&server, &project);
    let manifest = project.read("phases.toml");
    let contract = "\n[phase.contract]\nallow = [\"table\", \"index\", \"data\", \"code\"]\nmax_lock_hold = \"1ms\"\n";
    let manifest = manifest.replace("[[phase.step]]", &format!("{contract}\n[[phase.step]]"));
    project.write("phases.toml", manifest);
    let shadow = server.admin("postgres");
    let output = plan(&project, "--exit-code", &database, &shadow)
        .run()
        .exits(4);
    assert!(output.stdout.contains("lock-hold"), "{}", output.stdout);
    plan(&project, "", &database, &shadow).run().succeeds();
}

#[test]
fn what_changes_is_shown_as_definitions_in_every_format() {
    let server = Server::shared(15, Shape::Plain);
    let project = Project::one_phase()
        .migration("V1__t", "create table t (id int primary key, a int);")
        .migration(
            "V2__more",
            "alter table t alter column a type bigint;\n\
             create table side (id int, note text default '<b>');\n\
             create index side_id on side (id);",
        );
    let database = begun(&server, &project);
    let shadow = server.admin("postgres");
    let shown = |format: &str| {
        let args = format!("--format {format}");
        plan(&project, &args, &database, &shadow).run().succeeds()
    };
    let report = shown("json").json();
    let changes = report["changes"].as_array().unwrap();
    let of = |object: &str| {
        let mut changes = changes.iter();
        changes.find(|one| one["object"] == object).expect(object)
    };
    let column = of("column public.t.a");
    assert_eq!(column["diff"], "@@ -1 +1 @@\n-a integer\n+a bigint\n");
    assert_eq!(column["group"], "public.t");
    assert_eq!(column["properties"][0]["after"], "bigint");
    let table = of("table public.side");
    let definition =
        "+CREATE TABLE public.side (\n+    id integer,\n+    note text DEFAULT '<b>'::text\n+);\n";
    assert!(
        table["diff"].as_str().unwrap().contains(definition),
        "{table}"
    );
    assert_eq!(of("index side_id on public.side")["group"], "public.side");
    assert_eq!(
        changes.len(),
        3,
        "columns are told with their table: {changes:?}"
    );
    let human = shown("human").stdout;
    let told = "\n  + table public.side: 1 index\n    + CREATE TABLE public.side (\n    +     id integer,\n";
    assert!(human.contains(told), "{human}");
    let told = "\n  ~ column public.t.a: type\n    - a integer\n    + a bigint\n";
    assert!(human.contains(told), "{human}");
    let comment = shown("markdown").stdout;
    let told = "\n@@ changed column public.t.a: type @@\n-a integer\n+a bigint\n```\n";
    assert!(comment.contains(told), "{comment}");
    assert!(
        comment.contains("\n+    note text DEFAULT '<b>'::text\n"),
        "{comment}"
    );
    let page = shown("html").stdout;
    let told = "<span class=\"gone\">- a integer</span><span class=\"new\">+ a bigint</span>";
    assert!(page.contains(told), "{page}");
    assert!(
        page.contains("note text DEFAULT &#39;&lt;b&gt;&#39;::text</span>"),
        "{page}"
    );
}

#[test]
fn what_kept_its_oid_is_told_as_renamed_at_both_levels() {
    let server = Server::shared(15, Shape::Plain);
    let project = Project::one_phase()
        .migration(
            "V1__t",
            "create table t (id int primary key, a int, gone int);\n\
             create index t_a on t (a);\n\
             create table other (id int references t);\n\
             create function f(x int) returns int language sql return x;\n\
             create type mood as enum ('good');\n\
             create table again (id int);",
        )
        .migration(
            "V2__names",
            "alter table t rename to tickets;\n\
             alter table tickets rename a to amount;\n\
             alter table tickets alter amount set default 1;\n\
             alter index t_a rename to tickets_amount;\n\
             alter table tickets rename constraint t_pkey to tickets_pkey;\n\
             alter function f(int) rename to g;\n\
             alter type mood rename to feeling;\n\
             drop table again;\n\
             create table once_more (id int);",
        );
    let database = begun(&server, &project);
    let shadow = server.admin("postgres");
    let wanted = [
        "renamed enum public.feeling < enum public.mood []",
        "renamed function public.g(x integer) < function public.f(x integer) []",
        "removed table public.again",
        "added table public.once_more",
        "renamed table public.tickets < table public.t []",
        "renamed column public.tickets.amount < column public.t.a [default]",
        "changed constraint other_id_fkey on public.other [definition]",
        "renamed constraint tickets_pkey on public.tickets < constraint t_pkey on public.t []",
        "renamed index tickets_amount on public.tickets < index t_a on public.t [definition]",
    ];
    for level in ["shadow", "rollback --yes"] {
        let args = format!("--level {level} --format json");
        let report = plan(&project, &args, &database, &shadow)
            .run()
            .succeeds()
            .json();
        let changes = report["changes"].as_array().unwrap().iter();
        let told = changes.map(|change| {
            let text = |key: &str| change[key].as_str().unwrap_or_default();
            let names = change["properties"].as_array().unwrap().iter();
            let names: Vec<&str> = names.map(|one| one["property"].as_str().unwrap()).collect();
            let line = format!("{} {}", text("change"), text("object"));
            match text("change") {
                "renamed" => format!("{line} < {} [{}]", text("renamed_from"), names.join(" ")),
                "changed" => format!("{line} [{}]", names.join(" ")),
                _ => line,
            }
        });
        assert_eq!(told.collect::<Vec<_>>(), wanted, "{level}");
    }
    let human = plan(&project, "", &database, &shadow)
        .run()
        .succeeds()
        .stdout;
    let told = "  ~ column public.tickets.amount, which was column public.t.a: default\n    \
                - amount integer\n    + amount integer DEFAULT 1\n";
    assert!(human.contains(told), "{human}");
    assert!(
        human.contains("\n  ~ table public.tickets, which was table public.t\n"),
        "{human}"
    );
}

#[test]
fn a_file_that_drops_what_is_prepared_is_measured_like_any_other() {
    let server = Server::shared(15, Shape::Plain);
    let project = Project::one_phase()
        .migration("V1__t", "create table t (id int primary key, a int);")
        .migration(
            "V2__plain",
            "deallocate all;\nalter table t add column b int;\ncreate index on t (b);",
        )
        .migration(
            "V3__hidden",
            "do $$ begin execute 'deallocate ' || 'all'; end $$;\nalter table t add column c int;",
        );
    let database = begun(&server, &project);
    let report = plan(
        &project,
        "--format json",
        &database,
        &server.admin("postgres"),
    )
    .run()
    .succeeds()
    .json();
    let modes = |migration: usize, statement: usize| -> Vec<String> {
        let locks = &report["migrations"][migration]["statements"][statement]["locks"];
        let on_t = |lock: &&serde_json::Value| lock["relation"] == "public.t";
        let locks = locks.as_array().unwrap().iter().filter(on_t);
        locks
            .map(|lock| lock["mode"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(modes(0, 1), ["ACCESS EXCLUSIVE"]);
    assert_eq!(modes(1, 1), ["ACCESS EXCLUSIVE"]);
}
