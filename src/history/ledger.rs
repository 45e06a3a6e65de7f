//! The ledger of triggers that are switched off beyond a transaction: what `evmig triggers` has written in the very
//! transaction that switched them, so that it is so, whoever died meanwhile.

use serde_json::{Value, json};

use super::error::{HistoryError, query};
use super::store::fill;
use crate::pg::session::Session;
use crate::sql::name::QualifiedName;

/// A trigger that is off, by the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Off {
    /// Its table.
    pub table: QualifiedName,
    /// Its name.
    pub trigger: String,
    /// The letter of the state that it had.
    pub state: String,
    /// Whether the server made it for a constraint.
    pub of_system: bool,
    /// The run that switched it off.
    pub run: String,
    /// Who that was.
    pub actor: String,
    /// When, RFC 3339 in UTC.
    pub at: String,
}

impl Off {
    /// Returns whether it was switched off, and not off before.
    pub fn was_on(&self) -> bool {
        self.state != "D"
    }
}

/// What is entered of one trigger.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// `disable`; `enable`, or `gone` where there was none any more that could be.
    pub action: &'static str,
    /// Its table, with the schema.
    pub table: &'a QualifiedName,
    /// Its name.
    pub trigger: &'a str,
    /// The letter of the state that it had before it was switched off.
    pub state: &'static str,
    /// Whether the server made it for a constraint.
    pub of_system: bool,
}

/// The ledger of one history schema.
#[derive(Debug, Clone)]
pub struct TriggerLedger {
    schema: String,
    table: String,
}

impl TriggerLedger {
    /// Names the ledger; it lives beside the history.
    pub fn new(history_schema: &str) -> Self {
        let table = QualifiedName {
            schema: Some(history_schema.to_owned()),
            name: "trigger_state".to_owned(),
        };
        Self {
            schema: history_schema.to_owned(),
            table: table.quoted(),
        }
    }

    /// Returns whether there is one.
    pub async fn exists(&self, session: &Session) -> Result<bool, HistoryError> {
        let rows = session
            .query(
                "select (pg_catalog.to_regclass($1) is not null)::text",
                &[Some(&self.table)],
            )
            .await
            .map_err(query("could not look for the ledger of triggers"))?;
        Ok(rows.first().is_some_and(|row| row.truth(0)))
    }

    /// Returns the triggers that are off by the ledger; none where there is no ledger.
    pub async fn off(&self, session: &Session) -> Result<Vec<Off>, HistoryError> {
        if !self.exists(session).await? {
            return Ok(Vec::new());
        }
        let sql = fill(
            include_str!("sql/trigger_state_off.sql"),
            &self.schema,
            None,
        );
        let rows = session
            .query_long(&sql, &[])
            .await
            .map_err(query("could not read the ledger of triggers"))?;
        let off = rows.iter().map(|row| Off {
            table: QualifiedName {
                schema: Some(row.text(0)),
                name: row.text(1),
            },
            trigger: row.text(2),
            state: row.text(3),
            of_system: row.truth(4),
            run: row.text(5),
            actor: row.text(6),
            at: row.text(7),
        });
        Ok(off.collect())
    }

    /// Makes the ledger unless it is there. Asked inside a transaction.
    pub async fn create_if_missing(&self, session: &Session) -> Result<(), HistoryError> {
        if self.exists(session).await? {
            return Ok(());
        }
        session
            .run(&fill(
                include_str!("sql/trigger_state.sql"),
                &self.schema,
                None,
            ))
            .await
            .map_err(query("could not make the ledger of triggers"))
    }

    /// Enters what is being done in this transaction.
    pub async fn enter(
        &self,
        session: &Session,
        run: &str,
        reason: Option<&str>,
        entries: &[Entry<'_>],
    ) -> Result<(), HistoryError> {
        let rows: Vec<Value> = entries
            .iter()
            .map(|one| {
                json!([
                    one.action,
                    one.table.schema,
                    one.table.name,
                    one.trigger,
                    one.state,
                    one.of_system
                ])
            })
            .collect();
        let rows = Value::from(rows).to_string();
        let text = include_str!("sql/trigger_state_record.sql");
        let text = text.replace("{hash}", include_str!("sql/trigger_state_hash.sql"));
        session
            .query(
                &fill(&text, &self.schema, None),
                &[Some(run), reason, Some(&rows)],
            )
            .await
            .map_err(query("could not write the ledger of triggers"))?;
        Ok(())
    }
}
