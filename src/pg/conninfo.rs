//! Reads a connection string: a URL or libpq's keyword/value form.
//!
//! A mistyped string is where passwords leak: libpq itself quotes the offending piece. The errors
//! here hold fixed texts, known keywords, and an unknown keyword only where it cannot be a piece
//! of the password; every value is a [`Secret`] until its keyword is known to be harmless.

use crate::pg::keyword;
use crate::secret::Secret;

/// The keywords a connection string sets, in its order; a later one wins over an earlier one.
pub type Pairs = Vec<(&'static str, Secret)>;

/// Why a connection string cannot be read. Holds no part of the string that may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConninfoError {
    /// A keyword that libpq does not know.
    #[error("unknown keyword{}{}", quoted(name.as_deref()), suggestion(*nearest))]
    UnknownKeyword {
        /// The keyword, unless it may be a piece of a password.
        name: Option<String>,
        /// The known keyword that was probably meant.
        nearest: Option<&'static str>,
    },
    /// The string does not follow the grammar; the text says where and what to do.
    #[error("{0}")]
    Malformed(&'static str),
}

fn quoted(name: Option<&str>) -> String {
    name.map(|name| format!(" `{name}`")).unwrap_or_default()
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest
        .map(|known| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

/// Reads either form of a connection string.
pub fn parse(text: &str) -> Result<Pairs, ConninfoError> {
    for scheme in ["postgresql://", "postgres://"] {
        if let Some(rest) = text.strip_prefix(scheme) {
            return parse_url(rest);
        }
    }
    if text.contains("://") && !text.contains('=') {
        return Err(ConninfoError::Malformed(
            "a connection URL starts with `postgresql://` or `postgres://`",
        ));
    }
    parse_keyword_values(text)
}

/// Reads what follows `postgresql://`, as `conninfo_uri_parse_options` of libpq does.
fn parse_url(rest: &str) -> Result<Pairs, ConninfoError> {
    let mut pairs = Pairs::new();
    // libpq looks for the `@` before the first `/` only, so a `?` in a password needs no escape.
    let authority_end = rest.find('/').unwrap_or(rest.len());
    let (credentials, after) = match rest[..authority_end].find('@') {
        Some(at) => (Some(&rest[..at]), &rest[at + 1..]),
        None => (None, rest),
    };
    if let Some(credentials) = credentials {
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (credentials, None),
        };
        push_decoded(&mut pairs, "user", user)?;
        push_decoded(&mut pairs, "password", password.unwrap_or_default())?;
    }
    let (location, query) = match after.split_once('?') {
        Some((location, query)) => (location, Some(query)),
        None => (after, None),
    };
    let (hosts, dbname) = match location.split_once('/') {
        Some((hosts, dbname)) => (hosts, dbname),
        None => (location, ""),
    };
    if hosts.contains('@') || (credentials.is_none() && dbname.contains('@')) {
        // What looks like a host or a database name is most likely the rest of a password.
        return Err(ConninfoError::Malformed(
            "the URL has an `@` where none may be; in a user name or password write `@` as `%40` \
             and `/` as `%2F`",
        ));
    }
    parse_hosts(&mut pairs, hosts)?;
    push_decoded(&mut pairs, "dbname", dbname)?;
    if let Some(query) = query {
        parse_query(&mut pairs, query)?;
    }
    Ok(pairs)
}

/// Reads `host:port,[v6]:port,…`; libpq keeps hosts and ports as two lists of the same length.
fn parse_hosts(pairs: &mut Pairs, text: &str) -> Result<(), ConninfoError> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for part in text.split(',') {
        let (host, port) = if let Some(inner) = part.strip_prefix('[') {
            let (host, after) = inner.split_once(']').ok_or(ConninfoError::Malformed(
                "the URL has a `[` without the `]` that ends the IPv6 address",
            ))?;
            if host.is_empty() {
                return Err(ConninfoError::Malformed(
                    "the URL has an empty IPv6 address between `[` and `]`",
                ));
            }
            let port = match after.strip_prefix(':') {
                Some(port) => port,
                None if after.is_empty() => "",
                None => {
                    return Err(ConninfoError::Malformed(
                        "after the `]` of an IPv6 address the URL may only have a `:port`, a `,`, \
                         a `/` or a `?`",
                    ));
                }
            };
            (host, port)
        } else {
            part.split_once(':').unwrap_or((part, ""))
        };
        hosts.push(decode(host)?);
        ports.push(decode(port)?);
    }
    if hosts.iter().any(|host| !host.is_empty()) || hosts.len() > 1 {
        pairs.push(("host", Secret::new(hosts.join(","))));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        pairs.push(("port", Secret::new(ports.join(","))));
    }
    Ok(())
}

fn parse_query(pairs: &mut Pairs, query: &str) -> Result<(), ConninfoError> {
    for parameter in query.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = parameter.split_once('=').ok_or(ConninfoError::Malformed(
            "the URL has a parameter without a `=` after the `?`",
        ))?;
        if value.contains('=') {
            return Err(ConninfoError::Malformed(
                "the URL has a parameter with two `=`; write the second one as `%3D`",
            ));
        }
        let (name, value) = (decode(name)?, decode(value)?);
        // JDBC's spelling, which libpq accepts too.
        if name == "ssl" && value == "true" {
            pairs.push(("sslmode", Secret::new("require")));
            continue;
        }
        // An `@` this late hints that the `?` was part of a password.
        pairs.push((known(&name, !query.contains('@'))?, Secret::new(value)));
    }
    Ok(())
}

/// Reads `keyword = value keyword = 'value'`, as `conninfo_parse` of libpq does.
fn parse_keyword_values(text: &str) -> Result<Pairs, ConninfoError> {
    let mut pairs = Pairs::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let name_end = rest
            .find(|c: char| c == '=' || c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let name = &rest[..name_end];
        let value = rest[name_end..]
            .trim_start()
            .strip_prefix('=')
            .ok_or(ConninfoError::Malformed(
                "the connection string has a word without a `=` after it; put values with spaces \
                 in single quotes",
            ))?
            .trim_start();
        let (value, after) = take_value(value)?;
        // After a password an unknown word is most likely the rest of it.
        let safe = !pairs.iter().any(|(name, _)| *name == "password");
        pairs.push((known(name, safe)?, Secret::new(value)));
        rest = after.trim_start();
    }
    Ok(pairs)
}

/// Takes one value, quoted or bare, and returns it with what follows.
fn take_value(text: &str) -> Result<(String, &str), ConninfoError> {
    let mut value = String::new();
    let quoted = text.starts_with('\'');
    let mut characters = text.char_indices();
    if quoted {
        characters.next();
    }
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            c if !quoted && c.is_ascii_whitespace() => return Ok((value, &text[at..])),
            c => value.push(c),
        }
    }
    if quoted {
        return Err(ConninfoError::Malformed(
            "the connection string has a `'` that is never closed",
        ));
    }
    Ok((value, ""))
}

fn known(name: &str, may_be_named: bool) -> Result<&'static str, ConninfoError> {
    if let Some(keyword) = keyword::find(name) {
        return Ok(keyword.name);
    }
    // A keyword is a word; anything else is not worth the risk of showing it.
    let is_word = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    Err(ConninfoError::UnknownKeyword {
        name: (may_be_named && is_word && !name.is_empty()).then(|| name.to_owned()),
        nearest: keyword::nearest(name),
    })
}

fn push_decoded(pairs: &mut Pairs, name: &'static str, text: &str) -> Result<(), ConninfoError> {
    if !text.is_empty() {
        pairs.push((name, Secret::new(decode(text)?)));
    }
    Ok(())
}

/// Decodes `%41` sequences.
fn decode(text: &str) -> Result<String, ConninfoError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
        let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) else {
            return Err(ConninfoError::Malformed(
                "the URL has a `%` that two hexadecimal digits do not follow; write a plain `%` \
                 as `%25`",
            ));
        };
        let decoded = (high * 16 + low) as u8;
        if decoded == 0 {
            return Err(ConninfoError::Malformed("the URL has a `%00`, a NUL byte"));
        }
        bytes.push(decoded);
    }
    String::from_utf8(bytes)
        .map_err(|_| ConninfoError::Malformed("the URL decodes to text that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(&'static str, String)> {
        parse(text)
            .unwrap()
            .into_iter()
            .map(|(name, value)| (name, value.expose().to_owned()))
            .collect()
    }

    fn pairs(expected: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
        expected
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect()
    }

    #[test]
    fn urls_as_libpq_reads_them() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("postgresql://", &[]),
            ("postgres://h", &[("host", "h")]),
            (
                "postgres://h:1/d",
                &[("host", "h"), ("port", "1"), ("dbname", "d")],
            ),
            ("postgres://u@h", &[("user", "u"), ("host", "h")]),
            (
                "postgres://u:p%40%2F@h/d?sslmode=require&application_name=a%20b",
                &[
                    ("user", "u"),
                    ("password", "p@/"),
                    ("host", "h"),
                    ("dbname", "d"),
                    ("sslmode", "require"),
                    ("application_name", "a b"),
                ],
            ),
            // The rule that lets a password hold a raw question mark or colon.
            (
                "postgres://u:p?w:x@h",
                &[("user", "u"), ("password", "p?w:x"), ("host", "h")],
            ),
            (
                "postgres://[::1]:5433/d",
                &[("host", "::1"), ("port", "5433"), ("dbname", "d")],
            ),
            (
                "postgres://a:1,[2001:db8::1],c:3/d",
                &[
                    ("host", "a,2001:db8::1,c"),
                    ("port", "1,,3"),
                    ("dbname", "d"),
                ],
            ),
            (
                "postgres://%2Fvar%2Frun/d",
                &[("host", "/var/run"), ("dbname", "d")],
            ),
            (
                "postgres:///d?host=/tmp&port=9",
                &[("dbname", "d"), ("host", "/tmp"), ("port", "9")],
            ),
            (
                "postgres://h?ssl=true",
                &[("host", "h"), ("sslmode", "require")],
            ),
            ("postgres://:5433", &[("port", "5433")]),
            ("postgres:///", &[]),
        ];
        for (url, expected) in cases {
            assert_eq!(read(url), pairs(expected), "{url}");
        }
    }

    #[test]
    fn keyword_values_as_libpq_reads_them() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("  host = h  port=1 ", &[("host", "h"), ("port", "1")]),
            ("dbname='a b' user=''", &[("dbname", "a b"), ("user", "")]),
            (
                r"dbname='it\'s' user=a\ b",
                &[("dbname", "it's"), ("user", "a b")],
            ),
            (r"dbname=a\\b", &[("dbname", r"a\b")]),
            ("host=a,b port=1,2", &[("host", "a,b"), ("port", "1,2")]),
            ("user=", &[("user", "")]),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), pairs(expected), "{text}");
        }
    }

    #[test]
    fn unknown_keywords_name_the_nearest() {
        assert_eq!(
            parse("postgres://h/d?sslmod=require")
                .unwrap_err()
                .to_string(),
            "unknown keyword `sslmod`; did you mean `sslmode`?"
        );
        assert_eq!(
            parse("pgbouncer=true").unwrap_err().to_string(),
            "unknown keyword `pgbouncer`"
        );
        // After a password the word may belong to it.
        assert_eq!(
            parse("password=my secret=x").unwrap_err().to_string(),
            "unknown keyword"
        );
    }

    #[test]
    fn malformed_strings_are_errors() {
        for text in [
            "postgres://[::1/d",
            "postgres://[]/d",
            "postgres://[::1]x/d",
            "postgres://h?a",
            "postgres://h?user=a=b",
            "postgres://h%4",
            "postgres://h%zz",
            "postgres://h%00",
            "postgres://h%ff",
            "postgres://u:a@b@h/d",
            "postgres://u:a/b@h/d",
            "mysql://u:p@h/d",
            "justaword",
            "host=a b",
            "user='x",
        ] {
            assert!(
                matches!(parse(text), Err(ConninfoError::Malformed(_))),
                "{text}: {:?}",
                parse(text)
            );
        }
    }

    proptest! {
        /// B79: whatever characters split the password, no piece of it reaches an error.
        #[test]
        fn no_error_holds_a_piece_of_the_password(
            separators in prop::collection::vec("[@:/?#&=%,'\\\\ \\[\\]]", 1..4),
            template in 0..6_usize,
        ) {
            let mut password = String::from("Zq9x");
            for (at, separator) in separators.iter().enumerate() {
                password.push_str(separator);
                password.push_str(["Xw7y", "Kj5z", "Vb3u"][at]);
            }
            let text = match template {
                0 => format!("postgres://u:{password}@h:5432/d"),
                1 => format!("postgresql://u:{password}@h/d?sslmode=require"),
                2 => format!("host=h password={password} user=u"),
                3 => format!("password='{password} port=1"),
                4 => format!("postgres://h/d?password={password}&user=u"),
                _ => format!("mysql://u:{password}@h/d"),
            };
            let shown = match parse(&text) {
                Ok(pairs) => format!("{pairs:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            for piece in ["Zq9x", "Xw7y", "Kj5z", "Vb3u"] {
                prop_assert!(!shown.contains(piece), "{shown}");
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _read = parse(&text);
            let _read = parse(&format!("postgres://{text}"));
        }
    }
}
