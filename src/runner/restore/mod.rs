//! Puts the rows of tables back from a backup: one transaction on one session, within the trigger
//! bracket.
//!
//! `plan` says which tables, in which order, and what is against it; `run` does it. The backup has
//! been verified to the last byte before either.

pub mod error;
pub mod order;
pub mod plan;
pub mod run;
