//! The tests of `classify.rs`, in a file of their own for their length.

use super::super::control::Control;
use super::super::name::QualifiedName;
use super::super::outside::{GlobalKind, ReindexTarget};
use super::*;
use proptest::prelude::*;

fn qualified(schema: &str, name: &str) -> QualifiedName {
    QualifiedName {
        schema: (!schema.is_empty()).then(|| schema.to_owned()),
        name: name.to_owned(),
    }
}

#[test]
fn classes_of_objects() {
    use ObjectClass as Class;
    for (statement, class) in [
        ("create extension if not exists citext", Class::Extension),
        ("create schema a", Class::Schema),
        ("create domain d as text", Class::Type),
        ("alter type t add value 'a'", Class::Type),
        ("create unlogged table t ()", Class::Table),
        ("create temp table t as select 1", Class::Table),
        ("comment on column t.c is 'x'", Class::Table),
        ("comment on constraint c on t is 'x'", Class::Table),
        ("comment on constraint c on domain d is 'x'", Class::Type),
        ("create temporary sequence s", Class::Sequence),
        (
            "create or replace recursive view v (a) as select 1",
            Class::View,
        ),
        ("create materialized view v as select 1", Class::View),
        ("drop materialized view v", Class::View),
        ("create unique index on t (a)", Class::Index),
        ("drop index i", Class::Index),
        (
            "create or replace procedure p() language sql as ''",
            Class::Function,
        ),
        ("drop routine r", Class::Function),
        (
            "create constraint trigger x after insert on t execute function f()",
            Class::Trigger,
        ),
        (
            "create event trigger x on ddl_command_end execute function f()",
            Class::EventTrigger,
        ),
        ("create policy p on t", Class::Policy),
        (
            "alter table only t enable row level security",
            Class::Policy,
        ),
        (
            "alter table if exists a.t no force row level security",
            Class::Policy,
        ),
        ("grant select on t to x", Class::Grant),
        ("revoke all on t from x", Class::Grant),
        (
            "alter default privileges in schema a grant select on tables to x",
            Class::Grant,
        ),
        ("alter table t owner to x", Class::Grant),
        ("alter function f(int) owner to x", Class::Grant),
        ("reassign owned by a to b", Class::Grant),
        ("alter view v rename column owner to boss", Class::View),
        ("alter table t rename owner to boss", Class::Table),
    ] {
        assert_eq!(classify(statement).object, class, "{statement}");
    }
}

#[test]
fn classes_of_the_other_statements() {
    use ObjectClass as Class;
    for (statement, class) in [
        ("create user u", Class::Role),
        ("alter group g add user u", Class::Role),
        ("drop owned by x", Class::Role),
        (
            "create or replace rule r as on insert to t do nothing",
            Class::Rule,
        ),
        ("create statistics s on a, b from t", Class::Statistics),
        ("drop publication p", Class::Publication),
        ("alter subscription s disable", Class::Subscription),
        ("create user mapping for x server s", Class::Foreign),
        ("create foreign table f () server s", Class::Foreign),
        ("create server s foreign data wrapper w", Class::Foreign),
        (
            "import foreign schema a from server s into b",
            Class::Foreign,
        ),
        (
            "create operator class o for type int using btree as storage int",
            Class::Other,
        ),
        (
            "create text search dictionary d (template = simple)",
            Class::Other,
        ),
        ("create trusted language l", Class::Other),
        ("create cast (a as b) without function", Class::Other),
        ("((select 1) union select 2)", Class::Data),
        (
            "with a as (select 1) insert into t select * from a",
            Class::Data,
        ),
        ("table t", Class::Data),
        ("truncate t", Class::Data),
        ("copy t from stdin", Class::Data),
        ("call p()", Class::Data),
        ("do $$ begin end $$", Class::Code),
        ("vacuum", Class::Maintenance),
        ("refresh materialized view v", Class::Maintenance),
        ("set search_path to a", Class::Setting),
        ("lock table t", Class::Setting),
        ("alter system set a = 1", Class::Setting),
        ("begin", Class::Transaction),
        ("prepare transaction 'a'", Class::Transaction),
        ("prepare a as select 1", Class::Data),
        ("security label for x on table t is 'y'", Class::Table),
        ("frobnicate", Class::Other),
        ("\"create\" table t", Class::Other),
        ("/* drop */ CrEaTe -- x\n Table t ()", Class::Table),
        ("", Class::Other),
    ] {
        assert_eq!(classify(statement).object, class, "{statement}");
    }
}

#[test]
fn a_statement_may_touch_several_classes() {
    use ObjectClass as Class;
    for (statement, classes) in [
        (
            "alter table t add column a numeric(1, 2), owner to x, force row level security, disable trigger y",
            vec![Class::Table, Class::Trigger, Class::Policy, Class::Grant],
        ),
        (
            "alter foreign table t enable always rule r",
            vec![Class::Rule],
        ),
        (
            "create schema s create table t () create unique index on t (a) grant select on t to x",
            vec![Class::Schema, Class::Table, Class::Index, Class::Grant],
        ),
        ("select * into t from u", vec![Class::Table, Class::Data]),
        (
            "with a as (select 1) select * into t from a",
            vec![Class::Table, Class::Data],
        ),
        (
            "select (select 1 as into), a.into, 1 as into from t",
            vec![Class::Data],
        ),
        (
            "with a as (select 1) insert into t select 1",
            vec![Class::Data],
        ),
    ] {
        let found: Vec<_> = classify(statement).objects.iter().collect();
        assert_eq!(found, classes, "{statement}");
    }
}

#[test]
fn transaction_control() {
    for (statement, control, chain) in [
        (
            "begin work isolation level serializable",
            Control::Begin,
            false,
        ),
        ("start transaction", Control::Begin, false),
        ("end", Control::Commit, false),
        ("commit transaction and chain", Control::Commit, true),
        ("commit and no chain", Control::Commit, false),
        ("abort and chain", Control::Rollback, true),
        (
            "rollback transaction to savepoint a",
            Control::RollbackTo,
            false,
        ),
        ("rollback to a", Control::RollbackTo, false),
        ("release a", Control::Release, false),
        ("savepoint a", Control::Savepoint, false),
        (
            "prepare transaction 'x'",
            Control::PrepareTransaction,
            false,
        ),
        ("commit prepared 'x'", Control::CommitPrepared, false),
        ("rollback prepared 'x'", Control::RollbackPrepared, false),
    ] {
        let wanted = Some(Transaction { control, chain });
        assert_eq!(classify(statement).transaction, wanted, "{statement}");
    }
    for statement in [
        "set transaction read only",
        "prepare x as select 1",
        "start x",
        "select 1",
    ] {
        assert_eq!(classify(statement).transaction, None, "{statement}");
    }
}

#[test]
fn statements_that_cannot_run_in_a_transaction() {
    use OutsideReason as Reason;
    for (statement, reason) in [
        (
            "create index concurrently on t (a)",
            Reason::CreateIndexConcurrently,
        ),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)",
            Reason::CreateIndexConcurrently,
        ),
        (
            "drop index concurrently if exists i",
            Reason::DropIndexConcurrently,
        ),
        ("reindex index concurrently i", Reason::ReindexConcurrently),
        (
            "reindex (verbose, concurrently) table t",
            Reason::ReindexConcurrently,
        ),
        (
            "reindex (concurrently on) table t",
            Reason::ReindexConcurrently,
        ),
        ("reindex database", Reason::ReindexMany),
        ("reindex (verbose) system d", Reason::ReindexMany),
        ("reindex schema s", Reason::ReindexMany),
        ("vacuum (full) t", Reason::Vacuum),
        ("cluster", Reason::ClusterAll),
        ("cluster (verbose)", Reason::ClusterAll),
        ("cluster verbose", Reason::ClusterAll),
        ("alter system reset all", Reason::AlterSystem),
        ("create database d", Reason::CreateDatabase),
        (
            "drop database if exists d with (force)",
            Reason::DropDatabase,
        ),
        (
            "alter database \"d\" set tablespace t",
            Reason::AlterDatabaseTablespace,
        ),
        (
            "create tablespace t location '/x'",
            Reason::CreateTablespace,
        ),
        ("drop tablespace t", Reason::DropTablespace),
        (
            "create subscription s connection 'c' publication p",
            Reason::CreateSubscription,
        ),
        (
            "create subscription s connection 'c' publication p with (create_slot)",
            Reason::CreateSubscription,
        ),
        ("drop subscription s", Reason::DropSubscription),
        (
            "alter subscription s refresh publication",
            Reason::AlterSubscription,
        ),
        (
            "alter subscription s set publication p",
            Reason::AlterSubscription,
        ),
        (
            "alter subscription s add publication p with (copy_data = off)",
            Reason::AlterSubscription,
        ),
        (
            "alter subscription s set (failover = true)",
            Reason::AlterSubscription,
        ),
        (
            "alter table only a.p detach partition c concurrently",
            Reason::DetachConcurrently,
        ),
        ("discard all", Reason::DiscardAll),
        ("commit prepared 'x'", Reason::CommitPrepared),
        ("rollback prepared 'x'", Reason::RollbackPrepared),
    ] {
        assert_eq!(
            classify(statement).outside_transaction,
            Some(reason),
            "{statement}"
        );
    }
}

#[test]
fn statements_that_can_run_in_a_transaction() {
    for statement in [
        "create index i on t (concurrently)",
        "drop index i",
        "reindex table t",
        "reindex (concurrently off) index i",
        "reindex (concurrently = false, verbose) index i",
        "cluster t",
        "cluster (verbose) t using i",
        "analyze",
        "alter database d set work_mem = 1",
        "create subscription s connection 'c' publication p with (enabled = off, create_slot = false)",
        "create subscription s connection 'c' publication p with (\"connect\" = 'false')",
        "alter subscription s drop publication p with (refresh = false)",
        "alter subscription s set (synchronous_commit = off)",
        "alter subscription s disable",
        "alter table p detach partition c",
        "alter table p detach partition c finalize",
        "alter type t add value 'a'",
        "discard plans",
        "select 'vacuum'",
        "commit",
        "drop table database",
    ] {
        assert_eq!(classify(statement).outside_transaction, None, "{statement}");
    }
}

#[test]
fn names_of_concurrent_statements() {
    for (statement, wanted) in [
        (
            "create unique index concurrently if not exists \"My\"\"I\" on only S.T using btree (a)",
            Concurrent::CreateIndex {
                name: Some("My\"I".into()),
                table: qualified("s", "t"),
                unique: true,
                if_not_exists: true,
            },
        ),
        (
            "create index concurrently on db.s.t (a)",
            Concurrent::CreateIndex {
                name: None,
                table: qualified("s", "t"),
                unique: false,
                if_not_exists: false,
            },
        ),
        (
            "create index concurrently U&\"d!0061t\" uescape '!' on U&\"\\0054\" (a)",
            Concurrent::CreateIndex {
                name: Some("dat".into()),
                table: qualified("", "T"),
                unique: false,
                if_not_exists: false,
            },
        ),
        (
            "drop index concurrently if exists a.b, C cascade",
            Concurrent::DropIndex {
                names: vec![qualified("a", "b"), qualified("", "c")],
                if_exists: true,
            },
        ),
        (
            "reindex (concurrently) table s.t",
            Concurrent::Reindex {
                what: ReindexTarget::Table,
                name: Some(qualified("s", "t")),
            },
        ),
        (
            "reindex database concurrently",
            Concurrent::Reindex {
                what: ReindexTarget::Database,
                name: None,
            },
        ),
        (
            "alter table if exists p * detach partition s.c concurrently",
            Concurrent::Detach {
                parent: qualified("", "p"),
                partition: qualified("s", "c"),
            },
        ),
    ] {
        assert_eq!(
            classify(statement).concurrent.as_deref(),
            Some(&wanted),
            "{statement}"
        );
    }
    for statement in [
        "create index i on t (a)",
        "create index concurrently 'x' on t (a)",
        "reindex table t",
        "alter table p detach partition c",
    ] {
        assert_eq!(classify(statement).concurrent, None, "{statement}");
    }
}

#[test]
fn names_of_global_objects() {
    for (statement, kind, name, drops, if_exists) in [
        (
            "create database \"D\"",
            GlobalKind::Database,
            "D",
            false,
            false,
        ),
        (
            "drop database if exists D",
            GlobalKind::Database,
            "d",
            true,
            true,
        ),
        (
            "create tablespace t location ''",
            GlobalKind::Tablespace,
            "t",
            false,
            false,
        ),
        (
            "drop subscription s",
            GlobalKind::Subscription,
            "s",
            true,
            false,
        ),
    ] {
        let wanted = Global {
            kind,
            name: name.into(),
            drops,
            if_exists,
        };
        assert_eq!(
            classify(statement).global.as_deref(),
            Some(&wanted),
            "{statement}"
        );
    }
    assert_eq!(classify("create table database ()").global, None);
}

#[test]
fn enum_values() {
    let wanted = EnumValue {
        type_name: qualified("a", "Mood"),
        value: "it's".into(),
    };
    for statement in [
        "alter type a.\"Mood\" add value 'it''s'",
        "ALTER TYPE a.\"Mood\" ADD VALUE IF NOT EXISTS E'it\\'s' BEFORE 'x'",
    ] {
        assert_eq!(
            classify(statement).adds_enum_value.as_deref(),
            Some(&wanted)
        );
    }
    assert_eq!(
        classify("alter type a rename value 'a' to 'b'").adds_enum_value,
        None
    );
}

#[test]
fn what_ends_the_session_state_of_the_runner() {
    for statement in ["reset all", "discard all"] {
        assert!(classify(statement).resets_settings, "{statement}");
    }
    for statement in [
        "reset role",
        "reset \"all\"",
        "reset session authorization",
        "set session authorization default",
        "set session authorization x",
        "discard temp",
    ] {
        assert!(!classify(statement).resets_settings, "{statement}");
    }
    for statement in [
        "discard all",
        "select pg_catalog.PG_advisory_unlock_ALL()",
        "select \"pg_advisory_unlock_all\"()",
        "do $$ begin perform pg_advisory_unlock_all(); end $$",
    ] {
        assert!(classify(statement).unlocks_advisory, "{statement}");
    }
    for statement in [
        "select pg_advisory_unlock(1)",
        "select 'pg_advisory_unlock_all' -- pg_advisory_unlock_all()",
        "create function f() returns void language sql as $$ select pg_advisory_unlock_all() $$",
    ] {
        assert!(!classify(statement).unlocks_advisory, "{statement}");
    }
}

#[test]
fn copies() {
    use CopyDirection::{FromStdin, ToStdout};
    for (statement, direction) in [
        (
            "copy t (a, \"from\") from stdin with (format csv)",
            Some(FromStdin),
        ),
        ("COPY BINARY t FROM STDIN", Some(FromStdin)),
        ("copy t from stdout", Some(FromStdin)),
        ("copy (select 1 from t) to stdout", Some(ToStdout)),
        ("copy t to stdin", Some(ToStdout)),
        ("copy t from 'stdin'", None),
        ("copy t from program 'stdin'", None),
        ("select 1 from stdin", None),
    ] {
        assert_eq!(classify(statement).copy, direction, "{statement}");
    }
}

#[test]
fn strings_must_stay_standard() {
    for (statement, off) in [
        ("set standard_conforming_strings = off", true),
        ("set session standard_conforming_strings to 'f'", true),
        ("set local \"standard_conforming_strings\" = 0", true),
        ("set standard_conforming_strings = on", false),
        ("set standard_conforming_strings to default", false),
        ("set backslash_quote = off", false),
    ] {
        assert_eq!(classify(statement).nonstandard_strings, off, "{statement}");
    }
}

proptest! {
    #[test]
    fn any_text_is_classified(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "create", "alter", "drop", "comment", "on", "index", "concurrently", "table", "schema", "type", "add",
                "value", "reindex", "(", ")", ",", ".", "U&\"\\00", "\"a\"", "U&\"é\\0\"", "uescape", "'", "'é'",
                "E'\\", "detach", "partition", "copy", "from", "stdin", "set", "=", "owner", "to", "with", "select",
                "into", "subscription", "database", "cluster", "é", "constraint", "domain", "$$", "*",
            ]),
            0..12,
        ),
        text in "(?s).{0,20}",
    ) {
        let _class = classify(&words.join(" "));
        let _class = classify(&words.concat());
        let class = classify(&format!("{} {text}", words.join(" ")));
        prop_assert!(class.objects.contains(class.object));
    }
}
