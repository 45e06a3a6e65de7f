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
    insta::assert_snapshot!(output.snapshot(), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    To roll back: 3 migrations, 5 statements, in 3 steps
      V3__pets                                                      core                   1 statement
      V2__index                                                     core                  3 statements
        outside of any transaction: drop index concurrently people_id;
      V1__people                                                    core                   1 statement
      script     the file in rollback/; as it was stored when the migration was applied
      loses      no row
                 and 3 tables without a row
    Run $RUN: 3 migrations, 5 statements
      V3__pets                                                          1 statement  $T
    error[sql-failed]: the rollback of V2__index failed at statement 3 of 3: table "nothing" does not
      exist
     --> rollback/1_core/1_tables/V2__index.sql:3:12
      |
    3 | drop table nothing;
      |            ^
      sqlstate   42P01 (undefined_table)
      hint       rollback goes on at statement 3; what is before it is committed, and must stay as it is
                 in the file
      committed  the rollback of V3__pets; the first 2 statements of the rollback of V2__index
      next       edit rollback/1_core/1_tables/V2__index.sql
                 evmig --database-url URL rollback --from-files
    --- exit 3 ---
    "#);
    let refused = evmig(&project, &database, "apply").exits(5);
    insta::assert_snapshot!(refused.snapshot(), @r"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    error[half-reverted]: the rollback of V2__index stopped half way
      hint       finish the rollback first; it goes on at the statement it stopped at
      next       evmig --database-url URL rollback
    --- exit 5 ---
    ");
    let status = evmig(&project, &database, "status").succeeds();
    let id = |command| {
        database.value(&format!(
            "select id from evmig.run where command = '{command}'"
        ))
    };
    let status = status
        .replacing(id("apply"), "$APPLY")
        .replacing(id("rollback"), "$ROLLBACK");
    insta::assert_snapshot!(status.snapshot(), @r"
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Server  PostgreSQL 17.x

    Phase 1  Core  partial: 1 of 3 applied
      tables
        applied    V1__people  $TIME  $APPLY
        FAILED     V2__index
                   its rollback stopped: 2 statements are done; statement 3 is next
        reverted   V3__pets  $TIME  $ROLLBACK

    warning[half-reverted]: a rollback stopped half way
      hint       it goes on at the statement it stopped at
      next       evmig --database-url URL rollback

    1 FAILED, 1 reverted
    --- stderr ---
    --- exit 0 ---
    ");
    evmig(&project, &database, "rollback --last 1").exits(5);
    database.execute("create table nothing ()");
    let output = evmig(&project, &database, "rollback --format json").succeeds();
    assert_eq!(reverted(&output), ["V2", "V1"]);
    assert!(output.json()["plan"]["continues"].is_string());
    assert_eq!(tables(&database), [""; 0]);
    evmig(&project, &database, "history --verify").succeeds();
}
