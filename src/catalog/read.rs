//! Reads a database's objects: all queries travel together, and see one state of the database.

use std::sync::Arc;

use futures_util::future::try_join_all;

use super::error::CatalogError;
use super::model::{Identity, Kind, Object, Properties, Snapshot};
use super::privileges::canonical;
use super::queries::{ALL, Query};
use crate::pg::error::DbFailure;
use crate::pg::session::{Row, Session};

/// No setting of a role or database may change how an expression is written; these are those that `pg_dump` makes.
/// A search path of `pg_catalog` alone qualifies every other name.
const SETTINGS: &str = include_str!("settings.sql");

/// Lists the objects of the database, in one transaction of its own that writes nothing and takes no lock beyond
/// `ACCESS SHARE`: every query sees the same state. `history_schema` is left out.
///
/// `version` is the server's `server_version_num`.
pub async fn snapshot(
    session: &Session,
    version: u32,
    history_schema: &str,
) -> Result<Snapshot, CatalogError> {
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    between(session, version, history_schema, begin, "ROLLBACK").await
}

/// Lists the objects as the transaction that is open sees them. Its settings are what they were afterwards.
pub async fn snapshot_within(
    session: &Session,
    version: u32,
    history_schema: &str,
) -> Result<Snapshot, CatalogError> {
    let begin = "SAVEPOINT evmig_catalog";
    let end = "ROLLBACK TO SAVEPOINT evmig_catalog; RELEASE SAVEPOINT evmig_catalog";
    between(session, version, history_schema, begin, end).await
}

async fn between(
    session: &Session,
    version: u32,
    history_schema: &str,
    begin: &str,
    end: &str,
) -> Result<Snapshot, CatalogError> {
    let begin = format!("{begin};\n{SETTINGS}");
    let begun = async { session.run(&begin).await.map_err(failed("settings")) };
    let objects = objects(session, version, history_schema);
    // What has failed a query has failed the transaction, too; either way this ends it.
    let ended = async { session.run(end).await.map_err(failed("settings")) };
    // On their way together: nothing is waited for in between.
    let (begun, objects, ended) = tokio::join!(biased; begun, objects, ended);
    begun?;
    let objects = objects?;
    ended?;
    Ok(Snapshot::new(objects))
}

fn failed(query: &'static str) -> impl Fn(DbFailure) -> CatalogError {
    move |failure| CatalogError::Query {
        query,
        failure: Box::new(failure),
    }
}

/// Sends all queries at once; the first one that fails is told.
async fn objects(
    session: &Session,
    version: u32,
    history_schema: &str,
) -> Result<Vec<Object>, CatalogError> {
    let answers = ALL
        .iter()
        .map(|query| answer(session, query, version, history_schema));
    Ok(try_join_all(answers).await?.into_iter().flatten().collect())
}

async fn answer(
    session: &Session,
    query: &Query,
    version: u32,
    history_schema: &str,
) -> Result<Vec<Object>, CatalogError> {
    let (names, rows) = session
        .query_catalog(&query.sql(version), &[Some(history_schema)])
        .await
        .map_err(failed(query.name))?;
    let columns: Vec<Arc<str>> = names.into_iter().map(Arc::from).collect();
    let mut last = Last::default();
    rows.iter()
        .map(|row| object(&columns, row, &mut last))
        .collect()
}

/// The names of the row before: a table's columns share theirs.
#[derive(Default)]
struct Last {
    schema: Option<Arc<str>>,
    parent: Option<Arc<str>>,
}

/// How many columns come before the properties: kind, schema, parent, name.
const NAMES: usize = 4;

fn object(columns: &[Arc<str>], row: &Row, last: &mut Last) -> Result<Object, CatalogError> {
    let word = row.get(0).unwrap_or_default();
    let kind = Kind::of(word).ok_or_else(|| CatalogError::UnknownKind {
        kind: word.to_owned(),
    })?;
    let identity = Identity {
        kind,
        schema: shared(&mut last.schema, row.get(1)),
        parent: shared(&mut last.parent, row.get(2)),
        name: row.get(3).unwrap_or_default().into(),
    };
    Ok(Object {
        identity,
        properties: properties(columns, row),
    })
}

fn shared(last: &mut Option<Arc<str>>, name: Option<&str>) -> Option<Arc<str>> {
    if last.as_deref() != name {
        *last = name.map(Arc::from);
    }
    last.clone()
}

fn properties(columns: &[Arc<str>], row: &Row) -> Properties {
    let at = |wanted: &str| columns.iter().position(|name| **name == *wanted);
    let value = |wanted: &str| at(wanted).and_then(|at| row.get(at));
    let told = columns.iter().enumerate().skip(NAMES);
    told.filter_map(|(index, name)| match &**name {
        "acl_default" => None,
        "acl" => canonical(row.get(index), value("acl_default")).map(|acl| (name.clone(), acl)),
        _ => row
            .get(index)
            .filter(|text| !text.is_empty())
            .map(|text| (name.clone(), text.to_owned())),
    })
    .collect()
}
