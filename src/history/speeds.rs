//! What the history knows of how long statements over whole tables took: estimates rest on it.

use serde_json::Value;

use super::error::{HistoryError, query};
use super::model::Key;
use super::store::{fill, without_comments};
use crate::pg::named;
use crate::pg::session::Session;
use crate::report::dry_run::WorkKind;
use crate::report::event::HeldTable;
use crate::sql::name::QualifiedName;

/// How many of the newest are read.
const READ: usize = 200;

/// What says that a statement did what it is remembered for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Its text: it cannot have done anything else.
    Text,
    /// The constraint of this name is validated, by reading one table.
    Validated(String),
    /// The table's rows are in other files than before, and the transaction that held it put them there.
    Files {
        /// The tables that the statement had for itself, as they were before.
        held: Vec<HeldTable>,
        /// Whether no other statement of the transaction can have done it. Where others change tables of other names,
        /// that is only said of a table that inherits nothing and that nothing inherits from.
        is_only: bool,
    },
}

impl Evidence {
    fn constraint(&self) -> Option<&str> {
        match self {
            Self::Validated(name) => Some(name),
            _ => None,
        }
    }

    /// The tables as `[[oid, file, transaction], …]`.
    fn files(&self) -> Option<String> {
        let Self::Files { held, .. } = self else {
            return None;
        };
        let tables = held.iter().map(|one| [one.oid, one.file, one.transaction]);
        Some(
            tables
                .map(|one| one.to_vec())
                .collect::<Value>()
                .to_string(),
        )
    }

    fn is_shared(&self) -> bool {
        matches!(self, Self::Files { is_only: false, .. })
    }
}

/// One statement that went over all rows of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    /// The migration.
    pub key: Key,
    /// Its name.
    pub name: String,
    /// The statement, from 0.
    pub position: usize,
    /// What it did.
    pub work: WorkKind,
    /// What says so.
    pub evidence: Evidence,
    /// The table, as the statement names it.
    pub table: QualifiedName,
    /// Milliseconds.
    pub ms: u64,
}

/// One that is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The migration, as `V101__name`.
    pub label: String,
    /// What it did.
    pub work: WorkKind,
    /// Bytes of the table afterwards; for a rewrite with its indexes.
    pub bytes: u64,
    /// Milliseconds.
    pub ms: u64,
}

/// Classes of work that are remembered, with their words in the `work` column.
const WORK: [(WorkKind, &str); 3] = [
    (WorkKind::Scan, "scan"),
    (WorkKind::Rewrite, "rewrite"),
    (WorkKind::IndexBuild, "index_build"),
];

/// The list of one history schema.
#[derive(Debug, Clone)]
pub struct SpeedLedger {
    schema: String,
}

impl SpeedLedger {
    /// Names the list; it lives beside the history.
    pub fn new(history_schema: &str) -> Self {
        Self {
            schema: history_schema.to_owned(),
        }
    }

    async fn exists(&self, session: &Session) -> Result<bool, HistoryError> {
        let table = QualifiedName {
            schema: Some(self.schema.clone()),
            name: "speed".to_owned(),
        };
        let asked = "select (pg_catalog.to_regclass($1) is not null)::pg_catalog.text";
        let rows = session
            .query(asked, &[Some(&table.quoted())])
            .await
            .map_err(query("could not look for the list of speeds"))?;
        Ok(rows.first().is_some_and(|row| row.truth(0)))
    }

    /// Returns the newest ones, newest first.
    pub async fn newest(&self, session: &Session) -> Result<Vec<Remembered>, HistoryError> {
        if !self.exists(session).await? {
            return Ok(Vec::new());
        }
        let sql = fill(include_str!("sql/speeds.sql"), &self.schema, None);
        let rows = session
            .query_long(&sql, &[Some(&READ.to_string())])
            .await
            .map_err(query("could not read the list of speeds"))?;
        let read = rows.iter().filter_map(|row| {
            let number = |at| row.number(at).and_then(|number| u64::try_from(number).ok());
            let word = row.text(2);
            let (work, _) = WORK.into_iter().find(|(_, known)| *known == word)?;
            Some(Remembered {
                label: Key::parse(&row.text(0))?.label(&row.text(1)),
                work,
                bytes: number(3)?,
                ms: number(4)?,
            })
        });
        Ok(read.collect())
    }

    /// Enters what a run has seen, in one transaction. `path` is the search path that the statements' names are read
    /// in. A table that is small, or is not there any more, tells nothing and is left out, and so is what the catalog does
    /// not bear out.
    pub async fn enter(
        &self,
        session: &Session,
        run: &str,
        path: &str,
        passes: &[Pass],
    ) -> Result<(), HistoryError> {
        let entered = self.entered(session, run, path, passes).await;
        let end = if entered.is_ok() {
            "commit"
        } else {
            "rollback"
        };
        let ended = session.run(end).await;
        entered?;
        ended.map_err(query("could not write the list of speeds"))
    }

    async fn entered(
        &self,
        session: &Session,
        run: &str,
        path: &str,
        passes: &[Pass],
    ) -> Result<(), HistoryError> {
        let failed = || query("could not write the list of speeds");
        // What locks a table for long must not keep a run from its end.
        let begin = format!("begin; set local lock_timeout = '2s'; set local search_path = {path}");
        session.run(&begin).await.map_err(failed())?;
        let names = passes.iter().map(|pass| pass.table.quoted());
        let oids = named::oids(session, names).await.map_err(failed())?;
        let found = passes.iter().zip(oids);
        let found = found.filter_map(|(pass, oid)| Some((pass, oid?.to_string())));
        let own = "set local search_path = pg_catalog, pg_temp";
        session.run(own).await.map_err(failed())?;
        if !self.exists(session).await? {
            let sql = fill(include_str!("sql/speed.sql"), &self.schema, None);
            session.run(&sql).await.map_err(failed())?;
        }
        let text = include_str!("sql/speed_record.sql");
        let text = text.replace("{hash}", include_str!("sql/speed_hash.sql"));
        let sql = fill(&without_comments(&text), &self.schema, None);
        for (pass, oid) in found {
            let word = WORK.into_iter().find(|(work, _)| *work == pass.work);
            let files = pass.evidence.files();
            let parameters = [
                Some(run),
                Some(&pass.key.to_text()),
                Some(&pass.name),
                Some(&pass.position.to_string()),
                word.map(|(_, word)| word),
                Some(&oid),
                Some(&pass.ms.to_string()),
                pass.evidence.constraint(),
                files.as_deref(),
                Some(if pass.evidence.is_shared() { "t" } else { "f" }),
            ];
            session.query(&sql, &parameters).await.map_err(failed())?;
        }
        Ok(())
    }
}
