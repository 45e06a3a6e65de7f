//! Proves foreign keys by looking for rows whose counterpart is not there. Enabling a trigger looks at no row, and
//! `VALIDATE CONSTRAINT` at none of a constraint that is marked as valid.

use std::fmt;

use futures_util::future::join_all;

use super::error::BracketError;
use super::look::list;
use super::uniques::Double;
use crate::pg::session::{Row, Session};
use crate::report::sanitize::for_terminal;
use crate::sql::name::QualifiedName;

/// A foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// Its name.
    pub name: String,
    /// The table that refers.
    pub table: QualifiedName,
    /// The table that is referred to.
    pub referenced: QualifiedName,
    /// Why it cannot be broken, if it cannot.
    pub exempt: Option<Exempt>,
    /// Whether the whole tree of the table's partitions is looked at; what inherits otherwise has keys of its own.
    partitioned: bool,
    references_partitioned: bool,
    match_full: bool,
    with_period: bool,
    columns: Vec<Pair>,
    primary_key: Vec<String>,
}

/// Why a foreign key is not proved: nobody said that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exempt {
    /// `NOT VALID`.
    NotValid,
    /// `NOT ENFORCED` (18).
    NotEnforced,
}

impl Exempt {
    /// Returns the words of SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotValid => "NOT VALID",
            Self::NotEnforced => "NOT ENFORCED",
        }
    }
}

/// A column and the one it refers to; all texts are SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pair {
    own: String,
    other: String,
    operator: String,
    other_type: Option<String>,
    own_type: Option<String>,
    collation: Option<String>,
}

impl fmt::Display for ForeignKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.name, self.table)
    }
}

/// A row that refers to one that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The key.
    pub key: ForeignKey,
    /// An example: `(organization_id) = (…), in the row (id) = (…)`; safe to show.
    pub row: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} refers to a row that is not in {}: {}",
            self.key, self.key.referenced, self.row
        )
    }
}

/// What became of the keys of some tables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proof {
    /// Keys that hold.
    pub proved: Vec<ForeignKey>,
    /// Keys that are declared not to be relied on, and were not looked at.
    pub exempt: Vec<ForeignKey>,
    /// Keys that do not hold, where that is told and no error.
    pub violated: Vec<Violation>,
    /// Rows that a deferrable unique or exclusion constraint does not allow beside each other, likewise.
    pub doubled: Vec<Double>,
    /// Why nothing could be proved, where that is told and no error.
    pub unproved: Option<String>,
}

/// Reads the foreign keys from and to tables and, where `all_written` is set, those of all that this transaction has
/// written to. Asked in evmig's own search path.
pub(super) async fn read(
    session: &Session,
    relids: &[i64],
    all_written: bool,
) -> Result<Vec<ForeignKey>, BracketError> {
    let (relids, all_written) = (list(relids), all_written.to_string());
    let rows = session
        .query_long(
            include_str!("sql/keys.sql"),
            &[Some(&relids), Some(&all_written)],
        )
        .await
        .map_err(BracketError::query("could not read the foreign keys"))?;
    Ok(rows.iter().map(key).collect())
}

/// Looks for a violation of each key, all of them on their way together. Asked in evmig's own search path.
pub(super) async fn prove(session: &Session, keys: Vec<ForeignKey>) -> Result<Proof, BracketError> {
    let (exempt, keys): (Vec<_>, Vec<_>) = keys.into_iter().partition(|key| key.exempt.is_some());
    let texts: Vec<String> = keys.iter().map(ForeignKey::anti_join).collect();
    let answers = join_all(texts.iter().map(|text| session.query(text, &[]))).await;
    let mut proof = Proof {
        exempt,
        ..Proof::default()
    };
    for (key, answer) in keys.into_iter().zip(answers) {
        // The first failure is the one that counts; what comes after it says that the transaction has failed.
        let rows = answer.map_err(|failure| BracketError::Unproved {
            key: key.to_string(),
            failure: Box::new(failure),
        })?;
        match rows.first() {
            Some(row) => proof.violated.push(Violation {
                row: key.example(row),
                key,
            }),
            None => proof.proved.push(key),
        }
    }
    Ok(proof)
}

fn key(row: &Row) -> ForeignKey {
    let name = |schema, name| QualifiedName {
        schema: Some(row.text(schema)),
        name: row.text(name),
    };
    let columns: Vec<Vec<Option<String>>> = parsed(row, 11);
    ForeignKey {
        name: row.text(0),
        table: name(1, 2),
        partitioned: row.truth(3),
        referenced: name(4, 5),
        references_partitioned: row.truth(6),
        match_full: row.truth(7),
        exempt: match (row.truth(9), row.truth(8)) {
            (false, _) => Some(Exempt::NotEnforced),
            (true, false) => Some(Exempt::NotValid),
            (true, true) => None,
        },
        with_period: row.truth(10),
        columns: columns.into_iter().map(pair).collect(),
        primary_key: parsed(row, 12),
    }
}

fn parsed<T: serde::de::DeserializeOwned>(row: &Row, column: usize) -> Vec<T> {
    let text = row.get(column);
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn pair(fields: Vec<Option<String>>) -> Pair {
    let mut fields = fields.into_iter().map(Option::unwrap_or_default);
    let mut next = || fields.next().unwrap_or_default();
    let (own, other, operator) = (next(), next(), next());
    let mut optional = || Some(next()).filter(|text| !text.is_empty());
    Pair {
        own,
        other,
        operator,
        other_type: optional(),
        own_type: optional(),
        collation: optional(),
    }
}

impl Pair {
    /// Returns the comparison as the key's own triggers make it (PostgreSQL's `ri_GenerateQual`).
    fn equal(&self) -> String {
        let cast = |kind: &Option<String>| match kind {
            Some(kind) => format!("::{kind}"),
            None => String::new(),
        };
        let collation = match &self.collation {
            Some(collation) => format!(" COLLATE {collation}"),
            None => String::new(),
        };
        format!(
            "pk.{}{} {} fk.{}{}{collation}",
            self.other,
            cast(&self.other_type),
            self.operator,
            self.own,
            cast(&self.own_type),
        )
    }
}

impl ForeignKey {
    /// Returns a query for one row that refers to nothing. What RI triggers see is looked at: of a partitioned table
    /// all partitions, of any other the table alone.
    fn anti_join(&self) -> String {
        let from = |table: &QualifiedName, partitioned: bool| {
            let only = if partitioned { "" } else { "ONLY " };
            format!("{only}{}", table.quoted())
        };
        let own = from(&self.table, self.partitioned);
        let other = from(&self.referenced, self.references_partitioned);
        let shown = self.columns.iter().map(|pair| &pair.own);
        let shown: Vec<String> = shown
            .chain(&self.primary_key)
            .map(|column| format!("left(fk.{column}::text, 100)"))
            .collect();
        // Of a key with MATCH FULL all columns refer, or none does.
        let or = if self.match_full { " OR " } else { " AND " };
        let given: Vec<String> = self
            .columns
            .iter()
            .map(|pair| format!("fk.{} IS NOT NULL", pair.own))
            .collect();
        let (shown, given) = (shown.join(", "), given.join(or));
        let counterpart = self.counterpart(&other);
        format!(
            "SELECT {shown} FROM {own} fk WHERE ({given}) AND NOT EXISTS ({counterpart}) LIMIT 1"
        )
    }

    /// Returns the query for the row that is referred to; with `PERIOD` for the rows that cover the last column.
    fn counterpart(&self, other: &str) -> String {
        let equal = |pairs: &[Pair]| {
            let equal: Vec<String> = pairs.iter().map(Pair::equal).collect();
            equal.join(" AND ")
        };
        match self.columns.split_last() {
            Some((period, keys)) if self.with_period => format!(
                "SELECT FROM (SELECT pk.{theirs} AS covered FROM {other} pk WHERE {}{}\
                 pk.{theirs} OPERATOR(pg_catalog.&&) fk.{ours}) covers \
                 HAVING fk.{ours} OPERATOR(pg_catalog.<@) pg_catalog.range_agg(covers.covered)",
                equal(keys),
                if keys.is_empty() { "" } else { " AND " },
                theirs = period.other,
                ours = period.own,
            ),
            _ => format!("SELECT FROM {other} pk WHERE {}", equal(&self.columns)),
        }
    }

    /// Says which row it was.
    fn example(&self, row: &Row) -> String {
        let tuple = |names: &[&str], first: usize| {
            let values = (first..first + names.len()).map(|at| row.get(at).unwrap_or("null"));
            let values: Vec<&str> = values.collect();
            format!("({}) = ({})", names.join(", "), values.join(", "))
        };
        let own: Vec<&str> = self.columns.iter().map(|pair| pair.own.as_str()).collect();
        let primary: Vec<&str> = self.primary_key.iter().map(String::as_str).collect();
        let mut text = tuple(&own, 0);
        if !primary.is_empty() {
            text.push_str(", in the row ");
            text.push_str(&tuple(&primary, own.len()));
        }
        for_terminal(&text).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(columns: usize) -> ForeignKey {
        let name = |name: &str| QualifiedName {
            schema: Some("s".into()),
            name: name.into(),
        };
        let pair = |at: usize| Pair {
            own: format!("a{at}"),
            other: format!("b{at}"),
            operator: "OPERATOR(pg_catalog.=)".into(),
            other_type: None,
            own_type: None,
            collation: None,
        };
        ForeignKey {
            name: "k".into(),
            table: name("child"),
            referenced: name("parent"),
            exempt: None,
            partitioned: false,
            references_partitioned: true,
            match_full: false,
            with_period: false,
            columns: (0..columns).map(pair).collect(),
            primary_key: vec!["id".into()],
        }
    }

    #[test]
    fn a_simple_key_with_a_null_refers_to_nothing_and_a_full_one_must_not_have_one() {
        assert_eq!(
            key_of(2).anti_join(),
            "SELECT left(fk.a0::text, 100), left(fk.a1::text, 100), left(fk.id::text, 100) \
             FROM ONLY \"s\".\"child\" fk WHERE (fk.a0 IS NOT NULL AND fk.a1 IS NOT NULL) \
             AND NOT EXISTS (SELECT FROM \"s\".\"parent\" pk WHERE pk.b0 OPERATOR(pg_catalog.=) fk.a0 \
             AND pk.b1 OPERATOR(pg_catalog.=) fk.a1) LIMIT 1"
        );
        let full = ForeignKey {
            match_full: true,
            ..key_of(2)
        };
        let text = full.anti_join();
        assert!(
            text.contains("(fk.a0 IS NOT NULL OR fk.a1 IS NOT NULL)"),
            "{text}"
        );
    }

    #[test]
    fn types_and_collations_are_those_of_the_operator() {
        let mut key = key_of(1);
        key.columns[0].own_type = Some("pg_catalog.text".into());
        key.columns[0].collation = Some("pg_catalog.\"C\"".into());
        assert_eq!(
            key.columns[0].equal(),
            "pk.b0 OPERATOR(pg_catalog.=) fk.a0::pg_catalog.text COLLATE pg_catalog.\"C\""
        );
    }

    #[test]
    fn an_example_names_the_row_and_hides_control_characters() {
        let row = Row::new(vec![Some("7\u{1b}[31m".into()), Some("1".into())]);
        let text = key_of(1).example(&row);
        assert!(text.starts_with("(a0) = (7"), "{text}");
        assert!(text.ends_with(", in the row (id) = (1)"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
