//! What the history knows of copies of destroyed rows: which there are, and what became of them.

use super::error::{HistoryError, query};
use super::store::fill;
use crate::pg::session::Session;
use crate::sql::name::QualifiedName;

/// A copy that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// The name of its table.
    pub kept_table: String,
    /// The table whose rows it has.
    pub table: QualifiedName,
    /// How they were lost: `dropped`, `truncated`, `deleted`, `columns`.
    pub way: String,
    /// The columns that were lost, where the rows were not.
    pub columns: Vec<String>,
    /// How many rows.
    pub rows: u64,
    /// The run that destroyed them.
    pub run: String,
    /// Who that was.
    pub actor: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// When they were last put back.
    pub restored_at: Option<String>,
    /// What it takes on disk; `None` where its table is gone.
    pub bytes: Option<u64>,
}

/// What is entered of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptAction {
    /// It was made.
    Keep,
    /// Its rows were put back.
    Restore,
    /// It was dropped.
    Drop,
}

impl KeptAction {
    fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Restore => "restore",
            Self::Drop => "drop",
        }
    }
}

/// The list of copies of one history schema.
#[derive(Debug, Clone)]
pub struct KeptLedger {
    schema: String,
    table: String,
}

impl KeptLedger {
    /// Names the list; it lives beside the history.
    pub fn new(history_schema: &str) -> Self {
        let table = QualifiedName {
            schema: Some(history_schema.to_owned()),
            name: "kept".to_owned(),
        };
        Self {
            schema: history_schema.to_owned(),
            table: table.quoted(),
        }
    }

    async fn exists(&self, session: &Session) -> Result<bool, HistoryError> {
        let rows = session
            .query(
                "select (pg_catalog.to_regclass($1) is not null)::text",
                &[Some(&self.table)],
            )
            .await
            .map_err(query("could not look for the list of copies"))?;
        Ok(rows.first().is_some_and(|row| row.truth(0)))
    }

    /// Returns the copies that were not dropped, oldest first; `side_schema` is where they are.
    pub async fn copies(
        &self,
        session: &Session,
        side_schema: &str,
    ) -> Result<Vec<Copy>, HistoryError> {
        if !self.exists(session).await? {
            return Ok(Vec::new());
        }
        let sql = fill(include_str!("sql/kept_copies.sql"), &self.schema, None);
        let rows = session
            .query_long(&sql, &[Some(side_schema)])
            .await
            .map_err(query("could not read the list of copies"))?;
        let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
        let copies = rows.iter().map(|row| Copy {
            kept_table: row.text(0),
            table: QualifiedName {
                schema: Some(row.text(1)),
                name: row.text(2),
            },
            way: row.text(3),
            columns: serde_json::from_str(&row.text(4)).unwrap_or_default(),
            rows: number(row.get(5)).unwrap_or_default(),
            run: row.text(6),
            actor: row.text(7),
            at: row.text(8),
            restored_at: row.get(9).map(str::to_owned),
            bytes: number(row.get(10)),
        });
        Ok(copies.collect())
    }

    /// Enters what is being done in this transaction, in evmig's own search path.
    pub async fn enter(
        &self,
        session: &Session,
        run: &str,
        action: KeptAction,
        copy: &Copy,
    ) -> Result<(), HistoryError> {
        let failed = || query("could not write the list of copies");
        if !self.exists(session).await? {
            let sql = fill(include_str!("sql/kept.sql"), &self.schema, None);
            session.run(&sql).await.map_err(failed())?;
        }
        let text = include_str!("sql/kept_record.sql");
        let text = text.replace("{hash}", include_str!("sql/kept_hash.sql"));
        let columns = serde_json::Value::from(copy.columns.clone()).to_string();
        session
            .query(
                &fill(&text, &self.schema, None),
                &[
                    Some(run),
                    Some(action.as_str()),
                    Some(&copy.kept_table),
                    copy.table.schema.as_deref(),
                    Some(&copy.table.name),
                    Some(&copy.way),
                    Some(&columns),
                    Some(&copy.rows.to_string()),
                ],
            )
            .await
            .map_err(failed())?;
        Ok(())
    }
}
