//! The two checksums of a migration: refinery's for its table, SHA-256 for divergence.

use std::borrow::Cow;
use std::hash::{Hash as _, Hasher as _};

use memchr::{memchr, memchr_iter};
use sha2::{Digest as _, Sha256};
use siphasher::sip::SipHasher13;

use super::text::without_bom;

/// With which line ends a text is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnds {
    /// As they are in the file.
    AsIs,
    /// Each CRLF as LF.
    Lf,
    /// Each line end as CRLF.
    CrLf,
}

impl LineEnds {
    /// Every kind, in the order of [`line_endings`].
    pub const ALL: [Self; 3] = [Self::AsIs, Self::Lf, Self::CrLf];
}

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
    let mut hasher = Normalised::new();
    hasher.feed_text(text);
    for text in included {
        hasher.next_text();
        hasher.feed_text(text);
    }
    hasher.finish()
}

/// A text's line ends made LF, fed piece by piece.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToLf {
    /// Whether the last piece ended in a CR, which counts only once the next byte is known.
    cr: bool,
}

impl ToLf {
    /// Gives the pieces that a chunk comes to; a CR at its end is kept back.
    pub(crate) fn feed(&mut self, chunk: &[u8], mut give: impl FnMut(&[u8])) {
        let Some(first) = chunk.first() else { return };
        if self.cr && *first != b'\n' {
            give(b"\r");
        }
        self.cr = chunk.last() == Some(&b'\r');
        let chunk = &chunk[..chunk.len() - usize::from(self.cr)];
        let mut from = 0;
        for at in memchr_iter(b'\r', chunk) {
            if chunk.get(at + 1) == Some(&b'\n') {
                give(&chunk[from..at]);
                from = at + 1;
            }
        }
        give(&chunk[from..]);
    }

    /// Gives a CR that was kept back.
    pub(crate) fn finish(&self, mut give: impl FnMut(&[u8])) {
        if self.cr {
            give(b"\r");
        }
    }
}

/// Refinery's checksums of one text, fed piece by piece: for both widths, with all line ends.
#[derive(Debug, Clone)]
pub(crate) struct Refinery {
    as_is: [SipHasher13; 2],
    /// Apart from `as_is` from the first chunk on that has a CR.
    lf: Option<[SipHasher13; 2]>,
    crlf: [SipHasher13; 2],
    to_lf: ToLf,
    fits_i32: bool,
}

/// Refinery's checksums of a text that is not kept: by width (int4, int8) and [`LineEnds`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefineryChecksums {
    of: [[u64; 3]; 2],
    fits_i32: bool,
}

impl Refinery {
    pub(crate) fn new(name: &str, version: i64) -> Self {
        let narrow = i32::try_from(version);
        let mut int4 = SipHasher13::new();
        name.hash(&mut int4);
        narrow.unwrap_or_default().hash(&mut int4);
        let mut int8 = SipHasher13::new();
        name.hash(&mut int8);
        version.hash(&mut int8);
        Self {
            as_is: [int4, int8],
            lf: None,
            crlf: [int4, int8],
            to_lf: ToLf::default(),
            fits_i32: narrow.is_ok(),
        }
    }

    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        if self.lf.is_none() && memchr(b'\r', chunk).is_some() {
            self.lf = Some(self.as_is);
        }
        let Self {
            as_is,
            lf,
            crlf,
            to_lf,
            ..
        } = self;
        write(as_is, chunk);
        to_lf.feed(chunk, |piece| {
            if let Some(lf) = lf {
                write(lf, piece);
            }
            write_crlf(crlf, piece);
        });
    }

    pub(crate) fn finish(self) -> RefineryChecksums {
        let (mut lf, mut crlf) = (self.lf.unwrap_or(self.as_is), self.crlf);
        self.to_lf.finish(|piece| {
            write(&mut lf, piece);
            write(&mut crlf, piece);
        });
        let done = |mut hasher: SipHasher13| {
            // What `str::hash` writes after a text.
            hasher.write_u8(0xff);
            hasher.finish()
        };
        RefineryChecksums {
            of: [0, 1].map(|width| [self.as_is, lf, crlf].map(|hashers| done(hashers[width]))),
            fits_i32: self.fits_i32,
        }
    }
}

impl RefineryChecksums {
    pub(crate) fn i32(&self, ends: LineEnds) -> Option<u64> {
        self.fits_i32.then_some(self.of[0][ends as usize])
    }

    pub(crate) fn i64(&self, ends: LineEnds) -> u64 {
        self.of[1][ends as usize]
    }
}

fn write(hashers: &mut [SipHasher13; 2], bytes: &[u8]) {
    for hasher in hashers {
        hasher.write(bytes);
    }
}

fn write_crlf(hashers: &mut [SipHasher13; 2], lf: &[u8]) {
    let mut from = 0;
    for at in memchr_iter(b'\n', lf) {
        write(hashers, &lf[from..at]);
        write(hashers, b"\r\n");
        from = at + 1;
    }
    write(hashers, &lf[from..]);
}

/// SHA-256 of a text and of what it includes, whole or piece by piece; see
/// [`sha256_with_includes`].
#[derive(Debug, Clone)]
pub(crate) struct Normalised {
    hasher: Sha256,
    to_lf: ToLf,
}

impl Normalised {
    pub(crate) fn new() -> Self {
        Self {
            hasher: Sha256::new(),
            to_lf: ToLf::default(),
        }
    }

    /// Feeds a piece of a text; its byte order mark is left out by the caller.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.to_lf.feed(chunk, |piece| self.hasher.update(piece));
    }

    /// Feeds a whole text.
    pub(crate) fn feed_text(&mut self, text: &str) {
        update_normalised(&mut self.hasher, text);
    }

    /// Ends a text that was fed in pieces.
    pub(crate) fn end_text(&mut self) {
        let to_lf = std::mem::take(&mut self.to_lf);
        to_lf.finish(|piece| self.hasher.update(piece));
    }

    /// Begins an included text.
    pub(crate) fn next_text(&mut self) {
        self.hasher.update([0]);
    }

    pub(crate) fn finish(self) -> String {
        hex(&self.hasher.finalize())
    }
}

/// Feeds a normalised text, without copying it.
fn update_normalised(hasher: &mut Sha256, text: &str) {
    let mut to_lf = ToLf::default();
    to_lf.feed(without_bom(text).as_bytes(), |piece| hasher.update(piece));
    to_lf.finish(|piece| hasher.update(piece));
}

/// Writes bytes as digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
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

    proptest! {
        #[test]
        fn pieces_hash_as_the_whole(
            pieces in proptest::collection::vec("[ab\r\n]{0,5}", 0..12),
            version in proptest::num::i64::ANY,
        ) {
            let text = pieces.concat();
            let mut refinery = Refinery::new("x", version);
            let mut sha = Normalised::new();
            for piece in &pieces {
                refinery.feed(piece.as_bytes());
                sha.feed(piece.as_bytes());
            }
            sha.end_text();
            let normal = text.replace("\r\n", "\n");
            prop_assert_eq!(sha.finish(), hex(&Sha256::digest(normal)));
            let checksums = refinery.finish();
            for (ends, text) in LineEnds::ALL.into_iter().zip(line_endings(&text)) {
                prop_assert_eq!(checksums.i32(ends), refinery_i32("x", version, &text));
                prop_assert_eq!(checksums.i64(ends), refinery_i64("x", version, &text));
            }
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
