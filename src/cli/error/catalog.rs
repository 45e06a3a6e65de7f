//! Words and exit codes for catalogs that cannot be read.

use super::{CommandError, with_failure};
use crate::catalog::document::DocumentError;
use crate::catalog::error::CatalogError;
use crate::report::problem::Problem;

/// Gives a catalog that cannot be read its exit code and its words.
pub fn of_catalog(error: &CatalogError) -> CommandError {
    let problem = Problem::new("catalog-unreadable", error.to_string());
    CommandError::failed(match error {
        CatalogError::Query { failure } => with_failure(problem, failure)
            .hint("something may have been created or dropped at the same moment: try again"),
        CatalogError::Unreadable { .. } | CatalogError::UnknownKind { .. } => problem.hint(
            "the server is newer than this evmig, or something in between changes what it says",
        ),
    })
}

/// Gives a text that is no snapshot its words; `place` is where it is from.
pub fn document_problem(place: &str, error: &DocumentError) -> Problem {
    match error {
        DocumentError::Broken {
            message,
            line,
            column,
        } => Problem::new(
            "bad-snapshot",
            format!("{place} is no snapshot: line {line}, column {column}: {message}"),
        )
        .hint("evmig snapshot --out FILE writes one"),
        DocumentError::Newer { .. } => Problem::new("newer-snapshot", format!("{place}: {error}"))
            .hint("a later evmig has written it; use that one"),
        DocumentError::Altered => Problem::new("altered-snapshot", format!("{place}: {error}"))
            .hint("it was edited or merged by hand: write it anew, or remove its fingerprint line to use it as it is"),
    }
}
