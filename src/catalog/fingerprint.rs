//! One line that tells whether two databases have the same schema.

use sha2::{Digest as _, Sha256};

use super::document::canonical;
use super::model::Snapshot;
use crate::project::checksum::hex;

/// Returns the SHA-256 of the canonical document, in hex. It depends neither on OIDs nor on the order in which things
/// were made, nor on columns that are gone; nor on the versions of extensions, which follow the server's packages, and
/// which `pg_dump` does not write either.
pub fn fingerprint(snapshot: &Snapshot) -> String {
    sha256(&canonical(snapshot))
}

/// Returns the SHA-256 of a text, in hex: of a canonical document it is the fingerprint.
pub fn sha256(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
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
