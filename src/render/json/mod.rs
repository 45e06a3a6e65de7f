//! Reports and events as JSON: a documented, versioned contract.
//!
//! Text stays raw here: JSON escapes control characters, and programs want what the server said.
//! Wire types stand apart from the report's where the two differ, which is wherever a problem
//! appears: on the wire its place is flat and what is absent is null. Each command's are in a file
//! of their own.

mod apply;
mod backup;
mod diff;
mod dry_run;
mod event;
mod history;
mod kept;
mod plain;
mod problem;
mod restore;
mod rollback;
mod seed;
mod status;
#[cfg(test)]
mod tests;
mod triggers;

use serde::Serialize;
use serde_json::Value;

pub use apply::apply;
pub use backup::{backup, backup_verify};
pub use diff::diff;
pub use dry_run::dry_run;
pub use event::event;
pub use history::history;
pub use kept::kept;
pub use plain::{config, diagram, record};
pub use problem::{ERROR_SCHEMA, problem_document};
pub use restore::restore;
pub use rollback::rollback;
pub use seed::seed;
pub use status::status;
pub use triggers::triggers;

/// Returns a document with its last line ended.
fn pretty(document: &impl Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(document).unwrap_or_else(|error| unserializable(&error));
    text.push('\n');
    text
}

/// Says that a document could not be written, as a document.
///
/// `serde_json` fails only for maps whose keys are not strings and for writers that fail; there
/// are neither here. A caller that reads JSON still gets some, should a report ever grow one.
fn unserializable(error: &serde_json::Error) -> String {
    let message = Value::String(error.to_string());
    format!(
        "{{\"schema\":\"{ERROR_SCHEMA}\",\"error\":{{\"code\":\"internal\",\"message\":{message}}}}}"
    )
}
