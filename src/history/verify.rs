//! Proves that nobody has changed the history by hand, or names the first row that was.

use super::error::{HistoryError, query};
use super::locate::Located;
use super::model::VersionType;
use super::store::fill;
use super::upgrade::Format;
use crate::pg::error::DbFailure;
use crate::pg::session::{Row, Session};
use crate::project::checksum;
use crate::sql::name::QualifiedName;

/// What is wrong with the history first.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRow {
    /// A row's hash does not follow from its content and the row before it.
    #[error("{table} row {seq}, {label}, is not as it was written")]
    Row {
        /// Table in the history schema.
        table: &'static str,
        /// Position.
        seq: i64,
        /// What the row is about.
        label: String,
        /// Position of the row before it, as the table now stands.
        previous: Option<i64>,
    },
    /// The ends do not meet: rows are missing at the end, or refinery's table differs.
    #[error("{difference}")]
    End {
        /// Where: `run` or `refinery`.
        table: String,
        /// What differs.
        difference: String,
    },
}

/// The result of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// How many rows were recomputed.
    pub rows: u64,
    /// What is wrong first; `None` where everything holds.
    pub first_bad: Option<BadRow>,
}

/// Recomputes every hash in the database and compares. Reads only.
pub async fn verify(session: &Session, located: &Located) -> Result<Proof, HistoryError> {
    let what = "could not verify the history";
    let mut proof = Proof {
        rows: 0,
        first_bad: None,
    };
    let later = later_chains(session, located.schema()).await?;
    let has_ledger = later.iter().any(|chain| chain.0 == LEDGER);
    let later = later
        .into_iter()
        .map(|(table, text, hash)| (table, text.replace("{hash}", hash)));
    for (table, text) in chains(located).into_iter().chain(later) {
        let sql = fill(&text, located.schema(), Some(located.refinery()));
        let rows = session.query(&sql, &[]).await.map_err(query(what))?;
        let Some(row) = rows.first() else { continue };
        proof.rows += row
            .number(0)
            .and_then(|rows| u64::try_from(rows).ok())
            .unwrap_or_default();
        if let (Some(seq), None) = (row.number(1), &proof.first_bad) {
            proof.first_bad = Some(BadRow::Row {
                table,
                seq,
                label: row.text(2),
                previous: row.number(3),
            });
        }
    }
    if proof.first_bad.is_none() {
        proof.first_bad = bad_end(session, located).await.map_err(query(what))?;
    }
    if proof.first_bad.is_none() {
        proof.first_bad = lost_ledger(session, located.schema(), has_ledger).await?;
    }
    Ok(proof)
}

/// The tables with a chain each, and what finds the first row that breaks it.
fn chains(located: &Located) -> Vec<(&'static str, String)> {
    let has_checkpoints = located.format().is_some_and(Format::has_checkpoints);
    let (table, hash_of_end) = if has_checkpoints {
        ("{schema}.checkpoint", "r.end_checkpoint_hash")
    } else {
        ("(select null as row_hash)", "null::text")
    };
    let mut chains = vec![
        (
            "migration",
            include_str!("sql/verify_migrations.sql"),
            include_str!("sql/migration_hash.sql"),
        ),
        (
            "statement",
            include_str!("sql/verify_statements.sql"),
            include_str!("sql/statement_hash.sql"),
        ),
        (
            "run",
            include_str!("sql/verify_runs.sql"),
            include_str!("sql/run_hash.sql"),
        ),
        (
            "run",
            include_str!("sql/verify_run_ends.sql"),
            include_str!("sql/run_end_hash.sql"),
        ),
    ];
    if has_checkpoints {
        let checkpoints = (
            "checkpoint",
            include_str!("sql/verify_checkpoints.sql"),
            include_str!("sql/checkpoint_hash.sql"),
        );
        // Before the runs, whose ends miss what the chain itself can name.
        chains.insert(2, checkpoints);
    }
    let filled = chains.into_iter().map(|(name, text, hash)| {
        let text = text
            .replace("{hash}", hash)
            .replace("{facts}", include_str!("sql/migration_facts.sql"))
            .replace("{end_checkpoint_hash}", hash_of_end)
            .replace("{checkpoint}", table);
        (name, text)
    });
    filled.collect()
}

/// What holds in each row, and does not fit together.
async fn bad_end(session: &Session, located: &Located) -> Result<Option<BadRow>, DbFailure> {
    let refinery = located.refinery();
    let filled = |text: &str| fill(text, located.schema(), Some(refinery));
    let end = |row: &Row| BadRow::End {
        table: row.text(0),
        difference: row.text(1),
    };
    if located.format().is_some_and(Format::has_checkpoints) {
        let sql = filled(include_str!("sql/verify_catalogs.sql"));
        if let Some(row) = session.query(&sql, &[]).await?.first() {
            return Ok(Some(end(row)));
        }
    }
    let sql = filled(include_str!("sql/verify_ends.sql"));
    let rows = session.query_long(&sql, &[]).await?;
    Ok(rows
        .iter()
        .find(|row| refinery.version_type != VersionType::Int8 || !was_widened(row))
        .map(end))
}

/// The ledger of triggers.
const LEDGER: &str = "trigger_state";

/// Runs that switched triggers are known without the ledger, too.
async fn lost_ledger(
    session: &Session,
    schema: &str,
    has_ledger: bool,
) -> Result<Option<BadRow>, HistoryError> {
    let missing = if has_ledger {
        "not exists (select from {schema}.trigger_state s where s.run_id = r.id)"
    } else {
        "true"
    };
    let text = include_str!("sql/verify_trigger_runs.sql").replace("{missing}", missing);
    let rows = session
        .query(&fill(&text, schema, None), &[])
        .await
        .map_err(query("could not verify the history"))?;
    Ok(rows.first().map(|row| BadRow::End {
        table: row.text(0),
        difference: row.text(1),
    }))
}

/// A table's name, the query for its first bad row, and the expression of its hash.
type Chain = (&'static str, &'static str, &'static str);

/// Returns the chains of the tables that are made when they are first needed.
async fn later_chains(session: &Session, schema: &str) -> Result<Vec<Chain>, HistoryError> {
    let chains = [
        (
            LEDGER,
            include_str!("sql/verify_trigger_states.sql"),
            include_str!("sql/trigger_state_hash.sql"),
        ),
        (
            "kept",
            include_str!("sql/verify_kept.sql"),
            include_str!("sql/kept_hash.sql"),
        ),
        (
            "speed",
            include_str!("sql/verify_speeds.sql"),
            include_str!("sql/speed_hash.sql"),
        ),
    ];
    let mut found = Vec::new();
    for chain in chains {
        let table = QualifiedName {
            schema: Some(schema.to_owned()),
            name: chain.0.to_owned(),
        };
        let rows = session
            .query(
                "select (pg_catalog.to_regclass($1) is not null)::text",
                &[Some(&table.quoted())],
            )
            .await
            .map_err(query("could not verify the history"))?;
        if rows.first().is_some_and(|row| row.truth(0)) {
            found.push(chain);
        }
    }
    Ok(found)
}

/// A row written before refinery's table became int8 keeps the checksum of its time, and refinery's
/// own row has got the one for the new width: it must follow from the stored script.
pub fn was_widened(row: &Row) -> bool {
    let (Some(version), Some(name), Some(checksum), Some(script)) =
        (row.number(2), row.get(3), row.get(4), row.get(5))
    else {
        return false;
    };
    i32::try_from(version).is_ok()
        && checksum::line_endings(script)
            .iter()
            .any(|text| checksum::refinery_i64(name, version, text).to_string() == checksum)
}
