//! Why evmig will not run on a server that it reached.

use crate::pg::params::{Parameters, is_supabase};
use crate::pg::pooling::{Evidence, Pooling};
use crate::pg::probe::{ReadOnlySource, ServerFacts};

/// The oldest supported `server_version_num`: `client_connection_check_interval`, without which a
/// killed evmig leaves its backend at work, came with PostgreSQL 14.
pub const OLDEST: u32 = 140_000;

/// One reason not to run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The server is older than 14.
    #[error("the server is PostgreSQL {version}, and evmig needs 14 or later")]
    TooOld {
        /// Its version.
        version: String,
    },
    /// The server is a standby.
    #[error("the server is a standby: it replays another server's changes and takes none")]
    Standby,
    /// Transactions may not write.
    #[error("transactions are read-only here")]
    ReadOnly {
        /// What says so.
        set_by: Option<ReadOnlySource>,
    },
    /// A pooler switches backends between transactions.
    #[error("a transaction pooler is in between: {evidence}")]
    TransactionPooler {
        /// What gave it away.
        evidence: Evidence,
        /// A URL that leads to the same database in session mode, where one is known.
        session_url: Option<String>,
    },
    /// The database does not store UTF-8.
    #[error("the database `{database}` has the encoding {encoding}, and evmig needs UTF8")]
    Encoding {
        /// The database.
        database: String,
        /// Its encoding.
        encoding: String,
    },
}

/// Returns every reason not to run a command that writes, or only reads, so that all can be mended at once.
pub fn refusals(
    facts: &ServerFacts,
    pooling: &Pooling,
    parameters: &Parameters,
    write: bool,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if facts.version_num < OLDEST {
        refusals.push(Refusal::TooOld {
            version: facts.version.clone(),
        });
    }
    if facts.encoding != "UTF8" {
        refusals.push(Refusal::Encoding {
            database: facts.database.clone(),
            encoding: facts.encoding.clone(),
        });
    }
    if !write {
        return refusals;
    }
    if let Pooling::Transaction { evidence } = pooling {
        refusals.push(Refusal::TransactionPooler {
            evidence: evidence.clone(),
            session_url: session_url(parameters),
        });
    }
    if facts.standby {
        refusals.push(Refusal::Standby);
    } else if facts.read_only {
        refusals.push(Refusal::ReadOnly {
            set_by: facts.read_only_source.clone(),
        });
    }
    refusals
}

/// On Supabase, port 5432 of the same host is in session mode or direct (supabase.md 2.1).
fn session_url(parameters: &Parameters) -> Option<String> {
    let all_supabase = parameters
        .servers
        .iter()
        .all(|server| is_supabase(&server.host.to_string()));
    all_supabase.then(|| parameters.redacted_url_with_port(5432))
}
