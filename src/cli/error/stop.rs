//! Words and exit codes for a migration that stopped.

use super::run::{RunContext, blocker_text};
use super::{CommandError, with_failure};
use crate::cli::exit::Exit;
use crate::pg::error::DbFailure;
use crate::report::event::{Blocker, MigrationRef};
use crate::report::place::Snippet;
use crate::report::problem::Problem;
use crate::runner::error::Stop;

/// Gives a stopped migration its exit code and its words.
pub(super) fn migration_stop(
    migration: &MigrationRef,
    stop: &Stop,
    context: &RunContext,
) -> CommandError {
    let label = context.script(migration);
    let about = |code: &str, message: String, snippet: &Option<Snippet>| {
        let mut problem = Problem::new(code, message).at(snippet.clone());
        problem.committed = Some(context.told(Some(migration)));
        problem
    };
    let failed = context.failure_exit();
    match stop {
        Stop::Statement {
            index,
            of,
            snippet,
            failure,
            ..
        } => {
            let message = format!("{label} failed at statement {} of {of}", index + 1);
            let mut problem = with_failure(about("sql-failed", message, snippet), failure);
            if context.kept > 0 {
                let ours = format!(
                    "{} goes on at statement {}; what is before it is committed, and must stay \
                     as it is in the file",
                    if context.undoes { "rollback" } else { "apply" },
                    index + 1
                );
                problem.hint = Some(match problem.hint {
                    Some(hint) => format!("{hint}\n{ours}"),
                    None => ours,
                });
            }
            // The statement may stand in a file that the migration includes.
            let file = snippet
                .as_ref()
                .map_or(&migration.file, |snippet| &snippet.place.file);
            CommandError::new(
                failed,
                problem.next(format!("edit {file}")).next(context.again()),
            )
        }
        Stop::AtEnd { failure } => {
            let message = format!(
                "{label} failed at COMMIT, where deferred constraints and triggers are checked"
            );
            let problem = with_failure(about("commit-failed", message, &None), failure);
            CommandError::new(
                failed,
                problem
                    .next(format!("edit {}", migration.file))
                    .next(context.again()),
            )
        }
        Stop::EndedTransaction { .. } | Stop::EscapedTransaction => {
            ended_transaction(migration, stop, context)
        }
        Stop::Locked {
            tries,
            snippet,
            blockers,
            failure,
            ..
        } => {
            let message = format!("{label} did not get a lock in {tries} tries");
            let problem = with_failure(about("locked", message, snippet), failure)
                .detail(blockers_text(blockers))
                .hint("end the session that is in the way, choose a quieter hour, or allow more with --lock-timeout and --lock-retries")
                .next(context.again());
            let exit = if failed == Exit::Partial {
                Exit::Partial
            } else {
                Exit::Locked
            };
            CommandError::new(exit, problem)
        }
        other => other_stop(migration, other, context),
    }
}

/// Nobody can tell whether the migration is in the database.
fn unknown(label: &str, failure: &DbFailure, why: &str, context: &RunContext) -> CommandError {
    let message = format!(
        "{label} may or may not be applied: the connection was lost, and the database cannot be asked"
    );
    let mut problem = with_lost(Problem::new("outcome-unknown", message), failure)
        .hint(format!(
            "{why}; ask again once the server answers: the history knows"
        ))
        .next(context.status());
    problem.committed = Some(match context.committed.as_slice() {
        [] => format!("{label}, or nothing of this run"),
        _ => format!("{}; perhaps {label}", context.told(None)),
    });
    CommandError::new(Exit::Unknown, problem)
}

/// A file that ends its own transaction: refused by the server, or found out too late.
fn ended_transaction(migration: &MigrationRef, stop: &Stop, context: &RunContext) -> CommandError {
    let label = context.script(migration);
    let failed = context.failure_exit();
    if let Stop::EndedTransaction { snippet } = stop {
        let mut problem = Problem::new(
            "transaction-control",
            format!("{label} ends its own transaction, inside a block or a procedure"),
        )
        .at(snippet.clone())
        .hint(
            "take COMMIT and ROLLBACK out, or put `-- evmig: no-transaction` on the first line to \
             run the file statement by statement",
        )
        .next(format!("edit {}", migration.file))
        .next(context.again());
        problem.committed = Some(context.told(Some(migration)));
        // The file is wrong; but where others before it are committed, that weighs more.
        let exit = if failed == Exit::Partial {
            Exit::Partial
        } else {
            Exit::Usage
        };
        return CommandError::new(exit, problem);
    }
    let mut problem = Problem::new(
        "transaction-escaped",
        format!("{label} ended its own transaction while it ran, and is not recorded"),
    )
    .hint(
        "it changes a setting that the server reads its text by (standard_conforming_strings?); \
         look what it left before it runs again",
    )
    .next(context.status());
    problem.committed = Some(format!(
        "whatever {label} committed itself; the rest is not"
    ));
    CommandError::new(Exit::Partial, problem)
}

/// The stops that are rarer.
fn other_stop(migration: &MigrationRef, stop: &Stop, context: &RunContext) -> CommandError {
    let label = context.script(migration);
    let about = |code: &str, message: String, snippet: Option<&Snippet>| {
        let mut problem = Problem::new(code, message).at(snippet.cloned());
        problem.committed = Some(context.told(Some(migration)));
        problem
    };
    let failed = context.failure_exit();
    match stop {
        Stop::OverBudget { budget, snippet, blockers, .. } => {
            let message = format!(
                "{label} was stopped: its CONCURRENTLY statement took longer than {} s",
                budget.as_secs()
            );
            let problem = about("over-budget", message, snippet.as_ref())
                .detail(blockers_text(blockers))
                .hint("raise concurrent_budget, or end the old transactions it waits for")
                .next(context.again());
            let exit = if failed == Exit::Partial { Exit::Partial } else { Exit::Locked };
            CommandError::new(exit, problem)
        }
        Stop::HeldTooLong { relation, limit, snippet } => CommandError::new(
            failed,
            about(
                "lock-held",
                format!(
                    "{label} was stopped: it held a strong lock on {relation} longer than the {} ms \
                     that its phase allows",
                    limit.as_millis()
                ),
                snippet.as_ref(),
            )
            .hint("split the file so that the slow part runs without the lock, or raise max_lock_hold")
            .next(format!("edit {}", migration.file)),
        ),
        Stop::Rows { why, snippet, .. } => CommandError::new(
            failed,
            about(
                "changed-while-read",
                format!("{label} was rolled back: {why}"),
                snippet.as_ref(),
            )
            .hint("let whatever writes the file end first")
            .next(context.again()),
        ),
        Stop::LostLock => CommandError::new(
            failed,
            about(
                "lost-lock",
                format!("{label} was rolled back: its session did not hold the run's lock any more"),
                None,
            )
            .hint("something in the file released it (pg_advisory_unlock?); another run may have begun")
            .next(context.status()),
        ),
        Stop::Interrupted { .. } => CommandError::new(
            Exit::Interrupted,
            about("interrupted", format!("{label} was interrupted and rolled back"), None)
                .next(context.again()),
        ),
        Stop::ConnectionLost { failure } => CommandError::new(
            failed,
            with_lost(about("connection-lost", format!("{label} was not applied: the connection was lost"), None), failure)
                .next(context.again()),
        ),
        Stop::Unknown { failure, why } => unknown(&label, failure, why, context),
        Stop::EditedHalfway { snippet, index } => CommandError::new(
            Exit::Divergent,
            about(
                "edited-halfway",
                format!("{label} was edited after its statement {} ran", index + 1),
                snippet.as_ref(),
            )
            .hint("put back the text that ran; later statements may be changed freely"),
        ),
        Stop::ForeignInvalidIndex { index, snippet } => CommandError::new(
            failed,
            about(
                "foreign-invalid-index",
                format!("{label} would take over {index}, an INVALID index that evmig did not make"),
                snippet.as_ref(),
            )
            .hint(format!("drop it first: drop index concurrently {index}"))
            .next(context.again()),
        ),
        Stop::Own { what, failure } => CommandError::new(
            failed,
            with_failure(about("own-query", format!("{label}: {what}"), None), failure)
                .next(context.status()),
        ),
        Stop::Statement { .. }
        | Stop::AtEnd { .. }
        | Stop::EndedTransaction { .. }
        | Stop::EscapedTransaction
        | Stop::Locked { .. } => {
            CommandError::new(failed, about("failed", stop.to_string(), None))
        }
    }
}

fn with_lost(problem: Problem, failure: &DbFailure) -> Problem {
    let mut problem = problem.detail(failure.message.clone());
    problem.sqlstate.clone_from(&failure.sqlstate);
    problem
}

fn blockers_text(blockers: &[Blocker]) -> String {
    if blockers.is_empty() {
        return "nobody was seen in the way".to_owned();
    }
    blockers
        .iter()
        .map(blocker_text)
        .collect::<Vec<_>>()
        .join("\n")
}
