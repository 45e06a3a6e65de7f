//! Proves deferrable unique and exclusion constraints. A trigger enforces them: while it is off, rows get in that
//! the constraint would not have.

use std::fmt;

use futures_util::future::join_all;

use super::error::BracketError;
use super::look::list;
use crate::pg::session::{Row, Session};
use crate::report::sanitize::for_terminal;
use crate::sql::name::QualifiedName;

/// A constraint that a trigger enforces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unique {
    name: String,
    table: QualifiedName,
    partitioned: bool,
    nulls_are_equal: bool,
    predicate: Option<String>,
    /// Expressions of the row, each with the operator that must not hold for all of them.
    parts: Vec<(String, String)>,
}

/// Two rows of which a constraint allows one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Double {
    /// The constraint and its table.
    pub constraint: String,
    /// What is in both; safe to show.
    pub row: String,
}

impl fmt::Display for Double {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} allows {} once", self.constraint, self.row)
    }
}

/// Reads the constraints of tables; `all_written` as for foreign keys. Asked in evmig's own search path.
pub(super) async fn read(
    session: &Session,
    relids: &[i64],
    all_written: bool,
) -> Result<Vec<Unique>, BracketError> {
    let (relids, all_written) = (list(relids), all_written.to_string());
    let rows = session
        .query_long(
            include_str!("sql/uniques.sql"),
            &[Some(&relids), Some(&all_written)],
        )
        .await
        .map_err(BracketError::query("could not read the unique constraints"))?;
    let unique = |row: &Row| Unique {
        name: row.text(0),
        table: QualifiedName {
            schema: Some(row.text(1)),
            name: row.text(2),
        },
        partitioned: row.truth(3),
        nulls_are_equal: row.truth(4),
        predicate: row.get(5).map(str::to_owned),
        parts: serde_json::from_str(&row.text(6)).unwrap_or_default(),
    };
    Ok(rows.iter().map(unique).collect())
}

/// Looks for two rows that one constraint does not allow beside each other.
pub(super) async fn prove(
    session: &Session,
    uniques: Vec<Unique>,
) -> Result<Vec<Double>, BracketError> {
    let texts: Vec<String> = uniques.iter().map(Unique::self_join).collect();
    let answers = join_all(texts.iter().map(|text| session.query(text, &[]))).await;
    let mut doubled = Vec::new();
    for (unique, answer) in uniques.into_iter().zip(answers) {
        let constraint = format!("{} of {}", unique.name, unique.table);
        let rows = answer.map_err(|failure| BracketError::Unproved {
            key: constraint.clone(),
            failure: Box::new(failure),
        })?;
        if let Some(row) = rows.first() {
            doubled.push(Double {
                row: unique.example(row),
                constraint,
            });
        }
    }
    Ok(doubled)
}

impl Unique {
    fn self_join(&self) -> String {
        let only = if self.partitioned { "" } else { "ONLY " };
        let parts = self.parts.iter().enumerate();
        let columns: Vec<String> = parts
            .clone()
            .map(|(at, (expression, _))| format!("({expression}) AS k{at}"))
            .collect();
        let condition = match &self.predicate {
            Some(predicate) => format!(" WHERE {predicate}"),
            None => String::new(),
        };
        let rows = format!(
            "(SELECT tableoid AS t, ctid AS c, {} FROM {only}{}{condition})",
            columns.join(", "),
            self.table.quoted()
        );
        let equal: Vec<String> = parts
            .map(|(at, (_, operator))| {
                let equal = format!("a.k{at} {operator} b.k{at}");
                if self.nulls_are_equal {
                    format!("({equal} OR (a.k{at} IS NULL AND b.k{at} IS NULL))")
                } else {
                    equal
                }
            })
            .collect();
        let shown: Vec<String> = (0..self.parts.len())
            .map(|at| format!("left(a.k{at}::text, 100)"))
            .collect();
        format!(
            "SELECT {} FROM {rows} a JOIN {rows} b ON {} AND (a.t, a.c) < (b.t, b.c) LIMIT 1",
            shown.join(", "),
            equal.join(" AND ")
        )
    }

    fn example(&self, row: &Row) -> String {
        let names: Vec<&str> = self.parts.iter().map(|(name, _)| name.as_str()).collect();
        let values = (0..self.parts.len()).map(|at| row.get(at).unwrap_or("null"));
        let values: Vec<&str> = values.collect();
        let text = format!("({}) = ({})", names.join(", "), values.join(", "));
        for_terminal(&text).into_owned()
    }
}
