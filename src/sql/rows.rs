//! Takes the rows of `COPY … FROM stdin` out of a text while it is read, so that a file of any size
//! fits in little memory: what is kept is the text without them.
//!
//! What is kept is SQL itself (a `COPY` without rows, and its `\.` line), so that [`super::split()`]
//! cuts it as it cuts any file. Where rows begin is decided by the same splitter.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem;

use super::split::{Reach, reach};

/// How many bytes are awaited before they are cut. What cannot be cut yet is tried again when as much
/// again has come, so that a large statement costs linear time.
const FIRST_TRY: usize = 64 << 10;

/// Receives the rows.
pub trait RowSink {
    /// Takes some bytes of the rows of the current `COPY`.
    fn rows(&mut self, rows: &[u8]);
    /// Ends the rows of the current `COPY`: they would stand at byte `at` of the kept text, and stand
    /// at `range` of the file. A `COPY` without rows is not told.
    fn end(&mut self, at: usize, range: Range<u64>);
}

/// Takes the rows out of a text that comes in pieces.
#[derive(Debug)]
pub struct RowCutter {
    kept: String,
    /// Up to where `kept` has been cut into statements.
    cut: usize,
    /// Length of `kept` from which on cutting is tried again.
    next_try: usize,
    first_try: usize,
    /// Offset in the file after the newest piece.
    taken: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Sql,
    Rows(Rows),
    /// The text is wrong, and what follows cannot change that.
    Wrong,
}

impl RowCutter {
    /// Begins a text that starts at byte `start` of its file.
    pub fn new(start: u64) -> Self {
        Self {
            kept: String::new(),
            cut: 0,
            next_try: FIRST_TRY,
            first_try: FIRST_TRY,
            taken: start,
            state: State::Sql,
        }
    }

    /// Takes the next piece of the text.
    pub fn feed(&mut self, piece: &str, sink: &mut impl RowSink) {
        self.taken += piece.len() as u64;
        let mut text = Cow::Borrowed(piece);
        let mut at = 0;
        while at < text.len() {
            match &mut self.state {
                State::Wrong => return,
                State::Sql => {
                    self.kept.push_str(&text[at..]);
                    let Some(rows) = self.cut_rows_off() else {
                        return;
                    };
                    (text, at) = (Cow::Owned(rows), 0);
                }
                State::Rows(rows) => match rows.feed(&text.as_bytes()[at..], sink) {
                    None => return,
                    Some(used) => {
                        at += used;
                        self.end_rows(sink);
                    }
                },
            }
        }
    }

    /// Ends the text; returns what is kept of it.
    pub fn finish(mut self, sink: &mut impl RowSink) -> String {
        if let State::Rows(rows) = &self.state
            && rows.is_last_line()
        {
            self.end_rows(sink);
        }
        self.kept
    }

    /// Cuts statements until rows begin; returns what was read from there on.
    fn cut_rows_off(&mut self) -> Option<String> {
        if self.kept.len() < self.next_try {
            return None;
        }
        match reach(&self.kept[self.cut..], self.cut > 0) {
            Reach::Wrong => {
                self.state = State::Wrong;
                None
            }
            Reach::Statements(length) => {
                self.cut += length;
                let rest = self.kept.len() - self.cut;
                self.next_try = self.kept.len() + rest.max(self.first_try);
                None
            }
            Reach::Rows(length) => {
                self.cut += length;
                let rest = self.kept.split_off(self.cut);
                self.state = State::Rows(Rows {
                    line_end: match self.kept.as_bytes().last() {
                        Some(b'\r') => b'\r',
                        _ => b'\n',
                    },
                    start: self.taken - rest.len() as u64,
                    given: 0,
                    held: Vec::new(),
                    line_start: true,
                });
                Some(rest)
            }
        }
    }

    /// Goes on with statements after the `\.` line.
    fn end_rows(&mut self, sink: &mut impl RowSink) {
        if let State::Rows(rows) = std::mem::replace(&mut self.state, State::Sql) {
            if rows.given > 0 {
                sink.end(self.kept.len(), rows.start..rows.start + rows.given);
            }
            self.kept.extend(rows.held.iter().copied().map(char::from));
            self.cut = self.kept.len();
            self.next_try = self.cut + self.first_try;
        }
    }
}

/// The rows of one `COPY` while they come in.
#[derive(Debug)]
struct Rows {
    /// The byte that ends a line: a CR in files whose lines end in lone CRs, else LF.
    line_end: u8,
    /// Offset of the first row in the file.
    start: u64,
    /// How many bytes of them the sink was given.
    given: u64,
    /// The beginning of a line that may be `\.`.
    held: Vec<u8>,
    /// Whether the next byte begins a line.
    line_start: bool,
}

impl Rows {
    /// Takes bytes; once the `\.` line is held, returns how many bytes were needed.
    fn feed(&mut self, bytes: &[u8], sink: &mut impl RowSink) -> Option<usize> {
        let mut at = 0;
        while at < bytes.len() {
            if self.held.is_empty() {
                let found = self.find_backslash(&bytes[at..]);
                self.give(&bytes[at..at + found], sink);
                at += found;
                let Some(byte) = bytes.get(at) else { break };
                self.held.push(*byte);
                at += 1;
                continue;
            }
            let byte = bytes[at];
            self.held.push(byte);
            at += 1;
            match self.held.len() {
                2 if byte == b'.' => {}
                2 => self.give_held(sink),
                _ if byte == self.line_end => return Some(at),
                _ if matches!(byte, b'\r' | b'\n') => {}
                _ => self.give_held(sink),
            }
        }
        None
    }

    /// Returns the offset of the next backslash at the beginning of a line, or the length.
    fn find_backslash(&self, bytes: &[u8]) -> usize {
        if self.line_start && bytes[0] == b'\\' {
            return 0;
        }
        memmem::find(bytes, &[self.line_end, b'\\']).map_or(bytes.len(), |at| at + 1)
    }

    fn give(&mut self, bytes: &[u8], sink: &mut impl RowSink) {
        if let Some(last) = bytes.last() {
            sink.rows(bytes);
            self.given += bytes.len() as u64;
            self.line_start = *last == self.line_end;
        }
    }

    fn give_held(&mut self, sink: &mut impl RowSink) {
        let held = std::mem::take(&mut self.held);
        self.give(&held, sink);
    }

    /// Returns whether what is held is the `\.` line, given that the file ends after it.
    fn is_last_line(&self) -> bool {
        self.held.len() >= 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{Script, SplitError};
    use proptest::prelude::*;

    const PG_DUMP: &str = include_str!("corpus/pg_dump.sql");
    const NASTY: &str = include_str!("corpus/nasty.sql");

    #[derive(Default)]
    struct Kept {
        rows: Vec<u8>,
        cuts: Vec<(usize, Range<u64>, Vec<u8>)>,
    }

    impl RowSink for Kept {
        fn rows(&mut self, rows: &[u8]) {
            self.rows.extend(rows);
        }

        fn end(&mut self, at: usize, range: Range<u64>) {
            self.cuts.push((at, range, std::mem::take(&mut self.rows)));
        }
    }

    /// Statements with their rows.
    type Read = Result<Vec<(String, Option<String>)>, std::mem::Discriminant<SplitError>>;

    fn whole(text: &str) -> Read {
        let script = Script::parse(text).map_err(|error| std::mem::discriminant(&error))?;
        let read = |statement: &crate::sql::Statement| {
            let rows = statement.copy_data.clone();
            (
                text[statement.span.clone()].to_owned(),
                rows.map(|rows| text[rows].to_owned()),
            )
        };
        Ok(script.statements().map(read).collect())
    }

    /// Reads in pieces of the given lengths, in turn; cutting is tried with every piece.
    fn in_pieces(text: &str, lengths: &[usize]) -> (Read, usize) {
        let mut sink = Kept::default();
        let mut cutter = RowCutter::new(0);
        (cutter.first_try, cutter.next_try) = (1, 1);
        let mut rest = text;
        for length in lengths.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let mut end = (*length).clamp(1, rest.len());
            while !rest.is_char_boundary(end) {
                end += 1;
            }
            cutter.feed(&rest[..end], &mut sink);
            rest = &rest[end..];
        }
        let kept = cutter.finish(&mut sink);
        let cuts = sink.cuts.len();
        let read = Script::parse(&kept).map_err(|error| std::mem::discriminant(&error));
        let read = read.map(|script| {
            let mut cuts = sink.cuts.into_iter().peekable();
            let mut read = Vec::new();
            for statement in script.statements() {
                let rows = statement.copy_data.clone().map(|inside| {
                    match cuts.next_if(|(at, ..)| *at == inside.start) {
                        Some((_, range, rows)) => {
                            let range = range.start as usize..range.end as usize;
                            assert!(inside.is_empty());
                            assert_eq!(&text.as_bytes()[range], rows);
                            String::from_utf8(rows).unwrap()
                        }
                        None => kept[inside].to_owned(),
                    }
                });
                read.push((kept[statement.span.clone()].to_owned(), rows));
            }
            assert_eq!(cuts.next(), None, "rows without a COPY");
            read
        });
        (read, cuts)
    }

    #[test]
    fn rows_are_taken_out_whatever_the_pieces_are() {
        for text in [
            "copy t from stdin;\n1\ta\n\\.\nselect 1;\n",
            "copy t from stdin;\r\n1\ta\r\n\\.\r\nselect 1;\r\n",
            "copy t from stdin;\r1\ta\r\\.\rselect 1;\r",
            "copy t from stdin;\n1\n\\.",
            "copy t from stdin; -- x\n\\N\n\\\\.\n\\.x\n\\.\r\r\n;select 2",
            "select $$;copy t from stdin;$$; copy t from stdin;\nä\n\\.\n copy u from stdin;\n1\n\\.\n",
            "create function f() begin atomic select 1; end; copy t from stdin;\n;\n\\.\n",
            "select E'\\'' -- ;\n'\\';'; copy t from stdin;\n\u{feff}\n\\.\n\u{feff}a;",
            "copy t from stdin;\n\n\n\\\n\\.\n",
        ] {
            let mut cut = 0;
            for length in 1..text.len() {
                let (read, cuts) = in_pieces(text, &[length]);
                assert_eq!(read, whole(text), "{text:?} in pieces of {length}");
                cut += cuts;
            }
            assert!(cut > 0, "{text:?}");
        }
    }

    #[test]
    fn an_error_is_the_same_one() {
        for text in [
            "copy t from stdin;\n1\n",
            "copy t from stdin; select 1;\n1\n\\.\n",
            "select 1 \\gx\ncopy t from stdin;\n1\n\\.\n",
            "\\copy t from 'x'\nselect 1;\n",
            "select 'a; copy t from stdin;\n1\n\\.\n",
            "set standard_conforming_strings = off;\nselect 1;\n",
        ] {
            assert!(whole(text).is_err(), "{text:?}");
            for length in 1..text.len() {
                assert_eq!(in_pieces(text, &[length]).0, whole(text), "{text:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_corpus_reads_the_same_in_any_pieces(
            lengths in proptest::collection::vec(1usize..200, 1..20),
            ends in 0..3,
        ) {
            for text in [PG_DUMP, NASTY] {
                let text = match ends {
                    0 => text.to_owned(),
                    1 => text.replace('\n', "\r\n"),
                    _ => text.replace('\n', "\r"),
                };
                let twice = format!("{text}\n{PG_DUMP}");
                prop_assert_eq!(in_pieces(&twice, &lengths).0, whole(&twice));
            }
        }

        #[test]
        fn any_text_reads_the_same_in_any_pieces(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "copy t from stdin;", "\n", "\r\n", "\r", "\\.", "1\t2", "'", "$$", "$a$", ";",
                    "--", "/*", "*/", "E'", "\\'", "\\", " ", "begin atomic", " end", "create function f() ",
                    "(", ")", "ä", "\u{feff}", "\"", "select 1;", "\\i x", "\\N", "b",
                ]),
                0..30,
            ),
            lengths in proptest::collection::vec(1usize..12, 1..8),
        ) {
            let text = parts.concat();
            prop_assert_eq!(in_pieces(&text, &lengths).0, whole(&text));
        }
    }
}
