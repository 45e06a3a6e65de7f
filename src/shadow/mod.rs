//! The embedded server: a local PostgreSQL that evmig initialises, starts and finds again.
//!
//! It is also what runs `pg_dump` and `pg_restore` for others (`client.rs`, `child.rs`,
//! `given_password.rs`), since this is the only folder that spawns processes. It does not use the driver: whether a server is
//! ready is read from `postmaster.pid`, which the server itself keeps, so that finding a running
//! one costs a few file reads. Values of the environment come in through [`Surroundings`].
//!
//! On disk, per project and major version (see `home.rs`):
//!
//! ```text
//! <base>/<project>-<hash>/lock                 held while a server is started, stopped or removed
//! <base>/<project>-<hash>/pg17/evmig-embedded  the marker: only directories with it are touched
//!                              /server.json    which binaries and port it was last started with
//!                              /pgpass         the superuser's password, readable by the caller
//!                              /log            what the server says
//!                              /run/           its socket
//!                              /data/          its data directory, owned by the server's user
//! ```

mod archive;
mod binaries;
mod child;
mod client;
mod dump;
mod error;
mod given_password;
mod home;
mod initialise;
mod launch;
mod postmaster;
mod private;
mod psql;
mod server;
mod surroundings;
mod user;
mod version;

pub use archive::{Archive, ArchiveError};
pub use child::{ClientChild, Pieces};
pub use client::{ClientCommand, ClientError, ClientProgram};
pub use dump::{DumpError, DumpSource, dump_schema};
pub use error::EmbeddedError;
pub use given_password::GivenPassword;
pub use server::{Embedded, Note, Origin, Removed, Running, Status};
pub use surroundings::Surroundings;
pub use version::Version;
