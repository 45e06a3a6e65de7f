//! Cuts a file into statements where psql would.
//!
//! A semicolon ends a statement outside quotes, comments, parentheses and `BEGIN ATOMIC` bodies. Where psql only
//! guesses (it counts BEGIN, CASE and END), this file follows the grammar instead: a body starts at `BEGIN
//! ATOMIC` and ends at the `END` that follows a semicolon, so `end` as a column or label does no harm. Where psql,
//! which reads line by line, forgets that a continued `E''` string has escapes, this file reads on as the server does.

use std::ops::Range;

use super::classify::{Class, CopyDirection, classify};
use super::psql::{self, IncludeProblem, Line};
use super::token::{Kind, Quoting, Token, Tokens};

/// One thing that a file does, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A statement to send.
    Statement(Statement),
    /// `\i` or `\ir`: another file to read here.
    Include {
        /// The path as written, quotes removed.
        path: String,
        /// Whether it is relative to the file that holds the line (`\ir`).
        relative: bool,
        /// The bytes of the command.
        span: Range<usize>,
    },
}

/// One statement of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Bytes from its first token to its last one, without comments at either end and without the semicolon.
    pub span: Range<usize>,
    /// What it is.
    pub class: Class,
    /// Bytes of the data of `COPY … FROM stdin`, its last line end included and the `\.` line not.
    pub copy_data: Option<Range<usize>>,
}

/// A file cut into its parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// Statements and includes in order.
    pub items: Vec<Item>,
    /// Bytes of each `-- evmig: …` comment.
    pub notes: Vec<Range<usize>>,
}

/// Why a file cannot be cut. Offsets are bytes; those of something unclosed say where it opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A string constant runs to the end of the file.
    #[error("this string is never closed")]
    OpenString {
        /// Where it opened.
        at: usize,
    },
    /// A dollar-quoted constant runs to the end of the file.
    #[error("this dollar quote is never closed: {tag} does not occur again")]
    OpenDollarQuote {
        /// Where it opened.
        at: usize,
        /// The whole opening quote, such as `$body$`.
        tag: String,
    },
    /// A quoted identifier runs to the end of the file.
    #[error("this quoted identifier is never closed")]
    OpenIdentifier {
        /// Where it opened.
        at: usize,
    },
    /// A block comment runs to the end of the file.
    #[error("this comment is never closed (comments nest in PostgreSQL)")]
    OpenComment {
        /// Where it opened.
        at: usize,
    },
    /// A parenthesis is still open at the end of the file.
    #[error("this parenthesis is never closed")]
    OpenParenthesis {
        /// Where it opened.
        at: usize,
    },
    /// A `BEGIN ATOMIC` body has no `END` of its own.
    #[error("this BEGIN ATOMIC body has no END after its last `;`")]
    OpenBody {
        /// Offset of `BEGIN`.
        at: usize,
    },
    /// `COPY … FROM stdin` without the line that ends its data.
    #[error("the data of this COPY has no `\\.` line at its end")]
    OpenCopy {
        /// Offset of `COPY`.
        at: usize,
    },
    /// Something other than a comment follows `COPY … FROM stdin;` on its line, where psql's order is a trap.
    #[error("the data of COPY starts on the next line, so nothing may follow its `;` on this one")]
    AfterCopy {
        /// Offset of what follows.
        at: usize,
    },
    /// A backslash command that only psql can run.
    #[error("psql's \\{name} is not supported: only \\i, \\ir, \\restrict and \\unrestrict are")]
    PsqlCommand {
        /// Offset of the backslash.
        at: usize,
        /// The command's name, possibly empty.
        name: String,
    },
    /// A backslash command before the statement in front of it has ended.
    #[error("psql's \\{name} stands inside a statement: is a `;` missing before it?")]
    PsqlInsideStatement {
        /// Offset of the backslash.
        at: usize,
        /// The command's name, possibly empty.
        name: String,
    },
    /// An `\i` line that cannot be read.
    #[error("this include cannot be read: {problem}")]
    Include {
        /// Offset of the backslash.
        at: usize,
        /// What is wrong with it.
        problem: IncludeProblem,
    },
    /// `SET standard_conforming_strings = off`, after which quotes end elsewhere.
    #[error("standard_conforming_strings must stay on: with it off, strings end at other quotes")]
    NonstandardStrings {
        /// Offset of the statement.
        at: usize,
    },
    /// A text too large for the lexer's counters.
    #[error("the file has {bytes} bytes; the limit is 4294967295")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
    },
}

impl SplitError {
    /// Byte offset to point at.
    pub fn at(&self) -> usize {
        match self {
            Self::OpenString { at }
            | Self::OpenDollarQuote { at, .. }
            | Self::OpenIdentifier { at }
            | Self::OpenComment { at }
            | Self::OpenParenthesis { at }
            | Self::OpenBody { at }
            | Self::OpenCopy { at }
            | Self::AfterCopy { at }
            | Self::PsqlCommand { at, .. }
            | Self::PsqlInsideStatement { at, .. }
            | Self::Include { at, .. }
            | Self::NonstandardStrings { at } => *at,
            Self::TooLarge { .. } => 0,
        }
    }

    /// Whether the error stands, whatever text is put behind `text`.
    fn is_final(&self, text: &str) -> bool {
        let open = matches!(
            self,
            Self::OpenString { .. }
                | Self::OpenDollarQuote { .. }
                | Self::OpenIdentifier { .. }
                | Self::OpenComment { .. }
                | Self::OpenParenthesis { .. }
                | Self::OpenBody { .. }
                | Self::OpenCopy { .. }
        );
        // The line that it stands on must be all there.
        !open && text[self.at()..].contains('\n')
    }

    /// How many bytes to underline there, at least 1.
    pub fn length(&self) -> usize {
        match self {
            Self::OpenDollarQuote { tag, .. } => tag.len(),
            Self::OpenComment { .. } => 2,
            Self::OpenBody { .. } => "BEGIN".len(),
            Self::OpenCopy { .. } => "COPY".len(),
            Self::NonstandardStrings { .. } => "SET".len(),
            Self::PsqlCommand { name, .. } | Self::PsqlInsideStatement { name, .. } => {
                1 + name.len()
            }
            _ => 1,
        }
    }
}

/// Cuts `text` into statements and includes.
pub fn split(text: &str) -> Result<Vec<Item>, SplitError> {
    Script::parse(text).map(|script| script.items)
}

impl Script {
    /// Cuts `text` into its parts, in time linear in its length.
    pub fn parse(text: &str) -> Result<Self, SplitError> {
        if u32::try_from(text.len()).is_err() {
            return Err(SplitError::TooLarge { bytes: text.len() });
        }
        Splitter::new(text, Tokens::new(text)).run()
    }

    /// The statements, in order.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.items.iter().filter_map(|item| match item {
            Item::Statement(statement) => Some(statement),
            Item::Include { .. } => None,
        })
    }
}

/// How far the beginning of a longer text can be cut, whatever follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Up to this byte; for what follows it, more text is needed.
    Statements(usize),
    /// Up to this byte, where the rows of a `COPY` begin.
    Rows(usize),
    /// The text is wrong, and no more text makes it right.
    Wrong,
}

/// Returns how far `text`, of which more is to come, can be cut for certain; `inside` says that it
/// is not the beginning of its file.
///
/// A statement is certain once its semicolon is there: every token before it has then ended, and
/// nothing that looks ahead (a continued string) got as far as the end of the text. All else at the
/// end counts as not there yet, and so does every error that more text could mend.
pub fn reach(text: &str, inside: bool) -> Reach {
    let tokens = if inside {
        Tokens::of_rest(text)
    } else {
        Tokens::new(text)
    };
    let mut splitter = Splitter::new(text, tokens);
    splitter.rows_apart = true;
    let mut certain = 0;
    while let Some(token) = splitter.tokens.next() {
        if let Err(error) = splitter.take(token) {
            return if error.is_final(text) {
                Reach::Wrong
            } else {
                Reach::Statements(certain)
            };
        }
        if let Some(start) = splitter.rows {
            // Whether a CR at the end is half of a line end is known with the next byte.
            return if start == text.len() && text.ends_with('\r') {
                Reach::Statements(certain)
            } else {
                Reach::Rows(start)
            };
        }
        let at = splitter.tokens.at();
        let ended = match token.kind {
            Kind::Semicolon => splitter.open.is_none(),
            // The line is all there once its end is.
            Kind::Backslash => at < text.len(),
            _ => false,
        };
        if ended {
            certain = at;
        }
    }
    Reach::Statements(certain)
}

struct Splitter<'a> {
    text: &'a str,
    tokens: Tokens<'a>,
    script: Script,
    /// The statement that has begun and not ended.
    open: Option<Open>,
    /// Whether to stop where rows begin, and to leave them to the caller.
    rows_apart: bool,
    /// Where rows begin, if they are left to the caller.
    rows: Option<usize>,
}

impl<'a> Splitter<'a> {
    fn new(text: &'a str, tokens: Tokens<'a>) -> Self {
        Self {
            text,
            tokens,
            script: Script::default(),
            open: None,
            rows_apart: false,
            rows: None,
        }
    }
}

impl Splitter<'_> {
    /// Takes the next token.
    fn take(&mut self, token: Token) -> Result<(), SplitError> {
        check_closed(token, self.text)?;
        match token.kind {
            Kind::LineComment => self.note(token),
            Kind::Backslash => self.backslash(token)?,
            Kind::Semicolon if self.open.as_ref().is_none_or(Open::ends_at_semicolon) => {
                if let Some(open) = self.open.take() {
                    self.finish(&open, true)?;
                }
            }
            _ if token.is_significant() => {
                let word = match token.kind {
                    Kind::Word => token.text(self.text),
                    _ => "",
                };
                self.open
                    .get_or_insert_with(|| Open::new(token.start))
                    .push(token, word);
            }
            _ => {}
        }
        Ok(())
    }

    fn run(mut self) -> Result<Script, SplitError> {
        while let Some(token) = self.tokens.next() {
            self.take(token)?;
        }
        if let Some(open) = self.open.take() {
            if let Some(&at) = open.parentheses.first() {
                return Err(SplitError::OpenParenthesis { at });
            }
            if let Some(&at) = open.bodies.first() {
                return Err(SplitError::OpenBody { at });
            }
            self.finish(&open, false)?;
        }
        Ok(self.script)
    }

    /// Keeps a comment that speaks to evmig.
    fn note(&mut self, token: Token) {
        let comment = token.text(self.text).trim_start_matches('-').trim_start();
        let rest = comment
            .get(..5)
            .filter(|name| name.eq_ignore_ascii_case("evmig"));
        if rest.is_some_and(|name| comment[name.len()..].trim_start().starts_with(':')) {
            self.script.notes.push(token.start..token.end);
        }
    }

    fn backslash(&mut self, token: Token) -> Result<(), SplitError> {
        let at = token.start;
        if self.open.is_some() {
            let line = self.text[at..].split(['\n', '\r']).next().unwrap_or("\\");
            let name = psql::command_name(line).to_owned();
            return Err(SplitError::PsqlInsideStatement { at, name });
        }
        let (line, end) = psql::read(self.text, at)?;
        self.tokens.jump(end);
        if let Line::Include { path, relative } = line {
            let end = at + self.text[at..end].trim_end_matches(psql::BLANKS).len();
            self.script.items.push(Item::Include {
                path,
                relative,
                span: at..end,
            });
        }
        Ok(())
    }

    fn finish(&mut self, open: &Open, semicolon: bool) -> Result<(), SplitError> {
        let span = open.start..open.end;
        let class = classify(&self.text[span.clone()]);
        if class.nonstandard_strings {
            return Err(SplitError::NonstandardStrings { at: span.start });
        }
        let copy_data = match class.copy {
            Some(CopyDirection::FromStdin) if semicolon && self.rows_apart => {
                self.rows = Some(self.copy_start(span.start)?);
                None
            }
            Some(CopyDirection::FromStdin) if semicolon => Some(self.copy_data(span.start)?),
            Some(CopyDirection::FromStdin) => {
                return Err(SplitError::OpenCopy { at: span.start });
            }
            _ => None,
        };
        self.script.items.push(Item::Statement(Statement {
            span,
            class,
            copy_data,
        }));
        Ok(())
    }

    /// Reads the data block of the COPY at byte `copy`, whose semicolon has just been read.
    fn copy_data(&mut self, copy: usize) -> Result<Range<usize>, SplitError> {
        let start = self.copy_start(copy)?;
        // A file whose lines end in lone CRs must be read as such; everywhere else a CR may be data.
        let line_end = if self.text.as_bytes()[start - 1] == b'\r' {
            '\r'
        } else {
            '\n'
        };
        let mut at = start;
        for line in self.text[start..].split_inclusive(line_end) {
            if line.trim_end_matches(['\n', '\r']) == "\\." {
                self.tokens.jump(at + line.len());
                return Ok(start..at);
            }
            at += line.len();
        }
        Err(SplitError::OpenCopy { at: copy })
    }

    /// Offset of the line after the one that ends COPY.
    fn copy_start(&mut self, copy: usize) -> Result<usize, SplitError> {
        while let Some(token) = self.tokens.next() {
            check_closed(token, self.text)?;
            let text = token.text(self.text);
            match token.kind {
                Kind::LineComment => self.note(token),
                Kind::BlockComment if !text.contains(['\n', '\r']) => {}
                Kind::Space => {
                    if let Some(line_end) = text.find(['\n', '\r']) {
                        let crlf = text[line_end..].starts_with("\r\n");
                        return Ok(token.start + line_end + 1 + usize::from(crlf));
                    }
                }
                _ => return Err(SplitError::AfterCopy { at: token.start }),
            }
        }
        Err(SplitError::OpenCopy { at: copy })
    }
}

fn check_closed(token: Token, text: &str) -> Result<(), SplitError> {
    let at = token.start;
    if token.closed {
        return Ok(());
    }
    Err(match token.kind {
        Kind::BlockComment => SplitError::OpenComment { at },
        Kind::QuotedWord | Kind::UnicodeWord => SplitError::OpenIdentifier { at },
        Kind::Text(Quoting::Dollar) => {
            let quote = token.text(text);
            let length = quote[1..].find('$').map_or(1, |dollar| dollar + 2);
            SplitError::OpenDollarQuote {
                at,
                tag: quote[..length].to_owned(),
            }
        }
        _ => SplitError::OpenString { at },
    })
}

/// A statement while its tokens come in.
struct Open {
    start: usize,
    end: usize,
    /// Offsets of the parentheses that are open.
    parentheses: Vec<usize>,
    /// The head of the statement, or of the one inside its body.
    head: Head,
    previous: Previous,
    /// Offsets of the `BEGIN`s of the `BEGIN ATOMIC` bodies that we are in. The grammar lets a body hold a
    /// routine with a body; the server refuses it, but only once it has read to the right end.
    bodies: Vec<usize>,
}

/// How far the statement's head matches `CREATE [OR REPLACE] FUNCTION|PROCEDURE`.
#[derive(Clone, Copy)]
enum Head {
    Empty,
    Create,
    CreateOr,
    CreateOrReplace,
    Routine,
    Other,
}

/// The token before this one, as far as bodies need it.
#[derive(Clone, Copy)]
enum Previous {
    Begin(usize),
    /// `;` inside a body, or the `ATOMIC` that starts it: where a statement of the body, or its END, stands.
    Boundary,
    Other,
}

impl Open {
    fn new(start: usize) -> Self {
        Self {
            start,
            end: start,
            parentheses: Vec::new(),
            head: Head::Empty,
            previous: Previous::Other,
            bodies: Vec::new(),
        }
    }

    fn ends_at_semicolon(&self) -> bool {
        self.parentheses.is_empty() && self.bodies.is_empty()
    }

    /// Adds a significant token; `word` is its text when it is an unquoted word, else empty.
    fn push(&mut self, token: Token, word: &str) {
        self.end = token.end;
        self.head = self.head.after(word);
        match token.kind {
            Kind::Open => self.parentheses.push(token.start),
            Kind::Close => {
                // psql does not go below zero either: the server will say what is wrong.
                self.parentheses.pop();
            }
            _ => {}
        }
        self.previous = if self.parentheses.is_empty() {
            self.track_body(token, word)
        } else {
            Previous::Other
        };
        if matches!(self.previous, Previous::Boundary) {
            self.head = Head::Empty;
        }
    }

    fn track_body(&mut self, token: Token, word: &str) -> Previous {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        match (self.previous, token.kind) {
            (Previous::Begin(at), _) if is("atomic") => {
                self.bodies.push(at);
                Previous::Boundary
            }
            (Previous::Boundary, _) if is("end") => {
                self.bodies.pop();
                Previous::Other
            }
            (_, Kind::Word) if is("begin") && matches!(self.head, Head::Routine) => {
                Previous::Begin(token.start)
            }
            (_, Kind::Semicolon) => Previous::Boundary,
            _ => Previous::Other,
        }
    }
}

impl Head {
    fn after(self, word: &str) -> Self {
        let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
        let routine = is("function") || is("procedure");
        match self {
            Self::Routine => Self::Routine,
            Self::Empty if is("create") => Self::Create,
            Self::Create if is("or") => Self::CreateOr,
            Self::CreateOr if is("replace") => Self::CreateOrReplace,
            Self::Create | Self::CreateOrReplace if routine => Self::Routine,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
#[path = "split_tests.rs"]
mod tests;
