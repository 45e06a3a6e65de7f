//! Why triggers could not be switched, or not be switched back.

use super::keys::Violation;
use super::state::{State, Trigger};
use super::uniques::Double;
use crate::pg::error::DbFailure;
use crate::sql::name::QualifiedName;

/// Why a bracket did not open or did not close. Either way the transaction must be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum BracketError {
    /// Triggers are the business of a table's owner, and some tables are somebody else's.
    #[error("only a table's owner may switch its triggers: {}", names(tables))]
    NotOwner {
        /// The tables.
        tables: Vec<QualifiedName>,
    },
    /// Foreign keys' own triggers were to be switched, and the role may neither do that nor pass them by.
    #[error("the role {role} may not switch the triggers of foreign keys")]
    SystemTriggers {
        /// The role.
        role: String,
        /// Whether the server knows `GRANT SET ON PARAMETER` (15).
        may_be_granted: bool,
    },
    /// What was deferred does not hold.
    #[error("a deferred check failed: {failure}")]
    Deferred {
        /// The server's answer.
        failure: Box<DbFailure>,
    },
    /// A statement of the bracket's own failed.
    #[error("{what}: {failure}")]
    Query {
        /// Which, as "could not …".
        what: &'static str,
        /// The server's answer.
        failure: Box<DbFailure>,
    },
    /// Triggers are not in the state that they were given.
    #[error("{} of the triggers did not get back their state", differing.len())]
    States {
        /// Each with the state that it should have, and the one that it has.
        differing: Vec<(Trigger, Option<State>)>,
    },
    /// Rows refer to rows that are not there.
    #[error("{}", violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Violated {
        /// For each key that does not hold.
        violations: Vec<Violation>,
    },
    /// Rows that a deferrable constraint allows once are there twice.
    #[error("{}", doubles.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Doubled {
        /// For each constraint that does not hold.
        doubles: Vec<Double>,
    },
    /// A constraint could not be proved: its rows cannot be read.
    #[error("could not prove {key}: {failure}")]
    Unproved {
        /// The foreign key or the constraint.
        key: String,
        /// The server's answer.
        failure: Box<DbFailure>,
    },
}

impl BracketError {
    /// Makes the error of one of the bracket's own statements.
    pub fn query(what: &'static str) -> impl FnOnce(DbFailure) -> Self {
        move |failure| Self::Query {
            what,
            failure: Box::new(failure),
        }
    }

    /// Returns the server's answer, where there was one: a lock that was not obtained is worth another try.
    pub fn failure(&self) -> Option<&DbFailure> {
        match self {
            Self::Deferred { failure }
            | Self::Query { failure, .. }
            | Self::Unproved { failure, .. } => Some(failure),
            _ => None,
        }
    }
}

fn names(tables: &[QualifiedName]) -> String {
    let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
    names.join(", ")
}
