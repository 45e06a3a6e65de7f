//! Holds evmig's splitter against PostgreSQL's parser, and against rules that hold for any text.
//!
//! The other side is `libpg_query`'s `split_with_parser`, which takes the ends of statements from the
//! grammar. Its scanner-based split, and psql, only count words and err inside `BEGIN ATOMIC`. White space and
//! comments are read here by a scanner of its own: with evmig's lexer, its mistakes would agree with themselves.

use std::ops::Range;

use evmig::sql::split::{Item, Script, SplitError, Statement};

/// What came of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The parser accepts the text and cuts it into the same statements, this many.
    Same(usize),
    /// The parser rejects the text: there is nothing to compare with.
    Rejected,
    /// The text uses what only psql or evmig has: a NUL byte is refused before splitting, `COPY`
    /// without its data and `standard_conforming_strings = off` while splitting.
    Outside,
}

/// Checks the rules for any text and compares with the parser. `Err` says what differs.
pub fn check(text: &str) -> Result<Verdict, String> {
    let ours = Script::parse(text);
    if let Ok(script) = &ours {
        coverage(text, script)?;
        idempotence(text, script)?;
    } else if let Err(error) = &ours {
        placed(text, error)?;
    }
    if text.contains('\0') {
        return Ok(Verdict::Outside);
    }
    let masked = mask(text, ours.as_ref().ok());
    let Ok(pieces) = pg_query::split_with_parser(&masked) else {
        return Ok(Verdict::Rejected);
    };
    let theirs: Vec<Range<usize>> = pieces
        .iter()
        .map(|piece| {
            let start = piece.as_ptr() as usize - masked.as_ptr() as usize;
            start..start + piece.len()
        })
        .collect();
    match ours {
        Ok(script) => compare(&masked, &script, &theirs),
        Err(SplitError::NonstandardStrings { .. }) => Ok(Verdict::Outside),
        Err(_)
            if theirs
                .iter()
                .any(|range| reads_stdin(&masked[range.clone()])) =>
        {
            Ok(Verdict::Outside)
        }
        Err(error) => Err(format!(
            "the parser accepts what is refused: {error} (byte {})",
            error.at()
        )),
    }
}

/// Whether the parser's statement is a `COPY … FROM stdin`, after which only psql knows where SQL goes on.
fn reads_stdin(statement: &str) -> bool {
    let words = statement[blank(statement, 0, false)..].to_ascii_lowercase();
    words.starts_with("copy") && words.contains("stdin")
}

/// The text without what is not SQL: a byte order mark, the data of `COPY` and the lines that `pg_dump`
/// writes for psql become spaces.
fn mask(text: &str, script: Option<&Script>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if text.starts_with('\u{feff}') {
        bytes[..3].fill(b' ');
    }
    for data in script
        .into_iter()
        .flat_map(Script::statements)
        .filter_map(|s| s.copy_data.clone())
    {
        let end = end_of_copy(text, &data);
        bytes[data.start..end].fill(b' ');
    }
    let mut at = 0;
    for item in script.into_iter().flat_map(|script| &script.items) {
        let (Item::Statement(Statement { span, .. }) | Item::Include { span, .. }) = item;
        blank_psql_lines(&mut bytes, at..span.start);
        at = span.end;
    }
    if script.is_some() {
        blank_psql_lines(&mut bytes, at..text.len());
    }
    // Only whole characters were replaced.
    String::from_utf8(bytes).unwrap_or_default()
}

/// Blanks the backslash lines between two items, where nothing else can have a backslash but a comment.
fn blank_psql_lines(bytes: &mut [u8], range: Range<usize>) {
    let Ok(text) = String::from_utf8(bytes[..range.end].to_vec()) else {
        return;
    };
    let mut at = blank(&text, range.start, true);
    while text[at..].starts_with('\\') {
        let length = text[at..].find(['\n', '\r']).unwrap_or(text.len() - at);
        bytes[at..at + length].fill(b' ');
        at = blank(&text, at + length, true);
    }
}

/// Offset after the `\.` line that ends the data.
fn end_of_copy(text: &str, data: &Range<usize>) -> usize {
    let rest = &text[data.end..];
    let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
    data.end + line
}

fn compare(text: &str, script: &Script, theirs: &[Range<usize>]) -> Result<Verdict, String> {
    let ours: Vec<_> = script
        .statements()
        .map(|statement| statement.span.clone())
        .collect();
    let show = |ranges: &[Range<usize>]| {
        let texts: Vec<_> = ranges.iter().map(|range| &text[range.clone()]).collect();
        format!("{texts:#?}")
    };
    let same = ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(our, their)| {
            their.start <= our.start
                && our.end <= their.end
                && blank(text, their.start, false) == our.start
                && blank(&text[..their.end], our.end, false) == their.end
        });
    if same {
        return Ok(Verdict::Same(ours.len()));
    }
    Err(format!("evmig: {}\nparser: {}", show(&ours), show(theirs)))
}

/// Everything outside the items is white space, comments, semicolons, `\.` lines and pg_dump's own lines.
fn coverage(text: &str, script: &Script) -> Result<(), String> {
    let mut at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    for item in &script.items {
        let span = match item {
            Item::Statement(statement) => &statement.span,
            Item::Include { span, .. } => span,
        };
        gap(text, at..span.start)?;
        if span.is_empty() || blank(text, span.start, true) != span.start {
            return Err(format!("{span:?} starts with nothing to send"));
        }
        at = span.end;
        if let Item::Statement(statement) = item
            && let Some(data) = &statement.copy_data
        {
            gap(text, at..data.start)?;
            at = end_of_copy(text, data);
            if data.end < data.start || &text[data.end..at] != "\\." {
                return Err(format!("the data at {data:?} has no end"));
            }
        }
    }
    gap(text, at..text.len())
}

/// Checks that nothing between two items would have to be sent.
fn gap(text: &str, range: Range<usize>) -> Result<(), String> {
    if range.start > range.end {
        return Err(format!("out of order at {range:?}"));
    }
    let text = &text[..range.end];
    let mut at = range.start;
    loop {
        at = blank(text, at, true);
        if at == range.end {
            return Ok(());
        }
        let rest = &text[at..];
        if !rest.starts_with("\\restrict") && !rest.starts_with("\\unrestrict") {
            return Err(format!("byte {at} belongs to no statement"));
        }
        at += rest.find(['\n', '\r']).unwrap_or(rest.len());
    }
}

/// A statement that is cut alone is one statement, the same one.
fn idempotence(text: &str, script: &Script) -> Result<(), String> {
    for statement in script.statements() {
        let alone = &text[statement.span.clone()];
        // At the start of a text a byte order mark is nothing; inside of it, it is part of a name.
        if statement.copy_data.is_some() || alone.starts_with('\u{feff}') {
            continue;
        }
        let again = Script::parse(alone).map_err(|error| format!("alone {alone:?}: {error}"))?;
        let found: Vec<_> = again.statements().collect();
        let same = again.items.len() == 1
            && found.len() == 1
            && found[0].span == (0..alone.len())
            && found[0].class == statement.class;
        if !same {
            return Err(format!("{alone:?} is cut again: {found:#?}"));
        }
    }
    Ok(())
}

/// An error points into the text.
fn placed(text: &str, error: &SplitError) -> Result<(), String> {
    let (start, end) = (error.at(), error.at() + error.length());
    if error.length() == 0 || !text.is_char_boundary(start) || start > text.len() {
        return Err(format!(
            "{error:?} points at {start}..{end} of {}",
            text.len()
        ));
    }
    Ok(())
}

/// Offset of the first byte from `at` that is neither white space nor comment, nor `;` if those count too.
fn blank(text: &str, mut at: usize, semicolons: bool) -> usize {
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => at += 1,
            b';' if semicolons => at += 1,
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                let end = bytes[at..].iter().position(|b| matches!(b, b'\n' | b'\r'));
                at = end.map_or(bytes.len(), |end| at + end);
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => match comment_end(bytes, at) {
                Some(end) => at = end,
                None => return at,
            },
            _ => break,
        }
    }
    at
}

/// Offset after the block comment at `at`; comments nest.
fn comment_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match (bytes.get(at)?, bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
}
