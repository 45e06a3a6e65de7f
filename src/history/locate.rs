//! Finds the history and refinery's table in a database, or makes them.

use super::error::{HistoryError, query};
use super::model::{History, VersionType};
use super::store::{Store, fill, quoted};
use super::upgrade::{self, Format, FormatError};
use crate::pg::session::{Row, Session};

/// The tables of the checkpoints, for a new history and for one of format 1.
const CHECKPOINTS: &str = include_str!("sql/checkpoints.sql");

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
    /// The format of those that exist.
    format: Option<Format>,
}

/// What the catalog says before anything of the history is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    schema: String,
    schema_exists: bool,
    /// Whether the history's own tables exist.
    pub exists: bool,
    may_create: bool,
    /// Whether triggers were ever switched off beyond a transaction.
    has_trigger_ledger: bool,
    /// Schemas with a table of refinery's, with the type of its versions.
    tables: Vec<(String, Option<String>)>,
}

/// How much of a history is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What deciding takes.
    Brief,
    /// Everything but the scripts.
    Full,
}

/// What was read, with the place it was read from as far as that is known without a project.
#[derive(Debug, Clone)]
pub struct Look {
    survey: Survey,
    refinery: Option<RefineryTable>,
    format: Option<Format>,
    detail: Detail,
    /// What is remembered; an absent history is empty but for what refinery left.
    pub history: History,
}

/// Asks the catalog where a history is. It may be the first thing that a session is asked.
pub async fn survey(session: &Session, schema: &str) -> Result<Survey, HistoryError> {
    let rows = session
        .query(include_str!("sql/locate.sql"), &[Some(schema)])
        .await
        .map_err(query("could not look for the history"))?;
    let row = rows
        .into_iter()
        .next()
        .unwrap_or_else(|| Row::new(Vec::new()));
    let candidates: Vec<Candidate> = row
        .get(2)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let is_table = |one: &&Candidate| one.2 == "r" || one.2 == "p";
    let metas = candidates.iter().filter(|one| one.1 == "meta");
    // The table of another evmig history belongs to another project.
    let others: Vec<&str> = metas
        .clone()
        .filter(|one| one.3.is_some() && one.0 != schema)
        .map(|one| one.0.as_str())
        .collect();
    let refinerys = candidates
        .iter()
        .filter(|one| one.1 == "refinery_schema_history")
        .filter(is_table);
    Ok(Survey {
        schema: schema.to_owned(),
        schema_exists: row.truth(0),
        exists: metas.clone().any(|one| one.0 == schema && one.2 == "r"),
        may_create: row.truth(1),
        has_trigger_ledger: candidates
            .iter()
            .any(|one| one.0 == schema && one.1 == "trigger_state" && one.2 == "r"),
        tables: refinerys
            .filter(|one| !others.contains(&one.0.as_str()))
            .map(|one| (one.0.clone(), one.3.clone()))
            .collect(),
    })
}

/// A table that may be one of ours or refinery's: its schema, name, kind, and the type of the column
/// that tells which.
type Candidate = (String, String, String, Option<String>);

/// Looks where the history and refinery's table are. Writes nothing.
///
/// `widest` is the project's greatest version: a table that is yet to be made gets int4 where that
/// is enough, since refinery's own command line is built for int4.
pub async fn locate(session: &Session, schema: &str, widest: i64) -> Result<Located, HistoryError> {
    let survey = survey(session, schema).await?;
    let (refinery, format) = if survey.exists {
        let (table, format) = survey.recorded_table(session).await?;
        (Some(table), Some(format))
    } else {
        (None, None)
    };
    survey.located(refinery, format, widest)
}

impl Survey {
    /// Reads the history that is there.
    ///
    /// What it says itself of refinery's table is read beside the rows, and nearly always what the
    /// catalog suggests: one round trip.
    pub async fn read(&self, session: &Session, detail: Detail) -> Result<Look, HistoryError> {
        let look = |refinery, format, history| Look {
            survey: self.clone(),
            refinery,
            format,
            detail,
            history,
        };
        let guess = self.guess()?;
        if !self.exists {
            let history = match &guess {
                Some(table) => {
                    Store::new(&self.schema, table)
                        .read_refinery(session)
                        .await?
                }
                None => History::default(),
            };
            return Ok(look(guess, None, history));
        }
        let Some(guess) = guess else {
            let (table, format) = self.recorded_table(session).await?;
            let history = Store::new(&self.schema, &table)
                .read_in(session, detail)
                .await?;
            return Ok(look(Some(table), Some(format), history));
        };
        let store = Store::new(&self.schema, &guess);
        let (table, history) =
            tokio::join!(biased; self.recorded_table(session), store.read_in(session, detail));
        let (table, format) = table?;
        let history = if table == guess {
            history?
        } else {
            Store::new(&self.schema, &table)
                .read_in(session, detail)
                .await?
        };
        Ok(look(Some(table), Some(format), history))
    }

    /// Returns refinery's table as the catalog alone suggests it.
    fn guess(&self) -> Result<Option<RefineryTable>, HistoryError> {
        let own = self.tables.iter().find(|(at, _)| *at == self.schema);
        let found = match (self.exists, own, self.tables.as_slice()) {
            (true, Some(own), _) => own,
            (_, _, [one]) => one,
            (_, _, []) | (true, None, _) => return Ok(None),
            (false, _, several) => {
                return Err(HistoryError::SeveralRefineryTables {
                    schemas: several.iter().map(|(at, _)| at.clone()).collect(),
                });
            }
        };
        self.table(found).map(Some)
    }

    fn table(&self, (at, kind): &(String, Option<String>)) -> Result<RefineryTable, HistoryError> {
        let name = qualified(at);
        let version_type = version_type(&name, kind.as_deref())?;
        Ok(RefineryTable {
            adopted: *at != self.schema,
            name,
            version_type,
        })
    }

    /// Follows what the history itself says about its format and about refinery's table.
    async fn recorded_table(
        &self,
        session: &Session,
    ) -> Result<(RefineryTable, Format), HistoryError> {
        let schema = &self.schema;
        let rows = session
            .query(&fill(include_str!("sql/meta.sql"), schema, None), &[])
            .await
            .map_err(|failure| match failure.sqlstate.as_deref() {
                // undefined_column, invalid_text_representation: the table is somebody else's.
                Some("42703" | "22P02") => HistoryError::from(FormatError::Unknown {
                    schema: schema.clone(),
                }),
                _ => query("could not read the history's format")(failure),
            })?;
        let row = rows.first();
        let format = upgrade::check(schema, row.and_then(|row| row.number(0)))?;
        let name = row.map(|row| row.text(1)).unwrap_or_default();
        let found = self.tables.iter().find(|(at, _)| qualified(at) == name);
        let table = self.table(found.ok_or_else(|| HistoryError::NotRefinerys {
            table: name,
            found: "missing".into(),
        })?)?;
        Ok((table, format))
    }

    /// Says where everything is; a table that is yet to be made has its place, too.
    fn located(
        &self,
        refinery: Option<RefineryTable>,
        format: Option<Format>,
        widest: i64,
    ) -> Result<Located, HistoryError> {
        let refinery = match refinery {
            Some(table) => Some(table),
            None => self.guess()?,
        };
        let refinery_exists = refinery.is_some();
        Ok(Located {
            refinery: refinery.unwrap_or_else(|| self.yet_to_be_made(widest)),
            refinery_exists,
            schema: self.schema.clone(),
            exists: self.exists,
            format,
            may_create: self.schema_exists || self.may_create,
        })
    }

    fn yet_to_be_made(&self, widest: i64) -> RefineryTable {
        RefineryTable {
            name: qualified(&self.schema),
            version_type: if i32::try_from(widest).is_ok() {
                VersionType::Int4
            } else {
                VersionType::Int8
            },
            adopted: false,
        }
    }
}

impl Look {
    /// Says where everything is; see [`locate`].
    pub fn located(&self, widest: i64) -> Result<Located, HistoryError> {
        self.survey
            .located(self.refinery.clone(), self.format, widest)
    }

    /// Returns whether triggers were ever switched off beyond a transaction, and may still be.
    pub fn has_trigger_ledger(&self) -> bool {
        self.survey.exists && self.survey.has_trigger_ledger
    }

    /// Reads it anew: in one round trip unless something has changed.
    pub async fn again(&self, session: &Session) -> Result<Self, HistoryError> {
        let (now, look) = tokio::join!(
            biased;
            survey(session, &self.survey.schema),
            self.survey.read(session, self.detail),
        );
        let now = now?;
        if now == self.survey {
            look
        } else {
            now.read(session, self.detail).await
        }
    }

    /// Reads everything, if that was not done.
    pub async fn in_full(self, session: &Session) -> Result<Self, HistoryError> {
        match self.detail {
            Detail::Full => Ok(self),
            Detail::Brief => self.survey.read(session, Detail::Full).await,
        }
    }
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

impl Located {
    /// Returns the width of refinery's versions.
    pub fn version_type(&self) -> VersionType {
        self.refinery.version_type
    }

    /// Returns the history schema's name.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Returns refinery's table.
    pub fn refinery(&self) -> &RefineryTable {
        &self.refinery
    }

    /// Returns the format of a history that exists.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// Returns the store, for a history that exists.
    pub fn store(&self) -> Store {
        let has_keys = self.format.is_none_or(Format::has_keys);
        Store::new(&self.schema, &self.refinery).with_keys(has_keys)
    }

    /// Creates the history's tables, or brings them to this evmig's format, in one transaction. The caller holds the
    /// lock.
    pub async fn make_ready(&mut self, session: &Session) -> Result<(), HistoryError> {
        if self.exists {
            return self.upgrade(session).await;
        }
        if !self.may_create {
            return Err(HistoryError::MayNotCreate {
                schema: self.schema.clone(),
            });
        }
        let filled = |text: &str| fill(text, &self.schema, Some(&self.refinery));
        let init = include_str!("sql/init.sql")
            .replace("{format}", &Format::NEWEST.to_string())
            .replace("{checkpoints}", CHECKPOINTS);
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
        self.format = Some(Format::NEWEST);
        Ok(())
    }

    async fn upgrade(&mut self, session: &Session) -> Result<(), HistoryError> {
        let steps = self.format.map(Format::upgrades).unwrap_or_default();
        if steps.is_empty() {
            return Ok(());
        }
        let steps = steps.concat().replace("{checkpoints}", CHECKPOINTS);
        let sql = fill(&steps, &self.schema, Some(&self.refinery));
        session
            .run_in_transaction(&sql)
            .await
            .map_err(query("could not bring the history to this evmig's format"))?;
        self.format = Some(Format::NEWEST);
        Ok(())
    }
}
