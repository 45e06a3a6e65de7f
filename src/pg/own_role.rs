//! What a session begins with: its role and its search path, to be given back to each migration.

use crate::sql::name::QualifiedName;

/// The role and the search path of a session that nobody has changed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginnings {
    /// `SET LOCAL ROLE …` that returns to the role the session began with.
    pub own_role: String,
    /// The role's own search path, as a list that `SET` accepts.
    pub search_path: String,
    /// Whether a commit is on disk before it is answered: `synchronous_commit` is not off.
    pub durable: bool,
}

impl Beginnings {
    /// Makes them from what a session is that was just reset: role, database and connection options
    /// have made its path. It is split into names and quoted again: the text goes into a `SET`.
    pub fn new(
        session_user: &str,
        current_user: &str,
        search_path: &str,
        synchronous_commit: &str,
    ) -> Self {
        let own_role = if session_user == current_user {
            "set local role none".to_owned()
        } else {
            let role = QualifiedName {
                schema: None,
                name: current_user.to_owned(),
            };
            format!("set local role {}", role.quoted())
        };
        Self {
            own_role,
            search_path: path_list(search_path),
            durable: synchronous_commit != "off",
        }
    }
}

/// Splits a search path as the server does (`SplitIdentifierString`) and quotes every name.
fn path_list(path: &str) -> String {
    let mut names = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        let (name, after) = if let Some(quoted) = rest.strip_prefix('\"') {
            quoted_name(quoted)
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            (rest[..end].trim().to_lowercase(), &rest[end..])
        };
        names.push(QualifiedName { schema: None, name }.quoted());
        rest = after.trim_start().trim_start_matches(',').trim_start();
    }
    if names.is_empty() {
        "''".to_owned()
    } else {
        names.join(", ")
    }
}

/// Reads a name up to its closing quote; a doubled quote is one.
fn quoted_name(quoted: &str) -> (String, &str) {
    let mut name = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if character != '"' {
            name.push(character);
        } else if characters.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else {
            return (name, &quoted[at + 1..]);
        }
    }
    (name, "")
}

#[cfg(test)]
mod tests {
    use super::path_list;

    #[test]
    fn paths_are_split_and_quoted() {
        assert_eq!(path_list("\"$user\", public"), "\"$user\", \"public\"");
        assert_eq!(path_list("a,\"b \"\"c\", D"), "\"a\", \"b \"\"c\", \"d\"");
        assert_eq!(path_list(""), "''");
        assert_eq!(path_list("\""), "\"\"");
    }
}
