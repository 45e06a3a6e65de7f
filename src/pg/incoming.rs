//! What comes from the server, read along with the driver: how long messages are, how much there is
//! of them, and whether they have the form that the protocol gives them (faults.md B82).
//!
//! The driver keeps what it gets until somebody takes it, and waits for an answer for as long as it
//! takes. A server that never ends one would be obeyed for ever, in ever more memory. What ends it is
//! an error of the stream, after which the session is over.

use std::collections::HashSet;
use std::io;

use crate::pg::body::Body;
use crate::pg::stream::{Bound, Observer};

/// The longest message a server may send before the session is ready, in bytes.
///
/// libpq allows 30,000 for an error and 2,000 for an authentication request.
const MAX_MESSAGE: u32 = 64 * 1024;

/// All that a server may send before the session is ready, in bytes.
const MAX_STARTUP: u64 = 1024 * 1024;

/// All that a server may send in answer to a question of evmig's own, in bytes. Most answers have a
/// few hundred, and none but the history grows with the project.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// The rows of an answer that is the history: a row has about 400 bytes and a dozen columns, so that
/// 120,000 migrations fit.
const MAX_LONG_ANSWER: u64 = 256 * 1024 * 1024;

/// The rows of an answer that lists a database's objects, or is such a list that the history keeps. A table with what
/// belongs to it has some 2 KB: a database of 500,000 tables fits.
const MAX_CATALOG_ANSWER: u64 = 1 << 30;

/// What a row costs beside its bytes, in memory and time, and each of its columns.
const ROW: u64 = 1024;
const COLUMN: u64 = 64;

/// What a message costs beside its bytes that is no part of the answer: each is handed over by itself.
const UNASKED: u64 = 128;

/// How many messages an answer may have before it is known what kind of server it is.
const MAX_MESSAGES: u32 = 10_000;

/// How many answers may end while one of evmig's own is waited for. At most 256 commands are ahead of
/// it. What comes on top is the driver's: it asks about a type that it does not know, and about
/// those that it is told to be made of.
const MAX_ENDED: u32 = 1_000;

/// The longest message of a kind that is short by nature, in bytes; libpq's limit (fe-protocol3.c).
const MAX_SHORT: u32 = 30_000;

/// The longest error, notice or row description, in bytes.
const MAX_TEXT: u32 = 64 * 1024 * 1024;

/// The longest row: the server itself cannot put together more (`MaxAllocSize`), in bytes.
const MAX_ROW: u32 = 0x3fff_ffff + 4;

/// How many settings a server may report; the driver keeps each. PostgreSQL 18 reports 15.
const MAX_PARAMETERS: usize = 256;

/// How much of a message is looked at: enough for the name of a setting (63 bytes and a zero).
const LOOKED_AT: usize = 64;

/// Reads the messages along: all of them while the session starts, later what their headers say.
pub(super) struct Watch {
    observer: Observer,
    /// Whether the first `ReadyForQuery` was seen.
    ready: bool,
    /// Bytes since the start, or since the last `ReadyForQuery`, but for rows.
    answer: u64,
    /// What the rows since then cost.
    rows: u64,
    /// Messages since then.
    messages: u32,
    header: Vec<u8>,
    /// Bytes of the current message still to come.
    left: u32,
    /// The first bytes of the current message; more is never needed.
    body: Vec<u8>,
    /// What all of its bytes must be.
    form: Body,
    /// The columns of the last row description.
    columns: Option<u16>,
    /// The settings that the server has reported.
    parameters: HashSet<Vec<u8>>,
    /// Those whose names are too long to be known again.
    strange_parameters: usize,
}

impl Watch {
    pub(super) fn new(observer: Observer) -> Self {
        Self {
            observer,
            ready: false,
            answer: 0,
            rows: 0,
            messages: 0,
            header: Vec::with_capacity(5),
            left: 0,
            body: Vec::with_capacity(LOOKED_AT),
            form: Body::new(0, 0, None, false),
            columns: None,
            parameters: HashSet::new(),
            strange_parameters: 0,
        }
    }

    /// Takes the next bytes; fails where a server has sent what none would.
    pub(super) fn see(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let (known, bound) = {
            let observed = self.observer.lock();
            (observed.known, observed.bound())
        };
        while !bytes.is_empty() {
            if self.header.len() < 5 {
                self.header.push(bytes[0]);
                bytes = &bytes[1..];
                if self.header.len() < 5 {
                    continue;
                }
                self.start_message(known, bound)?;
            } else {
                let take = bytes.len().min(self.left as usize);
                let room = LOOKED_AT - self.body.len();
                self.body.extend_from_slice(&bytes[..take.min(room)]);
                self.form.take(&bytes[..take]);
                if !self.form.fits() {
                    return Err(out_of_shape());
                }
                self.left -= take as u32;
                bytes = &bytes[take..];
            }
            if self.left == 0 && self.header.len() == 5 {
                self.end_message()?;
            }
        }
        Ok(())
    }

    fn start_message(&mut self, known: bool, bound: Bound) -> io::Result<()> {
        let length = number(&self.header[1..]).unwrap_or_default();
        let tag = self.header[0];
        let most = match tag {
            _ if !self.ready => MAX_MESSAGE,
            b'D' | b'd' | b'V' if matches!(bound, Bound::Free | Bound::Catalog) => MAX_ROW,
            b'D' | b'd' | b'V' | b'E' | b'N' | b'A' | b'T' => MAX_TEXT,
            _ => MAX_SHORT,
        };
        if !(4..=most).contains(&length) {
            return Err(invalid(
                "what answered does not speak PostgreSQL's protocol",
            ));
        }
        self.count(tag, length, known, bound)?;
        self.left = length - 4;
        self.body.clear();
        self.form = Body::new(tag, self.left, self.columns, self.ready);
        if self.form.fits() {
            Ok(())
        } else {
            Err(out_of_shape())
        }
    }

    /// Adds a message to the answer that it is a part of.
    ///
    /// While a statement of the user's is waited for nothing is counted: it may return what it
    /// likes, and of that nothing is kept.
    fn count(&mut self, tag: u8, length: u32, known: bool, bound: Bound) -> io::Result<()> {
        self.messages = self.messages.saturating_add(1);
        if !self.ready {
            self.answer += u64::from(length) + 1;
            if self.answer > MAX_STARTUP || self.messages > MAX_MESSAGES {
                return Err(invalid(
                    "the server sent too much before the session was ready",
                ));
            }
            return Ok(());
        }
        let rows_may_have = match bound {
            Bound::Free => {
                (self.answer, self.rows) = (0, 0);
                return Ok(());
            }
            Bound::Long => MAX_LONG_ANSWER,
            Bound::Catalog => MAX_CATALOG_ANSWER,
            Bound::Short => MAX_ANSWER,
        };
        let length = u64::from(length);
        match tag {
            b'D' => self.rows += ROW + COLUMN * u64::from(self.columns.unwrap_or(0)) + length,
            b'N' | b'S' | b'A' => self.answer += UNASKED + length,
            _ => self.answer += 1 + length,
        }
        let many = !known && self.messages > MAX_MESSAGES;
        if many || self.answer > MAX_ANSWER || self.rows > rows_may_have {
            return Err(invalid(
                "the server sent too much in answer to a short question",
            ));
        }
        Ok(())
    }

    fn end_message(&mut self) -> io::Result<()> {
        let tag = self.header[0];
        self.header.clear();
        if !self.form.is_whole() {
            return Err(out_of_shape());
        }
        match (tag, number(&self.body)) {
            (b'Z', _) => {
                self.ready = true;
                (self.answer, self.rows, self.messages) = (0, 0, 0);
                return self.end_answer();
            }
            (b'T', _) => self.columns = count(&self.body),
            (b'S', _) => return self.parameter(),
            (b'C', _) if self.ready => self.observer.lock().commands += 1,
            (b'N', _) => self.observer.lock().notice(),
            // Later on nothing else is of interest.
            _ if self.ready => {}
            (b'R', Some(0)) => self.observer.lock().authenticated = true,
            (b'R', Some(code)) => self.observer.lock().authentication = Some(code),
            (b'K', Some(process)) => {
                if let Some(secret) = number(&self.body[4..]) {
                    self.observer.lock().key = Some((process as i32, secret as i32));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Counts the answers that end while one is waited for.
    fn end_answer(&self) -> io::Result<()> {
        let mut observed = self.observer.lock();
        if !observed.is_asked() {
            return Ok(());
        }
        observed.ended_meanwhile += 1;
        if observed.ended_meanwhile > MAX_ENDED {
            return Err(invalid("the server never comes to an answer"));
        }
        Ok(())
    }

    /// Counts a reported setting.
    fn parameter(&mut self) -> io::Result<()> {
        match self.body.iter().position(|byte| *byte == 0) {
            Some(end) => {
                if !self.parameters.contains(&self.body[..end]) {
                    self.parameters.insert(self.body[..end].to_vec());
                }
            }
            None => self.strange_parameters += 1,
        }
        if self.parameters.len() + self.strange_parameters > MAX_PARAMETERS {
            return Err(invalid("the server reports more settings than there are"));
        }
        Ok(())
    }
}

/// Reads the big-endian number that `bytes` begins with.
fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|four| u32::from_be_bytes(*four))
}

/// Reads the big-endian number of two bytes that `bytes` begins with.
fn count(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|two| u16::from_be_bytes(*two))
}

fn out_of_shape() -> io::Error {
    invalid("an answer of the server is out of shape")
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        bytes.extend(((body.len() + 4) as u32).to_be_bytes());
        bytes.extend(body);
        bytes
    }

    fn notice(length: usize) -> Vec<u8> {
        let text = "x".repeat(length);
        message(b'N', format!("SNOTICE\0C00000\0M{text}\0\0").as_bytes())
    }

    /// A row of one column.
    fn row(length: usize) -> Vec<u8> {
        message(b'D', &[&b"\0\x01"[..], &b"x".repeat(length)].concat())
    }

    fn one_column() -> Vec<u8> {
        message(b'T', b"\0\x01x")
    }

    fn startup() -> Vec<u8> {
        [
            message(b'R', &[0, 0, 0, 10, b'x', 0, 0]),
            message(b'R', &[0, 0, 0, 0]),
            message(b'S', b"server_version\x0015.1\x00"),
            message(b'K', &[0, 0, 1, 2, 0, 0, 0, 9]),
            notice(0),
            message(b'Z', b"I"),
        ]
        .concat()
    }

    proptest! {
        #[test]
        fn the_key_is_found_however_the_bytes_are_cut(size in 1..64_usize) {
            let observer = Observer::default();
            let mut watch = Watch::new(observer.clone());
            for piece in startup().chunks(size) {
                watch.see(piece).unwrap();
            }
            prop_assert!(watch.ready);
            let seen = observer.lock().clone();
            prop_assert_eq!(seen.key, Some((258, 9)));
            prop_assert_eq!(seen.authentication, Some(10));
            prop_assert!(seen.authenticated);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _seen = Watch::new(Observer::default()).see(&bytes);
        }
    }

    #[test]
    fn lengths_and_totals_are_bounded() {
        let http = b"HTTP/1.1 400 Bad Request\r\n";
        assert!(Watch::new(Observer::default()).see(http).is_err());
        let mut watch = Watch::new(Observer::default());
        let refused = (0..100).any(|_| watch.see(&notice(60_000)).is_err());
        assert!(refused);
    }

    /// A watch on a session that is ready, and whose server is known or not.
    fn ready_watch(known: bool) -> Watch {
        let observer = Observer::default();
        observer.lock().known = known;
        let mut watch = Watch::new(observer);
        watch.see(&startup()).unwrap();
        watch.see(&one_column()).unwrap();
        watch
    }

    /// Whether all of so many messages are let through.
    fn takes(watch: &mut Watch, count: usize, message: &[u8]) -> bool {
        (0..count).all(|_| watch.see(message).is_ok())
    }

    #[test]
    fn b82_lengths_are_bounded_when_the_session_is_ready() {
        for (tag, length, fits) in [
            (b'D', 0x7fff_ffff, false),
            (b'D', u32::MAX, false),
            (b'D', 3, false),
            (b'D', MAX_ROW, true),
            (b'E', MAX_TEXT, true),
            (b'E', MAX_TEXT + 1, false),
            (b'C', MAX_SHORT, true),
            (b'C', MAX_SHORT + 1, false),
            (b'S', MAX_SHORT + 1, false),
        ] {
            let mut header = vec![tag];
            header.extend(length.to_be_bytes());
            let mut watch = ready_watch(true);
            let _statement = watch.observer.users();
            let seen = watch.see(&header);
            assert_eq!(seen.is_ok(), fits, "{} {length}", char::from(tag));
        }
        let header = [&b"D"[..], &MAX_ANSWER.to_be_bytes()[4..]].concat();
        assert!(ready_watch(true).see(&header).is_err());
    }

    #[test]
    fn b82_evmigs_own_questions_have_short_answers() {
        let (notice, row) = (notice(60_000), row(1_000));
        for known in [false, true] {
            assert!(!takes(&mut ready_watch(known), 100, &notice));
            assert!(!takes(&mut ready_watch(known), 10_000, &row));
        }
        assert!(!takes(&mut ready_watch(false), 10_001, &message(b'1', b"")));
        // Each question has an answer of its own.
        let mut watch = ready_watch(false);
        for _ in 0..10 {
            assert!(takes(&mut watch, 1_000, &row));
            watch.see(&message(b'Z', b"I")).unwrap();
        }
    }

    #[test]
    fn b82_a_statement_of_the_users_may_say_what_it_likes() {
        let notice = notice(60_000);
        let mut watch = ready_watch(true);
        let statement = watch.observer.users();
        assert!(takes(&mut watch, 1_000, &notice));
        drop(statement);
        // What it said is not held against the question behind it.
        assert!(takes(&mut watch, 10, &notice));
        assert!(!takes(&mut watch, 100, &notice));
        // Before the server is known there are none.
        let mut watch = ready_watch(false);
        let _statement = watch.observer.users();
        assert!(!takes(&mut watch, 100, &notice));
    }

    /// 100,000 migrations fit, rows without end do not, and nothing else may be long.
    #[test]
    fn b82_the_history_may_be_long() {
        let mut columns = vec![0, 12];
        columns.extend(b"x".repeat(300));
        let history = |watch: &mut Watch, rows: usize| {
            watch.see(&message(b'T', &columns)).unwrap();
            let row = [&b"\0\x0c"[..], &b"x".repeat(400)].concat();
            takes(watch, rows, &message(b'D', &row))
        };
        let mut watch = ready_watch(true);
        let question = watch.observer.own(Bound::Long);
        assert!(history(&mut watch, 100_000));
        watch.see(&message(b'C', b"SELECT 100000\0")).unwrap();
        watch.see(&message(b'Z', b"I")).unwrap();
        assert!(!takes(&mut watch, 100, &notice(60_000)));
        drop(question);
        let mut watch = ready_watch(true);
        let _question = watch.observer.own(Bound::Long);
        assert!(!history(&mut watch, 1_000_000));
        let mut watch = ready_watch(true);
        let _question = watch.observer.own(Bound::Short);
        assert!(!history(&mut watch, 100_000));
    }

    /// Answers come in the order of the questions.
    #[test]
    fn b82_a_short_question_ahead_of_a_long_one_is_short() {
        let mut watch = ready_watch(true);
        let (short, _long) = (
            watch.observer.own(Bound::Short),
            watch.observer.own(Bound::Long),
        );
        assert!(!takes(&mut watch, 100_000, &row(400)));
        let mut watch = ready_watch(true);
        let (ahead, _long) = (
            watch.observer.own(Bound::Short),
            watch.observer.own(Bound::Long),
        );
        drop((short, ahead));
        let _behind = watch.observer.own(Bound::Short);
        assert!(takes(&mut watch, 100_000, &row(400)));
    }

    /// A server that answers every question of the driver's about a type with one more type.
    #[test]
    fn b82_an_answer_must_come_some_day() {
        let ready = message(b'Z', b"I");
        let mut watch = ready_watch(true);
        assert!(takes(&mut watch, 10_000, &ready));
        let question = watch.observer.own(Bound::Short);
        assert!(takes(&mut watch, 257, &ready));
        drop(question);
        let _question = watch.observer.own(Bound::Short);
        assert!(!takes(&mut watch, 10_000, &ready));
    }

    #[test]
    fn b82_an_answer_out_of_shape_ends_the_session() {
        for (tag, body) in [
            (b'N', &b"COMMIT\0"[..]),
            (b'A', b"COMMIT\0"),
            (b'S', b"COMMIT\0"),
            (b'Z', b"C"),
            (b'D', b"SERROR\0C42601\0Mno\0\0"),
            (b'!', b""),
        ] {
            let mut watch = ready_watch(true);
            let _statement = watch.observer.users();
            let error = watch.see(&message(tag, body)).unwrap_err().to_string();
            assert_eq!(error, out_of_shape().to_string(), "{}", char::from(tag));
        }
    }

    #[test]
    fn b82_settings_are_counted_by_their_names() {
        let report = |name: &str| message(b'S', format!("{name}\0on\0").as_bytes());
        let mut watch = ready_watch(true);
        for _ in 0..10_000 {
            watch.see(&report("search_path")).unwrap();
        }
        let refused = |long: &str| {
            let mut watch = ready_watch(true);
            (0..=MAX_PARAMETERS)
                .map(|at| watch.see(&report(&format!("{long}{at}"))))
                .any(|seen| seen.is_err())
        };
        assert!(refused("a."));
        assert!(refused(&"a".repeat(70)));
    }
}
