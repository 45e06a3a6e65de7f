//! What roles may do that they could not, or not any more.

use serde::Serialize;

/// Which way the access of a role changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessEffect {
    /// It reaches rows, columns or functions that it did not.
    Widened,
    /// Another expression, or another owner, decides: whether that is more or less cannot be told from the catalog.
    Changed,
    /// It reaches less.
    Narrowed,
}

impl AccessEffect {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Widened => "widened",
            Self::Changed => "changed",
            Self::Narrowed => "narrowed",
        }
    }
}

/// A change of what a role may do with a relation or function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AccessChange {
    /// Which way.
    pub effect: AccessEffect,
    /// The role; `PUBLIC` is every role there is and will be.
    pub role: String,
    /// The relation or function with its kind, `table public.orders`, or what is made in future.
    pub relation: String,
    /// `SELECT`, or several with commas where the same is true of all of them.
    pub command: String,
    /// What it could do before, in words.
    pub before: String,
    /// What it can do after, in words.
    pub after: String,
}

impl AccessChange {
    /// Returns whether the role may do more than before.
    pub fn widens(&self) -> bool {
        self.effect == AccessEffect::Widened
    }
}
