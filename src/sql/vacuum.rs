//! Which tables a `VACUUM` names, and whether it writes them anew.

use super::name::QualifiedName;
use super::token::Kind;
use super::words::{Cursor, Words};

/// A `VACUUM` that names its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vacuum {
    /// FULL.
    pub full: bool,
    /// The tables.
    pub tables: Vec<Vacuumed>,
}

/// One of its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vacuumed {
    /// Its name.
    pub name: QualifiedName,
    /// ONLY (18 and later): its partitions and heirs are left alone.
    pub only: bool,
}

/// Reads a statement; `None` where it is no `VACUUM`, or one of all tables.
pub fn vacuum(statement: &str) -> Option<Vacuum> {
    let words = Words::of(statement);
    if !words.is(0, "vacuum") {
        return None;
    }
    let mut cursor = words.cursor(1);
    let option = words.boolean_option(1, "full").unwrap_or(false);
    cursor.skip_parentheses();
    let full = cursor.eat("full") || option;
    cursor.skip_any(&["freeze", "verbose", "analyze", "analyse"]);
    let mut tables = vec![table(&mut cursor, &words)?];
    while cursor.eat_kind(Kind::Comma) {
        tables.push(table(&mut cursor, &words)?);
    }
    Some(Vacuum { full, tables })
}

/// Reads `[only] name [*] [(columns)]`.
fn table(cursor: &mut Cursor, words: &Words) -> Option<Vacuumed> {
    let only = cursor.eat("only");
    let name = cursor.qualified()?;
    cursor.at += usize::from(words.text(cursor.at) == "*");
    cursor.skip_parentheses();
    Some(Vacuumed { name, only })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sql: &str) -> Option<String> {
        let vacuum = vacuum(sql)?;
        let tables = vacuum.tables.iter().map(|table| {
            let only = if table.only { "only " } else { "" };
            format!("{only}{}", table.name)
        });
        let tables: Vec<String> = tables.collect();
        let full = if vacuum.full { "full " } else { "" };
        Some(format!("{full}{}", tables.join(", ")))
    }

    #[test]
    fn tables_and_what_is_done_to_them_are_read() {
        for (sql, expected) in [
            ("vacuum t", "t"),
            (
                "VACUUM FULL FREEZE VERBOSE ANALYZE s.t (a, b), u",
                "full s.t, u",
            ),
            ("vacuum (full, verbose) t", "full t"),
            ("vacuum (full off, analyze) t(a), \"T\"", "t, T"),
            (
                "vacuum (parallel 2) only t, only u *, v",
                "only t, only u, v",
            ),
        ] {
            assert_eq!(read(sql).as_deref(), Some(expected), "{sql}");
        }
        for sql in ["vacuum", "vacuum full", "vacuum (analyze)", "analyze t"] {
            assert_eq!(read(sql), None, "{sql}");
        }
    }
}
