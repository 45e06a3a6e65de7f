//! Names as the catalog holds them: folded, unescaped and cut to length as the server does.

use std::fmt;

/// Longest identifier in bytes (`NAMEDATALEN` - 1); the server cuts longer ones with a NOTICE (42622).
pub const MAX_IDENTIFIER_BYTES: usize = 63;

/// A name with an optional schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct QualifiedName {
    /// The schema, where the statement gives one.
    pub schema: Option<String>,
    /// The object's own name.
    pub name: String,
}

impl QualifiedName {
    /// Returns the name as SQL, always quoted, so that it means exactly this object.
    pub fn quoted(&self) -> String {
        let quote = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
        match &self.schema {
            Some(schema) => format!("{}.{}", quote(schema), quote(&self.name)),
            None => quote(&self.name),
        }
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Folds an unquoted identifier: ASCII to lower case, cut to 63 bytes (scansup.c `downcase_truncate_identifier`).
pub(super) fn fold(word: &str) -> String {
    truncate(word.to_ascii_lowercase())
}

/// Unescapes `"…"`, quotes included in `quoted`.
pub(super) fn unquote(quoted: &str) -> String {
    truncate(inner(quoted, 1).replace("\"\"", "\""))
}

/// Unescapes `U&"…"` with the given escape character; `None` where an escape is malformed.
pub(super) fn unquote_unicode(quoted: &str, escape: char) -> Option<String> {
    decode_unicode(&inner(quoted, 3).replace("\"\"", "\""), escape).map(truncate)
}

/// What is between an opening quote of `prefix` bytes and a closing one of 1.
fn inner(quoted: &str, prefix: usize) -> &str {
    quoted
        .get(prefix..quoted.len().saturating_sub(1))
        .unwrap_or("")
}

/// Cuts at the last character boundary within the limit, as `pg_mbcliplen` does.
fn truncate(mut name: String) -> String {
    let mut at = name.len().min(MAX_IDENTIFIER_BYTES);
    while !name.is_char_boundary(at) {
        at -= 1;
    }
    name.truncate(at);
    name
}

/// Decodes `\XXXX`, `\+XXXXXX`, the doubled escape character and surrogate pairs.
pub(super) fn decode_unicode(text: &str, escape: char) -> Option<String> {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    let mut high = None;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let code = if c != escape {
            u32::from(c)
        } else if let Some(after) = rest.strip_prefix(escape) {
            rest = after;
            u32::from(escape)
        } else {
            let (digits, length) = match rest.strip_prefix('+') {
                Some(after) => (after.get(..6)?, 7),
                None => (rest.get(..4)?, 4),
            };
            if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                return None;
            }
            rest = &rest[length..];
            u32::from_str_radix(digits, 16).ok()?
        };
        match (high.take(), code) {
            (None, 0xd800..=0xdbff) => high = Some(code),
            (Some(high), 0xdc00..=0xdfff) => {
                let pair = 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00);
                decoded.push(char::from_u32(pair)?);
            }
            (None, _) => decoded.push(char::from_u32(code)?),
            (Some(_), _) => return None,
        }
    }
    high.is_none().then_some(decoded)
}

/// Reads the name that a text of the server's begins with, and returns what follows it: in quotes, or bare as long as
/// `is_bare` says so.
pub fn leading_name(text: &str, is_bare: impl Fn(char) -> bool) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c| !is_bare(c)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut rest = quoted;
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_is_ascii_only_and_cuts_at_a_character() {
        assert_eq!(fold("FooÄ$1"), "fooÄ$1");
        let long = format!("{}ä", "a".repeat(62));
        assert_eq!(fold(&long), "a".repeat(62));
        assert_eq!(unquote("\"A\"\"b\""), "A\"b");
    }

    #[test]
    fn unicode_escapes() {
        let decode = |quoted| unquote_unicode(quoted, '\\');
        assert_eq!(decode(r#"U&"d\0061t\+000061""#).as_deref(), Some("data"));
        assert_eq!(decode(r#"u&"a\\b""""#).as_deref(), Some("a\\b\""));
        assert_eq!(decode(r#"U&"\d83d\DE00""#).as_deref(), Some("😀"));
        assert_eq!(decode(r#"U&"\d83d""#), None);
        assert_eq!(decode(r#"U&"\00e""#), None);
        assert_eq!(decode(r#"U&"\00é9""#), None);
        assert_eq!(unquote_unicode(r#"U&"!0041""#, '!').as_deref(), Some("A"));
    }
}
