//! Writes identifiers and string constants that mean exactly what was given.

use super::name::MAX_IDENTIFIER_BYTES;

/// A name that cannot be, or must not be, an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// The empty name.
    #[error("an identifier cannot be empty")]
    Empty,
    /// A control character, NUL and line ends included: names with line ends have carried commands out of dumps
    /// (CVE-2025-8715).
    #[error("the identifier {name:?} holds a control character at byte {at}")]
    Control {
        /// The name.
        name: String,
        /// Byte offset in it.
        at: usize,
    },
    /// More than 63 bytes, which the server would cut, so that two names could become one.
    #[error("the identifier `{name}` has {} bytes; PostgreSQL keeps {MAX_IDENTIFIER_BYTES}", .name.len())]
    TooLong {
        /// The name.
        name: String,
    },
}

/// Keywords that are not free to use as every kind of name: all but the unreserved ones of PostgreSQL 14 to 18
/// (`pg_get_keywords()` where `catcode` is not `U`), sorted.
const KEYWORDS: &str = "\
all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast \
char character check coalesce collate collation column concurrently constraint create cross current_catalog \
current_date current_role current_schema current_time current_timestamp current_user dec decimal default deferrable \
desc distinct do else end except exists extract false fetch float for foreign freeze from full grant greatest group \
grouping having ilike in initially inner inout int integer intersect interval into is isnull join json json_array \
json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value \
lateral leading least left like limit localtime localtimestamp merge_action national natural nchar none normalize \
not notnull null nullif numeric offset on only or order out outer overlaps overlay placing position precision primary \
real references returning right row select session_user setof similar smallint some substring symmetric system_user \
table tablesample then time timestamp to trailing treat trim true union unique user using values varchar variadic \
verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi \
xmlroot xmlserialize xmltable";

/// Writes an identifier, quoted where it must be.
pub fn ident(name: &str) -> Result<String, QuoteError> {
    if name.is_empty() {
        return Err(QuoteError::Empty);
    }
    if let Some(at) = name.find(char::is_control) {
        let name = name.to_owned();
        return Err(QuoteError::Control { name, at });
    }
    if name.len() > MAX_IDENTIFIER_BYTES {
        let name = name.to_owned();
        return Err(QuoteError::TooLong { name });
    }
    if is_plain(name) {
        Ok(name.to_owned())
    } else {
        Ok(format!("\"{}\"", name.replace('"', "\"\"")))
    }
}

/// Whether the server reads `name` back as itself without quotes.
fn is_plain(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c == '_';
    name.starts_with(letter)
        && name.chars().all(|c| letter(c) || c.is_ascii_digit())
        && !KEYWORDS.split(' ').any(|keyword| keyword == name)
}

/// Writes a string constant that means `value` whatever `standard_conforming_strings` says.
///
/// A NUL is passed on: no text of PostgreSQL holds one, and the wire protocol refuses it.
pub fn literal(value: &str) -> String {
    let doubled = value.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

#[cfg(test)]
mod tests {
    use super::super::name;
    use super::super::token::{Kind, Quoting, Tokens};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn identifiers() {
        for (name, written) in [
            ("users", "users"),
            ("_a1", "_a1"),
            ("name", "name"),
            ("user", "\"user\""),
            ("xmltable", "\"xmltable\""),
            ("all", "\"all\""),
            ("json", "\"json\""),
            ("Users", "\"Users\""),
            ("1a", "\"1a\""),
            ("a$b", "\"a$b\""),
            ("é", "\"é\""),
            ("a b", "\"a b\""),
            ("a\"; drop", "\"a\"\"; drop\""),
        ] {
            assert_eq!(ident(name).as_deref(), Ok(written));
        }
    }

    #[test]
    fn identifiers_that_are_refused() {
        assert_eq!(ident(""), Err(QuoteError::Empty));
        for (name, at) in [("a\0", 1), ("é\nx", 2), ("\u{85}", 0), ("\u{7f}", 0)] {
            let name = name.to_owned();
            assert_eq!(ident(&name.clone()), Err(QuoteError::Control { name, at }));
        }
        assert!(ident(&"a".repeat(63)).is_ok());
        let name = "a".repeat(64);
        assert_eq!(ident(&name.clone()), Err(QuoteError::TooLong { name }));
    }

    #[test]
    fn keywords_are_sorted_words() {
        let words: Vec<_> = KEYWORDS.split(' ').collect();
        assert!(words.is_sorted());
        assert!(words.iter().all(|word| !word.is_empty()));
    }

    #[test]
    fn literals() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("\\'"), "E'\\\\'''");
        assert_eq!(literal(""), "''");
    }

    proptest! {
        #[test]
        fn an_identifier_is_one_token_that_reads_back(
            text in "[a-zA-Z_0-9\"$; é\\\\-]{1,20}|[^\\p{Cc}]{1,10}"
        ) {
            let written = ident(&text).unwrap();
            let tokens: Vec<_> = Tokens::new(&written).collect();
            prop_assert_eq!(tokens.len(), 1);
            prop_assert!(tokens[0].closed);
            let read = match tokens[0].kind {
                Kind::Word => name::fold(&written),
                Kind::QuotedWord => name::unquote(&written),
                kind => panic!("{kind:?}"),
            };
            prop_assert_eq!(read, text);
        }

        #[test]
        fn a_literal_is_one_token_in_either_mode(text in "['\\\\a\n]{0,20}|(?s).{0,20}") {
            let written = literal(&text);
            let tokens: Vec<_> = Tokens::new(&written).collect();
            prop_assert_eq!(tokens.len(), 1);
            prop_assert!(tokens[0].closed);
            // Without a backslash, E'' and '' are read alike: then the setting decides nothing.
            let escape = tokens[0].kind == Kind::Text(Quoting::Escape);
            prop_assert_eq!(escape, text.contains('\\'));
        }
    }
}
