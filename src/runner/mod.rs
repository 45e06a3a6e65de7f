//! Runs a plan against a database.
