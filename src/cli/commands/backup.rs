//! `evmig backup`

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;

use super::Context;
use crate::backup::dump::pg_dump;
use crate::backup::error::BackupError;
use crate::backup::folder::left_over;
use crate::backup::keep::prune;
use crate::backup::key::{self, Key};
use crate::backup::ledger::Ledger;
use crate::backup::make::{Audience, Made, Request, make};
use crate::backup::verify::{Verified, folder_of, verify};
use crate::cli::database::{Database, runtime};
use crate::cli::environment::Environment;
use crate::cli::error::{CommandError, of_backup, of_run};
use crate::cli::exit::Exit;
use crate::cli::progress::Spinner;
use crate::cli::settings::typed_duration;
use crate::cli::signals;
use crate::clock;
use crate::project::Root;
use crate::render::{json, terminal};
use crate::report::backup::{BackupFault, BackupOutcome, BackupReport, LeftOut, VerifyReport};
use crate::report::problem::Problem;
use crate::runner::attempt::Interrupt;
use crate::runner::open::{Opened, open};

/// How long the server is waited for when the session ends.
const GOODBYE: Duration = Duration::from_secs(1);

/// Where backups go below the project, unless something else is said.
const FOLDER: &str = "backups";

/// The longest wait for a table that somebody has locked, unless something else is said.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Back the database up with `pg_dump`, and authenticate what was made
///
/// The dump, the row counts and checksums and the catalog's fingerprint are of one snapshot. A
/// manifest has the SHA-256 of every file, and a code made with a key that lies outside of the
/// backup. The database is only read, but for a line in the history's table `backup`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  evmig backup\n  evmig backup --out /srv/backups --jobs 4 --keep 7\n  \
                  evmig backup --verify backups/shop-20261126T101500Z-08qw57bzev"
)]
pub struct BackupArgs {
    /// Make the backup in this directory [default: backups, in the project]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How many sessions `pg_dump` uses
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub jobs: u32,
    /// Keep the N newest backups of this database in that directory, and remove older ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub keep: Option<u32>,
    /// Wait this long for a table that somebody has locked [default: 10s]
    #[arg(long, value_name = "DURATION")]
    pub lock_timeout: Option<String>,
    /// Count rows without hashing them: faster, and a restore can compare the counts only
    #[arg(long)]
    pub no_checksums: bool,
    /// Check a backup, every byte of it, without a database
    #[arg(
        long,
        value_name = "DIR",
        conflicts_with_all = ["out", "jobs", "keep", "lock_timeout", "no_checksums"]
    )]
    pub verify: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &BackupArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    if let Some(path) = &args.verify {
        return check(path, context);
    }
    let runtime = runtime()?;
    let result = runtime.block_on(run_async(args, context));
    // What is still being read after a signal must not keep the command.
    runtime.shutdown_background();
    result
}

/// Returns the place of the key that authenticates manifests.
pub fn key_path(environment: &Environment) -> Result<PathBuf, CommandError> {
    if let Some(path) = environment.get("EVMIG_BACKUP_KEY") {
        return Ok(PathBuf::from(path));
    }
    let directory = environment.surroundings().state_directory();
    let directory = directory.map_err(|error| {
        CommandError::refused(
            Problem::new("backup-key", "there is no place for the key of backups")
                .detail(error.to_string())
                .hint("set HOME, or name the key's file in EVMIG_BACKUP_KEY"),
        )
    })?;
    Ok(directory.join(key::NAME))
}

/// Looks at every byte of a backup, with the key that is here.
pub fn verified(path: &Path, environment: &Environment) -> Result<Verified, CommandError> {
    let key_path = key_path(environment)?;
    let key = Key::read(&key_path).map_err(|error| of_backup(&error, ""))?;
    let key = key.as_ref().ok_or(key_path.as_path());
    Ok(verify(&folder_of(path), key))
}

/// The same in a thread of its own, so that a signal is heard meanwhile; `None` after one.
pub async fn verified_unless(
    path: &Path,
    environment: &Environment,
    interrupt: &mut Interrupt,
) -> Result<Option<Verified>, CommandError> {
    // Programs that are started later are in another directory, and the history keeps the path.
    let path = std::path::absolute(path)
        .map_err(|error| of_backup(&BackupError::io_of("find", path, error), ""))?;
    let environment = environment.clone();
    let looking = tokio::task::spawn_blocking(move || verified(&path, &environment));
    tokio::select! {
        biased;
        looked = looking => Ok(Some(looked.context("the backup was not read to its end")??)),
        () = interrupt.wait() => Ok(None),
    }
}

/// Returns the name of this machine.
pub fn host_name() -> String {
    nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn check(path: &Path, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let started = Instant::now();
    let verified = verified(path, &context.environment)?;
    let manifest = verified.manifest.as_ref();
    let report = VerifyReport {
        schema: VerifyReport::SCHEMA,
        path: verified.path.display().to_string(),
        sound: verified.faults.is_empty(),
        authentic: verified.authentic,
        id: manifest.map(|one| one.id.clone()),
        database: manifest.map(|one| one.server.database.clone()),
        taken_at: manifest.map(|one| one.taken_at.clone()),
        files: manifest.map_or(0, |one| one.files.len()),
        bytes: manifest.map_or(0, crate::backup::manifest::Manifest::bytes),
        faults: verified
            .faults
            .iter()
            .map(|fault| BackupFault {
                code: fault.code(),
                message: fault.to_string(),
            })
            .collect(),
        duration_ms: started.elapsed().as_secs_f64() * 1000.0,
    };
    let text = if context.ui.is_json() {
        json::backup_verify(&report)
    } else {
        terminal::backup_verify(&report, context.ui.look())
    };
    context.ui.result(&text);
    Ok(if report.sound {
        Exit::Done
    } else {
        Exit::Findings
    })
}

async fn run_async(args: &BackupArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let started = Instant::now();
    let interrupt = signals::listen();
    let lock_wait = typed_duration(args.lock_timeout.as_ref(), "flag --lock-timeout", LOCK_WAIT)?;
    let (root, manifest) = context.manifest()?;
    let database = context.database(&root, &manifest).await?;
    let target = terminal::target(&database.target, context.ui.look());
    context.ui.say(&target);
    let out = out_directory(args, &root)?;
    let id = clock::run_id();
    let opening = database.opening(&id, false);
    let opened = open(&opening)
        .await
        .map_err(|error| of_run(&error, &context.run_context(&database, "backup")))?;
    let again = command_again(args, context);
    let failed = |error: &BackupError| of_backup(error, &again);
    let surroundings = context.environment.surroundings();
    let program = pg_dump(&surroundings, opened.facts.version_num / 10_000)
        .map_err(|error| failed(&error))?;
    let state = surroundings
        .make_state_directory()
        .map_err(|error| CommandError::embedded(&error))?;
    let key_path = key_path(&context.environment)?;
    let key = Key::read_or_make(&key_path).map_err(|error| failed(&error))?;
    warn_of_left_over(&out, context);
    let request = Request {
        session: &opened.session,
        parameters: &database.parameters,
        facts: &opened.facts,
        history_schema: &database.history_schema,
        program: &program,
        key: &key,
        state: &state,
        out: &out,
        jobs: args.jobs,
        lock_wait,
        hash: !args.no_checksums,
        id: &id,
        application_name: &opening.application_name,
        os_user: &Environment::os_user().unwrap_or_default(),
        host: &host_name(),
    };
    let stop = || interrupt.is_set();
    let made = {
        let mut bar = Spinner::new(context.ui);
        let mut audience = Audience {
            stop: &stop,
            told: &mut |progress| bar.backup(progress),
        };
        make(request, &mut audience).await
    };
    let mut report = BackupReport {
        schema: BackupReport::SCHEMA,
        outcome: BackupOutcome::Failed,
        target: database.target.clone(),
        id,
        path: None,
        taken_at: None,
        tables: 0,
        rows: 0,
        bytes: 0,
        checksums: !args.no_checksums,
        pg_dump: program.version.text.clone(),
        key_id: None,
        recorded: false,
        not_included: Vec::new(),
        removed: Vec::new(),
        duration_ms: 0.0,
        error: None,
    };
    let error = match made {
        Ok(made) => {
            fill(&mut report, &made);
            report.recorded = record(&opened, &database, &made, context).await;
            report.removed = keep(args, &out, &made, &key, context);
            None
        }
        Err(error) => Some(failed(&error)),
    };
    opened.session.close(GOODBYE).await;
    report.duration_ms = started.elapsed().as_secs_f64() * 1000.0;
    finish(context, report, error)
}

/// `--out` is seen from where the command was typed, the default from the project.
fn out_directory(args: &BackupArgs, root: &Root) -> Result<PathBuf, CommandError> {
    let out = match &args.out {
        Some(out) => out.clone(),
        None => root.dir().join(FOLDER),
    };
    std::path::absolute(&out)
        .map_err(|error| of_backup(&BackupError::io_of("find", &out, error), ""))
}

fn command_again(args: &BackupArgs, context: &Context<'_>) -> String {
    let mut words = vec![context.program(), "backup".to_owned()];
    words.extend(
        args.out
            .iter()
            .map(|out| format!("--out {}", out.display())),
    );
    words.extend(args.keep.map(|keep| format!("--keep {keep}")));
    let timeout = args.lock_timeout.iter();
    words.extend(timeout.map(|text| format!("--lock-timeout {text}")));
    words.extend(args.no_checksums.then(|| "--no-checksums".to_owned()));
    words.join(" ")
}

/// Tells of backups that were never completed: the process was killed.
fn warn_of_left_over(out: &Path, context: &mut Context<'_>) {
    for path in left_over(out) {
        let problem = Problem::new(
            "backup-left-over",
            format!("{} was never completed", path.display()),
        )
        .hint("it is no backup: remove it, unless another evmig backup is writing it now");
        context.ui.warn(&problem);
    }
}

fn fill(report: &mut BackupReport, made: &Made) {
    let manifest = &made.manifest;
    report.outcome = BackupOutcome::Made;
    report.path = Some(made.path.display().to_string());
    report.taken_at = Some(manifest.taken_at.clone());
    report.tables = manifest.tables.len();
    report.rows = manifest.rows();
    report.bytes = manifest.bytes();
    report.key_id = Some(manifest.key_id.clone());
    report.not_included = manifest
        .not_included
        .iter()
        .map(|one| LeftOut {
            what: one.what.clone(),
            count: one.count,
            why: one.why.clone(),
        })
        .collect();
}

/// Notes the backup in the database. One that cannot be noted is one all the same.
async fn record(
    opened: &Opened,
    database: &Database,
    made: &Made,
    context: &mut Context<'_>,
) -> bool {
    let ledger = Ledger::new(&database.history_schema);
    let Err(error) = ledger.made(&opened.session, made).await else {
        return true;
    };
    let problem = match of_backup(&error, "").problems().first() {
        Some(problem) => problem.message.clone(),
        None => error.to_string(),
    };
    context.ui.warn(
        &Problem::new("backup-unrecorded", problem)
            .hint("the backup is complete; backup_max_age does not see it"),
    );
    false
}

/// Removes older backups, and tells what was not to be removed.
fn keep(
    args: &BackupArgs,
    out: &Path,
    made: &Made,
    key: &Key,
    context: &mut Context<'_>,
) -> Vec<String> {
    let Some(keep) = args.keep else {
        return Vec::new();
    };
    let pruned = prune(out, made, keep as usize, key);
    for (path, reason) in &pruned.failed {
        context.ui.warn(&Problem::new(
            "backup-not-removed",
            format!("{} could not be removed: {reason}", path.display()),
        ));
    }
    let removed = pruned.removed.iter();
    removed.map(|path| path.display().to_string()).collect()
}

fn finish(
    context: &mut Context<'_>,
    mut report: BackupReport,
    error: Option<CommandError>,
) -> Result<Exit, CommandError> {
    report.error = error
        .as_ref()
        .and_then(|error| error.problems().first().cloned());
    if context.ui.is_json() {
        let document = json::backup(&report);
        context.ui.result(&document);
    } else if error.is_none() {
        let text = terminal::backup(&report, context.ui.look());
        context.ui.result(&text);
    }
    match error {
        Some(error) => Err(error.reported()),
        None => Ok(Exit::Done),
    }
}
