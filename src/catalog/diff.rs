//! What two snapshots do not have in common, object by object and property by property.

use std::collections::HashMap;
use std::sync::Arc;

use super::model::{Identity, Kind, Object, Snapshot};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Only the second has it.
    Added(Object),
    /// Only the first has it.
    Removed(Object),
    /// Both have it, and not the same is said of it.
    Changed {
        /// What it is called.
        identity: Identity,
        /// What differs.
        properties: Vec<Difference>,
    },
    /// It has another name, and is proved to be the same: both are of one database.
    Renamed {
        /// What it was called.
        from: Identity,
        /// What it is called.
        identity: Identity,
        /// What differs besides.
        properties: Vec<Difference>,
    },
    /// The columns that both have stand in another order.
    Reordered {
        /// The table, view or type.
        table: Identity,
        /// The order before.
        before: Vec<Arc<str>>,
        /// The order after.
        after: Vec<Arc<str>>,
    },
}

impl Change {
    /// Returns what has changed.
    pub fn identity(&self) -> &Identity {
        match self {
            Self::Added(object) | Self::Removed(object) => &object.identity,
            Self::Changed { identity, .. } | Self::Renamed { identity, .. } => identity,
            Self::Reordered { table, .. } => table,
        }
    }
}

/// What is said of an object before and after; `None` is the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Of which property.
    pub property: Arc<str>,
    /// Before.
    pub before: Option<String>,
    /// After.
    pub after: Option<String>,
}

/// Where a column stands among the others. It moves whenever one before it goes, which is no change of its own.
pub(super) const POSITION: &str = "position";

/// Compares two snapshots; the changes come in the order of the objects.
pub fn diff(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut old = before.objects().iter().peekable();
    let mut new = after.objects().iter().peekable();
    loop {
        match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(a), Some(b)) if a.identity == b.identity => {
                changes.extend(changed(a, b));
                old.next();
                new.next();
            }
            (Some(a), Some(b)) if b.identity < a.identity => {
                changes.push(Change::Added((*b).clone()));
                new.next();
            }
            (None, Some(b)) => {
                changes.push(Change::Added((*b).clone()));
                new.next();
            }
            (Some(a), _) => {
                changes.push(Change::Removed((*a).clone()));
                old.next();
            }
        }
    }
    changes.extend(reordered(before, after));
    changes
}

fn changed(before: &Object, after: &Object) -> Option<Change> {
    // Nearly all are the same, and need no list.
    if before.properties == after.properties {
        return None;
    }
    let names = before.properties.iter().chain(&after.properties);
    let mut names: Vec<&Arc<str>> = names.map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    let properties: Vec<Difference> = names
        .into_iter()
        .filter(|name| !(before.identity.kind == Kind::Column && ***name == *POSITION))
        .map(|name| Difference {
            property: name.clone(),
            before: before.get(name).map(str::to_owned),
            after: after.get(name).map(str::to_owned),
        })
        .filter(|difference| difference.before != difference.after)
        // What the history keeps has no versions of extensions, which is no difference.
        .filter(|difference| {
            !before.is_version(&difference.property)
                || (difference.before.is_some() && difference.after.is_some())
        })
        .collect();
    (!properties.is_empty()).then(|| Change::Changed {
        identity: before.identity.clone(),
        properties,
    })
}

/// Tables whose common columns have changed places.
fn reordered(before: &Snapshot, new_snapshot: &Snapshot) -> Vec<Change> {
    let olds = columns(before);
    let mut changes: Vec<Change> = columns(new_snapshot)
        .into_iter()
        .filter_map(|(table, new)| {
            let old = olds.get(&table)?;
            let common = |from: &[(usize, Arc<str>)], other: &[(usize, Arc<str>)]| {
                let kept = from
                    .iter()
                    .filter(|(_, name)| other.iter().any(|(_, other)| other == name));
                kept.map(|(_, name)| name.clone()).collect::<Vec<_>>()
            };
            if same_order(old, &new) {
                return None;
            }
            let (before, after) = (common(old, &new), common(&new, old));
            (before != after).then(|| Change::Reordered {
                table: relation(new_snapshot, table),
                before,
                after,
            })
        })
        .collect();
    changes.sort_by(|a, b| a.identity().cmp(b.identity()));
    changes
}

/// Finds out what a column's relation is.
fn relation(snapshot: &Snapshot, (schema, name): Table) -> Identity {
    const KINDS: [Kind; 5] = [
        Kind::Table,
        Kind::View,
        Kind::MaterializedView,
        Kind::ForeignTable,
        Kind::CompositeType,
    ];
    let of = |kind| Identity {
        kind,
        schema: schema.clone(),
        parent: None,
        name: name.clone(),
    };
    let found = KINDS
        .into_iter()
        .map(of)
        .find(|one| snapshot.find(one).is_some());
    found.unwrap_or_else(|| of(Kind::Table))
}

fn same_order(old: &[(usize, Arc<str>)], new: &[(usize, Arc<str>)]) -> bool {
    old.iter()
        .map(|(_, name)| name)
        .eq(new.iter().map(|(_, name)| name))
}

type Table = (Option<Arc<str>>, Arc<str>);

/// The columns of each relation in their order.
fn columns(snapshot: &Snapshot) -> HashMap<Table, Vec<(usize, Arc<str>)>> {
    let mut tables: HashMap<Table, Vec<(usize, Arc<str>)>> = HashMap::new();
    for object in snapshot.objects() {
        let Identity {
            kind: Kind::Column,
            schema,
            parent: Some(parent),
            name,
        } = &object.identity
        else {
            continue;
        };
        let position = object
            .get(POSITION)
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        tables
            .entry((schema.clone(), parent.clone()))
            .or_default()
            .push((position, name.clone()));
    }
    for columns in tables.values_mut() {
        columns.sort();
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, position: usize, kind: &str) -> Object {
        Object {
            identity: Identity {
                kind: Kind::Column,
                schema: Some("public".into()),
                parent: Some("t".into()),
                name: name.into(),
            },
            properties: vec![
                (POSITION.into(), position.to_string()),
                ("type".into(), kind.to_owned()),
            ],
        }
    }

    fn table(columns: &[&str]) -> Snapshot {
        let columns = columns.iter().enumerate();
        Snapshot::new(
            columns
                .map(|(at, name)| column(name, at + 1, "text"))
                .collect(),
        )
    }

    #[test]
    fn a_column_that_goes_moves_no_other() {
        let changes = diff(&table(&["a", "b", "c"]), &table(&["b", "c"]));
        assert!(matches!(&changes[..], [Change::Removed(object)] if &*object.identity.name == "a"));
        assert_eq!(diff(&table(&["a"]), &table(&["a"])), []);
    }

    #[test]
    fn another_order_is_one_change_of_the_table() {
        let changes = diff(&table(&["a", "b", "c"]), &table(&["b", "a", "c"]));
        assert!(matches!(&changes[..], [Change::Reordered { before, .. }] if before.len() == 3));
    }

    #[test]
    fn exactly_the_property_is_named() {
        let before = Snapshot::new(vec![column("a", 1, "text")]);
        let after = Snapshot::new(vec![column("a", 1, "integer")]);
        let changes = diff(&before, &after);
        assert!(matches!(&changes[..], [Change::Changed { properties, .. }]
            if properties.len() == 1 && &*properties[0].property == "type"));
    }
}
