//! `evmig rollback`

use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::Context;
use super::restore::{self, RestoreArgs};
use crate::cli::args::ConsentArgs;
use crate::cli::backup_check::BackupCheckArgs;
use crate::cli::checkout::Checkout;
use crate::cli::confirm::consent;
use crate::cli::database::{Database, runtime};
use crate::cli::error::{CommandError, RunContext, of_rollback};
use crate::cli::exit::Exit;
use crate::cli::progress::{Live, events_file};
use crate::cli::settings::{ApplySettings, LockArgs};
use crate::cli::{git, panic, signals};
use crate::clock;
use crate::history::kept::Copy;
use crate::history::locate::Detail;
use crate::plan::undo::UndoSelection;
use crate::plan::undo_script::{Origin, Prefer};
use crate::project::script::Mode;
use crate::project::{Root, Selector};
use crate::render::{json, terminal};
use crate::report::rollback::{
    KeptRows, LostRows, PlannedScript, Reverted, RollbackPlan, RollbackReport,
};
use crate::runner::attempt::Interrupt;
use crate::runner::bill::{Bill, Loss, Way};
use crate::runner::bracket::Switch;
use crate::runner::fresh;
use crate::runner::open::Opening;
use crate::runner::rollback::error::RollbackError;
use crate::runner::rollback::parts::segments;
use crate::runner::rollback::prepare::{Piece, Prepared, Request, prepare};
use crate::runner::rollback::run::{RolledBack, rollback};

/// Take migrations back: the last run, a phase, or everything down to a version
///
/// Without a selection it takes back what is left of the last run that applied something. All
/// rollback scripts run in one transaction, the newest migration's first; a failure changes
/// nothing. The scripts are the ones that the history stored when the migrations were applied, so
/// that it works from any checkout, and from none (with --database-url). A rollback that could not
/// be one transaction, and was stopped, is finished by the same command.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  evmig rollback\n  evmig rollback --dry-run --phase 4\n  \
                  evmig rollback --to 1510 --env production\n  \
                  evmig rollback --restore backups/shop-20261126T101500Z-08qw57bzev --table public.orders\n  \
                  evmig rollback --database-url postgresql://db.example/shop"
)]
pub struct RollbackArgs {
    /// What to take back.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// Step over this version, which has no rollback script, and leave it applied; may be given
    /// several times
    #[arg(long, value_name = "VERSION", help_heading = "Scripts")]
    pub irreversible_ok: Vec<i64>,
    /// Run the scripts that the history stored, whatever is in the checkout
    #[arg(long, help_heading = "Scripts", conflicts_with = "from_files")]
    pub from_history: bool,
    /// Run the scripts in the checkout also where they differ from what the history stored
    #[arg(long, help_heading = "Scripts")]
    pub from_files: bool,
    /// Switch the triggers of foreign keys off, too; every foreign key is proved afterwards
    #[arg(long, help_heading = "Triggers")]
    pub system_triggers: bool,
    /// Copy the rows that will be destroyed to the schema `evmig_kept` first; see `evmig kept`
    #[arg(long)]
    pub keep_data: bool,
    /// Commit also where the catalog is not what it was before; what differs is shown
    #[arg(long)]
    pub accept_differences: bool,
    /// The history's schema, where there is no phases.toml to say so [default: evmig]
    #[arg(long, value_name = "NAME", help_heading = "Target")]
    pub history_schema: Option<String>,
    /// What to restore instead.
    #[command(flatten)]
    pub from_backup: RestoreArgs,
    /// Say what would be done, and try it in a transaction that is rolled back; what no transaction
    /// can have is listed, and not tried
    #[arg(long)]
    pub dry_run: bool,
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

/// What to take back
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct SelectionArgs {
    /// Take back what is left of this run
    #[arg(long, value_name = "ID", help_heading = "What to take back")]
    pub run: Option<String>,
    /// Take back this phase, by number or name
    #[arg(long, value_name = "N|NAME", help_heading = "What to take back")]
    pub phase: Option<String>,
    /// Take back everything that was applied after this version
    #[arg(long, value_name = "VERSION", help_heading = "What to take back")]
    pub to: Option<i64>,
    /// Take back the newest N migrations
    #[arg(
        long,
        value_name = "N",
        help_heading = "What to take back",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub last: Option<u32>,
    /// Take back everything
    #[arg(long, help_heading = "What to take back")]
    pub all: bool,
}

impl SelectionArgs {
    fn selection(&self) -> UndoSelection {
        if self.all {
            return UndoSelection::All;
        }
        if let Some(run) = &self.run {
            return UndoSelection::Run(run.clone());
        }
        if let Some(phase) = &self.phase {
            return UndoSelection::Phase(Selector::parse(phase));
        }
        if let Some(version) = self.to {
            return UndoSelection::To(version);
        }
        match self.last {
            Some(count) => UndoSelection::Last(count as usize),
            None => UndoSelection::LastRun,
        }
    }

    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        words.extend(self.run.iter().map(|run| format!("--run {run}")));
        words.extend(self.phase.iter().map(|phase| format!("--phase {phase}")));
        words.extend(self.to.map(|to| format!("--to {to}")));
        words.extend(self.last.map(|count| format!("--last {count}")));
        words.extend(self.all.then(|| "--all".to_owned()));
        words
    }
}

/// Runs the command.
pub fn run(args: &RollbackArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let runtime = runtime()?;
    let result = runtime.block_on(run_async(args, context));
    runtime.shutdown_background();
    result
}

async fn run_async(args: &RollbackArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let started = Instant::now();
    let run = clock::run_id();
    panic::of_run(&run);
    let mut interrupt = signals::listen();
    let checkout = context.checkout(args.history_schema.as_deref())?;
    let settings = ApplySettings::resolve(
        &args.locks,
        args.wait.as_ref(),
        &context.environment,
        &checkout.manifest_or_defaults(),
    )?;
    let events = events_file(args.events.as_deref())?;
    let database = context.database_of(&checkout).await?;
    let target = terminal::target(&database.target, context.ui.look());
    context.ui.say(&target);
    if let Some(folder) = &args.from_backup.restore {
        let typed = restore::Typed {
            args: &args.from_backup,
            folder,
            settings,
            demand: args
                .backup_check
                .demand(checkout.manifest.as_ref(), &database, &run),
            run: &run,
            dry_run: args.dry_run,
            yes: args.consent.yes,
        };
        let root = checkout.root.as_ref().map(Root::dir);
        return restore::run(&typed, context, &database, root, &mut interrupt).await;
    }
    let selection = args.selection.selection();
    let request = Request {
        project: checkout.project.as_ref(),
        manifest: checkout.manifest.as_ref(),
        selection: &selection,
        prefer: prefer(args),
        irreversible: &args.irreversible_ok,
        opening: Opening {
            look: Some(Detail::Full),
            ..database.opening(&run, true)
        },
        wait: settings.wait(),
        policy: settings.policy(),
        switch: if args.system_triggers {
            Switch::All
        } else {
            Switch::User
        },
        keep_data: args.keep_data,
        accept_differences: args.accept_differences,
        dry_run: args.dry_run,
        run: run.clone(),
        git_commit: checkout
            .root
            .as_ref()
            .and_then(|root| git::commit(root.dir())),
    };
    let command = Command {
        args,
        context,
        database,
        run,
        started,
        checkout: &checkout,
    };
    let prepared = {
        let mut live = Live::new(command.context.ui, None);
        prepare(&request, &mut live).await
    };
    let prepared = prepared.map_err(|error| command.failed(&error))?;
    let shown = shown(&prepared);
    if !args.dry_run {
        let text = terminal::rollback_plan(&shown, command.context.ui.look());
        command.context.ui.say(&text);
    }
    command
        .go(&request, prepared, shown, events, &mut interrupt)
        .await
}

fn prefer(args: &RollbackArgs) -> Prefer {
    match (args.from_history, args.from_files) {
        (true, _) => Prefer::History,
        (_, true) => Prefer::Files,
        _ => Prefer::Applied,
    }
}

/// One command, with everything that is known before the rollback.
struct Command<'c, 'u> {
    args: &'c RollbackArgs,
    context: &'c mut Context<'u>,
    database: Database,
    run: String,
    started: Instant,
    checkout: &'c Checkout,
}

impl Command<'_, '_> {
    /// Asks, does it, and shows what came of it.
    async fn go(
        mut self,
        request: &Request<'_>,
        prepared: Prepared,
        plan: RollbackPlan,
        events: Option<File>,
        interrupt: &mut Interrupt,
    ) -> Result<Exit, CommandError> {
        if !self.args.dry_run {
            self.refuse_without_backup(&prepared).await?;
            consent(self.context.ui, &self.database, self.args.consent.yes)?;
        }
        let done = {
            let mut live = Live::new(self.context.ui, events);
            Box::pin(rollback(request, prepared, interrupt, &mut live)).await
        };
        self.finish(plan, done)
    }

    /// A protected environment may ask for a backup that is fresh enough.
    async fn refuse_without_backup(&self, prepared: &Prepared) -> Result<(), CommandError> {
        let manifest = self.checkout.manifest.as_ref();
        let check = &self.args.backup_check;
        let demand = check.demand(manifest, &self.database, &self.run);
        let checked = fresh::check(demand.as_ref(), &prepared.opened).await;
        checked.map_err(|error| self.failed(&error.into()))
    }

    fn run_context(&self, done: Option<&RolledBack>) -> RunContext {
        let mut context = RunContext {
            program: self.context.program(),
            command: command_again(self.args),
            user: self.database.target.user.clone(),
            database: self.database.target.database.clone(),
            undoes: true,
            ..RunContext::default()
        };
        let Some(done) = done else { return context };
        context.committed = done.reverted.iter().map(Reverted::label).collect();
        let stopped = match &done.error {
            Some(RollbackError::Stopped { migration, .. }) => Some(migration.label()),
            _ => None,
        };
        match &done.kept_of {
            Some(label) if done.kept > 0 && stopped.as_ref() != Some(label) => {
                let part = format!("{label} as far as its statement {}", done.kept);
                context.committed.push(part);
            }
            _ => context.kept = done.kept,
        }
        context
    }

    /// Gives an error that came before the run its words, with what the checkout has to do with it.
    fn failed(&self, error: &RollbackError) -> CommandError {
        of_rollback(
            error,
            &self.run_context(None),
            self.checkout.why_no_project(),
        )
    }

    /// Shows the result and decides on the exit code.
    fn finish(&mut self, plan: RollbackPlan, done: RolledBack) -> Result<Exit, CommandError> {
        let run_context = self.run_context(Some(&done));
        let error = done
            .error
            .as_ref()
            .map(|error| of_rollback(error, &run_context, self.checkout.why_no_project()));
        let report = RollbackReport {
            run: done.recorded.then(|| self.run.clone()),
            outcome: done.outcome,
            target: self.database.target.clone(),
            plan,
            reverted: done.reverted,
            retries: done.retries,
            lock_held_ms: done.held_ms,
            triggers: done.triggers,
            keys_proved: done.keys_proved,
            checked: match &done.error {
                Some(RollbackError::Differs(checked)) => Some((**checked).clone()),
                _ => done.checked.clone(),
            },
            kept: done.kept_rows.iter().map(kept).collect(),
            done_by: done.done_by,
            duration_ms: self.started.elapsed().as_secs_f64() * 1000.0,
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
        if self.context.ui.is_json() {
            let document = json::rollback(&report);
            self.context.ui.result(&document);
        } else if error.is_none() {
            let text = terminal::rollback(&report, self.context.ui.look());
            self.context.ui.result(&text);
        }
        match error {
            Some(error) => Err(error.reported()),
            None => Ok(Exit::Done),
        }
    }
}

/// Returns the command with the selection and the lock settings that were typed; consent is to be
/// given anew.
fn command_again(args: &RollbackArgs) -> String {
    let locks = &args.locks;
    let mut words = vec!["rollback".to_owned()];
    words.extend(args.selection.words());
    let irreversible = args.irreversible_ok.iter();
    words.extend(irreversible.map(|version| format!("--irreversible-ok {version}")));
    words.extend(
        args.accept_differences
            .then(|| "--accept-differences".to_owned()),
    );
    words.extend(args.keep_data.then(|| "--keep-data".to_owned()));
    words.extend(args.dry_run.then(|| "--dry-run".to_owned()));
    words.extend(args.from_history.then(|| "--from-history".to_owned()));
    words.extend(args.from_files.then(|| "--from-files".to_owned()));
    words.extend(args.system_triggers.then(|| "--system-triggers".to_owned()));
    let valued = |flag: &str, value: &str| format!("{flag} {value}");
    let schema = args.history_schema.as_ref();
    words.extend(schema.map(|name| valued("--history-schema", name)));
    let timeout = locks.lock_timeout.as_ref();
    words.extend(timeout.map(|text| valued("--lock-timeout", text)));
    let retries = locks.lock_retries;
    words.extend(retries.map(|number| valued("--lock-retries", &number.to_string())));
    let statement = locks.statement_timeout.as_ref();
    words.extend(statement.map(|text| valued("--statement-timeout", text)));
    words.join(" ")
}

/// Returns the plan as it is shown.
fn shown(prepared: &Prepared) -> RollbackPlan {
    let Prepared { plan, bill, .. } = prepared;
    RollbackPlan {
        loses: bill.tables.iter().map(lost).collect(),
        may_lose: may_lose(bill),
        scripts: plan.pieces.iter().map(shown_script).collect(),
        transactions: segments(&plan.pieces).len(),
        stepped_over: plan.stepped_over.clone(),
        stays_behind: plan.stays_behind.clone(),
        continues: plan.continues.clone(),
        further: plan.further.clone(),
    }
}

fn lost(loss: &Loss) -> LostRows {
    LostRows {
        table: loss.table.to_string(),
        way: loss.way.as_str(),
        columns: match &loss.way {
            Way::Columns(columns) => columns.clone(),
            _ => Vec::new(),
        },
        rows: loss.rows,
        exact: loss.exact,
        bytes: loss.bytes,
    }
}

fn kept(copy: &Copy) -> KeptRows {
    KeptRows {
        name: copy.kept_table.clone(),
        table: copy.table.to_string(),
        rows: copy.rows,
    }
}

/// What may destroy more, each kind once.
fn may_lose(bill: &Bill) -> Vec<String> {
    let mut kinds: Vec<String> = bill.unknown.iter().map(|one| one.what.clone()).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

fn shown_script(piece: &Piece) -> PlannedScript {
    let (source, why) = origin(piece.origin);
    let outside = match piece.script.mode() {
        Mode::Transaction { .. } => Vec::new(),
        Mode::Stepwise(_) => (piece.done..piece.script.len())
            .filter(|index| piece.script.class(*index).outside_transaction.is_some())
            .map(|index| piece.script.snippet(index, None).text.trim().to_owned())
            .collect(),
    };
    PlannedScript {
        version: piece.named.version.clone(),
        name: piece.named.name.clone(),
        phase: piece.named.phase.clone(),
        step: piece.named.step.clone(),
        applied_by: piece.layer.run.clone(),
        statements: piece.statements(),
        source,
        why: why.to_owned(),
        file: piece.named.file.clone(),
        outside_transaction: outside,
    }
}

fn origin(origin: Origin) -> (&'static str, &'static str) {
    match origin {
        Origin::File => ("file", "as it was stored when the migration was applied"),
        Origin::FileOnly => ("file", "the history has no rollback script"),
        Origin::FileAsked => ("file", "it differs from what was stored, and was asked for"),
        Origin::HistoryAsked => ("history", "it was asked for"),
        Origin::NoProject => ("history", "no project was read"),
        Origin::FileGone => ("history", "the file is gone"),
        Origin::FileDiffers => ("history", "the file was changed since"),
        Origin::Previous => ("history", "the text that this file had before"),
    }
}
