//! `evmig plan`, and `evmig apply --dry-run`: what an apply would do.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::Context;
use super::apply::ApplyArgs;
use crate::cli::args::{ConsentArgs, Format};
use crate::cli::confirm::{consent, is_asked_for};
use crate::cli::database::runtime;
use crate::cli::error::{CommandError, RunContext, of_preview, of_run};
use crate::cli::exit::Exit;
use crate::cli::plan_file;
use crate::cli::progress::Live;
use crate::cli::selection::SelectionArgs;
use crate::cli::settings::{ApplySettings, LockArgs};
use crate::cli::shadow::{Shadow, ShadowArgs};
use crate::cli::signals;
use crate::clock;
use crate::history::locate::Detail;
use crate::preview::{DryRun, Request, dry_run};
use crate::render::{dry_run as rendered, json, terminal};
use crate::report::dry_run::{DryRunReport, Forecast, Level};
use crate::report::problem::Problem;
use crate::runner::error::RunError;
use crate::runner::own_work::Listeners;

/// Show what an apply would do, and change nothing
///
/// The pending migrations run in a throw-away database that was made to look like the target; each
/// statement's locks, rewrites and scans are read from the server, and put together with the target's
/// sizes. The target is only read.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  evmig plan\n  evmig plan --phase 2 --env production\n  \
                  evmig plan --level sql > pending.sql\n  evmig plan --shadow target --env staging\n  \
                  evmig plan --fresh\n  evmig plan --format html > plan.html\n\n\
                  In a pull request, and when it is deployed:\n  \
                  evmig plan --env production --out deploy.plan --format markdown > comment.md\n  \
                  evmig apply --env production --plan deploy.plan --yes"
)]
pub struct PlanArgs {
    /// What to look at.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Write the plan to FILE, for evmig apply --plan; it is replaced in one step
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// List the statements (sql), run them in a throw-away database (shadow), or run them on the target in
    /// a transaction that is rolled back (rollback: it locks what it changes)
    #[arg(
        long,
        value_enum,
        value_name = "LEVEL",
        default_value = "shadow",
        hide_possible_values = true
    )]
    pub level: DryLevel,
    /// Wait this long for other dry runs on the same server to end [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub wait: Option<String>,
    /// Locks.
    #[command(flatten)]
    pub locks: LockArgs,
    /// Consent.
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// Dry run.
    #[command(flatten)]
    pub dry_run: DryRunArgs,
}

/// How far a dry run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DryLevel {
    /// List the statements
    Sql,
    /// Run them in a throw-away database
    Shadow,
    /// Run them on the target, in a transaction that is rolled back
    Rollback,
}

/// What is peculiar to a dry run.
#[derive(Debug, Clone, Default, Args)]
pub struct DryRunArgs {
    /// Shadow.
    #[command(flatten)]
    pub shadow: ShadowArgs,
    /// Exit with 4 if a phase's contract would be broken
    #[arg(long, help_heading = "Dry run")]
    pub exit_code: bool,
    /// Run all migrations, also those that an earlier dry run ran in the same state
    #[arg(long, help_heading = "Dry run")]
    pub fresh: bool,
}

impl DryRunArgs {
    /// Refuses a flag that does nothing at this level, or where there is no dry run.
    pub(super) fn refuse_unused(&self, level: Option<DryLevel>) -> Result<(), CommandError> {
        if level == Some(DryLevel::Shadow) {
            return Ok(());
        }
        if self.fresh {
            return Err(CommandError::usage(
                Problem::new(
                    "fresh-not-used",
                    "nothing is taken from earlier dry runs here",
                )
                .hint("--fresh is for a dry run of the level shadow"),
            ));
        }
        if !self.shadow.is_typed() {
            return Ok(());
        }
        Err(CommandError::usage(
            Problem::new("shadow-not-used", "no throw-away database is made here")
                .hint("--shadow and --shadow-url are for a dry run of the level shadow"),
        ))
    }
}

/// What is looked into.
pub(super) struct Looking<'a> {
    selection: &'a SelectionArgs,
    out: Option<&'a Path>,
    level: DryLevel,
    wait: Option<&'a String>,
    locks: &'a LockArgs,
    consent: ConsentArgs,
    dry_run: &'a DryRunArgs,
}

impl<'a> Looking<'a> {
    /// The selection of an `apply --dry-run`.
    pub(super) fn of_apply(args: &'a ApplyArgs, level: DryLevel) -> Self {
        Self {
            selection: &args.selection,
            out: None,
            level,
            wait: args.wait.as_ref(),
            locks: &args.locks,
            consent: args.consent,
            dry_run: &args.dry,
        }
    }

    /// Returns the words that select the same again.
    fn words(&self) -> String {
        let mut words = vec!["plan".to_owned()];
        words.extend(self.selection.words());
        words.join(" ")
    }
}

/// Runs the command.
pub fn run(args: &PlanArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let looking = Looking {
        selection: &args.selection,
        out: args.out.as_deref(),
        level: args.level,
        wait: args.wait.as_ref(),
        locks: &args.locks,
        consent: args.consent,
        dry_run: &args.dry_run,
    };
    look(&looking, context)
}

/// Makes a dry run.
pub(super) fn look(looking: &Looking<'_>, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let runtime = runtime()?;
    let result = runtime.block_on(look_async(looking, context));
    // A name that is still being looked up must not keep back what is wrong with the project.
    runtime.shutdown_background();
    result
}

async fn look_async(
    looking: &Looking<'_>,
    context: &mut Context<'_>,
) -> Result<Exit, CommandError> {
    let mut interrupt = signals::listen();
    let project = context.project()?;
    looking.dry_run.refuse_unused(Some(looking.level))?;
    let shadow = looking.dry_run.shadow.chosen(&context.environment)?;
    let settings = ApplySettings::resolve(
        looking.locks,
        looking.wait,
        &context.environment,
        &project.manifest,
    )?;
    let database = context.database(&project.root, &project.manifest).await?;
    let on_target = looking.level == DryLevel::Rollback;
    let beside_target = looking.level == DryLevel::Shadow && matches!(shadow, Shadow::Target);
    if on_target || beside_target {
        let yes = looking.consent.yes;
        if is_asked_for(&database.target, database.ambient, yes) {
            // Otherwise the report begins with it.
            let target = terminal::target(&database.target, context.ui.look());
            context.ui.say(&target);
        }
        consent(context.ui, &database, yes)?;
    }
    let selection = looking
        .selection
        .selection(database.target.environment.as_ref());
    let run = clock::run_id();
    let mut opening = database.opening(&run, on_target);
    opening.look = Some(Detail::Full);
    let run_context = RunContext {
        program: context.program(),
        command: looking.words(),
        user: database.target.user.clone(),
        database: database.target.database.clone(),
        ..RunContext::default()
    };
    let request = Request {
        project: &project,
        selection: &selection,
        opening,
        target: database.target.clone(),
        level: match looking.level {
            DryLevel::Sql => Level::Sql,
            DryLevel::Shadow => Level::Shadow,
            DryLevel::Rollback => Level::Rollback,
        },
        policy: settings.policy(),
        shadow: shadow.place(&database.parameters, &context.environment),
        fresh: looking.dry_run.fresh,
        agreed: beside_target || looking.consent.yes || !database.target.protected,
        wait: settings.wait(),
        surroundings: context.environment.surroundings(),
        saves: looking.out.is_some(),
        run,
    };
    let made = {
        let mut live = Live::new(context.ui, None);
        let mut listeners = Listeners {
            interrupt: &mut interrupt,
            sink: &mut live,
        };
        Box::pin(dry_run(request, &mut listeners)).await
    };
    let made = made.map_err(|error| of_preview(&error, &run_context, &database.history_schema))?;
    finish(looking, context, made, &run_context)
}

/// Shows the result and decides on the exit code.
fn finish(
    looking: &Looking<'_>,
    context: &mut Context<'_>,
    made: DryRun,
    run_context: &RunContext,
) -> Result<Exit, CommandError> {
    let DryRun {
        mut report,
        stopped,
        plan,
    } = made;
    let error = stopped.map(|(migration, stop)| {
        let error = RunError::Migration {
            migration: Box::new(migration),
            stop: Box::new(stop),
        };
        of_run(&error, run_context)
    });
    report.error = error
        .as_ref()
        .and_then(|error| error.problems().first().cloned());
    if let (Some(file), Some(plan)) = (looking.out, &plan) {
        plan_file::write(file, plan, &mut report, &context.program())?;
    }
    if let Some(text) = written(context.global.format, &report) {
        context.ui.bytes(&text);
    } else if report.level == Level::Sql {
        let text = terminal::dry_run(&report, context.ui.look());
        context.ui.bytes(&text);
        // The result itself is SQL.
        let said = terminal::saved(&report, context.ui.look());
        context.ui.say(&said);
    } else {
        let text = terminal::dry_run(&report, context.ui.look());
        context.ui.result(&text);
    }
    if let Some(error) = error {
        return Err(CommandError::new(Exit::Failed, first(&error)).reported());
    }
    let broken = looking.dry_run.exit_code && !report.findings.is_empty();
    debug_assert!(report.forecast != Forecast::WouldFail, "it has an error");
    Ok(if broken { Exit::Findings } else { Exit::Done })
}

/// The report in a format that something else than a terminal shows.
fn written(format: Format, report: &DryRunReport) -> Option<String> {
    match format {
        Format::Json => Some(json::dry_run(report)),
        Format::Markdown => Some(rendered::markdown(report)),
        Format::Html => Some(rendered::html(report)),
        _ => None,
    }
}

fn first(error: &CommandError) -> Problem {
    error.problems().first().cloned().unwrap_or_default()
}
