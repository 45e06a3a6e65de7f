//! One line that tells whether two databases have the same schema.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::model::{Identity, Kind, Object, Snapshot};

/// What is hashed, and how. Another number is another fingerprint of the same database.
const FORMAT: &str = "evmig catalog fingerprint 1";

/// Returns the SHA-256 of all objects and their properties, in hex. It depends neither on OIDs nor on the order in
/// which things were made, nor on columns that are gone.
pub fn fingerprint(snapshot: &Snapshot) -> String {
    let mut hash = Sha256::new();
    text(&mut hash, FORMAT);
    for object in snapshot.objects() {
        identity(&mut hash, &object.identity);
        for (name, value) in &object.properties {
            if counts(object, name) {
                text(&mut hash, name);
                text(&mut hash, value);
            }
        }
        // No text is this long: it ends the object.
        hash.update(u64::MAX.to_be_bytes());
    }
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// An extension's version follows the server's packages, and `pg_dump` does not write it either.
fn counts(object: &Object, property: &str) -> bool {
    !(object.identity.kind == Kind::Extension && property == "version")
}

fn identity(hash: &mut Sha256, identity: &Identity) {
    text(hash, identity.kind.word());
    for part in [&identity.schema, &identity.parent] {
        // An absent name is not an empty one, which cannot be.
        text(hash, part.as_deref().unwrap_or_default());
    }
    text(hash, &identity.name);
}

/// The length goes first, so that no two sequences of texts have the same bytes.
fn text(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extension(version: &str, schema: &str) -> Snapshot {
        Snapshot::new(vec![Object {
            identity: Identity {
                kind: Kind::Extension,
                schema: None,
                parent: None,
                name: "citext".into(),
            },
            properties: vec![
                ("version".into(), version.to_owned()),
                ("in_schema".into(), schema.to_owned()),
            ],
        }])
    }

    #[test]
    fn a_package_update_is_no_change_and_all_else_is() {
        let fingerprint = |version, schema| fingerprint(&extension(version, schema));
        assert_eq!(fingerprint("1.5", "public"), fingerprint("1.6", "public"));
        assert_ne!(
            fingerprint("1.6", "public"),
            fingerprint("1.6", "extensions")
        );
    }
}
