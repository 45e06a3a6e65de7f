//! `evmig seed`

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use clap::Args;

use super::Context;
use crate::cli::args::ConsentArgs;
use crate::cli::confirm::consent;
use crate::cli::database::{Database, runtime};
use crate::cli::error::{CommandError, SeedContext, of_run, of_seed};
use crate::cli::exit::Exit;
use crate::cli::progress::CellBar;
use crate::cli::signals;
use crate::clock;
use crate::pg::lock::HistoryLock;
use crate::pg::session::Session;
use crate::render::{json, terminal};
use crate::report::problem::Problem;
use crate::report::seed::{SeedOutcome, SeedReport};
use crate::runner::open::open;
use crate::seed::database::{Ready, Way, look};
use crate::seed::error::SeedError;
use crate::seed::ledger::Ledger;
use crate::seed::load::{Audience, Moved, forecast, load, pending};
use crate::seed::remove::remove;
use crate::seed::world::MOST_CELLS;

/// How long the server is waited for when the session ends.
const GOODBYE: Duration = Duration::from_secs(1);

/// Load a large sample world into the event platform's tables, or remove it
///
/// Each cell is some 40,000 rows: 3 organizations, 1,200 accounts, 25 events, 5,000 orders with
/// their payments, and the tickets of these. A cell is one transaction: a command that was stopped
/// goes on where it stopped, and a larger scale adds to what is there. The rows are the same in
/// every database. Protected environments are refused.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  evmig seed --scale 10\n  evmig seed --scale 1000 --dry-run\n  \
                  evmig seed --remove"
)]
pub struct SeedArgs {
    /// How many cells there shall be
    #[arg(
        long,
        value_name = "N",
        required_unless_present = "remove",
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_CELLS))
    )]
    pub scale: Option<u32>,
    /// Remove all cells
    #[arg(long, conflicts_with = "scale")]
    pub remove: bool,
    /// Say what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Consent.
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// Runs the command.
pub fn run(args: &SeedArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    runtime()?.block_on(run_async(args, context))
}

async fn run_async(args: &SeedArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let started = Instant::now();
    let interrupt = signals::listen();
    let (root, manifest) = context.manifest()?;
    let database = context.database(&root, &manifest).await?;
    refuse_protected(&database)?;
    let target = terminal::target(&database.target, context.ui.look());
    context.ui.say(&target);
    if !args.dry_run {
        consent(context.ui, &database, args.consent.yes)?;
    }
    let run = clock::run_id();
    let opened = open(&database.opening(&run, true))
        .await
        .map_err(|error| of_run(&error, &context.run_context(&database, "seed")))?;
    for warning in &opened.warnings {
        if let Some(text) = terminal::event(warning, context.ui.look()) {
            context.ui.say(&text);
        }
    }
    let lock = HistoryLock::new(&database.history_schema);
    let mut work = Work {
        args,
        session: &opened.session,
        ledger: Ledger::new(&database.history_schema),
        report: SeedReport {
            schema: SeedReport::SCHEMA,
            outcome: SeedOutcome::Failed,
            target: database.target,
            scale: args.scale,
            triggers_suspended: None,
            cells_before: 0,
            cells: 0,
            rows: 0,
            tables: Vec::new(),
            duration_ms: 0.0,
            error: None,
        },
    };
    let stop = || interrupt.is_set();
    let result = work.locked(lock, context, &stop).await;
    let report = work.report;
    opened.session.close(GOODBYE).await;
    finish(args, context, report, result, started)
}

/// Sample data has no business on a protected environment, and no flag changes that.
fn refuse_protected(database: &Database) -> Result<(), CommandError> {
    let target = &database.target;
    if !target.protected {
        return Ok(());
    }
    let name = target.environment.as_deref().unwrap_or("this environment");
    Err(CommandError::refused(
        Problem::new(
            "seed-protected",
            format!("environment {name} is protected: evmig seed does not touch it"),
        )
        .hint("choose another environment with --env NAME; --yes does not change this"),
    ))
}

/// One command on an open session.
struct Work<'a> {
    args: &'a SeedArgs,
    session: &'a Session,
    ledger: Ledger,
    report: SeedReport,
}

impl Work<'_> {
    /// Runs under the history's lock, which keeps `apply` and a second load out.
    async fn locked(
        &mut self,
        lock: HistoryLock,
        context: &mut Context<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), SeedError> {
        let own = |what| move |failure| SeedError::Own { what, failure };
        if self.args.dry_run {
            return self.chosen(context, stop).await;
        }
        let taken = lock.try_take(self.session).await;
        if !taken.map_err(own("could not take the history's lock"))? {
            let holder = lock.holder(self.session).await;
            let holder = holder.map_err(own("could not see who holds the history's lock"))?;
            return Err(SeedError::Busy {
                holder: holder.map(Box::new),
            });
        }
        // The session's end gives the lock back, also after an error.
        self.chosen(context, stop).await
    }

    async fn chosen(
        &mut self,
        context: &mut Context<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), SeedError> {
        let there = self.ledger.cells(self.session).await?;
        self.report.cells_before = there.len() as u32;
        match self.args.scale {
            Some(scale) => self.load(scale, &there, context, stop).await,
            None => self.remove(&there, context, stop).await,
        }
    }

    async fn load(
        &mut self,
        scale: u32,
        there: &BTreeSet<u16>,
        context: &mut Context<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), SeedError> {
        let ready: Ready = look(self.session).await?;
        let cells = pending(scale, there);
        if cells.is_empty() {
            self.report.outcome = SeedOutcome::NothingToDo;
            return Ok(());
        }
        self.report.triggers_suspended = Some(ready.way == Way::Direct);
        if self.args.dry_run {
            self.report.tables = forecast(&cells);
            self.report.rows = self.report.tables.iter().map(|one| one.rows).sum();
            self.report.cells = cells.len() as u32;
            self.report.outcome = SeedOutcome::Planned;
            return Ok(());
        }
        let mut bar = CellBar::new(context.ui, cells.len() as u64);
        let mut audience = Audience {
            stop,
            told: &mut |progress| bar.show(progress),
        };
        let moved = load(self.session, &ready, &self.ledger, &cells, &mut audience).await;
        self.take(moved, SeedOutcome::Loaded).map_or(Ok(()), Err)
    }

    async fn remove(
        &mut self,
        there: &BTreeSet<u16>,
        context: &mut Context<'_>,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), SeedError> {
        if there.is_empty() {
            self.report.outcome = SeedOutcome::NothingToDo;
            return Ok(());
        }
        if self.args.dry_run {
            self.report.cells = there.len() as u32;
            self.report.outcome = SeedOutcome::Planned;
            return Ok(());
        }
        let mut bar = CellBar::new(context.ui, there.len() as u64);
        let mut audience = Audience {
            stop,
            told: &mut |progress| bar.show(progress),
        };
        let moved = remove(self.session, &self.ledger, there, &mut audience).await;
        self.take(moved, SeedOutcome::Removed).map_or(Ok(()), Err)
    }

    /// Notes what was done, and returns what stopped it.
    fn take(&mut self, moved: Moved, outcome: SeedOutcome) -> Option<SeedError> {
        self.report.cells = moved.cells;
        self.report.rows = moved.rows;
        if moved.error.is_none() {
            self.report.outcome = outcome;
        }
        moved.error
    }
}

/// Shows the result and decides on the exit code.
fn finish(
    args: &SeedArgs,
    context: &mut Context<'_>,
    mut report: SeedReport,
    result: Result<(), SeedError>,
    started: Instant,
) -> Result<Exit, CommandError> {
    report.duration_ms = started.elapsed().as_secs_f64() * 1000.0;
    let program = context.program();
    let error = result.err().map(|error| {
        let again = match args.scale {
            Some(scale) => format!("{program} seed --scale {scale}"),
            None => format!("{program} seed --remove"),
        };
        of_seed(
            &error,
            &SeedContext {
                again,
                program,
                removes: args.remove,
                cells: report.cells,
            },
        )
    });
    report.error = error
        .as_ref()
        .and_then(|error| error.problems().first().cloned());
    if context.ui.is_json() {
        let document = json::seed(&report);
        context.ui.result(&document);
    } else if error.is_none() {
        let text = terminal::seed(&report, context.ui.look());
        context.ui.result(&text);
    }
    match error {
        Some(error) => Err(error.reported()),
        None => Ok(Exit::Done),
    }
}
