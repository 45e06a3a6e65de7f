//! One line that tells whether two databases have the same schema.

use sha2::{Digest as _, Sha256};

use super::document::canonical_in_pieces;
use super::model::Snapshot;
use crate::project::checksum::hex;

/// Returns the SHA-256 of the canonical document, in hex. It depends neither on OIDs nor on the order in which things
/// were made, nor on columns that are gone; nor on the versions of extensions, which follow the server's packages, and
/// which `pg_dump` does not write either.
pub fn fingerprint(snapshot: &Snapshot) -> String {
    let mut digest = Sha256::new();
    canonical_in_pieces(snapshot, |piece| digest.update(piece));
    hex(&digest.finalize())
}

/// Returns the SHA-256 of a text, in hex: of a canonical document it is the fingerprint.
pub fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::super::document::canonical;
    use super::super::model::{Identity, Kind, Object};
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
                ("version".into(), version.into()),
                ("in_schema".into(), schema.into()),
            ],
        }])
    }

    #[test]
    fn a_document_of_many_pieces_is_hashed_as_a_whole() {
        let objects = (0..2_000).map(|number| Object {
            identity: Identity {
                kind: Kind::Schema,
                schema: None,
                parent: None,
                name: format!("s{number}").into(),
            },
            properties: vec![("comment".into(), "x".repeat(number).into())],
        });
        let snapshot = Snapshot::new(objects.collect());
        assert_eq!(fingerprint(&snapshot), sha256(&canonical(&snapshot)));
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
