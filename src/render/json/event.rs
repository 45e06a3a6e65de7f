//! Events: a line each.

use serde::Serialize;

use super::problem::WireProblem;
use super::unserializable;
use crate::report::event::RunEvent;

#[derive(Serialize)]
struct WireEvent<'a> {
    at: &'a str,
    #[serde(flatten)]
    event: &'a RunEvent,
}

#[derive(Serialize)]
struct WireWarning<'a> {
    at: &'a str,
    event: &'static str,
    problem: WireProblem<'a>,
}

/// Returns one event as one line, without a line break; `at` is an RFC 3339 time.
pub fn event(event: &RunEvent, at: &str) -> String {
    let line = match event {
        RunEvent::Warning { problem } => serde_json::to_string(&WireWarning {
            at,
            event: "warning",
            problem: problem.into(),
        }),
        _ => serde_json::to_string(&WireEvent { at, event }),
    };
    line.unwrap_or_else(|error| unserializable(&error))
}
