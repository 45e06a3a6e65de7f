//! `evmig rollback`: from the history and a selection to a database that is what it was.
//!
//! `prepare` reads the history and decides, without a lock: that is what the user is shown. `run`
//! takes the lock, decides again, and does it: as one transaction (`shot`) where the scripts allow it,
//! else in as few as they allow (`parts`), with the rest journalled between them.

mod begin;
pub mod error;
mod fate;
pub mod parts;
pub mod prepare;
mod proof;
mod recorder;
pub mod run;
mod sending;
mod shot;
mod tables;
