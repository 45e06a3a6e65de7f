//! Puts the differences of two catalogs into the report's words.

use crate::catalog::diff::{Change, Difference};
use crate::catalog::model::{Identity, Object};
use crate::report::dry_run::{ChangeKind, ObjectChange, PropertyChange};

/// Returns the changes as they are shown.
pub(super) fn shown(changes: &[Change]) -> Vec<ObjectChange> {
    changes.iter().map(one).collect()
}

fn one(change: &Change) -> ObjectChange {
    match change {
        Change::Added(object) => whole(ChangeKind::Added, object),
        Change::Removed(object) => whole(ChangeKind::Removed, object),
        Change::Changed {
            identity,
            properties,
        } => named(ChangeKind::Changed, identity, changed(properties)),
        Change::Reordered {
            table,
            before,
            after,
        } => {
            let list = |names: &[std::sync::Arc<str>]| Some(names.join(", "));
            let order = PropertyChange {
                property: "order of columns".to_owned(),
                before: list(before),
                after: list(after),
            };
            named(ChangeKind::Changed, table, vec![order])
        }
    }
}

fn whole(change: ChangeKind, object: &Object) -> ObjectChange {
    let properties = object.properties.iter();
    let properties = properties.map(|(name, value)| {
        let value = Some(value.clone());
        let (before, after) = match change {
            ChangeKind::Removed => (value, None),
            _ => (None, value),
        };
        PropertyChange {
            property: name.to_string(),
            before,
            after,
        }
    });
    named(change, &object.identity, properties.collect())
}

fn changed(properties: &[Difference]) -> Vec<PropertyChange> {
    let one = |difference: &Difference| PropertyChange {
        property: difference.property.to_string(),
        before: difference.before.clone(),
        after: difference.after.clone(),
    };
    properties.iter().map(one).collect()
}

fn named(change: ChangeKind, identity: &Identity, properties: Vec<PropertyChange>) -> ObjectChange {
    let own = identity.parent.as_deref().unwrap_or(&identity.name);
    ObjectChange {
        change,
        kind: identity.kind.word().to_owned(),
        object: identity.to_string(),
        group: match identity.schema.as_deref() {
            Some(schema) => format!("{schema}.{own}"),
            None => own.to_owned(),
        },
        properties,
    }
}
