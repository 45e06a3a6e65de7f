//! Who may do what: for each role, relation and command, as PostgreSQL itself would decide.
//!
//! `facts` reads what a snapshot does not say (members of roles, what views read), `acl` reads privileges, `judge`
//! decides one case, `matrix` all of them, `delta` compares two matrices.

mod acl;
mod cell;
pub mod delta;
pub mod facts;
mod judge;
pub mod matrix;
mod policy;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use cell::{Access, Rows};
pub use policy::Policy;

/// The roles that are looked at: everybody, and those of Supabase's API. One that is not there may do nothing.
pub const ROLES: [&str; 4] = [PUBLIC, "anon", "authenticated", "service_role"];
/// Every role there is and will be.
pub const PUBLIC: &str = "PUBLIC";

/// What can be done with a relation or function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Command {
    /// SELECT.
    Select,
    /// INSERT.
    Insert,
    /// UPDATE.
    Update,
    /// DELETE.
    Delete,
    /// TRUNCATE, which no policy stops.
    Truncate,
    /// Calling a function or procedure.
    Execute,
}

impl Command {
    /// What can be done with a relation.
    pub const OF_RELATIONS: [Self; 5] = [
        Self::Select,
        Self::Insert,
        Self::Update,
        Self::Delete,
        Self::Truncate,
    ];

    /// Returns its word in SQL.
    pub fn word(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Truncate => "TRUNCATE",
            Self::Execute => "EXECUTE",
        }
    }

    /// The letter that stands for it in a list of privileges.
    fn letter(self) -> char {
        match self {
            Self::Select => 'r',
            Self::Insert => 'a',
            Self::Update => 'w',
            Self::Delete => 'd',
            Self::Truncate => 'D',
            Self::Execute => 'X',
        }
    }
}
