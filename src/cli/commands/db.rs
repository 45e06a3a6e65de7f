//! `evmig db`: the local server that evmig runs for the project.

use std::ffi::OsString;

use clap::{Args, Subcommand};

use super::Context;
use crate::cli::args::ConsentArgs;
use crate::cli::database::{create_database, embedded_parameters, runtime};
use crate::cli::error::CommandError;
use crate::cli::exit::Exit;
use crate::project::{Manifest, Root};
use crate::report::problem::Problem;
use crate::shadow::{Embedded, Origin, Running, Status};

/// Start, stop and use the project's own local server
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  evmig db start && evmig db psql -- -c 'select 1'")]
pub struct DbArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: DbCommand,
}

/// What can be done with the local server.
#[derive(Debug, Subcommand)]
pub enum DbCommand {
    /// Start it, and create its data directory and database the first time
    #[command(after_help = "Example:\n  evmig db start")]
    Start,
    /// Stop it; its data stays
    #[command(after_help = "Example:\n  evmig db stop")]
    Stop,
    /// Stop it and delete its data
    #[command(after_help = "Example:\n  evmig db reset --yes")]
    Reset(ConsentArgs),
    /// Show whether it runs, and where
    #[command(after_help = "Example:\n  evmig db status --format json")]
    Status,
    /// Print its URL, for other programs; the password stays in its password file
    #[command(
        after_help = "Example:\n  PGPASSFILE=$(evmig db url --passfile) psql \"$(evmig db url)\""
    )]
    Url {
        /// Print the path of its password file instead
        #[arg(long)]
        passfile: bool,
    },
    /// Open psql on it; what stands behind -- goes to psql
    #[command(after_help = "Example:\n  evmig db psql -- -c 'select * from evmig.run'")]
    Psql {
        /// Arguments for psql
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
}

/// Where the project is and what its `phases.toml` says: all that the server needs.
type Home<'a> = (&'a Root, &'a Manifest);

/// Runs the command.
pub fn run(args: &DbArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let (root, manifest) = context.manifest()?;
    let home = (&root, &manifest);
    match &args.command {
        DbCommand::Start => start(context, home),
        DbCommand::Stop => stop(context, home),
        DbCommand::Reset(consent) => reset(context, home, *consent),
        DbCommand::Status => status(context, home),
        DbCommand::Url { passfile } => url(context, home, *passfile),
        DbCommand::Psql { arguments } => psql(context, home, arguments),
    }
}

/// Starts the server and makes sure of its database.
fn up(context: &mut Context<'_>, home: Home<'_>) -> Result<Running, CommandError> {
    let running = context.start_embedded(home.0, home.1)?;
    let parameters = embedded_parameters(&running)?;
    runtime()?.block_on(create_database(&parameters))?;
    Ok(running)
}

fn start(context: &mut Context<'_>, home: Home<'_>) -> Result<Exit, CommandError> {
    let running = up(context, home)?;
    let what = match running.origin {
        Origin::Found => "was running already",
        Origin::Started => "started",
        Origin::Created => "created and started",
    };
    show(context, &running, what);
    Ok(Exit::Done)
}

fn show(context: &mut Context<'_>, running: &Running, what: &str) {
    if context.ui.is_json() {
        let document = serde_json::json!({
            "schema": "evmig.db/1",
            "state": "running",
            "server_version": running.version.text,
            "url": running.url(&running.database),
            "passfile": running.pgpass,
            "socket_directory": running.socket_dir,
            "port": running.port,
            "pid": running.pid,
            "data_directory": running.data_dir,
            "log": running.log,
            "uptime_seconds": running.uptime.as_secs(),
        });
        context.ui.result(&format!("{document:#}\n"));
        return;
    }
    let text = format!(
        "PostgreSQL {} {what}\n  url     {}\n  socket  {}\n  pid     {}\n  data    {}\n  log     {}\n",
        running.version.text,
        running.url(&running.database),
        running.socket_dir.display(),
        running.pid,
        running.data_dir.display(),
        running.log.display(),
    );
    context.ui.result(&text);
}

fn state(context: &mut Context<'_>, state: &str, sentence: &str) {
    if context.ui.is_json() {
        let document = serde_json::json!({ "schema": "evmig.db/1", "state": state });
        context.ui.result(&format!("{document:#}\n"));
    } else {
        context.ui.result(&format!("{sentence}\n"));
    }
}

fn stop(context: &mut Context<'_>, home: Home<'_>) -> Result<Exit, CommandError> {
    let embedded = context.embedded(home.0, home.1)?;
    let failed = |error| CommandError::embedded(&error);
    let stopped = embedded.stop().map_err(failed)?;
    // The server of dry runs holds nothing that anybody could miss.
    throw_away(context, home)?.stop().map_err(failed)?;
    if stopped.is_empty() {
        state(context, "stopped", "The local server was not running");
    } else {
        let versions: Vec<String> = stopped.iter().map(ToString::to_string).collect();
        let sentence = format!(
            "Stopped PostgreSQL {}; its data stays",
            versions.join(" and ")
        );
        state(context, "stopped", &sentence);
    }
    Ok(Exit::Done)
}

/// Returns the project's server for throw-away databases, of whatever major.
fn throw_away(context: &Context<'_>, home: Home<'_>) -> Result<Embedded, CommandError> {
    let surroundings = context.environment.surroundings();
    Embedded::throw_away(surroundings, &home.1.project.name.value, home.0.dir(), 0)
        .map_err(|error| CommandError::embedded(&error))
}

fn reset(
    context: &mut Context<'_>,
    home: Home<'_>,
    consent: ConsentArgs,
) -> Result<Exit, CommandError> {
    let embedded = context.embedded(home.0, home.1)?;
    if !consent.yes {
        let name = &home.1.project.name.value;
        let question = format!("Delete the local server of {name} with all its data? [y/N]");
        match context.ui.ask(&question).as_deref() {
            Some("y" | "Y" | "yes") => {}
            Some(_) => {
                return Err(CommandError::refused(Problem::new(
                    "not-confirmed",
                    "nothing was changed",
                )));
            }
            None => {
                return Err(CommandError::refused(
                    Problem::new("not-confirmed", "there is no terminal to ask on")
                        .hint("give the consent in advance with --yes"),
                ));
            }
        }
    }
    let failed = |error| CommandError::embedded(&error);
    throw_away(context, home)?.reset().map_err(failed)?;
    match embedded.reset().map_err(failed)? {
        None => state(context, "absent", "There was no local server"),
        Some(removed) => {
            let sentence = format!(
                "Deleted the local server of PostgreSQL {} in {}",
                removed.major,
                removed.directory.display()
            );
            state(context, "absent", &sentence);
        }
    }
    Ok(Exit::Done)
}

fn status(context: &mut Context<'_>, home: Home<'_>) -> Result<Exit, CommandError> {
    let status = context
        .embedded(home.0, home.1)?
        .status()
        .map_err(|error| CommandError::embedded(&error))?;
    match status {
        Status::Absent => state(
            context,
            "absent",
            "There is no local server yet: evmig db start",
        ),
        Status::Stopped { major, data_dir } => {
            let sentence = format!(
                "PostgreSQL {major} is stopped; its data is in {}",
                data_dir.display()
            );
            state(context, "stopped", &sentence);
        }
        Status::Busy { major, pid, log } => {
            let sentence = format!(
                "PostgreSQL {major} (pid {pid}) is starting or stopping; see {}",
                log.display()
            );
            state(context, "busy", &sentence);
        }
        Status::Running(running) => show(context, &running, "is running"),
    }
    Ok(Exit::Done)
}

fn url(context: &mut Context<'_>, home: Home<'_>, passfile: bool) -> Result<Exit, CommandError> {
    let running = up(context, home)?;
    let url = running.url(&running.database);
    let text = match (context.ui.is_json(), passfile) {
        (true, _) => {
            let document = serde_json::json!({
                "schema": "evmig.db-url/1", "url": url, "passfile": running.pgpass,
            });
            format!("{document:#}\n")
        }
        (false, true) => format!("{}\n", running.pgpass.display()),
        (false, false) => format!("{url}\n"),
    };
    context.ui.result(&text);
    Ok(Exit::Done)
}

fn psql(
    context: &mut Context<'_>,
    home: Home<'_>,
    arguments: &[OsString],
) -> Result<Exit, CommandError> {
    let running = up(context, home)?;
    let surroundings = context.environment.surroundings();
    // Returns only if psql could not be started.
    let error = running.exec_psql(&surroundings, &running.database, arguments);
    Err(CommandError::embedded(&error))
}
