//! What a rollback writes into the history.

use std::ops::Range;

use super::prepare::Piece;
use crate::history::error::HistoryError;
use crate::history::model::{Action, Journal, StatementState};
use crate::history::record::{Prepared as Statement, Record, RecordDuration};
use crate::history::store::Store;
use crate::pg::error::DbFailure;
use crate::pg::lock::HistoryLock;
use crate::pg::session::Session;
use crate::project::checksum;

/// Makes the rows of one run.
pub(super) struct Recorder<'a> {
    /// The history.
    pub(super) store: &'a Store,
    /// The run's lock.
    pub(super) lock: HistoryLock,
    /// The run.
    pub(super) run: &'a str,
    /// What tells a transaction of the run from every other.
    pub(super) guard: String,
    /// Whether the migrations have turns in the journal: the rollback is no single transaction.
    pub(super) turns: bool,
}

impl Recorder<'_> {
    /// Returns the rows that say of statements that they are done.
    pub(super) fn journal(&self, piece: &Piece, statements: Range<usize>) -> Vec<Statement> {
        let row = |index| {
            let sha256 = checksum::sha256(piece.script.text(index));
            let (key, done) = (&piece.layer.key, StatementState::Done);
            self.store
                .journal(Journal::Down, key, self.run, index, done, &sha256, None)
        };
        statements.map(row).collect()
    }

    /// Returns the row that says whose turn comes when, before anything is done, or that it is given
    /// up.
    pub(super) fn turn(
        &self,
        piece: &Piece,
        turn: usize,
        state: StatementState,
        newest: i64,
    ) -> Statement {
        let sha256 = checksum::sha256(piece.text.as_deref().unwrap_or_default());
        let (key, newest) = (&piece.layer.key, newest.to_string());
        let note = Some(newest.as_str());
        self.store
            .journal(Journal::Undo, key, self.run, turn, state, &sha256, note)
    }

    /// Returns the position of a migration's newest journal row.
    pub(super) async fn last_journal(
        &self,
        session: &Session,
        piece: &Piece,
    ) -> Result<Option<i64>, DbFailure> {
        let last = self.store.last_journal(session, &piece.layer.key).await;
        last.map_err(|error| match error {
            HistoryError::Query { failure, .. } => *failure,
            other => DbFailure::protocol(&other.to_string()),
        })
    }

    /// Returns the rows that take a migration out of the history, evmig's and refinery's.
    pub(super) fn record(&self, piece: &Piece, journal_seq: Option<i64>) -> Vec<Statement> {
        let layer = &piece.layer;
        let record = Record {
            guard: Some(&self.guard),
            key: &layer.key,
            name: &layer.name,
            phase_number: layer.phase_number,
            phase: &layer.phase,
            step: &layer.step,
            run: self.run,
            action: Action::Rollback,
            sha256: &layer.sha256,
            refinery_checksum: layer.refinery_checksum.as_deref(),
            duration: RecordDuration::SinceBegin,
            statements: piece.statements(),
            up_sql: None,
            down_sql: piece.text.as_deref(),
            reason: None,
            journal_seq,
        };
        self.store.record(&record, &self.lock.held())
    }
}
