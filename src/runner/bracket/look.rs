//! Reads the triggers of tables, of their partitions and of what inherits from them.

use serde_json::Value;

use super::error::BracketError;
use super::state::{State, Trigger};
use crate::pg::session::{Row, Session};
use crate::sql::name::QualifiedName;

/// A table that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: QualifiedName,
    /// Whether the role may change it: as its owner, as one who has the owner's rights, as superuser.
    pub(super) owned: bool,
    pub(super) relid: i64,
}

/// The tables and their triggers, in the order of the tables' oids.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) tables: Vec<Table>,
    pub(super) triggers: Vec<Trigger>,
}

/// What names stand for.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    /// The oids of those that are tables.
    pub(super) relids: Vec<i64>,
    /// Names of nothing, or of something that has no triggers to switch: a view, a sequence.
    pub(super) others: Vec<QualifiedName>,
}

/// Finds out which tables are meant, by the search path of the transaction.
pub(super) async fn resolve(
    session: &Session,
    tables: &[QualifiedName],
) -> Result<Resolved, BracketError> {
    let names: Vec<Value> = tables.iter().map(|name| name.quoted().into()).collect();
    let names = Value::from(names).to_string();
    let rows = session
        .query_long(include_str!("sql/resolve.sql"), &[Some(&names)])
        .await
        .map_err(BracketError::query("could not look for the tables"))?;
    let mut resolved = Resolved::default();
    for (row, name) in rows.iter().zip(tables) {
        match row.number(0) {
            Some(relid) if matches!(row.get(3), Some("r" | "p" | "f")) => {
                resolved.relids.push(relid);
            }
            _ => resolved.others.push(name.clone()),
        }
    }
    Ok(resolved)
}

/// Reads the tables with these oids, and all below them; those that are gone are left out. Asked in evmig's own
/// search path.
pub(super) async fn look(session: &Session, relids: &[i64]) -> Result<Look, BracketError> {
    let rows = session
        .query_long(include_str!("sql/triggers.sql"), &[Some(&list(relids))])
        .await
        .map_err(BracketError::query("could not read the triggers"))?;
    let mut look = Look::default();
    for row in &rows {
        let relid = row.number(0).unwrap_or_default();
        let name = QualifiedName {
            schema: Some(row.text(1)),
            name: row.text(2),
        };
        if look.tables.last().is_none_or(|last| last.relid != relid) {
            look.tables.push(Table {
                name: name.clone(),
                owned: row.truth(3),
                relid,
            });
        }
        look.triggers.extend(trigger(row, relid, name));
    }
    Ok(look)
}

fn trigger(row: &Row, relid: i64, table: QualifiedName) -> Option<Trigger> {
    Some(Trigger {
        table,
        name: row.get(5)?.to_owned(),
        state: State::from_letter(row.get(6)?)?,
        of_system: !row.truth(7),
        relid,
        oid: row.number(4)?,
        parent: row.number(8),
    })
}

/// Writes oids as a JSON array of texts.
pub(super) fn list(relids: &[i64]) -> String {
    let relids: Vec<Value> = relids.iter().map(|one| one.to_string().into()).collect();
    Value::from(relids).to_string()
}
