//! Says what a statement is, from its tokens alone.
//!
//! A statement that is not known is [`Verb::Other`] of class `other`: it is sent like any other, and the server
//! judges it.

use super::control::{self, Transaction};
use super::enum_value::{self, EnumValue};
use super::object::{ObjectClass, ObjectSet};
use super::outside::{self, Concurrent, Global, OutsideReason};
use super::token::{Kind, Quoting, Token, Tokens};
use super::touched::touched;
use super::words::Words;

/// What a statement is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its leading keyword.
    pub verb: Verb,
    /// The class of object that it is about; for `ALTER TABLE` with several actions, that of the first.
    pub object: ObjectClass,
    /// Every class that it touches, `object` included.
    pub objects: ObjectSet,
    /// Set for transaction control.
    pub transaction: Option<Transaction>,
    /// Set where it cannot run inside a transaction block.
    pub outside_transaction: Option<OutsideReason>,
    /// Set for `CONCURRENTLY` statements whose names could be read.
    pub concurrent: Option<Box<Concurrent>>,
    /// Set for CREATE and DROP of databases, tablespaces and subscriptions.
    pub global: Option<Box<Global>>,
    /// Set for `ALTER TYPE … ADD VALUE`.
    pub adds_enum_value: Option<Box<EnumValue>>,
    /// Set for COPY from or to the client.
    pub copy: Option<CopyDirection>,
    /// Whether it clears settings that the session was given, custom ones included: RESET ALL, DISCARD ALL. (RESET
    /// SESSION AUTHORIZATION and SET SESSION AUTHORIZATION DEFAULT reset the role only.)
    pub resets_settings: bool,
    /// Whether it releases every advisory lock of the session: DISCARD ALL, `pg_advisory_unlock_all()` called here or
    /// in a DO block.
    pub unlocks_advisory: bool,
    /// Whether it turns `standard_conforming_strings` off.
    pub(super) nonstandard_strings: bool,
}

/// Which way a COPY between server and client goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyDirection {
    /// The client sends rows.
    FromStdin,
    /// The server sends rows.
    ToStdout,
}

/// A statement's leading keyword; the ones that nothing distinguishes share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// CREATE.
    Create,
    /// ALTER.
    Alter,
    /// DROP.
    Drop,
    /// COMMENT.
    Comment,
    /// SECURITY LABEL.
    SecurityLabel,
    /// GRANT.
    Grant,
    /// REVOKE.
    Revoke,
    /// REASSIGN OWNED.
    Reassign,
    /// IMPORT FOREIGN SCHEMA.
    Import,
    /// SELECT, VALUES, TABLE.
    Select,
    /// WITH, whatever follows.
    With,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// MERGE.
    Merge,
    /// TRUNCATE.
    Truncate,
    /// COPY.
    Copy,
    /// CALL.
    Call,
    /// DO.
    Do,
    /// EXPLAIN.
    Explain,
    /// PREPARE, EXECUTE, DEALLOCATE.
    Prepared,
    /// DECLARE, FETCH, MOVE, CLOSE.
    Cursor,
    /// VACUUM.
    Vacuum,
    /// ANALYZE.
    Analyze,
    /// REINDEX.
    Reindex,
    /// CLUSTER.
    Cluster,
    /// REFRESH MATERIALIZED VIEW.
    Refresh,
    /// CHECKPOINT.
    Checkpoint,
    /// SET.
    Set,
    /// RESET.
    Reset,
    /// SHOW.
    Show,
    /// LOCK.
    Lock,
    /// DISCARD.
    Discard,
    /// LISTEN, NOTIFY, UNLISTEN.
    Notify,
    /// LOAD.
    Load,
    /// BEGIN, COMMIT and the like.
    Transaction,
    /// Anything else.
    Other,
}

/// First words and their verbs.
const VERBS: [(&str, Verb); 53] = [
    ("create", Verb::Create),
    ("alter", Verb::Alter),
    ("drop", Verb::Drop),
    ("comment", Verb::Comment),
    ("security", Verb::SecurityLabel),
    ("grant", Verb::Grant),
    ("revoke", Verb::Revoke),
    ("reassign", Verb::Reassign),
    ("import", Verb::Import),
    ("select", Verb::Select),
    ("values", Verb::Select),
    ("table", Verb::Select),
    ("with", Verb::With),
    ("insert", Verb::Insert),
    ("update", Verb::Update),
    ("delete", Verb::Delete),
    ("merge", Verb::Merge),
    ("truncate", Verb::Truncate),
    ("copy", Verb::Copy),
    ("call", Verb::Call),
    ("do", Verb::Do),
    ("explain", Verb::Explain),
    ("prepare", Verb::Prepared),
    ("execute", Verb::Prepared),
    ("deallocate", Verb::Prepared),
    ("declare", Verb::Cursor),
    ("fetch", Verb::Cursor),
    ("move", Verb::Cursor),
    ("close", Verb::Cursor),
    ("vacuum", Verb::Vacuum),
    ("analyze", Verb::Analyze),
    ("analyse", Verb::Analyze),
    ("reindex", Verb::Reindex),
    ("cluster", Verb::Cluster),
    ("refresh", Verb::Refresh),
    ("checkpoint", Verb::Checkpoint),
    ("set", Verb::Set),
    ("reset", Verb::Reset),
    ("show", Verb::Show),
    ("lock", Verb::Lock),
    ("discard", Verb::Discard),
    ("listen", Verb::Notify),
    ("notify", Verb::Notify),
    ("unlisten", Verb::Notify),
    ("load", Verb::Load),
    ("begin", Verb::Transaction),
    ("start", Verb::Transaction),
    ("commit", Verb::Transaction),
    ("end", Verb::Transaction),
    ("rollback", Verb::Transaction),
    ("abort", Verb::Transaction),
    ("savepoint", Verb::Transaction),
    ("release", Verb::Transaction),
];

impl Verb {
    /// The verb of a statement; a query in parentheses counts as a query.
    fn of(words: &Words) -> Self {
        let first = (0..words.len())
            .find(|&at| words.kind(at) != Some(Kind::Open))
            .unwrap_or(0);
        if words.are(first, &["prepare", "transaction"]) {
            return Self::Transaction;
        }
        VERBS
            .iter()
            .find(|(word, _)| words.is(first, word))
            .map_or(Self::Other, |(_, verb)| *verb)
    }

    /// The class of the statements whose object does not decide it.
    pub(super) fn class(self) -> ObjectClass {
        match self {
            Self::Grant | Self::Revoke | Self::Reassign => ObjectClass::Grant,
            Self::Import => ObjectClass::Foreign,
            Self::Select
            | Self::With
            | Self::Insert
            | Self::Update
            | Self::Delete
            | Self::Merge
            | Self::Truncate
            | Self::Copy
            | Self::Call
            | Self::Explain
            | Self::Prepared
            | Self::Cursor => ObjectClass::Data,
            Self::Do => ObjectClass::Code,
            Self::Vacuum
            | Self::Analyze
            | Self::Reindex
            | Self::Cluster
            | Self::Refresh
            | Self::Checkpoint => ObjectClass::Maintenance,
            Self::Set | Self::Reset | Self::Show | Self::Lock | Self::Discard | Self::Load => {
                ObjectClass::Setting
            }
            Self::Transaction => ObjectClass::Transaction,
            Self::Create
            | Self::Alter
            | Self::Drop
            | Self::Comment
            | Self::SecurityLabel
            | Self::Notify
            | Self::Other => ObjectClass::Other,
        }
    }
}

/// Classifies one statement (no semicolon at its end); total, and linear in its length.
pub fn classify(statement: &str) -> Class {
    let words = Words::of(statement);
    let verb = Verb::of(&words);
    let touched = touched(&words, verb);
    let discards_all = verb == Verb::Discard && words.is(1, "all");
    Class {
        verb,
        object: touched.first().copied().unwrap_or(ObjectClass::Other),
        objects: touched.into_iter().collect(),
        transaction: control::read(&words),
        outside_transaction: outside::reason(&words, verb),
        concurrent: outside::concurrent(&words, verb).map(Box::new),
        global: outside::global(&words, verb).map(Box::new),
        adds_enum_value: enum_value::added(&words, verb).map(Box::new),
        copy: copy_direction(&words, verb),
        resets_settings: discards_all || words.are(0, &["reset", "all"]),
        unlocks_advisory: discards_all || unlocks_advisory(statement, verb),
        nonstandard_strings: verb == Verb::Set && turns_strings_off(&words),
    }
}

/// COPY takes either word for either direction (gram.y, `copy_file_name`).
fn copy_direction(words: &Words, verb: Verb) -> Option<CopyDirection> {
    if verb != Verb::Copy {
        return None;
    }
    // FROM and TO are reserved, so the first one at the top level is the keyword.
    let at = words
        .top_level(1)
        .find(|&at| words.is_any(at, &["from", "to"]))?;
    let client = words.is_any(at + 1, &["stdin", "stdout"]);
    let direction = if words.is(at, "from") {
        CopyDirection::FromStdin
    } else {
        CopyDirection::ToStdout
    };
    client.then_some(direction)
}

fn turns_strings_off(words: &Words) -> bool {
    let mut cursor = words.cursor(1);
    cursor.skip_any(&["session", "local"]);
    if cursor.name().as_deref() != Some("standard_conforming_strings") {
        return false;
    }
    let value = words.text(cursor.at + 1).trim_matches('\'');
    ![
        "on", "true", "tru", "tr", "t", "yes", "ye", "y", "1", "default",
    ]
    .iter()
    .any(|on| value.eq_ignore_ascii_case(on))
}

const UNLOCK_ALL: &str = "pg_advisory_unlock_all";

/// Whether the function is called by the statement itself or by the body of a DO block.
fn unlocks_advisory(text: &str, verb: Verb) -> bool {
    // Almost no statement holds the name, and a search is cheaper than a second look at every token.
    if !contains_ignoring_case(text, UNLOCK_ALL) {
        return false;
    }
    Tokens::new(text)
        .filter(Token::is_significant)
        .any(|token| match token.kind {
            Kind::Word => token.text(text).eq_ignore_ascii_case(UNLOCK_ALL),
            Kind::QuotedWord => token.text(text).trim_matches('"') == UNLOCK_ALL,
            Kind::Text(Quoting::Dollar | Quoting::Plain | Quoting::Escape) => {
                verb == Verb::Do && contains_ignoring_case(token.text(text), UNLOCK_ALL)
            }
            _ => false,
        })
}

fn contains_ignoring_case(text: &str, needle: &str) -> bool {
    text.as_bytes()
        .windows(needle.len())
        .any(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
