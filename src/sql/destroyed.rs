//! Which rows a statement destroys, as far as its text tells.

use super::classify::Verb;
use super::name::QualifiedName;
use super::token::{Kind, Token, Tokens};
use super::touched::skip_table;
use super::words::{Cursor, Words};

/// What a statement takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destroyed {
    /// Objects that may be tables, or have tables or columns that depend on them.
    Dropped {
        /// What it is.
        kind: DroppedKind,
        /// Its name.
        name: QualifiedName,
        /// With what depends on it.
        cascade: bool,
    },
    /// A column with its values.
    Column {
        /// The table.
        table: QualifiedName,
        /// The column.
        column: String,
        /// With what depends on it.
        cascade: bool,
    },
    /// All rows of a table.
    Truncated {
        /// The table.
        table: QualifiedName,
        /// Without what inherits from it.
        only: bool,
        /// With the tables that refer to it.
        cascade: bool,
    },
    /// Some rows of a table.
    Deleted {
        /// The table.
        table: QualifiedName,
        /// Without what inherits from it.
        only: bool,
        /// Which rows, as SQL behind the table's name; `None` where another question cannot tell.
        rows: Option<String>,
    },
    /// Perhaps something: the text does not tell.
    Unknown {
        /// What can do it, as people read it: `a DO block`.
        what: &'static str,
    },
}

/// What is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DroppedKind {
    /// A table.
    Table,
    /// A schema.
    Schema,
    /// A type or a domain.
    Type,
    /// An extension.
    Extension,
}

impl DroppedKind {
    /// Returns its word in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Schema => "schema",
            Self::Type => "type",
            Self::Extension => "extension",
        }
    }
}

/// Returns what a statement takes away, in the order of its text.
///
/// A temporary table, an update, and what a trigger or a rule does in turn are not seen.
pub fn destroyed(statement: &str) -> Vec<Destroyed> {
    let words = Words::of(statement);
    match super::classify(statement).verb {
        Verb::Drop => dropped(&words),
        Verb::Alter => altered(&words),
        Verb::Truncate => truncated(&words),
        Verb::Delete => vec![deleted(&words, statement)],
        Verb::With => in_ctes(statement),
        Verb::Do => vec![unknown("a DO block")],
        Verb::Call => vec![unknown("a procedure that is called")],
        Verb::Merge => vec![unknown("a MERGE")],
        Verb::Prepared => vec![unknown("a prepared statement")],
        Verb::Select if calls_a_function(statement) => vec![unknown("a function that is called")],
        _ => Vec::new(),
    }
}

fn unknown(what: &'static str) -> Destroyed {
    Destroyed::Unknown { what }
}

fn dropped(words: &Words) -> Vec<Destroyed> {
    let mut cursor = words.cursor(1);
    let kind = if cursor.eat("table") {
        DroppedKind::Table
    } else if cursor.eat("schema") {
        DroppedKind::Schema
    } else if cursor.eat("type") || cursor.eat("domain") {
        DroppedKind::Type
    } else if cursor.eat("extension") {
        DroppedKind::Extension
    } else if cursor.eat("owned") {
        return vec![unknown("DROP OWNED")];
    } else {
        return Vec::new();
    };
    cursor.eat_all(&["if", "exists"]);
    let names = list(&mut cursor, Cursor::qualified);
    let cascade = cursor.eat("cascade");
    let dropped = names.into_iter().map(|name| Destroyed::Dropped {
        kind,
        name,
        cascade,
    });
    dropped.collect()
}

/// Reads what stands between commas.
fn list<'w, 'a, T>(
    cursor: &mut Cursor<'w, 'a>,
    mut one: impl FnMut(&mut Cursor<'w, 'a>) -> Option<T>,
) -> Vec<T> {
    let mut all = Vec::new();
    while let Some(found) = one(cursor) {
        all.push(found);
        if !cursor.eat_kind(Kind::Comma) {
            break;
        }
    }
    all
}

fn altered(words: &Words) -> Vec<Destroyed> {
    let mut cursor = words.cursor(1);
    cursor.eat("foreign");
    if !cursor.eat("table") {
        return Vec::new();
    }
    let Some(table) = skip_table(&mut cursor, words) else {
        return Vec::new();
    };
    let commas = words
        .top_level(cursor.at)
        .filter(|at| words.kind(*at) == Some(Kind::Comma))
        .map(|at| at + 1);
    let starts: Vec<usize> = std::iter::once(cursor.at).chain(commas).collect();
    let columns = starts.into_iter().filter_map(|at| {
        let mut action = words.cursor(at);
        if !action.eat("drop") || action.eat("constraint") {
            return None;
        }
        action.eat("column");
        action.eat_all(&["if", "exists"]);
        let column = action.name()?;
        let cascade = action.eat("cascade");
        Some(Destroyed::Column {
            table: table.clone(),
            column,
            cascade,
        })
    });
    columns.collect()
}

fn truncated(words: &Words) -> Vec<Destroyed> {
    let mut cursor = words.cursor(1);
    cursor.eat("table");
    let tables = list(&mut cursor, |cursor| {
        let only = cursor.eat("only");
        Some((skip_table(cursor, words)?, only))
    });
    cursor.skip_any(&["restart", "continue", "identity"]);
    let cascade = cursor.eat("cascade");
    let truncated = tables
        .into_iter()
        .map(|(table, only)| Destroyed::Truncated {
            table,
            only,
            cascade,
        });
    truncated.collect()
}

fn deleted(words: &Words, statement: &str) -> Destroyed {
    let mut cursor = words.cursor(1);
    cursor.eat("from");
    let only = words.is(cursor.at, "only");
    let behind = cursor.at + usize::from(only);
    let Some(table) = skip_table(&mut cursor, words) else {
        return unknown("a DELETE");
    };
    let mut name = words.cursor(behind);
    name.qualified();
    Destroyed::Deleted {
        table,
        only,
        rows: plain_rows(statement, name.at),
    }
}

/// Returns the text behind the table's name, if a `SELECT` means the same rows by it: an alias and `WHERE`, without
/// `USING`, `RETURNING` and cursors. `at` is the index of the first significant token behind the name.
fn plain_rows(statement: &str, at: usize) -> Option<String> {
    let tokens: Vec<Token> = Tokens::new(statement)
        .filter(Token::is_significant)
        .collect();
    let mut depth = 0_usize;
    let mut is_condition = false;
    for token in tokens.get(at..)? {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.checked_sub(1)?,
            Kind::Word if depth == 0 => {
                let word = token.text(statement);
                let is = |keyword: &str| word.eq_ignore_ascii_case(keyword);
                if is("using") || is("returning") || is("current") {
                    return None;
                }
                is_condition |= is("where");
            }
            Kind::Semicolon => return None,
            _ => {}
        }
    }
    let rest = tokens
        .get(at)
        .and_then(|token| statement.get(token.start..))
        .unwrap_or("");
    // Without a condition what is left is an alias.
    (is_condition || rest.is_empty() || tokens.len() <= at + 2).then(|| rest.to_owned())
}

/// Deletions anywhere in a statement that begins with `WITH`.
fn in_ctes(statement: &str) -> Vec<Destroyed> {
    let tokens: Vec<Token> = Tokens::new(statement)
        .filter(Token::is_significant)
        .collect();
    let found = tokens.windows(2).filter_map(|pair| {
        let is = |at: usize, keyword: &str| {
            pair[at].kind == Kind::Word && pair[at].text(statement).eq_ignore_ascii_case(keyword)
        };
        if !(is(0, "delete") && is(1, "from")) {
            return None;
        }
        let rest = Words::of(statement.get(pair[0].start..)?);
        let mut cursor = rest.cursor(2);
        let only = rest.is(2, "only");
        Some(Destroyed::Deleted {
            table: skip_table(&mut cursor, &rest)?,
            only,
            rows: None,
        })
    });
    found.collect()
}

/// Whether a query has something that looks like a call.
fn calls_a_function(statement: &str) -> bool {
    let tokens: Vec<Token> = Tokens::new(statement)
        .filter(Token::is_significant)
        .collect();
    tokens.windows(2).any(|pair| {
        let word = pair[0].text(statement);
        let is_name = match pair[0].kind {
            Kind::Word => !NOT_CALLED.iter().any(|one| word.eq_ignore_ascii_case(one)),
            Kind::QuotedWord | Kind::UnicodeWord => true,
            _ => false,
        };
        is_name && pair[1].kind == Kind::Open
    })
}

/// Words before a parenthesis that opens no call, or the call of something that changes nothing.
const NOT_CALLED: [&str; 23] = [
    "select",
    "from",
    "where",
    "and",
    "or",
    "not",
    "in",
    "exists",
    "values",
    "any",
    "all",
    "some",
    "over",
    "as",
    "on",
    "count",
    "min",
    "max",
    "sum",
    "avg",
    "coalesce",
    "setval",
    "set_config",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn told(sql: &str) -> Vec<String> {
        let told = destroyed(sql).into_iter().map(|one| match one {
            Destroyed::Dropped {
                kind,
                name,
                cascade,
            } => format!("{} {name} {cascade}", kind.as_str()),
            Destroyed::Column {
                table,
                column,
                cascade,
            } => format!("column {table} {column} {cascade}"),
            Destroyed::Truncated {
                table,
                only,
                cascade,
            } => format!("truncated {table} {only} {cascade}"),
            Destroyed::Deleted { table, only, rows } => format!("deleted {table} {only} {rows:?}"),
            Destroyed::Unknown { what } => what.to_owned(),
        });
        told.collect()
    }

    #[test]
    fn what_is_dropped_is_named_with_its_consequences() {
        assert_eq!(
            told("drop table if exists a, \"B\".c cascade"),
            ["table a true", "table B.c true"]
        );
        assert_eq!(told("DROP SCHEMA s RESTRICT"), ["schema s false"]);
        assert_eq!(told("drop type mood cascade"), ["type mood true"]);
        assert_eq!(told("drop owned by x"), ["DROP OWNED"]);
        assert_eq!(told("drop index i"), [""; 0]);
        assert_eq!(
            told(
                "alter table only t drop column if exists a, drop b cascade, drop constraint c, add d int"
            ),
            ["column t a false", "column t b true"]
        );
        assert_eq!(told("alter table t alter column a drop default"), [""; 0]);
        assert_eq!(
            told("truncate table only a, b restart identity cascade"),
            ["truncated a true true", "truncated b false true"]
        );
    }

    #[test]
    fn a_deletion_tells_its_rows_where_a_query_would_find_the_same() {
        assert_eq!(told("delete from t"), ["deleted t false Some(\"\")"]);
        assert_eq!(
            told("delete from only s.t as x where x.id in (select id from u where current) -- why"),
            [
                "deleted s.t true Some(\"as x where x.id in (select id from u where current) -- why\")"
            ]
        );
        for other in [
            "delete from t using u where u.id = t.id",
            "delete from t where id = 1 returning id",
            "delete from t where current of c",
        ] {
            assert_eq!(told(other), ["deleted t false None"], "{other}");
        }
        assert_eq!(
            told(
                "with x as (delete from a returning *) delete from only b where id in (select id from x)"
            ),
            ["deleted a false None", "deleted b true None"]
        );
    }

    #[test]
    fn what_the_text_does_not_tell_is_said() {
        assert_eq!(told("do $$ begin drop table t; end $$"), ["a DO block"]);
        assert_eq!(told("select purge('t')"), ["a function that is called"]);
        assert_eq!(told("select count(*) from t where (a)"), [""; 0]);
        assert_eq!(told("call p()"), ["a procedure that is called"]);
    }
}
