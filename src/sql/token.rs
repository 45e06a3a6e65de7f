//! PostgreSQL's tokens with byte offsets.
//!
//! The tokens are `squawk-lexer`'s, with three corrections where it differs from the server's `scan.l`:
//! a continued `E''` string keeps its escapes on the next line, a `$` that opens no dollar quote is a
//! token of its own, and only the byte order mark at the very start of the text is white space.

use squawk_lexer::{BOM, LiteralKind, TokenKind};

/// What a token is, as far as splitting and classifying need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// White space, line ends included; also a byte order mark at offset 0.
    Space,
    /// `-- …`, without its line end.
    LineComment,
    /// `/* … */`, nested ones included.
    BlockComment,
    /// A keyword or an unquoted identifier.
    Word,
    /// `"…"`.
    QuotedWord,
    /// `U&"…"`.
    UnicodeWord,
    /// A constant between quotes.
    Text(Quoting),
    /// A number.
    Number,
    /// `;`.
    Semicolon,
    /// `,`.
    Comma,
    /// `.`.
    Dot,
    /// `(`.
    Open,
    /// `)`.
    Close,
    /// `\`, which belongs to psql.
    Backslash,
    /// Anything else, unknown characters included.
    Symbol,
}

/// How a text constant is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoting {
    /// `'…'` and `N'…'`.
    Plain,
    /// `E'…'`, with its continuations on later lines.
    Escape,
    /// `U&'…'`.
    Unicode,
    /// `B'…'` and `X'…'`.
    Bits,
    /// `$tag$…$tag$`.
    Dollar,
}

/// One token of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Whether its closing quote or comment end is there; true for tokens that need none.
    pub closed: bool,
    /// Byte offset of its first byte.
    pub start: usize,
    /// Byte offset after its last byte.
    pub end: usize,
}

impl Token {
    /// Whether the server sees it: everything but white space and comments.
    pub fn is_significant(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Space | Kind::LineComment | Kind::BlockComment
        )
    }

    /// The token's bytes in the text that it was cut from.
    pub fn text<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.end]
    }
}

/// Iterates over the tokens of a text; they follow each other without a gap.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// Whether more of the same file stands before `text`, so that a mark at its start is none.
    inside: bool,
}

impl<'a> Tokens<'a> {
    /// Starts at the beginning of `text`, which must be shorter than 4 GiB (`squawk-lexer` counts in u32).
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            inside: false,
        }
    }

    /// Starts at the beginning of `text`, which is the rest of a longer one.
    pub(super) fn of_rest(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            inside: true,
        }
    }

    /// Returns the byte at which the next token starts.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Goes on at byte `at`, which must be a character boundary at or after the last token.
    pub(super) fn jump(&mut self, at: usize) {
        self.at = at;
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let rest = &self.text[self.at..];
        let (kind, closed, length) = if (self.at > 0 || self.inside) && rest.starts_with(BOM) {
            // To scan.l any byte above 0x7f belongs to an identifier; the lexer would skip it as a mark.
            (Kind::Word, true, word_length(rest))
        } else {
            // One lexer per token costs nothing (it holds a pointer and a length) and lets us move the
            // start of the next token.
            let token = squawk_lexer::tokenize(rest).next()?;
            let length = token.len as usize;
            let (kind, closed) = convert(token.kind, rest);
            match kind {
                Kind::Text(Quoting::Escape) if closed => {
                    let (length, closed) = continue_escape_string(rest, length);
                    (kind, closed, length)
                }
                // `$E'…'`: scan.l puts back all but the `$` when no dollar quote follows.
                Kind::Symbol if rest.starts_with('$') && !has_digit_after_dollar(rest) => {
                    (kind, closed, 1)
                }
                _ => (kind, closed, length),
            }
        };
        let start = self.at;
        self.at += length;
        Some(Token {
            kind,
            closed,
            start,
            end: self.at,
        })
    }
}

/// Maps the lexer's kind to ours, with whether the token is closed.
fn convert(kind: TokenKind, rest: &str) -> (Kind, bool) {
    match kind {
        TokenKind::Whitespace => (Kind::Space, true),
        TokenKind::LineComment => (Kind::LineComment, true),
        TokenKind::BlockComment { terminated } => (Kind::BlockComment, terminated),
        TokenKind::Ident => (Kind::Word, true),
        TokenKind::QuotedIdent {
            terminated,
            uescape,
        } => {
            let kind = if uescape {
                Kind::UnicodeWord
            } else {
                Kind::QuotedWord
            };
            (kind, terminated)
        }
        TokenKind::Literal { kind } => convert_literal(kind),
        TokenKind::Semi => (Kind::Semicolon, true),
        TokenKind::Comma => (Kind::Comma, true),
        TokenKind::Dot => (Kind::Dot, true),
        TokenKind::OpenParen => (Kind::Open, true),
        TokenKind::CloseParen => (Kind::Close, true),
        TokenKind::Unknown if rest.starts_with('\\') => (Kind::Backslash, true),
        _ => (Kind::Symbol, true),
    }
}

/// Maps the lexer's literals.
fn convert_literal(kind: LiteralKind) -> (Kind, bool) {
    match kind {
        LiteralKind::Int { .. } | LiteralKind::Numeric { .. } => (Kind::Number, true),
        LiteralKind::Str { terminated } | LiteralKind::NationalStr { terminated } => {
            (Kind::Text(Quoting::Plain), terminated)
        }
        LiteralKind::ByteStr { terminated } | LiteralKind::BitStr { terminated } => {
            (Kind::Text(Quoting::Bits), terminated)
        }
        LiteralKind::DollarQuotedString { terminated } => (Kind::Text(Quoting::Dollar), terminated),
        LiteralKind::UnicodeEscStr { terminated } => (Kind::Text(Quoting::Unicode), terminated),
        LiteralKind::EscStr { terminated } => (Kind::Text(Quoting::Escape), terminated),
    }
}

fn has_digit_after_dollar(rest: &str) -> bool {
    rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit)
}

/// Length of the identifier at the start of `rest`.
fn word_length(rest: &str) -> usize {
    rest.find(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && c != '_' && c != '$')
        .unwrap_or(rest.len())
}

/// Extends an `E''` string of `length` bytes over its continuations (scan.l's `quotecontinue`).
///
/// Returns the new length and whether the last part is closed. The other kinds of string need no joining:
/// their parts end at the same quotes whether they are read as one constant or as several.
fn continue_escape_string(rest: &str, mut length: usize) -> (usize, bool) {
    while let Some(quote) = find_continuation(rest, length) {
        let Some(end) = find_escape_string_end(rest, quote + 1) else {
            return (rest.len(), false);
        };
        length = end;
    }
    (length, true)
}

/// Offset of the quote that continues a string which ended at `from`: nothing but white space and `--`
/// comments between them, with at least one line end.
pub(super) fn find_continuation(rest: &str, from: usize) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = from;
    let mut line_ended = false;
    loop {
        match bytes.get(at)? {
            b'\n' | b'\r' => {
                line_ended = true;
                at += 1;
            }
            b' ' | b'\t' | 0x0b | 0x0c => at += 1,
            b'-' if bytes.get(at + 1) == Some(&b'-') => {
                at += bytes[at..]
                    .iter()
                    .position(|b| matches!(b, b'\n' | b'\r'))?;
            }
            b'\'' if line_ended => return Some(at),
            _ => return None,
        }
    }
}

/// Offset after the quote that closes an `E''` string whose contents start at `from`.
fn find_escape_string_end(rest: &str, from: usize) -> Option<usize> {
    let bytes = rest.as_bytes();
    let mut at = from;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => at += 2,
            b'\'' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(text: &str) -> Vec<(Kind, &str)> {
        Tokens::new(text)
            .filter(Token::is_significant)
            .map(|token| (token.kind, token.text(text)))
            .collect()
    }

    #[test]
    fn an_escape_string_keeps_its_escapes_in_the_continuation() {
        let text = "E'a' -- x\n  -- it's\n 'b\\';c' , 'd\\'";
        assert_eq!(
            pieces(text),
            [
                (
                    Kind::Text(Quoting::Escape),
                    "E'a' -- x\n  -- it's\n 'b\\';c'"
                ),
                (Kind::Comma, ","),
                (Kind::Text(Quoting::Plain), "'d\\'"),
            ]
        );
    }

    #[test]
    fn a_second_string_on_the_same_line_is_no_continuation() {
        assert_eq!(
            pieces("E'a' /*\n*/ 'b\\' 'c'"),
            [
                (Kind::Text(Quoting::Escape), "E'a'"),
                (Kind::Text(Quoting::Plain), "'b\\'"),
                (Kind::Text(Quoting::Plain), "'c'"),
            ]
        );
    }

    #[test]
    fn a_plain_string_does_not_hand_escapes_on() {
        assert_eq!(
            pieces("'a'\nE'b\\''"),
            [
                (Kind::Text(Quoting::Plain), "'a'"),
                (Kind::Text(Quoting::Escape), "E'b\\''"),
            ]
        );
    }

    #[test]
    fn dollars_in_and_around_identifiers() {
        assert_eq!(pieces("a$b$c"), [(Kind::Word, "a$b$c")]);
        assert_eq!(
            pieces("$é$;$é$"),
            [(Kind::Text(Quoting::Dollar), "$é$;$é$")]
        );
        assert_eq!(
            pieces("$1$$;$$"),
            [(Kind::Symbol, "$1"), (Kind::Text(Quoting::Dollar), "$$;$$")]
        );
        assert_eq!(
            pieces("$E'a\\''"),
            [
                (Kind::Symbol, "$"),
                (Kind::Text(Quoting::Escape), "E'a\\''")
            ]
        );
        assert_eq!(
            pieces("$b$ $a$b$"),
            [(Kind::Text(Quoting::Dollar), "$b$ $a$b$")]
        );
        assert_eq!(
            pieces("$bb$ $b$bb$"),
            [(Kind::Text(Quoting::Dollar), "$bb$ $b$bb$")]
        );
        assert_eq!(
            pieces("$$ $a$$"),
            [(Kind::Text(Quoting::Dollar), "$$ $a$$")]
        );
    }

    #[test]
    fn comments_inside_operators_are_comments() {
        let significant = |text| {
            pieces(text)
                .iter()
                .map(|(_, piece)| *piece)
                .collect::<String>()
        };
        assert_eq!(significant("1+--;\n2"), "1+2");
        assert_eq!(significant("1*/*;*/2"), "1*2");
        assert_eq!(significant("1<--'\n2"), "1<2");
        assert_eq!(significant("1@//*;*/2"), "1@/2");
        assert_eq!(significant("/*/*/ ; */ ; **/ 1"), "1");
    }

    #[test]
    fn a_mark_inside_the_text_belongs_to_a_word() {
        let text = "\u{feff}a;\u{feff}b";
        assert_eq!(
            pieces(text),
            [
                (Kind::Word, "a"),
                (Kind::Semicolon, ";"),
                (Kind::Word, "\u{feff}b")
            ]
        );
        assert_eq!(pieces("''\u{feff}b").len(), 2);
    }

    proptest! {
        #[test]
        fn tokens_cover_any_text(text in "(?s)[-\\\\$'\"eEuU&/*;()a1\u{feff}é \n\r\0]{0,60}|.{0,40}") {
            let mut at = 0;
            for token in Tokens::new(&text) {
                prop_assert_eq!(token.start, at);
                prop_assert!(token.end > at);
                prop_assert!(text.is_char_boundary(token.end));
                at = token.end;
            }
            prop_assert_eq!(at, text.len());
        }
    }
}
