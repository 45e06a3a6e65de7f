//! Schemas that no database has, by the names that people type: a dump file, the project's migrations.

use std::path::{Path, PathBuf};

use super::catalog::Live;
use super::commands::Context;
use super::error::{CommandError, RunContext, of_dump, of_preview};
use super::progress;
use super::shadow::{Shadow, ShadowArgs};
use super::signals;
use crate::catalog::model::Snapshot;
use crate::clock;
use crate::pg::params::Parameters;
use crate::preview::dump::Dump;
use crate::preview::made::{Example, Made, Making, Origin, make};
use crate::preview::{NotOnTarget, PreviewError, ShadowPlace};
use crate::project::Project;
use crate::report::diff::Side;
use crate::report::problem::Problem;
use crate::runner::own_work::Listeners;

/// Where the history is without a project.
const HISTORY_SCHEMA: &str = "evmig";

/// What is made, read and checked before a server is asked for.
pub enum Maker {
    /// A dump.
    Dump(Dump),
    /// The project's files.
    Migrations(Box<Project>),
}

impl Maker {
    /// Reads a dump.
    pub fn dump(path: &Path, context: &mut Context<'_>) -> Result<Self, CommandError> {
        // A project's .env may say where PostgreSQL's programs are.
        has_project(context)?;
        let surroundings = context.environment.surroundings();
        let dump = Dump::read(path, &surroundings).map_err(|error| of_dump(&error))?;
        Ok(Self::Dump(dump))
    }

    /// Reads the project.
    pub fn migrations(context: &mut Context<'_>) -> Result<Self, CommandError> {
        Ok(Self::Migrations(Box::new(context.project()?)))
    }

    /// Returns the major version of the server that it is of, if it says so.
    pub fn major(&self) -> Option<u32> {
        match self {
            Self::Dump(dump) => dump.major,
            Self::Migrations(_) => None,
        }
    }
}

/// The side that is there already.
#[derive(Default)]
pub struct Other {
    /// What the one that is made follows.
    pub example: Example,
    /// How its server is reached, if it has one.
    pub parameters: Option<Parameters>,
    /// Its environment.
    pub environment: Option<String>,
    /// Whether that is protected.
    pub is_protected: bool,
    /// The major version that a dump on the other side says.
    pub major: Option<u32>,
}

impl Other {
    /// Takes what is followed out of a database that was read.
    pub fn live(live: &mut Live) -> Self {
        Self {
            example: live.example.take().unwrap_or_default(),
            parameters: Some(live.parameters.clone()),
            environment: live.target.environment.clone(),
            is_protected: live.target.protected,
            major: None,
        }
    }

    /// Guesses it of a catalog.
    pub fn of(snapshot: &Snapshot, server_version: Option<&str>) -> Self {
        Self {
            example: Example::guess(snapshot, server_version),
            ..Self::default()
        }
    }
}

/// Whose the embedded server is, and where the history would be.
struct Home {
    name: String,
    root: PathBuf,
    history_schema: String,
}

impl Home {
    fn of(maker: &Maker, context: &mut Context<'_>) -> Result<Self, CommandError> {
        let of = |root: &Path, manifest: &crate::project::Manifest| Self {
            name: manifest.project.name.value.clone(),
            root: root.into(),
            history_schema: manifest.project.history_schema.value.clone(),
        };
        if let Maker::Migrations(project) = maker {
            return Ok(of(project.root.dir(), &project.manifest));
        }
        if !has_project(context)? {
            return Ok(Self {
                name: "diff".to_owned(),
                root: ".".into(),
                history_schema: HISTORY_SCHEMA.to_owned(),
            });
        }
        let (root, manifest) = context.manifest()?;
        Ok(of(root.dir(), &manifest))
    }
}

/// Whether there is a project here: two dumps can be compared anywhere.
fn has_project(context: &mut Context<'_>) -> Result<bool, CommandError> {
    let is_none =
        |error: &CommandError| error.problems().iter().any(|one| one.code == "no-project");
    match context.root() {
        Ok(_) => Ok(true),
        Err(error) if is_none(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes a side, and returns it with what to show of it.
pub async fn made(
    maker: &Maker,
    other: &Other,
    shadow: &ShadowArgs,
    words: &str,
    context: &mut Context<'_>,
) -> Result<(Side, Made), CommandError> {
    let place = place(shadow, other, context)?;
    let home = Home::of(maker, context)?;
    let run = clock::run_id();
    let making = Making {
        place: &place,
        name: &home.name,
        root: &home.root,
        major: other.example.major.or(maker.major()).or(other.major),
        example: &other.example,
        agreed: !other.is_protected,
        history_schema: &home.history_schema,
        run: &run,
    };
    let environment = other.environment.as_deref();
    let environment = environment
        .or(context.global.env.as_deref())
        .map(str::to_owned);
    let origin = match maker {
        Maker::Dump(dump) => Origin::Dump(dump),
        Maker::Migrations(project) => Origin::Migrations {
            project,
            environment: environment.as_deref(),
        },
    };
    let run_context = RunContext {
        program: context.program(),
        command: words.to_owned(),
        ..RunContext::default()
    };
    let mut interrupt = signals::listen();
    let made = {
        let mut live = progress::Live::new(context.ui, None);
        let mut listeners = Listeners {
            interrupt: &mut interrupt,
            sink: &mut live,
        };
        Box::pin(make(&making, &origin, &mut listeners)).await
    };
    let made = made.map_err(|error| match error {
        PreviewError::NotOnTarget(NotOnTarget::Protected) => protected(),
        error => of_preview(&error, &run_context, &home.history_schema),
    })?;
    let server_version = made.server_version.clone();
    let side = match maker {
        Maker::Dump(dump) => Side::Dump {
            path: dump.path.clone(),
            server_version,
        },
        Maker::Migrations(project) => Side::Migrations {
            project: project.manifest.project.name.value.clone(),
            migrations: made.ran,
            server_version,
        },
    };
    Ok((side, made))
}

fn place(
    shadow: &ShadowArgs,
    other: &Other,
    context: &Context<'_>,
) -> Result<ShadowPlace, CommandError> {
    let chosen = shadow.chosen(&context.environment)?;
    let environment = &context.environment;
    Ok(match (chosen, &other.parameters) {
        (Shadow::Url(parameters), _) => ShadowPlace::Url(parameters),
        (Shadow::Target, Some(_)) if other.is_protected => return Err(protected()),
        (chosen, Some(parameters)) => chosen.place(parameters, environment),
        (Shadow::Embedded, None) => ShadowPlace::Embedded {
            surroundings: Box::new(environment.surroundings()),
        },
        (Shadow::Target, None) => {
            let message = "neither side is a database, whose server could be taken";
            return Err(CommandError::usage(
                Problem::new("shadow-no-target", message)
                    .hint("leave --shadow target out, or name a server with --shadow URL"),
            ));
        }
    })
}

/// A comparison does not ask, and what is protected is asked about.
fn protected() -> CommandError {
    let message = "the environment is protected: no throw-away database is made on its server";
    CommandError::refused(
        Problem::new("shadow-not-on-target", message)
            .hint("let evmig start a server of its own (--shadow embedded), or name another one"),
    )
}
