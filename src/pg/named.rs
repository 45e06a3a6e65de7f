//! Finds relations by their names.

use super::error::DbFailure;
use super::session::{Row, Session};

/// Returns the oids of relations as the session's search path finds them, in one question; `None` for one that is not
/// there.
pub async fn oids(
    session: &Session,
    names: impl Iterator<Item = String>,
) -> Result<Vec<Option<u32>>, DbFailure> {
    let list = names.collect::<serde_json::Value>().to_string();
    let rows = session
        .query(include_str!("named.sql"), &[Some(&list)])
        .await?;
    let oid = |row: &Row| row.number(0).and_then(|oid| u32::try_from(oid).ok());
    Ok(rows.iter().map(oid).collect())
}
