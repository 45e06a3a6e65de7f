//! Copies of destroyed rows: which there are, back into their tables, and away.

use super::bill::keep::{Column, KeepError, SIDE_SCHEMA, columns};
use super::bracket::{Bracket, BracketError, Switch, in_own_path};
use super::error::RunError;
use super::open::Opened;
use super::own_run::OwnRun;
use super::own_work::{Failing, Listeners, Stopped};
use crate::history::error::HistoryError;
use crate::history::kept::{Copy, KeptAction, KeptLedger};
use crate::history::store::Store;
use crate::pg::error::DbFailure;
use crate::pg::session::{Row, Session};
use crate::sql::name::QualifiedName;

/// A run that puts copies back, or drops them.
pub struct KeptRequest<'a> {
    /// The run.
    pub own: OwnRun,
    /// Which copies.
    pub which: Which<'a>,
}

/// Which copies are meant.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// These, by their names.
    Named(&'a [String]),
    /// All that one run has made.
    OfRun(&'a str),
}

/// Why copies were not put back or dropped.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The session, its lock or the history.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The triggers and foreign keys of the tables.
    #[error(transparent)]
    Bracket(#[from] BracketError),
    /// The copies themselves.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// There is no such copy.
    #[error("there is no copy {wanted}")]
    NoCopy {
        /// The name, or `of run …`.
        wanted: String,
    },
    /// The table that the rows were in is not there.
    #[error("the table {table} does not exist")]
    NoTable {
        /// Its name.
        table: QualifiedName,
    },
    /// The rows are back already.
    #[error("the rows of {kept_table} were put back at {at}")]
    AlreadyRestored {
        /// The copy.
        kept_table: String,
        /// When.
        at: String,
    },
    /// Nothing of the copy has a place in the table, or nothing tells its rows.
    #[error("the rows of {kept_table} do not fit into {table}: {why}")]
    DoesNotFit {
        /// The copy.
        kept_table: String,
        /// The table.
        table: QualifiedName,
        /// Why.
        why: &'static str,
    },
    /// The server refused rows.
    #[error("could not put the rows of {kept_table} back into {table}")]
    Rows {
        /// The copy.
        kept_table: String,
        /// The table.
        table: QualifiedName,
        /// The server's answer.
        failure: Box<DbFailure>,
    },
    /// It was not done, or is not known to be.
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

impl Failing for KeptError {
    fn failure(&self) -> Option<&DbFailure> {
        match self {
            Self::Bracket(error) => error.failure(),
            Self::Keep(error) => error.failure(),
            Self::Run(RunError::Own { failure, .. }) | Self::Rows { failure, .. } => Some(failure),
            _ => None,
        }
    }
}

impl From<HistoryError> for KeptError {
    fn from(error: HistoryError) -> Self {
        Self::Run(RunError::History(error))
    }
}

/// A copy whose rows are back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// Which.
    pub copy: Copy,
    /// How many rows.
    pub rows: u64,
    /// Columns of the copy that the table does not have any more: their values stay in the copy.
    pub left_out: Vec<String>,
}

/// Puts copies back into their tables, by column name and inside a trigger bracket; `again` also those that were put
/// back before.
pub async fn restore(
    request: &KeptRequest<'_>,
    again: bool,
    listeners: &mut Listeners<'_>,
) -> Result<Vec<Restored>, KeptError> {
    let (opened, store, copies) = ready(request, listeners).await?;
    if let Some(copy) = copies
        .iter()
        .find(|copy| !again && copy.restored_at.is_some())
    {
        return Err(KeptError::AlreadyRestored {
            kept_table: copy.kept_table.clone(),
            at: copy.restored_at.clone().unwrap_or_default(),
        });
    }
    if let Some(copy) = copies.iter().find(|copy| copy.bytes.is_none()) {
        let wanted = format!("{}: its table is gone", copy.kept_table);
        return Err(KeptError::NoCopy { wanted });
    }
    let work = async |session: &Session| {
        let copies = in_order(session, &copies).await?;
        let tables: Vec<QualifiedName> = copies.iter().map(|copy| copy.table.clone()).collect();
        let bracket = Bracket::open(session, &tables, Switch::User).await?;
        if let Some(table) = bracket.others().first() {
            return Err(KeptError::NoTable {
                table: table.clone(),
            });
        }
        let mut restored = Vec::new();
        for copy in copies {
            restored.push(put_back(session, copy).await?);
        }
        bracket.close(session).await?;
        let copies: Vec<&Copy> = restored.iter().map(|one| &one.copy).collect();
        let recorded = (KeptAction::Restore, "kept restore");
        record(session, request, &store, recorded, &copies).await?;
        Ok(restored)
    };
    request.own.finish(opened, listeners, work).await
}

/// Drops copies.
pub async fn forget(
    request: &KeptRequest<'_>,
    listeners: &mut Listeners<'_>,
) -> Result<Vec<Copy>, KeptError> {
    let (opened, store, copies) = ready(request, listeners).await?;
    let work = async |session: &Session| {
        for copy in &copies {
            // One that somebody has dropped by hand is only struck off.
            let sql = format!("drop table if exists {}", side_table(copy).quoted());
            session
                .run(&sql)
                .await
                .map_err(KeepError::query("could not drop a copy"))?;
        }
        let all: Vec<&Copy> = copies.iter().collect();
        let recorded = (KeptAction::Drop, "kept drop");
        record(session, request, &store, recorded, &all).await
    };
    request.own.finish(opened, listeners, work).await?;
    Ok(copies)
}

/// Opens the session, takes the lock and finds the copies.
async fn ready(
    request: &KeptRequest<'_>,
    listeners: &mut Listeners<'_>,
) -> Result<(Opened, Store, Vec<Copy>), KeptError> {
    let (opened, located) = request.own.begin(listeners).await?;
    let store = located.store();
    let all = KeptLedger::new(store.schema())
        .copies(&opened.session, SIDE_SCHEMA)
        .await?;
    let copies = chosen(request.which, all)?;
    Ok((opened, store, copies))
}

fn chosen(which: Which<'_>, all: Vec<Copy>) -> Result<Vec<Copy>, KeptError> {
    match which {
        Which::OfRun(run) => {
            let copies: Vec<Copy> = all.into_iter().filter(|copy| copy.run == run).collect();
            if copies.is_empty() {
                let wanted = format!("of run {run}");
                return Err(KeptError::NoCopy { wanted });
            }
            Ok(copies)
        }
        Which::Named(names) => {
            let find = |name: &String| {
                let found = all.iter().find(|copy| copy.kept_table == *name);
                found.cloned().ok_or_else(|| KeptError::NoCopy {
                    wanted: name.clone(),
                })
            };
            names.iter().map(find).collect()
        }
    }
}

/// Puts tables that are referred to before those that refer. Where they refer to each other, the order stays.
async fn in_order<'c>(session: &Session, copies: &'c [Copy]) -> Result<Vec<&'c Copy>, KeptError> {
    let rows = in_own_path(session, async {
        session
            .query_long(include_str!("sql/references.sql"), &[])
            .await
            .map_err(BracketError::query("could not read the foreign keys"))
    })
    .await?;
    let name = |row: &Row, at: usize| QualifiedName {
        schema: Some(row.text(at)),
        name: row.text(at + 1),
    };
    let references: Vec<(QualifiedName, QualifiedName)> = rows
        .iter()
        .map(|row| (name(row, 0), name(row, 2)))
        .collect();
    let mut left: Vec<&Copy> = copies.iter().collect();
    let mut ordered = Vec::new();
    while !left.is_empty() {
        let waits = |copy: &Copy| {
            references.iter().any(|(own, other)| {
                *own == copy.table && left.iter().any(|waiting| waiting.table == *other)
            })
        };
        let next = left.iter().position(|copy| !waits(copy)).unwrap_or(0);
        ordered.push(left.remove(next));
    }
    Ok(ordered)
}

fn side_table(copy: &Copy) -> QualifiedName {
    QualifiedName {
        schema: Some(SIDE_SCHEMA.to_owned()),
        name: copy.kept_table.clone(),
    }
}

async fn put_back(session: &Session, copy: &Copy) -> Result<Restored, KeptError> {
    let side = side_table(copy);
    let (kept, own) = in_own_path(session, async {
        let failed = || BracketError::query("could not read the columns");
        let (kept, own) =
            tokio::join!(biased; columns(session, &side), columns(session, &copy.table));
        Ok((kept.map_err(failed())?, own.map_err(failed())?))
    })
    .await?;
    let fit = Fit::new(copy, &kept, &own);
    let failed = |failure| KeptError::Rows {
        kept_table: copy.kept_table.clone(),
        table: copy.table.clone(),
        failure: Box::new(failure),
    };
    let sql = if copy.columns.is_empty() {
        fit.insert()?
    } else {
        fit.update()?
    };
    let rows = session.query(&sql, &[]).await.map_err(failed)?;
    let rows = rows.first().and_then(|row| row.number(0));
    move_sequences(session, copy, &fit).await?;
    Ok(Restored {
        copy: copy.clone(),
        rows: rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0),
        left_out: fit.left_out,
    })
}

/// Which columns of a copy go into which of its table.
struct Fit<'a> {
    copy: &'a Copy,
    /// The copy's column and the table's, of the same name.
    pairs: Vec<(&'a Column, &'a Column)>,
    left_out: Vec<String>,
}

impl<'a> Fit<'a> {
    fn new(copy: &'a Copy, kept: &'a [Column], own: &'a [Column]) -> Self {
        let mut fit = Self {
            copy,
            pairs: Vec::new(),
            left_out: Vec::new(),
        };
        for column in kept {
            match own.iter().find(|one| one.name == column.name) {
                // It computes itself.
                Some(own) if own.generated => {}
                Some(own) => fit.pairs.push((column, own)),
                None => fit.left_out.push(column.name.clone()),
            }
        }
        fit
    }

    fn does_not_fit(&self, why: &'static str) -> KeptError {
        KeptError::DoesNotFit {
            kept_table: self.copy.kept_table.clone(),
            table: self.copy.table.clone(),
            why,
        }
    }

    fn insert(&self) -> Result<String, KeptError> {
        if self.pairs.is_empty() {
            return Err(self.does_not_fit("it has none of their columns"));
        }
        let names: Vec<String> = self
            .pairs
            .iter()
            .map(|(_, own)| quoted(&own.name))
            .collect();
        let values: Vec<String> = self.pairs.iter().map(|pair| value(*pair)).collect();
        let overriding = if self.pairs.iter().any(|(_, own)| own.always_identity) {
            " overriding system value"
        } else {
            ""
        };
        Ok(format!(
            "with done as (insert into {} ({}){overriding} select {} from {} kept returning 1) \
             select pg_catalog.count(*)::pg_catalog.text from done",
            self.copy.table.quoted(),
            names.join(", "),
            values.join(", "),
            side_table(self.copy).quoted()
        ))
    }

    /// Values of columns go to the rows that have the same primary key.
    fn update(&self) -> Result<String, KeptError> {
        type Pairs<'p> = Vec<(&'p Column, &'p Column)>;
        let is_lost = |name: &String| self.copy.columns.contains(name);
        let (lost, key): (Pairs<'_>, Pairs<'_>) = self
            .pairs
            .iter()
            .copied()
            .filter(|(_, own)| own.in_key || is_lost(&own.name))
            .partition(|(_, own)| is_lost(&own.name));
        if key.is_empty() {
            return Err(self.does_not_fit("there is no primary key that tells which row is which"));
        }
        if lost.is_empty() {
            return Err(self.does_not_fit("it has none of their columns"));
        }
        let set = lost
            .iter()
            .map(|pair| format!("{} = {}", quoted(&pair.1.name), value(*pair)));
        let same = key
            .iter()
            .map(|pair| format!("own.{} = {}", quoted(&pair.1.name), value(*pair)));
        let (set, same): (Vec<String>, Vec<String>) = (set.collect(), same.collect());
        Ok(format!(
            "with done as (update {} own set {} from {} kept where {} returning 1) \
             select pg_catalog.count(*)::pg_catalog.text from done",
            self.copy.table.quoted(),
            set.join(", "),
            side_table(self.copy).quoted(),
            same.join(" and ")
        ))
    }
}

/// A value of the copy, as the table's column wants it.
fn value((kept, own): (&Column, &Column)) -> String {
    let name = quoted(&kept.name);
    if kept.kind == own.kind {
        format!("kept.{name}")
    } else {
        format!("kept.{name}::{}", own.kind)
    }
}

fn quoted(name: &str) -> String {
    QualifiedName {
        schema: None,
        name: name.to_owned(),
    }
    .quoted()
}

/// The next number must not be one that is back.
async fn move_sequences(session: &Session, copy: &Copy, fit: &Fit<'_>) -> Result<(), KeptError> {
    let failed = || BracketError::query("could not move the sequences of a table");
    let table = copy.table.quoted();
    let rows = in_own_path(session, async {
        session
            .query_long(include_str!("sql/owned_sequences.sql"), &[Some(&table)])
            .await
            .map_err(failed())
    })
    .await?;
    for row in &rows {
        let (column, sequence) = (row.text(0), row.text(1));
        if !fit.pairs.iter().any(|(_, own)| own.name == column) {
            continue;
        }
        let sql = format!(
            "select pg_catalog.setval({}::pg_catalog.regclass, x.top)::pg_catalog.text from (\
             select pg_catalog.max({}) as top from {table}) x, {sequence} s \
             where x.top operator(pg_catalog.>=) s.last_value",
            crate::sql::quote::literal(&sequence),
            quoted(&column)
        );
        session.query(&sql, &[]).await.map_err(failed())?;
    }
    Ok(())
}

async fn record(
    session: &Session,
    request: &KeptRequest<'_>,
    store: &Store,
    (action, command): (KeptAction, &str),
    copies: &[&Copy],
) -> Result<(), KeptError> {
    let enter = async || {
        let ledger = KeptLedger::new(store.schema());
        for copy in copies {
            ledger
                .enter(session, &request.own.run, action, copy)
                .await?;
        }
        Ok(())
    };
    request.own.record(session, store, command, enter).await
}

/// Returns the copies that there are. Reads only; asked in evmig's own search path.
pub async fn list(session: &Session, history_schema: &str) -> Result<Vec<Copy>, HistoryError> {
    KeptLedger::new(history_schema)
        .copies(session, SIDE_SCHEMA)
        .await
}
