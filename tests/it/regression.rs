//! One test for each fault that was reported.

use std::time::Duration;

use super::harness::{Evmig, Holder, Project, Role, Server, Shape};

/// `init` in a folder that is not there yet asked the system to make the empty path.
#[test]
fn a_project_begins_in_a_folder_that_is_not_there() {
    let place = Project::empty();
    Evmig::new(&place, "init deep/er/shop").run().succeeds();
    assert!(place.path("deep/er/shop/phases.toml").is_file());
}

/// The `COMMIT` behind a statement that got no lock ends the failed transaction; the `ROLLBACK`
/// after it made the server warn that there is none, at every retry.
#[test]
fn a_retry_for_want_of_a_lock_warns_of_nothing() {
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner);
    database.session().execute("create table t (id int)");
    let project = Project::one_phase().migration("V1__column", "alter table t add a int;");
    let holder = Holder::reader(&database, "t", Duration::from_secs(30));
    let running = Evmig::new(&project, "apply --lock-timeout 100ms --lock-retries 50")
        .on(&database)
        .spawn();
    running.wait_for("retrying", Duration::from_secs(20));
    holder.release();
    let output = running.finish(Duration::from_mins(1)).succeeds();
    assert!(!output.stderr.contains("WARNING"), "{}", output.stderr);
}

/// Two arguments with one id let `repair` panic or read the wrong one.
#[test]
fn repair_takes_its_version() {
    let project = Project::one_phase();
    Evmig::new(&project, "repair 7 --reason")
        .arg("")
        .run()
        .exits(2);
    let help = Evmig::new(&project, "repair --help").run().succeeds();
    assert!(help.stdout.contains("<VERSION>"), "{}", help.stdout);
}

/// One statement was told as "1 statements".
#[test]
fn a_file_that_stopped_after_its_first_statement_is_told_in_the_singular() {
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner);
    let project = Project::one_phase().migration(
        "V1__halves",
        "-- evmig: no-transaction\ncreate table t (id int);\nselect 1 / 0;",
    );
    Evmig::new(&project, "apply").on(&database).run().exits(3);
    let output = Evmig::new(&project, "status")
        .on(&database)
        .run()
        .succeeds();
    let note = "1 statement is applied; statement 2 is next";
    assert!(output.stdout.contains(note), "{}", output.stdout);
}

/// Notices that come faster than they are read are shown, or counted and told (B82).
#[test]
fn no_notice_goes_without_a_word() {
    const SENT: usize = 100_000;
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner);
    let project = Project::one_phase().migration(
        "V1__chatty",
        &format!("do $$ begin for i in 1..{SENT} loop raise notice 'x'; end loop; end $$;\n"),
    );
    let output = Evmig::new(&project, "apply").on(&database).run().exits(0);
    let shown = output.stderr.matches("NOTICE: V1__chatty: x").count();
    let lost: usize = output
        .stderr
        .split("[notices-lost]: ")
        .nth(1)
        .and_then(|text| text.split(' ').next())
        .map_or(0, |number| number.parse().expect("a number"));
    assert_eq!(shown + lost, SENT, "{shown} shown, {lost} told of");
}

/// The history was read in the order of its positions' texts, 100 before 99: of a migration with several rows, the
/// newest did not always count.
#[test]
fn the_newest_row_counts_among_many() {
    let database = Server::shared(15, Shape::Plain).database(Shape::Plain, Role::Owner);
    let mut project = Project::one_phase();
    for number in 1..=9 {
        project = project
            .migration(
                &format!("V{number}__t{number}"),
                &format!("create table t{number} ();"),
            )
            .rollback(
                &format!("V{number}__t{number}"),
                &format!("drop table t{number};"),
            );
    }
    Evmig::new(&project, "apply").on(&database).run().succeeds();
    Evmig::new(&project, "rollback --yes")
        .on(&database)
        .run()
        .succeeds();
    let status = Evmig::new(&project, "status")
        .on(&database)
        .run()
        .succeeds();
    assert_eq!(
        status.stdout.matches("  reverted ").count(),
        9,
        "{}",
        status.stdout
    );
}
