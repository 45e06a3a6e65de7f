//! Words and exit codes for evmig's own work that did not get its locks, or is not known to be done.

use super::run::{RunContext, blocker_text};
use super::with_failure;
use crate::cli::exit::Exit;
use crate::report::problem::Problem;
use crate::runner::own_work::Stopped;

/// Gives it its exit code and its words; `unknown` says where what happened can be seen.
pub(super) fn of_stopped(
    stopped: &Stopped,
    context: &RunContext,
    unknown: Problem,
) -> (Exit, Problem) {
    match stopped {
        Stopped::Locked {
            blockers, failure, ..
        } => {
            let told: Vec<String> = blockers.iter().map(blocker_text).collect();
            let problem = with_failure(Problem::new("locked", stopped.to_string()), failure).hint(
                "end the session that is in the way, choose a quieter hour, or allow more with \
                 --lock-timeout and --lock-retries",
            );
            let problem = problem.next(context.again());
            (
                Exit::Locked,
                problem.detail(if told.is_empty() {
                    "nobody was seen in the way".to_owned()
                } else {
                    told.join("\n")
                }),
            )
        }
        Stopped::Unknown { failure } => (Exit::Unknown, with_failure(unknown, failure)),
    }
}
