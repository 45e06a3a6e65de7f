//! How a file uses transactions: not at all, or as one `BEGIN … COMMIT` from end to end.

use std::ops::Range;

use super::control::Control;
use super::outside::OutsideReason;
use super::split::Statement;

/// A file's use of transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// No BEGIN and no COMMIT: the migration's transaction is evmig's.
    Plain,
    /// One transaction from the first statement to the last. The text of `begin` holds its options (isolation level,
    /// READ ONLY, DEFERRABLE).
    Wrapped {
        /// Position of BEGIN, always 0.
        begin: usize,
        /// Position of COMMIT, the last one.
        commit: usize,
    },
}

/// Transaction control that a migration may not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ShapeError {
    /// Position of the statement among those given.
    pub index: usize,
    /// Its bytes in its file.
    pub span: Range<usize>,
    /// What is wrong with it.
    pub reason: ShapeReason,
}

/// What is wrong with a file's transaction control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShapeReason {
    /// BEGIN without COMMIT.
    #[error("this transaction is left open: no COMMIT follows it")]
    LeftOpen,
    /// COMMIT, END, ROLLBACK or ABORT with no BEGIN before it.
    #[error("{} without BEGIN would end the migration's own transaction", .0.name())]
    WithoutBegin(Control),
    /// BEGIN inside a transaction.
    #[error("BEGIN inside a transaction: the server only warns, and the first COMMIT ends both")]
    NestedBegin,
    /// ROLLBACK of the file's transaction.
    #[error("ROLLBACK would undo the migration and leave it recorded as applied")]
    RollsBack,
    /// A statement before the file's BEGIN.
    #[error("this stands before BEGIN: a migration's transaction must span the whole file")]
    BeforeBegin,
    /// A statement after the file's COMMIT.
    #[error("this stands after COMMIT: a migration's transaction must span the whole file")]
    AfterCommit,
    /// `AND CHAIN`.
    #[error("{} AND CHAIN opens another transaction that the file cannot close", .0.name())]
    Chain(Control),
    /// PREPARE TRANSACTION, COMMIT PREPARED or ROLLBACK PREPARED.
    #[error("{} takes the migration out of its own transaction", .0.name())]
    TwoPhase(Control),
    /// A statement inside `BEGIN … COMMIT` that cannot run there.
    #[error("{0}, but this file wraps itself in BEGIN and COMMIT")]
    Outside(OutsideReason),
}

/// Says how the statements of one migration (includes expanded) use transactions.
///
/// Savepoints are free: what they do stays inside the transaction.
pub fn transaction_shape<'a>(
    statements: impl IntoIterator<Item = &'a Statement>,
) -> Result<Shape, ShapeError> {
    let mut reader = Reader::default();
    for (index, statement) in statements.into_iter().enumerate() {
        reader.read(index, statement).map_err(|reason| {
            // What is wrong with a late BEGIN is the statement that came before it.
            let first = reader.before.take();
            let (index, span) = match reason {
                ShapeReason::BeforeBegin => first.unwrap_or((index, statement.span.clone())),
                _ => (index, statement.span.clone()),
            };
            ShapeError {
                index,
                span,
                reason,
            }
        })?;
    }
    match (reader.begin, reader.commit) {
        (None, _) => Ok(Shape::Plain),
        (Some((begin, _)), Some(commit)) => Ok(Shape::Wrapped { begin, commit }),
        (Some((index, span)), None) => Err(ShapeError {
            index,
            span,
            reason: ShapeReason::LeftOpen,
        }),
    }
}

#[derive(Default)]
struct Reader {
    begin: Option<(usize, Range<usize>)>,
    commit: Option<usize>,
    /// The first statement, when it is not BEGIN.
    before: Option<(usize, Range<usize>)>,
}

impl Reader {
    fn read(&mut self, index: usize, statement: &Statement) -> Result<(), ShapeReason> {
        let Some(transaction) = statement.class.transaction else {
            return self.read_other(index, statement);
        };
        let control = transaction.control;
        if transaction.chain {
            return Err(ShapeReason::Chain(control));
        }
        if self.commit.is_some() {
            return Err(ShapeReason::AfterCommit);
        }
        match control {
            Control::Begin if self.begin.is_some() => Err(ShapeReason::NestedBegin),
            Control::Begin if self.before.is_some() => Err(ShapeReason::BeforeBegin),
            Control::Begin => {
                self.begin = Some((index, statement.span.clone()));
                Ok(())
            }
            Control::Commit | Control::Rollback if self.begin.is_none() => {
                Err(ShapeReason::WithoutBegin(control))
            }
            Control::Commit => {
                self.commit = Some(index);
                Ok(())
            }
            Control::Rollback => Err(ShapeReason::RollsBack),
            Control::PrepareTransaction | Control::CommitPrepared | Control::RollbackPrepared => {
                Err(ShapeReason::TwoPhase(control))
            }
            Control::Savepoint | Control::Release | Control::RollbackTo => {
                self.note_first(index, statement);
                Ok(())
            }
        }
    }

    fn read_other(&mut self, index: usize, statement: &Statement) -> Result<(), ShapeReason> {
        if self.commit.is_some() {
            return Err(ShapeReason::AfterCommit);
        }
        match statement.class.outside_transaction {
            Some(reason) if self.begin.is_some() => return Err(ShapeReason::Outside(reason)),
            _ => {}
        }
        self.note_first(index, statement);
        Ok(())
    }

    fn note_first(&mut self, index: usize, statement: &Statement) {
        if self.begin.is_none() && self.before.is_none() {
            self.before = Some((index, statement.span.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::split::Script;
    use super::*;

    fn shape(text: &str) -> Result<Shape, (ShapeReason, String)> {
        let script = Script::parse(text).unwrap();
        transaction_shape(script.statements())
            .map_err(|error| (error.reason, text[error.span].to_owned()))
    }

    #[test]
    fn files_that_are_well_formed() {
        for text in [
            "",
            "create table t (); savepoint a; rollback to a; release a",
            "do $$ begin commit; end $$",
            "set search_path = x; create index concurrently on t (a)",
        ] {
            assert_eq!(shape(text), Ok(Shape::Plain), "{text}");
        }
        for (text, commit) in [
            ("begin; commit", 1),
            (
                "START TRANSACTION ISOLATION LEVEL SERIALIZABLE; select 1; END",
                2,
            ),
            (
                "begin work read only; savepoint a; rollback work to a; commit and no chain;",
                3,
            ),
        ] {
            assert_eq!(
                shape(text),
                Ok(Shape::Wrapped { begin: 0, commit }),
                "{text}"
            );
        }
    }

    #[test]
    fn files_that_are_refused() {
        use ShapeReason as Reason;
        for (text, reason, statement) in [
            ("begin; select 1", Reason::LeftOpen, "begin"),
            (
                "select 1; end",
                Reason::WithoutBegin(Control::Commit),
                "end",
            ),
            ("abort", Reason::WithoutBegin(Control::Rollback), "abort"),
            ("begin; select 1; rollback", Reason::RollsBack, "rollback"),
            (
                "begin; start transaction; commit",
                Reason::NestedBegin,
                "start transaction",
            ),
            (
                "set a.b = 1; select 2; begin; commit",
                Reason::BeforeBegin,
                "set a.b = 1",
            ),
            ("begin; commit; reset all", Reason::AfterCommit, "reset all"),
            (
                "begin; commit; begin read only; commit",
                Reason::AfterCommit,
                "begin read only",
            ),
            (
                "begin; commit and chain; commit",
                Reason::Chain(Control::Commit),
                "commit and chain",
            ),
            (
                "begin; rollback work and chain; commit",
                Reason::Chain(Control::Rollback),
                "rollback work and chain",
            ),
            (
                "begin; prepare transaction 'x'",
                Reason::TwoPhase(Control::PrepareTransaction),
                "prepare transaction 'x'",
            ),
            (
                "commit prepared 'x'",
                Reason::TwoPhase(Control::CommitPrepared),
                "commit prepared 'x'",
            ),
            (
                "begin; vacuum; commit",
                Reason::Outside(OutsideReason::Vacuum),
                "vacuum",
            ),
        ] {
            assert_eq!(shape(text), Err((reason, statement.to_owned())), "{text}");
        }
    }
}
