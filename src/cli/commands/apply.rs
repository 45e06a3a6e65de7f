//! `evmig apply`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::Context;
use super::plan::{self, DryLevel, DryRunArgs};
use crate::cli::args::ConsentArgs;
use crate::cli::backup_check::BackupCheckArgs;
use crate::cli::confirm::consent;
use crate::cli::database::{Database, runtime};
use crate::cli::error::{CommandError, RunContext, of_run};
use crate::cli::exit::Exit;
use crate::cli::plan_file::{self, Given};
use crate::cli::progress::{Live, events_file};
use crate::cli::selection::SelectionArgs;
use crate::cli::settings::{ApplySettings, LockArgs};
use crate::cli::{git, panic, signals};
use crate::clock;
use crate::render::{json, terminal};
use crate::report::run::ApplyReport;
use crate::runner::apply::{Applied, Request, apply};

/// Apply pending migrations, phase by phase
///
/// Each migration runs in a transaction of its own, together with its row in the history; a file
/// with a statement that cannot (CREATE INDEX CONCURRENTLY) runs statement by statement, and goes
/// on where it stopped. A lock that is not obtained in time is given up, and tried again.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  evmig apply\n  evmig apply --phase 1 --env staging\n  \
                  evmig apply --dry-run\n  \
                  evmig plan --out deploy.plan && evmig apply --plan deploy.plan\n  \
                  evmig apply --to 120 --lock-timeout 500ms --wait 5min"
)]
pub struct ApplyArgs {
    /// What to apply.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Apply exactly what this file of evmig plan --out says; refused if anything has changed since
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["phase", "step", "to", "out_of_order", "dry_run"]
    )]
    pub plan: Option<PathBuf>,
    /// Change nothing, and show what would happen: sql lists the statements, shadow runs them in a
    /// throw-away database, rollback on the target in a transaction that is rolled back
    /// [default: shadow]
    #[arg(
        long,
        value_enum,
        value_name = "LEVEL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "shadow",
        hide_possible_values = true,
        help_heading = "Dry run"
    )]
    pub dry_run: Option<DryLevel>,
    /// Dry run.
    #[command(flatten)]
    pub dry: DryRunArgs,
    /// Wait this long for another run to end [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub wait: Option<String>,
    /// Write every event of the run to FILE, as JSON lines
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub events: Option<PathBuf>,
    /// Locks.
    #[command(flatten)]
    pub locks: LockArgs,
    /// Backups.
    #[command(flatten)]
    pub backup_check: BackupCheckArgs,
    /// Consent.
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// Runs the command.
pub fn run(args: &ApplyArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    if let Some(level) = args.dry_run {
        return plan::look(&plan::Looking::of_apply(args, level), context);
    }
    args.dry.refuse_unused(None)?;
    let runtime = runtime()?;
    let result = runtime.block_on(run_async(args, context));
    // A name that is still being looked up must not keep back what is wrong with the project.
    runtime.shutdown_background();
    result
}

async fn run_async(args: &ApplyArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let started = Instant::now();
    let run = clock::run_id();
    panic::of_run(&run);
    // What is wrong with it is said before anything is connected to.
    let plan = args.plan.as_deref().map(Given::read).transpose()?;
    // Before the first connection: it begins while the project is read.
    let mut interrupt = signals::listen();
    let (project, begun) = context.project_and_opening(&run, args.consent.yes).await?;
    let project = &project;
    let settings = ApplySettings::resolve(
        &args.locks,
        args.wait.as_ref(),
        &context.environment,
        &project.manifest,
    )?;
    let events = events_file(args.events.as_deref())?;
    let database = context.database(&project.root, &project.manifest).await?;
    let target = terminal::target(&database.target, context.ui.look());
    context.ui.say(&target);
    consent(context.ui, &database, args.consent.yes)?;
    let environment = database.target.environment.as_ref();
    let program = context.program();
    plan_file::demand(project, environment, plan.as_ref(), &program)?;
    let selection = match &plan {
        Some(plan) => plan.selection().selection(environment),
        None => args.selection.selection(environment),
    };
    let request = Request {
        project,
        selection: &selection,
        plan: plan.as_ref().map(|plan| &plan.read.plan),
        opening: database.opening(&run, true),
        begun,
        wait: settings.wait(),
        policy: settings.policy(),
        backup: args
            .backup_check
            .demand(Some(&project.manifest), &database, &run),
        command: plan
            .as_ref()
            .map_or_else(|| "apply".to_owned(), Given::command),
        run: run.clone(),
        git_commit: git::commit(project.root.dir()),
    };
    let applied = {
        let mut live = Live::new(context.ui, events);
        Box::pin(apply(request, &mut interrupt, &mut live)).await
    };
    let done = Finished {
        database,
        run: &run,
        plan: plan.as_ref(),
        started,
    };
    finish(context, args, done, applied)
}

/// What the end of a run has to know of it.
struct Finished<'a> {
    database: Database,
    run: &'a str,
    plan: Option<&'a Given>,
    started: Instant,
}

/// Shows the result and decides on the exit code.
fn finish(
    context: &mut Context<'_>,
    args: &ApplyArgs,
    done: Finished<'_>,
    applied: Applied,
) -> Result<Exit, CommandError> {
    let Finished {
        database,
        run,
        plan,
        started,
    } = done;
    let run_context = RunContext {
        program: context.program(),
        command: command_again(args, plan),
        committed: applied
            .applied
            .iter()
            .map(|one| label(one.version.as_ref(), &one.name))
            .collect(),
        kept: applied.kept,
        user: database.target.user.clone(),
        database: database.target.database.clone(),
        undoes: false,
        plan_again: plan.map(|plan| plan.again(&context.program())),
    };
    let error = applied
        .error
        .as_ref()
        .map(|error| of_run(error, &run_context));
    let report = ApplyReport {
        schema: ApplyReport::SCHEMA,
        run: applied.recorded.then(|| run.to_owned()),
        outcome: applied.outcome,
        target: Some(database.target),
        applied: applied.applied,
        applied_by_other_runs: applied.other_runs,
        pending: applied.pending,
        plan: plan.map(|plan| plan.used(applied.plan)),
        duration_ms: started.elapsed().as_secs_f64() * 1000.0,
        error: error
            .as_ref()
            .and_then(|error| error.problems().first().cloned()),
        errors: error
            .as_ref()
            .map(CommandError::problems)
            .filter(|problems| problems.len() > 1)
            .map(<[_]>::to_vec)
            .unwrap_or_default(),
    };
    if context.ui.is_json() {
        let document = json::apply(&report);
        context.ui.result(&document);
    } else if error.is_none() {
        let text = terminal::apply(&report, context.ui.look());
        context.ui.result(&text);
    }
    match error {
        Some(error) => Err(error.reported()),
        None => Ok(Exit::Done),
    }
}

fn label(version: Option<&String>, name: &str) -> String {
    match version {
        Some(version) => format!("V{version}__{name}"),
        None => format!("R__{name}"),
    }
}

/// Returns the command with the selection and the lock settings that were typed; consent is to be
/// given anew.
fn command_again(args: &ApplyArgs, plan: Option<&Given>) -> String {
    let mut words = vec![plan.map_or_else(|| "apply".to_owned(), Given::words)];
    words.extend(args.selection.words());
    words.extend(args.locks.words());
    words.join(" ")
}
