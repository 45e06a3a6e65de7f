//! Where throw-away databases are made, and how the server there is reached.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::error::{NotOnTarget, PreviewError};
use crate::pg::connect::{ConnectOptions, Connection, connect};
use crate::pg::connect_error::{ConnectError, Reason};
use crate::pg::params::Parameters;
use crate::pg::pooling::{self, Pooling};
use crate::pg::probe::{ServerFacts, inspect};
use crate::pg::resolve::{Sources, resolve};
use crate::shadow::{Embedded, Surroundings};

/// How long connecting, or a question about the server, may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);

/// The database that a server has before anybody makes one.
const FIRST: &str = "postgres";

/// Where throw-away databases are made.
#[derive(Debug, Clone)]
pub enum ShadowPlace {
    /// On a server that evmig starts for the project.
    Embedded {
        /// What the environment says of it.
        surroundings: Box<Surroundings>,
    },
    /// On the server that the target is on; this is where that is.
    Target(Box<Parameters>),
    /// On a server that was named.
    Url(Box<Parameters>),
}

impl ShadowPlace {
    /// Returns where that is: `embedded`, `target`, or the URL without its password.
    pub fn shown(&self) -> String {
        match self {
            Self::Embedded { .. } => "embedded".to_owned(),
            Self::Target(_) => "target".to_owned(),
            Self::Url(parameters) => parameters.redacted_url(),
        }
    }

    /// Connects there, or starts the server, and asks it about itself.
    pub(super) async fn reach(
        &self,
        owner: Owner<'_>,
        major: u32,
        name: String,
    ) -> Result<Reached, PreviewError> {
        let options = ConnectOptions {
            timeout: PATIENCE,
            application_name: Some(name),
            ..ConnectOptions::default()
        };
        let (mut parameters, connection) = match self {
            Self::Embedded { surroundings } => {
                let parameters = embedded((**surroundings).clone(), owner, major).await?;
                let connected = connect(&parameters, &options).await;
                (parameters, connected)
            }
            Self::Target(parameters) => {
                ((**parameters).clone(), connect(parameters, &options).await)
            }
            Self::Url(parameters) => {
                let first = connect_to_first(parameters, &options).await;
                ((**parameters).clone(), first)
            }
        };
        let connection = connection.map_err(|error| PreviewError::Unreachable(Box::new(error)))?;
        // Where several servers are named, what follows must go to the one that has answered.
        let index = connection.info.server_index;
        parameters.servers = parameters.servers.into_iter().skip(index).take(1).collect();
        let what = "could not ask the server of the throw-away databases about itself";
        let facts = inspect(&connection, PATIENCE)
            .await
            .map_err(PreviewError::shadow(what))?;
        self.refuse_pooler(&connection, &facts, &parameters, &options)
            .await?;
        Ok(Reached {
            parameters,
            connection,
            facts,
        })
    }

    /// A pooler leads to the databases it was told of, and its sessions do not end with evmig's: what
    /// says that a database is in use would be another's.
    async fn refuse_pooler(
        &self,
        connection: &Connection,
        facts: &ServerFacts,
        parameters: &Parameters,
        options: &ConnectOptions,
    ) -> Result<(), PreviewError> {
        if pooling::is_direct(connection, facts) {
            return Ok(());
        }
        match self {
            Self::Embedded { .. } => Ok(()),
            Self::Target(_) => Err(NotOnTarget::Pooler.into()),
            Self::Url(_) => {
                let what = "could not look for a pooler";
                let found = pooling::detect(connection, facts, parameters, options).await;
                match found.map_err(PreviewError::shadow(what))? {
                    Pooling::Transaction { evidence } => Err(PreviewError::Pooled { evidence }),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// Connects to the database that everybody's URLs of one server have in common: locks that dry runs take
/// belong to a database. A role that may not go there locks in its own.
async fn connect_to_first(
    parameters: &Parameters,
    options: &ConnectOptions,
) -> Result<Connection, ConnectError> {
    let first = parameters.clone().with_dbname(FIRST);
    match connect(&first, options).await {
        Err(error) if is_about_database(&error) => connect(parameters, options).await,
        connected => connected,
    }
}

/// Returns whether another database of the same server may be open to this role.
fn is_about_database(error: &ConnectError) -> bool {
    matches!(
        error.reason,
        Reason::DatabaseMissing
            | Reason::Authentication
            | Reason::PgBouncer
            | Reason::Supavisor { .. }
            | Reason::Server
    )
}

/// A server that answers.
pub(super) struct Reached {
    pub(super) parameters: Parameters,
    pub(super) connection: Connection,
    pub(super) facts: ServerFacts,
}

/// Whose the embedded server is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    /// The project's name.
    pub(super) name: &'a str,
    /// Its directory.
    pub(super) root: &'a Path,
}

/// Starts the project's server for throw-away databases, or finds it running.
async fn embedded(
    surroundings: Surroundings,
    owner: Owner<'_>,
    major: u32,
) -> Result<Parameters, PreviewError> {
    let server = Embedded::throw_away(surroundings, owner.name, owner.root, major)
        .map_err(|error| PreviewError::NoServer(Box::new(error)))?;
    let started = tokio::task::spawn_blocking(move || server.start()).await;
    let running = match started {
        Ok(running) => running.map_err(|error| PreviewError::NoServer(Box::new(error)))?,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let nothing = BTreeMap::new();
    Ok(resolve(&Sources {
        connection_string: Some(&running.url_with_password(FIRST)),
        project: &nothing,
        variables: &nothing,
        os_user: None,
        home: None,
    })?)
}
