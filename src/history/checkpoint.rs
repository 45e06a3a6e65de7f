//! Checkpoints: what the catalog was, at which place among the rows of the history.

use super::error::{HistoryError, query};
use super::store::{Store, fill, without_comments};
use crate::pg::session::{Row, Session};

/// How many catalogs are kept in full; of older ones the fingerprint remains.
pub const KEPT_CATALOGS: usize = 32;

/// When in its run a checkpoint was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Under the lock, before anything ran: what differs from the checkpoint before it, the run did not do.
    Begin,
    /// Behind a migration that is not the run's last one.
    Between,
    /// Behind the last one, or where the run stopped.
    End,
}

impl Moment {
    const ALL: [Self; 3] = [Self::Begin, Self::Between, Self::End];

    /// Returns the word in the `moment` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Between => "between",
            Self::End => "end",
        }
    }

    /// Reads the word in the `moment` column.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|moment| moment.as_str() == word)
    }
}

/// One row of the `checkpoint` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Position.
    pub seq: i64,
    /// Run id.
    pub run: String,
    /// When in the run.
    pub moment: Moment,
    /// The newest row of `migration` that it lies behind; `None` before all of them.
    pub migration_seq: Option<i64>,
    /// When, RFC 3339 in UTC.
    pub at: String,
    /// The catalog's fingerprint.
    pub fingerprint: String,
    /// Whether the catalog is still there in full.
    pub is_kept: bool,
}

fn checkpoint(row: &Row) -> Result<Checkpoint, HistoryError> {
    let seq = row.number(0).unwrap_or_default();
    let moment = Moment::parse(&row.text(2)).ok_or(HistoryError::Unreadable {
        seq,
        column: "moment",
    })?;
    Ok(Checkpoint {
        seq,
        run: row.text(1),
        moment,
        migration_seq: row.number(3),
        at: row.text(4),
        fingerprint: row.text(5),
        is_kept: row.truth(6),
    })
}

/// The newest checkpoint, with whether it tells of the newest state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Whether anything was run since: that run was killed, or could not read the catalog.
    pub is_outrun: bool,
}

/// A catalog that is kept in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCatalog {
    /// Its document.
    pub document: String,
    /// What its objects keep when they are renamed; `None` where that was not written down in this database.
    pub keys: Option<String>,
}

impl Store {
    /// Returns all checkpoints, oldest first.
    pub async fn checkpoints(&self, session: &Session) -> Result<Vec<Checkpoint>, HistoryError> {
        let sql = self.filled(include_str!("sql/checkpoints_read.sql"));
        let rows = session
            .query_long(&sql, &[])
            .await
            .map_err(query("could not read the checkpoints"))?;
        rows.iter().map(checkpoint).collect()
    }

    /// Returns the newest checkpoint.
    pub async fn newest_checkpoint(
        &self,
        session: &Session,
    ) -> Result<Option<Newest>, HistoryError> {
        let sql = self.filled(include_str!("sql/checkpoint_newest.sql"));
        let rows = session
            .query(&sql, &[])
            .await
            .map_err(query("could not read the newest checkpoint"))?;
        let newest = rows.first().map(|row| {
            Ok(Newest {
                checkpoint: checkpoint(row)?,
                is_outrun: row.truth(7),
            })
        });
        newest.transpose()
    }

    /// Returns a catalog; `None` where it is not kept any more. `cluster` is the cluster's identifier, where it may be
    /// read.
    pub async fn catalog(
        &self,
        session: &Session,
        fingerprint: &str,
        cluster: Option<&str>,
    ) -> Result<Option<KeptCatalog>, HistoryError> {
        let rows = if self.has_keys() {
            let sql = self.filled(include_str!("sql/catalog_read.sql"));
            session
                .query_catalog(&sql, &[Some(fingerprint), cluster])
                .await
        } else {
            let sql =
                self.filled("select document, null from {schema}.catalog where fingerprint = $1");
            session.query_catalog(&sql, &[Some(fingerprint)]).await
        };
        let rows = rows.map_err(query("could not read a catalog that the history keeps"))?;
        Ok(rows.first().map(|row| KeptCatalog {
            document: row.text(0),
            keys: row.get(1).map(str::to_owned),
        }))
    }

    /// Adds a checkpoint, in the transaction that is open or in one of its own: its row, unless the newest one says the
    /// same already, and the catalog in full, where `document` has it. Older catalogs go. `keys` are what the catalog's
    /// objects keep when they are renamed, with the cluster's identifier.
    pub async fn add_checkpoint(
        &self,
        session: &Session,
        run: &str,
        moment: Moment,
        fingerprint: &str,
        document: Option<&str>,
        keys: Option<(&str, &str)>,
    ) -> Result<(), HistoryError> {
        let sql = include_str!("sql/checkpoint_record.sql")
            .replace("{hash}", include_str!("sql/checkpoint_hash.sql"));
        let kept = KEPT_CATALOGS.to_string();
        let parameters = [
            Some(run),
            Some(moment.as_str()),
            Some(fingerprint),
            document,
            Some(kept.as_str()),
            keys.map(|(keys, _)| keys),
            keys.map(|(_, cluster)| cluster),
        ];
        session
            .query(&self.filled(&sql), &parameters)
            .await
            .map_err(query("could not record a checkpoint"))?;
        Ok(())
    }

    fn filled(&self, text: &str) -> String {
        fill(&without_comments(text), self.schema(), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_survive_their_words() {
        for moment in Moment::ALL {
            assert_eq!(Moment::parse(moment.as_str()), Some(moment));
        }
        assert_eq!(Moment::parse("middle"), None);
    }
}
