//! What was measured of the pending files up to the state that is kept, and all that is compared of the states before
//! and after them.
//!
//! It is in a table of the server's first database: the one that is kept has to be as the files left it. The server is
//! evmig's alone, and what is in the table is of no use after its next start.

use serde::{Deserialize, Serialize};

use super::chain::Chain;
use crate::pg::error::DbFailure;
use crate::pg::session::Session;
use crate::preview::assemble::Came;
use crate::preview::measure::Meter;
use crate::preview::moment::Moment;
use crate::report::dry_run::PreStateOrigin;

/// What was measured of the pending files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::preview) struct Record {
    /// When the first of them ran, in RFC 3339.
    pub(in crate::preview) at: String,
    /// How many files had been applied on the target.
    pub(in crate::preview) applied: usize,
    /// Where the state before the pending files came from.
    pub(in crate::preview) origin: PreStateOrigin,
    pub(in crate::preview) before: Moment,
    pub(in crate::preview) meter: Meter,
    pub(in crate::preview) ran: Vec<Came>,
    pub(in crate::preview) after: Moment,
}

impl Record {
    /// Writes it as text.
    pub(super) fn text(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

/// Makes the tables where they are missing.
pub(super) async fn prepare(session: &Session) -> Result<(), DbFailure> {
    session.run(include_str!("sql/record_tables.sql")).await
}

/// Finds what was measured up to a state.
pub(super) async fn find(
    session: &Session,
    key: &str,
    state: &str,
) -> Result<Option<Record>, DbFailure> {
    let sql = include_str!("sql/record.sql");
    let rows = session
        .query_catalog(sql, &[Some(key), Some(state)])
        .await?;
    let text = rows.first().and_then(|row| row.get(0));
    // One that this evmig cannot read is none.
    Ok(text.and_then(|text| serde_json::from_str(text).ok()))
}

/// Notes what was measured up to a state.
pub(super) async fn write(
    session: &Session,
    key: &str,
    state: &str,
    text: &str,
) -> Result<(), DbFailure> {
    let sql = include_str!("sql/record_write.sql");
    let parameters = [Some(key), Some(state), Some(text)];
    session.query(sql, &parameters).await.map(drop)
}

/// Forgets all that was measured.
pub(super) async fn clear(session: &Session) -> Result<(), DbFailure> {
    session.run("truncate public.evmig_dry_run_record").await
}

/// Returns the hashes of the last dry run.
pub(super) async fn earlier(session: &Session) -> Result<String, DbFailure> {
    let sql = include_str!("sql/record_chain.sql");
    let rows = session.query_catalog(sql, &[]).await?;
    Ok(rows.first().map(|row| row.text(0)).unwrap_or_default())
}

/// Notes the hashes of this one.
pub(super) async fn note(session: &Session, chain: &Chain) -> Result<(), DbFailure> {
    let sql = include_str!("sql/record_note.sql");
    let text = chain.text();
    session.query(sql, &[Some(&text)]).await.map(drop)
}
