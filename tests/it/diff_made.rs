//! `evmig diff` with a dump or the migrations as a side: made in a throw-away database, and told where it cannot be.

use std::process::{Command, Stdio};

use super::harness::{Database, Evmig, Project, Role, Server, Session, Shape, tools};

fn scene() -> (Project, Database) {
    let project = Project::one_phase().migration(
        "V1__shop",
        "create table product (id bigint primary key, name text not null, price numeric(12, 2));\n\
         insert into product values (1, 'a', 1), (2, 'b', 2);\n\
         create view cheap as select id, name from product where price < 10;\n\
         create materialized view dear as select id from product where price > 100;\n\
         comment on view cheap is 'below 10';\n",
    );
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner);
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    (project, database)
}

/// A comparison whose throw-away databases are on a shared server.
fn compares(project: &Project, words: &str) -> Evmig {
    let shadow = Server::shared(15, Shape::Plain).admin("postgres");
    Evmig::new(project, &format!("diff {words}"))
        .env("EVMIG_SHADOW_URL", shadow.url())
        .env("EVMIG_PG_BIN", "/usr/lib/postgresql/15/bin")
}

fn dump(database: &Database, project: &Project, arguments: &[&str], to: &str) {
    let output = Command::new(tools::program("pg_dump"))
        .args(arguments)
        .arg("--file")
        .arg(project.path(to))
        .envs(database.admin().variables())
        .stdin(Stdio::null())
        .output()
        .expect("pg_dump");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_dump_in_each_format_equals_the_database_that_it_is_of() {
    let (project, database) = scene();
    dump(&database, &project, &["--schema-only"], "plain.sql");
    dump(&database, &project, &[], "rows.sql");
    dump(&database, &project, &["--format=custom"], "custom.dump");
    dump(&database, &project, &["--format=directory"], "folder");
    for (path, has_rows) in [
        ("plain.sql", false),
        ("rows.sql", true),
        ("custom.dump", true),
        ("./folder", true),
    ] {
        let words = format!("{path} --exit-code --format json");
        let document = compares(&project, &words)
            .on(&database)
            .run()
            .succeeds()
            .json();
        assert_eq!(document["identical"], true, "{document}");
        assert_eq!(document["complete"], true);
        assert_eq!(document["before"]["from"], "dump");
        assert_eq!(document["before"]["path"], path);
        let codes: Vec<&str> = document["notes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|note| note["code"].as_str().unwrap())
            .collect();
        let wanted: &[&str] = if has_rows { &["dump-rows"] } else { &[] };
        assert_eq!(codes, wanted, "{path}");
    }
    database.execute("alter table product add note text; drop view cheap");
    let output = compares(&project, "plain.sql live --exit-code")
        .on(&database)
        .run()
        .exits(4);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- dump plain.sql, on PostgreSQL 15.x
    +++ database $DATABASE on 127.0.0.1:$PORT

    removed view public.cheap
      @@ -1,7 +0,0 @@
      -CREATE VIEW public.cheap AS
      - SELECT product.id,
      -    product.name
      -   FROM public.product
      -  WHERE (product.price < (10)::numeric);
      -ALTER VIEW public.cheap OWNER TO $OWNER;
      -COMMENT ON VIEW public.cheap IS 'below 10';

    added   column public.product.note
      @@ -0,0 +1 @@
      +note text

    2 differences: 1 added, 1 removed
    --- stderr ---
    --- exit 4 ---
    ");
    // Two dumps need neither a project nor a database.
    let elsewhere = Project::empty();
    elsewhere.write("one.sql", project.read("plain.sql"));
    dump(
        &database,
        &elsewhere,
        &["--format=custom", "--schema-only"],
        "two.dump",
    );
    let document = compares(&elsewhere, "one.sql two.dump --format json")
        .run()
        .succeeds()
        .json();
    let changes = document["changes"].as_array().unwrap();
    let objects: Vec<&str> = changes
        .iter()
        .map(|change| change["object"].as_str().unwrap())
        .collect();
    assert_eq!(objects, ["view public.cheap", "column public.product.note"]);
}

#[test]
fn what_the_server_does_not_take_of_a_dump_is_told_and_nothing_is_called_identical() {
    let project = Project::empty();
    let whole = "create table t (a int);\nalter table t owner to \"Diff Nobody\";\n\
                 grant select on t to diff_someone;\n";
    let more = "create extension nowhere_to_be_had;\n\
                create view v as\n  select gone from t;\n\
                create role diff_left_behind;\n\
                comment on role pg_monitor is 'left behind';\n\
                select pg_reload_conf();\n";
    project.write("one.sql", format!("{whole}{more}"));
    project.write("two.sql", whole);
    // Quiet: whether other tests are waited for on their server is not told.
    let output = compares(&project, "one.sql two.sql --exit-code --quiet")
        .run()
        .exits(4);
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- dump one.sql, on PostgreSQL 15.x
    +++ dump two.sql, on PostgreSQL 15.x

    warning[dump-incomplete]: 5 statements of one.sql did not run
     --> one.sql:4:18
      |
    4 | create extension nowhere_to_be_had;
      |                  ^
      sqlstate   0A000 (feature_not_supported)
      detail     line 4: 0A000: extension "nowhere_to_be_had" is not available
                 line 6: 42703: column "gone" does not exist
                 line 7: not tried: it changes what all databases of a server share
                 line 8: not tried: it changes what all databases of a server share
                 line 9: not tried: it changes what all databases of a server share
      hint       what they make is missing from the comparison; an extension has to be installed where
                 the throw-away databases are, or name a server that has it with --shadow-url

    No difference, as far as both could be made
    --- stderr ---
    --- exit 4 ---
    "#);
    let document = compares(&project, "one.sql two.sql --format json")
        .run()
        .succeeds()
        .json();
    assert_eq!(document["identical"], false);
    assert_eq!(document["complete"], false);
    assert_eq!(document["changes"], serde_json::json!([]));
    let note = &document["notes"][0];
    assert_eq!(note["code"], "dump-incomplete");
    assert_eq!(note["file"], "one.sql");
    assert_eq!(note["line"], 4);
    assert_eq!(note["sqlstate"], "0A000");
    let detail = note["detail"].as_str().unwrap();
    assert!(detail.contains("\nline 6: 42703: "), "{detail}");
    assert!(
        detail.contains("\nline 7: not tried: it changes what all databases"),
        "{detail}"
    );
    // The roles that it names were there for a moment.
    let whole = compares(&project, "two.sql two.sql --format json").run();
    assert_eq!(whole.succeeds().json()["identical"], true);
    let left = "select count(*) from pg_roles where rolname in ('Diff Nobody', 'diff_someone', 'diff_left_behind')";
    let (_, database) = scene();
    assert_eq!(database.value(left), "0");
}

#[test]
fn the_migrations_are_compared_as_if_they_had_run_there() {
    let (project, database) = scene();
    let same = compares(&project, "migrations --exit-code")
        .on(&database)
        .run()
        .succeeds();
    assert!(same.stdout.contains("\nNo difference\n"), "{}", same.stdout);
    assert!(
        same.stdout.starts_with("--- 1 migration of "),
        "{}",
        same.stdout
    );
    // Refinery's own table is no file's work.
    database.execute("create table refinery_schema_history (version int4 primary key)");
    let same = compares(&project, "migrations --exit-code");
    same.on(&database).run().succeeds();
    database.execute("drop table refinery_schema_history");
    project.write(
        "migrations/1_core/1_tables/V2__more.sql",
        "alter table product add note text;\n",
    );
    database.execute("create index by_hand on product (name)");
    let output = compares(&project, "live migrations --exit-code")
        .on(&database)
        .run()
        .exits(4);
    for told in [
        "removed index by_hand on public.product\n",
        "added   column public.product.note\n",
        "\n2 differences: 1 added, 1 removed\n",
    ] {
        assert!(output.stdout.contains(told), "{}", output.stdout);
    }
    Evmig::new(&project, "snapshot --out live.json")
        .on(&database)
        .run()
        .succeeds();
    let output = compares(&project, "live.json migrations --exit-code --format json")
        .run()
        .exits(4);
    assert_eq!(output.json()["changes"].as_array().unwrap().len(), 2);
    // What is protected is not written to, whichever way its server is named.
    let manifest = project.read("phases.toml");
    let protected = "[environments.production]\nurl_env = \"PRODUCTION\"\nprotected = true\n";
    project.write("phases.toml", format!("{manifest}\n{protected}"));
    let production = |words: &str| {
        compares(
            &project,
            &format!("migrations production --exit-code {words}"),
        )
        .env("PRODUCTION", database.url())
        .env("EVMIG_SHADOW_URL", database.admin().url())
    };
    let createdb = format!("alter role {} createdb", database.user);
    Session::connect(&database.admin()).execute(&createdb);
    for (shadow, code, told) in [
        ("", "shadow-not-on-target", "--shadow target"),
        ("--shadow target", "protected", "--yes"),
    ] {
        let output = production(shadow).run().exits(5);
        for part in [code, told] {
            assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
        }
        production(&format!("{shadow} --yes")).run().exits(4);
    }
    project.write("phases.toml", manifest);
    project.write(
        "migrations/1_core/1_tables/V3__bad.sql",
        "create table ok ();\nselect no_such_column;\n",
    );
    let output = compares(&project, "migrations --format json")
        .on(&database)
        .run()
        .exits(1);
    let error = &output.json()["error"];
    assert_eq!(error["sqlstate"], "42703");
    assert_eq!(error["file"], "migrations/1_core/1_tables/V3__bad.sql");
    assert_eq!(error["line"], 2);
}

#[test]
fn a_file_that_is_no_dump_is_refused_with_its_place() {
    let project = Project::empty();
    project.write("binary.sql", b"create table t ();\n\xff\xfe\n");
    project.write("psql.sql", "create table t ();\n\\connect shop\n");
    project.write("empty.sql", "-- nothing\n");
    project.write("broken.dump", "PGDMP and then nothing of an archive");
    for (words, code, exit, told) in [
        ("gone.sql", "no-dump", 2, "gone.sql"),
        ("binary.sql", "bad-dump", 2, "line 2 is not UTF-8"),
        ("psql.sql", "bad-dump", 2, "psql.sql line 2: "),
        ("empty.sql", "bad-dump", 2, "no statement"),
        ("broken.dump", "bad-dump", 2, "pg_restore 15"),
        ("--shadow target psql.sql", "bad-dump", 2, "line 2"),
        (
            "--shadow target one.sql",
            "shadow-no-target",
            2,
            "neither side",
        ),
    ] {
        project.write("one.sql", "create table t ();\n");
        let words_typed = format!("{words} one.sql --format json");
        let output = compares(&project, &words_typed).run().exits(exit);
        let error = &output.json()["error"];
        assert_eq!(error["code"], code, "{words}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(told), "{words}: {message}");
    }
    let output = compares(&project, "broken.dump one.sql --format json")
        .env("EVMIG_PG_BIN", project.root())
        .run()
        .exits(5);
    assert_eq!(output.json()["error"]["code"], "client-missing");
    project.write("one.json", "{}");
    let output = compares(
        &project,
        "one.json one.json --shadow embedded --format json",
    )
    .run()
    .exits(2);
    assert_eq!(output.json()["error"]["code"], "shadow-not-used");
    for flag in ["--wait 1s", "--yes"] {
        let output = compares(&project, &format!("one.json one.json {flag} --format json"));
        let output = output.run().exits(2);
        assert_eq!(output.json()["error"]["code"], "shadow-not-used", "{flag}");
    }
    let output = compares(&project, "one.sql one.sql --wait soon --format json");
    assert_eq!(
        output.run().exits(2).json()["error"]["code"],
        "bad-duration"
    );
}
