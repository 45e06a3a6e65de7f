//! What has run and was not taken back, in the order it ran: a database is made again from it.

use super::error::{HistoryError, query};
use super::model::Key;
use super::store::fill;
use crate::pg::session::Session;

/// One migration that is in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Which.
    pub key: Key,
    /// Its name.
    pub name: String,
    /// SHA-256 of the normalised text that ran, in hex; empty for a row adopted without its file.
    pub sha256: String,
    /// The text, where the history has it.
    pub text: Option<String>,
}

/// Reads what ran.
pub async fn ran(session: &Session, schema: &str) -> Result<Vec<Ran>, HistoryError> {
    let rows = session
        .query_long(&fill(include_str!("sql/ran.sql"), schema, None), &[])
        .await
        .map_err(query("could not read the stored scripts"))?;
    Ok(rows
        .iter()
        .filter_map(|row| {
            Some(Ran {
                key: Key::parse(row.get(0)?)?,
                name: row.text(1),
                sha256: row.text(2),
                text: row.get(3).map(str::to_owned),
            })
        })
        .collect())
}
