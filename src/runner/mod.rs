//! Runs a plan against a database.
//!
//! `open` connects, looks around and refuses; `turn` takes the history's lock; `apply` walks the
//! plan (`run`) and hands each migration to `transactional` (one transaction, retried whole) or `stepwise`
//! (statement by statement, journalled). Both send statements through `attempt`, which listens to
//! notices, to the watcher's second connection and to the interrupt while it waits.

pub mod apply;
pub mod attempt;
pub mod error;
pub mod invalid_index;
pub mod open;
pub mod probe;
pub mod record;
pub mod resolve;
pub mod retry;
mod run;
pub mod stepwise;
pub mod transactional;
pub mod turn;
pub mod watch;
