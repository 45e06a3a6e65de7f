//! Reads the SQL that `pg_restore` writes: which table comes next, and its rows, in little memory.
//!
//! Nothing of that text is run. What it may hold is settings, which are passed over since evmig makes
//! its own, and `COPY … FROM stdin` with rows; everything else is an error, backslash commands first
//! of all. So a text that was tampered with has no way to say anything to the server but rows.

use bytes::Bytes;
use memchr::{memchr, memmem, memrchr};

use crate::shadow::Pieces;
use crate::sql::name::leading_name;
use crate::sql::split::{Reach, Script, reach};

/// The end of rows.
const END: &[u8] = b"\\.\n";

/// More text than this without rows is not what `pg_restore` writes.
const MOST_SQL: usize = 1 << 20;

/// A line may be longer than this: a row has up to 1 GB. It is then passed on in parts.
const LONG_LINE: usize = 1 << 20;

/// What is wrong with the text.
#[derive(Debug, thiserror::Error)]
pub enum StreamFault {
    /// The program's output ended before its time, or could not be read.
    #[error("pg_restore's output could not be read: {0}")]
    Unreadable(#[source] std::io::Error),
    /// It ended within rows.
    #[error("pg_restore's output ended within the rows of a table")]
    Cut,
    /// It is no SQL that can be cut.
    #[error("pg_restore wrote what evmig does not take: {0}")]
    Split(String),
    /// It holds another statement.
    #[error("pg_restore wrote a statement that is neither a setting nor COPY: {0}")]
    Statement(String),
}

/// The head of a table's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyHead {
    /// The table's schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The columns, in the order of the rows' values.
    pub columns: Vec<String>,
}

/// What a look at the rows comes to.
enum Taken {
    Rows(Bytes),
    TheEnd,
    NotYet,
}

/// The text while it comes.
pub struct DumpText {
    pieces: Pieces,
    held: Vec<u8>,
    ended: bool,
    /// Whether what is held begins in the middle of a row.
    mid_line: bool,
}

impl DumpText {
    /// Begins to read.
    pub fn new(pieces: Pieces) -> Self {
        Self {
            pieces,
            held: Vec::new(),
            ended: false,
            mid_line: false,
        }
    }

    async fn more(&mut self) -> Result<(), StreamFault> {
        match self.pieces.recv().await {
            None => self.ended = true,
            Some(Ok(piece)) => self.held.extend_from_slice(&piece),
            Some(Err(error)) => return Err(StreamFault::Unreadable(error)),
        }
        Ok(())
    }

    /// Goes to the next table's rows; `None` at the end of the text.
    pub async fn next_copy(&mut self) -> Result<Option<CopyHead>, StreamFault> {
        loop {
            let length = self.valid();
            let text = std::str::from_utf8(&self.held[..length]).unwrap_or_default();
            match reach(text, false) {
                Reach::Rows(length) => {
                    let head = head(&text[..length])?;
                    self.held.drain(..length);
                    return Ok(Some(head));
                }
                Reach::Wrong => return Err(wrong(text)),
                Reach::Statements(_) if self.ended => {
                    passed_over(text, &Script::parse(text).map_err(|error| split(&error))?)?;
                    return Ok(None);
                }
                Reach::Statements(_) if text.len() > MOST_SQL => return Err(wrong(text)),
                Reach::Statements(_) => self.more().await?,
            }
        }
    }

    /// How much of what is held is text for certain. Rows behind it may be cut in a character.
    fn valid(&self) -> usize {
        match std::str::from_utf8(&self.held) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        }
    }

    /// Returns the next bytes of the rows; `None` at their end.
    pub async fn rows(&mut self) -> Option<Result<Bytes, StreamFault>> {
        loop {
            match self.take_rows() {
                Taken::Rows(rows) => return Some(Ok(rows)),
                Taken::TheEnd => return None,
                Taken::NotYet => {}
            }
            if self.ended {
                return Some(Err(StreamFault::Cut));
            }
            if let Err(fault) = self.more().await {
                return Some(Err(fault));
            }
        }
    }

    /// Takes what can be told to be rows.
    fn take_rows(&mut self) -> Taken {
        if self.mid_line {
            let end = memchr(b'\n', &self.held);
            if end.is_none() && self.held.len() < LONG_LINE {
                return Taken::NotYet;
            }
            self.mid_line = end.is_none();
            return Taken::Rows(self.take(end.map_or(self.held.len(), |at| at + 1)));
        }
        if self.held.starts_with(END) {
            self.held.drain(..END.len());
            return Taken::TheEnd;
        }
        if self.held.len() < END.len() {
            return Taken::NotYet;
        }
        let last = memmem::find(&self.held, b"\n\\.\n").or_else(|| memrchr(b'\n', &self.held));
        match last {
            Some(at) => Taken::Rows(self.take(at + 1)),
            None if self.held.len() >= LONG_LINE => {
                self.mid_line = true;
                Taken::Rows(self.take(self.held.len()))
            }
            None => Taken::NotYet,
        }
    }

    fn take(&mut self, length: usize) -> Bytes {
        let rest = self.held.split_off(length);
        Bytes::from(std::mem::replace(&mut self.held, rest))
    }
}

fn split(error: &crate::sql::SplitError) -> StreamFault {
    StreamFault::Split(error.to_string())
}

fn wrong(text: &str) -> StreamFault {
    match Script::parse(text) {
        Err(error) => split(&error),
        Ok(_) => StreamFault::Split("a text without end".to_owned()),
    }
}

/// Reads what stands before rows: settings, and the `COPY` at the end.
fn head(text: &str) -> Result<CopyHead, StreamFault> {
    let whole = format!("{text}\\.\n");
    let script = Script::parse(&whole).map_err(|error| split(&error))?;
    let last = script.statements().last().map(|one| one.span.clone());
    let copy = last.map(|span| &whole[span]).unwrap_or_default();
    let parsed = parse(copy).ok_or_else(|| StreamFault::Statement(shown(copy)))?;
    for statement in script.statements() {
        let statement = &whole[statement.span.clone()];
        if statement != copy && !is_setting(statement) {
            return Err(StreamFault::Statement(shown(statement)));
        }
    }
    Ok(parsed)
}

fn passed_over(text: &str, script: &Script) -> Result<(), StreamFault> {
    for statement in script.statements() {
        let statement = &text[statement.span.clone()];
        if !is_setting(statement) {
            return Err(StreamFault::Statement(shown(statement)));
        }
    }
    Ok(())
}

fn shown(statement: &str) -> String {
    crate::report::sanitize::for_terminal(statement)
        .chars()
        .take(200)
        .collect()
}

/// The statements that `pg_restore` begins with.
fn is_setting(statement: &str) -> bool {
    let statement = statement.trim().trim_end_matches(';');
    let set = statement.starts_with("SET ") && !statement.contains('\'')
        || [
            "SET client_encoding = 'UTF8'",
            "SET default_tablespace = ''",
            "SELECT pg_catalog.set_config('search_path', '', false)",
        ]
        .contains(&statement);
    set && !statement.to_ascii_lowercase().contains("role")
        && !statement.to_ascii_lowercase().contains("authorization")
}

/// Reads `COPY schema.name (a, "b") FROM stdin`.
fn parse(copy: &str) -> Option<CopyHead> {
    let rest = copy.strip_prefix("COPY ")?;
    let (schema, rest) = ident(rest)?;
    let (name, rest) = ident(rest.strip_prefix('.')?)?;
    let mut rest = rest.trim_start();
    let mut columns = Vec::new();
    if let Some(mut list) = rest.strip_prefix('(') {
        loop {
            let (column, after) = ident(list.trim_start())?;
            columns.push(column);
            match (after.strip_prefix(','), after.strip_prefix(')')) {
                (Some(more), _) => list = more,
                (_, Some(end)) => {
                    rest = end.trim_start();
                    break;
                }
                _ => return None,
            }
        }
    }
    let end = rest.trim_end().trim_end_matches(';').trim_end();
    (end == "FROM stdin").then_some(CopyHead {
        schema,
        name,
        columns,
    })
}

/// Reads one name as `pg_dump` writes it: bare where it is lower case, quoted otherwise.
fn ident(text: &str) -> Option<(String, &str)> {
    leading_name(text, |c| {
        c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'
    })
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    const HEAD: &str = "--\n-- PostgreSQL database dump\n--\n\\restrict abc\n\n\
        SET statement_timeout = 0;\nSET client_encoding = 'UTF8';\n\
        SELECT pg_catalog.set_config('search_path', '', false);\nSET row_security = off;\n";

    /// What is read of a text that comes in pieces of this length.
    fn read(text: &str, length: usize) -> Result<Vec<(CopyHead, String)>, StreamFault> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (sender, pieces) = mpsc::channel(text.len() + 1);
            for piece in text.as_bytes().chunks(length) {
                sender
                    .send(Ok(Bytes::copy_from_slice(piece)))
                    .await
                    .unwrap();
            }
            drop(sender);
            let mut text = DumpText::new(pieces);
            let mut found = Vec::new();
            while let Some(head) = text.next_copy().await? {
                let mut rows = Vec::new();
                while let Some(piece) = text.rows().await {
                    rows.extend_from_slice(&piece?);
                }
                found.push((head, String::from_utf8(rows).unwrap()));
            }
            Ok(found)
        })
    }

    #[test]
    fn tables_and_rows_come_out_whatever_the_pieces_are() {
        let text = format!(
            "{HEAD}--\n-- Data\n--\n\nCOPY public.a (id, \"Odd \"\"x\") FROM stdin;\n\
             1\tä\\\\.\n\\.x\n\\N\ty\n\\.\n\n\nCOPY \"S.\".b  FROM stdin;\n\\.\n\n\
             COPY public.c (id) FROM stdin;\n7\n\\.\n\n--\n-- complete\n--\n\n\\unrestrict abc\n\n"
        );
        let head = |schema: &str, name: &str, columns: &[&str]| CopyHead {
            schema: schema.into(),
            name: name.into(),
            columns: columns.iter().map(|one| (*one).to_owned()).collect(),
        };
        let wanted = vec![
            (
                head("public", "a", &["id", "Odd \"x"]),
                "1\tä\\\\.\n\\.x\n\\N\ty\n".to_owned(),
            ),
            (head("S.", "b", &[]), String::new()),
            (head("public", "c", &["id"]), "7\n".to_owned()),
        ];
        for length in 1..text.len() {
            assert_eq!(read(&text, length).unwrap(), wanted, "pieces of {length}");
        }
    }

    #[test]
    fn nothing_but_settings_and_rows_is_taken() {
        let rows = "COPY a.b (c) FROM stdin;\n1\n\\.\n";
        for planted in [
            "\\! touch /tmp/x\n",
            "\\copy a from b\n",
            "DROP TABLE a.b;\n",
            "SET ROLE postgres;\n",
            "SET SESSION AUTHORIZATION 'postgres';\n",
            "SELECT pg_catalog.set_config('role', 'postgres', false);\n",
            "SELECT pg_catalog.setval('a.b', 1, false);\n",
            "COPY a.b FROM PROGRAM 'id';\n",
            "DO $$ begin end $$;\n",
            "SET x = 'y';\n",
        ] {
            for text in [
                format!("{HEAD}{planted}{rows}"),
                format!("{HEAD}{rows}{planted}"),
            ] {
                assert!(read(&text, 7).is_err(), "{planted:?} was taken");
            }
        }
        assert!(matches!(
            read(&format!("{HEAD}COPY a.b (c) FROM stdin;\n1\n"), 9),
            Err(StreamFault::Cut)
        ));
    }

    #[test]
    fn a_row_longer_than_memory_should_hold_is_passed_on_in_parts() {
        let long = "x".repeat(3 * LONG_LINE);
        let text = format!("COPY a.b (c) FROM stdin;\n{long}\n\\.\n");
        let found = read(&text, 64 << 10).unwrap();
        assert_eq!(found[0].1.len(), long.len() + 1);
    }
}
