//! What a manifest says of the database, read in the snapshot of the dump: tables, row counts,
//! checksums, sequences, the ends of the history, what a dump leaves out.

use super::error::BackupError;
use super::manifest::{Column, HistoryMark, NotIncluded, Sequence, Table};
use crate::pg::session::{Row, Session};
use crate::sql::name::QualifiedName;

/// Makes every text that is hashed independent of the role's and the database's settings.
pub const READING: &str = include_str!("sql/reading.sql");

/// Begins the transaction that a dump shares.
pub const BEGIN: &str = "begin isolation level repeatable read read only";

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// When the snapshot was taken.
    pub taken_at: String,
    /// The tables, with their rows counted.
    pub tables: Vec<Table>,
    /// The sequences.
    pub sequences: Vec<Sequence>,
    /// What the history said.
    pub history: Option<HistoryMark>,
    /// What is elsewhere.
    pub not_included: Vec<NotIncluded>,
}

/// Returns a quoted name.
pub fn quoted(schema: &str, name: &str) -> String {
    QualifiedName {
        schema: Some(schema.to_owned()),
        name: name.to_owned(),
    }
    .quoted()
}

fn ident(name: &str) -> String {
    QualifiedName {
        schema: None,
        name: name.to_owned(),
    }
    .quoted()
}

/// Lists the tables of the transaction's snapshot; no row is counted yet.
pub async fn tables(session: &Session) -> Result<Vec<Table>, BackupError> {
    let rows = session
        .query_catalog(include_str!("sql/tables.sql"), &[])
        .await
        .map_err(BackupError::own("could not list the tables"))?;
    Ok(rows.iter().map(table).collect())
}

fn table(row: &Row) -> Table {
    let columns: Vec<(String, String, bool)> = row
        .get(5)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    Table {
        oid: row
            .number(0)
            .and_then(|oid| u32::try_from(oid).ok())
            .unwrap_or_default(),
        schema: row.text(1),
        name: row.text(2),
        partition_of: pair(row, 3),
        columns: columns
            .into_iter()
            .map(|(name, data_type, generated)| Column {
                name,
                data_type,
                generated,
            })
            .collect(),
        rows: 0,
        checksum: None,
    }
}

fn pair(row: &Row, at: usize) -> Option<(String, String)> {
    Some((row.get(at)?.to_owned(), row.get(at + 1)?.to_owned()))
}

/// Counts a table's rows, and hashes them where it is asked to.
///
/// The checksum is a sum, so that the order of the rows does not matter and a row that is there
/// twice counts twice; columns are taken by name, since a restored table may have them in another
/// order. It finds accidents: against somebody who wants to deceive stands the manifest's code.
pub async fn count(session: &Session, table: &mut Table, hash: bool) -> Result<(), BackupError> {
    let name = quoted(&table.schema, &table.name);
    let checksum = if hash {
        let columns: Vec<String> = table
            .columns
            .iter()
            .map(|column| format!("t.{}", ident(&column.name)))
            .collect();
        format!(
            "coalesce(sum(hashtextextended(row({})::text, 0)::numeric), 0)::text",
            columns.join(", ")
        )
    } else {
        "null".to_owned()
    };
    let rows = session
        .query(
            &format!("select count(*)::text, {checksum} from only {name} t"),
            &[],
        )
        .await
        .map_err(BackupError::own(format!(
            "could not count the rows of {name}"
        )))?;
    let row = rows.first();
    table.rows = row
        .and_then(|row| row.number(0))
        .and_then(|rows| u64::try_from(rows).ok())
        .unwrap_or_default();
    table.checksum = row.and_then(|row| row.get(1)).map(str::to_owned);
    Ok(())
}

/// Reads everything; `counted` is told after each table with how many there are in all.
pub async fn read(
    session: &Session,
    history_schema: &str,
    hash: bool,
    counted: &mut dyn FnMut(usize, usize),
) -> Result<Figures, BackupError> {
    let (taken_at, not_included) = outside(session).await?;
    let sequences = sequences(session).await?;
    let history = history(session, history_schema).await?;
    let mut tables = tables(session).await?;
    let all = tables.len();
    for (at, table) in tables.iter_mut().enumerate() {
        counted(at, all);
        count(session, table, hash).await?;
    }
    counted(all, all);
    Ok(Figures {
        taken_at,
        tables,
        sequences,
        history,
        not_included,
    })
}

/// Reads where the sequences stand. They do not follow the snapshot, here as in any dump: a value
/// that was given out after it is told as given out.
pub async fn sequences(session: &Session) -> Result<Vec<Sequence>, BackupError> {
    let own = || BackupError::own("could not read the sequences");
    let rows = session
        .query_catalog(include_str!("sql/sequences.sql"), &[])
        .await
        .map_err(own())?;
    let mut sequences = Vec::new();
    for row in &rows {
        let (schema, name) = (row.text(0), row.text(1));
        let sql = format!(
            "select last_value::text, is_called::text from {}",
            quoted(&schema, &name)
        );
        let stands = session.query(&sql, &[]).await.map_err(own())?;
        let stands = stands.first();
        sequences.push(Sequence {
            schema,
            name,
            owned_by: pair(row, 2),
            last_value: stands.and_then(|row| row.number(0)).unwrap_or_default(),
            is_called: stands.is_some_and(|row| row.truth(1)),
            descending: row.truth(4),
        });
    }
    Ok(sequences)
}

/// Reads the ends of the history's chains.
async fn history(session: &Session, schema: &str) -> Result<Option<HistoryMark>, BackupError> {
    let own = || BackupError::own("could not read the history's newest rows");
    let table = |name| quoted(schema, name);
    let there = session
        .query(
            "select (to_regclass($1) is not null and to_regclass($2) is not null)::text",
            &[Some(&table("run")), Some(&table("migration"))],
        )
        .await
        .map_err(own())?;
    if !there.first().is_some_and(|row| row.truth(0)) {
        return Ok(None);
    }
    let (run, migration) = (table("run"), table("migration"));
    let sql = format!(
        "select (select row_hash from {run} order by seq desc limit 1), m.row_hash, m.version::text \
         from (select 1) one left join lateral \
         (select row_hash, version from {migration} order by seq desc limit 1) m on true"
    );
    let rows = session.query(&sql, &[]).await.map_err(own())?;
    let row = rows.first();
    Ok(Some(HistoryMark {
        schema: schema.to_owned(),
        run_hash: row.and_then(|row| row.get(0)).map(str::to_owned),
        migration_hash: row.and_then(|row| row.get(1)).map(str::to_owned),
        newest_version: row.and_then(|row| row.number(2)),
    }))
}

/// Reads the snapshot's time, and lists what the dump does not have.
async fn outside(session: &Session) -> Result<(String, Vec<NotIncluded>), BackupError> {
    let rows = session
        .query(include_str!("sql/outside.sql"), &[])
        .await
        .map_err(BackupError::own("could not ask what a dump leaves out"))?;
    let row = rows.first();
    let number = |at| {
        row.and_then(|row| row.number(at))
            .and_then(|count| u64::try_from(count).ok())
    };
    let left_out = |what: &str, count: Option<u64>, why: &str| NotIncluded {
        what: what.to_owned(),
        count,
        why: why.to_owned(),
    };
    let list = vec![
        left_out(
            "large objects",
            number(0),
            "the dump has them; evmig rollback --restore leaves them as they are",
        ),
        left_out(
            "roles, memberships and passwords",
            number(1),
            "they belong to the cluster: pg_dumpall --globals-only",
        ),
        left_out(
            "tablespaces",
            number(2),
            "they belong to the cluster: pg_dumpall --globals-only",
        ),
        left_out(
            "rows of foreign tables",
            number(3),
            "they are in another server",
        ),
        left_out(
            "rows of materialized views",
            number(4),
            "they are computed: refresh them after a restore",
        ),
        left_out(
            "settings of databases and roles",
            number(5),
            "pg_dump writes those of its database with --create only",
        ),
        left_out(
            "the planner's statistics",
            None,
            "run ANALYZE after a restore",
        ),
        left_out(
            "rows of tables that belong to extensions",
            None,
            "the extensions make them; evmig rollback --restore leaves them as they are",
        ),
        left_out(
            "ownership and grants",
            None,
            "the dump has them; evmig rollback --restore puts rows back and changes neither",
        ),
        left_out(
            "replication slots and subscriptions' progress",
            None,
            "they belong to the server's log, which a dump does not have",
        ),
    ];
    Ok((row.map(|row| row.text(6)).unwrap_or_default(), list))
}
