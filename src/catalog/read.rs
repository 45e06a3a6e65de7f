//! Reads a database's objects, in two round trips: which queries can find anything, and those as one statement. They
//! see one state of the database.

use std::collections::HashMap;
use std::sync::Arc;

use super::diff::POSITION;
use super::error::CatalogError;
use super::model::{Identity, Kind, Object, Properties, Snapshot};
use super::privileges::canonical;
use super::queries::{self, ALL, Query};
use super::recent::{Names as RecentNames, Recent};
use super::records::{Fields, Records};
use super::renames::Names;
use crate::pg::session::{Session, Texts};

/// No setting of a role or database may change how an expression is written; these are those that `pg_dump` makes.
/// A search path of `pg_catalog` alone qualifies every other name. The joins are written in a good order: looking for a
/// better one is a good part of what reading a small catalog costs.
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
    Box::pin(between(session, version, history_schema, OWN, None)).await
}

/// The same, with what each object that can be renamed keeps.
pub async fn named(
    session: &Session,
    version: u32,
    history_schema: &str,
) -> Result<(Snapshot, Names), CatalogError> {
    let mut names = Names::default();
    let read = between(session, version, history_schema, OWN, Some(&mut names));
    let snapshot = Box::pin(read).await?;
    Ok((snapshot, names))
}

/// Lists the objects as the transaction that is open sees them. Its settings are what they were afterwards.
pub async fn snapshot_within(
    session: &Session,
    version: u32,
    history_schema: &str,
) -> Result<Snapshot, CatalogError> {
    Box::pin(between(session, version, history_schema, WITHIN, None)).await
}

/// The same, with what each object that can be renamed keeps.
pub async fn named_within(
    session: &Session,
    version: u32,
    history_schema: &str,
) -> Result<(Snapshot, Names), CatalogError> {
    let mut names = Names::default();
    let read = between(session, version, history_schema, WITHIN, Some(&mut names));
    let snapshot = Box::pin(read).await?;
    Ok((snapshot, names))
}

/// What stands before the queries, and behind them: a transaction of their own.
const OWN: [&str; 2] = [
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "ROLLBACK",
];
/// The same in a transaction that is open.
const WITHIN: [&str; 2] = [
    "SAVEPOINT evmig_catalog",
    "ROLLBACK TO SAVEPOINT evmig_catalog; RELEASE SAVEPOINT evmig_catalog",
];

async fn between(
    session: &Session,
    version: u32,
    history_schema: &str,
    [begin, end]: [&str; 2],
    mut names: Option<&mut Names>,
) -> Result<Snapshot, CatalogError> {
    let question = queries::question(version, history_schema);
    let answer = ask(session, &format!("{begin};\n{SETTINGS};\n{question}"), end).await?;
    let asked: Vec<&Query> = ALL
        .iter()
        .enumerate()
        .filter(|(at, _)| answer.as_ref().and_then(|row| row.get(*at)) != Some("f"))
        .map(|(_, query)| query)
        .collect();
    let select = queries::statement(&asked, version, history_schema);
    let texts = ask(session, &format!("{select};\n{end}"), end).await?;
    let mut objects = Vec::new();
    for (at, query) in asked.into_iter().enumerate() {
        let columns: Vec<Arc<str>> = query.columns().into_iter().map(Arc::from).collect();
        let text = texts.as_ref().and_then(|row| row.get(at));
        let text = text.unwrap_or_default();
        read(text, &columns, &mut objects, query, names.as_deref_mut())
            .map_err(|unread| unread.in_answer_to(query.name))?;
    }
    count_columns(&mut objects);
    Ok(Snapshot::new(objects))
}

/// Sends statements, and returns the last row of their answers: the settings have one, before the one that is meant.
async fn ask(session: &Session, message: &str, end: &str) -> Result<Option<Texts>, CatalogError> {
    match session.query_texts(message).await {
        Ok(texts) => Ok(texts.into_iter().next_back()),
        Err(failure) => {
            // The server has skipped the rest of the message. Where even this fails the session is over, and the
            // first failure says why.
            drop(session.run(end).await);
            Err(CatalogError::Query {
                failure: Box::new(failure),
            })
        }
    }
}

/// Numbers the columns of each relation anew: the server's numbers have gaps where columns are gone.
fn count_columns(objects: &mut [Object]) {
    type Relation = (Option<Arc<str>>, Option<Arc<str>>);
    let mut relations: HashMap<Relation, Vec<(u32, &mut Arc<str>)>> = HashMap::new();
    for object in objects {
        let Identity { schema, parent, .. } = &object.identity;
        let relation = (schema.clone(), parent.clone());
        let mut properties = object.properties.iter_mut();
        if object.identity.kind == Kind::Column
            && let Some((_, text)) = properties.find(|(name, _)| **name == *POSITION)
        {
            let number = text.parse().unwrap_or_default();
            relations.entry(relation).or_default().push((number, text));
        }
    }
    for columns in relations.values_mut() {
        columns.sort_unstable_by_key(|(number, _)| *number);
        for (at, (number, text)) in columns.iter_mut().enumerate() {
            if *number as usize != at + 1 {
                **text = (at + 1).to_string().into();
            }
        }
    }
}

/// Why an answer is none.
enum Unread {
    /// A row is not what a row looks like.
    Row,
    /// A kind has no name here.
    Kind(String),
}

impl Unread {
    fn in_answer_to(self, query: &'static str) -> CatalogError {
        match self {
            Self::Row => CatalogError::Unreadable { query },
            Self::Kind(kind) => CatalogError::UnknownKind { kind },
        }
    }
}

/// Reads what one query has found.
fn read(
    text: &str,
    columns: &[Arc<str>],
    objects: &mut Vec<Object>,
    query: &Query,
    mut names: Option<&mut Names>,
) -> Result<(), Unread> {
    let oid = columns.iter().position(|column| **column == *OID);
    let mut records = Records::new(text);
    let mut fields = Fields::new();
    let mut recent = RecentNames::default();
    let mut values: Vec<Recent> = columns.iter().map(|_| Recent::default()).collect();
    while !records.is_done() {
        records
            .next_into(&mut fields)
            .filter(|()| fields.len() == columns.len())
            .ok_or(Unread::Row)?;
        let object = Object {
            identity: identity(&fields, &mut recent)?,
            properties: properties(columns, &fields, &mut values),
        };
        if let (Some(names), Some(oid)) = (names.as_deref_mut(), oid) {
            let attribute = object.get(POSITION).filter(|_| query.name == "column");
            names.note(query.catalog(), &fields[oid], attribute, &object.identity);
        }
        objects.push(object);
    }
    Ok(())
}

/// The column that says what an object keeps when it is renamed: no property, and in no document.
const OID: &str = "oid";

/// How many columns come before the properties: kind, schema, parent, name.
const NAMES: usize = 4;

fn identity(fields: &Fields<'_>, names: &mut RecentNames) -> Result<Identity, Unread> {
    let word = &fields[0];
    let kind = Kind::of(word).ok_or_else(|| Unread::Kind(word.to_string()))?;
    // No name is empty.
    let [schema, parent] =
        [&fields[1], &fields[2]].map(|name| Some(&**name).filter(|name| !name.is_empty()));
    Ok(names.identity(kind, schema, parent, &fields[3]))
}

fn properties(columns: &[Arc<str>], fields: &Fields<'_>, values: &mut [Recent]) -> Properties {
    let told = columns
        .iter()
        .zip(fields)
        .zip(values)
        .enumerate()
        .skip(NAMES);
    let is_told = told.filter(|(_, ((_, text), _))| !text.is_empty());
    is_told
        .filter_map(|(at, ((name, text), values))| match &**name {
            "acl_default" | OID => None,
            // Their default is the column behind them, where they have one.
            "acl" => {
                let default = columns.get(at + 1).filter(|name| &***name == "acl_default");
                let default = default.and_then(|_| fields.get(at + 1));
                let default = default.map(AsRef::as_ref).filter(|text| !text.is_empty());
                canonical(Some(text), default).map(|acl| (name.clone(), values.share(&acl)))
            }
            _ => Some((name.clone(), values.share(text))),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(parent: &str, name: &str, number: &str) -> Object {
        Object {
            identity: Identity {
                kind: Kind::Column,
                schema: Some("public".into()),
                parent: Some(parent.into()),
                name: name.into(),
            },
            properties: vec![
                ("type".into(), "text".into()),
                (POSITION.into(), number.into()),
            ],
        }
    }

    #[test]
    fn columns_are_counted_without_those_that_are_gone() {
        let mut objects = [
            column("a", "last", "12"),
            column("b", "only", "2"),
            column("a", "first", "1"),
            column("a", "middle", "3"),
        ];
        count_columns(&mut objects);
        let positions = objects.each_ref().map(|object| object.get(POSITION));
        assert_eq!(positions, [Some("3"), Some("1"), Some("1"), Some("2")]);
    }
}
