//! A problem on the wire, and the document of a command that has nothing else to say.

use serde::Serialize;

use super::pretty;
use crate::report::problem::Problem;

/// Name and version of the document that a failed command prints.
pub const ERROR_SCHEMA: &str = "evmig.error/1";

/// A problem on the wire.
#[derive(Serialize)]
pub(super) struct WireProblem<'a> {
    code: &'a str,
    sqlstate: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    message: &'a str,
    detail: Option<&'a str>,
    context: Option<&'a str>,
    hint: Option<&'a str>,
    committed: Option<&'a str>,
    next: &'a [String],
}

impl<'a> From<&'a Problem> for WireProblem<'a> {
    fn from(problem: &'a Problem) -> Self {
        let place = problem.snippet.as_ref().map(|snippet| &snippet.place);
        Self {
            code: &problem.code,
            sqlstate: problem.sqlstate.as_deref(),
            file: place.map(|place| place.file.as_str()),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            message: &problem.message,
            detail: problem.detail.as_deref(),
            context: problem.context.as_deref(),
            hint: problem.hint.as_deref(),
            committed: problem.committed.as_deref(),
            next: &problem.next,
        }
    }
}

#[derive(Serialize)]
struct WireErrors<'a> {
    schema: &'static str,
    exit_code: u8,
    error: Option<WireProblem<'a>>,
    errors: Vec<WireProblem<'a>>,
}

/// Returns the document of a command that failed without a report of its own.
pub fn problem_document(problems: &[Problem], exit_code: u8) -> String {
    pretty(&WireErrors {
        schema: ERROR_SCHEMA,
        exit_code,
        error: problems.first().map(WireProblem::from),
        errors: problems.iter().map(WireProblem::from).collect(),
    })
}
