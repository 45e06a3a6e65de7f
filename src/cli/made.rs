//! Schemas that no database has, by the names that people type: a dump file, the project's migrations.

use std::path::{Path, PathBuf};

use super::commands::Context;
use super::confirm::{consent, is_asked_for};
use super::database::Database;
use super::error::{CommandError, RunContext, of_dump, of_preview};
use super::progress;
use super::settings::wait;
use super::shadow::{Shadow, ShadowArgs};
use super::signals;
use crate::catalog::model::Snapshot;
use crate::clock;
use crate::preview::ShadowPlace;
use crate::preview::dump::Dump;
use crate::preview::made::{Example, Made, Making, Origin, make};
use crate::project::Project;
use crate::render::terminal;
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
    /// Which database it is, if it is one.
    pub database: Option<Database>,
    /// The major version that a dump on the other side says.
    pub major: Option<u32>,
}

impl Other {
    /// Takes what is followed out of a database that was read.
    pub fn live(database: Database, example: Option<Example>) -> Self {
        Self {
            example: example.unwrap_or_default(),
            database: Some(database),
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

    fn is_protected(&self) -> bool {
        let database = self.database.as_ref();
        database.is_some_and(|database| database.target.protected)
    }
}

/// What was typed about the throw-away databases of a comparison.
pub struct Typed<'a> {
    /// Where they are made.
    pub shadow: &'a ShadowArgs,
    /// How long others there are waited for.
    pub wait: Option<&'a String>,
    /// The consent to make them on a server that is asked about.
    pub yes: bool,
    /// The words that compare the same again.
    pub words: String,
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
    typed: &Typed<'_>,
    context: &mut Context<'_>,
) -> Result<(Side, Made), CommandError> {
    let wait = wait(typed.wait, &context.environment)?;
    let place = place(typed, other, context)?;
    let home = Home::of(maker, context)?;
    let run = clock::run_id();
    let making = Making {
        place: &place,
        name: &home.name,
        root: &home.root,
        major: other.example.major.or(maker.major()).or(other.major),
        example: &other.example,
        // Beside a database that was named as such, the place was agreed to.
        agreed: matches!(place, ShadowPlace::Target(_)) || typed.yes || !other.is_protected(),
        wait: wait.value.unwrap_or_default(),
        history_schema: &home.history_schema,
        run: &run,
    };
    let environment = other.database.as_ref();
    let environment = environment
        .and_then(|database| database.target.environment.as_deref())
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
        command: typed.words.clone(),
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
    let made = made.map_err(|error| of_preview(&error, &run_context, &home.history_schema))?;
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

/// Decides where it is made, and asks where that is the other side's own server.
fn place(
    typed: &Typed<'_>,
    other: &Other,
    context: &mut Context<'_>,
) -> Result<ShadowPlace, CommandError> {
    let chosen = typed.shadow.chosen(&context.environment)?;
    Ok(match (chosen, &other.database) {
        (Shadow::Target, Some(database)) => {
            if is_asked_for(&database.target, database.ambient, typed.yes) {
                let target = terminal::target(&database.target, context.ui.look());
                context.ui.say(&target);
            }
            consent(context.ui, database, typed.yes)?;
            ShadowPlace::Target(Box::new(database.parameters.clone()))
        }
        (Shadow::Target, None) => {
            let message = "neither side is a database, whose server could be taken";
            return Err(CommandError::usage(
                Problem::new("shadow-no-target", message)
                    .hint("leave --shadow target out, or name a server with --shadow URL"),
            ));
        }
        (Shadow::Url(parameters), _) => ShadowPlace::Url(parameters),
        (Shadow::Embedded, _) => ShadowPlace::Embedded {
            surroundings: Box::new(context.environment.surroundings()),
        },
    })
}
