//! Which relation a statement creates, for the question whether a database is as empty as its
//! history says.

use super::name::QualifiedName;
use super::words::Words;

/// Returns the table that the statement creates; `None` for anything else, for a temporary table,
/// and with `IF NOT EXISTS`, which minds no table that is there.
pub fn table(statement: &str) -> Option<QualifiedName> {
    read(statement, false)
}

/// Returns the table that the statement creates, also where it minds no table that is there.
pub fn even_if_there(statement: &str) -> Option<QualifiedName> {
    read(statement, true)
}

fn read(statement: &str, even_if_there: bool) -> Option<QualifiedName> {
    let words = Words::of(statement);
    let mut cursor = words.cursor(0);
    if !cursor.eat("create") {
        return None;
    }
    cursor.eat("unlogged");
    if !cursor.eat("table") || (cursor.eat_all(&["if", "not", "exists"]) && !even_if_there) {
        return None;
    }
    cursor.qualified()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_table_only_where_its_absence_matters() {
        let name = |sql| table(sql).map(|name| name.to_string());
        assert_eq!(
            name("create table public.t (a int)").as_deref(),
            Some("public.t")
        );
        assert_eq!(name("CREATE UNLOGGED TABLE \"T\" ()").as_deref(), Some("T"));
        assert_eq!(name("create table if not exists t ()"), None);
        let named = even_if_there("create table if not exists t ()");
        assert_eq!(named.map(|name| name.name).as_deref(), Some("t"));
        assert_eq!(name("create temp table t ()"), None);
        assert_eq!(name("create index t on u (a)"), None);
    }
}
