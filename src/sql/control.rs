//! Transaction control: BEGIN, COMMIT and their kin.

use super::words::Words;

/// What a transaction control statement does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// BEGIN, START TRANSACTION.
    Begin,
    /// COMMIT, END.
    Commit,
    /// ROLLBACK, ABORT.
    Rollback,
    /// SAVEPOINT.
    Savepoint,
    /// RELEASE.
    Release,
    /// ROLLBACK TO.
    RollbackTo,
    /// PREPARE TRANSACTION.
    PrepareTransaction,
    /// COMMIT PREPARED.
    CommitPrepared,
    /// ROLLBACK PREPARED.
    RollbackPrepared,
}

impl Control {
    /// The statement's usual spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Rollback => "ROLLBACK",
            Self::Savepoint => "SAVEPOINT",
            Self::Release => "RELEASE",
            Self::RollbackTo => "ROLLBACK TO",
            Self::PrepareTransaction => "PREPARE TRANSACTION",
            Self::CommitPrepared => "COMMIT PREPARED",
            Self::RollbackPrepared => "ROLLBACK PREPARED",
        }
    }
}

/// A transaction control statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transaction {
    /// What it does.
    pub control: Control,
    /// Whether it says `AND CHAIN`, which opens the next transaction at once.
    pub chain: bool,
}

/// Reads a statement as transaction control.
pub(super) fn read(words: &Words) -> Option<Transaction> {
    let control = match words.word(0).to_ascii_lowercase().as_str() {
        "begin" => Control::Begin,
        "start" if words.is(1, "transaction") => Control::Begin,
        "commit" if words.is(1, "prepared") => Control::CommitPrepared,
        "commit" | "end" => Control::Commit,
        "rollback" if words.is(1, "prepared") => Control::RollbackPrepared,
        "rollback" | "abort" => {
            let noise = usize::from(words.is_any(1, &["work", "transaction"]));
            if words.is(1 + noise, "to") {
                Control::RollbackTo
            } else {
                Control::Rollback
            }
        }
        "savepoint" => Control::Savepoint,
        "release" => Control::Release,
        "prepare" if words.is(1, "transaction") => Control::PrepareTransaction,
        _ => return None,
    };
    let chain = (1..3).any(|at| words.are(at, &["and", "chain"]));
    Some(Transaction { control, chain })
}
