//! The integration tests: one binary, one file per command.

mod connect;
mod pg_server;
mod pooler;
mod tls;
