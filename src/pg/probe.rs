//! What kind of server a session reached: the facts that decide whether evmig may run there.
//!
//! Both queries travel together, so a slow link costs one round trip. Every name and operator is
//! qualified: a schema that an application role can write to may be first in `search_path`
//! (faults.md B85).

use std::time::Duration;

use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use crate::pg::connect::Connection;
use crate::pg::error::{DbFailure, Kind};
use crate::report::sanitize::for_terminal;

/// The facts that any role may read.
const FACTS: &str = include_str!("probe_facts.sql");

/// The cluster's identity, which the administrator may have revoked; so it is asked apart.
const IDENTITY: &str = "SELECT s.system_identifier::pg_catalog.text AS system_identifier, \
     c.timeline_id::pg_catalog.text AS timeline \
     FROM pg_catalog.pg_control_system() AS s, pg_catalog.pg_control_checkpoint() AS c";

/// What forbids writing; asked only where something does, since the view computes every setting.
const READ_ONLY_SOURCE: &str = "SELECT s.setting, s.source FROM pg_catalog.pg_settings AS s \
     WHERE s.name OPERATOR(pg_catalog.=) 'default_transaction_read_only'";

/// Where a setting that forbids writing comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadOnlySource {
    /// `ALTER ROLE … SET`.
    Role,
    /// `ALTER DATABASE … SET`.
    Database,
    /// `ALTER ROLE … IN DATABASE … SET`.
    RoleInDatabase,
    /// The server's configuration or command line.
    Server,
    /// This session's own start (`PGOPTIONS`) or a pooler's.
    Session,
    /// The transaction was made read-only by something else; the text is PostgreSQL's word.
    Other(String),
}

/// The facts about the server and the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// `server_version_num`, such as 150018.
    pub version_num: u32,
    /// `server_version`, such as `15.18 (Debian …)`.
    pub version: String,
    /// Whether the server replays another one's log.
    pub standby: bool,
    /// Whether a transaction may not write; also true on a standby.
    pub read_only: bool,
    /// What forbids it, where a setting does.
    pub read_only_source: Option<ReadOnlySource>,
    /// The encoding of the database.
    pub encoding: String,
    /// `standard_conforming_strings`.
    pub standard_conforming_strings: bool,
    /// The process id of this session's backend.
    pub backend_pid: i32,
    /// The cluster's identifier; `None` if the role may not read it.
    pub system_identifier: Option<String>,
    /// The timeline, which a promotion changes; `None` if the role may not read it.
    pub timeline: Option<u32>,
    /// The database.
    pub database: String,
    /// Who logged in.
    pub session_user: String,
    /// As whom statements run; a role setting may make it another one.
    pub current_user: String,
    /// Whether the session has a superuser's rights.
    pub superuser: bool,
    /// `application_name` as the server knows it.
    pub application_name: String,
    /// After this time a lock waiter makes an autovacuum step aside.
    pub deadlock_timeout: Duration,
}

/// Asks the server, in one round trip that may take `limit`.
pub async fn inspect(connection: &Connection, limit: Duration) -> Result<ServerFacts, DbFailure> {
    let client = &connection.client;
    // Without the facts nothing else is waited for; the identity may fail by itself.
    let identity = async { Ok(client.simple_query(IDENTITY).await) };
    let both = async { tokio::try_join!(client.simple_query(FACTS), identity) };
    let both = tokio::time::timeout(limit, both).await;
    let both = both.map_err(|_| silent(limit))?;
    let (facts, identity) = both.map_err(|error| connection.failure(&error))?;
    let row = first_row(facts).ok_or_else(no_answer)?;
    let identity = match identity.map_err(|error| connection.failure(&error)) {
        Ok(messages) => first_row(messages),
        Err(failure) if failure.kind() == Kind::InsufficientPrivilege => None,
        Err(failure) => return Err(failure),
    };
    let identified = |name| {
        identity
            .as_ref()
            .and_then(|row| row.try_get(name).ok().flatten())
    };
    let mut facts = read(
        &row,
        identified("system_identifier"),
        identified("timeline"),
    )
    .ok_or_else(no_answer)?;
    if facts.read_only && !facts.standby {
        let asked = tokio::time::timeout(limit, client.simple_query(READ_ONLY_SOURCE));
        let answer = asked.await.map_err(|_| silent(limit))?;
        let answer = answer.map_err(|error| connection.failure(&error))?;
        facts.read_only_source = first_row(answer).as_ref().map(read_only_source);
    }
    connection.known();
    Ok(facts)
}

fn silent(limit: Duration) -> DbFailure {
    DbFailure::connection_lost(&format!("the server gave no answer within {limit:?}"))
}

fn no_answer() -> DbFailure {
    DbFailure::protocol("the server's answer about itself is incomplete; is it PostgreSQL?")
}

pub(super) fn first_row(messages: Vec<SimpleQueryMessage>) -> Option<SimpleQueryRow> {
    messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    })
}

/// Reads the answer; `None` if a part of it is missing or of another form.
fn read(
    row: &SimpleQueryRow,
    system_identifier: Option<&str>,
    timeline: Option<&str>,
) -> Option<ServerFacts> {
    let text = |name| row.try_get(name).ok().flatten();
    let safe = |name| text(name).map(|value| for_terminal(value).into_owned());
    let flag = |name| text(name).map(|value| matches!(value, "t" | "on" | "true"));
    let seconds: f64 = text("deadlock_timeout")?.parse().ok()?;
    if !(0.0..1e9).contains(&seconds) {
        return None;
    }
    let standby = flag("standby")?;
    let read_only = flag("read_only")?;
    Some(ServerFacts {
        version_num: text("version_num")?.parse().ok()?,
        version: safe("version")?,
        standby,
        read_only,
        read_only_source: None,
        encoding: safe("encoding")?,
        standard_conforming_strings: flag("standard_conforming_strings")?,
        backend_pid: text("backend_pid")?.parse().ok()?,
        system_identifier: system_identifier.map(|id| for_terminal(id).into_owned()),
        timeline: timeline.and_then(|timeline| timeline.parse().ok()),
        database: safe("database")?,
        session_user: safe("session_user")?,
        current_user: safe("current_user")?,
        superuser: flag("superuser")?,
        application_name: safe("application_name")?,
        deadlock_timeout: Duration::from_secs_f64(seconds),
    })
}

/// Reads the answer to [`READ_ONLY_SOURCE`].
fn read_only_source(row: &SimpleQueryRow) -> ReadOnlySource {
    let text = |name| row.try_get(name).ok().flatten().unwrap_or_default();
    if text("setting") != "on" {
        return ReadOnlySource::Other("transaction".to_owned());
    }
    match text("source") {
        "user" => ReadOnlySource::Role,
        "database" => ReadOnlySource::Database,
        "database user" => ReadOnlySource::RoleInDatabase,
        "configuration file" | "command line" | "environment variable" | "global" => {
            ReadOnlySource::Server
        }
        "client" | "session" => ReadOnlySource::Session,
        other => ReadOnlySource::Other(for_terminal(other).into_owned()),
    }
}
