//! Where and as whom to connect, as one typed value in which every setting knows its origin.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::pg::conninfo::ConninfoError;
use crate::pg::passfile::PassfileWarning;
use crate::pg::service::ServiceError;
use crate::pg::shown;
use crate::secret::Secret;

/// Which layer a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The connection string.
    ConnectionString,
    /// The environment's section in the project's file.
    Project,
    /// A service file.
    Service {
        /// The service.
        name: String,
        /// The file that defines it.
        file: PathBuf,
    },
    /// An environment variable.
    Variable(&'static str),
    /// The password file.
    Passfile {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// A rule of evmig or libpq; the text is the reason.
    Rule(&'static str),
    /// The default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionString => f.write_str("the connection string"),
            Self::Project => f.write_str("phases.toml"),
            Self::Service { name, file } => write!(f, "service `{name}` in {}", file.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Passfile { file, line } => write!(f, "{}:{line}", file.display()),
            Self::Rule(why) => f.write_str(why),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Why the settings do not make a connection. No variant holds a value that may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// The connection string cannot be read.
    #[error("the connection string cannot be read: {0}")]
    ConnectionString(#[from] ConninfoError),
    /// A key of the project's file is not a connection keyword.
    #[error(
        "unknown connection keyword `{name}` in phases.toml{}",
        nearest.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default()
    )]
    UnknownProjectKeyword {
        /// The key.
        name: String,
        /// The known keyword that was probably meant.
        nearest: Option<&'static str>,
    },
    /// The service cannot be used.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// A value is not one that the keyword takes.
    #[error("`{keyword}` (from {origin}) must be {expected}")]
    BadValue {
        /// The keyword.
        keyword: &'static str,
        /// Where the value was set.
        origin: Origin,
        /// What is accepted.
        expected: &'static str,
    },
    /// A keyword that evmig does not support.
    #[error("`{keyword}` (from {origin}) is not supported: {why}")]
    Unsupported {
        /// The keyword.
        keyword: &'static str,
        /// Where it was set.
        origin: Origin,
        /// Why, and what to do instead.
        why: &'static str,
    },
    /// Two lists that must have the same length have not.
    #[error("{count} values in `{keyword}` (from {origin}) do not match {hosts} hosts")]
    CountMismatch {
        /// The keyword.
        keyword: &'static str,
        /// Where it was set.
        origin: Origin,
        /// Its number of values.
        count: usize,
        /// The number of hosts.
        hosts: usize,
    },
    /// Neither a setting nor the operating system names a user.
    #[error("no database user: set `user` in the connection string, or PGUSER")]
    NoUser,
    /// `sslrootcert=system` with a mode that does not check the host name.
    #[error(
        "sslmode={mode} (from {origin}) may not be used with sslrootcert=system: any public \
         certificate would do; use sslmode=verify-full"
    )]
    WeakModeWithSystemRoots {
        /// The mode.
        mode: SslMode,
        /// Where it was set.
        origin: Origin,
    },
    /// `sslnegotiation=direct` with a mode that may end up without TLS.
    #[error(
        "sslmode={mode} may not be used with sslnegotiation=direct; use sslmode=require or stronger"
    )]
    WeakModeWithDirect {
        /// The mode.
        mode: SslMode,
    },
}

/// How TLS is used; the meanings are libpq's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SslMode {
    /// Never.
    Disable,
    /// Only if the server refuses a plain session.
    Allow,
    /// If the server offers it.
    Prefer,
    /// Always; the certificate is checked only if a root certificate file exists.
    Require,
    /// Always, with a certificate that a known authority signed.
    VerifyCa,
    /// Always, with such a certificate for this host name.
    VerifyFull,
}

impl fmt::Display for SslMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        })
    }
}

/// What the session must be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetSessionAttrs {
    /// Anything.
    Any,
    /// Transactions may write by default.
    ReadWrite,
    /// Transactions may not write by default.
    ReadOnly,
    /// Not in recovery.
    Primary,
    /// In recovery.
    Standby,
    /// In recovery if there is one such host, else anything.
    PreferStandby,
}

/// Whether the SCRAM login is bound to the TLS session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where the server offers it.
    Prefer,
    /// Always, or no login.
    Require,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsVersion {
    /// 1.0
    V10,
    /// 1.1
    V11,
    /// 1.2
    V12,
    /// 1.3
    V13,
}

/// Where to knock: a network name or a directory with a socket in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A host name or address; empty if only `hostaddr` was given.
    Tcp(String),
    /// The directory of a Unix socket. An abstract socket (`@…`) is not supported.
    Socket(PathBuf),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(name) => f.write_str(name),
            Self::Socket(directory) => write!(f, "{}", directory.display()),
        }
    }
}

/// One of the servers to try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The host; its name is what a certificate is checked against.
    pub host: Host,
    /// The address to connect to, where it is given and need not be looked up.
    pub hostaddr: Option<IpAddr>,
    /// The port.
    pub port: u16,
    /// The password for this server, if any was found.
    pub password: Option<Secret>,
    /// Where the password was found.
    pub password_origin: Option<Origin>,
}

impl Server {
    /// Returns whether the traffic never leaves this machine.
    pub fn is_loopback(&self) -> bool {
        match (&self.host, self.hostaddr) {
            (Host::Socket(_), _) => true,
            (_, Some(address)) => address.is_loopback(),
            (Host::Tcp(name), None) => {
                name.eq_ignore_ascii_case("localhost")
                    || name
                        .parse::<IpAddr>()
                        .is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

/// Whose word is taken for a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootCertificates {
    /// The certificates in a file; it need not exist unless the mode verifies.
    File(PathBuf),
    /// The operating system's (`sslrootcert=system`).
    System,
    /// There is no home directory to look in and no file was named.
    Unknown,
}

/// A file of which the default need not exist, and a named one must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaybeNamedFile {
    /// The file; `None` if there is no home directory to look in.
    pub path: Option<PathBuf>,
    /// Whether a setting named it.
    pub named: bool,
}

/// Everything TLS needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsParameters {
    /// The mode.
    pub mode: SslMode,
    /// Whether TLS starts at once (`sslnegotiation=direct`, PostgreSQL 17 and later).
    pub direct: bool,
    /// The authorities.
    pub roots: RootCertificates,
    /// The client certificate.
    pub certificate: MaybeNamedFile,
    /// Its key.
    pub key: MaybeNamedFile,
    /// Whether the host name is sent in clear, so that a proxy can route by it.
    pub sni: bool,
    /// The oldest version to accept.
    pub min_version: TlsVersion,
    /// The newest version to accept, if there is a limit.
    pub max_version: Option<TlsVersion>,
}

/// How a dead peer is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keepalive {
    /// Whether probes are sent at all.
    pub enabled: bool,
    /// Silence before the first probe.
    pub idle: Duration,
    /// Time between probes.
    pub interval: Duration,
    /// Probes without an answer before the connection is dead.
    pub count: u32,
    /// How long sent data may stay unacknowledged; `None` leaves it to the system.
    pub user_timeout: Option<Duration>,
}

/// Something the user should know and that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamsWarning {
    /// The password file, or a line of it, is not used.
    #[error(transparent)]
    Passfile(#[from] PassfileWarning),
    /// A revocation list lies where libpq would use it.
    #[error("the revocation list {} is not used: evmig does not check revocation", path.display())]
    RevocationListNotUsed {
        /// The file.
        path: PathBuf,
    },
    /// A named root certificate file does not exist, and the mode goes on without checking.
    #[error(
        "sslrootcert {} does not exist, so sslmode={mode} does not check the server's \
         certificate", path.display()
    )]
    RootFileMissing {
        /// The file.
        path: PathBuf,
        /// The mode.
        mode: SslMode,
    },
}

/// One setting with its origin, for `evmig config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSetting {
    /// The keyword.
    pub keyword: &'static str,
    /// Its value; `[redacted]` for a password.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}

/// All that [`crate::pg::connect::connect`] needs.
#[derive(Debug, Clone)]
pub struct Parameters {
    /// The servers to try, in order; never empty.
    pub servers: Vec<Server>,
    /// Whether to try them in random order.
    pub shuffle: bool,
    /// The database.
    pub dbname: String,
    /// The user.
    pub user: String,
    /// Command-line options for the server (`PGOPTIONS`).
    pub options: Option<String>,
    /// `application_name` if the user set one.
    pub application_name: Option<String>,
    /// The time a connection may take; `None` leaves it to the caller.
    pub connect_timeout: Option<Duration>,
    /// What the session must be able to do.
    pub target_session_attrs: TargetSessionAttrs,
    /// Whether SCRAM is bound to TLS.
    pub channel_binding: ChannelBinding,
    /// TLS.
    pub tls: TlsParameters,
    /// Keepalives.
    pub keepalive: Keepalive,
    /// The places where a password was looked for, for the error that says there is none.
    pub password_places: Vec<String>,
    /// What the user should know.
    pub warnings: Vec<ParamsWarning>,
    pub(super) settings: Vec<ShownSetting>,
}

impl Parameters {
    /// Returns every setting that was given or has a default, with its origin; no password.
    pub fn display(&self) -> &[ShownSetting] {
        &self.settings
    }

    /// Returns where a keyword was set.
    pub fn origin(&self, keyword: &str) -> Option<&Origin> {
        self.settings
            .iter()
            .find(|setting| setting.keyword == keyword)
            .map(|setting| &setting.origin)
    }

    /// Returns whether every server is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.servers.iter().all(Server::is_loopback)
    }

    /// Returns a URL that connects to the same place, without the password.
    pub fn redacted_url(&self) -> String {
        shown::url(self, None)
    }

    /// Returns the same URL with another port on every server.
    pub fn redacted_url_with_port(&self, port: u16) -> String {
        shown::url(self, Some(port))
    }

    /// Replaces the database, for a connection to another one of the same server.
    ///
    /// The password stays the one that was found for the first database.
    pub fn with_dbname(mut self, dbname: &str) -> Self {
        dbname.clone_into(&mut self.dbname);
        for setting in &mut self.settings {
            if setting.keyword == "dbname" {
                dbname.clone_into(&mut setting.value);
            }
        }
        self
    }
}

/// Returns whether a host name is one of Supabase's.
pub fn is_supabase(host: &str) -> bool {
    let host = host.trim().trim_end_matches('.').to_ascii_lowercase();
    host.ends_with(".supabase.co") || host.ends_with(".supabase.com")
}
