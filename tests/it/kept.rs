//! The bill of rows, the copies that are kept of what is destroyed, and `evmig kept`.

use evmig::pg::session::Session;
use evmig::runner::bill::{Bill, keep, present};

use super::harness::{Database, Evmig, Output, Project, Role, Server, Shape};
use super::pg_server::{block_on, open};

/// Tables that a rollback takes away, with types and columns that make it hard to keep their rows.
const SETUP: &str = "
create type mood as enum ('good', 'bad');
create domain amount as int check (value >= 0);
create table parents (id int generated always as identity primary key, name text not null, m mood, a amount);
create table children (id serial primary key, parent int not null references parents on delete cascade,
    doubled int generated always as (parent * 2) stored, moods mood[], note text collate \"C\");
create table leaf_of (id int, k int, primary key (id, k)) partition by list (k);
create table leaf_1 partition of leaf_of for values in (1);
create table leaf_2 partition of leaf_of for values in (2);
create table base (id int primary key);
create table heir (extra int) inherits (base);
create table lonely (a int, b mood);
create schema side;
create table side.\"Odd; --\" (id int primary key, v text);
insert into parents (name, m, a) values ('one', 'good', 1), ('two', null, 2), ('three', 'bad', 3);
insert into children (parent, moods, note) values (1, '{good,bad}', 'x'), (1, null, 'y'), (2, '{}', null);
insert into leaf_of values (1, 1), (2, 2), (3, 2);
insert into base values (1), (2);
insert into heir values (3, 3);
insert into lonely values (1, 'good'), (2, null), (null, 'bad');
insert into side.\"Odd; --\" select i, 'v' || i from generate_series(1, 10) i;
";

fn database(major: u32, role: Role) -> Database {
    let database = Server::shared(major, Shape::Plain).database(Shape::Plain, role);
    if role == Role::Owner {
        database.execute(&format!("grant all on schema public to {}", database.user));
    }
    database.session().execute(SETUP);
    // The history that the copies are entered in.
    let project = Project::one_phase().migration("V1__one", "select 1");
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    database
}

fn bill(database: &Database, statements: &[&str]) -> Bill {
    block_on(async {
        let (session, _notices) = Session::new(open(&database.url(), None).await.unwrap());
        present(&session, "public", statements).await.unwrap()
    })
}

/// `table: way rows`, `<=` where it is at most.
fn told(bill: &Bill) -> Vec<String> {
    let told = bill.tables.iter().map(|loss| {
        let at_most = if loss.exact { "" } else { "<= " };
        let rows = loss.rows.map_or("?".to_owned(), |rows| rows.to_string());
        format!("{}: {} {at_most}{rows}", loss.table, loss.way.as_str())
    });
    told.chain(
        bill.unknown
            .iter()
            .map(|one| format!("{} at {}", one.what, one.statement)),
    )
    .collect()
}

#[test]
fn every_way_to_lose_rows_is_counted_on_every_major() {
    for major in [14, 15, 16, 17, 18] {
        let database = database(major, Role::Owner);
        let cases: [(&[&str], &[&str]); 10] = [
            (&["drop table children"], &["public.children: dropped 3"]),
            (&["drop table leaf_of"], &["public.leaf_of: dropped 3"]),
            (&["drop table base cascade"], &["public.base: dropped 3"]),
            (&["drop schema side cascade"], &["side.Odd; --: dropped 10"]),
            (
                &["drop type mood cascade"],
                &[
                    "public.children: columns 2",
                    "public.lonely: columns 2",
                    "public.parents: columns 2",
                ],
            ),
            (
                &["truncate parents cascade"],
                &[
                    "public.children: truncated 3",
                    "public.parents: truncated 3",
                ],
            ),
            (&["truncate only base"], &["public.base: truncated 2"]),
            (
                &["delete from parents where name like 't%' -- those"],
                &["public.parents: deleted 2"],
            ),
            (
                &[
                    "delete from leaf_of where k = 2",
                    "delete from leaf_of where id > 1",
                ],
                &["public.leaf_of: deleted <= 3"],
            ),
            (
                &[
                    "alter table parents drop column m",
                    "delete from children using parents p",
                    "do $$ begin end $$",
                    "drop table side.\"Odd; --\"",
                    "delete from lonely where new_column = 1",
                ],
                &[
                    "public.children: deleted <= 3",
                    "public.lonely: deleted <= 3",
                    "public.parents: columns 2",
                    "side.Odd; --: dropped 10",
                    "a DO block at 2",
                ],
            ),
        ];
        for (statements, wanted) in cases {
            assert_eq!(
                told(&bill(&database, statements)),
                wanted,
                "{major} {statements:?}"
            );
        }
        assert!(bill(&database, &["drop table leaf_of"]).tables[0].bytes > 0);
        assert!(
            bill(
                &database,
                &["create table x (id int)", "drop table not_there"]
            )
            .is_empty()
        );
    }
}

/// Keeps what `statements` destroy and runs them, as a rollback does.
fn destroy(database: &Database, run: &str, statements: &[&str]) -> Vec<evmig::history::kept::Copy> {
    block_on(async {
        let (session, _notices) = Session::new(open(&database.url(), None).await.unwrap());
        let bill = present(&session, "public", statements).await.unwrap();
        session
            .run("begin; set local search_path = public")
            .await
            .unwrap();
        let copies = keep::keep(&session, "evmig", run, &bill).await.unwrap();
        for statement in statements {
            session
                .run(statement)
                .await
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        session.run("commit").await.unwrap();
        copies
    })
}

fn kept(database: &Database, words: &str, names: &[&str]) -> Output {
    // Its directory goes with the test process.
    let project = Box::leak(Box::new(Project::one_phase()));
    let command = Evmig::new(project, &format!("kept {words}")).on(database);
    let command = names
        .iter()
        .fold(command, |command, name| command.arg(*name));
    command.run()
}

const CONTENTS: &str = "
select 'p ' || to_jsonb(t)::text from parents t union all select 'c ' || to_jsonb(t)::text from children t
union all select 'l ' || to_jsonb(t)::text from leaf_of t union all select 'o ' || to_jsonb(t)::text from side.\"Odd; --\" t
order by 1";

/// Makes again what was dropped, as an apply would.
fn make_again(database: &Database) {
    let stays = [
        "create table base",
        "create table heir",
        "create table lonely",
    ];
    let lines = SETUP.lines().filter(|line| {
        !line.starts_with("insert") && !stays.iter().any(|one| line.starts_with(one))
    });
    database
        .session()
        .execute(&lines.collect::<Vec<_>>().join("\n"));
}

/// What is dropped of the setup. The copies must neither hold the types back nor go with them.
const DROPS: [&str; 7] = [
    "drop table children",
    "drop table parents",
    "drop table leaf_of",
    "drop schema side cascade",
    "alter table lonely drop column b",
    "drop domain amount",
    "drop type mood",
];

#[test]
fn what_a_rollback_dropped_comes_back_whole_into_tables_that_were_made_anew() {
    for major in [14, 15, 16, 17, 18] {
        for role in [Role::Superuser, Role::Owner] {
            let database = database(major, role);
            let before = database.lines(CONTENTS);
            let copies = destroy(&database, "run1", &DROPS);
            let names: Vec<&str> = copies.iter().map(|copy| copy.kept_table.as_str()).collect();
            assert_eq!(
                names,
                [
                    "run1_1_children",
                    "run1_2_leaf_of",
                    "run1_3_lonely",
                    "run1_4_parents",
                    "run1_5_Odd; --"
                ]
            );
            let text = kept(&database, "restore run1_4_parents", &[])
                .exits(5)
                .stderr;
            assert!(text.contains("public.parents does not exist"), "{text}");
            make_again(&database);
            // Nothing tells which row is which: none is touched, also not of the others.
            let text = kept(&database, "restore --run run1", &[]).exits(5).stderr;
            assert!(text.contains("does-not-fit"), "{text}");
            assert_eq!(database.value("select count(*)::text from parents"), "0");
            let names = [names[0], names[1], names[3], names[4]];
            let document = kept(&database, "restore --format json", &names)
                .succeeds()
                .json();
            assert_eq!(document["copies"].as_array().unwrap().len(), 4);
            assert_eq!(before, database.lines(CONTENTS), "{major} {role:?}");
            // The next numbers are new ones.
            database.session().execute(
                "insert into parents (name) values ('new'); insert into children (parent) values (1)",
            );
            let text = kept(&database, "restore run1_1_children", &[])
                .exits(5)
                .stderr;
            assert!(text.contains("already-restored"), "{text}");
            kept(&database, "drop --run run1", &[]).succeeds();
            let left = "select count(*)::text from pg_class where relnamespace = 'evmig_kept'::regnamespace";
            assert_eq!(database.value(left), "0");
            kept(&database, "restore run1_1_children", &[]).exits(2);
            let project = Project::one_phase();
            Evmig::new(&project, "history --verify")
                .on(&database)
                .run()
                .succeeds();
        }
    }
}

#[test]
fn deleted_rows_and_lost_columns_come_back_to_the_rows_that_stayed() {
    let database = database(17, Role::Owner);
    let before = database.lines(CONTENTS);
    let copies = destroy(
        &database,
        "r2",
        &[
            "delete from children where note = 'x' -- one",
            "alter table parents drop column m, drop column a",
        ],
    );
    let rows: Vec<(&str, u64)> = copies
        .iter()
        .map(|copy| (copy.kept_table.as_str(), copy.rows))
        .collect();
    assert_eq!(rows, [("r2_1_children", 1), ("r2_2_parents", 3)]);
    database
        .session()
        .execute("alter table parents add column m mood, add column a amount");
    let document = kept(&database, "restore --run r2 --format json", &[])
        .succeeds()
        .json();
    assert_eq!(document["copies"][0]["rows_restored"], 3, "{document}");
    assert_eq!(before, database.lines(CONTENTS));
    let document = kept(&database, "list --format json", &[]).succeeds().json();
    assert!(
        document["copies"][1]["restored_at"].is_string(),
        "{document}"
    );
    // The copies of another run are none of its business.
    destroy(&database, "other", &["delete from lonely"]);
    kept(&database, "drop --run r2", &[]).succeeds();
    let left = "select relname from pg_class where relkind = 'r' and relnamespace = 'evmig_kept'::regnamespace";
    assert_eq!(database.lines(left), ["other_1_lonely"]);
}

#[test]
fn what_does_not_fit_is_told_and_a_violation_takes_everything_back() {
    let database = database(16, Role::Owner);
    destroy(&database, "r3", &DROPS[..4]);
    make_again_without(&database);
    let text = kept(&database, "restore r3_1_children", &[])
        .exits(1)
        .stderr;
    assert!(
        text.contains("restore-failed") && text.contains("23503"),
        "{text}"
    );
    database
        .session()
        .execute("alter table children drop column note");
    let document = kept(
        &database,
        "restore --format json",
        &["r3_1_children", "r3_3_parents"],
    )
    .succeeds()
    .json();
    assert_eq!(
        document["copies"][0]["table"], "public.parents",
        "parents first: {document}"
    );
    assert_eq!(document["copies"][1]["left_out"][0], "note", "{document}");
    database.execute("drop table evmig_kept.r3_2_leaf_of");
    let text = kept(&database, "list", &[]).succeeds().stdout;
    assert!(text.contains("dropped by hand"), "{text}");
    kept(&database, "restore r3_2_leaf_of", &[]).exits(2);
    kept(&database, "restore", &[]).exits(2);
}

/// The types are there still.
fn make_again_without(database: &Database) {
    let stays = [
        "create type",
        "create domain",
        "create table base",
        "create table heir",
        "create table lonely",
    ];
    let lines = SETUP.lines().filter(|line| {
        !line.starts_with("insert") && !stays.iter().any(|one| line.starts_with(one))
    });
    database
        .session()
        .execute(&lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn nobody_else_may_read_the_copies_whatever_default_privileges_say() {
    let server = Server::private(&super::harness::Options::new(18));
    let database = server.database(Shape::Plain, Role::Owner);
    database.execute(&format!(
        "grant all on schema public to {}; create role tenant login",
        database.user
    ));
    database.session().execute(SETUP);
    database.session().execute(
        "alter default privileges grant all on tables to tenant, public; \
         alter default privileges grant all on schemas to tenant, public",
    );
    let project = Project::one_phase().migration("V1__one", "select 1");
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    destroy(&database, "r4", &["drop table children"]);
    let may = "select bool_or(has_schema_privilege('tenant', n.oid, 'usage') or \
         has_table_privilege('tenant', c.oid, 'select'))::text from pg_namespace n \
         join pg_class c on c.relnamespace = n.oid where n.nspname = 'evmig_kept'";
    assert_eq!(database.value(may), "false");
    // A schema that another may look into is not used.
    let other = server.database(Shape::Plain, Role::Owner);
    other.execute(&format!(
        "grant all on schema public to {}; create schema evmig_kept",
        other.user
    ));
    other.session().execute(SETUP);
    let error = block_on(async {
        let (session, _notices) = Session::new(open(&other.url(), None).await.unwrap());
        let bill = present(&session, "public", &["drop table children"])
            .await
            .unwrap();
        session.run("begin").await.unwrap();
        keep::keep(&session, "evmig", "r", &bill).await.unwrap_err()
    });
    assert_eq!(error.to_string(), "the schema evmig_kept belongs to admin");
}
