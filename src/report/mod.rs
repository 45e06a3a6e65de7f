//! The words that both sides share: plain data, no I/O.
//!
//! Producers (project, runner, history, …) fill these types; `render` turns them into bytes.

pub mod place;
pub mod sanitize;
