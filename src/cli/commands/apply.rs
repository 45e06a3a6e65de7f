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
use crate::cli::progress::{Live, events_file};
use crate::cli::settings::{ApplySettings, LockArgs};
use crate::cli::{git, panic, signals};
use crate::clock;
use crate::plan::choose::Selection;
use crate::project::Selector;
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
                  evmig apply --to 120 --lock-timeout 500ms --wait 5min"
)]
pub struct ApplyArgs {
    /// Apply this phase only, by number or name; may be given several times
    #[arg(long, value_name = "N|NAME")]
    pub phase: Vec<String>,
    /// Apply this step of the phases only
    #[arg(long, value_name = "NAME")]
    pub step: Option<String>,
    /// Apply up to and including this version
    #[arg(long, value_name = "VERSION")]
    pub to: Option<i64>,
    /// Apply an older version that was merged late
    #[arg(long)]
    pub out_of_order: bool,
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
    let selection = Selection {
        phases: args
            .phase
            .iter()
            .map(|phase| Selector::parse(phase))
            .collect(),
        step: args.step.clone(),
        to: args.to,
        out_of_order: args.out_of_order,
        environment: database.target.environment.clone(),
    };
    let request = Request {
        project,
        selection: &selection,
        opening: database.opening(&run, true),
        begun,
        wait: settings.wait(),
        policy: settings.policy(),
        backup: args
            .backup_check
            .demand(Some(&project.manifest), &database, &run),
        run: run.clone(),
        git_commit: git::commit(project.root.dir()),
    };
    let applied = {
        let mut live = Live::new(context.ui, events);
        Box::pin(apply(request, &mut interrupt, &mut live)).await
    };
    finish(context, args, database, &run, applied, started)
}

/// Shows the result and decides on the exit code.
fn finish(
    context: &mut Context<'_>,
    args: &ApplyArgs,
    database: Database,
    run: &str,
    applied: Applied,
    started: Instant,
) -> Result<Exit, CommandError> {
    let run_context = RunContext {
        program: context.program(),
        command: command_again(args),
        committed: applied
            .applied
            .iter()
            .map(|one| label(one.version.as_ref(), &one.name))
            .collect(),
        kept: applied.kept,
        user: database.target.user.clone(),
        database: database.target.database.clone(),
        undoes: false,
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
fn command_again(args: &ApplyArgs) -> String {
    let locks = &args.locks;
    let mut words = vec!["apply".to_owned()];
    words.extend(args.phase.iter().map(|phase| format!("--phase {phase}")));
    words.extend(args.step.iter().map(|step| format!("--step {step}")));
    words.extend(args.to.map(|to| format!("--to {to}")));
    words.extend(args.out_of_order.then(|| "--out-of-order".to_owned()));
    let valued = |flag: &str, value: &str| format!("{flag} {value}");
    let timeout = locks.lock_timeout.as_ref();
    words.extend(timeout.map(|text| valued("--lock-timeout", text)));
    let retries = locks.lock_retries;
    words.extend(retries.map(|number| valued("--lock-retries", &number.to_string())));
    let statement = locks.statement_timeout.as_ref();
    words.extend(statement.map(|text| valued("--statement-timeout", text)));
    words.join(" ")
}
