//! `evmig history`

use clap::Args;

use super::Context;
use crate::backup::ledger::Ledger;
use crate::cli::database::runtime;
use crate::cli::error::{CommandError, RunContext, of_backup, of_run};
use crate::cli::exit::Exit;
use crate::clock;
use crate::history::error::HistoryError;
use crate::history::locate::locate;
use crate::history::verify::{BadRow, Proof, verify};
use crate::project::{Manifest, Project, Root};
use crate::render::{json, terminal};
use crate::report::history::HistoryReport;
use crate::report::problem::Problem;
use crate::runner::error::RunError;
use crate::runner::open::{Opening, open};

/// Show what was done, by whom and when; prove that nobody has changed the record
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  evmig history --verify\n  evmig history --script 104")]
pub struct HistoryArgs {
    /// Recompute the hash of every row, and name the first one that was changed
    #[arg(long, conflicts_with = "script")]
    pub verify: bool,
    /// Print the script of this version as it was when it was applied
    #[arg(long, value_name = "VERSION")]
    pub script: Option<i64>,
    /// With --script: print its rollback script instead
    #[arg(long, requires = "script", conflicts_with = "diff")]
    pub down: bool,
    /// With --script: show how the file differs from it
    #[arg(long, requires = "script")]
    pub diff: bool,
}

/// Runs the command.
pub fn run(args: &HistoryArgs, context: &mut Context<'_>) -> Result<Exit, CommandError> {
    // Only a comparison needs the migrations; the record must be readable beside broken files.
    let project = args.diff.then(|| context.project()).transpose()?;
    let (root, manifest) = match &project {
        Some(project) => (project.root.clone(), project.manifest.clone()),
        None => context.manifest()?,
    };
    runtime()?.block_on(run_async(args, context, &root, &manifest, project.as_ref()))
}

async fn run_async(
    args: &HistoryArgs,
    context: &mut Context<'_>,
    root: &Root,
    manifest: &Manifest,
    project: Option<&Project>,
) -> Result<Exit, CommandError> {
    let database = context.database(root, manifest).await?;
    let run_context = RunContext {
        program: context.program(),
        command: "history".to_owned(),
        ..RunContext::default()
    };
    let failed = |error| of_run(&error, &run_context);
    let of_history = |error: HistoryError| failed(RunError::History(error));
    // Without reading it: a row that was edited by hand must not stop the search for it.
    let opening = Opening {
        look: None,
        ..database.opening(&clock::run_id(), false)
    };
    let opened = open(&opening).await.map_err(failed)?;
    let schema = &manifest.project.history_schema.value;
    let located = locate(&opened.session, schema, 0)
        .await
        .map_err(of_history)?;
    let store = located.store();
    if let Some(version) = args.script {
        let script = if located.exists {
            store
                .script(&opened.session, version)
                .await
                .map_err(of_history)?
        } else {
            None
        };
        return show_script(args, version, script, context, project);
    }
    let entries = if located.exists {
        store.entries(&opened.session).await.map_err(of_history)?
    } else {
        Vec::new()
    };
    let proof = if args.verify && located.exists {
        let proof = verify(&opened.session, &located).await;
        let mut proof = proof.map_err(of_history)?;
        // Its rows are chained by themselves.
        let backups = Ledger::new(located.schema()).verify(&opened.session).await;
        let (rows, bad) = backups.map_err(|error| of_backup(&error, &context.program()))?;
        proof.rows += rows;
        proof.first_bad = proof.first_bad.or(bad);
        Some(proof)
    } else {
        args.verify.then_some(Proof {
            rows: 0,
            first_bad: None,
        })
    };
    let report = HistoryReport {
        schema: HistoryReport::SCHEMA,
        target: database.target,
        entries,
        verified_rows: proof.as_ref().map(|proof| proof.rows),
        first_bad: proof
            .and_then(|proof| proof.first_bad)
            .map(|bad| bad_problem(&bad)),
    };
    let text = if context.ui.is_json() {
        json::history(&report)
    } else {
        terminal::history(&report, context.ui.look())
    };
    context.ui.result(&text);
    Ok(if report.first_bad.is_some() {
        Exit::Divergent
    } else {
        Exit::Done
    })
}

fn bad_problem(bad: &BadRow) -> Problem {
    let problem = Problem::new("history-tampered", bad.to_string());
    match bad {
        BadRow::Row { previous, .. } => problem.detail(match previous {
            Some(previous) => format!(
                "its hash does not follow from its content and from row {previous} before it: one \
                 of the two was changed, or a row between them was removed"
            ),
            None => "its hash does not follow from its content, or a row before it was removed"
                .to_owned(),
        }),
        BadRow::End { .. } => problem.detail(
            "every row's own hash holds; rows at the end, or rows of refinery's table, were \
             changed by something else than evmig",
        ),
    }
}

fn show_script(
    args: &HistoryArgs,
    version: i64,
    script: Option<(Option<String>, Option<String>)>,
    context: &mut Context<'_>,
    project: Option<&Project>,
) -> Result<Exit, CommandError> {
    let unknown = |what: &str| {
        CommandError::usage(
            Problem::new(
                "unknown-version",
                format!("the history has no {what} of version {version}"),
            )
            .next(format!("{} history", context.program())),
        )
    };
    let Some((up, down)) = script else {
        return Err(unknown("row"));
    };
    let not_stored = || {
        CommandError::usage(
            Problem::new(
                "script-not-stored",
                format!("the history has no text of version {version}, only its checksum"),
            )
            .hint("files of more than 8 MiB, with what they include, are not stored"),
        )
    };
    let text = match (args.down, up, down) {
        (false, Some(up), _) => up,
        (true, _, Some(down)) => down,
        (false, ..) => return Err(not_stored()),
        (true, ..) => return Err(unknown("rollback script")),
    };
    if args.diff {
        let file = project
            .iter()
            .flat_map(|project| &project.migrations)
            .find(|migration| migration.version.number() == Some(version));
        let Some(file) = file else {
            return Err(unknown("file on disk"));
        };
        let now = file.stored().ok_or_else(not_stored)?;
        let diff = similar::TextDiff::from_lines(text.as_str(), now.as_ref());
        let old = format!("V{version} as applied");
        let unified = diff
            .unified_diff()
            .header(&old, file.path.as_str())
            .to_string();
        let shown = match (context.ui.is_json(), unified.is_empty()) {
            (true, _) => {
                let document = serde_json::json!({
                    "schema": "evmig.script-diff/1", "version": version.to_string(),
                    "file": file.path.as_str(), "diff": unified,
                });
                format!("{document:#}\n")
            }
            (false, true) => "no difference\n".to_owned(),
            (false, false) => unified,
        };
        context.ui.bytes(&shown);
        return Ok(Exit::Done);
    }
    if context.ui.is_json() {
        let document = serde_json::json!({
            "schema": "evmig.script/1", "version": version.to_string(), "script": text,
        });
        context.ui.result(&format!("{document:#}\n"));
    } else {
        context.ui.bytes(&text);
    }
    Ok(Exit::Done)
}
