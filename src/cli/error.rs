//! Every error of every layer gets its exit code, its words and its next command here.

mod backup;
mod bracket;
mod catalog;
mod kept;
mod plan;
mod preview;
mod refusal;
mod restore;
mod rollback;
mod run;
mod seed;
mod stop;
mod stopped;
mod triggers;

use super::exit::Exit;
use super::target::TargetError;
use crate::pg::connect_error::ConnectError;
use crate::pg::error::DbFailure;
use crate::project::ProjectError;
use crate::report::problem::Problem;
use crate::shadow::EmbeddedError;

pub use backup::of_backup;
pub use bracket::of_bracket;
pub use catalog::{document_problem, of_catalog};
pub use kept::{of_keep, of_kept};
pub use plan::plan_file_problem;
pub use preview::{of_dump, of_preview};
pub use restore::of_restore;
pub use rollback::of_rollback;
pub use run::{RunContext, of_run};
pub use seed::{SeedContext, of_seed};
pub use triggers::of_triggers;

/// Why a command failed.
#[derive(Debug)]
pub struct CommandError {
    exit: Exit,
    problems: Vec<Problem>,
    reported: bool,
}

impl CommandError {
    /// Makes an error with one problem.
    pub fn new(exit: Exit, problem: Problem) -> Self {
        Self {
            exit,
            problems: vec![problem],
            reported: false,
        }
    }

    /// Wrong usage.
    pub fn usage(problem: Problem) -> Self {
        Self::new(Exit::Usage, problem)
    }

    /// Refused before anything was done.
    pub fn refused(problem: Problem) -> Self {
        Self::new(Exit::Refused, problem)
    }

    /// Failed, and nothing changed.
    pub fn failed(problem: Problem) -> Self {
        Self::new(Exit::Failed, problem)
    }

    /// Says that the command's own JSON document has the error already.
    #[must_use]
    pub fn reported(mut self) -> Self {
        self.reported = true;
        self
    }

    /// Returns the exit code.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns what is wrong.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Returns whether a JSON document has told it.
    pub fn is_reported(&self) -> bool {
        self.reported
    }

    /// Everything that is wrong with a project.
    pub fn project(errors: &[ProjectError]) -> Self {
        Self {
            exit: Exit::Usage,
            problems: errors.iter().map(project_problem).collect(),
            reported: false,
        }
    }

    /// No database could be chosen.
    pub fn target(error: &TargetError) -> Self {
        let problem = Problem::new("no-target", error.to_string());
        Self::usage(match error {
            TargetError::UnknownEnvironment { valid, nearest, .. } => {
                let problem = problem.detail(if valid.is_empty() {
                    "phases.toml has no environments".to_owned()
                } else {
                    format!("phases.toml has: {}", valid.join(", "))
                });
                match nearest {
                    Some(name) => problem.hint(format!("did you mean `{name}`?")),
                    None => problem,
                }
            }
            TargetError::VariableUnset { variable, .. } => problem.hint(format!(
                "set {variable} in the environment or in .env; it holds a URL such as \
                 postgresql://user@host:5432/database"
            )),
            TargetError::Nothing => problem.hint(
                "name one with --env NAME, --database-url URL, the variable DATABASE_URL, or \
                 default_environment in phases.toml",
            ),
            TargetError::Parameters(_) => problem,
        })
    }

    /// No session could be had.
    pub fn connect(error: &ConnectError) -> Self {
        Self::refused(connect_problem(error))
    }

    /// The embedded server cannot be used.
    pub fn embedded(error: &EmbeddedError) -> Self {
        let problem = Problem::new("embedded-server", error.to_string()).hint(error.hint());
        Self::refused(problem)
    }

    /// One of evmig's own queries failed.
    pub fn own(what: &str, failure: &DbFailure) -> Self {
        Self::failed(with_failure(Problem::new("own-query", what), failure))
    }
}

/// What the system refuses, with its chain of causes; nothing in the database has changed.
impl From<anyhow::Error> for CommandError {
    fn from(error: anyhow::Error) -> Self {
        let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
        let problem = Problem::new("system", error.to_string());
        Self::failed(if causes.is_empty() {
            problem
        } else {
            problem.detail(causes.join(": "))
        })
    }
}

/// Gives a project error its words.
fn project_problem(error: &ProjectError) -> Problem {
    let mut problem =
        Problem::new(error.code(), error.kind.to_string()).at(error.snippet.as_deref().cloned());
    if problem.snippet.is_none()
        && let Some(file) = &error.file
        && !problem.message.contains(file.as_str())
    {
        let name = file.rsplit('/').next().unwrap_or(file);
        // Most of these messages begin with the name that ends the path.
        problem.message = match problem.message.strip_prefix(&format!("`{name}` ")) {
            Some(rest) => format!("{file} {rest}"),
            None => format!("{file}: {}", problem.message),
        };
    }
    let suggestion = error
        .suggestion()
        .map(|name| format!("did you mean `{name}`?"));
    problem.hint = match (suggestion, error.help()) {
        (Some(suggestion), Some(help)) if !help.contains("did you mean") => {
            Some(format!("{suggestion} ({help})"))
        }
        (Some(suggestion), _) => Some(suggestion),
        (None, help) => help,
    };
    problem
}

/// Adds what the server said.
fn with_failure(problem: Problem, failure: &DbFailure) -> Problem {
    let mut problem = problem;
    if !problem.message.contains(&failure.message) {
        problem.message = format!("{}: {}", problem.message, failure.message);
    }
    problem.sqlstate.clone_from(&failure.sqlstate);
    problem.detail.clone_from(&failure.detail);
    problem.hint.clone_from(&failure.hint);
    problem.context.clone_from(&failure.context);
    problem
}

/// Gives a connection error its words.
fn connect_problem(error: &ConnectError) -> Problem {
    let mut problem = Problem::new("cannot-connect", error.to_string());
    problem.sqlstate = error.sqlstate().map(str::to_owned);
    problem.hint = error.help().map(ToString::to_string);
    if !error.others.is_empty() {
        let others: Vec<String> = error.others.iter().map(ToString::to_string).collect();
        problem.detail = Some(others.join("\n"));
    }
    problem
}
