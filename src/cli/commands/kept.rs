//! `evmig kept`: copies of rows that a rollback has destroyed.

use std::time::Duration;

use clap::{Args, Subcommand};

use super::Context;
use crate::cli::database::{Database, runtime};
use crate::cli::error::{CommandError, of_kept, of_run};
use crate::cli::exit::Exit;
use crate::cli::own_run::RunArgs;
use crate::clock;
use crate::history::kept::Copy;
use crate::render::{json, terminal};
use crate::report::kept::{KeptAction, KeptListReport, KeptReport};
use crate::runner::error::RunError;
use crate::runner::kept::{KeptError, KeptRequest, Which, forget, list, restore};
use crate::runner::open::open;
use crate::runner::own_work::Listeners;

/// Show, put back or drop the copies that `evmig rollback --keep-data` has made
///
/// A copy is a table in the schema `evmig_kept` that only its owner may read. It goes back into the
/// table that an apply has made again, by column name, with that table's triggers switched off
/// meanwhile and its foreign keys proved afterwards.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  evmig kept list\n  evmig kept restore --run 642gdcam1z\n  \
                  evmig kept drop 642gdcam1z_1_events"
)]
pub struct KeptArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: KeptCommand,
}

/// What can be done with copies.
#[derive(Debug, Subcommand)]
pub enum KeptCommand {
    /// Show the copies that there are
    #[command(after_help = "Example:\n  evmig kept list --format json")]
    List,
    /// Put the rows of copies back into their tables; the copies stay
    #[command(after_help = "Example:\n  evmig kept restore --run 642gdcam1z")]
    Restore {
        /// Which copies.
        #[command(flatten)]
        which: WhichArgs,
        /// Also copies whose rows were put back before
        #[arg(long)]
        again: bool,
        /// How it is run.
        #[command(flatten)]
        run: RunArgs,
    },
    /// Drop copies
    #[command(after_help = "Example:\n  evmig kept drop 642gdcam1z_1_events --yes")]
    Drop {
        /// Which copies.
        #[command(flatten)]
        which: WhichArgs,
        /// How it is run.
        #[command(flatten)]
        run: RunArgs,
    },
}

/// Which copies are meant.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct WhichArgs {
    /// Copies, by the names that `evmig kept list` shows
    #[arg(value_name = "COPY")]
    pub copies: Vec<String>,
    /// All copies that this run has made
    // The flag of the same name below is how a command is run.
    #[arg(long = "run", id = "of_run", value_name = "ID")]
    pub of_run: Option<String>,
}

impl WhichArgs {
    fn which(&self) -> Which<'_> {
        match &self.of_run {
            Some(run) => Which::OfRun(run),
            None => Which::Named(&self.copies),
        }
    }

    /// Returns them as they are to be typed again.
    fn typed(&self) -> String {
        match &self.of_run {
            Some(run) => format!("--run {run}"),
            None => self.copies.join(" "),
        }
    }
}

/// Runs the command.
pub fn run(args: &KeptArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    runtime()?.block_on(async {
        match &args.command {
            KeptCommand::List => show_all(context).await,
            KeptCommand::Restore { which, again, run } => {
                let change = Change::Restore { again: *again };
                change.run(which, run, context).await
            }
            KeptCommand::Drop { which, run } => Change::Drop.run(which, run, context).await,
        }
    })
}

async fn show_all(context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let (root, manifest) = context.manifest()?;
    let database = context.database(&root, &manifest).await?;
    let run_context = context.run_context(&database, "kept list");
    let failed = |error| of_run(&error, &run_context);
    let opened = open(&database.opening(&clock::run_id(), false))
        .await
        .map_err(failed)?;
    let copies = list(&opened.session, &database.history_schema)
        .await
        .map_err(|error| failed(RunError::History(error)))?;
    opened.session.close(Duration::from_secs(1)).await;
    let copies = copies.iter().map(|copy| told(copy, None, &[])).collect();
    show(&report(KeptAction::List, database, copies), context);
    Ok(Exit::Done)
}

/// A command that changes something.
#[derive(Debug, Clone, Copy)]
enum Change {
    Restore { again: bool },
    Drop,
}

impl Change {
    async fn run(
        self,
        which: &WhichArgs,
        args: &RunArgs,
        context: &mut Context<'_>,
    ) -> Result<Exit, CommandError> {
        let (mut agreed, own) = args.agree(context).await?;
        let run = own.run.clone();
        let request = KeptRequest {
            own,
            which: which.which(),
        };
        let (verb, action) = match self {
            Self::Restore { .. } => ("restore", KeptAction::Restore),
            Self::Drop => ("drop", KeptAction::Drop),
        };
        let command = format!("kept {verb} {}", which.typed());
        let run_context = context.run_context(&agreed.database, command);
        let work = async |listeners: &mut Listeners<'_>| self.done(&request, listeners).await;
        let outcome = agreed.told(context, work).await;
        let database = agreed.database;
        match outcome {
            Ok(copies) => {
                let mut report = report(action, database, copies);
                report.run = Some(run);
                show(&report, context);
                Ok(Exit::Done)
            }
            Err(error) => {
                let error = of_kept(&error, &run_context);
                if !context.ui.is_json() {
                    return Err(error);
                }
                let mut report = report(action, database, Vec::new());
                report.error = error.problems().first().cloned();
                show(&report, context);
                Err(error.reported())
            }
        }
    }

    async fn done(
        self,
        request: &KeptRequest<'_>,
        listeners: &mut Listeners<'_>,
    ) -> Result<Vec<KeptReport>, KeptError> {
        match self {
            Self::Restore { again } => {
                let restored = restore(request, again, listeners).await?;
                let told = restored
                    .iter()
                    .map(|one| told(&one.copy, Some(one.rows), &one.left_out));
                Ok(told.collect())
            }
            Self::Drop => {
                let dropped = forget(request, listeners).await?;
                Ok(dropped.iter().map(|copy| told(copy, None, &[])).collect())
            }
        }
    }
}

fn report(action: KeptAction, database: Database, copies: Vec<KeptReport>) -> KeptListReport {
    KeptListReport {
        schema: KeptListReport::SCHEMA,
        action,
        target: database.target,
        run: None,
        copies,
        error: None,
    }
}

fn told(copy: &Copy, rows_restored: Option<u64>, left_out: &[String]) -> KeptReport {
    KeptReport {
        name: copy.kept_table.clone(),
        table: copy.table.to_string(),
        way: copy.way.clone(),
        columns: copy.columns.clone(),
        rows: copy.rows,
        bytes: copy.bytes,
        run: copy.run.clone(),
        actor: copy.actor.clone(),
        kept_at: copy.at.clone(),
        restored_at: copy.restored_at.clone(),
        rows_restored,
        left_out: left_out.to_vec(),
    }
}

fn show(report: &KeptListReport, context: &mut Context<'_>) {
    let text = if context.ui.is_json() {
        json::kept(report)
    } else {
        terminal::kept(report, context.ui.look())
    };
    context.ui.result(&text);
}
