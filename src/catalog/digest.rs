//! A short hash of each object: tells which objects of two catalogs differ where one of them is not there in full.

use std::collections::BTreeMap;

use super::fingerprint::sha256;
use super::model::{Object, Snapshot};

/// Objects by what they are called, each with the hash of what is said of it.
pub type Digests = BTreeMap<String, String>;

/// Digits of a hash: enough to tell two texts of one object apart, and no proof. The fingerprint is one.
const LENGTH: usize = 16;

/// Returns the hash of each object; as in the fingerprint, the versions of extensions do not count.
pub fn digests(snapshot: &Snapshot) -> Digests {
    let objects = snapshot.objects().iter();
    objects
        .map(|object| (object.identity.to_string(), digest(object)))
        .collect()
}

fn digest(object: &Object) -> String {
    let mut text = String::new();
    let told = object
        .properties
        .iter()
        .filter(|(name, _)| !object.is_version(name));
    for (name, value) in told {
        // No text of PostgreSQL's has this character.
        text.extend([name, "\0", value, "\0"]);
    }
    let mut hash = sha256(&text);
    hash.truncate(LENGTH);
    hash
}

/// Returns a line for each object that is not what it was: `added table public.events`.
pub fn differences(before: &Digests, after: &Digests) -> Vec<String> {
    let gone = before.keys().filter(|object| !after.contains_key(*object));
    let gone = gone.map(|object| format!("removed {object}"));
    let new = after.keys().filter(|object| !before.contains_key(*object));
    let new = new.map(|object| format!("added {object}"));
    let changed = before
        .iter()
        .filter(|(object, hash)| after.get(*object).is_some_and(|now| now != *hash));
    let changed = changed.map(|(object, _)| format!("changed {object}"));
    gone.chain(new).chain(changed).collect()
}

#[cfg(test)]
mod tests {
    use super::super::model::{Identity, Kind};
    use super::*;

    fn snapshot(objects: &[(&str, &[(&str, &str)])]) -> Snapshot {
        let objects = objects.iter().map(|(name, properties)| Object {
            identity: Identity {
                kind: Kind::Table,
                schema: Some("public".into()),
                parent: None,
                name: (*name).into(),
            },
            properties: properties
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        });
        Snapshot::new(objects.collect())
    }

    #[test]
    fn each_object_that_differs_is_named_once() {
        let before = digests(&snapshot(&[
            ("a", &[("owner", "x")]),
            ("b", &[("owner", "x")]),
            ("c", &[("owner", "x"), ("comment", "y")]),
        ]));
        let after = digests(&snapshot(&[
            ("a", &[("owner", "x")]),
            ("c", &[("owner", "xcomment"), ("y", "")]),
            ("d", &[]),
        ]));
        assert_eq!(
            differences(&before, &after),
            [
                "removed table public.b",
                "added table public.d",
                "changed table public.c"
            ]
        );
        assert_eq!(differences(&before, &before), Vec::<String>::new());
    }
}
