//! Which statements do one thing to all rows of one table, as far as their text alone can tell.

use super::classify::Verb;
use super::name::QualifiedName;
use super::token::Kind;
use super::words::Words;

/// What is done to all rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    /// They are read.
    Scan,
    /// They are read, if the constraint of this name is one that a row alone can break.
    Validation(String),
    /// They are written anew, if they have to be: a column may change its type without.
    Rewrite,
    /// They are read, and an index is built.
    IndexBuild,
}

/// What else a statement may write anew, as far as its text tells. A function that it calls may do anything; that one does
/// so to a table that the same transaction changes is taken for impossible where the statement only writes rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// No table.
    Nothing,
    /// This one, and those that inherit from it.
    Table(QualifiedName),
    /// Whatever it likes.
    Anything,
}

/// Returns which tables a statement may write anew.
pub fn reach(statement: &str, verb: Verb) -> Reach {
    match verb {
        Verb::Create
        | Verb::Drop
        | Verb::Comment
        | Verb::SecurityLabel
        | Verb::Grant
        | Verb::Revoke
        | Verb::Insert
        | Verb::Update
        | Verb::Delete
        | Verb::Merge
        | Verb::Copy
        | Verb::Analyze
        | Verb::Reindex
        | Verb::Set
        | Verb::Reset
        | Verb::Show
        | Verb::Lock
        | Verb::Notify
        | Verb::Transaction => Reach::Nothing,
        Verb::Alter => altered_table(&Words::of(statement)),
        _ => Reach::Anything,
    }
}

fn altered_table(words: &Words) -> Reach {
    const NO_TABLES: [&str; 10] = [
        "index",
        "sequence",
        "view",
        "function",
        "procedure",
        "policy",
        "trigger",
        "default",
        "domain",
        "role",
    ];
    if words.is_any(1, &NO_TABLES) {
        return Reach::Nothing;
    }
    let mut cursor = words.cursor(1);
    if !cursor.eat("table") || cursor.eat_all(&["all", "in"]) {
        return Reach::Anything;
    }
    cursor.eat_all(&["if", "exists"]);
    cursor.eat("only");
    cursor.qualified().map_or(Reach::Anything, Reach::Table)
}

/// Returns what the statement does, and to which table; `None` where it does more than one thing. What the text alone
/// cannot tell has to be asked of the catalog: [`Pass::Validation`], [`Pass::Rewrite`].
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
        "vacuum" => vacuumed(&words),
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

fn vacuumed(words: &Words) -> Option<(Pass, QualifiedName)> {
    let mut cursor = words.cursor(1);
    let is_full = if words.kind(1) == Some(Kind::Open) {
        // What is analysed as well is read once more.
        if words.boolean_option(1, "analyze") == Some(true)
            || words.boolean_option(1, "analyse") == Some(true)
        {
            return None;
        }
        cursor.skip_parentheses();
        words.boolean_option(1, "full") == Some(true)
    } else {
        let is_full = cursor.eat("full");
        cursor.skip_any(&["freeze", "verbose"]);
        is_full && !words.is_any(cursor.at, &["analyze", "analyse"])
    };
    cursor.eat("only");
    let table = cursor.qualified().filter(|_| is_full)?;
    (cursor.at == words.len()).then_some((Pass::Rewrite, table))
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
        if is_type {
            Pass::Rewrite
        } else if cursor.eat_all(&["set", "not", "null"]) {
            Pass::Scan
        } else {
            return None;
        }
    } else if cursor.eat_all(&["validate", "constraint"]) {
        Pass::Validation(cursor.name()?)
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
            ("alter table t alter a type bigint", "rewrite t"),
            (
                "alter table t validate constraint \"C\"",
                "validation(\"c\") t",
            ),
            ("vacuum full t", "rewrite t"),
            ("vacuum full freeze verbose s.t", "rewrite s.t"),
            ("vacuum (verbose, full on) only t", "rewrite t"),
        ] {
            assert_eq!(read(sql).as_deref(), Some(expected), "{sql}");
        }
        for sql in [
            "create table t (a int)",
            "alter table t add constraint k primary key using index i",
            "alter table t add check (a > 0) not valid",
            "alter table t add foreign key (a) references u",
            "alter table t add column a int default 1",
            "alter table t alter a set not null, alter b set not null",
            "alter table t alter a type bigint, alter b type bigint",
            "vacuum t",
            "vacuum full",
            "vacuum full t, u",
            "vacuum full analyze t",
            "vacuum (full, analyze) t",
            "vacuum (full off) t",
            "vacuum (freeze) t",
            "alter index i set (fillfactor = 70)",
            "update t set a = 1",
            "cluster",
            "alter table t add constraint",
        ] {
            assert_eq!(read(sql), None, "{sql}");
        }
    }

    #[test]
    fn what_may_write_a_table_anew_is_told_from_what_cannot() {
        let read = |sql: &str, verb| format!("{:?}", reach(sql, verb)).to_lowercase();
        assert_eq!(read("create index on t (a)", Verb::Create), "nothing");
        assert_eq!(read("alter index i set (x)", Verb::Alter), "nothing");
        assert_eq!(
            reach("alter table if exists only s.t add a int", Verb::Alter),
            Reach::Table(QualifiedName {
                schema: Some("s".to_owned()),
                name: "t".to_owned(),
            })
        );
        for (sql, verb) in [
            (
                "alter table all in tablespace a set tablespace b",
                Verb::Alter,
            ),
            (
                "alter type a alter attribute x type text cascade",
                Verb::Alter,
            ),
            ("alter extension e update", Verb::Alter),
            ("truncate t", Verb::Truncate),
            ("do 'x'", Verb::Do),
            ("select f()", Verb::Select),
            ("vacuum full t", Verb::Vacuum),
        ] {
            assert_eq!(reach(sql, verb), Reach::Anything, "{sql}");
        }
    }
}
