//! What two snapshots do not have in common, object by object and property by property.

use std::slice::from_ref;
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
fn reordered(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let mut olds = relations(before).peekable();
    let mut changes = Vec::new();
    for new in relations(after) {
        while olds.next_if(|old| table(old) < table(new)).is_some() {}
        let old = olds.next_if(|old| table(old) == table(new));
        let Some([before, now]) = old.and_then(|old| orders(old, new)) else {
            continue;
        };
        changes.push(Change::Reordered {
            table: relation(after, table(new)),
            before,
            after: now,
        });
    }
    changes.sort_by(|a, b| a.identity().cmp(b.identity()));
    changes
}

/// Finds out what a column's relation is.
fn relation(snapshot: &Snapshot, (schema, name): Table<'_>) -> Identity {
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
        name: name.clone().unwrap_or_default(),
    };
    let found = KINDS
        .into_iter()
        .map(of)
        .find(|one| snapshot.find(one).is_some());
    found.unwrap_or_else(|| of(Kind::Table))
}

type Table<'a> = (&'a Option<Arc<str>>, &'a Option<Arc<str>>);

/// What columns that stand together belong to.
fn table(columns: &[Object]) -> Table<'_> {
    let Identity { schema, parent, .. } = &columns[0].identity;
    (schema, parent)
}

/// The columns of each relation: in a snapshot they stand together, by their names.
fn relations(snapshot: &Snapshot) -> impl Iterator<Item = &[Object]> {
    let objects = snapshot.objects();
    let start = objects.partition_point(|object| object.identity.kind < Kind::Column);
    let end = objects.partition_point(|object| object.identity.kind <= Kind::Column);
    objects[start..end].chunk_by(|a, b| table(from_ref(a)) == table(from_ref(b)))
}

/// The names of the columns that both have, in either's order, where that is not the same.
fn orders(old: &[Object], new: &[Object]) -> Option<[Vec<Arc<str>>; 2]> {
    // Nearly all stand where they stood, and need no list.
    let stays = |(old, new): (&Object, &Object)| {
        old.identity.name == new.identity.name && old.get(POSITION) == new.get(POSITION)
    };
    if old.len() == new.len() && old.iter().zip(new).all(stays) {
        return None;
    }
    let (old, new) = (in_order(old), in_order(new));
    let common = |from: &[Arc<str>], other: &[Arc<str>]| {
        let kept = from.iter().filter(|name| other.contains(name));
        kept.cloned().collect::<Vec<_>>()
    };
    let [before, after] = [common(&old, &new), common(&new, &old)];
    (before != after).then_some([before, after])
}

/// The names of one relation's columns in the order of their numbers.
fn in_order(columns: &[Object]) -> Vec<Arc<str>> {
    let number = |column: &Object| {
        let position = column.get(POSITION)?;
        position.parse::<usize>().ok()
    };
    let mut columns: Vec<&Object> = columns.iter().collect();
    columns.sort_by_key(|column| number(column).unwrap_or_default());
    columns
        .into_iter()
        .map(|column| column.identity.name.clone())
        .collect()
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
                (POSITION.into(), position.to_string().into()),
                ("type".into(), kind.into()),
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
    fn tables_that_one_side_alone_has_do_not_shift_the_others() {
        let tables = |tables: &[(&str, &[&str])]| {
            let columns = tables.iter().flat_map(|(table, columns)| {
                let columns = columns.iter().enumerate();
                columns.map(move |(at, name)| {
                    let mut column = column(name, at + 1, "text");
                    column.identity.parent = Some((*table).into());
                    column
                })
            });
            Snapshot::new(columns.collect())
        };
        let before = tables(&[("a", &["x", "y"]), ("b", &["x"]), ("d", &["x", "y", "z"])]);
        let after = tables(&[("b", &["x"]), ("c", &["y", "x"]), ("d", &["z", "new", "x"])]);
        let reordered: Vec<String> = diff(&before, &after)
            .into_iter()
            .filter_map(|change| match change {
                Change::Reordered {
                    table,
                    before,
                    after,
                } => Some(format!(
                    "{table}: {} -> {}",
                    before.join(" "),
                    after.join(" ")
                )),
                _ => None,
            })
            .collect();
        assert_eq!(reordered, ["table public.d: x z -> z x"]);
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
