//! `evmig diff` and `evmig snapshot`: what two schemas do not have in common, and what was changed by hand.

use serde_json::Value;

use super::harness::{Database, Evmig, Output, Project, Role, Server, Shape, Target};

fn scene() -> (Project, Database) {
    let project = Project::one_phase().migration(
        "V1__shop",
        "create table product (id bigint primary key, name text not null, price numeric(12, 2));\n\
         create view cheap as select id, name from product where price < 10;\n\
         comment on view cheap is 'below 10';\n",
    );
    let database = Server::shared(17, Shape::Plain).database(Shape::Plain, Role::Owner);
    run(&project, &database, "apply").succeeds();
    (project, database)
}

fn run(project: &Project, database: &Database, words: &str) -> Output {
    Evmig::new(project, words).on(database).run()
}

/// The changes of a document: what became of which object, and of which of its properties.
fn told(document: &Value) -> Vec<String> {
    let changes = document["changes"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    changes
        .iter()
        .map(|change| {
            let properties: Vec<String> = change["properties"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|one| text(&one["property"]))
                .collect();
            let line = format!(
                "{} {} {}",
                text(&change["change"]),
                text(&change["object"]),
                properties.join(" ")
            );
            line.trim().to_owned()
        })
        .collect()
}

#[test]
fn a_schema_that_nobody_touched_has_no_drift() {
    let (project, database) = scene();
    let output = run(&project, &database, "diff --exit-code").succeeds();
    assert!(output.stdout.contains("No difference"), "{}", output.stdout);
    let document = run(&project, &database, "diff --format json")
        .succeeds()
        .json();
    assert_eq!(document["schema"], "evmig.diff/1");
    assert_eq!(document["identical"], true);
    assert_eq!(document["before"]["from"], "history");
    assert_eq!(document["after"]["database"], database.database.as_str());
}

#[test]
fn what_was_changed_by_hand_is_named_and_shown() {
    let (project, database) = scene();
    database.execute(
        "create table side (id int primary key, note text); drop view cheap; \
         alter table product alter price set default 1",
    );
    let output = run(&project, &database, "diff --exit-code").exits(4);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- history, as run $RUN left it at $TIME
    +++ database $DATABASE on 127.0.0.1:$PORT

    added   table public.side
      @@ -0,0 +1,6 @@
      +CREATE TABLE public.side (
      +    id integer NOT NULL,
      +    note text,
      +    CONSTRAINT side_pkey PRIMARY KEY (id)
      +);
      +ALTER TABLE public.side OWNER TO admin;

    removed view public.cheap
      @@ -1,7 +0,0 @@
      -CREATE VIEW public.cheap AS
      - SELECT id,
      -    name
      -   FROM public.product
      -  WHERE (price < (10)::numeric);
      -ALTER VIEW public.cheap OWNER TO $OWNER;
      -COMMENT ON VIEW public.cheap IS 'below 10';

    changed column public.product.price: default
      @@ -1 +1 @@
      -price numeric(12,2)
      +price numeric(12,2) DEFAULT 1

    3 differences: 1 added, 1 removed, 1 changed
    --- stderr ---
    --- exit 4 ---
    ");
    let document = run(&project, &database, "diff --format json")
        .succeeds()
        .json();
    assert_eq!(
        told(&document),
        [
            "added table public.side",
            "removed view public.cheap",
            "changed column public.product.price default",
        ]
    );
    let comment = run(&project, &database, "diff --format markdown")
        .succeeds()
        .stdout;
    assert!(
        comment.starts_with(
            "### Schema: 3 differences: 1 added, 1 removed, 1 changed\n\nFrom history"
        ),
        "{comment}"
    );
    let changed = "<details><summary>changed <code>column public.product.price</code>: default</summary>\n\n\
                   ```diff\n@@ -1 +1 @@\n-price numeric(12,2)\n+price numeric(12,2) DEFAULT 1\n```\n\n\
                   </details>\n";
    assert!(comment.ends_with(changed), "{comment}");
}

#[test]
fn it_is_shown_as_commands_have_it_and_once() {
    let (project, database) = scene();
    database.execute(
        "create type mood as enum ('sad'); \
         create table counted (id integer generated always as identity, n bigint generated always as identity (cache 5)); \
         grant select (name) on product to public; \
         alter default privileges for role admin in schema public grant select on tables to public; \
         alter table product add constraint real check (price < 1000) not valid; \
         alter table product set (fillfactor = 70), alter name drop not null",
    );
    let output = run(&project, &database, "diff --exit-code").exits(4);
    insta::assert_snapshot!(output.snapshot(), @r"
    --- history, as run $RUN left it at $TIME
    +++ database $DATABASE on 127.0.0.1:$PORT

    added   enum public.mood
      @@ -0,0 +1,2 @@
      +CREATE TYPE public.mood AS ENUM ('sad');
      +ALTER TYPE public.mood OWNER TO admin;

    added   table public.counted
      @@ -0,0 +1,5 @@
      +CREATE TABLE public.counted (
      +    id integer GENERATED ALWAYS AS IDENTITY NOT NULL,
      +    n bigint GENERATED ALWAYS AS IDENTITY NOT NULL /* identity_sequence public.counted_n_seq start 1 increment 1 min 1 max 9223372036854775807 cache 5 */
      +);
      +ALTER TABLE public.counted OWNER TO admin;

    changed table public.product: options
      @@ -4,5 +4,5 @@
           price numeric(12,2),
           CONSTRAINT product_pkey PRIMARY KEY (id),
           CONSTRAINT real CHECK ((price < (1000)::numeric)) NOT VALID
      -);
      +) WITH (fillfactor=70);
       ALTER TABLE public.product OWNER TO $OWNER;

    changed column public.product.name: acl, not null
      @@ -1 +1,2 @@
      -name text NOT NULL
      +name text
      +GRANT SELECT (name) ON TABLE public.product TO PUBLIC; -- by $OWNER

    added   constraint real on public.product
      @@ -0,0 +1 @@
      +CONSTRAINT real CHECK ((price < (1000)::numeric)) NOT VALID

    added   default privileges for admin on tables in schema public
      @@ -0,0 +1 @@
      +ALTER DEFAULT PRIVILEGES FOR ROLE admin IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC; -- by admin

    6 differences: 4 added, 2 changed
    --- stderr ---
    --- exit 4 ---
    ");
}

#[test]
fn an_apply_tells_of_drift_and_refuses_where_it_is_told_to() {
    let (project, database) = scene();
    database.execute("create index by_hand on product (name)");
    project.write(
        "migrations/1_core/1_tables/V2__t.sql",
        "create table t ();\n",
    );
    let manifest = project.read("phases.toml");
    project.write(
        "phases.toml",
        format!("{manifest}\n[apply]\non_drift = \"refuse\"\n"),
    );
    let output = run(&project, &database, "apply").exits(4);
    assert!(output.stderr.contains("error[drift]"), "{}", output.stderr);
    assert!(
        output
            .stderr
            .contains("added index by_hand on public.product"),
        "{}",
        output.stderr
    );
    assert_eq!(database.value("select to_regclass('t')"), "NULL");
    assert_eq!(database.value("select count(*) from evmig.run"), "1");
    project.write("phases.toml", &manifest);
    let output = run(&project, &database, "apply").succeeds();
    assert!(
        output.stderr.contains("warning[drift]"),
        "{}",
        output.stderr
    );
    // The run began with it: it is what is.
    run(&project, &database, "diff --exit-code").succeeds();
    let output = run(&project, &database, "apply").succeeds();
    assert!(!output.stderr.contains("drift"), "{}", output.stderr);
}

#[test]
fn what_was_renamed_by_hand_is_told_as_renamed() {
    let (project, database) = scene();
    database.execute(
        "create index by_name on product (name); create type size as enum ('s'); create function f() returns int \
         language sql as 'select 1'; create table old (id int)",
    );
    project.write(
        "migrations/1_core/1_tables/V2__t.sql",
        "create table t ();\n",
    );
    run(&project, &database, "apply").succeeds();
    // One that was dropped and made again has nothing of the old one but its looks.
    database.execute(
        "alter table product rename to goods; alter table goods rename name to title; \
         alter index by_name rename to by_title; alter type size rename to sizes; \
         alter function f() rename to g; drop table old; create table older (id int)",
    );
    let output = run(&project, &database, "diff").succeeds();
    insta::assert_snapshot!(output.snapshot(), @r"
    --- history, as run $RUN left it at $TIME
    +++ database $DATABASE on 127.0.0.1:$PORT

    renamed enum public.sizes, which was enum public.size

    renamed function public.g(), which was function public.f()

    renamed table public.goods, which was table public.product

    removed table public.old
      @@ -1,4 +0,0 @@
      -CREATE TABLE public.old (
      -    id integer
      -);
      -ALTER TABLE public.old OWNER TO admin;

    added   table public.older
      @@ -0,0 +1,4 @@
      +CREATE TABLE public.older (
      +    id integer
      +);
      +ALTER TABLE public.older OWNER TO admin;

    changed view public.cheap: definition
      @@ -1,7 +1,7 @@
       CREATE VIEW public.cheap AS
        SELECT id,
      -    name
      -   FROM public.product
      +    title AS name
      +   FROM public.goods
         WHERE (price < (10)::numeric);
       ALTER VIEW public.cheap OWNER TO $OWNER;
       COMMENT ON VIEW public.cheap IS 'below 10';

    renamed column public.goods.title, which was column public.product.name

    renamed index by_title on public.goods, which was index by_name on public.product: definition
      @@ -1 +1 @@
      -CREATE INDEX by_title ON public.goods USING btree (name);
      +CREATE INDEX by_title ON public.goods USING btree (title);

    8 differences: 1 added, 1 removed, 1 changed, 5 renamed
    --- stderr ---
    --- exit 0 ---
    ");
    let document = run(&project, &database, "diff live history --format json")
        .succeeds()
        .json();
    assert_eq!(document["changes"][0]["renamed_from"], "enum public.sizes");
    assert_eq!(document["changes"][0]["object"], "enum public.size");

    // OIDs are those of one database: in a copy they prove nothing, even where they are the same.
    let mut copy = Target::clone(&database);
    copy.database.push_str("_copy");
    database.execute(&format!(
        "create database {} template {}",
        copy.database, database.database
    ));
    let told_there = Evmig::new(&project, "diff --format json")
        .on(&copy)
        .run()
        .succeeds()
        .json();
    let told_there = told(&told_there);
    assert!(
        !told_there.iter().any(|line| line.starts_with("renamed")),
        "{told_there:?}"
    );
    assert!(
        told_there.contains(&"added table public.goods".to_owned()),
        "{told_there:?}"
    );

    project.write(
        "migrations/1_core/1_tables/V3__t.sql",
        "create table u ();\n",
    );
    let output = run(&project, &database, "apply").succeeds();
    assert!(
        output
            .stderr
            .contains("renamed table public.product to table public.goods"),
        "{}",
        output.stderr
    );
    run(&project, &database, "diff --exit-code").succeeds();
}

#[test]
fn of_same_looking_objects_the_newest_are_known() {
    let (project, database) = scene();
    database.execute(
        "drop view cheap; drop table product; \
         create table product (id bigint primary key, name text not null, price numeric(12, 2)); \
         create view cheap as select id, name from product where price < 10; \
         comment on view cheap is 'below 10'",
    );
    let owner = &database.user;
    database.execute(&format!(
        "alter table product owner to {owner}; alter view cheap owner to {owner}"
    ));
    run(&project, &database, "diff --exit-code").succeeds();
    project.write("migrations/1_core/1_tables/V2__t.sql", "select 1;\n");
    run(&project, &database, "apply").succeeds();
    database.execute("alter view cheap rename to cheaper");
    let document = run(&project, &database, "diff --format json")
        .succeeds()
        .json();
    assert_eq!(told(&document), ["renamed view public.cheaper"]);
}

#[test]
fn a_snapshot_file_is_compared_like_a_database() {
    let (project, database) = scene();
    let output = run(&project, &database, "snapshot --out one.json").succeeds();
    assert!(
        output.stdout.contains("objects to one.json"),
        "{}",
        output.stdout
    );
    let piped = run(&project, &database, "snapshot").succeeds().stdout;
    assert_eq!(piped, project.read("one.json"));
    assert!(
        !piped.contains("evmig.migration") && !piped.contains("\"evmig\""),
        "{piped}"
    );
    run(&project, &database, "diff one.json --exit-code").succeeds();
    database.execute("alter table product rename column name to title");
    run(&project, &database, "snapshot --out two.json").succeeds();
    let whole = run(&project, &database, "diff one.json two.json --format json")
        .succeeds()
        .json();
    assert_eq!(whole["before"]["path"], "one.json");
    let live = run(&project, &database, "diff one.json --format json")
        .succeeds()
        .json();
    assert_eq!(told(&whole), told(&live));
    let back = run(&project, &database, "diff two.json one.json --exit-code").exits(4);
    assert!(
        back.stdout.contains("column public.product.name"),
        "{}",
        back.stdout
    );
    // Two files need neither a project nor a database.
    let elsewhere = Project::empty();
    for name in ["one.json", "two.json"] {
        elsewhere.write(name, project.read(name));
    }
    Evmig::new(&elsewhere, "diff one.json two.json --exit-code")
        .run()
        .exits(4);
}

#[test]
fn a_file_that_is_no_snapshot_is_refused_with_its_place() {
    let (project, database) = scene();
    run(&project, &database, "snapshot --out one.json").succeeds();
    let text = project.read("one.json");
    let newer = "{\"schema\": \"evmig.snapshot/2\"}";
    for (name, text, code, words) in [
        ("cut", &text[..text.len() / 2], "bad-snapshot", "line "),
        (
            "kind",
            &text.replace("\"kind\": \"view\"", "\"kind\": \"vue\""),
            "bad-snapshot",
            "\"vue\"",
        ),
        (
            "edited",
            &text.replace("below 10", "below 11"),
            "altered-snapshot",
            "fingerprint",
        ),
        ("newer", newer, "newer-snapshot", "evmig.snapshot/2"),
        ("empty", "", "bad-snapshot", "line 1"),
    ] {
        project.write(&format!("{name}.json"), text);
        let words_typed = format!("diff {name}.json --format json");
        let output = run(&project, &database, &words_typed).exits(2);
        let error = &output.json()["error"];
        assert_eq!(error["code"], code, "{name}");
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(words), "{name}: {message}");
    }
    // They are read at once; it is the first that is told, and neither needs a database.
    for (one, other) in [("cut", "empty"), ("empty", "cut")] {
        let words_typed = format!("diff {one}.json {other}.json --format json");
        let output = Evmig::new(&project, &words_typed).run().exits(2);
        let error = &output.json()["error"];
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(&format!("{one}.json")), "{message}");
    }
    let output = run(&project, &database, "diff one.json cut.json --format json").exits(2);
    assert_eq!(output.json()["error"]["code"], "bad-snapshot");
    let output = run(&project, &database, "diff gone.json --format json").exits(2);
    assert_eq!(output.json()["error"]["code"], "no-snapshot");
}

#[test]
fn two_databases_are_compared_and_a_password_in_an_argument_is_not_taken() {
    let (project, one) = scene();
    let (_, two) = scene();
    two.execute("drop view cheap");
    let other = two.url_without_password();
    let output = Evmig::new(&project, "diff live")
        .arg(&other)
        .arg("--exit-code")
        .env("PGPASSWORD", two.password.as_str())
        .on(&one)
        .run();
    let output = output.exits(4);
    assert!(
        output.stdout.contains("removed view public.cheap"),
        "{}",
        output.stdout
    );
    let output = Evmig::new(&project, "diff live")
        .arg("postgresql://me:secret@localhost/x")
        .on(&one)
        .run()
        .exits(2);
    assert!(
        output.stderr.contains("password-in-argument"),
        "{}",
        output.stderr
    );
    assert!(!output.stderr.contains("secret"), "{}", output.stderr);
}

#[test]
fn a_history_that_knows_nothing_yet_says_so() {
    let project = Project::one_phase().migration("V1__t", "create table t ();\n");
    let database = Server::shared(17, Shape::Plain).database(Shape::Plain, Role::Owner);
    let output = run(&project, &database, "diff --format json").exits(5);
    assert_eq!(output.json()["error"]["code"], "no-checkpoint-yet");
    run(&project, &database, "apply").succeeds();
    database.execute("delete from evmig.catalog");
    let output = run(&project, &database, "diff --format json").exits(5);
    assert_eq!(output.json()["error"]["code"], "catalog-not-kept");
    run(&project, &database, "status --format markdown").exits(2);
}
