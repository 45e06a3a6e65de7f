//! The two checksums of a migration: refinery's for its table, SHA-256 for divergence.

use std::borrow::Cow;
use std::hash::{Hash as _, Hasher as _};

use sha2::{Digest as _, Sha256};
use siphasher::sip::SipHasher13;

use super::text::without_bom;

/// Returns refinery's checksum where its versions are `i32` (its default build; an int4 column).
///
/// `None` when the version does not fit. Source: refinery-core 0.10.1, `runner.rs`,
/// `Migration::unapplied`: `SipHash` 1-3 over name, version and the text exactly as read.
pub fn refinery_i32(name: &str, version: i64, text: &str) -> Option<u64> {
    let version = i32::try_from(version).ok()?;
    let mut hasher = SipHasher13::new();
    name.hash(&mut hasher);
    version.hash(&mut hasher);
    text.hash(&mut hasher);
    Some(hasher.finish())
}

/// Returns refinery's checksum where its versions are `i64` (feature `int8-versions`).
pub fn refinery_i64(name: &str, version: i64, text: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    name.hash(&mut hasher);
    version.hash(&mut hasher);
    text.hash(&mut hasher);
    hasher.finish()
}

/// Returns a text as it is, with LF and with CRLF line endings: refinery hashes what its own
/// checkout had, and that may have been any of them.
pub fn line_endings(text: &str) -> [Cow<'_, str>; 3] {
    if !text.contains('\n') {
        return [text.into(), text.into(), text.into()];
    }
    let lf = text.replace("\r\n", "\n");
    let crlf = lf.replace('\n', "\r\n");
    [text.into(), lf.into(), crlf.into()]
}

/// Returns the SHA-256, in lower-case hex, of a text without its byte order mark and with each
/// CRLF as LF. A lone CR stays: it may be data inside a literal.
pub fn sha256(text: &str) -> String {
    sha256_with_includes(text, &[])
}

/// Returns the SHA-256 of a text and of the files it includes.
///
/// Hashed are the normalised text, then for each included text, in the order in which the
/// includes are met (an include's own includes right after it; a file included twice counts
/// twice), one zero byte and the normalised included text. A zero byte is in no project file,
/// so no two different sets of files give the same input; without includes it is [`sha256`].
pub fn sha256_with_includes(text: &str, included: &[&str]) -> String {
    let mut hasher = Sha256::new();
    update_normalised(&mut hasher, text);
    for text in included {
        hasher.update([0]);
        update_normalised(&mut hasher, text);
    }
    hex(&hasher.finalize())
}

/// Feeds a normalised text, without copying it.
fn update_normalised(hasher: &mut Sha256, text: &str) {
    let mut rest = without_bom(text);
    while let Some(at) = rest.find("\r\n") {
        hasher.update(&rest.as_bytes()[..at]);
        rest = &rest[at + 1..];
    }
    hasher.update(rest.as_bytes());
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sha256_is_that_of_sha256sum() {
        assert_eq!(
            sha256(""),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(
            sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn line_endings_and_the_byte_order_mark_do_not_count_but_a_lone_cr_does() {
        assert_eq!(sha256("\u{FEFF}a\r\nb\r\n"), sha256("a\nb\n"));
        assert_ne!(sha256("a\rb"), sha256("a\nb"));
        assert_ne!(sha256("a\r\r\nb"), sha256("a\nb"));
    }

    #[test]
    fn includes_count_each_by_itself() {
        let parts = sha256_with_includes("a", &["b", "c"]);
        assert_ne!(parts, sha256_with_includes("a", &["bc"]));
        assert_ne!(parts, sha256_with_includes("a", &["c", "b"]));
        assert_ne!(parts, sha256("abc"));
        assert_eq!(parts, sha256_with_includes("a", &["\u{FEFF}b", "c"]));
        assert_eq!(sha256_with_includes("a", &[]), sha256("a"));
    }

    proptest! {
        #[test]
        fn refinery_agrees(version in 0..=i32::MAX, name in "[a-z_0-9]{1,20}", text in ".*") {
            let theirs = refinery_core::Migration::unapplied(&format!("V{version}__{name}"), &text).unwrap();
            prop_assert_eq!(refinery_i32(&name, version.into(), &text), Some(theirs.checksum()));
        }
    }

    #[test]
    fn refinery_agrees_on_a_byte_order_mark_and_carriage_returns() {
        let text = "\u{FEFF}select 1;\r\n";
        let theirs = refinery_core::Migration::unapplied("V007__x", text).unwrap();
        assert_eq!(refinery_i32("x", 7, text), Some(theirs.checksum()));
    }

    #[test]
    fn a_text_is_tried_with_every_kind_of_line_ending() {
        assert_eq!(
            line_endings("a\r\nb\n"),
            ["a\r\nb\n", "a\nb\n", "a\r\nb\r\n"]
        );
        assert_eq!(line_endings("a\rb"), ["a\rb"; 3]);
    }

    #[test]
    fn a_version_beyond_i32_has_no_i32_checksum() {
        let version = i64::from(i32::MAX) + 1;
        assert_eq!(refinery_i32("x", version, ""), None);
        assert_ne!(refinery_i64("x", 1, ""), refinery_i32("x", 1, "").unwrap());
    }
}
