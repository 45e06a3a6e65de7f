//! Words for triggers that could not be switched, and for foreign keys that do not hold.

use super::with_failure;
use crate::cli::exit::Exit;
use crate::report::problem::Problem;
use crate::runner::bracket::BracketError;

/// Gives a bracket's error its exit code and its words. Whatever it was, the transaction around it is rolled back.
pub fn of_bracket(error: &BracketError) -> (Exit, Problem) {
    match error {
        BracketError::NotOwner { .. } => (
            Exit::Refused,
            Problem::new("not-owner", error.to_string())
                .hint("connect as the owner, or as a role that is a member of it"),
        ),
        BracketError::SystemTriggers {
            role,
            may_be_granted,
        } => (Exit::Refused, system_triggers(error, role, *may_be_granted)),
        BracketError::Deferred { failure } => (
            Exit::Failed,
            with_failure(
                Problem::new("deferred-check", "a deferred check failed"),
                failure,
            ),
        ),
        BracketError::Query { what, failure } => (
            Exit::Failed,
            with_failure(Problem::new("own-query", *what), failure),
        ),
        BracketError::States { differing } => {
            let told = differing.iter().map(|(trigger, found)| {
                let found = found.map_or("gone", |state| state.letter());
                let (table, name) = (&trigger.table, &trigger.name);
                format!(
                    "{table} {name}: {found} instead of {}",
                    trigger.state.letter()
                )
            });
            let told: Vec<String> = told.collect();
            let problem = Problem::new("trigger-states", error.to_string()).detail(told.join("\n"));
            (Exit::Failed, problem)
        }
        BracketError::Violated { violations } => {
            let told: Vec<String> = violations.iter().map(ToString::to_string).collect();
            let message = match violations.len() {
                1 => "a foreign key does not hold".to_owned(),
                more => format!("{more} foreign keys do not hold"),
            };
            let problem = Problem::new("foreign-key-violated", message)
                .detail(told.join("\n"))
                .hint("each line names one row of perhaps many; mend or delete them first");
            (Exit::Failed, problem)
        }
        BracketError::Doubled { doubles } => {
            let told: Vec<String> = doubles.iter().map(ToString::to_string).collect();
            let problem = Problem::new("unique-violated", "a unique constraint does not hold")
                .detail(told.join("\n"))
                .hint(
                    "each line names one pair of rows of perhaps many; mend or delete them first",
                );
            (Exit::Failed, problem)
        }
        BracketError::Unproved { key, failure } => {
            let message = format!("could not prove {key}");
            let problem = with_failure(Problem::new("foreign-key-unproved", message), failure);
            let problem = problem.hint(
                "the role must see every row of both tables: SELECT on them, and no policy in force \
                 (BYPASSRLS, or no FORCE ROW LEVEL SECURITY)",
            );
            (Exit::Failed, problem)
        }
    }
}

fn system_triggers(error: &BracketError, role: &str, may_be_granted: bool) -> Problem {
    let problem = Problem::new("system-triggers", error.to_string());
    if may_be_granted {
        problem.hint(format!(
            "let a superuser say: grant set on parameter session_replication_role to {}; or leave \
             these triggers on: a user's own are enough for most work",
            super::refusal::quoted(role)
        ))
    } else {
        problem.hint(
            "only a superuser may; leave these triggers on: a user's own are enough for most work",
        )
    }
}
