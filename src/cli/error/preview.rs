//! Words and exit codes for a dry run that could not be made.

use super::refusal::quoted;
use super::run::{RunContext, of_run};
use super::{CommandError, connect_problem, with_failure};
use crate::cli::exit::Exit;
use crate::history::error::HistoryError;
use crate::preview::PreviewError;
use crate::report::problem::Problem;
use crate::runner::error::RunError;

/// Gives what stopped a dry run its exit code and its words. Whatever it is, nothing has changed.
pub fn of_preview(
    error: &PreviewError,
    context: &RunContext,
    history_schema: &str,
) -> CommandError {
    let message = error.to_string();
    match error {
        PreviewError::Run(RunError::History(error)) if let Some(failure) = denied(error) => {
            let (role, schema) = (quoted(&context.user), quoted(history_schema));
            CommandError::refused(
                with_failure(
                    Problem::new("history-unreadable", "the role may not read the history"),
                    failure,
                )
                .hint("what is pending cannot be known without it; let its owner run what follows")
                .next(format!("grant usage on schema {schema} to {role};"))
                .next(format!(
                    "grant select on all tables in schema {schema} to {role};"
                )),
            )
        }
        PreviewError::Run(error) => of_run(error, context),
        PreviewError::NoServer(source) => {
            let problem = Problem::new("no-shadow-server", message)
                .detail(source.to_string())
                .hint(source.hint());
            CommandError::refused(others(problem, context))
        }
        PreviewError::Unreachable(source) => {
            let mut problem = connect_problem(source);
            "no-shadow-server".clone_into(&mut problem.code);
            problem.message = format!("{message}: {}", problem.message);
            CommandError::refused(others(problem, context))
        }
        PreviewError::Address(source) => {
            CommandError::refused(Problem::new("no-shadow-server", source.to_string()))
        }
        PreviewError::Shadow { failure, .. } => {
            let problem = with_failure(Problem::new("shadow-failed", message), failure);
            CommandError::refused(others(problem, context))
        }
        PreviewError::Shared { .. } => {
            CommandError::refused(Problem::new("shadow-shares-server", message).hint(
                "roles, databases and settings belong to the whole server: name another one with \
                 --shadow-url, or let evmig start its own",
            ))
        }
        PreviewError::Catalog(source) => {
            let cause = std::error::Error::source(source).map(ToString::to_string);
            let problem = Problem::new("own-query", message);
            CommandError::failed(match cause {
                Some(cause) => problem.detail(cause),
                None => problem,
            })
        }
        PreviewError::OverBudget { .. } => CommandError::new(
            Exit::Locked,
            Problem::new("dry-run-over-budget", message)
                .hint(
                    "the strictest max_lock_hold of the phases says how long it may take, or 30 s",
                )
                .next(format!("{} --level shadow", context.again())),
        ),
        PreviewError::Interrupted => CommandError::new(
            Exit::Interrupted,
            Problem::new(
                "interrupted",
                "interrupted; nothing of the target was changed",
            ),
        ),
    }
}

/// The failure of a history that is there and may not be read.
fn denied(error: &HistoryError) -> Option<&crate::pg::error::DbFailure> {
    match error {
        HistoryError::Query { failure, .. } if failure.sqlstate.as_deref() == Some("42501") => {
            Some(failure)
        }
        _ => None,
    }
}

/// Offers the levels that work without a server.
fn others(problem: Problem, context: &RunContext) -> Problem {
    problem
        .next(format!("{} --level sql", context.again()))
        .next(format!("{} --shadow-url URL", context.again()))
}
