//! What a diagram of a database shows: its tables, their keys, and the domains that they belong to.

mod definition;
pub mod domains;
mod neighbours;
pub mod tables;
