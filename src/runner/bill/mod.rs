//! The bill of rows: what exists now and what some statements will destroy, table by table, counted.
//!
//! ```text
//! let bill = bill::present(session, &path, &statements).await?;   // outside of a transaction; changes nothing
//! …show it, ask…
//! begin; …
//! let kept = keep::keep(session, history_schema, run, &bill).await?;    // before the scripts, with --keep-data
//! …the scripts; commit
//! ```
//!
//! What cannot be read from the statements is named ([`Bill::unknown`]), never passed over.

pub mod keep;

use std::collections::BTreeMap;

use futures_util::future::{join_all, try_join_all};
use serde_json::{Value, json};

use super::bracket::{BracketError, in_own_path};
use crate::pg::session::{Row, Session};
use crate::sql::destroyed::{Destroyed, DroppedKind, destroyed};
use crate::sql::name::QualifiedName;

/// What some statements will destroy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bill {
    /// The tables, by name.
    pub tables: Vec<Loss>,
    /// What may destroy more.
    pub unknown: Vec<Unknown>,
}

impl Bill {
    /// Returns whether nothing is known to be lost, and nothing unknown may be.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.unknown.is_empty()
    }

    /// Returns how many rows are lost, at most.
    pub fn rows(&self) -> u64 {
        self.tables.iter().filter_map(|loss| loss.rows).sum()
    }
}

/// A statement whose text does not tell what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// What it is: `a DO block`.
    pub what: String,
    /// The index of the statement.
    pub statement: usize,
}

/// What one table loses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The table, with its schema.
    pub table: QualifiedName,
    /// How.
    pub way: Way,
    /// How many rows; of a column, how many values. `None` where they could not be counted.
    pub rows: Option<u64>,
    /// Whether it is all of these rows; else it is at most these.
    pub exact: bool,
    /// What the table takes on disk, with its indexes; not only the lost rows.
    pub bytes: u64,
    /// What stands behind `FROM` to have these rows, each part once.
    pub(super) sources: Vec<String>,
}

/// How rows are lost, the most thorough way first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// With the table.
    Dropped,
    /// By `TRUNCATE`.
    Truncated,
    /// By `DELETE`.
    Deleted,
    /// With columns, whose names these are: the rows stay.
    Columns(Vec<String>),
}

impl Way {
    /// Returns the word that people and JSON read.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Dropped => "dropped",
            Self::Truncated => "truncated",
            Self::Deleted => "deleted",
            Self::Columns(_) => "columns",
        }
    }
}

/// Reads what statements will destroy, and counts it, in a transaction of its own that writes nothing.
///
/// `path` is the scripts' search path, as `SET` takes it. Counting reads every row of the tables.
pub async fn present(
    session: &Session,
    path: &str,
    statements: &[&str],
) -> Result<Bill, BracketError> {
    let failed = || BracketError::query("could not look what would be destroyed");
    let begin = format!("begin read only; set local search_path = {path}");
    session.run(&begin).await.map_err(failed())?;
    let bill = within(session, statements).await;
    session.run("rollback").await.map_err(failed())?;
    bill
}

async fn within(session: &Session, statements: &[&str]) -> Result<Bill, BracketError> {
    let read = Read::new(statements);
    let found = resolve(session, &read).await?;
    let rows = lost(session, &read, &found).await?;
    let mut bill = Bill {
        tables: losses(&rows, &read, &found),
        unknown: read.unknown,
    };
    count(session, &mut bill.tables).await?;
    Ok(bill)
}

/// What the statements say, before anybody looks what is there.
#[derive(Default)]
struct Read {
    all: Vec<Destroyed>,
    unknown: Vec<Unknown>,
}

impl Read {
    fn new(statements: &[&str]) -> Self {
        let mut read = Self::default();
        for (statement, text) in statements.iter().enumerate() {
            for one in destroyed(text) {
                match one {
                    Destroyed::Unknown { what } => read.unknown.push(Unknown {
                        what: what.to_owned(),
                        statement,
                    }),
                    one => read.all.push(one),
                }
            }
        }
        read
    }
}

fn kind_and_name(one: &Destroyed) -> Option<(DroppedKind, &QualifiedName)> {
    match one {
        Destroyed::Dropped { kind, name, .. } => Some((*kind, name)),
        Destroyed::Column { table, .. }
        | Destroyed::Truncated { table, .. }
        | Destroyed::Deleted { table, .. } => Some((DroppedKind::Table, table)),
        Destroyed::Unknown { .. } => None,
    }
}

/// Returns class and oid of what each is about, by its place.
async fn resolve(
    session: &Session,
    read: &Read,
) -> Result<BTreeMap<usize, (String, i64)>, BracketError> {
    let pairs: Vec<Value> = read
        .all
        .iter()
        .filter_map(kind_and_name)
        .map(|(kind, name)| json!([kind.as_str(), name.quoted(), name.name]))
        .collect();
    let pairs = Value::from(pairs).to_string();
    let rows = session
        .query_long(include_str!("sql/resolve.sql"), &[Some(&pairs)])
        .await
        .map_err(BracketError::query(
            "could not look for what would be destroyed",
        ))?;
    let found = rows.iter().filter_map(|row| {
        let place = usize::try_from(row.number(0)?).ok()?;
        Some((place, (row.text(1), row.number(2)?)))
    });
    Ok(found.collect())
}

async fn lost(
    session: &Session,
    read: &Read,
    found: &BTreeMap<usize, (String, i64)>,
) -> Result<Vec<Row>, BracketError> {
    let (mut dropped, mut truncated, mut deleted) = (Vec::new(), Vec::new(), Vec::new());
    let mut columns: Vec<Value> = Vec::new();
    for (place, (class, oid)) in found {
        match read.all.get(*place) {
            Some(Destroyed::Dropped { cascade, .. }) => {
                dropped.push(json!([class, oid.to_string(), "0", cascade]));
            }
            Some(Destroyed::Column {
                column, cascade, ..
            }) => columns.push(json!([oid.to_string(), column, cascade])),
            Some(Destroyed::Truncated { only, cascade, .. }) => {
                truncated.push(json!([oid.to_string(), only, cascade]));
            }
            Some(Destroyed::Deleted { .. }) => deleted.push(json!(oid.to_string())),
            Some(Destroyed::Unknown { .. }) | None => {}
        }
    }
    let columns = Value::from(columns).to_string();
    let numbers = in_own_path(session, async {
        session
            .query_long(include_str!("sql/columns.sql"), &[Some(&columns)])
            .await
            .map_err(BracketError::query("could not look for columns"))
    })
    .await?;
    dropped.extend(
        numbers
            .iter()
            .map(|row| json!(["pg_class", row.text(0), row.text(1), row.truth(2)])),
    );
    let [dropped, truncated, deleted] =
        [dropped, truncated, deleted].map(|list| Value::from(list).to_string());
    in_own_path(session, async {
        session
            .query_long(
                include_str!("sql/lost.sql"),
                &[Some(&dropped), Some(&truncated), Some(&deleted)],
            )
            .await
            .map_err(BracketError::query(
                "could not look what depends on what is dropped",
            ))
    })
    .await
}

/// Makes one loss of each table: who drops it takes more than who truncates it.
fn losses(rows: &[Row], read: &Read, found: &BTreeMap<usize, (String, i64)>) -> Vec<Loss> {
    let mut losses: BTreeMap<QualifiedName, Loss> = BTreeMap::new();
    for row in rows {
        let loss = loss(row, read, found);
        match losses.get_mut(&loss.table) {
            None => drop(losses.insert(loss.table.clone(), loss)),
            Some(known) => {
                if let (Way::Columns(all), Way::Columns(more)) = (&mut known.way, &loss.way) {
                    all.extend(more.iter().cloned());
                } else if loss.way < known.way {
                    *known = loss;
                }
            }
        }
    }
    losses.into_values().collect()
}

fn loss(row: &Row, read: &Read, found: &BTreeMap<usize, (String, i64)>) -> Loss {
    let table = QualifiedName {
        schema: Some(row.text(2)),
        name: row.text(3),
    };
    let way = match row.text(0).as_str() {
        "dropped" => Way::Dropped,
        "truncated" => Way::Truncated,
        "deleted" => Way::Deleted,
        _ => Way::Columns(vec![row.text(4)]),
    };
    let whole = from(&table, row.truth(5), "");
    let sources = match way {
        Way::Deleted => deletions(&table, row.number(1), read, found),
        _ => Some(vec![whole.clone()]),
    };
    Loss {
        way,
        rows: None,
        exact: sources.is_some(),
        bytes: row
            .number(6)
            .and_then(|bytes| u64::try_from(bytes).ok())
            .unwrap_or(0),
        sources: sources.unwrap_or_else(|| vec![whole]),
        table,
    }
}

/// Returns what stands behind `FROM`.
fn from(table: &QualifiedName, only: bool, rest: &str) -> String {
    let only = if only { "ONLY " } else { "" };
    format!("{only}{} {rest}", table.quoted())
}

/// Returns the rows of each deletion from a table; `None` where one of them does not tell.
fn deletions(
    table: &QualifiedName,
    relid: Option<i64>,
    read: &Read,
    found: &BTreeMap<usize, (String, i64)>,
) -> Option<Vec<String>> {
    let all = found
        .iter()
        .filter(|(_, (_, oid))| Some(*oid) == relid)
        .filter_map(|(place, _)| read.all.get(*place));
    let sources = all.filter_map(|one| match one {
        Destroyed::Deleted { only, rows, .. } => {
            Some(rows.as_ref().map(|rows| from(table, *only, rows)))
        }
        _ => None,
    });
    sources.collect()
}

/// Counts the rows of every loss.
async fn count(session: &Session, losses: &mut [Loss]) -> Result<(), BracketError> {
    // All of them on their way together.
    let first: Vec<Vec<String>> = losses
        .iter()
        .map(|loss| {
            let sources = loss.sources.iter();
            sources
                .map(|source| count_text(source, &loss.way))
                .collect()
        })
        .collect();
    let answers = first
        .iter()
        .map(|texts| try_join_all(texts.iter().map(|text| counted(session, text))));
    let answers = join_all(answers).await;
    for (loss, answer) in losses.iter_mut().zip(answers) {
        let counts: Option<Vec<u64>> = answer?.into_iter().collect();
        let mut rows: Option<u64> = counts.map(|counts| counts.iter().sum());
        if loss.way == Way::Deleted && (rows.is_none() || loss.sources.len() > 1) {
            // A condition on what another statement makes first, or rows that several name.
            loss.exact = false;
            let whole = from(&loss.table, false, "");
            let all = counted(session, &count_text(&whole, &loss.way)).await?;
            rows = rows.map_or(all, |sum| all.map(|all| sum.min(all)));
            loss.sources = vec![whole];
        }
        loss.rows = rows;
    }
    Ok(())
}

/// The condition may end in a comment.
fn count_text(source: &str, way: &Way) -> String {
    match way {
        Way::Columns(columns) => {
            let given: Vec<String> = columns.iter().map(|one| not_null(one)).collect();
            format!(
                "select pg_catalog.count(*)::pg_catalog.text from {source} where {}",
                given.join(" or ")
            )
        }
        _ => format!("select pg_catalog.count(*)::pg_catalog.text from {source}\n"),
    }
}

fn not_null(column: &str) -> String {
    format!("{} is not null", quoted(column))
}

fn quoted(name: &str) -> String {
    QualifiedName {
        schema: None,
        name: name.to_owned(),
    }
    .quoted()
}

/// Runs a count; `None` where the server refuses it: rows that the role may not see, a condition that does not hold
/// together yet.
async fn counted(session: &Session, sql: &str) -> Result<Option<u64>, BracketError> {
    let failed = || BracketError::query("could not count rows");
    let (set, counted, back) = tokio::join!(
        biased;
        session.run("savepoint evmig_count; set local row_security = off"),
        session.query(sql, &[]),
        session.run("rollback to savepoint evmig_count; release savepoint evmig_count"),
    );
    set.map_err(failed())?;
    back.map_err(failed())?;
    match counted {
        Ok(rows) => Ok(rows
            .first()
            .and_then(|row| row.number(0))
            .and_then(|rows| u64::try_from(rows).ok())),
        Err(failure) if failure.sqlstate.as_deref().is_some_and(refuses) => Ok(None),
        Err(failure) => Err(failed()(failure)),
    }
}

/// What is wrong with the question: its words, its values, the right to ask it.
fn refuses(sqlstate: &str) -> bool {
    ["42", "22", "0A", "25006"]
        .iter()
        .any(|class| sqlstate.starts_with(class))
}
