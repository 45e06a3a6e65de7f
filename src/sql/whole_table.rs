//! Which statements do one thing to all rows of one table, as far as their text alone can tell.

use super::name::QualifiedName;
use super::token::Kind;
use super::words::Words;

/// What is done to all rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// They are read.
    Scan,
    /// They are written anew.
    Rewrite,
    /// They are read, and an index is built.
    IndexBuild,
}

/// Returns what the statement does, and to which table; `None` where it does more than one thing, or where only the
/// server knows: a column's type may change with or without a rewrite, a constraint be validated by a join.
pub fn whole_table(statement: &str) -> Option<(Pass, QualifiedName)> {
    let words = Words::of(statement);
    match words.word(0).to_ascii_lowercase().as_str() {
        "create" => created_index(&words),
        "alter" => altered(&words),
        "cluster" => {
            let mut cursor = words.cursor(1);
            cursor.eat("verbose");
            Some((Pass::Rewrite, cursor.qualified()?))
        }
        _ => None,
    }
}

fn created_index(words: &Words) -> Option<(Pass, QualifiedName)> {
    let mut cursor = words.cursor(1);
    cursor.eat("unique");
    if !cursor.eat("index") {
        return None;
    }
    cursor.eat("concurrently");
    cursor.eat_all(&["if", "not", "exists"]);
    if !words.is(cursor.at, "on") {
        cursor.qualified()?;
    }
    if !cursor.eat("on") {
        return None;
    }
    cursor.eat("only");
    Some((Pass::IndexBuild, cursor.qualified()?))
}

fn altered(words: &Words) -> Option<(Pass, QualifiedName)> {
    let mut cursor = words.cursor(1);
    if !cursor.eat("table") {
        return None;
    }
    cursor.eat_all(&["if", "exists"]);
    cursor.eat("only");
    let table = cursor.qualified()?;
    let actions = cursor.at;
    let at_top = || words.top_level(actions);
    if at_top().any(|at| words.kind(at) == Some(Kind::Comma)) {
        return None;
    }
    let has = |keywords: &[&str]| at_top().any(|at| words.are(at, keywords));
    let pass = if cursor.eat("add") {
        if cursor.eat("constraint") {
            cursor.name()?;
        }
        let is_index = cursor.eat("unique") || cursor.eat_all(&["primary", "key"]);
        if cursor.eat("check") && !has(&["not", "valid"]) {
            Pass::Scan
        } else if is_index && !has(&["using", "index"]) {
            Pass::IndexBuild
        } else {
            return None;
        }
    } else if cursor.eat("alter") {
        cursor.eat("column");
        cursor.name()?;
        let is_type = cursor.eat("type") || cursor.eat_all(&["set", "data", "type"]);
        if is_type && has(&["using"]) {
            Pass::Rewrite
        } else if cursor.eat_all(&["set", "not", "null"]) {
            Pass::Scan
        } else {
            return None;
        }
    } else if cursor.eat_all(&["set", "logged"]) || cursor.eat_all(&["set", "unlogged"]) {
        Pass::Rewrite
    } else {
        return None;
    };
    Some((pass, table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_over_one_table_is_known_and_no_other() {
        let read = |sql: &str| {
            whole_table(sql).map(|(pass, table)| format!("{pass:?} {table}").to_lowercase())
        };
        for (sql, expected) in [
            ("create index on t (a)", "indexbuild t"),
            (
                "create unique index concurrently if not exists i on only s.t (a, b)",
                "indexbuild s.t",
            ),
            (
                "alter table s.t add constraint k primary key (a, b)",
                "indexbuild s.t",
            ),
            (
                "alter table if exists only t add unique (a)",
                "indexbuild t",
            ),
            ("alter table t add check (a > 0 and b in (1, 2))", "scan t"),
            ("alter table t add constraint c check (a > 0)", "scan t"),
            ("alter table t alter column a set not null", "scan t"),
            (
                "alter table t alter a set data type int using a::int",
                "rewrite t",
            ),
            ("alter table t set unlogged", "rewrite t"),
            ("cluster t using i", "rewrite t"),
        ] {
            assert_eq!(read(sql).as_deref(), Some(expected), "{sql}");
        }
        for sql in [
            "create table t (a int)",
            "alter table t add constraint k primary key using index i",
            "alter table t add check (a > 0) not valid",
            "alter table t add foreign key (a) references u",
            "alter table t add column a int default 1",
            "alter table t alter a type bigint",
            "alter table t alter a set not null, alter b set not null",
            "alter table t validate constraint c",
            "alter index i set (fillfactor = 70)",
            "update t set a = 1",
            "cluster",
            "alter table t add constraint",
        ] {
            assert_eq!(read(sql), None, "{sql}");
        }
    }
}
