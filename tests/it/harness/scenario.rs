//! What the fault tests apply: small projects, each with the database that they find.

use super::project::{ONE_PHASE, Project};

/// The table in which every file counts itself, and one that makes a statement slow on demand.
pub(crate) const SETUP: &str = "create table counter (migration text not null);
create table slow (seconds float8 not null);
insert into slow values (0);
create table t (id int primary key, x int, note text);
insert into t select n, n, 'note ' || n from generate_series(1, 50) n;";

/// A statement that takes as long as `slow` says.
const SLOW: &str = "select pg_sleep(seconds) from slow;\n";

/// One kind of work.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Arguments of `apply`.
    pub(crate) flags: &'static str,
    /// What was applied before, if anything: without it there is no history schema yet.
    pub(crate) before: Option<fn() -> Project>,
    /// What is applied.
    pub(crate) project: fn() -> Project,
    /// The files that run statement by statement: key, number of the statement, and a query that
    /// says whether it happened.
    pub(crate) steps: &'static [(&'static str, u32, &'static str)],
}

/// All of them.
pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "transactional",
        flags: "",
        before: Some(base),
        project: transactional,
        steps: &[],
    },
    Scenario {
        name: "concurrently",
        flags: "",
        before: Some(base),
        project: concurrently,
        steps: CONCURRENTLY,
    },
    Scenario {
        name: "mixed",
        flags: "",
        before: Some(base),
        project: mixed,
        steps: MIXED,
    },
    Scenario {
        name: "first",
        flags: "",
        before: None,
        project: first,
        steps: &[],
    },
    Scenario {
        name: "repeatable",
        flags: "",
        before: Some(repeatable_before),
        project: repeatable,
        steps: &[],
    },
    Scenario {
        name: "out-of-order",
        flags: "--out-of-order",
        before: Some(out_of_order_before),
        project: out_of_order,
        steps: &[],
    },
    Scenario {
        name: "copy",
        flags: "",
        before: Some(base),
        project: copy,
        steps: &[],
    },
    Scenario {
        name: "many",
        flags: "",
        before: Some(base),
        project: many,
        steps: &[],
    },
];

fn base() -> Project {
    Project::one_phase().migration("V1__base", "create table base (id int);\n")
}

fn transactional() -> Project {
    base()
        .migration(
            "V2__people",
            &format!(
                "create table people (id int primary key, name text);\n\
                 insert into people values (1, 'a;b'), (2, $x$c'd$x$);\n{SLOW}\
                 insert into counter values ('2');\n"
            ),
        )
        .migration(
            "V3__touch",
            "set search_path = public;\nset lock_timeout = '7s';\n\
             create function touch() returns trigger language plpgsql as $$ begin \
             new.name := upper(new.name); return new; end $$;\n\
             create trigger touch before update on people for each row execute function touch();\n\
             insert into counter values ('3');\n",
        )
        .migration(
            "V4__note",
            "begin;\nalter table t add column more int default 7;\n\
             update people set name = name || '!';\ninsert into counter values ('4');\ncommit;\n",
        )
}

fn index(name: &str) -> String {
    format!("create index concurrently {name} on t (x);\n")
}

const CONCURRENTLY: &[(&str, u32, &str)] = &[
    (
        "2",
        0,
        "select exists (select from pg_index where indexrelid = to_regclass('t_a') and indisvalid)",
    ),
    (
        "2",
        1,
        "select exists (select from pg_index where indexrelid = to_regclass('t_b') and indisvalid)",
    ),
    (
        "2",
        2,
        "select exists (select from counter where migration = '2')",
    ),
    (
        "2",
        3,
        "select exists (select from pg_index where indexrelid = to_regclass('t_c') and indisvalid)",
    ),
    (
        "2",
        4,
        "select exists (select from pg_index where indexrelid = to_regclass('t_u') and indisvalid)",
    ),
];

fn concurrently() -> Project {
    base().migration(
        "V2__indexes",
        &format!(
            "{}{}insert into counter values ('2');\n{}\
             create unique index concurrently t_u on t (note);\n",
            index("t_a"),
            index("t_b"),
            index("t_c"),
        ),
    )
}

const MIXED: &[(&str, u32, &str)] = &[
    (
        "3",
        0,
        "select exists (select from counter where migration = '3')",
    ),
    (
        "3",
        1,
        "select exists (select from pg_index where indexrelid = to_regclass('t_m') and indisvalid)",
    ),
    ("3", 2, "select to_regclass('t_x') is null"),
];

/// Two phases, files of both kinds in turn, an analyze step.
fn mixed() -> Project {
    let phases = format!(
        "{ONE_PHASE}\n[[phase.step]]\nname = \"statistics\"\nanalyze = [\"public.pets\"]\n\n\
         [[phase]]\nnumber = 2\nname = \"logic\"\ntitle = \"Logic\"\n\n[[phase.step]]\n\
         name = \"functions\"\nmigrations = \"2_logic/1_functions\"\n"
    );
    Project::new(&phases)
        .migration("V1__base", "create table base (id int);\n")
        .migration(
            "V2__pets",
            "create table pets (id int primary key);\ninsert into pets values (1);\n\
             create index t_x on t (x);\ninsert into counter values ('2');\n",
        )
        .migration(
            "V3__index",
            &format!(
                "insert into counter values ('3');\n{}drop index concurrently t_x;\n",
                index("t_m")
            ),
        )
        .file(
            "migrations/2_logic/1_functions/V4__count.sql",
            format!(
                "create function pets_count() returns bigint language sql \
                 begin atomic select count(*) from public.pets; end;\n{SLOW}\
                 insert into counter values ('4');\n"
            ),
        )
        .file(
            "migrations/2_logic/1_functions/V5__grant.sql",
            "grant select on pets to public;\ninsert into counter values ('5');\n",
        )
}

fn first() -> Project {
    Project::one_phase()
        .migration(
            "V1__people",
            "create table people (id int primary key);\ninsert into counter values ('1');\n",
        )
        .migration(
            "V2__pets",
            "create table pets (owner int references people);\ninsert into counter values ('2');\n",
        )
}

fn repeatable_before() -> Project {
    base()
        .migration(
            "R__a_view",
            "create or replace view v as select 1 as one;\n",
        )
        .migration(
            "R__b_view",
            "create or replace view w as select 1 as one;\n",
        )
}

fn repeatable() -> Project {
    base()
        .migration(
            "V2__two",
            "create table two (id int);\ninsert into counter values ('2');\n",
        )
        .migration(
            "R__a_view",
            &format!(
                "create or replace view v as select 1 as one, 2 as two;\n{SLOW}\
                 insert into counter values ('a_view');\n"
            ),
        )
        .migration(
            "R__b_view",
            "create or replace view w as select 1 as one;\n",
        )
        .migration(
            "R__c_view",
            "create or replace view x as select * from two;\n\
             insert into counter values ('c_view');\n",
        )
}

fn out_of_order_before() -> Project {
    base()
        .migration("V3__three", "create table three (id int);\n")
        .migration("V6__six", "create table six (id int);\n")
}

fn out_of_order() -> Project {
    out_of_order_before()
        .migration(
            "V2__two",
            "create table two (id int);\ninsert into counter values ('2');\n",
        )
        .migration(
            "V5__five",
            &format!("alter table three add x int;\n{SLOW}insert into counter values ('5');\n"),
        )
        .migration(
            "V7__seven",
            "drop table six;\ninsert into counter values ('7');\n",
        )
}

/// Data in more than one piece of what the driver sends at a time.
fn copy() -> Project {
    let rows: Vec<String> = (1..=3000)
        .map(|n| format!("{n}\trow number {n} of a table with words enough\t\\N\n"))
        .collect();
    let rows = rows.concat();
    base()
        .migration(
            "V2__data",
            &format!(
                "create table data (id int primary key, words text, nothing int);\n\
                 copy data from stdin;\n{rows}\\.\ninsert into counter values ('2');\n"
            ),
        )
        .migration(
            "V3__more",
            "copy data (id, words) from stdin;\n9001\tmore\n\\.\ninsert into counter values ('3');\n",
        )
}

/// So many small files that they share messages.
fn many() -> Project {
    (2..=80).fold(base(), |project, version| {
        let more = match version {
            20 => "create table many (id int);\n".to_owned(),
            40 => SLOW.to_owned(),
            60 => "alter table many add column x int;\n".to_owned(),
            _ => String::new(),
        };
        project.migration(
            &format!("V{version}__one_of_many"),
            &format!("{more}insert into counter values ('{version}');\n"),
        )
    })
}
