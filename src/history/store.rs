//! Reads and writes the history tables. All writing happens under the history's lock.

use super::model::{
    Action, History, Key, MigrationRow, RefineryRow, StatementRow, StatementState, VersionType,
};
use super::upgrade::{self, FormatError};
use crate::pg::error::DbFailure;
use crate::pg::session::{Row, Session};
use crate::report::history::HistoryEntry;
use crate::sql::name::QualifiedName;
use crate::sql::quote;

/// Why the history cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// A query failed.
    #[error("{what}")]
    Query {
        /// Which one, as "could not …".
        what: &'static str,
        /// The server's answer.
        #[source]
        failure: DbFailure,
    },
    /// Its format is not ours.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Several tables could be refinery's, and only a person can tell which one is.
    #[error("refinery's table exists in several schemas: {}", schemas.join(", "))]
    SeveralRefineryTables {
        /// The schemas.
        schemas: Vec<String>,
    },
    /// Refinery's table has another shape.
    #[error("{table} does not look like refinery's: its column version is {found}")]
    NotRefinerys {
        /// The table.
        table: String,
        /// Type of its version column, or "missing".
        found: String,
    },
    /// The history does not exist yet and the role may not create it.
    #[error("the role may not create the schema {schema:?} in this database")]
    MayNotCreate {
        /// History schema.
        schema: String,
    },
    /// A row has a value that evmig never writes.
    #[error("row {seq} of the history has an unreadable {column}")]
    Unreadable {
        /// Its position.
        seq: i64,
        /// Which column.
        column: &'static str,
    },
    /// A version does not fit refinery's int4 column.
    #[error("version {version} does not fit the int4 column of {table}")]
    VersionTooLarge {
        /// The version.
        version: i64,
        /// The table.
        table: String,
    },
}

fn query(what: &'static str) -> impl FnOnce(DbFailure) -> HistoryError {
    move |failure| HistoryError::Query { what, failure }
}

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

/// The history tables of one database.
#[derive(Debug, Clone)]
pub struct Store {
    schema: String,
    quoted: String,
    refinery: RefineryTable,
    sql: Statements,
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

/// Facts of one migration that a row is made from.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// Transaction guard; `None` outside a guarded transaction.
    pub guard: Option<&'a str>,
    /// Which migration.
    pub key: &'a Key,
    /// Its name.
    pub name: &'a str,
    /// Number of its phase.
    pub phase_number: u32,
    /// Name of its phase.
    pub phase: &'a str,
    /// Name of its step.
    pub step: &'a str,
    /// Run id.
    pub run: &'a str,
    /// What was done.
    pub action: Action,
    /// SHA-256 of the normalised text.
    pub sha256: &'a str,
    /// Refinery's checksum for the width of its table.
    pub refinery_checksum: Option<&'a str>,
    /// How long it took.
    pub duration: RecordDuration,
    /// How many statements ran.
    pub statements: usize,
    /// The script.
    pub up_sql: Option<&'a str>,
    /// The rollback script.
    pub down_sql: Option<&'a str>,
    /// Why, for `repair` and `baseline`.
    pub reason: Option<&'a str>,
    /// Newest journal row that belongs to it.
    pub journal_seq: Option<i64>,
}

/// How long a migration took.
#[derive(Debug, Clone, Copy)]
pub enum RecordDuration {
    /// From the beginning of the transaction, by the server's clock.
    SinceBegin,
    /// So many milliseconds.
    Milliseconds(f64),
    /// Nothing ran.
    None,
}

/// A statement text with its parameters, ready to be sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The text.
    pub sql: String,
    /// Its parameters, in order.
    pub parameters: Vec<Option<String>>,
}

impl Prepared {
    /// Returns the parameters as the session takes them.
    pub fn borrowed(&self) -> Vec<Option<&str>> {
        self.parameters.iter().map(Option::as_deref).collect()
    }
}

/// The texts with the schema's and the tables' names filled in, made once.
#[derive(Debug, Clone)]
struct Statements {
    migrations: String,
    refinery_rows: String,
    open_statements: String,
    run_start: String,
    run_finish: String,
    record_insert: String,
    record_upsert: String,
    record_plain: String,
    statement: String,
}

impl Statements {
    fn new(schema: &str, refinery: &RefineryTable) -> Self {
        let fill = |text: &str| fill(text, schema, Some(refinery));
        let record = |write: &str| {
            fill(
                &include_str!("sql/record.sql")
                    .replace("{hash}", include_str!("sql/migration_hash.sql"))
                    .replace("{refinery_write}", write),
            )
        };
        Self {
            migrations: fill(include_str!("sql/migrations.sql")),
            refinery_rows: fill(include_str!("sql/refinery_rows.sql")),
            open_statements: fill(include_str!("sql/open_statements.sql")),
            run_start: fill(
                &include_str!("sql/run_start.sql")
                    .replace("{hash}", include_str!("sql/run_hash.sql")),
            ),
            run_finish: fill(
                &include_str!("sql/run_finish.sql")
                    .replace("{hash}", include_str!("sql/run_end_hash.sql")),
            ),
            record_insert: record(include_str!("sql/record_refinery_insert.sql")),
            record_upsert: record(include_str!("sql/record_refinery_upsert.sql")),
            record_plain: record(""),
            statement: fill(
                &include_str!("sql/statement_record.sql")
                    .replace("{hash}", include_str!("sql/statement_hash.sql")),
            ),
        }
    }
}

/// Fills the names into one of the `.sql` files.
pub(super) fn fill(text: &str, schema: &str, refinery: Option<&RefineryTable>) -> String {
    let quoted = quoted(schema);
    // Inside a string literal that is cast to regclass.
    let in_literal = quoted.replace('\'', "''");
    let text = text
        .replace("{schema_literal}", &in_literal)
        .replace("{schema}", &quoted);
    match refinery {
        Some(table) => text
            .replace("{refinery}", &table.name)
            .replace("{version_type}", table.version_type.as_str()),
        None => text,
    }
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

fn quoted(schema: &str) -> String {
    QualifiedName {
        schema: None,
        name: schema.to_owned(),
    }
    .quoted()
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
        .map_err(query("could not read the history's format"))?;
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
        Store {
            sql: Statements::new(&self.schema, &self.refinery),
            quoted: quoted(&self.schema),
            schema: self.schema.clone(),
            refinery: self.refinery.clone(),
        }
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
        let mut sql = String::from("begin; ");
        sql.push_str(
            &fill(
                include_str!("sql/init.sql"),
                &self.schema,
                Some(&self.refinery),
            )
            .replace("{format}", &upgrade::FORMAT.to_string())
            .replace("{refinery_literal}", &quote::literal(&self.refinery.name)),
        );
        if !self.refinery_exists {
            sql.push_str(&fill(
                include_str!("sql/refinery_table.sql"),
                &self.schema,
                Some(&self.refinery),
            ));
        }
        sql.push_str("commit;");
        if let Err(failure) = session.run(&sql).await {
            // The server skips the rest of the text after an error, `commit` included.
            session
                .run("rollback")
                .await
                .map_err(query("could not roll back"))?;
            return Err(HistoryError::Query {
                what: "could not create the history",
                failure,
            });
        }
        self.exists = true;
        self.refinery_exists = true;
        Ok(self.store())
    }
}

impl Store {
    /// Returns the history schema's name.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Returns refinery's table.
    pub fn refinery(&self) -> &RefineryTable {
        &self.refinery
    }

    /// Reads everything but the scripts, in one round trip.
    pub async fn read(&self, session: &Session) -> Result<History, HistoryError> {
        let (rows, refinery, open) = tokio::join!(
            session.query(&self.sql.migrations, &[]),
            session.query(&self.sql.refinery_rows, &[]),
            session.query(&self.sql.open_statements, &[]),
        );
        let what = "could not read the history";
        Ok(History {
            rows: rows
                .map_err(query(what))?
                .iter()
                .map(migration_row)
                .collect::<Result<_, _>>()?,
            refinery: refinery
                .map_err(query(what))?
                .iter()
                .map(refinery_row)
                .collect(),
            open_statements: open
                .map_err(query(what))?
                .iter()
                .map(statement_row)
                .collect::<Result<_, _>>()?,
        })
    }

    async fn read_refinery(&self, session: &Session) -> Result<Vec<RefineryRow>, HistoryError> {
        let rows = session
            .query(&self.sql.refinery_rows, &[])
            .await
            .map_err(query("could not read refinery's table"))?;
        Ok(rows.iter().map(refinery_row).collect())
    }

    /// Returns whether a run has recorded a migration.
    pub async fn has_row(
        &self,
        session: &Session,
        key: &Key,
        run: &str,
    ) -> Result<bool, HistoryError> {
        let sql = format!(
            "select (exists (select from {}.migration where key = $1 and run_id = $2))::text",
            self.quoted
        );
        let rows = session
            .query(&sql, &[Some(&key.to_text()), Some(run)])
            .await
            .map_err(query("could not ask the history"))?;
        Ok(rows.first().is_some_and(|row| row.truth(0)))
    }

    /// Returns the script and the rollback script of a version's newest row; `None` without a row.
    pub async fn script(
        &self,
        session: &Session,
        version: i64,
    ) -> Result<Option<(Option<String>, Option<String>)>, HistoryError> {
        let sql = format!(
            "select up_sql, down_sql from {}.migration where key = $1 order by seq desc limit 1",
            self.quoted
        );
        let rows = session
            .query(&sql, &[Some(&version.to_string())])
            .await
            .map_err(query("could not read the stored script"))?;
        Ok(rows
            .first()
            .map(|row| (row.get(0).map(str::to_owned), row.get(1).map(str::to_owned))))
    }

    /// Returns every row as it is shown, oldest first.
    pub async fn entries(&self, session: &Session) -> Result<Vec<HistoryEntry>, HistoryError> {
        let rows = session
            .query(
                &fill(include_str!("sql/entries.sql"), &self.schema, None),
                &[],
            )
            .await
            .map_err(query("could not read the history"))?;
        Ok(rows
            .iter()
            .map(|row| HistoryEntry {
                seq: row.number(0).unwrap_or_default(),
                version: row.get(1).map(str::to_owned),
                name: row.text(2),
                phase: row.text(3),
                step: row.text(4),
                action: row.text(5),
                run: row.text(6),
                at: row.text(7),
                duration_ms: row.get(8).and_then(|text| text.parse().ok()),
                actor: row.text(9),
                reason: row.get(10).map(str::to_owned),
            })
            .collect())
    }

    /// Returns the position of a migration's newest journal row.
    pub async fn last_journal(
        &self,
        session: &Session,
        key: &Key,
    ) -> Result<Option<i64>, HistoryError> {
        let sql = format!(
            "select max(seq)::text from {}.statement where key = $1",
            self.quoted
        );
        let rows = session
            .query(&sql, &[Some(&key.to_text())])
            .await
            .map_err(query("could not ask the journal"))?;
        Ok(rows.first().and_then(|row| row.number(0)))
    }

    /// Writes the first row of a run.
    pub async fn start_run(
        &self,
        session: &Session,
        id: &str,
        command: &str,
        phases: &[String],
        git_commit: Option<&str>,
    ) -> Result<(), HistoryError> {
        let phases = serde_json::Value::from(phases.to_vec()).to_string();
        session
            .query(
                &self.sql.run_start,
                &[
                    Some(id),
                    Some(command),
                    Some(&phases),
                    Some(env!("CARGO_PKG_VERSION")),
                    git_commit,
                ],
            )
            .await
            .map_err(query("could not record the start of the run"))?;
        Ok(())
    }

    /// Writes how a run ended.
    pub async fn finish_run(
        &self,
        session: &Session,
        id: &str,
        outcome: &str,
        error: Option<&str>,
    ) -> Result<(), HistoryError> {
        session
            .query(&self.sql.run_finish, &[Some(id), Some(outcome), error])
            .await
            .map_err(query("could not record the end of the run"))?;
        Ok(())
    }

    /// Returns the statement that records a migration, to be sent in the migration's own
    /// transaction.
    pub fn record(&self, record: &Record<'_>) -> Prepared {
        let version = match record.key {
            Key::Version(version) => Some(version.to_string()),
            Key::Repeatable(_) => None,
        };
        let sql = match (record.action, &version) {
            (Action::Apply | Action::Baseline, Some(_)) => &self.sql.record_insert,
            (Action::Repair, Some(_)) => &self.sql.record_upsert,
            _ => &self.sql.record_plain,
        };
        let text = |value: &str| Some(value.to_owned());
        Prepared {
            sql: sql.clone(),
            parameters: vec![
                record.guard.and_then(text),
                Some(record.key.to_text()),
                version,
                text(record.name),
                Some(record.phase_number.to_string()),
                text(record.phase),
                text(record.step),
                text(record.run),
                text(record.action.as_str()),
                text(record.sha256),
                record.refinery_checksum.and_then(text),
                match record.duration {
                    RecordDuration::SinceBegin => None,
                    RecordDuration::Milliseconds(milliseconds) => Some(milliseconds.to_string()),
                    RecordDuration::None => text("none"),
                },
                Some(record.statements.to_string()),
                record.up_sql.and_then(text),
                record.down_sql.and_then(text),
                record.reason.and_then(text),
                record.journal_seq.map(|seq| seq.to_string()),
            ],
        }
    }

    /// Returns the statement that adds a row to the journal.
    pub fn journal(
        &self,
        key: &Key,
        run: &str,
        position: usize,
        state: StatementState,
        sha256: &str,
        note: Option<&str>,
    ) -> Prepared {
        Prepared {
            sql: self.sql.statement.clone(),
            parameters: vec![
                Some(key.to_text()),
                Some(run.to_owned()),
                Some(position.to_string()),
                Some(state.as_str().to_owned()),
                Some(sha256.to_owned()),
                note.map(str::to_owned),
            ],
        }
    }

    /// Widens refinery's table to int8, with the checksums that refinery computes for that width.
    /// `checksums` has the new ones by version.
    pub async fn widen(
        &mut self,
        session: &Session,
        checksums: &[(i64, u64)],
    ) -> Result<(), HistoryError> {
        use std::fmt::Write as _;
        let table = &self.refinery.name;
        let mut sql = format!("begin; alter table {table} alter column version type int8; ");
        for (version, checksum) in checksums {
            // Writing to a String cannot fail.
            let _ = write!(
                sql,
                "update {table} set checksum = '{checksum}' where version = {version}; "
            );
        }
        sql.push_str("commit;");
        if let Err(failure) = session.run(&sql).await {
            session
                .run("rollback")
                .await
                .map_err(query("could not roll back"))?;
            return Err(HistoryError::Query {
                what: "could not widen refinery's table to int8",
                failure,
            });
        }
        self.refinery.version_type = VersionType::Int8;
        self.sql = Statements::new(&self.schema, &self.refinery);
        Ok(())
    }
}

fn migration_row(row: &Row) -> Result<MigrationRow, HistoryError> {
    let seq = row.number(0).unwrap_or_default();
    let unreadable = |column| HistoryError::Unreadable { seq, column };
    Ok(MigrationRow {
        seq,
        key: Key::parse(&row.text(1)).ok_or_else(|| unreadable("key"))?,
        name: row.text(3),
        phase_number: row.number(4).ok_or_else(|| unreadable("phase_number"))?,
        phase: row.text(5),
        step: row.text(6),
        run: row.text(7),
        action: Action::parse(&row.text(8)).ok_or_else(|| unreadable("action"))?,
        sha256: row.text(9),
        refinery_checksum: row.get(10).map(str::to_owned),
        at: row.text(11),
    })
}

fn refinery_row(row: &Row) -> RefineryRow {
    RefineryRow {
        version: row.number(0).unwrap_or_default(),
        name: row.text(1),
        applied_on: row.text(2),
        checksum: row.text(3),
    }
}

fn statement_row(row: &Row) -> Result<StatementRow, HistoryError> {
    let seq = row.number(0).unwrap_or_default();
    let unreadable = |column| HistoryError::Unreadable { seq, column };
    Ok(StatementRow {
        seq,
        key: Key::parse(&row.text(1)).ok_or_else(|| unreadable("key"))?,
        run: row.text(2),
        position: row
            .number(3)
            .and_then(|position| usize::try_from(position).ok())
            .ok_or_else(|| unreadable("position"))?,
        state: StatementState::parse(&row.text(4)).ok_or_else(|| unreadable("state"))?,
        sha256: row.text(5),
        note: row.get(6).map(str::to_owned),
    })
}
