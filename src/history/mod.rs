//! What the database remembers of its migrations: tables, rows, their chain of hashes.

pub mod model;
pub mod store;
pub mod upgrade;
pub mod verify;
