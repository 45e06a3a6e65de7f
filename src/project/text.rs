//! Bytes to text: UTF-8 with at most one byte order mark, no NUL, or an error with its place.

use crate::report::place::Snippet;

use super::source::Source;
use super::span::Span;

const BOM: char = '\u{FEFF}';

/// Why bytes are not the text of a project file. Offsets count bytes from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// The file begins with UTF-16's byte order mark, or has UTF-16's NUL bytes.
    #[error("the file is UTF-16 ({order}); project files are UTF-8")]
    Utf16 {
        /// "little-endian" or "big-endian".
        order: &'static str,
    },
    /// A byte is not UTF-8.
    #[error("byte 0x{byte:02x} at offset {offset} is not valid UTF-8")]
    InvalidUtf8 {
        /// Offset of the first bad byte.
        offset: usize,
        /// The byte.
        byte: u8,
    },
    /// A NUL byte, which no PostgreSQL text can hold.
    #[error("NUL byte at offset {offset}")]
    Nul {
        /// Its offset.
        offset: usize,
    },
    /// The byte order mark is there twice.
    #[error("a second byte order mark at offset {offset}; one is tolerated")]
    SecondBom {
        /// Its offset.
        offset: usize,
    },
}

impl TextFault {
    /// Returns the stable id of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Utf16 { .. } => "utf16",
            Self::InvalidUtf8 { .. } => "invalid-utf8",
            Self::Nul { .. } => "nul-byte",
            Self::SecondBom { .. } => "second-bom",
        }
    }

    /// Returns the command or edit that mends the file.
    pub fn help(&self, file: &str) -> Option<String> {
        let from = match self {
            Self::Utf16 { .. } => "UTF-16",
            Self::InvalidUtf8 { .. } => "WINDOWS-1252",
            Self::Nul { .. } => {
                return Some("remove the byte: PostgreSQL cannot hold it".to_owned());
            }
            Self::SecondBom { .. } => {
                return Some("save the file as UTF-8 without a byte order mark".to_owned());
            }
        };
        Some(format!(
            "save it as UTF-8, for instance `iconv -f {from} -t UTF-8 {file}`"
        ))
    }
}

/// Decodes a file's bytes without changing them: a byte order mark and carriage returns stay.
///
/// Only the first fault is reported: after it, offsets in the file mean little.
pub(crate) fn decode<'b>(
    file: &str,
    bytes: &'b [u8],
) -> Result<&'b str, (TextFault, Option<Box<Snippet>>)> {
    if let Some(order) = utf16(bytes) {
        return Err((TextFault::Utf16 { order }, None));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let offset = error.valid_up_to();
            let byte = bytes.get(offset).copied().unwrap_or_default();
            let lossy = String::from_utf8_lossy(bytes);
            let snippet = Some(Box::new(cut(file, lossy, offset)));
            return Err((TextFault::InvalidUtf8 { offset, byte }, snippet));
        }
    };
    if let Some(offset) = memchr::memchr(0, bytes) {
        return Err((
            TextFault::Nul { offset },
            Some(Box::new(cut(file, text, offset))),
        ));
    }
    let offset = BOM.len_utf8();
    if text.starts_with(BOM) && text[offset..].starts_with(BOM) {
        return Err((
            TextFault::SecondBom { offset },
            Some(Box::new(cut(file, text, offset))),
        ));
    }
    Ok(text)
}

/// Returns the byte order of a UTF-16 file: by its mark, or by NULs in every other early byte.
pub(super) fn utf16(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xFF, 0xFE, ..] => Some("little-endian"),
        [0xFE, 0xFF, ..] => Some("big-endian"),
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => Some("little-endian"),
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => Some("big-endian"),
        _ => None,
    }
}

fn cut(file: &str, text: impl Into<String>, offset: usize) -> Snippet {
    let span = Span {
        start: offset,
        end: offset + 1,
    };
    Source::new(file, text).snippet(span)
}

/// Returns a text without its leading byte order mark.
pub fn without_bom(text: &str) -> &str {
    text.strip_prefix(BOM).unwrap_or(text)
}

/// Returns whether nothing but white space and comments is in an SQL text.
pub(crate) fn is_blank_sql(text: &str) -> bool {
    let mut rest = without_bom(text).trim_start();
    while !rest.is_empty() {
        if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, after)| after);
        } else if rest.starts_with("/*") {
            match after_block_comment(rest) {
                Some(after) => rest = after,
                None => return false,
            }
        } else {
            return false;
        }
        rest = rest.trim_start();
    }
    true
}

/// Returns what follows a (nested) block comment; `None` if it is left open.
fn after_block_comment(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while at + 1 < bytes.len() {
        match &bytes[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return text.get(at..);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(bytes: &[u8]) -> (TextFault, Option<(u32, u32)>) {
        let (fault, snippet) = decode("a.sql", bytes).unwrap_err();
        (fault, snippet.map(|s| (s.place.line, s.place.column)))
    }

    #[test]
    fn each_bad_text_is_told_with_its_offset_and_place() {
        assert_eq!(
            fault(b"ab\nc\xffd"),
            (
                TextFault::InvalidUtf8 {
                    offset: 4,
                    byte: 0xff
                },
                Some((2, 2))
            )
        );
        assert_eq!(
            fault(b"select 1;\n\0"),
            (TextFault::Nul { offset: 10 }, Some((2, 1)))
        );
        assert_eq!(
            fault("\u{FEFF}\u{FEFF}x".as_bytes()),
            (TextFault::SecondBom { offset: 3 }, Some((1, 2)))
        );
        for (bytes, order) in [
            (&b"\xff\xfes\0"[..], "little-endian"),
            (b"\xfe\xff\0s", "big-endian"),
            (b"s\0e\0", "little-endian"),
            (b"\0s\0e", "big-endian"),
        ] {
            assert_eq!(fault(bytes), (TextFault::Utf16 { order }, None));
        }
    }

    #[test]
    fn a_good_text_is_not_changed() {
        let text = "\u{FEFF}a\r\nb\rc";
        assert_eq!(decode("a.sql", text.as_bytes()).unwrap(), text);
        assert_eq!(without_bom(text), "a\r\nb\rc");
    }

    #[test]
    fn blank_is_white_space_and_comments() {
        for text in [
            "",
            "\u{FEFF} \r\n",
            "-- x",
            "/* a /* b */ c */ -- d\n",
            "/**/",
        ] {
            assert!(is_blank_sql(text), "{text:?}");
        }
        for text in [
            ";",
            "select 1",
            "/* open",
            "/* a /* b */",
            "-- x\n\\i y",
            "/*/",
        ] {
            assert!(!is_blank_sql(text), "{text:?}");
        }
    }
}
