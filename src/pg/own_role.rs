//! What a session begins with: its role and its search path, to be given back to each migration.

use super::error::DbFailure;
use super::session::Session;
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

/// Asks the session; it must be the first thing it is asked, and so the role's own path is still in
/// force: every name and operator is qualified (faults.md B85).
///
/// The path is `reset_val`, which role, database and connection options have made. It is split into
/// names and quoted again: the text goes into a `SET`.
pub async fn beginnings(session: &Session) -> Result<Beginnings, DbFailure> {
    let rows = session
        .query(
            "select session_user::text, current_user::text, s.reset_val, \
             pg_catalog.current_setting('synchronous_commit') \
             from pg_catalog.pg_settings s where s.name operator(pg_catalog.=) 'search_path'",
            &[],
        )
        .await?;
    let row = rows.first();
    let column = |at| row.map(|row| row.text(at)).unwrap_or_default();
    let (session_user, current_user) = (column(0), column(1));
    let own_role = if session_user == current_user {
        "set local role none".to_owned()
    } else {
        let role = QualifiedName {
            schema: None,
            name: current_user,
        };
        format!("set local role {}", role.quoted())
    };
    Ok(Beginnings {
        own_role,
        search_path: path_list(&column(2)),
        durable: column(3) != "off",
    })
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
