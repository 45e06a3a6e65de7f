//! The integration tests: one binary, one file per command.
mod embedded;
