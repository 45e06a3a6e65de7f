//! Reads and writes the history tables. All writing happens under the history's lock.

use std::collections::HashMap;

use super::error::{HistoryError, query};
use super::locate::{Detail, RefineryTable};
use super::model::{Action, History, Journal, Key, StatementState, VersionType};
use super::record::{Prepared, Record, RecordDuration};
use super::rows::{brief_rows, migration_row, refinery_row, statement_row};
use crate::pg::session::{Row, Session};
use crate::report::history::HistoryEntry;
use crate::sql::name::QualifiedName;
use crate::sql::quote;

/// Number of parameters of `record.sql`.
const RECORD_PARAMETERS: usize = 18;

/// What [`Store::record`] is given where nobody asks for the lock.
pub const NOT_LOOKED_AT: &str = "0";

/// What a row has stored of its migration's files; `None` where there was none, or too large a one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredScripts {
    /// The migration.
    pub up: Option<String>,
    /// Its rollback script.
    pub down: Option<String>,
}

/// What rows have stored, by their positions.
pub type StoredByRow = HashMap<i64, StoredScripts>;

/// The history tables of one database.
#[derive(Debug, Clone)]
pub struct Store {
    schema: String,
    quoted: String,
    refinery: RefineryTable,
    sql: Statements,
    /// Whether beside a catalog stands what its objects keep.
    has_keys: bool,
}

/// The texts with the schema's and the tables' names filled in, made once.
#[derive(Debug, Clone)]
struct Statements {
    migrations: String,
    brief: String,
    refinery_rows: String,
    unfinished: String,
    run_start: String,
    run_finish: String,
    /// With `{held}` still in it.
    record: String,
    refinery_insert: String,
    refinery_upsert: String,
    refinery_delete: String,
    statement: String,
}

impl Statements {
    fn new(schema: &str, refinery: &RefineryTable) -> Self {
        let fill = |text: &str| fill(&without_comments(text), schema, Some(refinery));
        let refinery_insert = fill(include_str!("sql/refinery_insert.sql"));
        let record = include_str!("sql/record.sql")
            .replace("{hash}", include_str!("sql/migration_hash.sql"))
            .replace("{facts}", "x.facts");
        Self {
            migrations: fill(include_str!("sql/migrations.sql")),
            brief: fill(include_str!("sql/brief.sql")),
            refinery_rows: fill(include_str!("sql/refinery_rows.sql")),
            unfinished: fill(include_str!("sql/open_statements.sql")),
            run_start: fill(
                &include_str!("sql/run_start.sql")
                    .replace("{hash}", include_str!("sql/run_hash.sql")),
            ),
            run_finish: fill(
                &include_str!("sql/run_finish.sql")
                    .replace("{hash}", include_str!("sql/run_end_hash.sql")),
            ),
            record: fill(&record),
            refinery_upsert: format!(
                "{refinery_insert}{}",
                include_str!("sql/refinery_update.sql")
            ),
            refinery_insert,
            refinery_delete: fill(include_str!("sql/refinery_delete.sql")),
            statement: fill(
                &include_str!("sql/statement_record.sql")
                    .replace("{hash}", include_str!("sql/statement_hash.sql")),
            ),
        }
    }
}

/// Drops the lines that are comments: what is sent again and again, and shown in the server's log,
/// is the statement alone.
pub(super) fn without_comments(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Quotes a schema's name.
pub(super) fn quoted(schema: &str) -> String {
    QualifiedName {
        schema: None,
        name: schema.to_owned(),
    }
    .quoted()
}

/// Fills the names into one of the `.sql` files, in one pass: a name may itself read `{schema}`.
pub(super) fn fill(text: &str, schema: &str, refinery: Option<&RefineryTable>) -> String {
    let quoted = quoted(schema);
    // Inside a string literal that is cast to regclass.
    let in_literal = quoted.replace('\'', "''");
    let mut names = vec![("{schema_literal}", in_literal), ("{schema}", quoted)];
    if let Some(table) = refinery {
        names.push(("{refinery}", table.name.clone()));
        names.push(("{refinery_literal}", quote::literal(&table.name)));
        names.push(("{version_type}", table.version_type.as_str().to_owned()));
    }
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let found = names.iter().find(|(mark, _)| rest.starts_with(mark));
        let (taken, name) = found.map_or((1, "{"), |(mark, name)| (mark.len(), name.as_str()));
        filled.push_str(name);
        rest = &rest[taken..];
    }
    filled.push_str(rest);
    filled
}

impl Store {
    /// Makes the store of a history whose place is known.
    pub(super) fn new(schema: &str, refinery: &RefineryTable) -> Self {
        Self {
            sql: Statements::new(schema, refinery),
            quoted: quoted(schema),
            schema: schema.to_owned(),
            refinery: refinery.clone(),
            has_keys: true,
        }
    }

    /// Says whether beside a catalog stands what its objects keep: not in an older format.
    pub(super) fn with_keys(self, has_keys: bool) -> Self {
        Self { has_keys, ..self }
    }

    /// Returns whether beside a catalog stands what its objects keep.
    pub(super) fn has_keys(&self) -> bool {
        self.has_keys
    }

    /// Returns the history schema's name.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// Returns refinery's table.
    pub fn refinery(&self) -> &RefineryTable {
        &self.refinery
    }

    /// Reads as much as is asked for.
    pub(super) async fn read_in(
        &self,
        session: &Session,
        detail: Detail,
    ) -> Result<History, HistoryError> {
        match detail {
            Detail::Brief => self.read_brief(session).await,
            Detail::Full => self.read(session).await,
        }
    }

    /// Reads everything but the scripts, in one round trip.
    pub async fn read(&self, session: &Session) -> Result<History, HistoryError> {
        let (rows, refinery, open) = tokio::join!(
            session.query_long(&self.sql.migrations, &[]),
            session.query_long(&self.sql.refinery_rows, &[]),
            session.query_long(&self.sql.unfinished, &[]),
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

    /// Reads what deciding takes, in one round trip: of migrations what [`brief_rows`] reads, of
    /// refinery's table the rows that evmig has no word for.
    async fn read_brief(&self, session: &Session) -> Result<History, HistoryError> {
        let (brief, open) = tokio::join!(
            biased;
            session.query_long(&self.sql.brief, &[]),
            session.query_long(&self.sql.unfinished, &[]),
        );
        let what = "could not read the history";
        let brief = brief.map_err(query(what))?;
        let text = |column| brief.first().and_then(|row| row.get(column)).unwrap_or("");
        let mut history = History {
            rows: brief_rows(text(0))?,
            open_statements: open
                .map_err(query(what))?
                .iter()
                .map(statement_row)
                .collect::<Result<_, _>>()?,
            refinery: Vec::new(),
        };
        let unknown = {
            let latest = history.latest();
            let is_known = |version: &str| {
                let row = version.parse().ok().map(Key::Version);
                let row = row.and_then(|key| latest.get(&key).copied());
                row.is_some_and(|row| row.action != Action::Rollback)
            };
            !text(1).lines().all(is_known)
        };
        if unknown {
            history.refinery = self.read_refinery(session).await?.refinery;
        }
        Ok(history)
    }

    /// Reads refinery's table alone, where there is no history yet.
    pub async fn read_refinery(&self, session: &Session) -> Result<History, HistoryError> {
        let rows = session
            .query_long(&self.sql.refinery_rows, &[])
            .await
            .map_err(query("could not read refinery's table"))?;
        Ok(History {
            refinery: rows.iter().map(refinery_row).collect(),
            ..History::default()
        })
    }

    /// Returns how many of the migrations a run has recorded; they were sent one after the other, so
    /// that these are the first ones.
    pub async fn count_applied(
        &self,
        session: &Session,
        keys: &[Key],
        run: &str,
    ) -> Result<usize, HistoryError> {
        let sql = format!(
            "select count(distinct key)::text from {}.migration where run_id = $2 \
             and key in (select jsonb_array_elements_text($1::jsonb))",
            self.quoted
        );
        let keys: Vec<String> = keys.iter().map(Key::to_text).collect();
        let keys = serde_json::Value::from(keys).to_string();
        let rows = session
            .query(&sql, &[Some(&keys), Some(run)])
            .await
            .map_err(query("could not ask the history"))?;
        let count = rows.first().and_then(|row| row.number(0));
        Ok(count
            .and_then(|count| usize::try_from(count).ok())
            .unwrap_or(0))
    }

    /// Returns the script and the rollback script of a version's newest row; `None` without a row.
    pub async fn script(
        &self,
        session: &Session,
        version: i64,
    ) -> Result<Option<(Option<String>, Option<String>)>, HistoryError> {
        let sql = format!(
            "select up_sql, down_sql from {}.migration where key = $1 and action <> 'rollback' \
             order by seq desc limit 1",
            self.quoted
        );
        let rows = session
            .query_long(&sql, &[Some(&version.to_string())])
            .await
            .map_err(query("could not read the stored script"))?;
        Ok(rows
            .first()
            .map(|row| (row.get(0).map(str::to_owned), row.get(1).map(str::to_owned))))
    }

    /// Returns what rows of the history have stored, by their position.
    pub async fn scripts(
        &self,
        session: &Session,
        seqs: &[i64],
    ) -> Result<StoredByRow, HistoryError> {
        let sql = format!(
            "select seq::text, up_sql, down_sql from {}.migration \
             where seq in (select jsonb_array_elements_text($1::jsonb)::bigint)",
            self.quoted
        );
        let seqs = serde_json::Value::from(seqs.to_vec()).to_string();
        let rows = session
            .query_long(&sql, &[Some(&seqs)])
            .await
            .map_err(query("could not read the stored scripts"))?;
        let scripts = rows.iter().map(|row| {
            let scripts = StoredScripts {
                up: row.get(1).map(str::to_owned),
                down: row.get(2).map(str::to_owned),
            };
            (row.number(0).unwrap_or_default(), scripts)
        });
        Ok(scripts.collect())
    }

    /// Returns the run that has taken migrations back and could not record its end, if the newest
    /// word of the history is its.
    pub async fn unheard_rollback(
        &self,
        session: &Session,
    ) -> Result<Option<String>, HistoryError> {
        let sql = fill(include_str!("sql/unheard_rollback.sql"), &self.schema, None);
        let rows = session
            .query(&sql, &[])
            .await
            .map_err(query("could not ask for the last rollback"))?;
        Ok(rows.first().map(|row| row.text(0)))
    }

    /// Returns every row as it is shown, oldest first.
    pub async fn entries(&self, session: &Session) -> Result<Vec<HistoryEntry>, HistoryError> {
        let rows = session
            .query_long(
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

    /// Returns how long each migration of a run took, in milliseconds, by the text of its key.
    pub async fn durations(
        &self,
        session: &Session,
        run: &str,
    ) -> Result<HashMap<String, f64>, HistoryError> {
        let sql = format!(
            "select key, duration_ms::text from {}.migration where run_id = $1",
            self.quoted
        );
        let rows = session
            .query_long(&sql, &[Some(run)])
            .await
            .map_err(query("could not ask the history"))?;
        let read = |row: &Row| (row.text(0), row.text(1).parse().unwrap_or(0.0));
        Ok(rows.iter().map(read).collect())
    }

    /// Returns the position of a migration's newest journal row.
    pub async fn last_journal(
        &self,
        session: &Session,
        key: &Key,
    ) -> Result<Option<i64>, HistoryError> {
        let sql = format!(
            "select max(seq)::text from {}.statement where key in ($1, $2, $3)",
            self.quoted
        );
        let keys = [Journal::Up, Journal::Down, Journal::Undo].map(|journal| journal.key(key));
        let rows = session
            .query(&sql, &keys.each_ref().map(|key| Some(key.as_str())))
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

    /// Returns the statements that record a migration, to be sent in the migration's own
    /// transaction: evmig's row, and refinery's where it has one.
    ///
    /// `held` is a number that cannot be computed where the run's lock is lost ([`NOT_LOOKED_AT`]
    /// where that is not asked).
    pub fn record(&self, record: &Record<'_>, held: &str) -> Vec<Prepared> {
        let text = |value: &str| Some(value.to_owned());
        let row = Prepared {
            sql: self.sql.record.replace("{held}", held),
            parameters: vec![
                record.guard.and_then(text),
                Some(record.key.to_text()),
                record.version(),
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
                    RecordDuration::Milliseconds(milliseconds) => {
                        Some(format!("{milliseconds:.3}"))
                    }
                    RecordDuration::None => text("none"),
                },
                Some(record.statements.to_string()),
                record.up_sql.and_then(text),
                record.down_sql.and_then(text),
                record.reason.and_then(text),
                record.journal_seq.map(|seq| seq.to_string()),
                Some(record.facts_hash()),
            ],
        };
        let refinery_sql = match record.action {
            Action::Apply | Action::Baseline => Some(&self.sql.refinery_insert),
            Action::Repair => Some(&self.sql.refinery_upsert),
            // Refinery has no word for it, and loses the row.
            Action::Rollback => Some(&self.sql.refinery_delete),
            Action::Adopt => None,
        };
        let of_refinery = record
            .version()
            .zip(refinery_sql)
            .map(|(version, sql)| Prepared {
                sql: sql.clone(),
                parameters: match record.action {
                    Action::Rollback => vec![Some(version)],
                    _ => vec![
                        Some(version),
                        text(record.name),
                        record.refinery_checksum.and_then(text),
                    ],
                },
            });
        std::iter::once(row).chain(of_refinery).collect()
    }

    /// Returns the texts that record an applied migration in evmig's and in refinery's table, without
    /// values: to be prepared.
    pub fn record_texts(&self, held: &str) -> [Prepared; 2] {
        [
            Prepared {
                sql: self.sql.record.replace("{held}", held),
                parameters: vec![None; RECORD_PARAMETERS],
            },
            Prepared {
                sql: self.sql.refinery_insert.clone(),
                parameters: Vec::new(),
            },
        ]
    }

    /// Returns the statement that adds a row to the journal.
    pub fn journal(
        &self,
        journal: Journal,
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
                Some(journal.key(key)),
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
        let mut sql = format!("alter table {table} alter column version type int8; ");
        for (version, checksum) in checksums {
            // Writing to a String cannot fail.
            let _ = write!(
                sql,
                "update {table} set checksum = '{checksum}' where version = {version}; "
            );
        }
        session
            .run_in_transaction(&sql)
            .await
            .map_err(query("could not widen refinery's table to int8"))?;
        self.refinery.version_type = VersionType::Int8;
        self.sql = Statements::new(&self.schema, &self.refinery);
        Ok(())
    }
}
