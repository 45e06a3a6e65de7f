//! `evmig status`

use std::collections::HashMap;

use clap::Args;

use super::Context;
use crate::cli::database::{Database, runtime};
use crate::cli::error::{CommandError, RunContext, of_run};
use crate::cli::exit::Exit;
use crate::clock;
use crate::history::model::{History, Key, MigrationRow, RefineryRow};
use crate::plan::standing::{Difference, MissingFile, Standing, Standings, key, standings};
use crate::project::{Migration, Project};
use crate::render::{json, terminal};
use crate::report::problem::Problem;
use crate::report::status::{
    MigrationState, MigrationStatus, PhaseState, PhaseStatus, StatusReport,
};
use crate::runner::apply::widest;
use crate::runner::error::RunError;
use crate::runner::open::open;
use crate::runner::triggers::warning;

/// Show what is applied and what is pending
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  evmig status --env staging --exit-code")]
pub struct StatusArgs {
    /// Exit with 4 if anything is pending, failed, divergent or missing
    #[arg(long)]
    pub exit_code: bool,
}

/// Runs the command.
pub fn run(args: &StatusArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    let project = context.project()?;
    let report = runtime()?.block_on(report(context, &project))?;
    let text = if context.ui.is_json() {
        json::status(&report)
    } else {
        terminal::status(&report, context.ui.look())
    };
    context.ui.result(&text);
    Ok(if args.exit_code && report.pending > 0 {
        Exit::Findings
    } else {
        Exit::Done
    })
}

async fn report(
    context: &mut Context<'_>,
    project: &Project,
) -> Result<StatusReport, CommandError> {
    let database = context.database(&project.root, &project.manifest).await?;
    let run_context = RunContext {
        program: context.program(),
        command: "status".to_owned(),
        ..RunContext::default()
    };
    let failed = |error| of_run(&error, &run_context);
    let mut opened = open(&database.opening(&clock::run_id(), false))
        .await
        .map_err(failed)?;
    let look = opened.take_look().await.map_err(failed)?;
    let located = look.located(widest(project));
    let located = located.map_err(|error| failed(RunError::History(error)))?;
    let history = &look.history;
    let standings = standings(project, history, located.version_type());
    let version = opened.facts.version.clone();
    let triggers = if look.has_trigger_ledger() {
        let told = warning(&opened.session, &database.history_schema).await;
        told.map_err(|error| failed(RunError::History(error)))?
    } else {
        None
    };
    opened
        .session
        .close(std::time::Duration::from_secs(1))
        .await;
    let program = &run_context.program;
    let mut report = assemble(project, history, &standings, database, version, program);
    if let Some(problem) = triggers {
        let problem = problem
            .next(format!("{program} triggers status"))
            .next(format!("{program} triggers enable"));
        report.problems.insert(0, problem);
    }
    Ok(report)
}

/// The newest word on each migration, looked up once: 10,000 migrations ask.
struct Words<'a> {
    latest: HashMap<&'a Key, &'a MigrationRow>,
    refinery: HashMap<i64, &'a RefineryRow>,
}

impl<'a> Words<'a> {
    fn new(history: &'a History) -> Self {
        let refinery = history.refinery.iter();
        Self {
            latest: history.latest(),
            refinery: refinery.map(|row| (row.version, row)).collect(),
        }
    }
}

fn assemble(
    project: &Project,
    history: &History,
    standings: &Standings,
    database: Database,
    server_version: String,
    program: &str,
) -> StatusReport {
    let words = Words::new(history);
    let phases: Vec<PhaseStatus> = project
        .manifest
        .phases
        .iter()
        .enumerate()
        .map(|(at, phase)| {
            let mut migrations: Vec<MigrationStatus> = project
                .migrations
                .iter()
                .zip(&standings.of)
                .filter(|(migration, _)| migration.phase == at)
                .map(|(migration, standing)| status_of(project, &words, migration, standing))
                .collect();
            migrations.extend(
                standings
                    .missing
                    .iter()
                    .filter(|file| file.phase == phase.name.value)
                    .map(missing_status),
            );
            PhaseStatus {
                number: phase.number.value,
                name: phase.name.value.clone(),
                title: phase.title.clone(),
                state: phase_state(&migrations),
                only_in: phase.only_elsewhere(database.target.environment.as_deref()),
                migrations,
            }
        })
        .collect();
    let known = |file: &&MissingFile| !phases.iter().any(|phase| phase.name == file.phase);
    let orphans: Vec<MigrationStatus> = standings
        .missing
        .iter()
        .filter(known)
        .map(missing_status)
        .collect();
    let pending = phases
        .iter()
        .flat_map(PhaseStatus::counted)
        .chain(&orphans)
        .filter(|migration| migration.state != MigrationState::Applied)
        .count();
    let is_half = |one: &Standing| matches!(one, Standing::HalfReverted { .. });
    let half_reverted = standings.of.iter().any(is_half);
    let problems = problems(&phases, &orphans, half_reverted, program);
    StatusReport {
        schema: StatusReport::SCHEMA,
        database: database.target.database.clone(),
        server_version,
        target: database.target,
        phases,
        orphans,
        pending,
        problems,
    }
}

fn status_of(
    project: &Project,
    words: &Words<'_>,
    migration: &Migration,
    standing: &Standing,
) -> MigrationStatus {
    let (state, note) = match standing {
        Standing::Pending => (MigrationState::Pending, None),
        Standing::Changed { .. } => (
            MigrationState::Pending,
            Some("its text has changed: it runs again".to_owned()),
        ),
        Standing::Applied { .. } => (MigrationState::Applied, None),
        Standing::Divergent { difference, .. } => (
            MigrationState::Divergent,
            Some(match difference {
                Difference::Text => "the file was changed after it was applied".to_owned(),
                Difference::Name(old) => format!("it was applied under the name {old}"),
            }),
        ),
        Standing::Failed { next, open } => (
            MigrationState::Failed,
            Some(format!(
                "{} applied; statement {} {}",
                match next {
                    1 => "1 statement is".to_owned(),
                    more => format!("{more} statements are"),
                },
                next + 1,
                if *open { "was interrupted" } else { "is next" }
            )),
        ),
        Standing::Reverted => (MigrationState::Reverted, None),
        Standing::HalfReverted { next, open } => (
            MigrationState::Failed,
            Some(format!(
                "its rollback stopped: {} done; statement {} {}",
                match next {
                    1 => "1 statement is".to_owned(),
                    more => format!("{more} statements are"),
                },
                next + 1,
                if *open { "was interrupted" } else { "is next" }
            )),
        ),
    };
    let key = key(migration);
    let row = words.latest.get(&key).copied();
    let of_refinery = match &key {
        Key::Version(version) => words.refinery.get(version),
        Key::Repeatable(_) => None,
    };
    let is_in = !matches!(state, MigrationState::Pending | MigrationState::Failed);
    MigrationStatus {
        version: migration
            .version
            .number()
            .map(|version| version.to_string()),
        name: migration.name.clone(),
        step: project.manifest.phases[migration.phase].steps[migration.step]
            .name
            .value
            .clone(),
        state,
        applied_on: row
            .map(|row| row.at.clone())
            .or_else(|| of_refinery.map(|row| row.applied_on.clone()))
            .filter(|_| is_in),
        run: row.map(|row| row.run.clone()).filter(|_| is_in),
        note,
    }
}

fn missing_status(file: &MissingFile) -> MigrationStatus {
    MigrationStatus {
        version: match &file.key {
            Key::Version(version) => Some(version.to_string()),
            Key::Repeatable(_) => None,
        },
        name: file.name.clone(),
        step: file.step.clone(),
        state: MigrationState::Missing,
        applied_on: Some(file.at.clone()),
        run: Some(file.run.clone()).filter(|run| !run.is_empty()),
        note: Some("it is applied, and its file is gone".to_owned()),
    }
}

fn phase_state(migrations: &[MigrationStatus]) -> PhaseState {
    let applied = migrations
        .iter()
        .filter(|migration| {
            !matches!(
                migration.state,
                MigrationState::Pending | MigrationState::Reverted
            )
        })
        .count();
    let whole = migrations
        .iter()
        .all(|migration| migration.state == MigrationState::Applied);
    match (applied, whole) {
        (0, _) => PhaseState::Pending,
        (_, true) => PhaseState::Applied,
        _ => PhaseState::Partial,
    }
}

/// What the reader should do, most urgent first.
fn problems(
    phases: &[PhaseStatus],
    orphans: &[MigrationStatus],
    half_reverted: bool,
    program: &str,
) -> Vec<Problem> {
    let all = || {
        phases
            .iter()
            .flat_map(|phase| &phase.migrations)
            .chain(orphans)
    };
    let count = |state: MigrationState| all().filter(|one| one.state == state).count();
    let mut problems = Vec::new();
    let first = |state: MigrationState| {
        all()
            .filter(|one| one.state == state)
            .find_map(|one| one.version.clone())
    };
    let counted = |count: usize, one: &str, more: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {more}"),
    };
    let agree = "nothing is applied until the files and the history agree";
    let changed = count(MigrationState::Divergent);
    if changed > 0 {
        let message = counted(
            changed,
            "file was changed after it was applied",
            "files were changed after they were applied",
        );
        let mut problem = Problem::new("divergent", message).hint(agree);
        if let Some(version) = first(MigrationState::Divergent) {
            problem = problem
                .next(format!("{program} history --script {version} --diff"))
                .next(format!("{program} repair {version} --reason '…'"));
        }
        problems.push(problem);
    }
    let gone = count(MigrationState::Missing);
    if gone > 0 {
        let message = counted(gone, "applied file is gone", "applied files are gone");
        let mut problem = Problem::new("missing", message).hint(agree);
        if let Some(version) = first(MigrationState::Missing) {
            problem = problem.next(format!("{program} history --script {version}"));
        }
        problems.push(problem);
    }
    if half_reverted {
        problems.push(
            Problem::new("half-reverted", "a rollback stopped half way")
                .hint("it goes on at the statement it stopped at")
                .next(format!("{program} rollback")),
        );
    } else if count(MigrationState::Failed) > 0 {
        problems.push(
            Problem::new("failed", "a file stopped half way")
                .hint("apply goes on at the statement it stopped at")
                .next(format!("{program} apply")),
        );
    }
    problems
}
