//! Runs a plan against a database.
//!
//! `open` connects, looks around and refuses; `turn` takes the history's lock; `apply` walks the
//! plan (`run`), `planned` holds a saved one against what is true now. Files that are one transaction travel together (`convoy`), each in one message
//! (`packed`); what is tried again, or cannot be packed, goes through `transactional` (one transaction,
//! retried whole), and what cannot be one transaction through `stepwise` (statement by statement,
//! journalled). All send statements through `attempt`, which listens to
//! notices, to the watcher's second connection and to the interrupt while it waits. `bracket` switches triggers
//! off and back inside a transaction, `bill` says which rows will be lost and keeps copies of them, `kept` puts those
//! back, `triggers` beyond one; `own_run` has the surroundings of both, `own_work` retries a transaction that is evmig's own.

pub mod apply;
pub mod attempt;
pub mod bill;
pub mod bracket;
pub mod checkpoint;
mod convoy;
pub mod drift;
pub mod error;
pub mod fresh;
pub mod invalid_index;
pub mod kept;
mod mark;
pub mod open;
pub mod own_run;
pub mod own_work;
mod pace;
mod packed;
pub mod planned;
pub mod present;
pub mod probe;
pub mod proof;
pub mod record;
pub mod resolve;
pub mod restore;
pub mod retry;
pub mod rollback;
mod run;
pub mod stepwise;
pub mod transactional;
mod travel;
pub mod triggers;
pub mod turn;
mod under_lock;
pub mod watch;
