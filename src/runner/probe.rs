//! Did it happen? Answers from the catalog, for statements that cannot share a transaction with
//! their journal row.

use serde::{Deserialize, Serialize};

use crate::pg::error::DbFailure;
use crate::pg::session::{Row, Session};
use crate::sql::name::QualifiedName;
use crate::sql::outside::{Concurrent, Global, GlobalKind, ReindexTarget};

/// What the catalog showed just before the statement was sent; stored with its intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Baseline {
    /// OID of the table, or of the reindexed table; 0 where there is none.
    pub table: u32,
    /// OIDs of its indexes.
    pub indexes: Vec<u32>,
    /// OIDs of the objects that the statement drops or detaches.
    pub objects: Vec<u32>,
    /// OIDs of the indexes that were INVALID already.
    #[serde(default)]
    pub invalid: Vec<u32>,
    /// OID of the reindexed schema; 0 where there is none.
    #[serde(default)]
    pub schema: u32,
    /// Whether all of the database is reindexed.
    #[serde(default)]
    pub database: bool,
}

impl Baseline {
    /// Returns the text stored in the journal.
    pub fn to_note(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the text stored in the journal.
    pub fn from_note(note: Option<&str>) -> Option<Self> {
        serde_json::from_str(note?).ok()
    }
}

/// What became of a statement whose answer nobody saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// It happened; the text says how that shows.
    Happened(String),
    /// It did not, or only in part: what has to go first is listed, then it can run again.
    DidNot {
        /// INVALID indexes that it left, qualified and quoted.
        leftovers: Vec<String>,
    },
    /// A detached partition is half way: `DETACH PARTITION … FINALIZE` ends it.
    HalfDetached,
    /// The catalog does not tell, but the statement may run any number of times.
    Repeatable,
}

/// An index as the probe sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexState {
    /// OID.
    pub oid: u32,
    /// Qualified and quoted name.
    pub name: String,
    /// Name without its schema.
    pub bare_name: String,
    /// `indisvalid` and `indisready`.
    pub valid: bool,
    /// Somebody else is building it right now.
    pub others: bool,
}

/// Asks the catalog with evmig's own path: in the file's, an operator may be somebody else's
/// (faults.md B85).
async fn ask(
    session: &Session,
    sql: &str,
    parameters: &[Option<&str>],
) -> Result<Vec<Row>, DbFailure> {
    // Polled in this order, they are sent in this order.
    let (begun, rows, ended) = tokio::join!(
        biased;
        session.run("begin; set local search_path = pg_catalog, pg_temp"),
        session.query(sql, parameters),
        session.run("commit"),
    );
    begun?;
    let rows = rows?;
    ended?;
    Ok(rows)
}

async fn oid_of(session: &Session, name: &QualifiedName) -> Result<u32, DbFailure> {
    let name = name.quoted();
    let rows = session
        .query(
            "select pg_catalog.to_regclass($1)::oid::text",
            &[Some(&name)],
        )
        .await?;
    Ok(rows
        .first()
        .and_then(|row| row.number(0))
        .and_then(|oid| u32::try_from(oid).ok())
        .unwrap_or(0))
}

/// Returns the indexes of a table, of its partitions, and of what they store out of line.
pub async fn indexes(session: &Session, table: u32) -> Result<Vec<IndexState>, DbFailure> {
    let family = format!(
        "(select {table}::oid as relid union select relid from \
         pg_catalog.pg_partition_tree({table}))"
    );
    let condition = format!(
        "i.indrelid in (select f.relid from {family} f union all \
         select t.reltoastrelid from pg_catalog.pg_class t join {family} f on f.relid = t.oid)"
    );
    indexes_where(session, &condition).await
}

/// Returns the INVALID indexes that the statement works among.
async fn invalid_indexes(
    session: &Session,
    baseline: &Baseline,
) -> Result<Vec<IndexState>, DbFailure> {
    let schema = baseline.schema;
    let of_schema = format!(
        "not i.indisvalid and (n.oid = {schema} or i.indrelid in (select t.reltoastrelid from \
         pg_catalog.pg_class t where t.relnamespace = {schema}))"
    );
    if baseline.table != 0 {
        let mut found = indexes(session, baseline.table).await?;
        found.retain(|index| !index.valid);
        Ok(found)
    } else if baseline.schema != 0 {
        indexes_where(session, &of_schema).await
    } else if baseline.database {
        indexes_where(session, "not i.indisvalid").await
    } else {
        Ok(Vec::new())
    }
}

/// A session that builds an index keeps a lock on its table, and has a row of progress that every
/// role may see.
async fn indexes_where(session: &Session, condition: &str) -> Result<Vec<IndexState>, DbFailure> {
    let sql = format!(
        "select c.oid::text, pg_catalog.quote_ident(n.nspname) || '.' || \
         pg_catalog.quote_ident(c.relname), c.relname::text, \
         (i.indisvalid and i.indisready)::text, \
         (not i.indisvalid and exists (select from pg_catalog.pg_locks l \
         join pg_catalog.pg_stat_progress_create_index p on p.pid = l.pid \
         where l.relation = i.indrelid and l.mode = 'ShareUpdateExclusiveLock' and l.granted \
         and p.datname = pg_catalog.current_database() \
         and l.pid <> pg_catalog.pg_backend_pid()))::text \
         from pg_catalog.pg_index i join pg_catalog.pg_class c on c.oid = i.indexrelid \
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
         where {condition} order by c.oid"
    );
    let rows = ask(session, &sql, &[]).await?;
    Ok(rows
        .iter()
        .map(|row| IndexState {
            oid: row
                .number(0)
                .and_then(|oid| u32::try_from(oid).ok())
                .unwrap_or(0),
            name: row.text(1),
            bare_name: row.text(2),
            valid: row.truth(3),
            others: row.truth(4),
        })
        .collect())
}

async fn schema_oid(session: &Session, name: &str) -> Result<u32, DbFailure> {
    let rows = ask(
        session,
        "select n.oid::text from pg_catalog.pg_namespace n where n.nspname = $1",
        &[Some(name)],
    )
    .await?;
    Ok(rows
        .first()
        .and_then(|row| row.number(0))
        .and_then(|oid| u32::try_from(oid).ok())
        .unwrap_or(0))
}

/// Returns the table of an index, or 0.
async fn table_of(session: &Session, index: u32) -> Result<u32, DbFailure> {
    let sql =
        format!("select i.indrelid::text from pg_catalog.pg_index i where i.indexrelid = {index}");
    let rows = ask(session, &sql, &[]).await?;
    Ok(rows
        .first()
        .and_then(|row| row.number(0))
        .and_then(|oid| u32::try_from(oid).ok())
        .unwrap_or(0))
}

/// Takes the baseline of a statement. The session has the search path that the statement gets.
pub async fn baseline(
    session: &Session,
    concurrent: Option<&Concurrent>,
) -> Result<Baseline, DbFailure> {
    let mut baseline = Baseline::default();
    match concurrent {
        Some(Concurrent::CreateIndex { table, .. }) => {
            baseline.table = oid_of(session, table).await?;
        }
        Some(Concurrent::DropIndex { names, .. }) => {
            for name in names {
                baseline.objects.push(oid_of(session, name).await?);
            }
        }
        Some(Concurrent::Reindex { what, name }) => match (what, name) {
            (ReindexTarget::Index, Some(name)) => {
                let oid = oid_of(session, name).await?;
                baseline.table = table_of(session, oid).await?;
            }
            (ReindexTarget::Table, Some(name)) => baseline.table = oid_of(session, name).await?,
            (ReindexTarget::Schema, Some(name)) => {
                baseline.schema = schema_oid(session, &name.name).await?;
            }
            _ => baseline.database = true,
        },
        Some(Concurrent::Detach { parent, partition }) => {
            let objects = vec![
                oid_of(session, parent).await?,
                oid_of(session, partition).await?,
            ];
            // What is no partition before is none after: nothing could be told from that.
            if !matches!(detached(session, &objects).await?, Evidence::Happened(_)) {
                baseline.objects = objects;
            }
        }
        _ => {}
    }
    if baseline.table != 0 {
        baseline.indexes = indexes(session, baseline.table)
            .await?
            .iter()
            .map(|index| index.oid)
            .collect();
    }
    baseline.invalid = invalid_indexes(session, &baseline)
        .await?
        .iter()
        .map(|index| index.oid)
        .collect();
    Ok(baseline)
}

/// Looks what became of a statement.
pub async fn evidence(
    session: &Session,
    concurrent: Option<&Concurrent>,
    global: Option<&Global>,
    baseline: &Baseline,
) -> Result<Evidence, DbFailure> {
    if let Some(global) = global {
        return global_evidence(session, global).await;
    }
    match concurrent {
        Some(Concurrent::CreateIndex { name, .. }) => {
            let wanted = name.as_deref();
            let mut leftovers = Vec::new();
            for index in new_indexes(session, baseline).await? {
                if wanted.is_some_and(|wanted| wanted != index.bare_name) {
                    continue;
                }
                if index.valid {
                    return Ok(Evidence::Happened(format!("index {} is there", index.name)));
                }
                if !index.others {
                    leftovers.push(index.name);
                }
            }
            Ok(Evidence::DidNot { leftovers })
        }
        Some(Concurrent::Reindex { .. }) => {
            let invalid = invalid_indexes(session, baseline).await?.into_iter();
            // Before the two are swapped, the new one (`_ccnew`) is left over; after it, the old
            // one (`_ccold`), which the baseline has as a valid one.
            let leftovers = invalid
                .filter(|index| !index.others && !baseline.invalid.contains(&index.oid))
                .filter(|index| {
                    index.bare_name.contains("_ccnew") || index.bare_name.contains("_ccold")
                })
                .map(|index| index.name)
                .collect();
            Ok(Evidence::DidNot { leftovers })
        }
        Some(Concurrent::DropIndex { .. }) => {
            // What was not there before is no evidence: with IF EXISTS it runs again, without it
            // fails again.
            if baseline.objects.iter().all(|oid| *oid == 0) {
                return Ok(Evidence::Repeatable);
            }
            for oid in baseline.objects.iter().filter(|oid| **oid != 0) {
                if exists(session, *oid).await? {
                    return Ok(Evidence::DidNot {
                        leftovers: Vec::new(),
                    });
                }
            }
            Ok(Evidence::Happened("the index is gone".into()))
        }
        Some(Concurrent::Detach { .. }) => detached(session, &baseline.objects).await,
        _ => Ok(Evidence::Repeatable),
    }
}

/// Returns the indexes of the baseline's table that were not there before.
pub async fn new_indexes(
    session: &Session,
    baseline: &Baseline,
) -> Result<Vec<IndexState>, DbFailure> {
    let now = indexes(session, baseline.table).await?;
    Ok(now
        .into_iter()
        .filter(|index| !baseline.indexes.contains(&index.oid))
        .collect())
}

async fn exists(session: &Session, oid: u32) -> Result<bool, DbFailure> {
    let sql = format!("select (exists (select from pg_catalog.pg_class where oid = {oid}))::text");
    let rows = ask(session, &sql, &[]).await?;
    Ok(rows.first().is_some_and(|row| row.truth(0)))
}

/// A database, tablespace or subscription is there or not; nothing of it is ever half made.
async fn global_evidence(session: &Session, global: &Global) -> Result<Evidence, DbFailure> {
    let sql = match global.kind {
        GlobalKind::Database => {
            "select (exists (select from pg_catalog.pg_database where datname = $1))::text"
        }
        GlobalKind::Tablespace => {
            "select (exists (select from pg_catalog.pg_tablespace where spcname = $1))::text"
        }
        GlobalKind::Subscription => {
            "select (exists (select from pg_catalog.pg_subscription s join pg_catalog.pg_database d \
             on d.oid = s.subdbid and d.datname = pg_catalog.current_database() \
             where s.subname = $1))::text"
        }
    };
    let rows = ask(session, sql, &[Some(&global.name)]).await?;
    let there = rows.first().is_some_and(|row| row.truth(0));
    Ok(if there == global.drops {
        Evidence::DidNot {
            leftovers: Vec::new(),
        }
    } else {
        Evidence::Happened(format!(
            "{} {}",
            global.name,
            if there { "is there" } else { "is gone" }
        ))
    })
}

async fn detached(session: &Session, objects: &[u32]) -> Result<Evidence, DbFailure> {
    let [parent, partition] = objects else {
        return Ok(Evidence::Repeatable);
    };
    let sql = format!(
        "select i.inhdetachpending::text from pg_catalog.pg_inherits i \
         where i.inhparent = {parent} and i.inhrelid = {partition}"
    );
    let rows = ask(session, &sql, &[]).await?;
    Ok(match rows.first() {
        None => Evidence::Happened("the partition is detached".into()),
        Some(row) if row.truth(0) => Evidence::HalfDetached,
        Some(_) => Evidence::DidNot {
            leftovers: Vec::new(),
        },
    })
}

/// Returns an index that the statement names and that is INVALID, whoever made it.
pub async fn named_invalid(
    session: &Session,
    concurrent: Option<&Concurrent>,
    baseline: &Baseline,
) -> Result<Option<IndexState>, DbFailure> {
    let Some(Concurrent::CreateIndex {
        name: Some(name), ..
    }) = concurrent
    else {
        return Ok(None);
    };
    Ok(indexes(session, baseline.table)
        .await?
        .into_iter()
        .find(|index| index.bare_name == *name && !index.valid))
}
