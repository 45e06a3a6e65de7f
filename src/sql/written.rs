//! Which tables a statement writes rows of, for the question whose triggers it would fire.

use super::name::QualifiedName;
use super::token::Kind;
use super::touched::skip_table;
use super::words::{Cursor, Words};

/// Returns the tables whose rows the statement inserts, updates, deletes, merges, truncates or copies
/// in, as they are named there; those of data-modifying CTEs too.
///
/// What a function, a `DO` block or a view's rule writes cannot be read from the text.
pub fn tables(statement: &str) -> Vec<QualifiedName> {
    let words = Words::of(statement);
    let mut found = Vec::new();
    for at in 0..words.len() {
        let mut cursor = words.cursor(at);
        // An action begins the statement, or a CTE's parenthesis, or stands behind the CTEs.
        let begins = at == 0 || matches!(words.kind(at - 1), Some(Kind::Open | Kind::Close));
        if !begins {
            continue;
        }
        if cursor.eat("truncate") {
            cursor.eat("table");
            truncated(&mut cursor, &words, &mut found);
        } else if cursor.eat_all(&["insert", "into"]) || cursor.eat_all(&["merge", "into"]) {
            cursor.eat("only");
            found.extend(cursor.qualified());
        } else if cursor.eat_all(&["delete", "from"]) || (cursor.eat("update") && at_table(&cursor))
        {
            found.extend(skip_table(&mut cursor, &words));
        } else if at == 0 && cursor.eat("copy") {
            let name = cursor.qualified();
            cursor.skip_parentheses();
            found.extend(name.filter(|_| cursor.eat("from")));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// `FOR UPDATE` and `ON UPDATE` are followed by anything but a table's name.
fn at_table(cursor: &Cursor<'_, '_>) -> bool {
    let mut next = *cursor;
    next.eat("only");
    next.qualified().is_some()
}

fn truncated(cursor: &mut Cursor<'_, '_>, words: &Words<'_>, found: &mut Vec<QualifiedName>) {
    loop {
        let Some(name) = skip_table(cursor, words) else {
            return;
        };
        found.push(name);
        if !cursor.eat_kind(Kind::Comma) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sql: &str) -> Vec<String> {
        tables(sql).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_way_to_write_rows_names_its_table() {
        assert_eq!(
            names("insert into public.t (a) select 1 from u"),
            ["public.t"]
        );
        assert_eq!(names("UPDATE ONLY \"T\" set a = 1"), ["T"]);
        assert_eq!(names("delete from only t * using u"), ["t"]);
        assert_eq!(
            names("truncate table only a, b.c * restart identity"),
            ["a", "b.c"]
        );
        assert_eq!(names("truncate a cascade"), ["a"]);
        assert_eq!(
            names("merge into t using s on true when matched then delete"),
            ["t"]
        );
        assert_eq!(names("copy t (a, b) from stdin"), ["t"]);
        assert_eq!(
            names("with gone as (delete from a returning *) insert into b select * from gone"),
            ["a", "b"]
        );
    }

    #[test]
    fn what_writes_no_row_names_none() {
        assert!(names("copy t to stdout").is_empty());
        assert!(names("select * from t for update").is_empty());
        assert!(names("drop table t").is_empty());
        assert!(names("create table t (a int references u on delete cascade)").is_empty());
        assert!(
            names("alter table t add foreign key (a) references u (a) on update cascade")
                .is_empty()
        );
    }
}
