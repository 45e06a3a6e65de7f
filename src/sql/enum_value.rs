//! New enum values, which cannot be used before they are committed (SQLSTATE 55P04).

use std::collections::HashMap;

use super::classify::Verb;
use super::name::{QualifiedName, decode_unicode};
use super::split::Statement;
use super::token::{Kind, Quoting, Tokens, find_continuation};
use super::words::Words;

/// What `ALTER TYPE … ADD VALUE` adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumValue {
    /// The enum.
    pub type_name: QualifiedName,
    /// The new value.
    pub value: String,
}

/// Reads `ALTER TYPE … ADD VALUE [IF NOT EXISTS] '…'`.
pub(super) fn added(words: &Words, verb: Verb) -> Option<EnumValue> {
    let mut cursor = words.cursor(1);
    if verb != Verb::Alter || !cursor.eat("type") {
        return None;
    }
    let type_name = cursor.qualified()?;
    if !cursor.eat_all(&["add", "value"]) {
        return None;
    }
    cursor.eat_all(&["if", "not", "exists"]);
    let Some(Kind::Text(quoting)) = words.kind(cursor.at) else {
        return None;
    };
    let value = decode(words.text(cursor.at), quoting)?;
    Some(EnumValue { type_name, value })
}

/// How deep bodies inside bodies are read (a function inside a DO block is 2).
const MAX_DEPTH: usize = 8;

/// Finds the first statement that mentions an enum value which an earlier one adds.
///
/// Takes each statement with the text of its file; returns the positions of the `ALTER TYPE` and of the use. A
/// mention is a constant that equals the value, holds it inside an array or row constant, in a body (dollar-quoted
/// or not) or in COPY data. A type created in the same file counts too: before 17 the server refuses that as well.
/// It errs towards a find: the price of one is a commit more, that of a miss a failed run.
pub fn enum_value_used<'a>(
    statements: impl IntoIterator<Item = (&'a Statement, &'a str)>,
) -> Option<(usize, usize)> {
    let mut values = HashMap::new();
    for (at, (statement, text)) in statements.into_iter().enumerate() {
        if let Some(added) = &statement.class.adds_enum_value {
            // `AFTER 'x'` may name a value that is not committed yet.
            values.entry(added.value.as_str()).or_insert(at);
        } else if !values.is_empty() && statement.class.verb != Verb::Comment {
            let sql = text.get(statement.span.clone()).unwrap_or("");
            let in_data = || mentioned_in_data(statement, text, &values);
            if let Some(alter) = mentioned(sql, &values, MAX_DEPTH).or_else(in_data) {
                return Some((alter, at));
            }
        }
    }
    None
}

/// Position of the ALTER whose value the tokens of `sql` mention.
fn mentioned(sql: &str, values: &HashMap<&str, usize>, depth: usize) -> Option<usize> {
    Tokens::new(sql).find_map(|token| match token.kind {
        Kind::Text(quoting) if token.closed => {
            let decoded = decode(token.text(sql), quoting)?;
            mentioned_in_constant(&decoded, values, depth)
        }
        _ => None,
    })
}

fn mentioned_in_constant(
    constant: &str,
    values: &HashMap<&str, usize>,
    depth: usize,
) -> Option<usize> {
    if let Some(&at) = values.get(constant) {
        return Some(at);
    }
    if constant.trim_start().starts_with(['{', '(', '['])
        && let Some(at) = contained(constant, values)
    {
        return Some(at);
    }
    if !constant.contains(['\'', '$']) {
        return None;
    }
    if depth == 0 {
        return contained(constant, values);
    }
    mentioned(constant, values, depth - 1)
}

fn mentioned_in_data(
    statement: &Statement,
    text: &str,
    values: &HashMap<&str, usize>,
) -> Option<usize> {
    contained(text.get(statement.copy_data.clone()?)?, values)
}

/// The earliest ALTER whose value is anywhere in `text`.
fn contained(text: &str, values: &HashMap<&str, usize>) -> Option<usize> {
    values
        .iter()
        .filter(|(value, _)| text.contains(**value))
        .map(|(_, &at)| at)
        .min()
}

/// The value of a constant; `None` where an escape in it is malformed.
fn decode(quoted: &str, quoting: Quoting) -> Option<String> {
    let inner = |prefix: usize| quoted.get(prefix..quoted.len().checked_sub(1)?);
    match quoting {
        Quoting::Plain => {
            let prefix = quoted.find('\'')? + 1;
            Some(inner(prefix)?.replace("''", "'"))
        }
        Quoting::Unicode => decode_unicode(&inner(3)?.replace("''", "'"), '\\'),
        Quoting::Bits => inner(2).map(str::to_owned),
        Quoting::Dollar => {
            let tag = quoted[1..].find('$')? + 2;
            quoted
                .get(tag..quoted.len().checked_sub(tag)?)
                .map(str::to_owned)
        }
        Quoting::Escape => decode_escapes(quoted),
    }
}

/// Decodes `E'…'` with its continuations.
fn decode_escapes(quoted: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(quoted.len());
    let bytes = quoted.as_bytes();
    let mut at = 2;
    loop {
        match bytes.get(at)? {
            b'\'' if bytes.get(at + 1) == Some(&b'\'') => {
                decoded.push(b'\'');
                at += 2;
            }
            b'\'' => match find_continuation(quoted, at + 1) {
                Some(quote) => at = quote + 1,
                None => return String::from_utf8(decoded).ok(),
            },
            b'\\' => at += 1 + decode_escape(quoted.get(at + 1..)?, &mut decoded)?,
            byte => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
}

/// Decodes what follows a backslash; returns how many bytes it took.
fn decode_escape(rest: &str, decoded: &mut Vec<u8>) -> Option<usize> {
    let digits = |from: usize, most: usize, radix: u32| {
        let length = rest[from..]
            .bytes()
            .take(most)
            .take_while(|b| char::from(*b).is_digit(radix))
            .count();
        let number = u32::from_str_radix(&rest[from..from + length], radix).ok()?;
        Some((number, from + length))
    };
    let first = rest.chars().next()?;
    let plain = match first {
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        '0'..='7' => {
            let (number, length) = digits(0, 3, 8)?;
            decoded.push(number as u8);
            return Some(length);
        }
        'x' if rest[1..].starts_with(|c: char| c.is_ascii_hexdigit()) => {
            let (number, length) = digits(1, 2, 16)?;
            decoded.push(number as u8);
            return Some(length);
        }
        'u' | 'U' => {
            let (number, length) = digits(1, if first == 'u' { 4 } else { 8 }, 16)?;
            let c = char::from_u32(number)?;
            decoded.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(length);
        }
        other => {
            decoded.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
            return Some(other.len_utf8());
        }
    };
    decoded.push(plain);
    Some(1)
}

#[cfg(test)]
mod tests {
    use super::super::split::Script;
    use super::*;

    fn used(text: &str) -> Option<(usize, usize)> {
        let script = Script::parse(text).unwrap();
        enum_value_used(script.statements().map(|statement| (statement, text)))
    }

    #[test]
    fn a_later_constant_is_a_use() {
        let add = "select 'new'; alter type s.mood add value if not exists 'new' after 'old';";
        for statement in [
            "insert into t values ('new')",
            "alter table t alter c set default 'new'::s.mood",
            "select '{old,new}'::s.mood[]",
            "do $$ begin perform 'new'::s.mood; end $$",
            "do $a$ begin execute $b$ select 'new'::s.mood $b$; end $a$",
            "do 'begin perform ''new''::s.mood; end'",
            "select E'n\\145w'",
            "select E'n\\u0065'\n'w'",
            "select U&'n\\0065w'",
            "select N'new'",
            "select $$new$$",
            "copy t from stdin;\n1\tnew\n\\.\n",
        ] {
            let text = format!("{add}{statement}");
            assert_eq!(used(&text), Some((1, 2)), "{statement}");
        }
    }

    #[test]
    fn what_does_not_use_it() {
        let add = "alter type mood add value 'new';";
        for statement in [
            "select 'news'",
            "select new, \"new\" -- 'new'",
            "alter type mood add value 'newer' after 'new'",
            "comment on type mood is 'new'",
            "copy t from stdin;\n1\told\n\\.\n",
        ] {
            assert_eq!(used(&format!("{add}{statement}")), None, "{statement}");
        }
        assert_eq!(used("select 'new'; alter type mood add value 'new'"), None);
    }

    #[test]
    fn the_value_is_decoded() {
        let text = "alter type mood add value 'it''s'; select E'it\\'s'";
        assert_eq!(used(text), Some((0, 1)));
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_it_fail(body in "(?s)[-'$E\\\\u0xa{ \n]{0,60}|.{0,30}") {
            let text = format!("{}do {body}", "alter type t add value 'xu';");
            if let Ok(script) = Script::parse(&text) {
                enum_value_used(script.statements().map(|statement| (statement, text.as_str())));
            }
        }
    }
}
