//! Whether a pooler is in between, and whether it keeps a session on one backend.
//!
//! A pooler that gives each transaction another backend loses session locks and settings
//! (faults.md B19), so evmig must not run through one; one that keeps the backend is fine.
//!
//! 1. The key that a session starts with names a process. If it is the backend's own, nothing is
//!    in between that could switch backends: a pooler in transaction mode cannot hand out the
//!    key of one backend. This costs nothing.
//! 2. Otherwise a second session is opened. Backends that sessions share, or that change under an
//!    idle session, are proof of transaction (or statement) pooling. While the first session is
//!    idle, a transaction pooler has taken its backend back and gives it to the second session
//!    (PgBouncer and Supavisor use the last one returned first); a pooler that goes round its
//!    backends shows by the first session's next transaction, on another backend. The sessions
//!    do not merely take turns: two backends in turn would then be one for each.
//! 3. A session pooler with one free backend makes the second session wait; that is no proof, and
//!    is said to be none.

use std::time::Duration;

use tokio::time::timeout;

use crate::pg::connect::{ConnectOptions, Connection, ConnectionInfo, connect};
use crate::pg::error::DbFailure;
use crate::pg::params::{Parameters, is_supabase};
use crate::pg::probe::{ServerFacts, first_row};

/// How long the second session may wait for a backend.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often the two sessions are compared.
///
/// Other clients of a busy pool can take the backend in between; each round is another chance.
const ROUNDS: usize = 4;

/// Asks which backend serves the session.
const BACKEND: &str = "SELECT a.pid::pg_catalog.text AS pid, \
     COALESCE(pg_catalog.date_part('epoch', a.backend_start), 0) AS started \
     FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a";

/// Which backend serves a session: a process id alone may be given out again.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Backend {
    pid: i32,
    /// When it started, in seconds since 1970, as the server prints it; 0 where the role may not see it.
    started: String,
}

/// What is between evmig and the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pooling {
    /// Nothing that could switch backends.
    Direct,
    /// A pooler that was seen to keep sessions apart.
    Session,
    /// A pooler about which nothing could be proved.
    Unproven {
        /// Why not.
        why: Unproven,
    },
    /// A pooler that switches backends between transactions or statements.
    Transaction {
        /// What gave it away.
        evidence: Evidence,
    },
}

/// Why nothing could be proved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// No second session could be opened.
    #[error("a second session could not be opened: {0}")]
    NoSecondSession(String),
    /// A session was given no backend, as the second one is by a session pool of one place.
    #[error("the pooler gave a session no backend within {0:?}")]
    NoBackend(Duration),
    /// The second session failed.
    #[error("the second session failed: {0}")]
    SecondSessionFailed(Box<DbFailure>),
}

/// What gave a transaction pooler away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Evidence {
    /// Port 6543 of a Supabase host is always in transaction mode (supabase.md 2.1).
    #[error("port 6543 of a Supabase host is a transaction pooler")]
    SupabasePort,
    /// Supavisor passes `application_name` on in session mode only (supabase.md 2.3).
    #[error("the pooler did not pass application_name on, as Supavisor does in transaction mode")]
    NameLost,
    /// Two open sessions are served by one backend.
    #[error("two open sessions are served by the same backend, process {pid}")]
    SharedBackend {
        /// The backend's process id.
        pid: i32,
    },
    /// One session was served by two backends.
    #[error("one session moved from the backend with process {from} to the one with {to}")]
    MovedBackend {
        /// The first backend's process id.
        from: i32,
        /// The second's.
        to: i32,
    },
    /// The pooler says so itself when a transaction is begun.
    #[error("the pooler refuses transactions: {0}")]
    StatementMode(String),
}

/// Returns whether nothing is in between: the key that the session started with names its backend.
pub fn is_direct(connection: &Connection, facts: &ServerFacts) -> bool {
    connection.info.key_pid == Some(facts.backend_pid)
}

/// Finds out what is between evmig and the server.
///
/// The session must not be in a transaction. An error is the first session's: it is lost.
pub async fn detect(
    connection: &Connection,
    facts: &ServerFacts,
    parameters: &Parameters,
    options: &ConnectOptions,
) -> Result<Pooling, DbFailure> {
    if is_direct(connection, facts) {
        return Ok(Pooling::Direct);
    }
    if let Some(evidence) = supabase_evidence(&connection.info, &facts.application_name) {
        return Ok(Pooling::Transaction { evidence });
    }
    let mut parameters = parameters.clone();
    parameters.servers = vec![parameters.servers[connection.info.server_index].clone()];
    parameters.connect_timeout = Some(PATIENCE);
    let second = match connect(&parameters, options).await {
        Ok(second) => second,
        Err(error) => {
            let why = Unproven::NoSecondSession(error.to_string());
            return Ok(Pooling::Unproven { why });
        }
    };
    let pooling = match timeout(PATIENCE, backend(connection, BACKEND)).await {
        Ok(home) => compare(connection, &home?, &second).await,
        Err(_) => Ok(Pooling::Unproven {
            why: Unproven::NoBackend(PATIENCE),
        }),
    };
    second.close(Duration::from_secs(1)).await;
    pooling
}

/// Judges by what is known of Supabase's poolers; `shown` is the name that the server knows.
fn supabase_evidence(info: &ConnectionInfo, shown: &str) -> Option<Evidence> {
    if !is_supabase(&info.host) {
        return None;
    }
    if info.port == 6543 {
        return Some(Evidence::SupabasePort);
    }
    // The server cuts the name after 63 bytes and replaces what is not printable ASCII.
    let sent = info.application_name.as_deref()?;
    let sent = &sent[..sent.floor_char_boundary(20)];
    (!shown.starts_with(sent)).then_some(Evidence::NameLost)
}

/// What the second session said.
enum Answer {
    Backend(Backend),
    Verdict(Pooling),
}

/// Compares the backends of two sessions until they prove something, or often enough.
async fn compare(
    first: &Connection,
    home: &Backend,
    second: &Connection,
) -> Result<Pooling, DbFailure> {
    for round in 0..=ROUNDS {
        // In the last round the second session holds its backend, so that a pool that still has
        // the first one's in hand must give the first session another.
        let holding = round == ROUNDS;
        let questions = if holding { 1 } else { 1 + round % 2 };
        for _ in 0..questions {
            let other = match ask_second(second, holding).await {
                Answer::Backend(backend) => backend,
                Answer::Verdict(pooling) => return Ok(pooling),
            };
            if other == *home {
                let evidence = Evidence::SharedBackend { pid: other.pid };
                return Ok(Pooling::Transaction { evidence });
            }
        }
        let Ok(answer) = timeout(PATIENCE, backend(first, BACKEND)).await else {
            let why = Unproven::NoBackend(PATIENCE);
            return Ok(Pooling::Unproven { why });
        };
        let now = answer?;
        if now != *home {
            let evidence = Evidence::MovedBackend {
                from: home.pid,
                to: now.pid,
            };
            return Ok(Pooling::Transaction { evidence });
        }
    }
    Ok(Pooling::Session)
}

async fn ask_second(second: &Connection, holding: bool) -> Answer {
    let held = format!("BEGIN; {BACKEND}");
    let sql = if holding { held.as_str() } else { BACKEND };
    let unproven = |why| Answer::Verdict(Pooling::Unproven { why });
    match timeout(PATIENCE, backend(second, sql)).await {
        Ok(Ok(backend)) => Answer::Backend(backend),
        Ok(Err(failure)) if failure.message.contains("statement pooling") => {
            let evidence = Evidence::StatementMode(failure.message);
            Answer::Verdict(Pooling::Transaction { evidence })
        }
        Ok(Err(failure)) => unproven(Unproven::SecondSessionFailed(Box::new(failure))),
        Err(_) => unproven(Unproven::NoBackend(PATIENCE)),
    }
}

async fn backend(connection: &Connection, sql: &str) -> Result<Backend, DbFailure> {
    let messages = connection
        .client
        .simple_query(sql)
        .await
        .map_err(|error| connection.failure(&error))?;
    let row = first_row(messages);
    let text = |name| {
        row.as_ref()
            .and_then(|row| row.try_get(name).ok().flatten())
    };
    let pid = text("pid").and_then(|pid| pid.parse().ok());
    match (pid, text("started")) {
        (Some(pid), Some(started)) => Ok(Backend {
            pid,
            started: started.to_owned(),
        }),
        _ => Err(DbFailure::protocol(
            "the server does not name its own backend",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supabase_poolers_are_known_by_port_and_by_a_lost_name() {
        let judge = |host: &str, port, shown| {
            let info = ConnectionInfo {
                host: host.to_owned(),
                port,
                address: String::new(),
                dbname: "postgres".to_owned(),
                user: "postgres.ref".to_owned(),
                application_name: Some("evmig/0.1.0 run=0123456789".to_owned()),
                tls: None,
                key_pid: None,
                server_version: None,
                server_index: 0,
            };
            supabase_evidence(&info, shown)
        };
        let (pooler, ours) = ("aws-0-eu.pooler.supabase.com", "evmig/0.1.0 run=0123456789");
        assert_eq!(judge(pooler, 6543, ours), Some(Evidence::SupabasePort));
        assert_eq!(
            judge("db.ref.supabase.co", 6543, ours),
            Some(Evidence::SupabasePort)
        );
        assert_eq!(judge(pooler, 5432, "Supavisor"), Some(Evidence::NameLost));
        assert_eq!(judge(pooler, 5432, ours), None);
        assert_eq!(judge("pgbouncer.example", 6543, ""), None);
    }
}
