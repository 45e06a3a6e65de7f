//! Decides what to run, without any I/O: (project, history, selection) to work in order, or a refusal.

pub mod adopt;
pub mod choose;
pub mod refusal;
pub mod saved;
pub mod stale;
pub mod standing;
pub mod undo;
pub mod undo_refusal;
pub mod undo_script;
