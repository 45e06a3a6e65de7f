//! The server of the throw-away databases: found or started, its databases made, dropped and swept.
//!
//! A throw-away database carries the id of its run in its name, and a checksum of it, so that no other name
//! looks like one by chance. A session named after the id stays open as long as it is used; without that
//! session, whoever finds the database may drop it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::error::PreviewError;
use super::roles::{self, Surrounding};
use crate::pg::connect::{ConnectOptions, connect};
use crate::pg::params::Parameters;
use crate::pg::probe::{ServerFacts, inspect};
use crate::pg::resolve::{Sources, resolve};
use crate::pg::session::Session;
use crate::runner::open::{Opened, Opening, open};
use crate::shadow::{Embedded, Surroundings};
use crate::sql::name::QualifiedName;

/// How long connecting, or a question about the server, may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// How names of throw-away databases begin.
const PREFIX: &str = "evmig_shadow_";

/// Where throw-away databases are made.
#[derive(Debug, Clone)]
pub enum ShadowPlace {
    /// On a server that evmig starts for the project.
    Embedded {
        /// What the environment says of it.
        surroundings: Box<Surroundings>,
    },
    /// On a server that was named.
    Url(Box<Parameters>),
}

impl ShadowPlace {
    /// Returns where that is, for people.
    pub fn shown(&self) -> String {
        match self {
            Self::Embedded { .. } => "embedded".to_owned(),
            Self::Url(parameters) => parameters.redacted_url(),
        }
    }
}

/// Whose the embedded server is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner<'a> {
    /// The project's name.
    pub(super) name: &'a str,
    /// Its directory.
    pub(super) root: &'a std::path::Path,
}

/// A server for throw-away databases, with the session that says that they are in use.
pub(super) struct Server {
    parameters: Parameters,
    pub(super) session: Session,
    pub(super) facts: ServerFacts,
    id: String,
    made: RefCell<Vec<String>>,
    count: Cell<usize>,
    /// Roles that were there before.
    roles: Vec<String>,
    /// Whether nobody else's databases are on it.
    dedicated: bool,
}

impl Server {
    /// Finds or starts the server, and sweeps what crashed runs have left on it.
    pub(super) async fn reach(
        place: &ShadowPlace,
        owner: Owner<'_>,
        major: u32,
        id: &str,
    ) -> Result<Self, PreviewError> {
        let (parameters, dedicated) = match place {
            ShadowPlace::Url(parameters) => ((**parameters).clone(), false),
            ShadowPlace::Embedded { surroundings } => (
                embedded((**surroundings).clone(), owner, major).await?,
                true,
            ),
        };
        let options = ConnectOptions {
            timeout: PATIENCE,
            application_name: Some(alive(id)),
            ..ConnectOptions::default()
        };
        let unreachable = |error| PreviewError::Unreachable(Box::new(error));
        let connection = connect(&parameters, &options).await.map_err(unreachable)?;
        let (session, _notices) = Session::new(connection);
        let what = "could not ask the server of the throw-away databases about itself";
        let facts = inspect(session.connection(), PATIENCE)
            .await
            .map_err(PreviewError::shadow(what))?;
        if dedicated {
            // Roles belong to the server: two runs at once would meet each other's.
            let what = "could not wait for another dry run";
            let waited = session.query("select pg_catalog.pg_advisory_lock(7241530188)::text", &[]);
            waited.await.map_err(PreviewError::shadow(what))?;
        }
        let mut server = Self {
            parameters,
            session,
            facts,
            id: id.to_owned(),
            made: RefCell::default(),
            count: Cell::new(0),
            roles: Vec::new(),
            dedicated,
        };
        server.sweep().await?;
        server.roles = roles::names(&server.session)
            .await
            .map_err(PreviewError::shadow("could not list the server's roles"))?;
        Ok(server)
    }

    /// Drops the throw-away databases whose runs are over. Only a name with its own checksum is ours.
    async fn sweep(&self) -> Result<(), PreviewError> {
        let rows = self
            .session
            .query(include_str!("sql/left_behind.sql"), &[])
            .await
            .map_err(PreviewError::shadow(
                "could not look for databases that were left behind",
            ))?;
        let names: Vec<String> = rows.iter().map(|row| row.text(0)).collect();
        let alive_now: Vec<String> = rows.iter().map(|row| row.text(1)).collect();
        let is_dead = |name: &str| {
            let id = id_of(name);
            id.is_some_and(|id| !alive_now.contains(&alive(id)))
        };
        for name in names.iter().filter(|name| is_dead(name)) {
            // Another run may be sweeping, too; and what cannot be dropped is nothing to stop for.
            drop(self.drop_database(name).await);
        }
        if self.dedicated {
            // Nobody's databases are here: every other role is one that a run has left.
            let left = |name: &str| *name != *self.facts.session_user;
            roles::drop_where(&self.session, left).await;
        }
        Ok(())
    }

    /// Makes an empty database that belongs to `owner`, or to evmig's own role.
    pub(super) async fn make(&self, owner: Option<&str>) -> Result<String, PreviewError> {
        let number = self.count.get();
        self.count.set(number + 1);
        let name = database_name(&format!("{}{}", self.id, number));
        self.made.borrow_mut().push(name.clone());
        let owner = owner.map_or(String::new(), |owner| format!(" owner {}", quoted(owner)));
        let sql = format!(
            "create database {} template template0 encoding 'UTF8'{owner}",
            quoted(&name)
        );
        self.session.run(&sql).await.map_err(PreviewError::shadow(
            "could not create a throw-away database",
        ))?;
        Ok(name)
    }

    /// Opens a session in one of the databases, which begins as `role` where that is another one's.
    pub(super) async fn open(
        &self,
        database: &str,
        role: Option<&str>,
        history_schema: &str,
    ) -> Result<Opened, PreviewError> {
        let mut parameters = self.parameters.clone().with_dbname(database);
        let other = |role: &&str| **role != *self.facts.current_user;
        if let Some(role) = role.filter(other) {
            let escaped = role.replace('\\', "\\\\").replace(' ', "\\ ");
            let own = parameters.options.take().unwrap_or_default();
            parameters.options = Some(format!("{own} -c role={escaped}").trim().to_owned());
        }
        let opening = Opening {
            parameters,
            application_name: format!("evmig-shadow-work {}", self.id),
            timeout: PATIENCE,
            write: false,
            history_schema: history_schema.to_owned(),
            look: None,
        };
        Ok(open(&opening).await?)
    }

    /// Gives the server the target's roles; returns what could not be made.
    pub(super) async fn make_roles(&self, wanted: &Surrounding) -> Vec<String> {
        roles::make(&self.session, &self.roles, wanted).await
    }

    /// Drops everything that was made. What cannot be dropped is swept by the next run.
    ///
    /// Roles that came meanwhile are dropped where evmig made them or where a file that ran names them:
    /// others use a server that was named, too.
    pub(super) async fn close(self, is_ours: impl Fn(&str) -> bool) {
        let made = std::mem::take(&mut *self.made.borrow_mut());
        for name in &made {
            drop(self.drop_database(name).await);
        }
        let was_there = |name: &str| self.roles.iter().any(|known| known == name);
        roles::drop_where(&self.session, |name| !was_there(name) && is_ours(name)).await;
        self.session.close(Duration::from_secs(1)).await;
    }

    async fn drop_database(&self, name: &str) -> Result<(), crate::pg::error::DbFailure> {
        let sql = format!("drop database if exists {} with (force)", quoted(name));
        self.session.run(&sql).await
    }
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
        connection_string: Some(&running.url_with_password("postgres")),
        project: &nothing,
        variables: &nothing,
        os_user: None,
        home: None,
    })?)
}

/// What the session is called that keeps a run's databases.
fn alive(id: &str) -> String {
    format!("evmig-shadow {id}")
}

/// Returns the name of a throw-away database: the id, and what proves that evmig made the name.
fn database_name(id: &str) -> String {
    format!("{PREFIX}{id}_{}", check(id))
}

fn check(id: &str) -> String {
    let digest = Sha256::digest(format!("evmig throw-away database {id}"));
    let mut hex = String::with_capacity(12);
    for byte in &digest[..6] {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// Returns the id of the run that made a database; `None` for a name that evmig did not make.
fn id_of(name: &str) -> Option<&str> {
    let (id, found) = name.strip_prefix(PREFIX)?.rsplit_once('_')?;
    // Behind the run's id stands the database's number.
    (check(id) == found).then(|| id.get(..RUN_ID)).flatten()
}

/// Characters of a run's id.
const RUN_ID: usize = 10;

/// Quotes a name.
pub(super) fn quoted(name: &str) -> String {
    QualifiedName {
        schema: None,
        name: name.to_owned(),
    }
    .quoted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_with_its_own_checksum_is_ours() {
        let name = database_name("1234567890");
        assert_eq!(id_of(&database_name("12345678900")), Some("1234567890"));
        assert!(name.len() < 64);
        assert_eq!(id_of("evmig_shadow_12345678900_000000000000"), None);
        assert_eq!(id_of("evmig_shadow_production"), None);
        assert_eq!(id_of("production"), None);
    }
}
