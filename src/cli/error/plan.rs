//! Words and exit codes for saved plans: what is stale, and which command makes a new one.

use super::CommandError;
use super::run::RunContext;
use crate::cli::exit::Exit;
use crate::plan::saved::PlanFileError;
use crate::plan::stale::{Stale, StalePlan};
use crate::report::problem::Problem;

/// Gives a stale plan its words, one problem for each thing that is not as it was.
pub(super) fn stale(stale: &StalePlan, context: &RunContext) -> CommandError {
    CommandError {
        exit: Exit::Refused,
        problems: stale
            .reasons
            .iter()
            .map(|reason| again(one(reason), context))
            .collect(),
        reported: false,
    }
}

/// Gives a catalog that cannot be compared its words.
pub(super) fn unchecked(message: String, context: &RunContext) -> CommandError {
    let problem = Problem::new("plan-unchecked", message)
        .hint("a warning above says why it cannot be read; nothing was changed")
        .next(context.again());
    CommandError::refused(problem)
}

fn one(reason: &Stale) -> Problem {
    match reason {
        Stale::Target { differences } => Problem::new(
            "plan-other-target",
            "the plan is for another database",
        )
        .detail(differences.join("\n"))
        .hint(
            "choose the plan's database with --env or --database-url, or make a plan for this one",
        ),
        Stale::Planning { made_by } => {
            let own = env!("CARGO_PKG_VERSION");
            let message =
                format!("evmig {made_by} made the plan, and evmig {own} decides otherwise");
            Problem::new("plan-other-evmig", message)
                .hint("apply it with the version that made it, or make it again with this one")
        }
        Stale::History { since } => Problem::new(
            "plan-history",
            "the plan is stale: the history has gone on since it was made",
        )
        .detail(since.join("\n"))
        .hint("what is left to do has to be looked at as it is now"),
        Stale::Work { differences } => Problem::new(
            "plan-work",
            "the plan is stale: the project's files come to something else",
        )
        .detail(differences.join("\n"))
        .hint("check out what the plan was made from, or make it again from these files"),
        Stale::Selection { refusal } => Problem::new(
            "plan-work",
            "the plan is stale: what it selected cannot be chosen any more",
        )
        .detail(refusal.to_string())
        .hint("check out what the plan was made from, or make it again from these files"),
        Stale::Catalog {
            differences,
            made_by,
        } => {
            let message = "the plan is stale: something else than evmig has changed the schema since it was made";
            let mut lines = differences.clone();
            if lines.is_empty() {
                lines.push(
                    "no object differs by what the plan knows of it: its fingerprint does"
                        .to_owned(),
                );
            }
            Problem::new("plan-catalog", message)
                .detail(lines.join("\n"))
                .hint(match made_by {
                    Some(version) => format!(
                        "evmig {version} made the plan, and may say otherwise what a catalog is: evmig diff shows whether anything changed"
                    ),
                    None => "evmig diff shows all of it; the migrations were reviewed against what was there before".to_owned(),
                })
        }
    }
}

/// Adds how to make the plan again.
fn again(problem: Problem, context: &RunContext) -> Problem {
    let problem = match &context.plan_again {
        Some(command) => problem.next(command),
        None => problem,
    };
    problem.next(context.again())
}

/// Gives a file that is no plan its words; `place` is what was typed.
pub fn plan_file_problem(place: &str, error: &PlanFileError, make: &str) -> Problem {
    let message = format!("{place}: {error}");
    match error {
        PlanFileError::Broken { .. } => Problem::new("plan-damaged", message).hint(format!(
            "{make} FILE writes a plan; this file is another one, or was cut off on its way"
        )),
        PlanFileError::Altered => Problem::new("plan-damaged", message).hint(format!(
            "it was edited, or damaged on its way: get it again, or make it anew with {make} FILE"
        )),
        PlanFileError::Format { .. } => Problem::new("plan-format", message).hint(format!(
            "apply it with the version of evmig that made it, or make it again: {make} FILE"
        )),
    }
}
