//! What the database remembers of its migrations: tables, rows, their chain of hashes.
//!
//! `locate` finds or makes the tables, `store` reads and writes them under the history's lock,
//! `model` holds what was read, `record` what is written, `checkpoint` what the catalog was, `verify` proves the
//! chains; `speeds` has how long statements over whole tables took, `ledger` the
//! triggers that are switched off beyond a transaction, `kept` the copies of destroyed rows.

pub mod checkpoint;
pub mod error;
pub mod kept;
pub mod ledger;
pub mod locate;
pub mod model;
pub mod record;
pub mod replay;
pub mod rows;
pub mod speeds;
pub mod store;
pub mod upgrade;
pub mod verify;
