//! Words and exit codes for everything that can stop `evmig kept`, and the keeping of rows.

use super::bracket::of_bracket;
use super::run::{RunContext, of_run};
use super::stopped::of_stopped;
use super::{CommandError, with_failure};
use crate::cli::exit::Exit;
use crate::history::error::HistoryError;
use crate::report::problem::Problem;
use crate::runner::bill::keep::KeepError;
use crate::runner::error::RunError;
use crate::runner::kept::KeptError;

/// Gives the error of keeping rows its exit code and its words; `None` where it is one of the history's.
pub fn of_keep(error: &KeepError) -> Result<(Exit, Problem), &HistoryError> {
    match error {
        KeepError::Query { what, failure } => Ok((
            Exit::Failed,
            with_failure(Problem::new("keep-failed", *what), failure),
        )),
        KeepError::ForeignSchema { .. } => Ok((
            Exit::Refused,
            Problem::new("foreign-schema", error.to_string()).hint(
                "whoever owns it could read the rows: let it be dropped or given to this role, or \
                 connect as its owner",
            ),
        )),
        KeepError::Bracket(error) => Ok(of_bracket(error)),
        KeepError::History(error) => Err(error),
    }
}

/// Gives what stopped the command its exit code and its words.
pub fn of_kept(error: &KeptError, context: &RunContext) -> CommandError {
    let list = format!("{} kept list", context.program);
    let (exit, mut problem) = match error {
        KeptError::Run(RunError::Interrupted) => (
            Exit::Interrupted,
            Problem::new("interrupted", "interrupted; the copies are as they were"),
        ),
        KeptError::Run(error) => return of_run(error, context),
        KeptError::Bracket(error) => of_bracket(error),
        KeptError::Keep(error) => match of_keep(error) {
            Ok(told) => told,
            Err(_) => (Exit::Failed, Problem::new("history", error.to_string())),
        },
        KeptError::NoCopy { .. } => (
            Exit::Usage,
            Problem::new("no-such-copy", error.to_string()).next(list),
        ),
        KeptError::NoTable { .. } => (
            Exit::Refused,
            Problem::new("no-such-table", error.to_string())
                .hint("apply the migration that makes it first; the rows go into it afterwards")
                .next(format!("{} apply", context.program))
                .next(context.again()),
        ),
        KeptError::AlreadyRestored { .. } => (
            Exit::Refused,
            Problem::new("already-restored", error.to_string())
                .hint("a second time would double them, where no key stops it")
                .next(format!("{} --again", context.again())),
        ),
        KeptError::DoesNotFit { .. } => (
            Exit::Refused,
            Problem::new("does-not-fit", error.to_string())
                .hint("the copy is a plain table in the schema evmig_kept: move its rows by hand"),
        ),
        KeptError::Rows { failure, .. } => (
            Exit::Failed,
            with_failure(Problem::new("restore-failed", error.to_string()), failure),
        ),
        KeptError::Stopped(stopped) => {
            let unknown = Problem::new("kept-unknown", stopped.to_string())
                .hint("it happened whole or not at all: the list knows")
                .next(list);
            of_stopped(stopped, context, unknown)
        }
    };
    problem.committed = Some(match exit {
        Exit::Unknown => "all of this command, or nothing".to_owned(),
        _ => "nothing; the database is as it was".to_owned(),
    });
    CommandError::new(exit, problem)
}
