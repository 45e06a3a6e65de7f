//! Loads cells, each in one transaction with its line in the ledger.

use std::collections::BTreeSet;

use super::database::{Ready, Way};
use super::encode::Rows;
use super::error::SeedError;
use super::ledger::Ledger;
use super::rows::{Stopped, Stream, count};
use super::tables::Table;
use crate::pg::error::{DbFailure, Kind};
use crate::pg::session::{CopyFailure, Session};
use crate::report::seed::{SeedProgress, TableRows};

/// What a load or a removal did before it ended, however it ended.
#[derive(Debug)]
pub struct Moved {
    /// Cells that were committed.
    pub cells: u32,
    /// Their rows.
    pub rows: u64,
    /// What stopped it.
    pub error: Option<SeedError>,
}

/// Who is told, and who may stop it.
pub struct Audience<'a> {
    /// Whether it shall come to an end.
    pub stop: &'a dyn Fn() -> bool,
    /// Told after each table and each cell.
    pub told: &'a mut dyn FnMut(&SeedProgress),
}

/// Returns the rows of these cells, table by table.
pub fn forecast(cells: &[u16]) -> Vec<TableRows> {
    Table::ALL
        .into_iter()
        .map(|table| TableRows {
            table: table.name().to_owned(),
            rows: cells.iter().map(|cell| count(table, *cell)).sum(),
        })
        .collect()
}

/// Returns the cells of a world that are not there yet.
pub fn pending(scale: u32, there: &BTreeSet<u16>) -> Vec<u16> {
    (0..scale)
        .filter_map(|cell| u16::try_from(cell).ok())
        .filter(|cell| !there.contains(cell))
        .collect()
}

/// Loads cells until all are there or something stops it.
pub async fn load(
    session: &Session,
    ready: &Ready,
    ledger: &Ledger,
    cells: &[u16],
    audience: &mut Audience<'_>,
) -> Moved {
    let mut moved = Moved {
        cells: 0,
        rows: 0,
        error: None,
    };
    moved.error = load_all(session, ready, ledger, cells, audience, &mut moved)
        .await
        .err();
    moved
}

async fn load_all(
    session: &Session,
    ready: &Ready,
    ledger: &Ledger,
    cells: &[u16],
    audience: &mut Audience<'_>,
    moved: &mut Moved,
) -> Result<(), SeedError> {
    ledger.create(session).await?;
    let mut loading = Loading {
        session,
        ready,
        ledger,
        rows: Rows::default(),
        of: cells.len() as u32,
    };
    for cell in cells {
        let before = loading.rows.count();
        let result = loading.cell(*cell, moved.cells, audience).await;
        if let Err(error) = result {
            // After a lost connection this fails as well, and the server rolls back by itself.
            drop(session.run("rollback").await);
            return Err(error);
        }
        moved.cells += 1;
        moved.rows += loading.rows.count() - before;
        loading.tell(*cell, moved.cells, None, audience);
    }
    // The planner would take a full table for an empty one until autovacuum came by. Accounts may
    // be another owner's.
    let tables = Table::ALL.iter().filter(|table| **table != Table::Users);
    let names: Vec<&str> = tables.map(|table| table.name()).collect();
    session
        .run(&format!("analyze {}", names.join(", ")))
        .await
        .map_err(SeedError::own(
            "all rows are loaded, but could not be analysed",
        ))
}

/// A load that is going on.
struct Loading<'a> {
    session: &'a Session,
    ready: &'a Ready,
    ledger: &'a Ledger,
    rows: Rows,
    of: u32,
}

impl Loading<'_> {
    async fn cell(
        &mut self,
        cell: u16,
        done: u32,
        audience: &mut Audience<'_>,
    ) -> Result<(), SeedError> {
        let before = self.rows.count();
        self.run(cell, "its beginning", self.beginning()).await?;
        for table in Table::ALL {
            self.tell(cell, done, Some(table), audience);
            self.table(cell, table, audience.stop).await?;
        }
        let entry = self.ledger.enter(cell, self.rows.count() - before);
        self.run(cell, "the list of cells", &entry).await?;
        commit(self.session, cell).await
    }

    fn beginning(&self) -> &'static str {
        match self.ready.way {
            Way::Direct => "begin; set local session_replication_role = replica",
            Way::Triggers => "begin",
        }
    }

    async fn table(
        &mut self,
        cell: u16,
        table: Table,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), SeedError> {
        let staged = self.ready.way == Way::Triggers && staging(table).is_some();
        let columns = self.columns(table);
        let target = match staging(table).filter(|_| staged) {
            Some(name) => {
                let sql = format!(
                    "create temporary table {name} on commit drop as select {columns} from {} \
                     with no data",
                    table.name()
                );
                self.run(cell, table.name(), &sql).await?;
                name
            }
            None => table.name(),
        };
        let statement = format!("copy {target} ({columns}) from stdin (format binary)");
        let tokens = if table == Table::Users {
            self.ready.tokens.len()
        } else {
            0
        };
        let stream = Stream::new(table, cell, tokens, &mut self.rows, stop);
        let copied = self.session.copy_in(&statement, stream).await;
        copied.map_err(|failure| match failure {
            CopyFailure::Data(Stopped) => SeedError::Interrupted,
            CopyFailure::Server(failure) => SeedError::Cell {
                cell,
                at: table.name().to_owned(),
                failure: *failure,
            },
        })?;
        if staged && let Some(sql) = self.unstage(table) {
            self.run(cell, table.name(), &sql).await?;
        }
        Ok(())
    }

    fn columns(&self, table: Table) -> String {
        let mut columns = table.columns();
        if table == Table::Users {
            columns.extend(&self.ready.tokens);
        }
        columns.join(", ")
    }

    /// Moves staged rows on, once all that must come in one statement are there.
    fn unstage(&self, table: Table) -> Option<String> {
        let moved = |table: Table| {
            let columns = self.columns(table);
            let staged = staging(table).unwrap_or_default();
            format!(
                "insert into {} ({columns}) select {columns} from {staged}",
                table.name()
            )
        };
        let both = |first: Table, second: Table| {
            format!("with first as ({}) {}", moved(first), moved(second))
        };
        match table {
            // The sign-up trigger has made the row already.
            Table::Profiles => Some(format!(
                "{} on conflict (id) do update set full_name = excluded.full_name, \
                 locale = excluded.locale, timezone = excluded.timezone, \
                 created_at = excluded.created_at",
                moved(table)
            )),
            // Tickets take from the stock: what is sold is counted as they come.
            Table::Categories => {
                let columns = self.columns(table);
                let values = columns.replace(" sold,", " 0,");
                Some(format!(
                    "insert into {} ({columns}) select {values} from pg_temp.seed_categories",
                    table.name()
                ))
            }
            // An order and its payment refer to each other.
            Table::Payments => Some(both(Table::Orders, Table::Payments)),
            // A unit that has its ticket gets no second one. Where nothing counted what was
            // sold, the generator's own count holds.
            Table::Tickets => Some(format!(
                "{}; update public.ticket_categories c set sold = s.sold \
                 from pg_temp.seed_categories s where c.id = s.id and c.sold <> s.sold",
                both(Table::Items, Table::Tickets)
            )),
            _ => None,
        }
    }

    async fn run(&self, cell: u16, at: &str, sql: &str) -> Result<(), SeedError> {
        let done = self.session.run(sql).await;
        done.map_err(|failure| SeedError::Cell {
            cell,
            at: at.to_owned(),
            failure,
        })
    }

    fn tell(&self, cell: u16, done: u32, table: Option<Table>, audience: &mut Audience<'_>) {
        (audience.told)(&SeedProgress {
            cell: u32::from(cell),
            done,
            of: self.of,
            rows: self.rows.count(),
            table: table.map(|table| table.name().to_owned()),
        });
    }
}

/// The temporary table that a table's rows wait in, where they pass through triggers.
fn staging(table: Table) -> Option<&'static str> {
    match table {
        Table::Profiles => Some("pg_temp.seed_profiles"),
        Table::Categories => Some("pg_temp.seed_categories"),
        Table::Orders => Some("pg_temp.seed_orders"),
        Table::Payments => Some("pg_temp.seed_payments"),
        Table::Items => Some("pg_temp.seed_items"),
        Table::Tickets => Some("pg_temp.seed_tickets"),
        _ => None,
    }
}

/// Commits a cell; a connection that breaks here leaves the ledger to tell.
pub(super) async fn commit(session: &Session, cell: u16) -> Result<(), SeedError> {
    session.run("commit").await.map_err(|failure: DbFailure| {
        if failure.kind() == Kind::ConnectionLost {
            SeedError::Unknown { cell, failure }
        } else {
            SeedError::Cell {
                cell,
                at: "its commit".to_owned(),
                failure,
            }
        }
    })
}
