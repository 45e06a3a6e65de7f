//! Rollback scripts with statements that no transaction can have: as few transactions as there can be,
//! each of the others journalled, and what was stopped is finished by the same command.

use super::harness::Project;
use super::rollback::{database, evmig, reverted, table, tables};

/// An index that is dropped `CONCURRENTLY`, between two plain migrations.
fn indexed() -> Project {
    let project = table(Project::one_phase(), 1, "people");
    let project = project
        .migration(
            "V2__index",
            "create index concurrently people_id on people (id);\ncreate table notes (id int);\n",
        )
        .rollback(
            "V2__index",
            "drop table notes;\ndrop index concurrently people_id;\n",
        );
    table(project, 3, "pets")
}

#[test]
fn what_cannot_be_one_transaction_is_as_few_as_can_be() {
    let (project, database) = (indexed(), database());
    evmig(&project, &database, "apply").succeeds();
    let output = evmig(&project, &database, "rollback --all --format json").succeeds();
    assert_eq!(reverted(&output), ["V3", "V2", "V1"]);
    assert_eq!(output.json()["plan"]["transactions"], 3);
    assert_eq!(tables(&database), [""; 0]);
    let journal = "select key || ' ' || position || ' ' || state from evmig.statement \
                   where key like '%:%' order by seq";
    assert_eq!(
        database.lines(journal),
        [
            "undo:3 0 intent",
            "undo:2 1 intent",
            "undo:1 2 intent",
            "down:2 0 done",
            "down:2 1 intent",
            "down:2 1 done"
        ]
    );
    evmig(&project, &database, "history --verify").succeeds();
    evmig(&project, &database, "rollback --all").exits(5);
    evmig(&project, &database, "apply").succeeds();
    let output = evmig(&project, &database, "rollback --format json").succeeds();
    assert_eq!(reverted(&output), ["V3", "V2", "V1"]);
}

#[test]
fn a_rollback_that_stops_half_way_is_seen_and_goes_on() {
    let project = indexed().rollback(
        "V2__index",
        "drop table notes;\ndrop index concurrently people_id;\ndrop table nothing;\n",
    );
    let database = database();
    evmig(&project, &database, "apply").succeeds();
    let output = evmig(&project, &database, "rollback").exits(3);
    insta::assert_snapshot!(output.snapshot(), @"");
    let refused = evmig(&project, &database, "apply").exits(5);
    insta::assert_snapshot!(refused.snapshot(), @"");
    let status = evmig(&project, &database, "status").succeeds();
    insta::assert_snapshot!(status.snapshot(), @"");
    evmig(&project, &database, "rollback --last 1").exits(5);
    database.execute("create table nothing ()");
    let output = evmig(&project, &database, "rollback --format json").succeeds();
    assert_eq!(reverted(&output), ["V2", "V1"]);
    assert!(output.json()["plan"]["continues"].is_string());
    assert_eq!(tables(&database), [""; 0]);
    evmig(&project, &database, "history --verify").succeeds();
}
