//! A database that stays from one dry run to the next: files have run in it, and the next dry run copies it where it
//! would run the very same files again.
//!
//! There is one at most, on the server that evmig starts for dry runs alone, and none is older than that server's
//! start: what it wrote is not safe from a power cut. `chain` hashes what decides the state that files make. The
//! database's comment is the hash of what it was made from, and one of the roles as they were. If no file of this dry
//! run leads to the first, or the second is another, it goes, and all files run. Where it is as pending files left it,
//! `record` says what was measured of them. What is the state before the pending files is held against the target like
//! that of any other throw-away database.
//!
//! It is kept after the applied files, if they took long. Where the next dry run differs only from some pending file
//! on, it is kept before that one: what was edited once will be edited again. Where nothing is kept yet, it is kept
//! after all files. What was measured of all pending files needs no database when it is asked for again.

mod chain;
mod record;

use std::time::{Duration, Instant};

pub(super) use chain::Chain;
pub(super) use record::Record;

use super::error::PreviewError;
use super::roles;
use super::server::{Server, quoted};
use super::state::Work;
use crate::pg::error::DbFailure;
use crate::sql::quote::literal;

/// What it is called. No name of a throw-away database is like this.
pub(super) const NAME: &str = "evmig_shadow_base";

/// What is done where asking fails.
const LOOK: &str = "could not look for the database that an earlier dry run kept";

/// What is done where keeping fails.
const KEEP: &str = "could not keep the database in which the files have run";

/// What takes less than this to run is not worth a copy.
const WORTH: Duration = Duration::from_millis(250);

/// What is kept, and what is worth keeping. Files are counted from the first that was applied.
pub(super) struct Base {
    /// `None` where nothing is kept.
    chain: Option<Chain>,
    /// After how many files a database is kept.
    kept: Option<usize>,
    /// The roles and the rest, as one hash.
    state: String,
    /// With how many files the last dry run began as this one does.
    common: usize,
    /// Since when files run that have not run in the database that is kept.
    since: Instant,
}

impl Base {
    /// Asks for all that what is kept is held against. Where all is to run `anew`, nothing stays kept.
    pub(super) async fn of(
        server: &Server,
        chain: Option<Chain>,
        anew: bool,
    ) -> Result<Self, PreviewError> {
        let mut base = Self {
            chain,
            kept: None,
            state: String::new(),
            common: 0,
            since: Instant::now(),
        };
        if anew || base.chain.is_none() {
            base.forget(server).await?;
        }
        let asked = base.ask(server, anew).await;
        asked.map_err(PreviewError::shadow(LOOK))?;
        Ok(base)
    }

    async fn ask(&mut self, server: &Server, anew: bool) -> Result<(), DbFailure> {
        let Some(chain) = &self.chain else {
            return Ok(());
        };
        let session = &server.session;
        record::prepare(session).await?;
        if anew {
            record::clear(session).await?;
        }
        self.state = role_state(server).await?;
        self.common = chain.common(&record::earlier(session).await?);
        Ok(())
    }

    /// Finds what was measured of all pending files.
    pub(super) async fn whole(&self, server: &Server) -> Result<Option<Record>, PreviewError> {
        let end = self.chain.as_ref().map_or(0, Chain::end);
        self.record(server, end).await
    }

    /// Finds the database if it is the one, and what was measured of the pending files that ran in it. One that is not
    /// goes, with the roles that it needed.
    pub(super) async fn database(
        &mut self,
        server: &Server,
    ) -> Result<Option<Record>, PreviewError> {
        let (Some(chain), Some(comment)) = (&self.chain, comment(server).await?) else {
            return Ok(None);
        };
        let made_from = comment.split_once(' ');
        let made_from = made_from.filter(|(_, state)| *state == self.state);
        let files = made_from.and_then(|(key, _)| chain.position(key));
        let is_beyond = files.is_some_and(|files| files > chain.applied());
        let record = match files {
            Some(files) if is_beyond => self.record(server, files).await?,
            _ => None,
        };
        self.kept = files.filter(|_| !is_beyond || record.is_some());
        if self.kept.is_none() {
            self.forget(server).await?;
        }
        Ok(record)
    }

    async fn record(&self, server: &Server, files: usize) -> Result<Option<Record>, PreviewError> {
        let Some(chain) = &self.chain else {
            return Ok(None);
        };
        let found = record::find(&server.session, chain.key(files), &self.state).await;
        let found = found.map_err(PreviewError::shadow(LOOK))?;
        Ok(found.filter(|record| record.applied == chain.applied()))
    }

    /// Returns after how many files a database is kept.
    pub(super) fn kept(&self) -> Option<usize> {
        self.kept
    }

    /// Drops what is kept: what it was made from is not what the target has.
    pub(super) async fn forget(&mut self, server: &Server) -> Result<(), PreviewError> {
        self.kept = None;
        clear(server).await?;
        self.state = role_state(server)
            .await
            .map_err(PreviewError::shadow(LOOK))?;
        self.since = Instant::now();
        Ok(())
    }

    /// Says that nothing is to be kept of this dry run: more than files made its state.
    pub(super) fn keep_nothing(&mut self) {
        self.chain = None;
    }

    /// Returns whether the state after so many files is worth keeping before the next one runs.
    pub(super) fn is_worth(&self, files: usize) -> bool {
        let Some(chain) = &self.chain else {
            return false;
        };
        let is_edited = self.common > chain.applied() && self.common < chain.end();
        let wanted = if is_edited {
            self.common
        } else {
            chain.applied()
        };
        files > 0
            && files == wanted
            && self.kept.is_none_or(|kept| kept < files)
            && self.since.elapsed() >= WORTH
    }

    /// Returns whether what was measured of all files is worth noting, which were done `at` that moment.
    pub(super) fn is_whole_worth(&self, at: Instant) -> bool {
        self.chain.is_some() && at.duration_since(self.since) >= WORTH
    }

    /// Keeps the database as it is after so many files, in the place of the one before; returns it where a copy of it
    /// would not have all that it has.
    pub(super) async fn keep(
        &mut self,
        server: &Server,
        files: usize,
        record: Option<&Record>,
        work: Work,
    ) -> Result<Option<Work>, PreviewError> {
        let Some(chain) = &self.chain else {
            return Ok(Some(work));
        };
        if !is_copyable(server, &work.name).await? {
            return Ok(Some(work));
        }
        work.opened.session.close(Duration::from_secs(1)).await;
        let kept = kept(server, chain.key(files), &work.name).await;
        self.state = kept.map_err(PreviewError::shadow(KEEP))?;
        self.kept = Some(files);
        self.since = Instant::now();
        if let Some(record) = record {
            self.write(server, files, record).await?;
        }
        Ok(None)
    }

    /// Notes what was measured of all files, and which they were, so that the next dry run knows from where on it is
    /// another. The database is kept, too, if there is none.
    pub(super) async fn keep_whole(
        &mut self,
        server: &Server,
        record: &Record,
        work: Option<Work>,
    ) -> Result<(), PreviewError> {
        let Some(chain) = &self.chain else {
            return Ok(());
        };
        let end = chain.end();
        if let Some(work) = work.filter(|_| self.kept.is_none())
            && self.keep(server, end, Some(record), work).await?.is_none()
        {
            return Ok(());
        }
        self.write(server, end, record).await
    }

    async fn write(
        &self,
        server: &Server,
        files: usize,
        record: &Record,
    ) -> Result<(), PreviewError> {
        let (Some(chain), Some(text)) = (&self.chain, record.text()) else {
            return Ok(());
        };
        let key = chain.key(files);
        let written = record::write(&server.session, key, &self.state, &text).await;
        written.map_err(PreviewError::shadow(KEEP))
    }

    /// Notes which files were to run.
    pub(super) async fn note(&self, server: &Server) -> Result<(), PreviewError> {
        let Some(chain) = &self.chain else {
            return Ok(());
        };
        let noted = record::note(&server.session, chain).await;
        noted.map_err(PreviewError::shadow(KEEP))
    }
}

/// Drops the database that an earlier dry run kept, with the roles that it needed: they are nobody's else.
pub(super) async fn clear(server: &Server) -> Result<(), PreviewError> {
    if server.is_dedicated() && is_there(server).await? {
        server.forget(NAME).await?;
    }
    Ok(())
}

/// Returns whether a database is kept, so that the roles that it needs are left alone.
pub(super) async fn is_there(server: &Server) -> Result<bool, PreviewError> {
    Ok(comment(server).await?.is_some())
}

async fn is_copyable(server: &Server, name: &str) -> Result<bool, PreviewError> {
    let sql = include_str!("sql/copyable.sql");
    let rows = server.session.query(sql, &[Some(name)]).await;
    let rows = rows.map_err(PreviewError::shadow(KEEP))?;
    Ok(rows.first().is_some_and(|row| row.truth(0)))
}

/// Gives a database the name of the one that is kept; returns the roles and the rest, as one hash.
async fn kept(server: &Server, key: &str, name: &str) -> Result<String, DbFailure> {
    // The roles of now belong to it, and stay.
    server.keep_roles(roles::names(&server.session).await?);
    let state = role_state(server).await?;
    let name = quoted(name);
    let made_from = literal(&format!("{key} {state}"));
    for sql in [
        format!("drop database if exists {NAME} with (force)"),
        format!("alter database {name} rename to {NAME}"),
        // Last: without it the database is no base, and goes.
        format!("comment on database {NAME} is {made_from}"),
    ] {
        server.session.run(&sql).await?;
    }
    Ok(state)
}

/// Returns the comment of the kept database, empty where it has none; `None` where there is no such database.
async fn comment(server: &Server) -> Result<Option<String>, PreviewError> {
    let sql = include_str!("sql/base.sql");
    let rows = server.session.query(sql, &[Some(NAME)]).await;
    let rows = rows.map_err(PreviewError::shadow(LOOK))?;
    Ok(rows.first().map(|row| row.text(0)))
}

async fn role_state(server: &Server) -> Result<String, DbFailure> {
    let sql = include_str!("sql/role_state.sql");
    let rows = server.session.query_long(sql, &[]).await?;
    Ok(rows.first().map(|row| row.text(0)).unwrap_or_default())
}
