//! Copies of rows that are about to be destroyed, in a schema that nobody else may look into.

use super::{Bill, Loss, Way, not_null, quoted};
use crate::catalog::KEPT_SCHEMA;
use crate::history::error::HistoryError;
use crate::history::kept::{Copy, KeptAction, KeptLedger};
use crate::pg::error::DbFailure;
use crate::pg::session::{Row, Session};
use crate::runner::bracket::{BracketError, in_own_path};
use crate::sql::name::{MAX_IDENTIFIER_BYTES, QualifiedName};

/// The schema that the copies are in.
pub const SIDE_SCHEMA: &str = KEPT_SCHEMA;

/// Why rows could not be kept. The transaction must be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// A statement failed.
    #[error("{what}: {failure}")]
    Query {
        /// Which, as "could not …".
        what: &'static str,
        /// The server's answer.
        failure: Box<DbFailure>,
    },
    /// The side schema is somebody else's, who could read what is put there.
    #[error("the schema {SIDE_SCHEMA} belongs to {owner}")]
    ForeignSchema {
        /// Its owner.
        owner: String,
    },
    /// A question in evmig's own search path.
    #[error(transparent)]
    Bracket(#[from] BracketError),
    /// The list of copies.
    #[error(transparent)]
    History(#[from] HistoryError),
}

impl KeepError {
    /// Makes the error of one statement.
    pub(in crate::runner) fn query(what: &'static str) -> impl FnOnce(DbFailure) -> Self {
        move |failure| Self::Query {
            what,
            failure: Box::new(failure),
        }
    }

    /// Returns the server's answer, where there was one: a lock that was not obtained is worth another try.
    pub fn failure(&self) -> Option<&DbFailure> {
        match self {
            Self::Query { failure, .. } => Some(failure),
            Self::Bracket(error) => error.failure(),
            Self::ForeignSchema { .. } | Self::History(_) => None,
        }
    }
}

/// What a table's column is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::runner) struct Column {
    pub(in crate::runner) name: String,
    pub(in crate::runner) kind: String,
    /// Whether nothing that could be dropped with the table is needed to have its values.
    own_type: bool,
    pub(in crate::runner) generated: bool,
    pub(in crate::runner) always_identity: bool,
    pub(in crate::runner) in_key: bool,
}

/// Reads the columns of a table. Asked in evmig's own search path.
pub(in crate::runner) async fn columns(
    session: &Session,
    table: &QualifiedName,
) -> Result<Vec<Column>, DbFailure> {
    let rows = session
        .query_long(include_str!("sql/shape.sql"), &[Some(&table.quoted())])
        .await?;
    let column = |row: &Row| Column {
        name: row.text(0),
        kind: row.text(1),
        own_type: row.truth(2),
        generated: row.truth(3),
        always_identity: row.truth(4),
        in_key: row.truth(5),
    };
    Ok(rows.iter().map(column).collect())
}

/// Copies what a bill says will be destroyed, inside the transaction that will destroy it and before it does. The
/// tables are locked against writers until its end, so that no row comes between the copy and the loss.
///
/// Asked with the scripts' search path in force, which comes back. Rows of a `DELETE` whose condition does not tell
/// them are kept with all rows of their table.
pub async fn keep(
    session: &Session,
    history_schema: &str,
    run: &str,
    bill: &Bill,
) -> Result<Vec<Copy>, KeepError> {
    let losses: Vec<&Loss> = bill
        .tables
        .iter()
        .filter(|loss| loss.rows != Some(0))
        .collect();
    if losses.is_empty() {
        return Ok(Vec::new());
    }
    let tables: Vec<String> = losses.iter().map(|loss| loss.table.quoted()).collect();
    let lock = format!(
        "lock table {} in share row exclusive mode",
        tables.join(", ")
    );
    session.run(&lock).await.map_err(KeepError::query(
        "could not lock the tables whose rows are to be kept",
    ))?;
    make_schema(session).await?;
    let ledger = KeptLedger::new(history_schema);
    let mut copies = Vec::new();
    for (at, loss) in losses.into_iter().enumerate() {
        copies.push(copy(session, run, at + 1, loss).await?);
    }
    close_off(session).await?;
    set_own_path(session, true).await?;
    for copy in &copies {
        ledger.enter(session, run, KeptAction::Keep, copy).await?;
    }
    set_own_path(session, false).await?;
    Ok(copies)
}

/// Sets evmig's own path for what is asked one by one, or gives the scripts' back.
async fn set_own_path(session: &Session, own: bool) -> Result<(), KeepError> {
    let sql = if own {
        include_str!("../bracket/sql/enter.sql")
    } else {
        include_str!("../bracket/sql/leave.sql")
    };
    session
        .run(sql)
        .await
        .map_err(KeepError::query("could not set evmig's own search path"))
}

async fn make_schema(session: &Session) -> Result<(), KeepError> {
    let failed = || KeepError::query("could not make the schema for the copies");
    let make = format!(
        "select pg_catalog.set_config('client_min_messages', 'warning', true); \
         create schema if not exists {SIDE_SCHEMA}"
    );
    session.run(&make).await.map_err(failed())?;
    let rows = session
        .query(
            "select pg_catalog.pg_has_role(n.nspowner, 'USAGE')::pg_catalog.text, \
             pg_catalog.pg_get_userbyid(n.nspowner)::pg_catalog.text \
             from pg_catalog.pg_namespace n where n.nspname operator(pg_catalog.=) $1",
            &[Some(SIDE_SCHEMA)],
        )
        .await
        .map_err(failed())?;
    match rows.first() {
        Some(row) if !row.truth(0) => Err(KeepError::ForeignSchema { owner: row.text(1) }),
        _ => Ok(()),
    }
}

/// Takes away what default privileges have granted on the schema and the copies.
async fn close_off(session: &Session) -> Result<(), KeepError> {
    let failed = || KeepError::query("could not take the copies away from others");
    let text = in_own_path(session, async {
        session
            .query_long(include_str!("sql/close_off.sql"), &[Some(SIDE_SCHEMA)])
            .await
            .map_err(BracketError::query("could not read the copies' privileges"))
    })
    .await?;
    match text.first().and_then(|row| row.get(0)) {
        Some(sql) if !sql.is_empty() => session.run(sql).await.map_err(failed()),
        _ => Ok(()),
    }
}

async fn copy(session: &Session, run: &str, number: usize, loss: &Loss) -> Result<Copy, KeepError> {
    let all = in_own_path(session, async {
        columns(session, &loss.table)
            .await
            .map_err(BracketError::query("could not read the columns"))
    })
    .await?;
    let kept_table = kept_name(run, number, &loss.table.name);
    let target = QualifiedName {
        schema: Some(SIDE_SCHEMA.to_owned()),
        name: kept_table.clone(),
    };
    let (chosen, lost) = chosen(&all, &loss.way);
    let list: Vec<String> = chosen.iter().map(|one| selected(one)).collect();
    let source = loss.sources.first().map_or("", String::as_str);
    let condition = if lost.is_empty() {
        String::new()
    } else {
        let given: Vec<String> = lost.iter().map(|one| not_null(one)).collect();
        format!("where {}", given.join(" or "))
    };
    let sql = format!(
        "create table {} as select {} from {source} {condition}\n",
        target.quoted(),
        list.join(", ")
    );
    session
        .run(&sql)
        .await
        .map_err(KeepError::query("could not copy the rows"))?;
    let rows = session
        .query(
            &format!(
                "select pg_catalog.count(*)::pg_catalog.text from {}",
                target.quoted()
            ),
            &[],
        )
        .await
        .map_err(KeepError::query("could not count the copies"))?;
    let rows = rows.first().and_then(|row| row.number(0));
    Ok(Copy {
        kept_table,
        table: loss.table.clone(),
        way: loss.way.as_str().to_owned(),
        columns: lost,
        rows: rows.and_then(|rows| u64::try_from(rows).ok()).unwrap_or(0),
        run: run.to_owned(),
        actor: String::new(),
        at: String::new(),
        restored_at: None,
        bytes: None,
    })
}

/// Returns the columns that are copied, and those whose values alone are lost. Their rows are known again by the
/// primary key; without one, all columns are kept.
fn chosen<'c>(all: &'c [Column], way: &Way) -> (Vec<&'c Column>, Vec<String>) {
    let Way::Columns(lost) = way else {
        return (all.iter().collect(), Vec::new());
    };
    let has_key = all
        .iter()
        .any(|one| one.in_key && !lost.contains(&one.name));
    let chosen = all
        .iter()
        .filter(|one| !has_key || one.in_key || lost.contains(&one.name));
    (chosen.collect(), lost.clone())
}

/// A type that could be dropped with the table would hold it back, or take the copy's column along: such values are kept
/// as text.
fn selected(column: &Column) -> String {
    let name = quoted(&column.name);
    if column.own_type {
        name
    } else {
        format!("({name})::pg_catalog.text collate pg_catalog.\"default\" as {name}")
    }
}

/// Returns the name of a copy: the run, a number, and as much of the table's name as there is room for.
fn kept_name(run: &str, number: usize, table: &str) -> String {
    let mut name = format!("{run}_{number}_{table}");
    let mut most = name.len().min(MAX_IDENTIFIER_BYTES);
    while !name.is_char_boundary(most) {
        most -= 1;
    }
    name.truncate(most);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_room_and_ends_with_a_whole_character() {
        assert_eq!(kept_name("r1", 3, "events"), "r1_3_events");
        let long = kept_name("r1", 3, &"ä".repeat(40));
        assert!(long.len() <= 63 && long.ends_with('ä'), "{long}");
    }

    #[test]
    fn lost_columns_are_kept_with_what_tells_their_rows() {
        let column = |name: &str, in_key| Column {
            name: name.into(),
            kind: "integer".into(),
            own_type: name != "mood",
            generated: false,
            always_identity: false,
            in_key,
        };
        let all = [
            column("id", true),
            column("mood", false),
            column("b", false),
        ];
        let way = Way::Columns(vec!["mood".into()]);
        let (kept, lost) = chosen(&all, &way);
        let list: Vec<String> = kept.into_iter().map(selected).collect();
        assert_eq!(
            list.join(", "),
            "\"id\", (\"mood\")::pg_catalog.text collate pg_catalog.\"default\" as \"mood\""
        );
        assert_eq!(lost, ["mood"]);
        assert_eq!(chosen(&all, &Way::Dropped).0.len(), 3);
        let without = [column("id", false), column("mood", false)];
        assert_eq!(chosen(&without, &way).0.len(), 2);
    }
}
