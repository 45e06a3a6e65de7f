//! Why no session came about, and what can be done about it.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::pg::error::DbFailure;
use crate::pg::params::TargetSessionAttrs;
use crate::pg::tls::{TlsFailure, TlsSetupError};

/// The reason that a server could not be used. No variant holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The name has no address.
    UnknownHost,
    /// Nothing answers there, or the connection broke.
    CannotReach {
        /// The kind of the I/O error.
        kind: io::ErrorKind,
        /// Its text.
        text: String,
    },
    /// It took too long.
    Timeout {
        /// How long it was waited for.
        after: Duration,
        /// What was being done.
        stage: &'static str,
    },
    /// The mode wants TLS and the server has none.
    TlsRequired,
    /// TLS failed.
    TlsFailed(TlsFailure),
    /// TLS could not be tried.
    TlsSetup(TlsSetupError),
    /// The server answered the wish for TLS with an error, as it does while it cannot fork.
    RefusedBeforeTls,
    /// 28P01, 28000: wrong password, no such role, or no rule in `pg_hba.conf`.
    Authentication,
    /// The server asks for a password and there is none.
    NoPassword {
        /// Where one was looked for.
        places: Vec<String>,
    },
    /// The server asks for a login that evmig cannot do.
    UnsupportedAuthentication {
        /// Its name.
        method: &'static str,
    },
    /// The server did not keep to the login's protocol, or knows nothing of channel binding.
    LoginProtocol {
        /// What the driver says.
        text: String,
    },
    /// 3D000: no such database.
    DatabaseMissing,
    /// 53300: no connection is free.
    TooManyConnections,
    /// 57P03: the server is starting up or shutting down.
    StartingUp,
    /// `target_session_attrs` wants another kind of server.
    WrongKindOfServer {
        /// What is wanted.
        wanted: TargetSessionAttrs,
    },
    /// Supabase's pooler refuses.
    Supavisor {
        /// Its code, such as `EMAXCONNSESSION`.
        code: String,
    },
    /// PgBouncer refuses.
    PgBouncer,
    /// The server refuses for another reason.
    Server,
}

/// No session with one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectError {
    /// The server, as the user named it.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The reason.
    pub reason: Reason,
    /// What the server said, if it said anything.
    pub failure: Option<Box<DbFailure>>,
    /// The other servers of the list, and why they could not be used.
    pub others: Vec<Self>,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (host, port) = (&self.host, self.port);
        let place = if host.starts_with('/') {
            format!("the socket {host}/.s.PGSQL.{port}")
        } else {
            format!("{host}:{port}")
        };
        write!(f, "cannot connect to {place}: ")?;
        match (&self.reason, &self.failure) {
            (Reason::UnknownHost, _) => f.write_str("the host name is not known"),
            (Reason::CannotReach { text, .. }, _) => f.write_str(text),
            (Reason::Timeout { after, stage }, _) => {
                write!(
                    f,
                    "no success within {:.1} s, while {stage}",
                    after.as_secs_f64()
                )
            }
            (Reason::TlsRequired, _) => f.write_str("the server does not offer TLS"),
            (Reason::TlsFailed(why), _) => write!(f, "{why}"),
            (Reason::TlsSetup(why), _) => write!(f, "{why}"),
            (Reason::RefusedBeforeTls, _) => {
                f.write_str("the server answered the request for TLS with an error")
            }
            (Reason::NoPassword { places }, _) => write!(
                f,
                "the server asks for a password, and none is in {}",
                places.join(", ")
            ),
            (Reason::UnsupportedAuthentication { method }, _) => {
                write!(
                    f,
                    "the server asks for a login by {method}, which is not supported"
                )
            }
            (Reason::LoginProtocol { text }, _) => write!(f, "the login failed: {text}"),
            (Reason::WrongKindOfServer { wanted }, _) => {
                write!(
                    f,
                    "the server is not {wanted}, as target_session_attrs asks"
                )
            }
            (_, Some(failure)) => write!(f, "{failure}"),
            (_, None) => f.write_str("the server refused without a reason"),
        }?;
        for other in &self.others {
            write!(f, "\n{other}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConnectError {}

impl ConnectError {
    /// Returns the SQLSTATE, if the server gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        self.failure.as_ref()?.sqlstate.as_deref()
    }

    /// Returns whether the server, or a pooler before it, takes offence at a setting in the startup
    /// message: an unknown one (42704), a value (22023), no right to it (42501), none at all (08P01, as
    /// `PgBouncer` and its kin say it).
    pub fn is_about_settings(&self) -> bool {
        let Some(failure) = &self.failure else {
            return false;
        };
        match failure.sqlstate.as_deref() {
            Some("42704" | "22023" | "42501") => true,
            Some("08P01") => failure.message.contains("startup parameter"),
            _ => false,
        }
    }

    /// Returns what to do about it, where there is something better than the message itself.
    pub fn help(&self) -> Option<&'static str> {
        Some(match &self.reason {
            Reason::UnknownHost => "check the host name; `evmig config` shows where it was set",
            Reason::CannotReach { .. } if self.host.starts_with('/') => {
                "no server listens on that socket; is it running, and is this its directory?"
            }
            Reason::CannotReach { .. } => {
                "is the server running, and may this machine reach that port?"
            }
            Reason::Timeout { .. } => {
                "a firewall that drops packets looks like this; connect_timeout sets the limit"
            }
            Reason::TlsRequired => {
                "turn TLS on at the server, or weaken sslmode if the network is trusted"
            }
            Reason::TlsFailed(TlsFailure::WrongHost { .. }) => {
                "connect by the name that the certificate carries; hostaddr can give the address"
            }
            Reason::TlsFailed(TlsFailure::UnknownAuthority) => {
                "put the authority's certificate into the file that sslrootcert names"
            }
            Reason::Authentication => return self.authentication_help(),
            Reason::NoPassword { .. } => "put it into ~/.pgpass (mode 0600) or PGPASSWORD",
            Reason::DatabaseMissing => "create it first: `createdb`, or CREATE DATABASE",
            Reason::TooManyConnections => "close other sessions, or raise max_connections",
            Reason::StartingUp => "wait until the server is up; connect_timeout sets the limit",
            Reason::Supavisor { code } => return supavisor_help(code),
            Reason::PgBouncer => return self.pgbouncer_help(),
            _ => return None,
        })
    }

    fn authentication_help(&self) -> Option<&'static str> {
        let failure = self.failure.as_ref()?;
        if failure.message.contains("no encryption") {
            return Some("the server may insist on TLS: set sslmode=require or stronger");
        }
        if failure.message.contains("pg_hba.conf") {
            return Some("the server's pg_hba.conf decides who may connect from where");
        }
        (failure.sqlstate.as_deref() == Some("28P01")).then_some(
            "check the user and the password; `evmig config` shows where each of them was set",
        )
    }

    fn pgbouncer_help(&self) -> Option<&'static str> {
        let message = &self.failure.as_ref()?.message;
        if message.contains("unsupported startup parameter") {
            Some("leave `options` (PGOPTIONS) out, or connect to PostgreSQL directly")
        } else {
            Some("connect to PostgreSQL directly, without PgBouncer")
        }
    }
}

/// What Supavisor's codes mean (supabase.md 2.6).
fn supavisor_help(code: &str) -> Option<&'static str> {
    Some(match code {
        "ENOTFOUND" => {
            "the pooler does not know this project: the user is `postgres.<project-ref>`, and the \
             host names the project's region"
        }
        "EMAXCONN" | "EMAXCONNSESSION" => {
            "the pool is full: close other sessions, raise the pool size, or use the direct \
             connection"
        }
        "ECIRCUITBREAKER" => "too many failed logins: wait some minutes, then check the password",
        "EADDRNOTALLOWED" => "this address is not in the project's network restrictions",
        "ESSLREQUIRED" => "the project enforces TLS: set sslmode=require or stronger",
        "EAUTHQUERY" | "ECHECKOUTTIMEOUT" => {
            "the pooler cannot reach the database: is the project paused or overloaded?"
        }
        _ => return None,
    })
}

/// Reads the reason out of what the server said instead of letting us in.
pub(super) fn reason_of(failure: &DbFailure) -> Reason {
    if let Some(code) = supavisor_code(&failure.message) {
        return Reason::Supavisor {
            code: code.to_owned(),
        };
    }
    match failure.sqlstate.as_deref() {
        Some("28P01" | "28000") => Reason::Authentication,
        Some("3D000") => Reason::DatabaseMissing,
        Some("53300") => Reason::TooManyConnections,
        Some("57P03") => Reason::StartingUp,
        // PgBouncer passes the server's words on, under an SQLSTATE of its own.
        Some("08P01") if failure.message.ends_with("does not exist") => {
            if failure.message.starts_with("database ") {
                Reason::DatabaseMissing
            } else {
                Reason::Authentication
            }
        }
        Some("08P01")
            if failure
                .message
                .starts_with("password authentication failed") =>
        {
            Reason::Authentication
        }
        Some("08P01") if is_pgbouncer(&failure.message) => Reason::PgBouncer,
        _ => Reason::Server,
    }
}

/// Returns the code of Supavisor's `(CODE) message`.
fn supavisor_code(message: &str) -> Option<&str> {
    let (code, _) = message.strip_prefix('(')?.split_once(") ")?;
    (code.starts_with('E') && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        .then_some(code)
}

/// PgBouncer's refusals share one SQLSTATE, which PostgreSQL uses for broken messages.
fn is_pgbouncer(message: &str) -> bool {
    [
        "no such database",
        "no such user",
        "no more connections allowed",
        "unsupported startup parameter",
        "pgbouncer",
        "client_login_timeout",
        "query_wait_timeout",
        "server login",
        "server_login_retry",
        "database does not allow connections",
        "auth failed",
        "SSL required",
    ]
    .iter()
    .any(|text| message.contains(text))
}

/// Whether trying again may help, and for how long it is worth it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    /// As long as there is time: the server is there and says "later".
    Yes,
    /// For a moment: a mistyped port looks the same as a server that has not opened it yet.
    Briefly,
    /// Not at all.
    No,
}

pub(super) fn retry(error: &ConnectError) -> Retry {
    let own = match &error.reason {
        Reason::StartingUp | Reason::TooManyConnections | Reason::RefusedBeforeTls => Retry::Yes,
        Reason::Supavisor { code } if code.starts_with("EMAXCONN") => Retry::Yes,
        Reason::PgBouncer
            if error
                .failure
                .as_ref()
                .is_some_and(|f| f.message.contains("no more connections allowed")) =>
        {
            Retry::Yes
        }
        Reason::CannotReach {
            kind:
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::NotFound,
            ..
        } => Retry::Briefly,
        _ => Retry::No,
    };
    // One server of a list that says "later" is enough to try the list again.
    error
        .others
        .iter()
        .map(retry)
        .chain([own])
        .fold(Retry::No, |a, b| match (a, b) {
            (Retry::Yes, _) | (_, Retry::Yes) => Retry::Yes,
            (Retry::Briefly, _) | (_, Retry::Briefly) => Retry::Briefly,
            (Retry::No, Retry::No) => Retry::No,
        })
}

/// Returns the name of an authentication request that evmig cannot answer.
pub(super) fn unsupported_method(code: u32) -> Option<&'static str> {
    Some(match code {
        2 => "Kerberos 5",
        6 => "SCM credentials",
        7 | 8 => "GSSAPI",
        9 => "SSPI",
        _ => return None,
    })
}

/// Returns whether the request is one for a password: clear text, MD5 or SCRAM.
pub(super) fn wants_password(code: u32) -> bool {
    matches!(code, 3 | 5 | 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn supavisor_codes_are_recognised_and_other_parentheses_are_not() {
        assert_eq!(
            supavisor_code("(ENOTFOUND) tenant/user x not found"),
            Some("ENOTFOUND")
        );
        assert_eq!(supavisor_code("(some) thing"), None);
        assert_eq!(supavisor_code("role \"x\" (E) y"), None);
        assert_eq!(supavisor_code("()"), None);
    }
}
