//! Reports and events as text for people who may be under stress: what happened, what it means,
//! what to type.
//!
//! Every function returns text with ANSI styles; the caller strips them where colour is off, so
//! no meaning is carried by colour alone. Text that came from a server or a file has its control
//! characters shown instead of obeyed (`report::sanitize`) before it gets a style.

mod backup;
mod blocker;
mod config;
mod diff;
mod dry_run;
mod event;
mod history;
mod kept;
mod label;
mod look;
pub(in crate::render) mod number;
mod objects;
mod problem;
mod progress;
mod rollback;
mod run;
mod seed;
mod snippet;
mod sqlstate;
mod status;
mod style;
mod table;
mod target;
mod text;
mod triggers;

#[cfg(test)]
pub(in crate::render) mod tests;

pub use backup::{backup, backup_progress, backup_verify, restore, restore_plan, restore_progress};
pub use config::config;
pub use diff::{changes, diff};
pub(super) use diff::{side as diff_side, sum as diff_sum};
pub use dry_run::{dry_run, saved};
pub use event::event;
pub use history::history;
pub use kept::kept;
pub use look::Look;
pub use problem::{problem, problems, warning};
pub use progress::progress;
pub use rollback::{rollback, rollback_plan};
pub use run::{apply, record};
pub use seed::{seed, seed_progress};
pub use sqlstate::condition_name;
pub use status::status;
pub use target::target;
pub use triggers::triggers;
