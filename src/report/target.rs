//! Which database a command is about, and how that was decided.

use serde::Serialize;

/// The database that a command reads or writes, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// Host name, address or socket directory.
    pub host: String,
    /// Port number.
    pub port: u16,
    /// Database name.
    pub database: String,
    /// Role that logs in.
    pub user: String,
    /// Name of the environment in `phases.toml`, if one was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// What named it: a flag, a variable, or the file.
    pub named_by: String,
    /// Whether `phases.toml` marks the environment as protected.
    pub protected: bool,
    /// Whether it is on this machine: a socket or a loopback address.
    pub loopback: bool,
    /// Whether it is the server that evmig itself starts.
    pub embedded: bool,
}
