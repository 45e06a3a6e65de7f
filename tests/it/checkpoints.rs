//! Checkpoints: what the history knows of the catalog, and the proof that a way back led to what was there before.

use evmig::history::locate::locate;
use evmig::history::model::Key;
use evmig::pg::session::Session;
use evmig::report::change::ObjectChange;
use evmig::runner::checkpoint::On;
use evmig::runner::proof::{self, Expected, Proof, Unproven};

use serde_json::Value;

use super::harness::{Database, Evmig, Output, Project, Role, Server, Shape};
use super::pg_server::{block_on, open};

/// All checkpoints: moment, the migration that they lie behind, the number of the fingerprint in order of appearance.
const ALL: &str = "select c.moment, coalesce(m.key, 'none'), dense_rank() over (order by f.first)
    from evmig.checkpoint c
    join (select fingerprint, min(seq) as first from evmig.checkpoint group by fingerprint) f
        using (fingerprint)
    left join evmig.migration m on m.seq = c.migration_seq
    order by c.seq";

fn project(migrations: usize) -> Project {
    (1..=migrations).fold(Project::one_phase(), |project, at| {
        let name = format!("V{at}__t{at}");
        project.migration(&name, &format!("create table t{at} (id int);\n"))
    })
}

fn database() -> Database {
    Server::shared(18, Shape::Plain).database(Shape::Plain, Role::Owner)
}

fn run(project: &Project, database: &Database, words: &str) -> Output {
    Evmig::new(project, words).on(database).run()
}

#[test]
fn a_short_run_has_one_before_and_one_behind_each_migration() {
    let (project, database) = (project(3), database());
    run(&project, &database, "apply").succeeds();
    let wanted = ["begin|none|1", "between|1|2", "between|2|3", "end|3|4"];
    assert_eq!(database.lines(ALL), wanted);
    // What changes nothing adds nothing, and what begins where the last one ended need not say it again.
    run(&project, &database, "apply").succeeds();
    assert_eq!(database.lines(ALL), wanted);
    project.write(
        "migrations/1_core/1_tables/V4__t4.sql",
        "create table t4 ();\n",
    );
    run(&project, &database, "apply").succeeds();
    assert_eq!(database.lines(ALL)[4..], ["end|4|5"]);
    let unkept = "select count(*) from evmig.checkpoint c where not exists (
        select from evmig.catalog k where k.fingerprint = c.fingerprint
            and k.fingerprint = encode(sha256(convert_to(k.document, 'UTF8')), 'hex'))";
    assert_eq!(database.value(unkept), "0");
    run(&project, &database, "history --verify").succeeds();
}

#[test]
fn a_long_run_has_one_before_and_one_behind_it() {
    let (project, database) = (project(9), database());
    run(&project, &database, "apply").succeeds();
    assert_eq!(database.lines(ALL), ["begin|none|1", "end|9|2"]);
}

#[test]
fn what_was_changed_by_hand_is_seen_by_the_next_run() {
    let (project, database) = (project(1), database());
    run(&project, &database, "apply").succeeds();
    database.execute("create table by_hand (id int)");
    project.write(
        "migrations/1_core/1_tables/V2__t2.sql",
        "create table t2 ();\n",
    );
    run(&project, &database, "apply").succeeds();
    assert_eq!(
        database.lines(ALL),
        ["begin|none|1", "end|1|2", "begin|1|3", "end|2|4"]
    );
}

#[test]
fn a_run_that_stops_has_one_where_it_stopped() {
    let (project, database) = (project(1), database());
    project.write(
        "migrations/1_core/1_tables/V2__i.sql",
        "create index concurrently i on t1 (id);\ncreate index concurrently j on t1 (jd);\n",
    );
    run(&project, &database, "apply").exits(3);
    assert_eq!(
        database.lines(ALL),
        ["begin|none|1", "between|1|2", "end|1|3"]
    );
    run(&project, &database, "history --verify").succeeds();
}

#[test]
fn the_newest_catalogs_are_kept_and_the_others_go() {
    let (project, database) = (project(1), database());
    run(&project, &database, "apply").succeeds();
    let kept = evmig::history::checkpoint::KEPT_CATALOGS;
    for at in 2..kept + 4 {
        project.write(
            &format!("migrations/1_core/1_tables/V{at}__t{at}.sql"),
            format!("create table t{at} ();\n"),
        );
        run(&project, &database, "apply").succeeds();
    }
    let count = |table: &str| database.value(&format!("select count(*) from evmig.{table}"));
    assert_eq!(count("catalog"), kept.to_string());
    assert_eq!(count("checkpoint"), (kept + 4).to_string());
    let newest = "select count(*) from (select fingerprint from evmig.checkpoint order by seq desc limit 32) c
        join evmig.catalog k using (fingerprint)";
    assert_eq!(database.value(newest), kept.to_string());
    run(&project, &database, "history --verify").succeeds();
}

/// The file is a dump of a database in which the last evmig that wrote format 1 has applied two migrations, failed in
/// the middle of a third, and finished it.
#[test]
fn a_history_of_format_1_is_upgraded_by_the_first_command_that_writes() {
    let (project, database) = (Project::one_phase(), database());
    let mut session = database.session();
    session.execute(include_str!("history_format_1.sql"));
    let project = project
        .migration("V1__people", "create table people (id int, age int);\n")
        .migration("V2__pets", "create table pets (id int);\n")
        .migration(
            "V3__index",
            "create index concurrently people_id on people (id);\n\
             create index concurrently people_age on people (age);\n",
        );
    let format = "select format from evmig.meta";
    let rows = "select count(*), md5(string_agg(m::text, ',' order by seq)) from evmig.migration m";
    let before = database.lines(rows);
    for words in ["status --exit-code", "history", "history --verify", "apply"] {
        run(&project, &database, words).succeeds();
        assert_eq!(database.value(format), "1", "{words}");
    }
    project.write(
        "migrations/1_core/1_tables/V4__more.sql",
        "create table more ();\n",
    );
    run(&project, &database, "apply").succeeds();
    assert_eq!(database.value(format), "3");
    assert_eq!(database.lines(ALL), ["begin|3|1", "end|4|2"]);
    assert_eq!(
        database.lines(&format!("{rows} where seq <= 3")),
        before,
        "the old rows are as they were"
    );
    run(&project, &database, "history --verify").succeeds();
    run(&project, &database, "status --exit-code").succeeds();
    // The chain of the old runs still holds, and is still watched.
    database.execute("update evmig.run set error = 'x' where seq = 1");
    run(&project, &database, "history --verify").exits(7);
}

#[test]
fn a_history_of_format_1_that_was_edited_is_found_before_the_upgrade_too() {
    let (project, database) = (project(1), database());
    database
        .session()
        .execute(include_str!("history_format_1.sql"));
    database.execute("update evmig.run set outcome = 'failed' where seq = 1");
    run(&project, &database, "history --verify").exits(7);
}

#[test]
fn a_failed_upgrade_leaves_format_1() {
    let database = database();
    let mut session = database.session();
    session.execute(include_str!("history_format_1.sql"));
    session.execute("create table evmig.checkpoint (mine int)");
    let project = Project::one_phase()
        .migration("V1__people", "create table people (id int, age int);\n")
        .migration("V2__pets", "create table pets (id int);\n")
        .migration(
            "V3__index",
            "create index concurrently people_id on people (id);\n\
             create index concurrently people_age on people (age);\n",
        )
        .migration("V4__more", "create table more ();\n");
    let output = run(&project, &database, "apply");
    assert_ne!(output.code(), 0);
    assert!(
        output.stderr.contains("already exists"),
        "{}",
        output.stderr
    );
    assert_eq!(database.value("select format from evmig.meta"), "1");
    assert_eq!(database.value("select to_regclass('more')"), "NULL");
    let columns = "select count(*) from pg_attribute where attrelid = 'evmig.run'::regclass
        and attname = 'end_checkpoint_hash'";
    assert_eq!(database.value(columns), "0");
}

#[test]
fn a_history_of_format_2_knows_no_renames_until_it_is_upgraded() {
    let (project, database) = (project(1), database());
    run(&project, &database, "apply").succeeds();
    database.execute(
        "alter table evmig.catalog drop column keys, drop column place; update evmig.meta set format = 2; \
         alter table t1 rename to t",
    );
    let told = || {
        let output = run(&project, &database, "diff --format json").succeeds();
        let changes = output.json()["changes"].as_array().unwrap().clone();
        let word = |change: &Value| change["change"].as_str().unwrap().to_owned();
        changes.iter().map(word).collect::<Vec<_>>()
    };
    assert_eq!(told(), ["added", "removed"]);
    run(&project, &database, "history --verify").succeeds();
    database.execute("alter table t rename to t1");
    project.write(
        "migrations/1_core/1_tables/V2__t2.sql",
        "create table t2 ();\n",
    );
    run(&project, &database, "apply").succeeds();
    assert_eq!(database.value("select format from evmig.meta"), "3");
    database.execute("alter table t1 rename to t");
    assert_eq!(told(), ["renamed"]);
    run(&project, &database, "history --verify").succeeds();
}

/// A way back that is gone by hand, in one transaction: what is undone, and what the proof says.
fn way_back(database: &Database, reverted: &[i64], down: &str) -> (Vec<String>, Proof) {
    let version = database.value("show server_version_num").parse().unwrap();
    let cluster = database.value("select system_identifier from pg_control_system()");
    block_on(async {
        let (session, _notices) = Session::new(open(&database.url(), None).await.unwrap());
        let located = locate(&session, "evmig", 0).await.unwrap();
        let store = located.store();
        let on = On {
            version,
            cluster: Some(&cluster),
        };
        let history = store.read(&session).await.unwrap();
        session.run("begin").await.unwrap();
        let keys: Vec<Key> = reverted
            .iter()
            .map(|version| Key::Version(*version))
            .collect();
        let expected: Expected = proof::before(&session, on, &store, &history.rows, &keys)
            .await
            .unwrap();
        session.run(down).await.unwrap();
        let (proof, _) = expected.compare(&session, &store).await.unwrap();
        session.run("rollback").await.unwrap();
        let drift = expected.drift().iter().map(|one| one.object.clone());
        (drift.collect(), proof)
    })
}

#[track_caller]
fn assert_differs(proof: &Proof, objects: &[&str]) {
    let Proof::Differs { differences } = proof else {
        panic!("{proof:?}");
    };
    let found: Vec<&str> = differences.iter().map(|one| one.object.as_str()).collect();
    assert_eq!(found, objects);
    assert!(differences.iter().all(|one| !one.diff.is_empty()));
}

#[test]
fn a_way_back_is_held_against_the_checkpoint_that_lies_where_it_leads() {
    let (project, database) = (project(3), database());
    run(&project, &database, "apply").succeeds();
    let proven = Proof::Proven { by_others: 0 };
    let back = |reverted: &[i64], down: &str| way_back(&database, reverted, down).1;
    assert_eq!(back(&[3], "drop table t3"), proven);
    assert_eq!(back(&[3, 2], "drop table t3, t2"), proven);
    assert_eq!(back(&[1, 2, 3], "drop table t1, t2, t3"), proven);
    assert_differs(&back(&[3, 2], "drop table t3"), &["table public.t2"]);
    assert_differs(
        &back(&[3], "drop table t3; comment on table t1 is 'x'"),
        &["table public.t1"],
    );
    // Nothing was remembered of 1 and 3 without 2.
    let proof = back(&[2], "drop table t2");
    let Proof::NotProven { why, changed } = proof else {
        panic!("{proof:?}");
    };
    assert_eq!(why, Unproven::NoCheckpoint);
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0].object, "table public.t2");
}

#[test]
fn a_way_back_that_renames_is_told_so() {
    let (project, database) = (project(3), database());
    run(&project, &database, "apply").succeeds();
    let renamed = |changes: &[ObjectChange]| {
        let mut told = changes
            .iter()
            .map(|one| (one.renamed_from.clone(), one.object.clone()));
        let first = told.next();
        assert!(told.next().is_none(), "{changes:?}");
        first
    };
    let wanted = Some((
        Some("table public.t1".to_owned()),
        "table public.t".to_owned(),
    ));
    let (_, proof) = way_back(&database, &[3], "drop table t3; alter table t1 rename to t");
    let Proof::Differs { differences } = proof else {
        panic!("{proof:?}");
    };
    assert_eq!(renamed(&differences), wanted);
    // Where nothing was remembered, its own pictures of before and after know it.
    let (_, proof) = way_back(&database, &[2], "alter table t1 rename to t");
    let Proof::NotProven { changed, .. } = proof else {
        panic!("{proof:?}");
    };
    assert_eq!(renamed(&changed), wanted);
}

#[test]
fn what_others_changed_is_told_and_is_not_the_way_backs_fault() {
    let (project, database) = (project(2), database());
    run(&project, &database, "apply").succeeds();
    database.execute(
        "create index by_hand on t1 (id); alter table t1 alter id set not null; create table own ()",
    );
    let (drift, proof) = way_back(&database, &[2], "drop table t2");
    assert_eq!(
        drift,
        [
            "table public.own",
            "column public.t1.id",
            "index by_hand on public.t1"
        ]
    );
    assert_eq!(proof, Proof::Proven { by_others: 3 });
    // Where the way back touches the same things, they are its own again.
    let (_, proof) = way_back(
        &database,
        &[2],
        "drop table t2; comment on index by_hand is 'x'; comment on column t1.id is 'x'",
    );
    assert_differs(
        &proof,
        &["column public.t1.id", "index by_hand on public.t1"],
    );
}

#[test]
fn what_others_changed_between_two_runs_is_known_too() {
    let (project, database) = (project(1), database());
    run(&project, &database, "apply").succeeds();
    database.execute("create table by_hand (id int)");
    project.write(
        "migrations/1_core/1_tables/V2__t2.sql",
        "create table t2 ();\n",
    );
    run(&project, &database, "apply").succeeds();
    let (drift, proof) = way_back(&database, &[2], "drop table t2");
    assert_eq!((drift.len(), proof), (0, Proof::Proven { by_others: 0 }));
    let (_, proof) = way_back(&database, &[1, 2], "drop table t1, t2");
    assert_eq!(proof, Proof::Proven { by_others: 1 });
    let (_, proof) = way_back(&database, &[1, 2], "drop table t1, t2, by_hand");
    assert_eq!(proof, Proof::Proven { by_others: 0 });
}

#[test]
fn without_the_document_the_fingerprint_still_proves_or_refutes() {
    let (project, database) = (project(2), database());
    run(&project, &database, "apply").succeeds();
    database.execute("delete from evmig.catalog");
    let (_, proof) = way_back(&database, &[2], "drop table t2");
    assert_eq!(proof, Proof::Proven { by_others: 0 });
    let (_, proof) = way_back(&database, &[2], "select 1");
    assert_differs(&proof, &[]);
}
