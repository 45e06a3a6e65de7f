//! One thing that went wrong, ready to be shown: what, where, why, what now.

use serde::Serialize;

use super::place::Snippet;

/// One error or warning with everything a reader needs to act on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Problem {
    /// Stable kebab-case id, documented in `docs/errors.md`.
    pub code: String,
    /// What happened, one sentence without a full stop.
    pub message: String,
    /// The place in a project file it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snippet: Option<Snippet>,
    /// The server's error code (PostgreSQL manual, appendix A).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqlstate: Option<String>,
    /// The server's `DETAIL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The server's `CONTEXT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Why it happened or how to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Which part of the work is in the database now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed: Option<String>,
    /// Commands to type next, most likely first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<String>,
}

impl Problem {
    /// Starts a problem from its id and its one-sentence message.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            ..Self::default()
        }
    }

    /// Adds the place.
    #[must_use]
    pub fn at(mut self, snippet: Option<Snippet>) -> Self {
        self.snippet = snippet;
        self
    }

    /// Adds the reason or the mend.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the server's detail, or a list of what the message is about.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a command to type next.
    #[must_use]
    pub fn next(mut self, command: impl Into<String>) -> Self {
        self.next.push(command.into());
        self
    }
}
