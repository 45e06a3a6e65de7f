//! `evmig repair`, and what it shares with `evmig baseline`: writing history without running SQL.

use std::time::Duration;

use clap::Args;

use super::Context;
use crate::cli::args::ConsentArgs;
use crate::cli::confirm::consent;
use crate::cli::database::runtime;
use crate::cli::error::{CommandError, RunContext, of_run};
use crate::cli::exit::Exit;
use crate::cli::progress::Live;
use crate::cli::{git, signals};
use crate::clock;
use crate::history::model::Action;
use crate::plan::choose::Selection;
use crate::project::Project;
use crate::render::{json, terminal};
use crate::report::problem::Problem;
use crate::report::run::RecordReport;
use crate::runner::record::{RecordRequest, RecordWhat, record};

/// Accept one changed file: record its present text as what was applied
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  evmig repair 104 --reason 'only a comment was changed'")]
pub struct RepairArgs {
    /// Version of the changed file
    // Clap's own --version has the id `version`.
    #[arg(id = "changed_version", value_name = "VERSION")]
    pub version: i64,
    /// Why; the history keeps it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Consent.
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// Runs the command.
pub fn run(args: &RepairArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let recording = Recording {
        action: Action::Repair,
        command: "repair",
        reason: &args.reason,
        selection: Selection::default(),
        version: Some(args.version),
        yes: args.consent.yes,
    };
    recording.run(context)
}

/// A command that writes history and runs no SQL of the project's.
pub struct Recording<'a> {
    /// What is recorded.
    pub action: Action,
    /// The command's name.
    pub command: &'static str,
    /// Why.
    pub reason: &'a str,
    /// Which migrations, for a baseline.
    pub selection: Selection,
    /// Which version, for a repair.
    pub version: Option<i64>,
    /// Consent in advance.
    pub yes: bool,
}

impl Recording<'_> {
    /// Runs the command.
    pub fn run(self, context: &mut Context<'_>) -> Result<Exit, CommandError> {
        if self.reason.trim().is_empty() {
            return Err(CommandError::usage(
                Problem::new("no-reason", "the reason is empty")
                    .hint("whoever reads the history later wants to know why"),
            ));
        }
        let project = context.project()?;
        runtime()?.block_on(self.run_async(context, &project))
    }

    async fn run_async(
        self,
        context: &mut Context<'_>,
        project: &Project,
    ) -> Result<Exit, CommandError> {
        let database = context.database(&project.root, &project.manifest).await?;
        let mut interrupt = signals::listen();
        let target = terminal::target(&database.target, context.ui.look());
        context.ui.say(&target);
        consent(context.ui, &database, self.yes)?;
        let run = clock::run_id();
        let selection = Selection {
            environment: database.target.environment.clone(),
            ..self.selection
        };
        let what = match self.version {
            Some(version) => RecordWhat::Repair { version },
            None => RecordWhat::Baseline {
                selection: &selection,
            },
        };
        let request = RecordRequest {
            project,
            opening: database.opening(&run, true),
            wait: Duration::from_mins(1),
            run: &run,
            what,
            reason: self.reason,
            command: self.command,
            git_commit: git::commit(project.root.dir()),
        };
        let recorded = {
            let mut live = Live::new(context.ui, None);
            record(&request, &mut interrupt, &mut live).await
        };
        let run_context = RunContext {
            program: context.program(),
            command: self.command.to_owned(),
            user: database.target.user.clone(),
            database: database.target.database.clone(),
            ..RunContext::default()
        };
        let recorded = recorded.map_err(|error| of_run(&error, &run_context))?;
        let report = RecordReport {
            schema: if self.action == Action::Repair {
                "evmig.repair/1"
            } else {
                "evmig.baseline/1"
            },
            run: (!recorded.is_empty()).then(|| run.clone()),
            target: database.target,
            message: message(self.action, recorded.len()),
            recorded,
        };
        let text = if context.ui.is_json() {
            json::record(&report)
        } else {
            terminal::record(&report, context.ui.look())
        };
        context.ui.result(&text);
        Ok(Exit::Done)
    }
}

fn message(action: Action, count: usize) -> String {
    match (action, count) {
        (_, 0) => "There was nothing to record.".to_owned(),
        (Action::Repair, _) => "Accepted the file as it is now; nothing was run.".to_owned(),
        (_, 1) => "Recorded 1 migration as applied; nothing was run.".to_owned(),
        (_, more) => format!("Recorded {more} migrations as applied; nothing was run."),
    }
}
