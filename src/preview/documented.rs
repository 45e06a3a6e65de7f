//! The locks of statements that run outside of any transaction, where none can be seen after them.
//!
//! They are those of PostgreSQL's manual (13.3.1 and the commands' own pages), and were read from
//! `pg_locks` while the statements ran, on 12, 15 and 18.

use crate::project::script::Script;
use crate::report::dry_run::{LockMode, WorkKind};
use crate::sql::name::QualifiedName;
use crate::sql::outside::{Concurrent, OutsideReason, ReindexTarget};

/// What is documented of one relation that a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Documented {
    /// As the statement names it.
    pub(super) name: QualifiedName,
    pub(super) mode: LockMode,
    /// Work on the relation, or on the table of an index.
    pub(super) work: Option<WorkKind>,
}

/// Returns what is documented of a statement; `None` where that is nothing.
pub(super) fn of(script: &Script, index: usize) -> Option<Vec<Documented>> {
    let class = script.class(index);
    if let Some(concurrent) = class.concurrent.as_deref() {
        return concurrently(concurrent);
    }
    match class.outside_transaction? {
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
