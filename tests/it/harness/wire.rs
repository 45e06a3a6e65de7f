//! The framing of PostgreSQL's protocol 3.0: where each message ends and what it is.

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The client.
    Front,
    /// The server.
    Back,
}

/// One whole message with its header.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) side: Side,
    /// The type byte; `0` for the untyped packets that open a connection and for the single byte
    /// that answers a request for TLS.
    pub(crate) tag: u8,
    pub(crate) bytes: Vec<u8>,
}

/// The untyped packets, by their code (PostgreSQL manual, 55.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    Startup,
    Cancel,
    Tls,
}

impl Frame {
    /// What an untyped packet of the client is.
    pub(crate) fn opening(&self) -> Option<Opening> {
        if self.tag != 0 || self.side == Side::Back {
            return None;
        }
        Some(match number(self.bytes.get(4..)?)? {
            80_877_102 => Opening::Cancel,
            80_877_103 | 80_877_104 => Opening::Tls,
            _ => Opening::Startup,
        })
    }

    /// The SQL of a `Query` or `Parse`.
    pub(crate) fn sql(&self) -> Option<String> {
        let body = self.bytes.get(5..)?;
        let text = match (self.side, self.tag) {
            (Side::Front, b'Q') => body,
            (Side::Front, b'P') => {
                let name = body.iter().position(|byte| *byte == 0)?;
                body.get(name + 1..)?
            }
            _ => return None,
        };
        let end = text.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(&text[..end]).into_owned())
    }

    /// Whether this is a text that ends in `COMMIT`.
    pub(crate) fn commits(&self) -> bool {
        self.sql().is_some_and(|sql| {
            sql.trim_end_matches([';', ' ', '\n'])
                .to_lowercase()
                .ends_with("commit")
        })
    }

    /// The process id in a `BackendKeyData`.
    pub(crate) fn backend_pid(&self) -> Option<i32> {
        (self.side == Side::Back && self.tag == b'K')
            .then(|| number(self.bytes.get(5..)?).map(u32::cast_signed))?
    }

    /// Whether the server answers everything up to here with `ReadyForQuery`.
    pub(crate) fn asks_for_ready(&self) -> bool {
        self.side == Side::Front && matches!(self.tag, b'Q' | b'S' | b'F')
    }

    /// Whether the server has answered all that was asked.
    pub(crate) fn is_ready(&self) -> bool {
        self.side == Side::Back && self.tag == b'Z'
    }

    /// A few words for people.
    pub(crate) fn summary(&self) -> String {
        let side = if self.side == Side::Front { '>' } else { '<' };
        let name = match (self.tag, self.opening()) {
            (_, Some(opening)) => format!("{opening:?}"),
            (0, None) => "TLS?".to_owned(),
            (tag, None) => char::from(tag).to_string(),
        };
        let sql = self.sql().unwrap_or_default();
        let words: Vec<&str> = sql.split_whitespace().collect();
        let words: String = words.join(" ").chars().take(70).collect();
        format!("{side}{name} {words}").trim_end().to_owned()
    }
}

/// Cuts the bytes of one direction of one connection into messages.
#[derive(Debug)]
pub(crate) struct Framer {
    side: Side,
    buffer: Vec<u8>,
    /// The client's packets have no type until its startup packet.
    typed: bool,
}

impl Framer {
    pub(crate) fn new(side: Side) -> Self {
        Self {
            side,
            buffer: Vec::new(),
            typed: side == Side::Back,
        }
    }

    /// Takes bytes as they came.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Returns the next whole message. `tls_asked`: the server's next answer is a single byte.
    pub(crate) fn next(&mut self, tls_asked: bool) -> Option<Frame> {
        let length = if tls_asked && self.side == Side::Back {
            1
        } else {
            let header = usize::from(self.typed);
            number(self.buffer.get(header..)?)? as usize + header
        };
        if self.buffer.len() < length {
            return None;
        }
        let rest = self.buffer.split_off(length);
        let bytes = std::mem::replace(&mut self.buffer, rest);
        let frame = Frame {
            side: self.side,
            tag: if self.typed && length > 1 {
                bytes[0]
            } else {
                0
            },
            bytes,
        };
        if frame.opening() == Some(Opening::Startup) {
            self.typed = true;
        }
        Some(frame)
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|four| u32::from_be_bytes(*four))
}

#[test]
fn messages_are_found_however_the_bytes_are_cut() {
    let tls = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
    let startup = [0, 0, 0, 9, 0, 3, 0, 0, 0];
    let query = b"Q\0\0\0\x18begin; x; COMMIT ;\n\0";
    let bytes = [&tls[..], &startup, query, b"X\0\0\0\x04"].concat();
    for size in 1..bytes.len() {
        let mut framer = Framer::new(Side::Front);
        let mut found = Vec::new();
        for piece in bytes.chunks(size) {
            framer.push(piece);
            while let Some(frame) = framer.next(false) {
                found.push(frame);
            }
        }
        let names: Vec<String> = found.iter().map(Frame::summary).collect();
        assert_eq!(
            names,
            [">Tls", ">Startup", ">Q begin; x; COMMIT ;", ">X"],
            "cut every {size}"
        );
        assert!(found[2].commits() && found[2].asks_for_ready());
    }
}

#[test]
fn the_answer_to_a_request_for_tls_is_one_byte() {
    let mut framer = Framer::new(Side::Back);
    framer.push(b"NZ\0\0\0\x05I");
    assert_eq!(
        framer.next(true).map(|frame| frame.bytes),
        Some(b"N".to_vec())
    );
    assert!(framer.next(false).is_some_and(|frame| frame.is_ready()));
    assert!(framer.next(false).is_none());
}
