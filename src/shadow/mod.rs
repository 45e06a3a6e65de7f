//! Local PostgreSQL servers.
