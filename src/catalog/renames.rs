//! Renames, as far as the catalog proves them: between two moments of one database, what kept its OID is the same
//! object, whatever it is called.
//!
//! OIDs say nothing to anybody else, so that they are in no fingerprint and no file. The history keeps them beside the
//! catalogs of its own database.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::diff::{Change, diff};
use super::error::CatalogError;
use super::model::{Identity, Kind, Object, Snapshot, quoted};
use super::shown::shown;
use crate::pg::error::DbFailure;
use crate::pg::session::{Row, Session};
use crate::report::change::ObjectChange;

/// What each object that can be renamed is called at one moment, by what it keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names(HashMap<String, Identity>);

/// Stands for an object that keeps nothing: it cannot be renamed, or that is not looked for.
const NOTHING: &str = "-";

impl Names {
    /// Notes what an object keeps: its OID in a system catalog, which a letter stands for, or that of its relation with
    /// its number there.
    pub(super) fn note(
        &mut self,
        catalog: char,
        oid: &str,
        attribute: Option<&str>,
        identity: &Identity,
    ) {
        let key = match attribute {
            Some(number) => format!("{catalog}{oid}.{number}"),
            None => format!("{catalog}{oid}"),
        };
        self.0.insert(key, identity.clone());
    }

    /// Writes down what each object of the snapshot keeps, in their order.
    pub fn keys(&self, snapshot: &Snapshot) -> String {
        let known: HashMap<&Identity, &str> = self
            .0
            .iter()
            .map(|(key, identity)| (identity, key.as_str()))
            .collect();
        let keys = snapshot.objects().iter();
        let keys = keys.map(|object| *known.get(&object.identity).unwrap_or(&NOTHING));
        keys.collect::<Vec<_>>().join(" ")
    }

    /// Reads what was written down of the same snapshot; where it was another one, nothing is known.
    pub fn of_keys(keys: &str, snapshot: &Snapshot) -> Self {
        let objects = snapshot.objects();
        if keys.split_whitespace().count() != objects.len() {
            return Self::default();
        }
        let known = keys.split_whitespace().zip(objects);
        let known = known.filter(|(key, _)| *key != NOTHING);
        Self(
            known
                .map(|(key, object)| (key.to_owned(), object.identity.clone()))
                .collect(),
        )
    }

    /// Reads the names, in a transaction of its own that only reads.
    pub async fn read(session: &Session) -> Result<Self, CatalogError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Self::between(session, begin, "ROLLBACK").await
    }

    /// Reads the names as the transaction that is open sees them. Its settings are what they were afterwards.
    pub async fn read_within(session: &Session) -> Result<Self, CatalogError> {
        let end = "ROLLBACK TO SAVEPOINT evmig_names; RELEASE SAVEPOINT evmig_names";
        Self::between(session, "SAVEPOINT evmig_names", end).await
    }

    async fn between(session: &Session, begin: &str, end: &str) -> Result<Self, CatalogError> {
        let failed = |failure: DbFailure| CatalogError::Query {
            failure: Box::new(failure),
        };
        // As the objects themselves are read: the types of arguments are written as the search path has it.
        let begin = format!("{begin};\n{}", include_str!("settings.sql"));
        session.run(&begin).await.map_err(failed)?;
        let rows = session.query_long(include_str!("names.sql"), &[]).await;
        session.run(end).await.map_err(failed)?;
        let named = rows.map_err(failed)?;
        Ok(Self(named.iter().filter_map(named_by).collect()))
    }
}

fn named_by(row: &Row) -> Option<(String, Identity)> {
    let text = |column| row.get(column).map(Arc::from);
    let identity = Identity {
        kind: Kind::of(row.get(1)?)?,
        schema: text(2),
        parent: text(3),
        name: text(4)?,
    };
    Some((row.text(0), identity))
}

/// Two moments of one database, compared.
#[derive(Debug)]
pub struct Compared {
    /// What was there before, by the names that it has now.
    pub before: Snapshot,
    /// What has changed.
    pub changes: Vec<Change>,
}

/// Compares two moments of one database. What belongs to something that was renamed is not told for that.
pub fn diff_of_one(
    (before, old_names): (&Snapshot, &Names),
    (after, new_names): (&Snapshot, &Names),
) -> Compared {
    let now: HashMap<&Identity, &Identity> = old_names
        .0
        .iter()
        .filter_map(|(key, old)| Some((old, new_names.0.get(key)?)))
        .collect();
    let moved = |object: &Object| now.get(&object.identity).copied();
    let taken: HashSet<&Identity> = before
        .objects()
        .iter()
        .filter_map(|object| moved(object).filter(|to| **to != object.identity))
        .collect();
    let mut gone = Vec::new();
    let mut renamed: HashMap<Identity, Identity> = HashMap::new();
    let mut carried = Vec::with_capacity(before.objects().len());
    for object in before.objects() {
        match moved(object) {
            Some(to) if *to != object.identity => {
                if has_own_new_name(&object.identity, to, &now) {
                    renamed.insert(to.clone(), object.identity.clone());
                }
                carried.push(under(object, to));
            }
            // Something else has its name now, which it does not have to share with it.
            None if taken.contains(&object.identity) => gone.push(object.clone()),
            _ => carried.push(object.clone()),
        }
    }
    let before = Snapshot::new(carried);
    let mut changes: Vec<Change> = diff(&before, after)
        .into_iter()
        .map(|change| match change {
            Change::Changed {
                identity,
                properties,
            } => match renamed.remove(&identity) {
                Some(from) => Change::Renamed {
                    from,
                    identity,
                    properties,
                },
                None => Change::Changed {
                    identity,
                    properties,
                },
            },
            other => other,
        })
        .collect();
    changes.extend(gone.into_iter().map(Change::Removed));
    let is_there = |identity: &Identity| after.find(identity).is_some();
    let rest = renamed
        .into_iter()
        .filter(|(identity, _)| is_there(identity));
    changes.extend(rest.map(|(identity, from)| Change::Renamed {
        from,
        identity,
        properties: Vec::new(),
    }));
    // Only what was there before keeps its place among the others otherwise.
    changes.sort_by(|a, b| a.identity().cmp(b.identity()));
    Compared { before, changes }
}

/// Tells what differs between two moments of one database, with renames as far as both know what objects keep. That
/// hides nothing: where it would leave no difference, the names alone are compared.
pub fn shown_of_one(
    (before, old_names): (&Snapshot, &Names),
    (after, new_names): (&Snapshot, &Names),
) -> Vec<ObjectChange> {
    let compared = diff_of_one((before, old_names), (after, new_names));
    if compared.changes.is_empty() {
        return shown(&diff(before, after), before, after);
    }
    shown(&compared.changes, &compared.before, after)
}

/// Whether it is the object itself that has another name or another schema, and not what it belongs to.
fn has_own_new_name(old: &Identity, new: &Identity, now: &HashMap<&Identity, &Identity>) -> bool {
    if old.name != new.name {
        return true;
    }
    let schema = |name: &Arc<str>| Identity {
        kind: Kind::Schema,
        schema: None,
        parent: None,
        name: name.clone(),
    };
    // With a schema that was renamed all of its objects are elsewhere, which is told once.
    let went_along = old.schema.as_ref().is_some_and(|name| {
        let now = now.get(&schema(name));
        now.map(|schema| &schema.name) == new.schema.as_ref()
    });
    new.parent.is_none() && old.schema != new.schema && !went_along
}

/// An object as it was, under the name that it has now.
fn under(object: &Object, now: &Identity) -> Object {
    let old = &object.identity;
    let mut object = Object {
        identity: now.clone(),
        properties: object.properties.clone(),
    };
    for (name, value) in &mut object.properties {
        if &**name == "definition" {
            *value = definition_under(value, old, now).into();
        }
    }
    object
}

/// Writes the names that a definition begins with as they are now: they are told by the rename.
fn definition_under(definition: &str, old: &Identity, now: &Identity) -> String {
    let full = |schema: &Option<Arc<str>>, name: &str| match schema {
        Some(schema) => format!("{}.{}", quoted(schema), name),
        None => name.to_owned(),
    };
    match now.kind {
        Kind::Index | Kind::Trigger | Kind::Rule | Kind::Statistics => {
            // What stands at the end has a blank behind it, too.
            let mut text = format!("{definition} ");
            let mut put = |before: &str, after: &str| {
                text = text.replacen(&format!(" {before} "), &format!(" {after} "), 1);
            };
            put(&quoted(&old.name), &quoted(&now.name));
            put(
                &full(&old.schema, &quoted(&old.name)),
                &full(&now.schema, &quoted(&now.name)),
            );
            if let (Some(before), Some(after)) = (&old.parent, &now.parent) {
                put(
                    &full(&old.schema, &quoted(before)),
                    &full(&now.schema, &quoted(after)),
                );
            }
            text.truncate(text.len() - 1);
            text
        }
        Kind::Function | Kind::Procedure => {
            let name = |identity: &Identity| {
                let plain = identity.name.split('(').next().unwrap_or_default();
                full(&identity.schema, &quoted(plain))
            };
            let call = |identity: &Identity| format!(" {}(", name(identity));
            definition.replacen(&call(old), &call(now), 1)
        }
        _ => definition.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: Kind, parent: Option<&str>, name: &str, definition: &str) -> Object {
        Object {
            identity: Identity {
                kind,
                schema: Some("public".into()),
                parent: parent.map(Arc::from),
                name: name.into(),
            },
            properties: vec![("definition".into(), definition.into())],
        }
    }

    fn moment(objects: &[(&str, Object)]) -> (Snapshot, Names) {
        let named = objects
            .iter()
            .map(|(key, object)| ((*key).to_owned(), object.identity.clone()));
        let names = Names(named.collect());
        let objects = objects.iter().map(|(_, object)| object.clone());
        (Snapshot::new(objects.collect()), names)
    }

    fn told(before: &[(&str, Object)], after: &[(&str, Object)]) -> Vec<String> {
        let ((a, old), (b, new)) = (moment(before), moment(after));
        let compared = diff_of_one((&a, &old), (&b, &new));
        let changes = compared.changes.iter().map(|change| match change {
            Change::Added(object) => format!("+ {}", object.identity),
            Change::Removed(object) => format!("- {}", object.identity),
            Change::Renamed {
                from,
                identity,
                properties,
            } => format!("{from} -> {identity} {}", properties.len()),
            Change::Changed { identity, .. } => format!("~ {identity}"),
            Change::Reordered { table, .. } => format!("order {table}"),
        });
        changes.collect()
    }

    fn table(name: &str) -> Object {
        object(Kind::Table, None, name, "")
    }

    #[test]
    fn what_objects_keep_is_read_as_it_was_written() {
        let (snapshot, names) = moment(&[("r7", table("b")), ("r5", table("a"))]);
        let mut objects = snapshot.objects().to_vec();
        objects.push(table("c"));
        let snapshot = Snapshot::new(objects);
        let keys = names.keys(&snapshot);
        assert_eq!(keys, "r5 r7 -");
        assert_eq!(Names::of_keys(&keys, &snapshot).0, names.0);
        // Of another catalog they say nothing.
        let other = Snapshot::new(vec![table("a")]);
        assert!(Names::of_keys(&keys, &other).0.is_empty());
        assert!(Names::of_keys("", &other).0.is_empty());
    }

    #[test]
    fn no_difference_is_hidden() {
        let column = |table: &str| object(Kind::Column, Some(table), "x", "");
        // Nothing that PostgreSQL does: a column that went to another table.
        let before = [
            ("r1", table("a")),
            ("r2", table("b")),
            ("a1.1", column("a")),
        ];
        let after = [
            ("r1", table("a")),
            ("r2", table("b")),
            ("a1.1", column("b")),
        ];
        let ((a, old), (b, new)) = (moment(&before), moment(&after));
        assert!(diff_of_one((&a, &old), (&b, &new)).changes.is_empty());
        assert_eq!(shown_of_one((&a, &old), (&b, &new)).len(), 2);
    }

    #[test]
    fn what_belongs_to_a_renamed_table_is_not_told() {
        let index = |table: &str, rest: &str| {
            let definition = format!("CREATE INDEX i ON public.{table} {rest}");
            object(Kind::Index, Some(table), "i", &definition)
        };
        let before = [("r1", table("a")), ("r2", index("a", "USING btree (x)"))];
        let after = [("r1", table("b")), ("r2", index("b", "USING btree (x)"))];
        assert_eq!(
            told(&before, &after),
            ["table public.a -> table public.b 0"]
        );
        let other = [("r1", table("b")), ("r2", index("b", "USING hash (x)"))];
        assert_eq!(
            told(&before, &other),
            [
                "table public.a -> table public.b 0",
                "~ index i on public.b"
            ]
        );
    }

    #[test]
    fn a_schema_takes_its_objects_along_and_a_table_can_go_alone() {
        let schema = |name: &str| Object {
            identity: Identity {
                kind: Kind::Schema,
                schema: None,
                parent: None,
                name: name.into(),
            },
            properties: Vec::new(),
        };
        let within = |schema: &str, mut object: Object| {
            object.identity.schema = Some(schema.into());
            object
        };
        let before = [("n1", schema("a")), ("r1", within("a", table("t")))];
        let after = [("n1", schema("b")), ("r1", within("b", table("t")))];
        assert_eq!(told(&before, &after), ["schema a -> schema b 0"]);
        let before = [("n1", schema("a")), ("r1", within("a", table("t")))];
        let after = [("n1", schema("a")), ("r1", within("b", table("t")))];
        assert_eq!(told(&before, &after), ["table a.t -> table b.t 0"]);
    }

    #[test]
    fn a_name_that_went_to_another_object_proves_nothing() {
        // Dropped and made again: another object of the same name.
        let once = [("r1", table("a"))];
        assert_eq!(told(&once, &[("r2", table("a"))]), [] as [&str; 0]);
        assert_eq!(
            told(&once, &[("r2", table("b"))]),
            ["- table public.a", "+ table public.b"]
        );
        // Renamed out of the way of a new one, and into the place of one that is dropped.
        let both = [("r1", table("a")), ("r2", table("b"))];
        assert_eq!(
            told(&once, &[("r1", table("b")), ("r2", table("a"))]),
            ["+ table public.a", "table public.a -> table public.b 0"]
        );
        assert_eq!(
            told(&both, &[("r1", table("b"))]),
            ["- table public.b", "table public.a -> table public.b 0"]
        );
        // Swapped.
        let swapped = [("r2", table("a")), ("r1", table("b"))];
        assert_eq!(
            told(&both, &swapped),
            [
                "table public.b -> table public.a 0",
                "table public.a -> table public.b 0"
            ]
        );
    }
}
