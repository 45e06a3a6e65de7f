//! Reads the history's rows from what the queries return.

use super::error::HistoryError;
use super::model::{Action, Key, MigrationRow, RefineryRow, StatementRow, StatementState};
use crate::pg::session::Row;

/// Reads a migration's row.
pub fn migration_row(row: &Row) -> Result<MigrationRow, HistoryError> {
    let seq = row.number(0).unwrap_or_default();
    let unreadable = |column| HistoryError::Unreadable { seq, column };
    Ok(MigrationRow {
        seq,
        key: Key::parse(&row.text(1)).ok_or_else(|| unreadable("key"))?,
        name: row.text(3),
        phase_number: row.number(4).ok_or_else(|| unreadable("phase_number"))?,
        phase: row.text(5),
        step: row.text(6),
        run: row.text(7),
        action: Action::parse(&row.text(8)).ok_or_else(|| unreadable("action"))?,
        sha256: row.text(9),
        refinery_checksum: row.get(10).map(str::to_owned),
        at: row.text(11),
    })
}

/// Reads a row of refinery's table.
pub fn refinery_row(row: &Row) -> RefineryRow {
    RefineryRow {
        version: row.number(0).unwrap_or_default(),
        name: row.text(1),
        applied_on: row.text(2),
        checksum: row.text(3),
    }
}

/// Reads a row of the journal.
pub fn statement_row(row: &Row) -> Result<StatementRow, HistoryError> {
    let seq = row.number(0).unwrap_or_default();
    let unreadable = |column| HistoryError::Unreadable { seq, column };
    Ok(StatementRow {
        seq,
        key: Key::parse(&row.text(1)).ok_or_else(|| unreadable("key"))?,
        run: row.text(2),
        position: row
            .number(3)
            .and_then(|position| usize::try_from(position).ok())
            .ok_or_else(|| unreadable("position"))?,
        state: StatementState::parse(&row.text(4)).ok_or_else(|| unreadable("state"))?,
        sha256: row.text(5),
        note: row.get(6).map(str::to_owned),
    })
}
