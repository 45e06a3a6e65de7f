//! evmig deploys PostgreSQL schemas in phases and takes them back.
//!
//! The folders are the architecture. Each one imports only folders of a lower layer
//! (`tests/it/architecture.rs` holds that); `docs/architecture.md` walks through them.
#![forbid(unsafe_code)]

// L0: words and text, no I/O.
pub mod clock;
pub mod report;
pub mod secret;
pub mod sql;
// L1: files on disk; the database driver.
pub mod pg;
pub mod project;
// L2: what the database remembers and consists of; local servers.
pub mod catalog;
pub mod history;
pub mod shadow;
// L3: deciding; backups; the large sample world.
pub mod backup;
pub mod plan;
pub mod seed;
// L4: doing.
pub mod runner;
// L4, above it: showing what it would do.
pub mod preview;
// L5: showing.
pub mod render;
// L6: the command line.
pub mod cli;
