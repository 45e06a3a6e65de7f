//! Changes as they are shown: named, with each property, and with a unified diff of the text.

use std::collections::HashSet;

use similar::TextDiff;

use super::ddl::{ddl, is_part};
use super::diff::{Change, Difference};
use super::model::{Identity, Kind, Object, Snapshot};
use crate::report::change::{ChangeKind, ObjectChange, PropertyChange};

/// Lines around a difference.
const CONTEXT: usize = 3;

/// Writes changes down. Columns and constraints of a relation that came or went are told as a part of it.
pub fn shown(changes: &[Change], before: &Snapshot, after: &Snapshot) -> Vec<ObjectChange> {
    let whole: HashSet<&Identity> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Added(object) | Change::Removed(object) => Some(&object.identity),
            _ => None,
        })
        .collect();
    let told_with = |object: &Object| {
        is_part(&object.identity)
            && owners(&object.identity)
                .iter()
                .any(|owner| whole.contains(owner))
    };
    changes
        .iter()
        .filter(|change| match change {
            Change::Added(object) | Change::Removed(object) => !told_with(object),
            _ => true,
        })
        .map(|change| one(change, before, after))
        .collect()
}

/// What a column or constraint may belong to: its name alone does not say of which kind that is.
fn owners(part: &Identity) -> Vec<Identity> {
    const KINDS: [Kind; 6] = [
        Kind::Table,
        Kind::View,
        Kind::MaterializedView,
        Kind::ForeignTable,
        Kind::CompositeType,
        Kind::Domain,
    ];
    let Some(name) = &part.parent else {
        return Vec::new();
    };
    KINDS
        .into_iter()
        .map(|kind| Identity {
            kind,
            schema: part.schema.clone(),
            parent: None,
            name: name.clone(),
        })
        .collect()
}

fn one(change: &Change, before: &Snapshot, after: &Snapshot) -> ObjectChange {
    let identity = change.identity();
    let text = |snapshot: &Snapshot, parts: &Snapshot| {
        let object = snapshot.find(identity);
        object.map_or_else(String::new, |object| ddl(object, parts))
    };
    // What a relation's columns and constraints have become is told of each of them, and not again here.
    let parts = match change {
        Change::Changed { .. } | Change::Renamed { .. } => after,
        _ => before,
    };
    let (kind, properties) = match change {
        Change::Added(_) => (ChangeKind::Added, Vec::new()),
        Change::Removed(_) => (ChangeKind::Removed, Vec::new()),
        Change::Changed { properties, .. } => (ChangeKind::Changed, told(properties)),
        Change::Renamed { properties, .. } => (ChangeKind::Renamed, told(properties)),
        Change::Reordered { before, after, .. } => {
            let order = PropertyChange {
                property: "column order".to_owned(),
                before: Some(before.join(", ")),
                after: Some(after.join(", ")),
            };
            (ChangeKind::Changed, vec![order])
        }
    };
    ObjectChange {
        change: kind,
        kind: identity.kind.word().to_owned(),
        object: identity.to_string(),
        renamed_from: match change {
            Change::Renamed { from, .. } => Some(from.to_string()),
            _ => None,
        },
        group: group(identity),
        properties,
        diff: unified(&text(before, parts), &text(after, after)),
    }
}

fn told(properties: &[Difference]) -> Vec<PropertyChange> {
    let properties = properties.iter().map(|one| PropertyChange {
        property: one.property.to_string(),
        before: one.before.clone(),
        after: one.after.clone(),
    });
    properties.collect()
}

/// What an object is told with: its relation's name, or its own.
fn group(identity: &Identity) -> String {
    let own = identity.parent.as_deref().unwrap_or(&identity.name);
    match identity.schema.as_deref() {
        Some(schema) => format!("{schema}.{own}"),
        None => own.to_owned(),
    }
}

fn unified(before: &str, after: &str) -> String {
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(CONTEXT)
        .to_string()
}
