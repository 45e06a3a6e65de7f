//! Keeps passwords out of the lines of `phases.toml` that errors show.
//!
//! A password has no business in the file, so the line that holds one is always shown as an
//! error. Masks keep the number of characters, so that the caret stays under what it means.

/// Key words whose value is never shown.
const SECRET_KEYS: [&str; 5] = ["pass", "pwd", "secret", "token", "credential"];

/// Masks every secret of a line: the value of a key that sounds like one, the password of a URL,
/// and `password=` parameters.
pub(crate) fn mask(line: &str) -> String {
    let mut chars: Vec<char> = line.chars().collect();
    mask_values(&mut chars);
    mask_urls(&mut chars);
    chars.into_iter().collect()
}

/// Masks what follows `<secret word>…=`, to the end of the value.
fn mask_values(chars: &mut [char]) {
    let lower: Vec<char> = chars.iter().map(char::to_ascii_lowercase).collect();
    let mut at = 0;
    while at < chars.len() {
        let word = SECRET_KEYS.iter().find(|word| {
            word.chars()
                .enumerate()
                .all(|(i, c)| lower.get(at + i) == Some(&c))
        });
        let Some(word) = word else {
            at += 1;
            continue;
        };
        let mut value = at + word.len();
        while matches!(chars.get(value), Some(c) if c.is_alphanumeric() || "_-\"' \t.".contains(*c))
        {
            value += 1;
        }
        if chars.get(value) == Some(&'=') {
            at = mask_value(chars, value + 1);
        } else {
            at += word.len();
        }
    }
}

/// Masks one value (quoted, or up to a separator) and returns where it ended.
fn mask_value(chars: &mut [char], mut at: usize) -> usize {
    while matches!(chars.get(at), Some(' ' | '\t')) {
        at += 1;
    }
    let quote = chars.get(at).copied().filter(|c| matches!(c, '"' | '\''));
    if quote.is_some() {
        at += 1;
    }
    while let Some(c) = chars.get_mut(at) {
        let ends = match quote {
            Some(quote) => *c == quote,
            None => matches!(*c, '&' | '"' | '\'' | ' ' | ','),
        };
        if ends {
            break;
        }
        *c = '*';
        at += 1;
    }
    at
}

/// Masks `…://user:THIS@…`.
fn mask_urls(chars: &mut [char]) {
    let mut at = 0;
    while at + 2 < chars.len() {
        if chars[at..at + 3] != [':', '/', '/'] {
            at += 1;
            continue;
        }
        let start = at + 3;
        let end = (start..chars.len())
            .find(|&i| matches!(chars[i], '"' | '\'') || chars[i].is_whitespace())
            .unwrap_or(chars.len());
        let sign = (start..end).rev().find(|&i| chars[i] == '@');
        let colon = (start..end).find(|&i| chars[i] == ':');
        if let (Some(sign), Some(colon)) = (sign, colon)
            && colon < sign
        {
            chars[colon + 1..sign].fill('*');
        }
        at = end.max(at + 3);
    }
}

/// Returns whether a database URL carries a password, in its user part or as a parameter.
pub(super) fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    // The last `@` ends the user part: an unescaped `/` or `?` in a password must not hide it.
    let in_user = rest.rsplit_once('@').is_some_and(|(user, _)| {
        user.split_once(':')
            .is_some_and(|(_, password)| !password.is_empty())
    });
    let in_parameters = rest.split_once('?').is_some_and(|(_, parameters)| {
        parameters.split(['&', ';']).any(|parameter| {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            // libpq decodes keys as well: an escaped one hides what it is.
            !value.is_empty() && (key.contains("password") || key.contains('%'))
        })
    });
    in_user || in_parameters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_line_is_left_and_its_length_stays() {
        for line in [
            r#"url = "postgres://u:CANARY@h/db""#,
            r#"url = "postgres://u:CAN/CANARY@ARY@h/db""#,
            r#"url = "postgres://u@h/db?password=CANARY&x=1""#,
            r"urll = 'postgres://u:CANARY@h'",
            r#"password = "CANARY""#,
            r#"db_Password="CANARY"#,
            r"pgpass = CANARY",
            r#""secret key" = 'CANARY'"#,
            r#"a = { token = "CANARY" }"#,
            r#"url = "host=h password=CANARY""#,
        ] {
            let masked = mask(line);
            assert!(!masked.contains("CANARY"), "{masked}");
            assert_eq!(masked.chars().count(), line.chars().count());
        }
        let plain = r#"url = "postgres://u@h:5432/db" # passes"#;
        assert_eq!(mask(plain), plain);
    }

    #[test]
    fn a_password_is_found_wherever_it_hides() {
        for url in [
            "postgres://u:p@h/db",
            "postgres://u:p/q@h/db",
            "postgres://u@h/db?password=x",
            "postgres://u@h/db?sslpassword=x",
            "postgres://u@h/db?pass%77ord=x",
        ] {
            assert!(has_password(url), "{url}");
        }
        for url in [
            "postgres://u@h:5432/db",
            "postgres://h/db",
            "postgres://u:@h",
            "postgres://h?sslmode=require",
        ] {
            assert!(!has_password(url), "{url}");
        }
    }
}
