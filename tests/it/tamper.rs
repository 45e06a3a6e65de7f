//! `history --verify` names the first row of the history that was edited, removed or moved by hand.
//!
//! The culprit is a superuser who has switched foreign keys off. Each case starts from the same
//! history: runs that applied, failed, were killed and had nothing to do, with a repeatable
//! migration, a journal, and rows of refinery's table.

use serde_json::Value;

use super::harness::{Database, Evmig, Output, Project, Role, Server, Session, Shape};

/// The tables with a chain each, and the column that orders them.
const CHAINS: [&str; 4] = ["migration", "run", "statement", "checkpoint"];
/// All that `restore` puts back.
const TABLES: [&str; 7] = [
    "migration",
    "run",
    "statement",
    "checkpoint",
    "catalog",
    "meta",
    "refinery_schema_history",
];

/// A database with a history, a copy of it, and the culprit's session.
struct Scene {
    database: Database,
    project: Project,
    culprit: Session,
}

/// What `history --verify` says.
struct Verdict {
    code: i32,
    /// The first bad row, or the error.
    message: String,
    whole: String,
}

impl Scene {
    fn new() -> Self {
        let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Superuser);
        let project = Project::one_phase()
            .migration("V1__a", "create table a (id int, n int);\n")
            .migration("V2__b", "create table b (id int);\n")
            .migration(
                "R__views",
                "create or replace view v as select id from a;\n",
            );
        let run = |words: &str| Evmig::new(&project, words).on(&database).run();
        run("apply").succeeds();
        project.write(
            "migrations/1_core/1_tables/V3__c.sql",
            "create index concurrently a_id on a (id);\ncreate index concurrently a_n on a (m);\n",
        );
        run("apply").exits(3);
        project.write(
            "migrations/1_core/1_tables/V3__c.sql",
            "create index concurrently a_id on a (id);\ncreate index concurrently a_n on a (n);\n",
        );
        run("apply").succeeds();
        run("apply").succeeds();
        project.write("migrations/1_core/1_tables/V4__d.sql", "select 1 / 0;\n");
        run("apply").exits(1);
        project.write("migrations/1_core/1_tables/V4__d.sql", "select 1;\n");
        project.write(
            "migrations/1_core/1_tables/R__views.sql",
            "create or replace view v as select id, n from a;\n",
        );
        run("apply").succeeds();
        let mut culprit = Session::connect(&database.admin());
        culprit.execute("set session_replication_role = replica; create schema saved");
        for table in TABLES {
            culprit.execute(&format!(
                "create table saved.{table} as table evmig.{table}"
            ));
        }
        Self {
            database,
            project,
            culprit,
        }
    }

    fn run(&self, words: &str) -> Output {
        Evmig::new(&self.project, words).on(&self.database).run()
    }

    fn verify(&self) -> Verdict {
        let output = self.run("history --verify --format json");
        let document = output.json();
        let bad = &document["first_bad"];
        let problem = if bad.is_null() {
            &document["error"]
        } else {
            bad
        };
        Verdict {
            code: output.code(),
            message: problem["message"].as_str().unwrap_or_default().to_owned(),
            whole: format!("{document:#}\n{}", output.stderr),
        }
    }

    fn restore(&mut self) {
        for table in TABLES {
            self.culprit.execute(&format!(
                "delete from evmig.{table}; insert into evmig.{table} table saved.{table}"
            ));
        }
    }

    /// The positions of a table's rows.
    fn positions(&mut self, table: &str) -> Vec<i64> {
        self.culprit
            .lines(&format!("select seq from evmig.{table} order by seq"))
            .iter()
            .map(|line| line.parse().expect("a number"))
            .collect()
    }

    /// Does something to the history, asserts that the verdict is 7 and names `named`, and undoes it.
    #[track_caller]
    fn tampered(&mut self, sql: &str, named: &str) {
        self.culprit.execute(sql);
        let verdict = self.verify();
        assert_eq!(verdict.code, 7, "{sql}\n{}", verdict.whole);
        assert!(
            verdict.message.contains(named),
            "{sql}\nnot {named:?} but {:?}\n{}",
            verdict.message,
            verdict.whole
        );
        self.restore();
    }
}

#[test]
fn a_history_that_nobody_touched_is_clean_after_every_kind_of_run() {
    let mut scene = Scene::new();
    let output = scene.run("history --verify").succeeds();
    let rows: i64 = CHAINS
        .map(|table| scene.positions(table).len() as i64)
        .iter()
        .sum();
    let ended = scene
        .culprit
        .value("select count(*) from evmig.run where finished_at is not null");
    assert_eq!(scene.culprit.value("select count(*) from evmig.run"), ended);
    let rows = rows + ended.parse::<i64>().expect("a number");
    let said = &output.stdout;
    assert!(
        said.contains(&format!("VERIFIED: {rows} rows are as they were written")),
        "{rows}: {said}"
    );
    let document = scene
        .run("history --verify --format json")
        .succeeds()
        .json();
    assert_eq!(document["verified_rows"], rows);
    assert_eq!(document["first_bad"], Value::Null);

    scene.project.write(
        "migrations/1_core/1_tables/V5__e.sql",
        "select pg_sleep(60);\n",
    );
    let running = Evmig::new(&scene.project, "apply")
        .on(&scene.database)
        .spawn();
    wait_for_sleep(&mut scene.culprit);
    running.signal(nix::sys::signal::Signal::SIGKILL);
    running
        .finish(std::time::Duration::from_secs(20))
        .exits(137);
    let verdict = scene.verify();
    assert_eq!(verdict.code, 0, "after a killed run: {}", verdict.whole);

    scene
        .project
        .write("migrations/1_core/1_tables/V5__e.sql", "select 5;\n");
    let begun = std::time::Instant::now();
    while scene.culprit.value(
        "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' \
         and datname = current_database() and pid <> pg_backend_pid() and state = 'active'",
    ) != "0"
    {
        assert!(
            begun.elapsed().as_secs() < 30,
            "the killed run's backend goes on"
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    scene.run("apply").succeeds();
    let verdict = scene.verify();
    assert_eq!(
        verdict.code, 0,
        "after the run that followed: {}",
        verdict.whole
    );
}

#[test]
fn an_edit_of_any_column_of_any_table_is_found_and_its_row_named() {
    let mut scene = Scene::new();
    for table in CHAINS {
        let positions = scene.positions(table);
        assert!(positions.len() > 3, "{table}: {positions:?}");
        for seq in [positions[0], positions[1], positions[positions.len() - 1]] {
            for (column, change) in changes(&mut scene.culprit, table, seq) {
                let sql = format!("update evmig.{table} set {column} = {change} where seq = {seq}");
                scene.tampered(&sql, &format!("{table} row {seq},"));
            }
        }
    }
}

#[test]
fn a_row_that_was_removed_is_found_by_the_row_after_it() {
    let mut scene = Scene::new();
    for table in CHAINS {
        let positions = scene.positions(table);
        for (index, seq) in positions.iter().enumerate() {
            let sql = format!("delete from evmig.{table} where seq = {seq}");
            let named = match (table, positions.get(index + 1)) {
                (_, Some(next)) => format!("{table} row {next},"),
                // The end of the run that wrote the last row still has that row's hash.
                ("migration", None) => "checkpoint row ".to_owned(),
                ("statement" | "checkpoint", None) => "run row ".to_owned(),
                (_, None) => "the newest run is not the one that was written last".to_owned(),
            };
            scene.tampered(&sql, &named);
        }
        scene.tampered(&format!("delete from evmig.{table}"), "");
    }
}

#[test]
fn rows_that_were_moved_or_forged_are_found() {
    let mut scene = Scene::new();
    for table in CHAINS {
        let positions = scene.positions(table);
        let (one, two) = (positions[0], positions[2]);
        let swap = format!(
            "update evmig.{table} set seq = -1 where seq = {one};
             update evmig.{table} set seq = {one} where seq = {two};
             update evmig.{table} set seq = {two} where seq = -1"
        );
        scene.tampered(&swap, &format!("{table} row {one},"));
        let last = positions[positions.len() - 1];
        let id = if table == "run" {
            ", id = 'forged'"
        } else {
            ""
        };
        for at in [last + 1000, positions[0] - 1] {
            let forge = format!(
                "create temp table forged as select * from evmig.{table} where seq = {last};
                 update forged set seq = {at}{id};
                 insert into evmig.{table} table forged; drop table forged"
            );
            scene.tampered(&forge, &format!("{table} row {at},"));
        }
    }
}

/// The columns of a row with a value each that differs in as little as its type allows.
fn changes(session: &mut Session, table: &str, seq: i64) -> Vec<(String, String)> {
    let columns = session.lines(&format!(
        "select column_name, data_type from information_schema.columns
         where table_schema = 'evmig' and table_name = '{table}' and column_name <> 'seq'
         order by ordinal_position"
    ));
    let mut changes = Vec::new();
    for line in columns {
        let (column, kind) = line.split_once('|').expect("two columns");
        let is_null = session.value(&format!(
            "select {column} is null from evmig.{table} where seq = {seq}"
        )) == "t";
        let change = match (kind, column) {
            (_, "outcome") => "case outcome when 'failed' then 'applied' else 'failed' end".into(),
            (_, "action") => "case action when 'apply' then 'repair' else 'apply' end".into(),
            (_, "moment") => "case moment when 'end' then 'begin' else 'end' end".into(),
            (_, "state") => "case state when 'done' then 'failed' else 'done' end".into(),
            ("text", _) => format!("coalesce({column}, '') || ' '"),
            ("ARRAY", _) => format!("{column} || array['x']"),
            ("bigint" | "integer" | "double precision", _) => format!("coalesce({column}, 0) + 1"),
            ("timestamp with time zone", _) => {
                format!("coalesce({column}, now()) + interval '1 microsecond'")
            }
            other => panic!("no change for {other:?}"),
        };
        changes.push((column.to_owned(), change));
        let nullable = session.value(&format!(
            "select is_nullable from information_schema.columns where table_schema = 'evmig'
             and table_name = '{table}' and column_name = '{column}'"
        )) == "YES";
        if nullable && !is_null {
            changes.push((column.to_owned(), "null".to_owned()));
        }
    }
    changes
}

#[test]
fn a_row_of_refinerys_table_that_was_changed_is_found() {
    let mut scene = Scene::new();
    let table = "evmig.refinery_schema_history";
    for (sql, named) in [
        (
            format!("update {table} set name = 'x' where version = 2"),
            "version 2 ",
        ),
        (
            format!("update {table} set checksum = '1' where version = 3"),
            "version 3 ",
        ),
        (
            format!("update {table} set checksum = null where version = 3"),
            "version 3 ",
        ),
        (
            format!("update {table} set applied_on = '2020-01-01T00:00:00Z' where version = 1"),
            "version 1 ",
        ),
        (
            format!("update {table} set applied_on = null where version = 1"),
            "version 1 ",
        ),
        (
            format!("update {table} set version = 9 where version = 1"),
            "version ",
        ),
        (
            format!("delete from {table} where version = 1"),
            "version 1 ",
        ),
        (
            format!("delete from {table} where version = 4"),
            "version 4 ",
        ),
        (
            format!("insert into {table} values (7, 'x', '2020-01-01T00:00:00Z', '1')"),
            "version 7 ",
        ),
    ] {
        scene.tampered(&sql, named);
    }
    scene.tampered(
        "update evmig.meta set last_run_hash = 'x'",
        "the newest run is not the one that was written last",
    );
}

#[test]
fn a_catalog_that_is_not_what_its_fingerprint_was_made_of_is_found() {
    let mut scene = Scene::new();
    let fingerprint = scene
        .culprit
        .value("select fingerprint from evmig.checkpoint order by seq limit 1");
    for change in [
        "document = document || ' '",
        "document = ''",
        "fingerprint = 'x'",
    ] {
        let sql = format!("update evmig.catalog set {change} where fingerprint = '{fingerprint}'");
        let named = if change.starts_with('f') {
            "the document of catalog x "
        } else {
            &format!("the document of catalog {fingerprint} ")
        };
        scene.tampered(&sql, named);
    }
    // What is not kept any more is no tampering.
    scene.culprit.execute("delete from evmig.catalog");
    assert_eq!(scene.verify().code, 0);
}

/// What cannot be read at all is refused in words, and nothing is written over it.
#[test]
fn a_history_out_of_shape_is_refused_in_words() {
    let mut scene = Scene::new();
    for (break_it, mend, code, words) in [
        (
            "alter table evmig.migration rename to gone",
            "alter table evmig.gone rename to migration",
            5,
            "migration",
        ),
        (
            "alter table evmig.migration rename column sha256 to checksum",
            "alter table evmig.migration rename column checksum to sha256",
            5,
            "sha256",
        ),
        (
            "alter table evmig.run rename column actor to who",
            "alter table evmig.run rename column who to actor",
            5,
            "actor",
        ),
        (
            "alter table evmig.meta rename column format to version",
            "alter table evmig.meta rename column version to format",
            5,
            "format",
        ),
        (
            "alter table evmig.refinery_schema_history rename to gone",
            "alter table evmig.gone rename to refinery_schema_history",
            5,
            "refinery_schema_history",
        ),
        ("delete from evmig.meta", "", 5, "no valid format"),
        ("update evmig.meta set format = 4", "", 5, "has format 4"),
        ("update evmig.meta set format = 0", "", 5, "no valid format"),
        (
            "update evmig.meta set refinery_table = 'other.refinery_schema_history'",
            "",
            5,
            "other.refinery_schema_history",
        ),
        (
            "update evmig.migration set action = 'destroy' where seq = 2",
            "",
            7,
            "migration row 2,",
        ),
        (
            "update evmig.migration set key = '' where seq = 2",
            "",
            7,
            "migration row 2,",
        ),
    ] {
        let before = scene.culprit.lines("table evmig.run");
        scene.culprit.execute(break_it);
        let verdict = scene.verify();
        assert_eq!(verdict.code, code, "{break_it}\n{}", verdict.whole);
        assert!(
            verdict.message.contains(words),
            "{break_it}\n{}",
            verdict.whole
        );
        for words in ["apply", "status", "history"] {
            let output = scene.run(words);
            let said = format!("{break_it}: {words}\n{}", output.snapshot());
            // What has nothing to do does not read the runs, and `history` shows edited rows too.
            let may_succeed = words == "history" || break_it.contains("evmig.run");
            assert!(
                [5, 7].contains(&output.code()) || (may_succeed && output.code() == 0),
                "{said}"
            );
            assert!(!said.contains("panicked"), "{said}");
        }
        scene.culprit.execute(mend);
        assert_eq!(scene.culprit.lines("table evmig.run"), before, "{break_it}");
        scene.restore();
    }
    assert_eq!(scene.verify().code, 0);
}

#[test]
fn a_schema_of_another_tool_with_the_same_name_is_refused_and_left_alone() {
    for foreign in [
        "create schema evmig; create table evmig.meta (key text, value text)",
        "create schema evmig; create table evmig.run (id int)",
        "create schema evmig; create view evmig.migration as select 1 as one",
        "create schema evmig; create table evmig.refinery_schema_history (version text)",
    ] {
        let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Superuser);
        database.execute(foreign);
        let relations = "select relname, relkind from pg_class where relnamespace = 'evmig'::regnamespace \
                         order by relname";
        let before = database.lines(relations);
        let project = Project::one_phase().migration("V1__a", "create table a (id int);\n");
        let output = Evmig::new(&project, "apply").on(&database).run().exits(5);
        assert!(
            output.stderr.contains("history_schema"),
            "{foreign}\n{}",
            output.stderr
        );
        assert_eq!(database.lines(relations), before, "{foreign}");
        assert_eq!(database.value("select to_regclass('public.a')"), "NULL");
    }
}

fn wait_for_sleep(session: &mut Session) {
    let begun = std::time::Instant::now();
    while session.value(
        "select count(*) from pg_stat_activity where wait_event = 'PgSleep' \
         and datname = current_database()",
    ) == "0"
    {
        assert!(
            begun.elapsed().as_secs() < 30,
            "the migration does not begin"
        );
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
