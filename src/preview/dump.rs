//! A dump's statements: read from the text that `pg_dump` writes, or out of an archive, without rows.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::ops::Range;
use std::path::Path;

use memchr::memchr_iter;

use super::server_wide::refused_of_a_dump;
use crate::report::place::Snippet;
use crate::shadow::{Archive, ArchiveError, Surroundings};
use crate::sql::classify::{Class, CopyDirection, Verb};
use crate::sql::rows::{RowCutter, RowSink};
use crate::sql::{Item, SplitError, split};

/// How an archive in custom format begins.
const MAGIC: &[u8] = b"PGDMP";
/// What a directory, and a tar file at its beginning, has.
const CONTENTS: &str = "toc.dat";
/// How `pg_dump` says which server it has read.
const HEADER: &str = "-- Dumped from database version ";
/// How far that stands from the beginning at most.
const HEAD: usize = 4096;

/// A dump of a schema.
#[derive(Debug)]
pub struct Dump {
    /// The file, as it was typed.
    pub path: String,
    /// The major version of the server that was dumped, if the dump says it.
    pub major: Option<u32>,
    text: String,
    cuts: Cuts,
    statements: Vec<Statement>,
    /// How many tables it has rows of, or statements that write rows.
    pub(super) rows_left_out: usize,
}

#[derive(Debug)]
pub(super) struct Statement {
    span: Range<usize>,
    /// Why it must not run anywhere.
    pub(super) beyond: Option<&'static str>,
}

/// Why a dump cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DumpFileError {
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is not text.
    #[error("{path} is no dump: line {line} is not UTF-8")]
    NotText {
        /// The file.
        path: String,
        /// The line.
        line: u32,
    },
    /// Nothing in it would run.
    #[error("{path} is no dump: it has no statement")]
    Empty {
        /// The file.
        path: String,
    },
    /// It cannot be cut into statements.
    #[error("{} line {}: {source}", .snippet.place.file, .snippet.place.line)]
    Cut {
        /// Where.
        snippet: Box<Snippet>,
        /// Why.
        source: SplitError,
    },
    /// It takes in another file.
    #[error("{} line {} takes in another file, which a dump never does", .snippet.place.file, .snippet.place.line)]
    Include {
        /// Where.
        snippet: Box<Snippet>,
    },
    /// It is an archive that cannot be read.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// Returns whether a path leads to a dump rather than to a snapshot, as far as its name and its beginning say it.
pub fn is_dump(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let ending = ending.map(str::to_ascii_lowercase);
    match ending.as_deref() {
        Some("sql" | "dump") => true,
        Some("json") => false,
        _ if path.is_dir() => true,
        _ => beginning(path).is_ok_and(|head| head.trim_ascii_start().first() != Some(&b'{')),
    }
}

fn beginning(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?
        .take(CONTENTS.len() as u64 + 1)
        .read_to_end(&mut head)?;
    Ok(head)
}

impl Dump {
    /// Reads a dump: text, or an archive through `pg_restore`.
    pub fn read(path: &Path, surroundings: &Surroundings) -> Result<Self, DumpFileError> {
        let shown = path.display().to_string();
        let unreadable = |source| DumpFileError::Unreadable {
            path: shown.clone(),
            source,
        };
        let is_archive = if fs::metadata(path).map_err(unreadable)?.is_dir() {
            // Without its list of contents it is any directory, which `pg_restore` says best.
            true
        } else {
            let head = beginning(path).map_err(unreadable)?;
            head.starts_with(MAGIC) || head.starts_with(CONTENTS.as_bytes())
        };
        if is_archive {
            let archive = Archive::read(surroundings, path)?;
            let mut dump = Self::cut(shown, archive.text, Cuts::default())?;
            dump.rows_left_out += archive.tables_with_rows;
            return Ok(dump);
        }
        let (text, cuts) = without_rows(path, &shown)?;
        Self::cut(shown, text, cuts)
    }

    fn cut(path: String, text: String, cuts: Cuts) -> Result<Self, DumpFileError> {
        let at = |offset, length| Box::new(snippet(&path, &text, &cuts, offset, length));
        let items = split(&text).map_err(|source| DumpFileError::Cut {
            snippet: at(source.at(), source.length()),
            source,
        })?;
        let mut statements = Vec::new();
        let mut rows_left_out = 0;
        for item in items {
            let statement = match item {
                Item::Statement(statement) => statement,
                Item::Include { span, .. } => {
                    return Err(DumpFileError::Include {
                        snippet: at(span.start, span.len()),
                    });
                }
            };
            let sql = text.get(statement.span.clone()).unwrap_or_default();
            if writes_rows(&statement.class, sql) {
                rows_left_out += 1;
            } else if !is_limit(sql) {
                statements.push(Statement {
                    beyond: refused_of_a_dump(&statement.class, sql),
                    span: statement.span,
                });
            }
        }
        if statements.is_empty() && rows_left_out == 0 {
            return Err(DumpFileError::Empty { path });
        }
        Ok(Self {
            major: major(&text),
            path,
            text,
            cuts,
            statements,
            rows_left_out,
        })
    }

    /// Returns what has to run, in order.
    pub(super) fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Returns a statement's text.
    pub(super) fn sql(&self, statement: &Statement) -> &str {
        self.text.get(statement.span.clone()).unwrap_or_default()
    }

    /// Returns where in the file a byte of a statement stands.
    pub(super) fn snippet(&self, statement: &Statement, offset: usize) -> Snippet {
        let offset = statement.span.start + offset;
        snippet(&self.path, &self.text, &self.cuts, offset, 1)
    }
}

/// Where rows were taken out of a text, and how many lines they had.
#[derive(Debug, Default)]
struct Cuts {
    lines: u32,
    done: Vec<(usize, u32)>,
}

impl RowSink for Cuts {
    fn rows(&mut self, rows: &[u8]) {
        self.lines += u32::try_from(memchr_iter(b'\n', rows).count()).unwrap_or(u32::MAX);
    }

    fn end(&mut self, at: usize, _range: Range<u64>) {
        self.done.push((at, std::mem::take(&mut self.lines)));
    }
}

/// Reads a text of any size; of what `COPY` brings nothing is kept.
fn without_rows(path: &Path, shown: &str) -> Result<(String, Cuts), DumpFileError> {
    let unreadable = |source| DumpFileError::Unreadable {
        path: shown.to_owned(),
        source,
    };
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut cutter = RowCutter::new(0);
    let mut cuts = Cuts::default();
    let mut line = Vec::new();
    let mut number = 0;
    while file.read_until(b'\n', &mut line).map_err(unreadable)? > 0 {
        number += 1;
        let text = std::str::from_utf8(&line).map_err(|_| DumpFileError::NotText {
            path: shown.to_owned(),
            line: number,
        })?;
        let text = text
            .strip_prefix('\u{feff}')
            .filter(|_| number == 1)
            .unwrap_or(text);
        cutter.feed(text, &mut cuts);
        line.clear();
    }
    let text = cutter.finish(&mut cuts);
    Ok((text, cuts))
}

fn snippet(path: &str, text: &str, cuts: &Cuts, offset: usize, length: usize) -> Snippet {
    let mut snippet = Snippet::cut(path, text, offset, length);
    let before = cuts.done.iter().filter(|(at, _)| *at <= offset);
    snippet.place.line += before.map(|(_, lines)| lines).sum::<u32>();
    snippet
}

/// Whether a statement brings rows, or the numbers of a sequence: neither is a part of the schema.
fn writes_rows(class: &Class, sql: &str) -> bool {
    match class.verb {
        Verb::Insert => true,
        Verb::Copy => class.copy == Some(CopyDirection::FromStdin),
        Verb::Select => ["pg_catalog.setval(", "pg_catalog.lo_create("]
            .iter()
            .any(|function| sql.contains(function)),
        _ => false,
    }
}

/// Whether a statement sets a limit of the session that older servers do not know.
fn is_limit(sql: &str) -> bool {
    sql.trim_start().starts_with("SET transaction_timeout ")
}

/// Returns the major version of the server that was dumped.
fn major(text: &str) -> Option<u32> {
    let head = text.get(..HEAD).unwrap_or(text);
    let rest = head.lines().find_map(|line| line.strip_prefix(HEADER))?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dump(text: &str) -> Result<Dump, DumpFileError> {
        Dump::cut("a.sql".to_owned(), text.to_owned(), Cuts::default())
    }

    #[test]
    fn rows_and_what_is_about_the_server_do_not_run() {
        let text = "-- Dumped from database version 15.18 (Debian)\n\
                    SET transaction_timeout = 0;\n\
                    create table t (a int);\n\
                    copy t from stdin;\n1\n\\.\n\
                    insert into t values (1);\n\
                    SELECT pg_catalog.setval('public.s', 1, true);\n\
                    create role r;\n";
        let dump = dump(text).unwrap();
        assert_eq!(dump.major, Some(15));
        assert_eq!(dump.rows_left_out, 3);
        let told: Vec<(&str, bool)> = dump
            .statements()
            .iter()
            .map(|one| (dump.sql(one), one.beyond.is_some()))
            .collect();
        assert_eq!(
            told,
            [("create table t (a int)", false), ("create role r", true)]
        );
        assert_eq!(dump.snippet(&dump.statements[1], 0).place.line, 9);
    }

    #[test]
    fn what_is_no_dump_says_so() {
        assert!(matches!(
            dump("-- nothing\n"),
            Err(DumpFileError::Empty { .. })
        ));
        let error = dump("create table t ();\n\\connect shop\n").unwrap_err();
        assert!(error.to_string().starts_with("a.sql line 2: "), "{error}");
    }
}
