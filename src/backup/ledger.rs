//! What the database remembers of its backups: the table `backup` beside the history.
//!
//! The manifest's hash in it says, in the target itself, which manifest was written when: one that
//! somebody has written later, with a stolen key, is not in it. Rows are chained by hashes as the
//! history's are.

use super::error::BackupError;
use super::figures::quoted;
use super::make::Made;
use super::manifest::Manifest;
use crate::history::verify::BadRow;
use crate::pg::error::DbFailure;
use crate::pg::session::Session;
use crate::sql::name::QualifiedName;

/// The table of one history schema.
#[derive(Debug, Clone)]
pub struct Ledger {
    schema: String,
    table: String,
}

/// A backup as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    /// The machine that it was made on.
    pub host: String,
    /// Its folder there.
    pub path: String,
    /// Its manifest's hash.
    pub manifest_sha256: String,
    /// When its snapshot was taken, for people.
    pub taken_at: String,
    /// How long ago that was, by the server's clock.
    pub age_seconds: u64,
}

/// A restore that is to be remembered.
#[derive(Debug, Clone, Copy)]
pub struct Restored<'a> {
    /// The run.
    pub run: &'a str,
    /// What it restored from.
    pub manifest: &'a Manifest,
    /// The manifest's hash.
    pub manifest_sha256: &'a str,
    /// The backup's folder.
    pub path: &'a str,
    /// The machine that evmig runs on.
    pub host: &'a str,
    /// Rows that were restored.
    pub rows: u64,
    /// The tables, and with which client.
    pub what: &'a str,
}

impl Ledger {
    /// Names the table; it lives beside the history.
    pub fn new(history_schema: &str) -> Self {
        Self {
            schema: QualifiedName {
                schema: None,
                name: history_schema.to_owned(),
            }
            .quoted(),
            table: quoted(history_schema, "backup"),
        }
    }

    fn fill(&self, text: &str) -> String {
        // One pass over each: a name may itself read `{table}`.
        let parts: Vec<String> = text
            .split("{table}")
            .map(|part| part.replace("{schema}", &self.schema))
            .collect();
        parts.join(&self.table)
    }

    async fn exists(&self, session: &Session) -> Result<bool, BackupError> {
        let rows = session
            .query(
                "select (pg_catalog.to_regclass($1) is not null)::text",
                &[Some(&self.table)],
            )
            .await
            .map_err(BackupError::own("could not look for the list of backups"))?;
        Ok(rows.first().is_some_and(|row| row.truth(0)))
    }

    /// Remembers a backup, in a transaction of its own.
    pub async fn made(&self, session: &Session, made: &Made) -> Result<(), BackupError> {
        let manifest = &made.manifest;
        let path = made.path.to_string_lossy().into_owned();
        let (bytes, rows) = (manifest.bytes().to_string(), manifest.rows().to_string());
        self.insert(
            session,
            &[
                Some(&manifest.id),
                Some("made"),
                Some(&manifest.taken_at),
                Some(env!("CARGO_PKG_VERSION")),
                Some(&manifest.made_by.host),
                Some(&path),
                Some(&made.manifest_sha256),
                Some(&manifest.key_id),
                Some(&bytes),
                Some(&rows),
                manifest.server.system_identifier.as_deref(),
                None,
            ],
        )
        .await
    }

    /// Remembers that a run went on without a fresh backup, and why.
    pub async fn waived(
        &self,
        session: &Session,
        run: &str,
        host: &str,
        reason: &str,
    ) -> Result<(), BackupError> {
        let mut values = [None; 12];
        values[0] = Some(run);
        values[1] = Some("waived");
        values[3] = Some(env!("CARGO_PKG_VERSION"));
        values[4] = Some(host);
        values[11] = Some(reason);
        self.insert(session, &values).await
    }

    /// Remembers a restore, in the transaction that is open; [`Self::create`] comes before it.
    pub async fn restored(
        &self,
        session: &Session,
        restored: &Restored<'_>,
    ) -> Result<(), DbFailure> {
        let rows = restored.rows.to_string();
        let values = [
            Some(restored.run),
            Some("restored"),
            Some(&restored.manifest.taken_at),
            Some(env!("CARGO_PKG_VERSION")),
            Some(restored.host),
            Some(restored.path),
            Some(restored.manifest_sha256),
            Some(&restored.manifest.key_id),
            None,
            Some(&rows),
            restored.manifest.server.system_identifier.as_deref(),
            Some(restored.what),
        ]
        .map(|value: Option<&str>| value);
        self.insert_within(session, &values).await
    }

    /// Makes the table unless it is there.
    pub async fn create(&self, session: &Session) -> Result<(), BackupError> {
        if self.exists(session).await? {
            return Ok(());
        }
        let create = self.fill(include_str!("sql/create.sql"));
        let create = format!("set local client_min_messages = warning; {create}");
        session
            .run_in_transaction(&create)
            .await
            .map_err(BackupError::own("could not make the list of backups"))
    }

    async fn insert_within(
        &self,
        session: &Session,
        values: &[Option<&str>; 12],
    ) -> Result<(), DbFailure> {
        // Two that write at once would both follow the same row.
        let lock = format!("lock table {} in share row exclusive mode", self.table);
        let insert = include_str!("sql/insert.sql")
            .replace("{hash}", include_str!("sql/row_hash.sql").trim_end());
        session.run(&lock).await?;
        session.query(&self.fill(&insert), values).await.map(|_| ())
    }

    async fn insert(
        &self,
        session: &Session,
        values: &[Option<&str>; 12],
    ) -> Result<(), BackupError> {
        let own = || BackupError::own("could not write to the list of backups");
        self.create(session).await?;
        let written = async {
            session.run("begin").await?;
            self.insert_within(session, values).await?;
            session.run("commit").await
        };
        let written = written.await;
        if written.is_err() {
            // Where even this fails the session is over, and the first failure says why.
            drop(session.run("rollback").await);
        }
        written.map_err(own())
    }

    /// Recomputes the hash of every row; returns how many there are, and the first that does not hold.
    pub async fn verify(&self, session: &Session) -> Result<(u64, Option<BadRow>), BackupError> {
        if !self.exists(session).await? {
            return Ok((0, None));
        }
        let sql = include_str!("sql/verify.sql")
            .replace("{hash}", include_str!("sql/row_hash.sql").trim_end());
        let rows = session
            .query(&self.fill(&sql), &[])
            .await
            .map_err(BackupError::own("could not verify the list of backups"))?;
        let Some(row) = rows.first() else {
            return Ok((0, None));
        };
        let count = row.number(0).and_then(|rows| u64::try_from(rows).ok());
        let bad = row.number(1).map(|seq| BadRow::Row {
            table: "backup",
            seq,
            label: row.text(2),
            previous: row.number(3),
        });
        Ok((count.unwrap_or_default(), bad))
    }

    /// Returns the newest backups of this database, newest first; none where there is no table.
    pub async fn newest(
        &self,
        session: &Session,
        system_identifier: Option<&str>,
    ) -> Result<Vec<Remembered>, BackupError> {
        if !self.exists(session).await? {
            return Ok(Vec::new());
        }
        let rows = session
            .query(
                &self.fill(include_str!("sql/newest.sql")),
                &[system_identifier],
            )
            .await
            .map_err(BackupError::own("could not read the list of backups"))?;
        Ok(rows
            .iter()
            .map(|row| Remembered {
                host: row.text(0),
                path: row.text(1),
                manifest_sha256: row.text(2),
                taken_at: row.text(3),
                age_seconds: row
                    .number(4)
                    .and_then(|age| u64::try_from(age).ok())
                    .unwrap_or_default(),
            })
            .collect())
    }
}
