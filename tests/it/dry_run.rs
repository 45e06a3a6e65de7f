//! `evmig apply --dry-run` and `evmig plan` where the target is not what its history says.

use super::harness::{Evmig, Project, Role, Server, Shape, Target};

/// Runs a command on a target, with the throw-away databases on another database's server.
fn looks(project: &Project, args: &str, target: &Target, shadow: &Target) -> Evmig {
    Evmig::new(project, args)
        .on(target)
        .env("EVMIG_SHADOW_URL", shadow.url())
}

/// What changed by hand on the target after the last run.
const DRIFT: &str = "create table by_hand (id int primary key); \
                     create index by_hand_i on t (a); create policy p on t using (true)";

#[test]
fn a_target_that_was_changed_by_hand_is_made_again_from_its_dump() {
    let server = Server::shared(15, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    let project = Project::one_phase()
        .migration("V1__t", "create table t (id int primary key, a int);")
        .migration("V2__u", "alter table by_hand add column b int;");
    Evmig::new(&project, "apply --to 1")
        .on(&database)
        .run()
        .succeeds();
    database.execute(DRIFT);
    let shadow = server.admin("postgres");
    let report = looks(&project, "plan --format json", &database, &shadow)
        .run()
        .succeeds()
        .json();
    assert_eq!(report["before"]["origin"], "dump", "{report}");
    assert_eq!(report["before"]["proven"], true);
}

#[test]
fn drift_without_a_dump_is_told_and_proves_nothing() {
    // There is no pg_dump of this major, and an older one does not read its catalog.
    let server = Server::shared(18, Shape::Plain);
    let database = server.database(Shape::Plain, Role::Superuser);
    let project = Project::one_phase()
        .migration("V1__t", "create table t (id int primary key, a int);")
        .migration("V2__u", "alter table by_hand add column b int;");
    Evmig::new(&project, "apply --to 1")
        .on(&database)
        .run()
        .succeeds();
    database.execute(DRIFT);
    let shadow = server.admin("postgres");
    let output = looks(&project, "apply --dry-run", &database, &shadow)
        .run()
        .exits(1);
    assert!(output.stdout.contains("NOT PROVEN"), "{}", output.stdout);
    assert!(output.stdout.contains("table public.by_hand"));
    assert!(output.stdout.contains("no pg_dump of PostgreSQL 18"));
    assert!(
        output
            .stderr
            .contains("relation \"by_hand\" does not exist")
    );
}
