//! Finds the history and refinery's table in a database, or makes them.

use super::error::{HistoryError, query};
use super::model::{History, VersionType};
use super::store::{Store, fill, quoted};
use super::upgrade::{self, FormatError};
use crate::pg::session::{Row, Session};

/// Where refinery's table is, and how wide its versions are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefineryTable {
    /// Qualified and quoted name.
    pub name: String,
    /// Type of its version column.
    pub version_type: VersionType,
    /// Whether it lies outside the history schema: refinery made it, and evmig keeps it up to date.
    pub adopted: bool,
}

/// What a look at the database shows before the history is used.
#[derive(Debug, Clone)]
pub struct Located {
    schema: String,
    refinery: RefineryTable,
    /// Whether refinery's table exists already.
    refinery_exists: bool,
    /// Whether the role may create what is missing.
    may_create: bool,
    /// Whether the history's own tables exist.
    pub exists: bool,
}

/// Looks where the history and refinery's table are. Writes nothing.
///
/// `widest` is the project's greatest version: a table that is yet to be made gets int4 where that
/// is enough, since refinery's own command line is built for int4.
pub async fn locate(session: &Session, schema: &str, widest: i64) -> Result<Located, HistoryError> {
    let rows = session
        .query(include_str!("sql/locate.sql"), &[Some(schema)])
        .await
        .map_err(query("could not look for the history"))?;
    let row = rows
        .into_iter()
        .next()
        .unwrap_or_else(|| Row::new(Vec::new()));
    let (schema_exists, exists, may_create) = (row.truth(0), row.truth(1), row.truth(2));
    let tables = refinery_tables(row.get(3));
    let (refinery, refinery_exists) = if exists {
        recorded_table(session, schema, &tables).await?
    } else {
        (choose_table(schema, &tables, widest)?, !tables.is_empty())
    };
    Ok(Located {
        schema: schema.to_owned(),
        refinery,
        refinery_exists,
        exists,
        may_create: schema_exists || may_create,
    })
}

/// Reads the list of `[schema, version type]` pairs.
fn refinery_tables(json: Option<&str>) -> Vec<(String, Option<String>)> {
    json.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn qualified(schema: &str) -> String {
    format!("{}.refinery_schema_history", quoted(schema))
}

fn version_type(table: &str, found: Option<&str>) -> Result<VersionType, HistoryError> {
    match found {
        Some("integer") => Ok(VersionType::Int4),
        Some("bigint") => Ok(VersionType::Int8),
        other => Err(HistoryError::NotRefinerys {
            table: table.to_owned(),
            found: other.unwrap_or("missing").to_owned(),
        }),
    }
}

/// Follows what the history itself says about refinery's table.
async fn recorded_table(
    session: &Session,
    schema: &str,
    tables: &[(String, Option<String>)],
) -> Result<(RefineryTable, bool), HistoryError> {
    let rows = session
        .query(&fill(include_str!("sql/meta.sql"), schema, None), &[])
        .await
        .map_err(|failure| match failure.sqlstate.as_deref() {
            // undefined_column, invalid_text_representation: the table is somebody else's.
            Some("42703" | "22P02") => HistoryError::from(FormatError::Unknown {
                schema: schema.to_owned(),
            }),
            _ => query("could not read the history's format")(failure),
        })?;
    let row = rows.first();
    upgrade::check(schema, row.and_then(|row| row.number(0)))?;
    let name = row.map(|row| row.text(1)).unwrap_or_default();
    let found = tables.iter().find(|(at, _)| qualified(at) == name);
    let (at, kind) = found.ok_or_else(|| HistoryError::NotRefinerys {
        table: name.clone(),
        found: "missing".into(),
    })?;
    let version_type = version_type(&name, kind.as_deref())?;
    Ok((
        RefineryTable {
            adopted: at != schema,
            name,
            version_type,
        },
        true,
    ))
}

/// Chooses refinery's table for a history that is yet to be made.
fn choose_table(
    schema: &str,
    tables: &[(String, Option<String>)],
    widest: i64,
) -> Result<RefineryTable, HistoryError> {
    match tables {
        [] => {
            let version_type = if i32::try_from(widest).is_ok() {
                VersionType::Int4
            } else {
                VersionType::Int8
            };
            Ok(RefineryTable {
                name: qualified(schema),
                version_type,
                adopted: false,
            })
        }
        [(at, kind)] => {
            let name = qualified(at);
            let version_type = version_type(&name, kind.as_deref())?;
            Ok(RefineryTable {
                adopted: at != schema,
                name,
                version_type,
            })
        }
        several => Err(HistoryError::SeveralRefineryTables {
            schemas: several.iter().map(|(at, _)| at.clone()).collect(),
        }),
    }
}

impl Located {
    /// Returns the width of refinery's versions.
    pub fn version_type(&self) -> VersionType {
        self.refinery.version_type
    }

    /// Returns refinery's table.
    pub fn refinery(&self) -> &RefineryTable {
        &self.refinery
    }

    /// Returns the store, for a history that exists.
    pub fn store(&self) -> Store {
        Store::new(&self.schema, &self.refinery)
    }

    /// Reads the history; an absent one is empty but for what refinery left.
    pub async fn read(&self, session: &Session) -> Result<History, HistoryError> {
        let store = self.store();
        if self.exists {
            return store.read(session).await;
        }
        let refinery = if self.refinery_exists {
            store.read_refinery(session).await?
        } else {
            Vec::new()
        };
        Ok(History {
            refinery,
            ..History::default()
        })
    }

    /// Creates the history's tables, in one transaction. The caller holds the lock.
    pub async fn create(&mut self, session: &Session) -> Result<Store, HistoryError> {
        if !self.may_create {
            return Err(HistoryError::MayNotCreate {
                schema: self.schema.clone(),
            });
        }
        let filled = |text: &str| fill(text, &self.schema, Some(&self.refinery));
        let init = include_str!("sql/init.sql").replace("{format}", &upgrade::FORMAT.to_string());
        let mut sql = filled(&init);
        if !self.refinery_exists {
            sql.push_str(&filled(include_str!("sql/refinery_table.sql")));
        }
        session
            .run_in_transaction(&sql)
            .await
            .map_err(query("could not create the history"))?;
        self.exists = true;
        self.refinery_exists = true;
        Ok(self.store())
    }
}
