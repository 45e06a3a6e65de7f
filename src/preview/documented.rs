//! The locks of statements that run outside of any transaction, where none can be seen after them.
//!
//! They are those of PostgreSQL's manual (13.3.1 and the commands' own pages), and were read from
//! `pg_locks` while the statements ran, on 12, 15 and 18.

use crate::pg::error::DbFailure;
use crate::pg::named;
use crate::pg::session::{Row, Session};
use crate::project::script::Script;
use crate::report::dry_run::{LockMode, WorkKind};
use crate::sql::name::QualifiedName;
use crate::sql::outside::{Concurrent, OutsideReason, ReindexTarget};
use crate::sql::vacuum::vacuum;

/// What is documented of one relation that a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Documented {
    /// As the statement names it.
    pub(super) name: QualifiedName,
    pub(super) mode: LockMode,
    /// Work on the relation, or on the table of an index.
    pub(super) work: Option<WorkKind>,
    /// Whether the same is done to what belongs to it: its partitions, and where rows are written anew its indexes.
    whole: bool,
}

/// Returns what is documented of a statement; `None` where that is nothing.
pub(super) fn of(script: &Script, index: usize) -> Option<Vec<Documented>> {
    let class = script.class(index);
    if let Some(concurrent) = class.concurrent.as_deref() {
        return concurrently(concurrent);
    }
    match class.outside_transaction? {
        OutsideReason::Vacuum => vacuumed(script.text(index)),
        // They take no lock on a relation that rows are read from.
        OutsideReason::AlterSystem
        | OutsideReason::CreateDatabase
        | OutsideReason::DropDatabase
        | OutsideReason::AlterDatabaseTablespace
        | OutsideReason::CreateTablespace
        | OutsideReason::DropTablespace
        | OutsideReason::DiscardAll => Some(Vec::new()),
        _ => None,
    }
}

fn concurrently(concurrent: &Concurrent) -> Option<Vec<Documented>> {
    let weak = LockMode::ShareUpdateExclusive;
    let locked = |name: &QualifiedName, mode, work| Documented {
        name: name.clone(),
        mode,
        work,
        whole: false,
    };
    Some(match concurrent {
        Concurrent::CreateIndex { table, .. } => {
            vec![locked(table, weak, Some(WorkKind::IndexBuild))]
        }
        Concurrent::DropIndex { names, .. } => {
            names.iter().map(|name| locked(name, weak, None)).collect()
        }
        Concurrent::Reindex {
            what: ReindexTarget::Index | ReindexTarget::Table,
            name: Some(name),
        } => vec![locked(name, weak, Some(WorkKind::IndexBuild))],
        Concurrent::Reindex { .. } => return None,
        Concurrent::Detach { parent, partition } => vec![
            // Once nobody uses the partition any more, it is locked for a moment.
            locked(partition, LockMode::AccessExclusive, None),
            locked(parent, weak, None),
        ],
    })
}

/// A plain one may also cut off empty pages at the table's end. It asks for `ACCESS EXCLUSIVE` then, but does not wait for
/// it, and gives it back as soon as somebody else waits (vacuumlazy.c).
fn vacuumed(text: &str) -> Option<Vec<Documented>> {
    let vacuum = vacuum(text)?;
    let (mode, work) = if vacuum.full {
        (LockMode::AccessExclusive, WorkKind::Rewrite)
    } else {
        (LockMode::ShareUpdateExclusive, WorkKind::Scan)
    };
    let tables = vacuum.tables.into_iter().map(|table| Documented {
        name: table.name,
        mode,
        work: Some(work),
        whole: !table.only,
    });
    Some(tables.collect())
}

/// Finds what is documented of a statement, and what belongs to it, as the session's search path does.
pub(super) async fn found(
    session: &Session,
    documented: Option<Vec<Documented>>,
) -> Result<Option<Vec<(u32, Documented)>>, DbFailure> {
    let Some(all) = documented else {
        return Ok(None);
    };
    let oids = named::oids(session, all.iter().map(|one| one.name.quoted())).await?;
    let mut found = Vec::new();
    for (oid, one) in oids.into_iter().zip(all) {
        let Some(oid) = oid else { continue };
        if !one.whole {
            found.push((oid, one));
            continue;
        }
        let rows = session
            .query(include_str!("sql/vacuumed.sql"), &[Some(&oid.to_string())])
            .await?;
        found.extend(rows.iter().filter_map(|row| part(row, &one)));
    }
    Ok(Some(found))
}

/// Reads a row of `sql/vacuumed.sql`.
fn part(row: &Row, whole: &Documented) -> Option<(u32, Documented)> {
    let oid = u32::try_from(row.number(0)?).ok()?;
    let kind = row.text(1);
    // A plain one locks indexes no more than a writer does.
    if kind == "i" && whole.mode != LockMode::AccessExclusive {
        return None;
    }
    let work = whole.work.filter(|_| kind == "r" || kind == "m");
    Some((
        oid,
        Documented {
            work,
            ..whole.clone()
        },
    ))
}
