//! Which database is meant. The target is never a surprise: the first of these that is there names
//! it, and every command that writes says which one did.
//!
//! `--database-url`, `--env`, `EVMIG_DATABASE_URL`, `EVMIG_ENV`, `DATABASE_URL`, libpq's `PG*`,
//! `default_environment`.

use std::collections::BTreeMap;

use super::args::GlobalArgs;
use super::argv::{CARRIER, PLACEHOLDER};
use super::environment::Environment;
use crate::pg::params::{Parameters, ParamsError};
use crate::pg::resolve::{Sources, resolve};
use crate::project::manifest::{self, Manifest};
use crate::report::target::Target;
use crate::secret::Secret;

/// Variables of libpq that name a place, not only a user or a password.
const PLACES: [&str; 4] = ["PGSERVICE", "PGHOST", "PGHOSTADDR", "PGDATABASE"];

/// How the database is reached.
#[derive(Debug, Clone)]
pub enum Reach {
    /// The server that evmig itself starts.
    Embedded,
    /// A server somewhere.
    Server(Box<Parameters>),
}

/// The chosen database.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// How it is reached.
    pub reach: Reach,
    /// What named it.
    pub named_by: String,
    /// Where its connection string was read: the flag, a variable, a line of `phases.toml`.
    pub url_source: String,
    /// The environment, if one was named.
    pub environment: Option<String>,
    /// Whether it is marked as protected.
    pub protected: bool,
    /// Whether nobody typed or wrote it for evmig: `DATABASE_URL` or `PG*`.
    pub ambient: bool,
}

/// Why no database could be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No such environment.
    #[error("there is no environment `{wanted}` ({named_by})")]
    UnknownEnvironment {
        /// What was asked for.
        wanted: String,
        /// What asked for it.
        named_by: String,
        /// The environments that there are.
        valid: Vec<String>,
        /// The one that was likely meant.
        nearest: Option<String>,
    },
    /// The environment's variable is not set.
    #[error("environment `{environment}` takes its URL from {variable}, which is not set")]
    VariableUnset {
        /// The environment.
        environment: String,
        /// The variable.
        variable: String,
    },
    /// Nothing names a database.
    #[error("nothing names a database")]
    Nothing,
    /// The connection settings make no sense.
    #[error(transparent)]
    Parameters(#[from] ParamsError),
}

/// Chooses the database.
pub fn choose(
    global: &GlobalArgs,
    environment: &Environment,
    manifest: Option<&Manifest>,
) -> Result<Chosen, TargetError> {
    if let Some(url) = flag_url(global, environment) {
        return server(
            environment,
            Some(&url),
            &BTreeMap::new(),
            "flag --database-url",
        );
    }
    if let Some(name) = &global.env {
        return named(environment, manifest, name, "flag --env");
    }
    if let Some(found) = environment.find("EVMIG_DATABASE_URL") {
        let url = Secret::new(found.value);
        return server(environment, Some(&url), &BTreeMap::new(), &found.source);
    }
    if let Some(found) = environment.find("EVMIG_ENV") {
        return named(environment, manifest, &found.value, &found.source);
    }
    if let Some(found) = environment.find("DATABASE_URL") {
        let url = Secret::new(found.value);
        let chosen = server(environment, Some(&url), &BTreeMap::new(), &found.source)?;
        return Ok(Chosen {
            ambient: true,
            ..chosen
        });
    }
    if let Some(found) = PLACES.iter().find_map(|name| environment.find(name)) {
        let chosen = server(environment, None, &BTreeMap::new(), &found.source)?;
        return Ok(Chosen {
            ambient: true,
            ..chosen
        });
    }
    match manifest.and_then(|manifest| manifest.project.default_environment.as_ref()) {
        Some(name) => named(
            environment,
            manifest,
            name,
            "default_environment in phases.toml",
        ),
        None => Err(TargetError::Nothing),
    }
}

/// The URL of the flag, which may have been moved out of the process list. A carrier that some
/// other evmig has left in the environment means nothing where this one was given a URL.
fn flag_url(global: &GlobalArgs, environment: &Environment) -> Option<Secret> {
    let typed = global.database_url.as_ref()?;
    let carried = (typed == PLACEHOLDER).then(|| environment.get(CARRIER));
    Some(Secret::new(
        carried.flatten().unwrap_or_else(|| typed.clone()),
    ))
}

/// Chooses one of the project's environments.
fn named(
    environment: &Environment,
    manifest: Option<&Manifest>,
    name: &str,
    named_by: &str,
) -> Result<Chosen, TargetError> {
    let known = manifest.map(|manifest| &manifest.environments);
    let Some(chosen) = known.and_then(|known| known.get(name)) else {
        let valid: Vec<String> = known
            .map(|known| known.keys().cloned().collect())
            .unwrap_or_default();
        return Err(TargetError::UnknownEnvironment {
            wanted: name.to_owned(),
            named_by: named_by.to_owned(),
            nearest: nearest(name, &valid),
            valid,
        });
    };
    let mut project = BTreeMap::new();
    if let Some(mode) = &chosen.sslmode {
        project.insert("sslmode".to_owned(), mode.value.clone());
    }
    let reached = match &chosen.target {
        manifest::Target::Embedded => Chosen {
            reach: Reach::Embedded,
            named_by: named_by.to_owned(),
            url_source: "phases.toml".to_owned(),
            environment: None,
            protected: false,
            ambient: false,
        },
        manifest::Target::Url(url) => {
            let chosen = server(
                environment,
                Some(&Secret::new(url.value.clone())),
                &project,
                named_by,
            )?;
            let line = manifest.map_or_else(String::new, |manifest| {
                format!(":{}", manifest.place(url.span).line)
            });
            Chosen {
                url_source: format!("phases.toml{line}"),
                ..chosen
            }
        }
        manifest::Target::UrlEnv(variable) => {
            let found =
                environment
                    .find(&variable.value)
                    .ok_or_else(|| TargetError::VariableUnset {
                        environment: name.to_owned(),
                        variable: variable.value.clone(),
                    })?;
            let chosen = server(
                environment,
                Some(&Secret::new(found.value)),
                &project,
                named_by,
            )?;
            Chosen {
                url_source: found.source,
                ..chosen
            }
        }
    };
    Ok(Chosen {
        environment: Some(name.to_owned()),
        protected: chosen.protected,
        ..reached
    })
}

fn nearest(wanted: &str, valid: &[String]) -> Option<String> {
    valid
        .iter()
        .map(|name| (strsim::jaro_winkler(wanted, name), name))
        .filter(|(similarity, _)| *similarity > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.clone())
}

fn server(
    environment: &Environment,
    url: Option<&Secret>,
    project: &BTreeMap<String, String>,
    named_by: &str,
) -> Result<Chosen, TargetError> {
    let variables = environment.all();
    let os_user = Environment::os_user();
    let home = environment.home();
    let parameters = resolve(&Sources {
        connection_string: url,
        project,
        variables: &variables,
        os_user: os_user.as_deref(),
        home: home.as_deref(),
    })?;
    Ok(Chosen {
        reach: Reach::Server(Box::new(parameters)),
        named_by: named_by.to_owned(),
        url_source: named_by.to_owned(),
        environment: None,
        protected: false,
        ambient: false,
    })
}

/// Returns what is shown of the database.
pub fn shown(chosen: &Chosen, parameters: &Parameters) -> Target {
    let server = parameters.servers.first();
    Target {
        host: server
            .map(|server| server.host.to_string())
            .unwrap_or_default(),
        port: server.map_or(0, |server| server.port),
        database: parameters.dbname.clone(),
        user: parameters.user.clone(),
        environment: chosen.environment.clone(),
        named_by: chosen.named_by.clone(),
        protected: chosen.protected,
        loopback: parameters.is_loopback(),
        embedded: matches!(chosen.reach, Reach::Embedded),
    }
}
