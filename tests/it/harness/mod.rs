//! What the integration tests stand on: servers, databases, projects, and the real binary.
//!
//! Everything a test process makes lives in one scratch directory, and one small shell process
//! outlives the test process to stop its servers and remove that directory (`scratch.rs`).
//!
//! Which server to ask for:
//! - `Server::shared(major, shape)`: one per process, major and shape. For tests that only make
//!   things inside their own database.
//! - `Server::private(&Options::new(major))`: a cluster of the test's own, 0.2 s. For tests that
//!   create roles, change server settings, or stop the server. The shipped migrations create roles
//!   on a plain server, so every test that applies them there takes a private one.
#![allow(
    dead_code,
    unused_imports,
    reason = "a toolbox: which parts of it the tests use changes from week to week"
)]

pub(crate) mod cmd;
pub(crate) mod database;
pub(crate) mod fault;
pub(crate) mod hold;
pub(crate) mod matrix;
pub(crate) mod oracle;
pub(crate) mod pgbouncer;
pub(crate) mod postgres;
pub(crate) mod project;
pub(crate) mod proxy;
pub(crate) mod scenario;
pub(crate) mod scratch;
pub(crate) mod snapshot;
pub(crate) mod sql;
pub(crate) mod tls;
pub(crate) mod tools;
pub(crate) mod wire;

pub(crate) use cmd::{Evmig, Output, Running};
pub(crate) use database::{Database, Role, Shape, Target};
pub(crate) use hold::Holder;
pub(crate) use pgbouncer::{Pgbouncer, PoolMode};
pub(crate) use postgres::{Options, Server};
pub(crate) use project::Project;
pub(crate) use proxy::{At, Fault, Plan, Proxy};
pub(crate) use sql::Session;
