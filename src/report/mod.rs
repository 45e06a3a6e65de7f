//! The words that both sides share: plain data, no I/O.
//!
//! Producers (project, runner, history, …) fill these types; `render` turns them into bytes.

pub mod access;
pub mod backup;
pub mod change;
pub mod config;
pub mod diagram;
pub mod diff;
pub mod dry_run;
pub mod event;
pub mod history;
pub mod kept;
pub mod place;
pub mod problem;
pub mod rollback;
pub mod run;
pub mod sanitize;
pub mod seed;
pub mod status;
pub mod target;
pub mod triggers;
