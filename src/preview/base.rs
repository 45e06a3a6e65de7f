//! A database that stays from one dry run to the next: the files that ran on the target have run in it, and the
//! next dry run copies it where it would run the very same files again.
//!
//! There is one at most, on the server that evmig starts for dry runs alone, and none is older than that server's
//! start: what it wrote is not safe from a power cut. What the database was made from is in its comment, as two
//! hashes: one of what made it, one of the roles as they were. Either being another, it goes, and the files run.
//! The copy is held against the target like any other throw-away database.

use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::error::PreviewError;
use super::roles;
use super::server::{Server, quoted};
use super::state::{Gathered, Wanted};
use crate::pg::error::DbFailure;
use crate::project::checksum::hex;
use crate::runner::open::Opened;
use crate::sql::quote::literal;

/// What it is called. No name of a throw-away database is like this.
const NAME: &str = "evmig_shadow_base";

/// What is done where asking fails.
const LOOK: &str = "could not look for the database that an earlier dry run kept";

/// What is done where keeping fails.
const KEEP: &str = "could not keep the database in which the files have run";

/// What takes less than this to run is not worth a copy.
const WORTH: Duration = Duration::from_millis(250);

/// A database in which the files have run.
pub(super) struct Replayed {
    pub(super) name: String,
    /// As whom.
    pub(super) role: Option<String>,
    pub(super) opened: Opened,
    /// How long that took.
    pub(super) took: Duration,
}

/// Returns the hash of all that decides what the files make; `None` where no database is kept.
pub(super) fn key(server: &Server, wanted: &Wanted<'_>, gathered: &Gathered) -> Option<String> {
    if !server.is_dedicated() || gathered.past.is_empty() || gathered.is_incomplete() {
        return None;
    }
    let mut text = format!(
        "{} {}\n{:?} {:?} {:?}\n{:?}\n",
        env!("CARGO_PKG_VERSION"),
        server.facts.version,
        wanted.role,
        wanted.project.manifest.project.history_schema.value,
        wanted.refinery_schema,
        wanted.surrounding,
    );
    for past in &gathered.past {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", past.described());
    }
    Some(hex(&Sha256::digest(&text)))
}

/// Returns the name of the kept database if it is the one. One that is not goes, with the roles that it needed.
pub(super) async fn find(
    server: &Server,
    key: Option<&str>,
) -> Result<Option<&'static str>, PreviewError> {
    let Some(comment) = comment(server).await? else {
        return Ok(None);
    };
    if let Some(key) = key {
        let state = state(server).await.map_err(PreviewError::shadow(LOOK))?;
        if comment == described(key, &state) {
            return Ok(Some(NAME));
        }
    }
    server.forget(NAME).await?;
    Ok(None)
}

/// Returns whether a database is kept, so that the roles that it needs are left alone.
pub(super) async fn is_there(server: &Server) -> Result<bool, PreviewError> {
    Ok(comment(server).await?.is_some())
}

/// Keeps the database in which the files have run, if that took long, and returns a copy of it to go on with.
pub(super) async fn keep(
    server: &Server,
    wanted: &Wanted<'_>,
    key: &str,
    replayed: Replayed,
) -> Result<Opened, PreviewError> {
    let Replayed {
        name,
        role,
        opened,
        took,
    } = replayed;
    if took < WORTH || !is_copyable(server, &name).await? {
        return Ok(opened);
    }
    opened.session.close(Duration::from_secs(1)).await;
    let kept = kept(server, key, &name).await;
    kept.map_err(PreviewError::shadow(KEEP))?;
    let name = server.make_like(NAME, role.as_deref()).await?;
    let schema = &wanted.project.manifest.project.history_schema.value;
    server.open(&name, role.as_deref(), schema).await
}

async fn is_copyable(server: &Server, name: &str) -> Result<bool, PreviewError> {
    let sql = include_str!("sql/copyable.sql");
    let rows = server.session.query(sql, &[Some(name)]).await;
    let rows = rows.map_err(PreviewError::shadow(KEEP))?;
    Ok(rows.first().is_some_and(|row| row.truth(0)))
}

async fn kept(server: &Server, key: &str, name: &str) -> Result<(), DbFailure> {
    // The roles of now belong to it, and stay.
    server.keep_roles(roles::names(&server.session).await?);
    let state = state(server).await?;
    let rename = format!("alter database {} rename to {NAME}", quoted(name));
    server.session.run(&rename).await?;
    // Last: without it the database is no base, and goes.
    let described = literal(&described(key, &state));
    let comment = format!("comment on database {NAME} is {described}");
    server.session.run(&comment).await
}

fn described(key: &str, state: &str) -> String {
    format!("{key} {state}")
}

/// Returns the comment of the kept database, empty where it has none; `None` where there is no such database.
async fn comment(server: &Server) -> Result<Option<String>, PreviewError> {
    let sql = include_str!("sql/base.sql");
    let rows = server.session.query(sql, &[Some(NAME)]).await;
    let rows = rows.map_err(PreviewError::shadow(LOOK))?;
    Ok(rows.first().map(|row| row.text(0)))
}

async fn state(server: &Server) -> Result<String, DbFailure> {
    let sql = include_str!("sql/role_state.sql");
    let rows = server.session.query_long(sql, &[]).await?;
    Ok(rows.first().map(|row| row.text(0)).unwrap_or_default())
}
