//! A statement's significant tokens, and a cursor that reads keywords and names from them.

use super::name::{QualifiedName, fold, unquote, unquote_unicode};
use super::token::{Kind, Token, Tokens};

/// How many tokens of a statement that only moves rows are kept: a file may hold an INSERT of many megabytes, and
/// nothing after its head decides what it is.
const HEAD_OF_ROWS: usize = 64;

/// The significant tokens of one statement.
pub(super) struct Words<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    /// Whether a top-level `INTO` other than `INSERT INTO` or `MERGE INTO` occurs (`SELECT … INTO table`).
    pub(super) selects_into: bool,
}

impl<'a> Words<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut words = Self {
            text,
            tokens: Vec::new(),
            selects_into: false,
        };
        let mut limit = usize::MAX;
        let mut depth = 0_usize;
        let mut previous = "";
        for token in Tokens::new(text).filter(Token::is_significant) {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                _ => {}
            }
            let token_text = token.text(text);
            let word = if token.kind == Kind::Word {
                token_text
            } else {
                ""
            };
            if depth == 0
                && word.eq_ignore_ascii_case("into")
                && !is_any(previous, &["insert", "merge", "as", "."])
            {
                words.selects_into = true;
            }
            previous = token_text;
            if words.tokens.len() < limit {
                words.tokens.push(token);
            }
            if limit == usize::MAX && !word.is_empty() {
                let rows = [
                    "select", "insert", "update", "delete", "merge", "with", "values",
                ];
                limit = if is_any(word, &rows) {
                    HEAD_OF_ROWS
                } else {
                    usize::MAX - 1
                };
            }
        }
        words
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }

    /// The unquoted word at `at`, else an empty text.
    pub(super) fn word(&self, at: usize) -> &'a str {
        match self.tokens.get(at) {
            Some(token) if token.kind == Kind::Word => token.text(self.text),
            _ => "",
        }
    }

    /// The token's text at `at`, whatever it is; empty after the end.
    pub(super) fn text(&self, at: usize) -> &'a str {
        self.tokens
            .get(at)
            .map_or("", |token| token.text(self.text))
    }

    pub(super) fn kind(&self, at: usize) -> Option<Kind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    /// Whether the unquoted word at `at` is `keyword`.
    pub(super) fn is(&self, at: usize, keyword: &str) -> bool {
        self.word(at).eq_ignore_ascii_case(keyword)
    }

    /// Whether the unquoted words from `at` on are `keywords`.
    pub(super) fn are(&self, at: usize, keywords: &[&str]) -> bool {
        keywords
            .iter()
            .enumerate()
            .all(|(offset, keyword)| self.is(at + offset, keyword))
    }

    /// Whether the unquoted word at `at` is one of `keywords`.
    pub(super) fn is_any(&self, at: usize, keywords: &[&str]) -> bool {
        is_any(self.word(at), keywords)
    }

    /// Indexes of the tokens outside all parentheses, from `from` on.
    pub(super) fn top_level(&self, from: usize) -> impl Iterator<Item = usize> {
        let mut depth = 0_usize;
        (from..self.len()).filter(move |&at| match self.kind(at) {
            Some(Kind::Open) => {
                depth += 1;
                false
            }
            Some(Kind::Close) => {
                depth = depth.saturating_sub(1);
                false
            }
            _ => depth == 0,
        })
    }

    pub(super) fn cursor(&self, at: usize) -> Cursor<'_, 'a> {
        Cursor { words: self, at }
    }

    /// Value of a boolean option in the parentheses that open at `open`: `(a, b = off)` as `defGetBoolean` reads it.
    pub(super) fn boolean_option(&self, open: usize, name: &str) -> Option<bool> {
        if self.kind(open) != Some(Kind::Open) {
            return None;
        }
        let mut at = open;
        let mut value = None;
        while let Some(kind) = self.kind(at) {
            if kind == Kind::Close {
                break;
            }
            // An option's name stands after `(` or `,`.
            if matches!(kind, Kind::Open | Kind::Comma) && self.name_at(at + 1, name) {
                let after = at + 2 + usize::from(self.text(at + 2) == "=");
                value = Some(!is_any(
                    self.text(after).trim_matches('\''),
                    &["false", "off", "0"],
                ));
            }
            at += 1;
        }
        value
    }

    /// Whether the identifier at `at`, quoted or not, is `name`.
    fn name_at(&self, at: usize, name: &str) -> bool {
        self.cursor(at).name().is_some_and(|found| found == name)
    }
}

fn is_any(word: &str, keywords: &[&str]) -> bool {
    keywords
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword))
}

/// Reads a statement's tokens one after another; every method leaves the cursor where it was when it fails.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'w, 'a> {
    words: &'w Words<'a>,
    /// Index of the next token.
    pub(super) at: usize,
}

impl Cursor<'_, '_> {
    /// Steps over `keyword` if it is next.
    pub(super) fn eat(&mut self, keyword: &str) -> bool {
        self.eat_all(&[keyword])
    }

    /// Steps over all of `keywords` if they are next.
    pub(super) fn eat_all(&mut self, keywords: &[&str]) -> bool {
        let matches = self.words.are(self.at, keywords);
        if matches {
            self.at += keywords.len();
        }
        matches
    }

    /// Steps over words as long as they are among `keywords`.
    pub(super) fn skip_any(&mut self, keywords: &[&str]) {
        while self.words.is_any(self.at, keywords) {
            self.at += 1;
        }
    }

    /// Steps over a token of this kind if it is next.
    pub(super) fn eat_kind(&mut self, kind: Kind) -> bool {
        let matches = self.words.kind(self.at) == Some(kind);
        self.at += usize::from(matches);
        matches
    }

    /// Steps over a parenthesised list if one is next.
    pub(super) fn skip_parentheses(&mut self) {
        let mut depth = 0_usize;
        while let Some(kind) = self.words.kind(self.at) {
            match kind {
                Kind::Open => depth += 1,
                Kind::Close if depth > 0 => depth -= 1,
                _ => {}
            }
            if depth == 0 && kind != Kind::Close {
                return;
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    /// Reads one identifier as the catalog holds it.
    pub(super) fn name(&mut self) -> Option<String> {
        let text = self.words.text(self.at);
        match self.words.kind(self.at)? {
            Kind::Word => {
                self.at += 1;
                Some(fold(text))
            }
            Kind::QuotedWord => {
                self.at += 1;
                Some(unquote(text))
            }
            Kind::UnicodeWord => {
                let escape = self.unicode_escape();
                let name = unquote_unicode(text, escape.unwrap_or('\\'))?;
                self.at += if escape.is_some() { 3 } else { 1 };
                Some(name)
            }
            _ => None,
        }
    }

    /// The character of `UESCAPE '!'` after the identifier at the cursor.
    fn unicode_escape(&self) -> Option<char> {
        if !self.words.is(self.at + 1, "uescape") {
            return None;
        }
        let quoted = self.words.text(self.at + 2).strip_prefix('\'')?;
        quoted.strip_suffix('\'')?.chars().next()
    }

    /// Reads `name`, `schema.name` or `database.schema.name` (the database is left out).
    pub(super) fn qualified(&mut self) -> Option<QualifiedName> {
        let mut next = *self;
        let mut name = next.name()?;
        let mut schema = None;
        while next.eat_kind(Kind::Dot) {
            schema = Some(name);
            name = next.name()?;
        }
        *self = next;
        Some(QualifiedName { schema, name })
    }
}
