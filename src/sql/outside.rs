//! Statements that cannot run inside a transaction block, and what to look for in the catalog after them.

use super::classify::Verb;
use super::name::QualifiedName;
use super::token::Kind;
use super::touched::skip_table;
use super::words::{Cursor, Words};

/// Why a statement cannot run inside a transaction block (SQLSTATE 25001).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutsideReason {
    /// CREATE INDEX CONCURRENTLY.
    #[error("CREATE INDEX CONCURRENTLY cannot run inside a transaction")]
    CreateIndexConcurrently,
    /// DROP INDEX CONCURRENTLY.
    #[error("DROP INDEX CONCURRENTLY cannot run inside a transaction")]
    DropIndexConcurrently,
    /// REINDEX … CONCURRENTLY.
    #[error("REINDEX CONCURRENTLY cannot run inside a transaction")]
    ReindexConcurrently,
    /// REINDEX SCHEMA, DATABASE or SYSTEM, which commit after each table.
    #[error("REINDEX of a schema, database or system cannot run inside a transaction")]
    ReindexMany,
    /// ALTER TABLE … DETACH PARTITION … CONCURRENTLY.
    #[error("DETACH PARTITION CONCURRENTLY cannot run inside a transaction")]
    DetachConcurrently,
    /// VACUUM.
    #[error("VACUUM cannot run inside a transaction")]
    Vacuum,
    /// CLUSTER without a table.
    #[error("CLUSTER without a table cannot run inside a transaction")]
    ClusterAll,
    /// ALTER SYSTEM.
    #[error("ALTER SYSTEM cannot run inside a transaction")]
    AlterSystem,
    /// CREATE DATABASE.
    #[error("CREATE DATABASE cannot run inside a transaction")]
    CreateDatabase,
    /// DROP DATABASE.
    #[error("DROP DATABASE cannot run inside a transaction")]
    DropDatabase,
    /// ALTER DATABASE … SET TABLESPACE.
    #[error("ALTER DATABASE SET TABLESPACE cannot run inside a transaction")]
    AlterDatabaseTablespace,
    /// CREATE TABLESPACE.
    #[error("CREATE TABLESPACE cannot run inside a transaction")]
    CreateTablespace,
    /// DROP TABLESPACE.
    #[error("DROP TABLESPACE cannot run inside a transaction")]
    DropTablespace,
    /// CREATE SUBSCRIPTION that creates a replication slot.
    #[error("CREATE SUBSCRIPTION cannot run inside a transaction unless create_slot is false")]
    CreateSubscription,
    /// DROP SUBSCRIPTION, which drops the slot where there is one.
    #[error("DROP SUBSCRIPTION cannot run inside a transaction while it has a replication slot")]
    DropSubscription,
    /// ALTER SUBSCRIPTION that refreshes or changes the slot.
    #[error(
        "ALTER SUBSCRIPTION that refreshes or changes its slot cannot run inside a transaction"
    )]
    AlterSubscription,
    /// DISCARD ALL.
    #[error("DISCARD ALL cannot run inside a transaction")]
    DiscardAll,
    /// COMMIT PREPARED.
    #[error("COMMIT PREPARED cannot run inside a transaction")]
    CommitPrepared,
    /// ROLLBACK PREPARED.
    #[error("ROLLBACK PREPARED cannot run inside a transaction")]
    RollbackPrepared,
}

/// A `CONCURRENTLY` statement with the names that a catalog probe needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concurrent {
    /// CREATE INDEX CONCURRENTLY.
    CreateIndex {
        /// The index, which lands in the table's schema; `None` where the server chooses the name.
        name: Option<String>,
        /// The table or materialized view.
        table: QualifiedName,
        /// UNIQUE.
        unique: bool,
        /// IF NOT EXISTS.
        if_not_exists: bool,
    },
    /// DROP INDEX CONCURRENTLY.
    DropIndex {
        /// The indexes; the server takes only one.
        names: Vec<QualifiedName>,
        /// IF EXISTS.
        if_exists: bool,
    },
    /// REINDEX … CONCURRENTLY.
    Reindex {
        /// What is rebuilt.
        what: ReindexTarget,
        /// Its name; `None` for the current database (16 and later).
        name: Option<QualifiedName>,
    },
    /// ALTER TABLE … DETACH PARTITION … CONCURRENTLY.
    Detach {
        /// The partitioned table.
        parent: QualifiedName,
        /// The partition.
        partition: QualifiedName,
    },
}

/// What REINDEX rebuilds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReindexTarget {
    /// One index.
    Index,
    /// The indexes of one table.
    Table,
    /// Those of a schema.
    Schema,
    /// Those of the database.
    Database,
    /// Those of the system catalogs.
    System,
}

/// Creation or removal of an object outside all schemas that cannot be rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Global {
    /// What it is.
    pub kind: GlobalKind,
    /// Its name.
    pub name: String,
    /// DROP rather than CREATE.
    pub drops: bool,
    /// DROP … IF EXISTS.
    pub if_exists: bool,
}

/// The kinds of [`Global`] objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlobalKind {
    /// `pg_database`.
    Database,
    /// `pg_tablespace`.
    Tablespace,
    /// `pg_subscription`.
    Subscription,
}

/// Says why the statement cannot run inside a transaction block, where that can be read from its text.
///
/// What cannot be read, the server says with 25001: REINDEX or CLUSTER of a table that is partitioned, a function
/// that does one of these.
pub(super) fn reason(words: &Words, verb: Verb) -> Option<OutsideReason> {
    match verb {
        Verb::Vacuum => Some(OutsideReason::Vacuum),
        Verb::Create => create_reason(words),
        Verb::Drop => drop_reason(words),
        Verb::Alter => alter_reason(words),
        Verb::Reindex => {
            let reindex = reindex(words)?;
            if reindex.concurrently {
                Some(OutsideReason::ReindexConcurrently)
            } else {
                let one = matches!(reindex.what, ReindexTarget::Index | ReindexTarget::Table);
                (!one).then_some(OutsideReason::ReindexMany)
            }
        }
        Verb::Cluster => {
            let mut cursor = words.cursor(1);
            cursor.skip_parentheses();
            cursor.eat("verbose");
            (cursor.at >= words.len()).then_some(OutsideReason::ClusterAll)
        }
        Verb::Discard if words.is(1, "all") => Some(OutsideReason::DiscardAll),
        Verb::Transaction if words.are(0, &["commit", "prepared"]) => {
            Some(OutsideReason::CommitPrepared)
        }
        Verb::Transaction if words.are(0, &["rollback", "prepared"]) => {
            Some(OutsideReason::RollbackPrepared)
        }
        _ => None,
    }
}

fn create_reason(words: &Words) -> Option<OutsideReason> {
    if words.is(1, "database") {
        return Some(OutsideReason::CreateDatabase);
    }
    if words.is(1, "tablespace") {
        return Some(OutsideReason::CreateTablespace);
    }
    if words.is(1, "subscription") {
        let without = ["create_slot", "connect"]
            .iter()
            .any(|option| with_option(words, option) == Some(false));
        return (!without).then_some(OutsideReason::CreateSubscription);
    }
    let index = 1 + usize::from(words.is(1, "unique"));
    words
        .are(index, &["index", "concurrently"])
        .then_some(OutsideReason::CreateIndexConcurrently)
}

fn drop_reason(words: &Words) -> Option<OutsideReason> {
    match words.word(1).to_ascii_lowercase().as_str() {
        "database" => Some(OutsideReason::DropDatabase),
        "tablespace" => Some(OutsideReason::DropTablespace),
        "subscription" => Some(OutsideReason::DropSubscription),
        "index" if words.is(2, "concurrently") => Some(OutsideReason::DropIndexConcurrently),
        _ => None,
    }
}

fn alter_reason(words: &Words) -> Option<OutsideReason> {
    if words.is(1, "system") {
        return Some(OutsideReason::AlterSystem);
    }
    let mut cursor = words.cursor(1);
    if cursor.eat("database") {
        cursor.name()?;
        return cursor
            .eat_all(&["set", "tablespace"])
            .then_some(OutsideReason::AlterDatabaseTablespace);
    }
    if cursor.eat("subscription") {
        cursor.name()?;
        return alters_slot(words, cursor).then_some(OutsideReason::AlterSubscription);
    }
    detach(words).map(|_| OutsideReason::DetachConcurrently)
}

/// Whether an ALTER SUBSCRIPTION, its name read, talks to the publisher (subscriptioncmds.c).
fn alters_slot(words: &Words, mut action: Cursor) -> bool {
    if action.eat("refresh") {
        return true;
    }
    let set = action.eat("set");
    if set && words.kind(action.at) == Some(Kind::Open) {
        return ["failover", "two_phase"]
            .iter()
            .any(|option| words.boolean_option(action.at, option).is_some());
    }
    (set || action.eat("add") || action.eat("drop"))
        && action.eat("publication")
        && with_option(words, "refresh") != Some(false)
}

/// A boolean option of the statement's `WITH ( … )`.
fn with_option(words: &Words, name: &str) -> Option<bool> {
    let with = words.top_level(0).find(|&at| words.is(at, "with"))?;
    words.boolean_option(with + 1, name)
}

/// Reads the names of a `CONCURRENTLY` statement.
pub(super) fn concurrent(words: &Words, verb: Verb) -> Option<Concurrent> {
    match verb {
        Verb::Create => create_index(words),
        Verb::Drop => {
            let mut cursor = words.cursor(1);
            if !cursor.eat_all(&["index", "concurrently"]) {
                return None;
            }
            let if_exists = cursor.eat_all(&["if", "exists"]);
            let mut names = vec![cursor.qualified()?];
            while cursor.eat_kind(Kind::Comma) {
                names.push(cursor.qualified()?);
            }
            Some(Concurrent::DropIndex { names, if_exists })
        }
        Verb::Reindex => {
            let reindex = reindex(words).filter(|reindex| reindex.concurrently)?;
            Some(Concurrent::Reindex {
                what: reindex.what,
                name: reindex.name,
            })
        }
        Verb::Alter => detach(words),
        _ => None,
    }
}

fn create_index(words: &Words) -> Option<Concurrent> {
    let mut cursor = words.cursor(1);
    let unique = cursor.eat("unique");
    if !cursor.eat_all(&["index", "concurrently"]) {
        return None;
    }
    let if_not_exists = cursor.eat_all(&["if", "not", "exists"]);
    // ON is reserved, so it cannot be the index's name.
    let name = if words.is(cursor.at, "on") {
        None
    } else {
        Some(cursor.name()?)
    };
    if !cursor.eat("on") {
        return None;
    }
    cursor.eat("only");
    Some(Concurrent::CreateIndex {
        name,
        table: cursor.qualified()?,
        unique,
        if_not_exists,
    })
}

struct Reindex {
    what: ReindexTarget,
    concurrently: bool,
    name: Option<QualifiedName>,
}

fn reindex(words: &Words) -> Option<Reindex> {
    let mut cursor = words.cursor(1);
    let option = words.boolean_option(1, "concurrently").unwrap_or(false);
    cursor.skip_parentheses();
    let what = match words.word(cursor.at).to_ascii_lowercase().as_str() {
        "index" => ReindexTarget::Index,
        "table" => ReindexTarget::Table,
        "schema" => ReindexTarget::Schema,
        "database" => ReindexTarget::Database,
        "system" => ReindexTarget::System,
        _ => return None,
    };
    cursor.at += 1;
    let concurrently = cursor.eat("concurrently") || option;
    Some(Reindex {
        what,
        concurrently,
        name: cursor.qualified(),
    })
}

fn detach(words: &Words) -> Option<Concurrent> {
    let mut cursor = words.cursor(1);
    if !cursor.eat("table") {
        return None;
    }
    let parent = skip_table(&mut cursor, words)?;
    if !cursor.eat_all(&["detach", "partition"]) {
        return None;
    }
    let partition = cursor.qualified()?;
    cursor
        .eat("concurrently")
        .then_some(Concurrent::Detach { parent, partition })
}

/// Reads CREATE or DROP of a database, tablespace or subscription.
pub(super) fn global(words: &Words, verb: Verb) -> Option<Global> {
    let drops = match verb {
        Verb::Create => false,
        Verb::Drop => true,
        _ => return None,
    };
    let kind = match words.word(1).to_ascii_lowercase().as_str() {
        "database" => GlobalKind::Database,
        "tablespace" => GlobalKind::Tablespace,
        "subscription" => GlobalKind::Subscription,
        _ => return None,
    };
    let mut cursor = words.cursor(2);
    let if_exists = drops && cursor.eat_all(&["if", "exists"]);
    Some(Global {
        kind,
        name: cursor.name()?,
        drops,
        if_exists,
    })
}
