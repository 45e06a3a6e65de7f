//! `evmig diagram`: what is drawn of a real database, and what is said where nothing can be.

use super::harness::project::ONE_PHASE;
use super::harness::{Database, Evmig, Project, Role, Server, Shape};

const SCHEMA: &str = r#"
create schema shop;
create table shop.customers (id int primary key, email text not null unique, born date);
create table shop.orders (
    id int primary key, customer int not null references shop.customers on delete cascade, at timestamptz not null
);
create table shop.items (
    "order" int references shop.orders, line int, price numeric(12,2), primary key ("order", line)
);
create table public.log (at date not null, what varchar(20)) partition by range (at);
create table public.log_2026 partition of public.log for values from ('2026-01-01') to ('2027-01-01');
create table public."Odd | <b>""name""</b>" ("a""b" int, "c`d" text);
comment on table shop.orders is 'What was <ordered>';
"#;

fn database(project: &Project, words: &str) -> (Database, Evmig) {
    let database = Server::shared(16, Shape::Plain).database(Shape::Plain, Role::Owner);
    database.execute(SCHEMA);
    let evmig = Evmig::new(project, words).on(&database);
    (database, evmig)
}

#[test]
fn a_mermaid_diagram_has_the_tables_by_domain() {
    let project = Project::one_phase();
    let (_database, evmig) = database(&project, "diagram --format mermaid");
    insta::assert_snapshot!(evmig.run().snapshot(), @r#"
    erDiagram
        %% customers
        t1["shop.customers"] {
            integer id PK
            text email UK
            date born "null"
        }
        t2["shop.items"] {
            integer order PK,FK
            integer line PK
            numeric(12_2) price "numeric(12,2); null"
        }
        t3["shop.orders"] {
            integer id PK
            integer customer FK
            timestamptz at
        }
        %% other tables
        t4["Odd | ‹b›”name”‹/b›"] {
            integer a_b "a”b; null"
            text c_d "c’d; null"
        }
        t5["log"] {
            date at
            varchar(20) what "null"
        }
        t2 }o--|| t3 : "order"
        t3 }o--|| t1 : "customer"
    --- stderr ---
    --- exit 0 ---
    "#);
}

#[test]
fn the_json_has_domains_columns_and_keys() {
    let manifest =
        format!("{ONE_PHASE}\n[[diagram.domain]]\nname = \"sales\"\ntables = [\"shop.*\"]\n");
    let project = Project::new(&manifest);
    std::fs::create_dir_all(project.path("migrations/1_core/1_tables")).unwrap();
    let (_database, evmig) = database(&project, "diagram --format json");
    let document = evmig.run().succeeds().json();
    assert_eq!(document["schema"], "evmig.diagram/1");
    assert_eq!(document["grouped_by"], "configuration");
    let names: Vec<(&str, usize)> = document["domains"]
        .as_array()
        .unwrap()
        .iter()
        .map(|domain| {
            let tables = domain["tables"].as_array().unwrap();
            (domain["name"].as_str().unwrap(), tables.len())
        })
        .collect();
    assert_eq!(names, [("sales", 3), ("other tables", 2)]);
    let reference = &document["references"][1];
    assert_eq!(reference["from"]["name"], "orders");
    assert_eq!(reference["to"]["name"], "customers");
    assert_eq!(reference["on_delete"], "cascade");
    assert_eq!(document["domains"][1]["tables"][1]["partitions"], 1);
}

#[test]
fn the_drawing_is_a_file_of_its_own() {
    let project = Project::one_phase();
    let (_database, evmig) = database(&project, "diagram --out schema.svg");
    insta::assert_snapshot!(evmig.run().snapshot(), @r#"
    --- stderr ---
    wrote schema.svg
    --- exit 0 ---
    "#);
    let svg = project.read("schema.svg");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.contains("shop.orders: What was &lt;ordered&gt;"));
    assert!(svg.contains("Odd | &lt;b&gt;&quot;name&quot;&lt;/b&gt;"));
    assert!(!svg.contains("<b>") && !svg.contains("<script") && !svg.contains("href=\"h"));
    assert_eq!(svg.matches("class=\"line ").count(), 2);
}

#[test]
fn a_table_is_drawn_with_its_neighbours() {
    let project = Project::one_phase();
    let (database, evmig) = database(&project, "diagram --format json --table shop.orders");
    let count = |evmig: Evmig| {
        let document = evmig.run().succeeds().json();
        let domains = document["domains"].as_array().unwrap().clone();
        domains
            .iter()
            .map(|domain| domain["tables"].as_array().unwrap().len())
            .sum::<usize>()
    };
    assert_eq!(count(evmig), 3);
    for (words, wanted) in [
        ("diagram --format json --table cust*", 2),
        ("diagram --format json --schema public", 2),
        ("diagram --format json --schema public --schema shop", 5),
        ("diagram --format json --schema shop --table log", 0),
    ] {
        let evmig = Evmig::new(&project, words).on(&database);
        assert_eq!(count(evmig), wanted, "{words}");
    }
}

#[test]
fn what_is_not_there_is_named() {
    let project = Project::one_phase();
    let (database, evmig) = database(&project, "diagram --domain nothing --format json");
    assert_eq!(
        evmig.run().exits(2).json()["error"]["code"],
        "unknown-domain"
    );
    for (words, code) in [
        ("diagram --table nothing --format json", "unknown-table"),
        ("diagram --schema nothing --format json", "unknown-schema"),
        (
            "diagram --out no/such/folder.json --format json",
            "cannot-write",
        ),
    ] {
        let evmig = Evmig::new(&project, words).on(&database);
        let output = evmig.run();
        assert_eq!(output.json()["error"]["code"], code, "{words}");
    }
    let evmig = Evmig::new(&project, "diagram --format markdown").on(&database);
    insta::assert_snapshot!(evmig.run().snapshot(), @r#"
    --- stderr ---
    error[format-not-supported]: this command has no format markdown
      hint       its formats are svg, mermaid, json
    --- exit 2 ---
    "#);
}

#[test]
fn a_terminal_gets_no_drawing() {
    let project = Project::one_phase();
    let (_database, evmig) = database(&project, "diagram");
    let output = evmig.env("NO_COLOR", "1").terminal(80).run().exits(2);
    assert!(output.snapshot().contains("svg-to-terminal"));
    assert!(output.snapshot().contains("diagram --out schema.svg"));
}

#[test]
fn migration_files_tell_the_domains_and_broken_ones_are_said() {
    let project = Project::one_phase()
        .migration(
            "V1__create_shop_tables",
            "create table a (i int);\ncreate table if not exists b (i int);",
        )
        .migration(
            "V2__staff",
            "create table c (i int);\ncreate table d (i int);",
        );
    let database = Server::shared(16, Shape::Plain).database(Shape::Plain, Role::Owner);
    Evmig::new(&project, "apply --yes")
        .on(&database)
        .run()
        .succeeds();
    let document = Evmig::new(&project, "diagram --format json")
        .on(&database)
        .run()
        .succeeds()
        .json();
    assert_eq!(document["grouped_by"], "migrations");
    assert_eq!(document["domains"][0]["name"], "shop");
    assert_eq!(document["domains"][1]["name"], "staff");
    let broken = project.migration("V2__again", "select 1;");
    let output = Evmig::new(&broken, "diagram --format mermaid")
        .on(&database)
        .run();
    insta::assert_snapshot!(output.snapshot(), @r#"
    erDiagram
        %% other tables
        t1["a"] {
            integer i "null"
        }
        t2["b"] {
            integer i "null"
        }
        t3["c"] {
            integer i "null"
        }
        t4["d"] {
            integer i "null"
        }
    --- stderr ---
    warning[domains-without-files]: the migration files have errors: they do not tell the tables'
      domains
      next       evmig --database-url URL status
    --- exit 0 ---
    "#);
}
