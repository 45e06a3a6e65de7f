//! One object of the catalog that is not what it was, ready to be shown.

use serde::Serialize;

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// Something else is said of it.
    Changed,
    /// It has another name, and perhaps something else is said of it, too.
    Renamed,
}

impl ChangeKind {
    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Renamed => "renamed",
        }
    }
}

/// What is said of one property before and after; `None` where it is as it is by default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PropertyChange {
    /// Which one.
    pub property: String,
    /// Before.
    pub before: Option<String>,
    /// After.
    pub after: Option<String>,
}

/// One object that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectChange {
    /// What became of it.
    pub change: ChangeKind,
    /// The kind, as PostgreSQL's commands have it: `table`.
    pub kind: String,
    /// Its name with its kind: `trigger zz_audit on public.events`.
    pub object: String,
    /// What it was called, if it was renamed.
    pub renamed_from: Option<String>,
    /// The relation it belongs to, or its own name: what is told together.
    pub group: String,
    /// What is said of it, where it was there before and after.
    pub properties: Vec<PropertyChange>,
    /// Its definition before and after, as a unified diff.
    pub diff: String,
}
