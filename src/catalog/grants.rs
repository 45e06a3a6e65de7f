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
    let on = On::of(identity, name);
    if acl == "(none)" {
        let (command, on) = (&on.command, &on.object);
        return vec![format!(
            "{command}REVOKE ALL ON {on} FROM PUBLIC, its owner;"
        )];
    }
    let items = items(acl);
    items.iter().map(|item| grant(item, &on)).collect()
}

/// What privileges are on, as a command has it.
struct On {
    /// What stands before the word GRANT.
    command: String,
    /// What stands behind each privilege.
    columns: String,
    object: String,
}

impl On {
    fn of(identity: &Identity, name: &str) -> Self {
        let mut on = Self {
            command: String::new(),
            columns: String::new(),
            object: name.to_owned(),
        };
        match identity.kind {
            Kind::Grants => {}
            Kind::DefaultPrivileges => on.for_what_comes(identity),
            Kind::Column => {
                let table = identity.parent.as_deref().map(quoted).unwrap_or_default();
                let schema = identity.schema.as_deref().map(quoted);
                let schema = schema.map_or(String::new(), |schema| format!("{schema}."));
                on.columns = format!(" ({})", quoted(&identity.name));
                on.object = format!("TABLE {schema}{table}");
            }
            // All that is a relation is a table to GRANT.
            Kind::View | Kind::MaterializedView | Kind::ForeignTable => {
                on.object = format!("TABLE {name}");
            }
            Kind::Server => on.object = format!("FOREIGN SERVER {name}"),
            kind => on.object = format!("{} {name}", kind.in_commands()),
        }
        on
    }

    /// Default privileges are called `for owner on tables`.
    fn for_what_comes(&mut self, identity: &Identity) {
        let called = identity.name.strip_prefix("for ");
        let Some((role, kind)) = called.and_then(|called| called.rsplit_once(" on ")) else {
            return;
        };
        let schema = identity.schema.as_deref().map(quoted);
        let schema = schema.map_or(String::new(), |schema| format!(" IN SCHEMA {schema}"));
        self.command = format!("ALTER DEFAULT PRIVILEGES FOR ROLE {role}{schema} ");
        self.object = kind.to_uppercase();
    }
}

fn grant(item: &str, on: &On) -> String {
    let On {
        command,
        columns,
        object: on,
    } = on;
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
            let words: Vec<String> = words
                .iter()
                .map(|word| format!("{word}{columns}"))
                .collect();
            let words = words.join(", ");
            lines.push(format!(
                "{command}GRANT {words} ON {on} TO {grantee}{option}"
            ));
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
        let column = Identity {
            kind: Kind::Column,
            schema: Some("app".into()),
            parent: Some("t".into()),
            name: "A".into(),
        };
        assert_eq!(
            grants("o=rw/o", &column, "app.t.\"A\""),
            [r#"GRANT SELECT ("A"), UPDATE ("A") ON TABLE app.t TO o; -- by o"#]
        );
        let to_come = |schema: Option<&str>| Identity {
            kind: Kind::DefaultPrivileges,
            schema: schema.map(Into::into),
            parent: None,
            name: "for o on large objects".into(),
        };
        assert_eq!(
            grants("p=r/o", &to_come(Some("app")), ""),
            [
                "ALTER DEFAULT PRIVILEGES FOR ROLE o IN SCHEMA app GRANT SELECT ON LARGE OBJECTS TO p; -- by o"
            ]
        );
        assert_eq!(
            grants("(none)", &to_come(None), ""),
            [
                "ALTER DEFAULT PRIVILEGES FOR ROLE o REVOKE ALL ON LARGE OBJECTS FROM PUBLIC, its owner;"
            ]
        );
        assert_eq!(
            grants("o=?/o", &table, "v"),
            ["-- privileges on TABLE v: o=?/o"]
        );
    }
}
