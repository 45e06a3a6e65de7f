//! `phases.toml`: read by hand from a spanned TOML tree, so that every error is found in one go
//! and each one has its line, its column and the nearest valid name.
//!
//! serde's derive was rejected: it stops at the first error.

pub mod duration;
pub mod model;
pub mod schema_name;

mod apply;
mod check;
mod contract;
mod diagram;
mod environment;
mod fault;
mod parse;
mod phase;
mod reader;
mod redact;
mod rollback;
#[cfg(test)]
mod tests;

pub use contract::CLASSES;
pub use environment::SSLMODES;
pub use fault::ManifestFault;
pub use model::{
    ApplySection, Contract, DiagramDomain, Environment, Manifest, OnDrift, Phase, ProjectSection,
    RollbackSection, Step, StepKind, Target,
};
pub(crate) use parse::{MOST_BYTES, parse};
