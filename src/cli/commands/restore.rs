//! `evmig rollback --restore`: the rows of tables, put back from a backup.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use sha2::{Digest as _, Sha256};

use super::Context;
use super::backup::{host_name, verified_unless};
use crate::backup::dump::pg_restore;
use crate::backup::manifest::Manifest;
use crate::backup::verify::Verified;
use crate::cli::confirm::consent;
use crate::cli::database::Database;
use crate::cli::error::{CommandError, of_restore};
use crate::cli::exit::Exit;
use crate::cli::git;
use crate::cli::progress::{Live, Spinner};
use crate::cli::settings::ApplySettings;
use crate::render::{json, terminal};
use crate::report::backup::{RestoreOutcome, RestoreReport, RestoredTable};
use crate::report::problem::Problem;
use crate::runner::attempt::Interrupt;
use crate::runner::bracket::Switch;
use crate::runner::fresh::{self, BackupDemand};
use crate::runner::open::{Opened, open};
use crate::runner::restore::error::RestoreError;
use crate::runner::restore::plan::{Plan, plan};
use crate::runner::restore::run::{Came, Request, restore, take_turn};
use crate::shadow::ClientProgram;

/// How long the server is waited for when the session ends.
const GOODBYE: Duration = Duration::from_secs(1);

/// What to restore
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// Put the rows of this backup back instead of running rollback scripts: rows that are there now
    /// are replaced, in one transaction, after every byte of the backup was verified
    #[arg(
        long,
        value_name = "DIR",
        help_heading = "Restore",
        conflicts_with_all = ["run", "phase", "to", "last", "all", "irreversible_ok", "from_history", "from_files", "system_triggers", "events"]
    )]
    pub restore: Option<PathBuf>,
    /// Restore this table only, as schema.name; may be given several times
    #[arg(
        long,
        value_name = "TABLE",
        help_heading = "Restore",
        requires = "restore"
    )]
    pub table: Vec<String>,
    /// Use this version of `pg_restore` although it has known holes: the backup is evmig's own and was
    /// verified
    #[arg(
        long,
        value_name = "VERSION",
        help_heading = "Restore",
        requires = "restore"
    )]
    pub accept_client: Option<String>,
}

/// What of the command line a restore takes over.
pub struct Typed<'a> {
    /// What to restore.
    pub args: &'a RestoreArgs,
    /// The folder.
    pub folder: &'a PathBuf,
    /// How to wait.
    pub settings: ApplySettings,
    /// The backup that must be there: what is there now is about to be replaced.
    pub demand: Option<BackupDemand>,
    /// Run id.
    pub run: &'a str,
    /// Whether to say only what would be done.
    pub dry_run: bool,
    /// Consent.
    pub yes: bool,
}

/// A restore that has come as far as the server.
struct Restoring<'a> {
    verified: &'a Verified,
    manifest: &'a Manifest,
    database: &'a Database,
    program: &'a ClientProgram,
    started: Instant,
}

/// Runs the command.
pub async fn run(
    typed: &Typed<'_>,
    context: &mut Context<'_>,
    database: &Database,
    root: Option<&std::path::Path>,
    interrupt: &mut Interrupt,
) -> Result<Exit, CommandError> {
    let started = Instant::now();
    let run = typed.run;
    let surroundings = context.environment.surroundings();
    let accepted = typed.args.accept_client.as_deref();
    let run_context = context.run_context(database, command_again(typed));
    let failed = |error: &RestoreError| of_restore(error, &run_context);
    let verified = verified_unless(typed.folder, &context.environment, interrupt).await?;
    let verified = verified.ok_or_else(|| failed(&RestoreError::Interrupted))?;
    let manifest = sound(&verified, context)?;
    let program = pg_restore(&surroundings, major(&manifest.client.pg_dump), accepted)
        .map_err(|error| failed(&error.into()))?;
    let state = surroundings
        .make_state_directory()
        .map_err(|error| CommandError::embedded(&error))?;
    let mut opened = open(&database.opening(run, true))
        .await
        .map_err(|error| failed(&error.into()))?;
    let restoring = Restoring {
        verified: &verified,
        manifest,
        database,
        program: &program,
        started,
    };
    let schema = &database.history_schema;
    let shown = plan(&opened.session, manifest, schema, &typed.args.table)
        .await
        .map_err(|error| failed(&error))?;
    let planned = restoring.report(&opened, &shown);
    if typed.dry_run {
        return restoring.finish(context, planned, None);
    }
    let text = terminal::restore_plan(&planned, context.ui.look());
    context.ui.say(&text);
    fresh::check(typed.demand.as_ref(), &opened)
        .await
        .map_err(|error| failed(&error.into()))?;
    consent(context.ui, database, typed.yes)?;
    let commit = root.and_then(git::commit);
    let request = Request {
        folder: &verified.path,
        manifest,
        manifest_sha256: &sha256(&verified.text),
        program: &program,
        state: &state,
        host: &host_name(),
        history_schema: schema,
        tables: &typed.args.table,
        run,
        git_commit: commit.as_deref(),
        wait: typed.settings.wait(),
        policy: typed.settings.policy(),
    };
    let mut came = Came::default();
    let turn = {
        let mut live = Live::new(context.ui, None);
        take_turn(request, &opened, interrupt, &mut live).await
    };
    let result = if turn.is_ok() {
        let mut bar = Spinner::new(context.ui);
        let mut told = |progress: &_| bar.restore(progress);
        let work = restore(request, &mut opened, &mut came, interrupt, &mut told);
        Box::pin(work).await
    } else {
        turn
    };
    let mut report = planned;
    note(&mut report, &came, run, result.as_ref().err());
    opened.session.close(GOODBYE).await;
    let error = result.err().map(|error| failed(&error));
    restoring.finish(context, report, error)
}

impl Restoring<'_> {
    fn report(&self, opened: &Opened, plan: &Plan) -> RestoreReport {
        let manifest = self.manifest;
        let facts = &opened.facts;
        RestoreReport {
            schema: RestoreReport::SCHEMA,
            run: None,
            outcome: RestoreOutcome::Planned,
            target: self.database.target.clone(),
            backup: self.verified.path.display().to_string(),
            backup_id: manifest.id.clone(),
            taken_at: manifest.taken_at.clone(),
            backup_database: manifest.server.database.clone(),
            same_database: manifest.is_of(facts.system_identifier.as_deref(), &facts.database),
            tables: plan
                .tables
                .iter()
                .map(|one| RestoredTable {
                    table: one.name(),
                    rows_before: one.rows_now,
                    rows: one.table.rows,
                })
                .collect(),
            system_triggers: plan.switch == Switch::All,
            triggers: 0,
            keys_proved: 0,
            checksums: plan.tables.iter().all(|one| one.table.checksum.is_some()),
            sequences: 0,
            pg_restore: self.program.version.text.clone(),
            duration_ms: 0.0,
            error: None,
        }
    }

    /// Shows the result and decides on the exit code.
    fn finish(
        &self,
        context: &mut Context<'_>,
        mut report: RestoreReport,
        error: Option<CommandError>,
    ) -> Result<Exit, CommandError> {
        report.duration_ms = self.started.elapsed().as_secs_f64() * 1000.0;
        report.error = error
            .as_ref()
            .and_then(|error| error.problems().first().cloned());
        if context.ui.is_json() {
            let document = json::restore(&report);
            context.ui.result(&document);
        } else if error.is_none() {
            let text = match report.outcome {
                RestoreOutcome::Planned => terminal::restore_plan(&report, context.ui.look()),
                _ => terminal::restore(&report, context.ui.look()),
            };
            context.ui.result(&text);
        }
        match error {
            Some(error) => Err(error.reported()),
            None => Ok(Exit::Done),
        }
    }
}

/// Notes what came of it.
fn note(report: &mut RestoreReport, came: &Came, run: &str, error: Option<&RestoreError>) {
    report.run = came.recorded.then(|| run.to_owned());
    report.outcome = match error {
        None => RestoreOutcome::Restored,
        Some(RestoreError::Interrupted) => RestoreOutcome::Interrupted,
        Some(RestoreError::Unknown { .. }) => RestoreOutcome::Unknown,
        Some(_) => RestoreOutcome::Failed,
    };
    report.sequences = came.sequences;
    if let Some(closed) = &came.closed {
        report.triggers = closed.restored.len();
        report.keys_proved = closed.keys.proved.len();
    }
    if error.is_none() {
        report.tables = came
            .tables
            .iter()
            .map(|one| RestoredTable {
                table: one.name(),
                rows_before: one.rows_now,
                rows: one.table.rows,
            })
            .collect();
    }
}

/// Returns the manifest of a backup with which nothing is wrong.
fn sound<'a>(verified: &'a Verified, context: &Context<'_>) -> Result<&'a Manifest, CommandError> {
    match &verified.manifest {
        Some(manifest) if verified.faults.is_empty() && verified.authentic => Ok(manifest),
        _ => {
            let faults: Vec<String> = verified.faults.iter().map(ToString::to_string).collect();
            let path = verified.path.display();
            Err(CommandError::refused(
                Problem::new(
                    "backup-unsound",
                    format!("{path} is not as evmig wrote it; nothing was restored"),
                )
                .detail(faults.join("\n"))
                .hint("use another backup; nothing of this one was read beyond its bytes")
                .next(format!("{} backup --verify {path}", context.program())),
            ))
        }
    }
}

/// Reads the major of a version.
fn major(version: &str) -> u32 {
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(u32::MAX)
}

fn sha256(bytes: &[u8]) -> String {
    crate::backup::key::hex(&Sha256::digest(bytes))
}

fn command_again(typed: &Typed<'_>) -> String {
    let mut words = vec![format!("rollback --restore {}", typed.folder.display())];
    words.extend(
        typed
            .args
            .table
            .iter()
            .map(|table| format!("--table {table}")),
    );
    let accepted = typed.args.accept_client.iter();
    words.extend(accepted.map(|version| format!("--accept-client {version}")));
    words.join(" ")
}
