//! The durable list of cells that are in the database, written in the transaction that loads or
//! removes each: what it says is so, however a run ended.

use std::collections::BTreeSet;

use super::error::SeedError;
use crate::pg::session::Session;
use crate::sql::name::QualifiedName;

/// The version of the rows that are generated. Another number, and cells of two kinds would stand
/// side by side.
const FORMAT: i64 = 1;

/// The ledger of one history schema.
#[derive(Debug, Clone)]
pub struct Ledger {
    schema: String,
    table: String,
}

impl Ledger {
    /// Names the ledger; it lives beside the history.
    pub fn new(history_schema: &str) -> Self {
        let name = |schema: Option<String>, name: &str| {
            QualifiedName {
                schema,
                name: name.to_owned(),
            }
            .quoted()
        };
        Self {
            schema: name(None, history_schema),
            table: name(Some(history_schema.to_owned()), "seed_cell"),
        }
    }

    /// Returns the cells that are there; none where there is no ledger.
    pub async fn cells(&self, session: &Session) -> Result<BTreeSet<u16>, SeedError> {
        let failed = || SeedError::own("could not read the list of seeded cells");
        let there = session
            .query(
                "select (pg_catalog.to_regclass($1) is not null)::text",
                &[Some(&self.table)],
            )
            .await
            .map_err(failed())?;
        if !there.first().is_some_and(|row| row.truth(0)) {
            return Ok(BTreeSet::new());
        }
        let sql = format!(
            "select cell::text, format::text from {} order by cell",
            self.table
        );
        let rows = session.query_long(&sql, &[]).await.map_err(failed())?;
        let mut cells = BTreeSet::new();
        for row in rows {
            let found = row.number(1).unwrap_or_default();
            if found != FORMAT {
                return Err(SeedError::Format { found });
            }
            cells.extend(row.number(0).and_then(|cell| u16::try_from(cell).ok()));
        }
        Ok(cells)
    }

    /// Makes the ledger unless it is there.
    pub(super) async fn create(&self, session: &Session) -> Result<(), SeedError> {
        let Self { schema, table } = self;
        let sql = format!(
            "set local client_min_messages = warning; \
             create schema if not exists {schema}; \
             create table if not exists {table} (\
             cell integer not null constraint seed_cell_pkey primary key, \
             format integer not null, rows bigint not null, \
             loaded_at timestamptz not null default pg_catalog.now()); \
             revoke all on table {table} from public; \
             comment on table {table} is \
             'Parts of the large sample world that evmig seed has loaded; evmig seed --remove takes them out.'"
        );
        session
            .run_in_transaction(&sql)
            .await
            .map_err(SeedError::own("could not make the list of seeded cells"))
    }

    /// Drops the ledger; the last cell is gone.
    pub(super) async fn drop(&self, session: &Session) -> Result<(), SeedError> {
        session
            .run_in_transaction(&format!("drop table if exists {}", self.table))
            .await
            .map_err(SeedError::own("could not drop the list of seeded cells"))
    }

    /// Returns the statement that enters a cell.
    pub(super) fn enter(&self, cell: u16, rows: u64) -> String {
        format!(
            "insert into {} (cell, format, rows) values ({cell}, {FORMAT}, {rows})",
            self.table
        )
    }

    /// Returns the statement that strikes a cell out.
    pub(super) fn strike(&self, cell: u16) -> String {
        format!("delete from {} where cell = {cell}", self.table)
    }
}
