//! Words and exit codes for everything that can stop `evmig triggers`.

use super::CommandError;
use super::bracket::of_bracket;
use super::run::{RunContext, of_run};
use super::stopped::of_stopped;
use crate::cli::exit::Exit;
use crate::report::problem::Problem;
use crate::runner::bracket::BracketError;
use crate::runner::error::RunError;
use crate::runner::triggers::TriggersError;

/// Gives what stopped the command its exit code and its words.
pub fn of_triggers(error: &TriggersError, context: &RunContext) -> CommandError {
    let status = format!("{} triggers status", context.program);
    let (exit, mut problem) = match error {
        TriggersError::Run(RunError::Interrupted) => (
            Exit::Interrupted,
            Problem::new("interrupted", "interrupted; no trigger was switched").next(context.again()),
        ),
        TriggersError::Run(error) => return of_run(error, context),
        TriggersError::Bracket(error) => {
            let (exit, problem) = of_bracket(error);
            (exit, with_next(error, problem, context))
        }
        TriggersError::NoTable { .. } => (
            Exit::Usage,
            Problem::new("no-such-table", error.to_string())
                .hint("views and sequences have no triggers to switch; a schema can be given: public.events"),
        ),
        TriggersError::AlreadyOff { first } => (
            Exit::Refused,
            Problem::new("triggers-already-off", error.to_string())
                .hint(format!(
                    "whoever is at work there ({}) would be surprised; their states are kept once",
                    first.actor
                ))
                .next(status.clone())
                .next(format!("{} triggers enable", context.program)),
        ),
        TriggersError::Stopped(stopped) => {
            let unknown = Problem::new("triggers-unknown", stopped.to_string())
                .hint("it happened whole or not at all: the ledger knows")
                .next(status);
            of_stopped(stopped, context, unknown)
        }
    };
    problem.committed = Some(match exit {
        Exit::Unknown => "all of this command, or nothing".to_owned(),
        _ => "nothing; the database is as it was".to_owned(),
    });
    CommandError::new(exit, problem)
}

/// Adds what to type, where this command alone has an answer.
fn with_next(error: &BracketError, problem: Problem, context: &RunContext) -> Problem {
    match error {
        BracketError::Violated { .. }
        | BracketError::Doubled { .. }
        | BracketError::Unproved { .. } => problem.next(context.again()).next(format!(
            "{} --even-if-violated --reason '…'",
            context.again()
        )),
        _ => problem,
    }
}
