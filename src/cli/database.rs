//! From the command line to a database that can be opened: project, target, parameters.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;

use super::commands::Context;
use super::confirm::is_asked_for;
use super::error::{CommandError, RunContext};
use super::target::{self, Reach};
use crate::clock;
use crate::history::locate::Detail;
use crate::pg::connect::{ConnectOptions, connect};
use crate::pg::params::Parameters;
use crate::pg::resolve::{Sources, resolve};
use crate::pg::session::Session;
use crate::project::{Manifest, Project, ProjectErrors, Root, load, load_manifest};
use crate::report::problem::Problem;
use crate::report::target::Target;
use crate::runner::open::{BegunOpening, Opening, open};
use crate::shadow::{Embedded, Running};

/// Time limit for connecting; `connect_timeout` of libpq wins over it.
const CONNECT: Duration = Duration::from_secs(15);

/// A database that is about to be opened.
#[derive(Debug)]
pub struct Database {
    /// What is shown of it.
    pub target: Target,
    /// Where and as whom.
    pub parameters: Parameters,
    /// Whether nobody typed or wrote it for evmig.
    pub ambient: bool,
    /// The schema that the history is in.
    pub history_schema: String,
}

impl Database {
    /// Returns how to open it for a run.
    pub fn opening(&self, run: &str, write: bool) -> Opening {
        Opening {
            parameters: self.parameters.clone(),
            application_name: format!("evmig/{} run={run}", env!("CARGO_PKG_VERSION")),
            timeout: CONNECT,
            write,
            history_schema: self.history_schema.clone(),
            look: Some(if write { Detail::Brief } else { Detail::Full }),
        }
    }
}

impl Context<'_> {
    /// Returns `evmig` with the flags that lead to the same project and target.
    pub fn program(&self) -> String {
        let mut words = vec!["evmig".to_owned()];
        words.extend(
            self.global
                .directory
                .iter()
                .map(|dir| format!("-C {}", dir.display())),
        );
        words.extend(self.global.env.iter().map(|name| format!("--env {name}")));
        if self.global.database_url.is_some() {
            words.push("--database-url URL".to_owned());
        }
        words.join(" ")
    }

    /// Returns what an error of a run needs to know.
    pub fn run_context(&self, database: &Database, command: impl Into<String>) -> RunContext {
        RunContext {
            program: self.program(),
            command: command.into(),
            user: database.target.user.clone(),
            database: database.target.database.clone(),
            ..RunContext::default()
        }
    }

    /// Finds the project's root and reads its `.env`.
    pub fn root(&mut self) -> Result<Root, CommandError> {
        let root = match &self.global.directory {
            Some(dir) => Root::at(dir),
            None => Root::find(std::path::Path::new(".")),
        }
        .map_err(|error| CommandError::project(&[error]))?;
        self.environment
            .add_dotenv(root.dir())
            .map_err(|error| CommandError::usage(Problem::new("bad-dotenv", error.to_string())))?;
        Ok(root)
    }

    /// Reads and checks the project.
    pub fn project(&mut self) -> Result<Project, CommandError> {
        let root = self.root()?;
        let loaded = load(&root);
        self.loaded(loaded)
    }

    /// Reads and checks the project, and opens the database of a run meanwhile where that changes
    /// nothing and asks nobody. The project's errors come first, and wait for no server.
    pub async fn project_and_opening(
        &mut self,
        run: &str,
        yes: bool,
    ) -> Result<(Project, Option<BegunOpening>), CommandError> {
        let root = self.root()?;
        let begun = self.begin_opening(&root, run, yes);
        let mut loading = tokio::task::spawn_blocking(move || load(&root));
        let Some(mut begun) = begun else {
            return Ok((self.loaded(joined(loading.await)?)?, None));
        };
        let first = tokio::select! {
            biased;
            loaded = &mut loading => Err(loaded),
            opened = &mut begun => Ok(opened),
        };
        match first {
            Err(loaded) => Ok((self.loaded(joined(loaded)?)?, Some(begun))),
            Ok(opened) => {
                let project = self.loaded(joined(loading.await)?)?;
                Ok((project, Some(Box::pin(std::future::ready(opened)))))
            }
        }
    }

    /// Begins to open a server that may be opened before the project is known to be good: one that
    /// runs already, and that nobody has to be asked about. What is wrong with the target is found
    /// again, and said, after what is wrong with the project.
    fn begin_opening(&self, root: &Root, run: &str, yes: bool) -> Option<BegunOpening> {
        let manifest = load_manifest(root).ok()?;
        let chosen = target::choose(&self.global, &self.environment, Some(&manifest)).ok()?;
        let Reach::Server(parameters) = &chosen.reach else {
            return None;
        };
        let database = Database {
            target: target::shown(&chosen, parameters),
            parameters: (**parameters).clone(),
            ambient: chosen.ambient,
            history_schema: manifest.project.history_schema.value.clone(),
        };
        if is_asked_for(&database.target, database.ambient, yes) {
            return None;
        }
        let opening = database.opening(run, true);
        Some(Box::pin(async move { open(&opening).await }))
    }

    fn loaded(&mut self, loaded: Result<Project, ProjectErrors>) -> Result<Project, CommandError> {
        let project = loaded.map_err(|errors| CommandError::project(errors.as_slice()))?;
        if self.ui.is_verbose() {
            for note in &project.notes {
                let problem =
                    Problem::new(note.kind.code(), format!("{}: {}", note.file, note.kind));
                self.ui.warn(&problem);
            }
        }
        Ok(project)
    }

    /// Reads `phases.toml` alone, for commands that a broken migration must not stop.
    pub fn manifest(&mut self) -> Result<(Root, Manifest), CommandError> {
        let root = self.root()?;
        let manifest =
            load_manifest(&root).map_err(|errors| CommandError::project(errors.as_slice()))?;
        Ok((root, manifest))
    }

    /// Chooses the target, and starts the embedded server if that is it.
    pub async fn database(
        &mut self,
        root: &Root,
        manifest: &Manifest,
    ) -> Result<Database, CommandError> {
        let chosen = target::choose(&self.global, &self.environment, Some(manifest))
            .map_err(|error| CommandError::target(&error))?;
        let parameters = match &chosen.reach {
            Reach::Server(parameters) => (**parameters).clone(),
            Reach::Embedded => {
                let running = self.start_embedded(root, manifest)?;
                let parameters = embedded_parameters(&running)?;
                create_database(&parameters).await?;
                parameters
            }
        };
        self.warn_of(&parameters);
        Ok(Database {
            target: target::shown(&chosen, &parameters),
            parameters,
            ambient: chosen.ambient,
            history_schema: manifest.project.history_schema.value.clone(),
        })
    }

    /// Returns the project's embedded server.
    pub fn embedded(&self, root: &Root, manifest: &Manifest) -> Result<Embedded, CommandError> {
        let name = &manifest.project.name.value;
        Embedded::new(self.environment.surroundings(), name, root.dir())
            .map_err(|error| CommandError::embedded(&error))
    }

    /// Starts the project's embedded server, or finds it running.
    pub fn start_embedded(
        &mut self,
        root: &Root,
        manifest: &Manifest,
    ) -> Result<Running, CommandError> {
        let embedded = self.embedded(root, manifest)?;
        let running = embedded
            .start()
            .map_err(|error| CommandError::embedded(&error))?;
        for note in &running.notes {
            self.ui
                .warn(&Problem::new("embedded-server", note.to_string()));
        }
        Ok(running)
    }

    fn warn_of(&mut self, parameters: &Parameters) {
        for warning in &parameters.warnings {
            self.ui
                .warn(&Problem::new("connection-settings", warning.to_string()));
        }
    }
}

fn joined<T>(result: Result<T, tokio::task::JoinError>) -> Result<T, CommandError> {
    match result {
        Ok(value) => Ok(value),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(error).context("the project was not read to its end")?,
        },
    }
}

/// Returns the parameters of the embedded server; no variable of libpq's may change them.
pub fn embedded_parameters(running: &Running) -> Result<Parameters, CommandError> {
    let nothing = BTreeMap::new();
    resolve(&Sources {
        connection_string: Some(&running.url_with_password(&running.database)),
        project: &nothing,
        variables: &nothing,
        os_user: None,
        home: None,
    })
    .map_err(|error| CommandError::target(&error.into()))
}

/// Creates the embedded server's database unless it is there.
pub async fn create_database(parameters: &Parameters) -> Result<(), CommandError> {
    let name = parameters.dbname.clone();
    let options = ConnectOptions {
        timeout: CONNECT,
        application_name: Some(format!(
            "evmig/{} {}",
            env!("CARGO_PKG_VERSION"),
            clock::run_id()
        )),
        ..ConnectOptions::default()
    };
    let connection = connect(&parameters.clone().with_dbname("postgres"), &options)
        .await
        .map_err(|error| CommandError::connect(&error))?;
    let (session, _notices) = Session::new(connection);
    let failed = |failure| CommandError::own("could not create the embedded database", &failure);
    let rows = session
        .query(
            "select 1::text from pg_catalog.pg_database where datname = $1",
            &[Some(&name)],
        )
        .await
        .map_err(failed)?;
    if rows.is_empty() {
        let name = crate::sql::name::QualifiedName { schema: None, name };
        let created = session
            .run(&format!("create database {}", name.quoted()))
            .await;
        // Two evmigs may start at once; the second one finds it there.
        match created {
            Err(failure) if failure.sqlstate.as_deref() == Some("42P04") => {}
            other => other.map_err(failed)?,
        }
    }
    session.close(Duration::from_secs(1)).await;
    Ok(())
}

/// Makes the runtime that a command's asynchronous part runs on.
pub fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    Ok(tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the system refuses what evmig needs to run")?)
}
