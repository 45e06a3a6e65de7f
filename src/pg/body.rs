//! Whether a message of the server has the form that the protocol gives it (PostgreSQL manual, 55.7
//! and 55.8), told from its bytes as they come.
//!
//! One flipped bit makes a notice of an answer. The driver takes it for something that nobody has
//! asked for, and waits for the real answer for ever; or it makes a row of an error, and the driver
//! passes over it. Nearly always such a message has not the form of what it says it is.

use memchr::memchr;

/// The fields that every error and notice has: severity, code, message.
const FIELDS: [u8; 3] = *b"SCM";

/// What a body must consist of.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Anything, as long as it is of this length, if there is one.
    Bytes(Option<u32>),
    /// Texts, each ended by a zero byte, behind so many other bytes.
    Texts { before: u32, texts: u32 },
    /// One of these bytes.
    OneOf(&'static [u8]),
    /// Fields: a type and a text each, and a zero byte at the end.
    Fields { at: Field, seen: u8 },
    /// A row of so many columns.
    Row { columns: [u8; 2], seen: usize },
    /// No message of this type comes from a server whose session is ready.
    Unknown,
}

/// Where in its fields a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Type,
    Text,
    End,
}

/// A body on its way.
#[derive(Debug)]
pub(super) struct Body {
    form: Form,
    fits: bool,
}

impl Body {
    /// Begins a message with `length` bytes to come. `columns` are those of the rows that were
    /// described last; `ready` says whether the session has started.
    pub(super) fn new(tag: u8, length: u32, columns: Option<u16>, ready: bool) -> Self {
        let form = match tag {
            b'N' | b'E' => Form::Fields {
                at: Field::Type,
                seen: 0,
            },
            b'C' => texts(0, 1),
            b'S' => texts(0, 2),
            b'A' => texts(4, 2),
            b'Z' => Form::OneOf(b"ITE"),
            b'D' => columns.map_or(Form::Unknown, |columns| Form::Row {
                columns: columns.to_be_bytes(),
                seen: 0,
            }),
            b'1' | b'2' | b'3' | b'n' | b's' | b'I' | b'c' => Form::Bytes(Some(0)),
            b'T' | b't' | b'G' | b'H' | b'd' => Form::Bytes(None),
            _ if ready => Form::Unknown,
            // What a login consists of is the driver's to read.
            _ => Form::Bytes(None),
        };
        let fits = match form {
            Form::Bytes(Some(right)) => length == right,
            Form::OneOf(_) => length == 1,
            Form::Row { .. } => length >= 2,
            Form::Unknown => false,
            _ => true,
        };
        Self { form, fits }
    }

    /// Takes the next bytes.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        match &mut self.form {
            Form::Bytes(_) | Form::Unknown => {}
            Form::OneOf(known) => self.fits &= bytes.iter().all(|byte| known.contains(byte)),
            Form::Texts { before, texts } => self.fits &= take_texts(bytes, before, texts),
            Form::Fields { at, seen } => self.fits &= take_fields(bytes, at, seen),
            Form::Row { columns, seen } => {
                let rest = &columns[*seen..];
                let take = bytes.len().min(rest.len());
                self.fits &= rest[..take] == bytes[..take];
                *seen += take;
            }
        }
    }

    /// Whether what came is a whole message of its type.
    pub(super) fn is_whole(&self) -> bool {
        self.fits
            && match self.form {
                Form::Texts { before, texts } => before == 0 && texts == 0,
                Form::Fields { at, seen } => at == Field::End && seen == ALL_FIELDS,
                _ => true,
            }
    }

    /// Whether it can still become one.
    pub(super) fn fits(&self) -> bool {
        self.fits
    }
}

const ALL_FIELDS: u8 = (1 << FIELDS.len()) - 1;

fn texts(before: u32, texts: u32) -> Form {
    Form::Texts { before, texts }
}

fn take_texts(mut bytes: &[u8], before: &mut u32, texts: &mut u32) -> bool {
    let skip = bytes.len().min(*before as usize);
    *before -= skip as u32;
    bytes = &bytes[skip..];
    while *texts > 0 {
        let Some(end) = memchr(0, bytes) else {
            return true;
        };
        *texts -= 1;
        bytes = &bytes[end + 1..];
    }
    bytes.is_empty()
}

fn take_fields(mut bytes: &[u8], at: &mut Field, seen: &mut u8) -> bool {
    while let Some(first) = bytes.first() {
        match at {
            Field::Type => {
                if let Some(field) = FIELDS.iter().position(|field| field == first) {
                    *seen |= 1 << field;
                }
                *at = if *first == 0 { Field::End } else { Field::Text };
                bytes = &bytes[1..];
            }
            Field::Text => {
                let Some(end) = memchr(0, bytes) else {
                    return true;
                };
                *at = Field::Type;
                bytes = &bytes[end + 1..];
            }
            Field::End => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn is_whole(tag: u8, body: &[u8], size: usize) -> bool {
        let mut whole = Body::new(tag, body.len() as u32, Some(2), true);
        for piece in body.chunks(size.max(1)) {
            whole.take(piece);
        }
        whole.is_whole()
    }

    const WHOLE: [(u8, &[u8]); 17] = [
        (b'N', b"SNOTICE\0VNOTICE\0C00000\0Mhello\0\0"),
        (b'E', b"SERROR\0C42P01\0M\0\0"),
        (b'C', b"COMMIT\0"),
        (b'C', b"\0"),
        (b'S', b"TimeZone\0UTC\0"),
        (b'S', b"application_name\0\0"),
        (b'A', b"\0\0\x01\0channel\0\0"),
        (b'Z', b"I"),
        (b'Z', b"T"),
        (b'Z', b"E"),
        (b'D', b"\0\x02\xff\xff\xff\xff\0\0\0\x01x"),
        (b'1', b""),
        (b'2', b""),
        (b'n', b""),
        (b'I', b""),
        (b't', b"\0\0"),
        (b'T', b"\0\0"),
    ];

    #[test]
    fn b82_messages_of_a_server_are_whole_however_they_are_cut() {
        for (tag, body) in WHOLE {
            for size in 1..=body.len().max(1) {
                assert!(is_whole(tag, body, size), "{} {size}", char::from(tag));
            }
        }
    }

    #[test]
    fn b82_what_has_another_form_is_none() {
        for (tag, body) in [
            (b'N', &b""[..]),
            (b'N', b"\0"),
            (b'N', b"SNOTICE\0C00000\0\0"),
            (b'N', b"SNOTICE\0C00000\0Mhello\0"),
            (b'N', b"SNOTICE\0C00000\0Mhello"),
            (b'N', b"SNOTICE\0C00000\0Mhello\0\0x"),
            (b'E', b"COMMIT\0"),
            (b'C', b"COMMIT"),
            (b'C', b"COMMIT\0\0"),
            (b'S', b"TimeZone\0"),
            (b'S', b"TimeZone\0UTC\0\0"),
            (b'A', b"COMMIT\0"),
            (b'A', b"\0\0\0"),
            (b'Z', b""),
            (b'Z', b"X"),
            (b'Z', b"II"),
            (b'D', b"\0\x01\0\0\0\x01x"),
            (b'D', b"\0"),
            (b'1', b"x"),
            (b'R', b"\0\0\0\0"),
            (b'K', b"\0\0\0\0\0\0\0\0"),
            (b'!', b""),
        ] {
            for size in 1..=body.len().max(1) {
                assert!(!is_whole(tag, body, size), "{} {size}", char::from(tag));
            }
        }
        assert!(!Body::new(b'D', 2, None, true).is_whole());
        assert!(Body::new(b'R', 8, None, false).is_whole());
    }

    /// A flipped bit in the type of any answer: it is no whole message any more, or one that the
    /// driver does not take for an answer to nothing.
    #[test]
    fn b82_no_answer_is_taken_for_a_notice_after_one_flipped_bit() {
        for (tag, body) in WHOLE {
            for bit in 0..8 {
                let twisted = tag ^ (1 << bit);
                if matches!(twisted, b'N' | b'S' | b'A' | b'E') {
                    assert!(!is_whole(twisted, body, 64), "{} {bit}", char::from(tag));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(
            tag in prop::sample::select(b"NECSAZD1T".to_vec()),
            body in prop::collection::vec(prop::sample::select(b"\0\x01\x02SCMIT".to_vec()), 0..40),
            size in 1..40_usize,
        ) {
            prop_assert_eq!(is_whole(tag, &body, size), is_whole(tag, &body, 100));
        }
    }
}
