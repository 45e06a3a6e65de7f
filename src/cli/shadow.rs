//! Where throw-away databases are made: the flags for it, and what they come to.

use std::collections::BTreeMap;

use clap::Args;

use super::argv::{PLACEHOLDER, SHADOW_CARRIER};
use super::environment::Environment;
use super::error::CommandError;
use crate::pg::params::Parameters;
use crate::pg::resolve::{Sources, resolve};
use crate::preview::ShadowPlace;
use crate::report::problem::Problem;
use crate::secret::Secret;

/// Where throw-away databases are made.
#[derive(Debug, Clone, Default, Args)]
pub struct ShadowArgs {
    /// Make throw-away databases on a server that evmig starts (embedded), on the target's own server (target:
    /// it needs CREATEDB there), or on another one (URL) [default: embedded]
    #[arg(
        long,
        value_name = "embedded|target|URL",
        help_heading = "Throw-away databases",
        conflicts_with = "shadow_url"
    )]
    pub shadow: Option<String>,
    /// Make them on this server: the same as --shadow URL [env: `EVMIG_SHADOW_URL`]
    #[arg(long, value_name = "URL", help_heading = "Throw-away databases")]
    pub shadow_url: Option<String>,
}

/// What was chosen, before the target is known.
#[derive(Debug, Clone)]
pub enum Shadow {
    /// A server that evmig starts.
    Embedded,
    /// The target's own.
    Target,
    /// Another one.
    Url(Box<Parameters>),
}

impl ShadowArgs {
    /// Returns whether one was typed.
    pub fn is_typed(&self) -> bool {
        self.shadow.is_some() || self.shadow_url.is_some()
    }

    /// Returns what was typed, or else what the environment says.
    pub fn chosen(&self, environment: &Environment) -> Result<Shadow, CommandError> {
        let typed = self.shadow_url.as_ref().or(self.shadow.as_ref());
        let url = match (typed.map(String::as_str), &self.shadow_url) {
            (Some("embedded"), None) => return Ok(Shadow::Embedded),
            (Some("target"), None) => return Ok(Shadow::Target),
            (Some(PLACEHOLDER), _) => environment.get(SHADOW_CARRIER),
            (Some(url), _) => Some(url.to_owned()),
            (None, _) => environment
                .find("EVMIG_SHADOW_URL")
                .map(|found| found.value),
        };
        url.map_or(Ok(Shadow::Embedded), |url| at_url(url, environment))
    }
}

impl Shadow {
    /// Returns where that is, for a target that is reached by these parameters.
    pub fn place(self, target: &Parameters, environment: &Environment) -> ShadowPlace {
        match self {
            Self::Embedded => ShadowPlace::Embedded {
                surroundings: Box::new(environment.surroundings()),
            },
            Self::Target => ShadowPlace::Target(Box::new(target.clone())),
            Self::Url(parameters) => ShadowPlace::Url(parameters),
        }
    }
}

fn at_url(url: String, environment: &Environment) -> Result<Shadow, CommandError> {
    let looks_like_one = url.contains("://") || url.contains('=');
    let nothing = BTreeMap::new();
    let parameters = resolve(&Sources {
        connection_string: Some(&Secret::new(url)),
        project: &nothing,
        variables: &environment.all(),
        os_user: Environment::os_user().as_deref(),
        home: environment.home().as_deref(),
    });
    let wrong = |why: String| {
        CommandError::usage(Problem::new("bad-shadow-url", why).hint(
            "--shadow takes embedded, target, or a URL such as postgresql://user@host/postgres",
        ))
    };
    match parameters {
        Ok(parameters) if looks_like_one => Ok(Shadow::Url(Box::new(parameters))),
        // libpq would take a bare word for a database on this machine: here it is a slip of the pen.
        Ok(_) => Err(wrong(
            "the server of throw-away databases is named by a URL".to_owned(),
        )),
        Err(error) => Err(wrong(error.to_string())),
    }
}
