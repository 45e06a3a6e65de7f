//! Privileges as commands, to be read.

use super::model::{Identity, Kind, quoted};

/// The letters of an `aclitem` (PostgreSQL manual, 5.8).
const PRIVILEGES: &[(char, &str)] = &[
    ('r', "SELECT"),
    ('a', "INSERT"),
    ('w', "UPDATE"),
    ('d', "DELETE"),
    ('D', "TRUNCATE"),
    ('x', "REFERENCES"),
    ('t', "TRIGGER"),
    ('m', "MAINTAIN"),
    ('X', "EXECUTE"),
    ('U', "USAGE"),
    ('C', "CREATE"),
    ('c', "CONNECT"),
    ('T', "TEMPORARY"),
    ('s', "SET"),
    ('A', "ALTER SYSTEM"),
];

/// Writes one line for each grantee of a list as `privileges.rs` makes it.
pub(super) fn grants(acl: &str, identity: &Identity, name: &str) -> Vec<String> {
    let on = match identity.kind {
        Kind::Grants | Kind::DefaultPrivileges => name.to_owned(),
        Kind::Column => format!("COLUMN {name}"),
        // All that is a relation is a table to GRANT.
        Kind::View | Kind::MaterializedView | Kind::ForeignTable => format!("TABLE {name}"),
        kind => format!("{} {name}", kind.word().to_uppercase()),
    };
    if acl == "(none)" {
        return vec![format!("REVOKE ALL ON {on} FROM PUBLIC, its owner;")];
    }
    let items = items(acl);
    items.iter().map(|item| grant(item, &on)).collect()
}

fn grant(item: &str, on: &str) -> String {
    let unread = || format!("-- privileges on {on}: {item}");
    let Some(at) = outside_quotes(item, '=') else {
        return unread();
    };
    let (grantee, rest) = (&item[..at], &item[at + 1..]);
    let Some(slash) = outside_quotes(rest, '/') else {
        return unread();
    };
    let (letters, grantor) = (&rest[..slash], &rest[slash + 1..]);
    let grantee = match grantee {
        "" => "PUBLIC".to_owned(),
        name if name.starts_with('"') => name.to_owned(),
        name => quoted(name),
    };
    let mut plain = Vec::new();
    let mut with_option = Vec::new();
    let mut letters = letters.chars().peekable();
    while let Some(letter) = letters.next() {
        let Some((_, word)) = PRIVILEGES.iter().find(|(known, _)| *known == letter) else {
            return unread();
        };
        if letters.next_if_eq(&'*').is_some() {
            with_option.push(*word);
        } else {
            plain.push(*word);
        }
    }
    let mut lines = Vec::new();
    for (words, option) in [(plain, ""), (with_option, " WITH GRANT OPTION")] {
        if !words.is_empty() {
            let words = words.join(", ");
            lines.push(format!("GRANT {words} ON {on} TO {grantee}{option}"));
        }
    }
    format!("{}; -- by {grantor}", lines.join("; "))
}

/// Cuts a list at the commas that are not in a quoted name.
fn items(acl: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let mut rest = acl;
    while let Some(at) = outside_quotes(rest, ',') {
        items.push(rest[..at].trim());
        rest = &rest[at + 1..];
    }
    items.push(rest.trim());
    items
}

fn outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let mut is_quoted = false;
    text.char_indices()
        .find(|(_, c)| {
            is_quoted ^= *c == '"';
            *c == wanted && !is_quoted
        })
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_grantee_has_a_line() {
        let table = Identity {
            kind: Kind::View,
            schema: None,
            parent: None,
            name: "v".into(),
        };
        assert_eq!(
            grants(r#""a, b"=r*w/o, =r/o, o=arm/o"#, &table, "v"),
            [
                r#"GRANT UPDATE ON TABLE v TO "a, b"; GRANT SELECT ON TABLE v TO "a, b" WITH GRANT OPTION; -- by o"#,
                "GRANT SELECT ON TABLE v TO PUBLIC; -- by o",
                "GRANT INSERT, SELECT, MAINTAIN ON TABLE v TO o; -- by o",
            ]
        );
        assert_eq!(
            grants("o=?/o", &table, "v"),
            ["-- privileges on TABLE v: o=?/o"]
        );
    }
}
