//! What sessions begin with on the target: settings of the role, of the database and of the server that decide what a
//! file makes, such as the search path. They belong to the target's database and its server, and neither is copied.

use crate::pg::error::DbFailure;
use crate::pg::session::Session;

/// A setting's name and its value.
pub(super) type Begin = (String, String);

/// Reads what sessions of a role begin with; `own` says that it is this session's.
pub(super) async fn read(
    session: &Session,
    role: &str,
    own: bool,
) -> Result<Vec<Begin>, DbFailure> {
    let own = if own { "true" } else { "false" };
    let sql = include_str!("sql/begin_with.sql");
    let rows = session.query_long(sql, &[Some(role), Some(own)]).await?;
    Ok(rows.iter().map(|row| (row.text(0), row.text(1))).collect())
}

/// Tells those that a server takes from those that it does not, with its words.
pub(super) async fn tried(session: &Session, wanted: &[Begin]) -> (Vec<Begin>, Vec<String>) {
    let all: serde_json::Map<_, _> = wanted
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect();
    let all = serde_json::Value::from(all).to_string();
    let at_once =
        "select pg_catalog.set_config(key, value, true) from pg_catalog.jsonb_each_text($1::jsonb)";
    if session.query(at_once, &[Some(&all)]).await.is_ok() {
        return (wanted.to_vec(), Vec::new());
    }
    let (mut taken, mut not_taken) = (Vec::new(), Vec::new());
    for (name, value) in wanted {
        let one = "select pg_catalog.set_config($1, $2, true)";
        match session.query(one, &[Some(name), Some(value)]).await {
            Ok(_) => taken.push((name.clone(), value.clone())),
            Err(failure) => not_taken.push(format!("setting {name}: {}", failure.message)),
        }
    }
    (taken, not_taken)
}

/// Writes options of a startup message: what `RESET ALL` returns to.
pub(super) fn options(begin: &[Begin]) -> String {
    let option = |(name, value): &Begin| format!(" -c {name}={}", escaped(value));
    begin.iter().map(option).collect()
}

/// A space ends an option unless a backslash is before it.
pub(super) fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for letter in value.chars() {
        if letter.is_ascii_whitespace() || letter == '\\' {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_and_backslashes_stay_in_an_option() {
        let begin = [
            ("search_path".to_owned(), "\"a b\", c\\d".to_owned()),
            ("app.x".to_owned(), String::new()),
        ];
        assert_eq!(
            options(&begin),
            " -c search_path=\"a\\ b\",\\ c\\\\d -c app.x="
        );
    }
}
