//! Reads the history's rows from what the queries return.

use super::error::HistoryError;
use super::model::{Action, Journal, Key, MigrationRow, RefineryRow, StatementRow, StatementState};
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

/// Reads the migrations of `brief.sql`; what it does not have is empty.
pub fn brief_rows(text: &str) -> Result<Vec<MigrationRow>, HistoryError> {
    let mut rows = text.lines().map(brief_row).collect::<Result<Vec<_>, _>>()?;
    // An aggregate takes its rows in the order of the query below it, and nobody promises that.
    if !rows.is_sorted_by_key(|row| row.seq) {
        rows.sort_unstable_by_key(|row| row.seq);
    }
    Ok(rows)
}

fn brief_row(line: &str) -> Result<MigrationRow, HistoryError> {
    let mut fields = line.splitn(6, '\t');
    let seq = fields.next().and_then(|text| text.parse().ok());
    let unreadable = |column| HistoryError::Unreadable {
        seq: seq.unwrap_or_default(),
        column,
    };
    let mut next = |column| fields.next().ok_or_else(|| unreadable(column));
    Ok(MigrationRow {
        seq: seq.ok_or_else(|| unreadable("seq"))?,
        key: Key::parse(next("key")?).ok_or_else(|| unreadable("key"))?,
        action: Action::parse(next("action")?).ok_or_else(|| unreadable("action"))?,
        sha256: next("sha256")?.to_owned(),
        run: next("run_id")?.to_owned(),
        name: next("name")?.to_owned(),
        phase_number: 0,
        phase: String::new(),
        step: String::new(),
        refinery_checksum: None,
        at: String::new(),
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
    let (journal, key) = Journal::parse(&row.text(1)).ok_or_else(|| unreadable("key"))?;
    Ok(StatementRow {
        seq,
        key,
        journal,
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
