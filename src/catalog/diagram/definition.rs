//! Reads what `pg_get_constraintdef` writes of keys. The server wrote it, with every name qualified and quoted where
//! it has to be, so that a reader of names is enough.

use crate::report::diagram::TableName;
use crate::sql::name::leading_name;

/// What a constraint is, where it is a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// `PRIMARY KEY (…)`
    Primary(Vec<String>),
    /// `UNIQUE (…)`
    Unique(Vec<String>),
    /// `FOREIGN KEY (…) REFERENCES …(…)`
    Foreign {
        columns: Vec<String>,
        to: TableName,
        to_columns: Vec<String>,
        on_delete: Option<String>,
    },
}

impl Key {
    /// Reads a definition; `None` for constraints that are no keys.
    pub(super) fn read(definition: &str) -> Option<Self> {
        if let Some(rest) = definition.strip_prefix("PRIMARY KEY ") {
            return Some(Self::Primary(list(rest)?.0));
        }
        if let Some(rest) = definition.strip_prefix("UNIQUE ") {
            let rest = rest.strip_prefix("NULLS NOT DISTINCT ").unwrap_or(rest);
            return Some(Self::Unique(list(rest)?.0));
        }
        let (columns, rest) = list(definition.strip_prefix("FOREIGN KEY ")?)?;
        let (to, rest) = qualified(rest.strip_prefix(" REFERENCES ")?)?;
        let (to_columns, rest) = list(rest)?;
        Some(Self::Foreign {
            columns,
            to,
            to_columns,
            on_delete: on_delete(rest),
        })
    }
}

/// Reads `schema.name`; what follows comes with it.
pub(super) fn qualified(text: &str) -> Option<(TableName, &str)> {
    let (schema, rest) = name(text)?;
    let (name, rest) = name(rest.strip_prefix('.')?)?;
    Some((TableName { schema, name }, rest))
}

fn on_delete(rest: &str) -> Option<String> {
    let (_, action) = rest.split_once("ON DELETE ")?;
    let actions = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT"];
    let action = actions.iter().find(|word| action.starts_with(**word))?;
    Some(action.to_lowercase())
}

/// Reads `(a, "B")`. `PERIOD a` (from 18 on) is the column a.
fn list(text: &str) -> Option<(Vec<String>, &str)> {
    let mut rest = text.strip_prefix('(')?;
    let mut names = Vec::new();
    loop {
        rest = rest.strip_prefix("PERIOD ").unwrap_or(rest);
        let (one, after) = name(rest)?;
        names.push(one);
        let after = after.strip_prefix(" WITHOUT OVERLAPS").unwrap_or(after);
        match after.strip_prefix(", ") {
            Some(more) => rest = more,
            None => return Some((names, after.strip_prefix(')')?)),
        }
    }
}

fn name(text: &str) -> Option<(String, &str)> {
    leading_name(text, |c| !matches!(c, ',' | ')' | '(' | '.' | ' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_with_their_names() {
        let texts = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(
            Key::read(
                "FOREIGN KEY (a, \"B, )\") REFERENCES public.\"x\"\".y\"(id, org) ON DELETE SET NULL"
            ),
            Some(Key::Foreign {
                columns: texts(&["a", "B, )"]),
                to: TableName {
                    schema: "public".to_owned(),
                    name: "x\".y".to_owned()
                },
                to_columns: texts(&["id", "org"]),
                on_delete: Some("set null".to_owned()),
            })
        );
        assert_eq!(
            Key::read("PRIMARY KEY (id, during WITHOUT OVERLAPS)"),
            Some(Key::Primary(texts(&["id", "during"])))
        );
        assert_eq!(
            Key::read("UNIQUE NULLS NOT DISTINCT (a) DEFERRABLE"),
            Some(Key::Unique(texts(&["a"])))
        );
        assert_eq!(Key::read("CHECK ((a > 0))"), None);
        assert_eq!(Key::read("FOREIGN KEY (a) REFERENCES \"x"), None);
    }
}
