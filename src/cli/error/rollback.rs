//! Words and exit codes for everything that can stop a rollback.

use super::run::{RunContext, history, of_run};
use super::stop::migration_stop;
use super::{CommandError, of_bracket, of_keep, project_problem};
use crate::cli::exit::Exit;
use crate::plan::undo_refusal::UndoRefusal;
use crate::report::event::MigrationRef;
use crate::report::problem::Problem;
use crate::report::rollback::Checked;
use crate::runner::error::Stop;
use crate::runner::rollback::error::RollbackError;

/// Gives what stopped a rollback its exit code and its words. `no_project` says why no files could be
/// looked at.
pub fn of_rollback(
    error: &RollbackError,
    context: &RunContext,
    no_project: Option<&str>,
) -> CommandError {
    match error {
        RollbackError::Run(error) => of_run(error, context),
        RollbackError::Refused(refused) => refusal(refused, context, no_project),
        RollbackError::Changed => CommandError::refused(
            Problem::new(
                "history-changed",
                "the history has changed since it was shown; nothing was rolled back",
            )
            .hint("another run has been at work meanwhile: look again what there is to take back")
            .next(context.again()),
        ),
        RollbackError::Scripts { errors } => CommandError {
            exit: Exit::Usage,
            problems: errors.iter().map(project_problem).collect(),
            reported: false,
        },
        RollbackError::Bracket(error) => {
            let (exit, problem) = of_bracket(error);
            undone(exit, problem, context)
        }
        RollbackError::Keep(error) => match of_keep(error) {
            Ok((exit, problem)) => undone(exit, problem, context),
            Err(error) => history(error, context),
        },
        RollbackError::Proof(error) => {
            let mut problem = Problem::new("not-provable", error.to_string());
            if let Some(source) = std::error::Error::source(error) {
                problem = problem.detail(source.to_string());
            }
            problem.committed = Some(context.told(None));
            CommandError::new(context.failure_exit(), problem.next(context.again()))
        }
        RollbackError::Differs(checked) => differs(checked, context),
        RollbackError::Stopped { migration, stop } => stopped(migration, stop, context),
    }
}

/// A rollback script that is mended differs from what was stored, and must be asked for.
fn stopped(migration: &MigrationRef, stop: &Stop, context: &RunContext) -> CommandError {
    let mut error = migration_stop(migration, stop, context);
    if !matches!(
        stop,
        Stop::Statement { .. } | Stop::AtEnd { .. } | Stop::EndedTransaction { .. }
    ) {
        return error;
    }
    let again = context.again();
    let asked = if again.contains("--from-files") {
        again
    } else {
        format!("{again} --from-files")
    };
    if let Some(problem) = error.problems.first_mut() {
        problem.next.pop();
        if migration.file.starts_with("rollback/") {
            problem.next.push(asked);
        } else {
            problem.next = vec![asked];
            let hint = format!(
                "the script is the one that the history stored; write a mended one to \
                 rollback/…/{}.sql in a checkout, and run that",
                migration.label()
            );
            problem.hint = Some(match problem.hint.take() {
                Some(of_server) => format!("{of_server}\n{hint}"),
                None => hint,
            });
        }
    }
    error
}

/// The scripts ran, and did not lead back: all of it is as it was before they did.
fn differs(checked: &Checked, context: &RunContext) -> CommandError {
    let diffs: Vec<&str> = checked
        .changes
        .iter()
        .map(|change| change.diff.trim_end())
        .collect();
    let mut problem = Problem::new(
        "not-led-back",
        "the rollback scripts do not lead back to what was there before",
    )
    .detail(match diffs.as_slice() {
        [] => "the history has only the fingerprint of what was there".to_owned(),
        diffs => format!(
            "from what was there to what they leave:\n{}",
            diffs.join("\n")
        ),
    })
    .hint(
        "mend the scripts and run them with --from-files, or take the difference with \
         --accept-differences",
    );
    problem.committed = Some(context.told(None));
    CommandError::new(
        context.failure_exit(),
        problem
            .next(format!("{} --from-files", context.again()))
            .next(format!("{} --accept-differences", context.again())),
    )
}

/// The triggers, or what they had guarded: all is as it was.
pub(super) fn undone(exit: Exit, mut problem: Problem, context: &RunContext) -> CommandError {
    problem.committed = Some(context.told(None));
    let exit = match context.failure_exit() {
        Exit::Partial => Exit::Partial,
        _ => exit,
    };
    CommandError::new(exit, problem.next(context.again()))
}

fn refusal(refused: &UndoRefusal, context: &RunContext, no_project: Option<&str>) -> CommandError {
    let problem = |code: &str| Problem::new(code, refused.to_string());
    let program = &context.program;
    match refused {
        UndoRefusal::Nothing { recorded: 0 } => CommandError::refused(
            problem("nothing-to-roll-back")
                .hint("by its history this database has no migration; is it the right one?")
                .next(context.status()),
        ),
        UndoRefusal::Nothing { .. } => CommandError::refused(
            problem("nothing-to-roll-back")
                .hint(
                    "what is selected is not applied; what was recorded without being run \
                     (baseline) goes only where it is named: --run, --phase, --to, --last, --all",
                )
                .next(format!("{program} history")),
        ),
        UndoRefusal::UnknownRun { newest, .. } => CommandError::usage(
            problem("unknown-run")
                .hint(match newest.as_slice() {
                    [] => "no run has applied anything".to_owned(),
                    runs => format!("the newest that applied something: {}", runs.join(", ")),
                })
                .next(format!("{program} history")),
        ),
        UndoRefusal::UnknownPhase { valid, .. } => CommandError::usage(
            problem("unknown-phase").detail(format!("there are: {}", valid.join(", "))),
        ),
        UndoRefusal::NotApplied { nearest, .. } => {
            let nearest: Vec<String> = nearest.iter().map(|one| format!("V{one}")).collect();
            CommandError::usage(
                problem("unknown-version")
                    .hint(format!("applied nearest to it: {}", nearest.join(", "))),
            )
        }
        UndoRefusal::NotSelected { .. } => {
            CommandError::usage(problem("unknown-version").hint("take it out of --irreversible-ok"))
        }
        UndoRefusal::NotAdopted { .. } => CommandError::refused(
            problem("not-adopted")
                .hint("let evmig take refinery's rows over first; then all can be rolled back")
                .next(format!("{program} apply")),
        ),
        UndoRefusal::HalfApplied { .. } => CommandError::refused(
            problem("half-applied")
                .hint(
                    "a rollback script takes back the whole of a migration: let apply finish it \
                     first",
                )
                .next(format!("{program} apply"))
                .next(context.again()),
        ),
        UndoRefusal::Unfinished { .. } => CommandError::refused(
            problem("rollback-unfinished")
                .hint("finish that one first; without a selection it goes on where it stopped")
                .next(format!("{program} rollback")),
        ),
        UndoRefusal::NewerText { run, .. } => CommandError::refused(
            problem("newer-text")
                .hint("roll the newer text back first, or both together with --to or --last")
                .next(format!("{program} rollback --run {run}")),
        ),
        UndoRefusal::Required { dependents, .. } => {
            let detail: Vec<String> = dependents
                .iter()
                .map(|(phase, labels)| format!("phase {phase}: {}", labels.join(", ")))
                .collect();
            let next = dependents.iter().rev();
            next.fold(
                CommandError::refused(
                    problem("required-by-later")
                        .detail(detail.join("\n"))
                        .hint("roll those phases back first"),
                ),
                |error, (phase, _)| with_next(error, format!("{program} rollback --phase {phase}")),
            )
        }
        UndoRefusal::Irreversible { labels, project } => irreversible(
            labels,
            *project,
            problem("irreversible"),
            context,
            no_project,
        ),
        UndoRefusal::PreviousNotStored { .. } => {
            CommandError::refused(problem("irreversible").hint(
                "texts of more than 8 MiB are not stored: put the old text back into the file, \
                 and apply it",
            ))
        }
    }
}

fn with_next(mut error: CommandError, command: String) -> CommandError {
    if let Some(problem) = error.problems.first_mut() {
        problem.next.push(command);
    }
    error
}

fn irreversible(
    labels: &[String],
    project: bool,
    problem: Problem,
    context: &RunContext,
    no_project: Option<&str>,
) -> CommandError {
    let problem = match (project, no_project) {
        (true, _) | (_, None) => problem.hint(
            "the history has stored none, and rollback/ has no file for it: write one, or step \
             over it and leave it applied",
        ),
        (false, Some(why)) => problem.hint(format!(
            "the history has stored none (or one of more than 8 MiB), and no files were looked at: \
             {why}"
        )),
    };
    let version = |label: &String| {
        label
            .strip_prefix('V')
            .and_then(|rest| rest.split_once("__"))
            .map(|(version, _)| format!(" --irreversible-ok {version}"))
    };
    let flags: String = labels.iter().filter_map(version).collect();
    CommandError::refused(if flags.is_empty() {
        problem
    } else {
        problem.next(format!("{}{flags}", context.again()))
    })
}
