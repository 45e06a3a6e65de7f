//! What can go wrong with the embedded server: what, where, and (in `hint`) what to type next.

use std::io;
use std::path::PathBuf;

/// A failure of the embedded server. `Display` says what and where, [`EmbeddedError::hint`] the
/// next command.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// No usable server binaries anywhere.
    #[error("no PostgreSQL server from 14 to 18 was found on this machine\nlooked in:\n{}", indented(.looked_in))]
    NoServer {
        /// Each place, and what is wrong with it.
        looked_in: Vec<String>,
    },
    /// `EVMIG_PG_BIN` names a directory that cannot be used.
    #[error("EVMIG_PG_BIN is {}, but {reason}", .directory.display())]
    BadPgBin {
        /// The directory it names.
        directory: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `psql` is neither beside the server's binaries nor on the path.
    #[error("psql was not found; looked in:\n{}", indented(&paths(.looked_in)))]
    NoPsql {
        /// The directory of the server's binaries, and those of `PATH`.
        looked_in: Vec<PathBuf>,
    },
    /// The user that is to run the server does not exist.
    #[error(
        "PostgreSQL refuses to run as root, and the user {name:?} (EVMIG_PG_USER) does not exist"
    )]
    NoSuchUser {
        /// The name that was asked for.
        name: String,
    },
    /// Neither `postgres` nor `nobody` exists.
    #[error(
        "PostgreSQL refuses to run as root, and neither a user \"postgres\" nor \"nobody\" exists"
    )]
    NoUnprivilegedUser,
    /// The user that is to run the server is root.
    #[error("PostgreSQL refuses to run as root, and the user {name:?} (EVMIG_PG_USER) is root")]
    PrivilegedUser {
        /// The name that was asked for.
        name: String,
    },
    /// `EVMIG_PG_USER` names another user than the one who runs evmig.
    #[error(
        "EVMIG_PG_USER is {requested:?}, but evmig runs as uid {uid} and only root can run the server as somebody else"
    )]
    CannotSwitchUser {
        /// The name that was asked for.
        requested: String,
        /// The user id evmig runs as.
        uid: u32,
    },
    /// The user database could not be read.
    #[error("could not look up the user {name:?}: {source}")]
    UserLookup {
        /// Whom evmig looked for.
        name: String,
        /// Why it failed.
        source: nix::Error,
    },
    /// A directory on the way keeps the server's user out.
    #[error("the user {user:?}, who runs the server, may not enter {}, so it cannot reach {}", .obstacle.display(), .target.display())]
    Unreachable {
        /// The server's user.
        user: String,
        /// The directory whose permissions are in the way.
        obstacle: PathBuf,
        /// What lies behind it.
        target: PathBuf,
    },
    /// No place to keep the data.
    #[error(
        "there is no place for the embedded server's data: neither EVMIG_DATA_DIR, XDG_DATA_HOME nor HOME is set"
    )]
    NoDataPlace,
    /// A directory that evmig would use belongs to somebody else.
    #[error("{} belongs to uid {owner}, not to uid {expected}; evmig does not use it", .path.display())]
    ForeignOwner {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
        /// Whose it should be.
        expected: u32,
    },
    /// A directory in the place of ours was not made by evmig.
    #[error("{} was not made by evmig (it has no file {marker:?}); evmig neither uses nor deletes it", .path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
        /// The file that ours carry.
        marker: &'static str,
    },
    /// A shared directory for sockets can be entered or written by others.
    #[error("the socket directory {} can be used by other users (mode {mode:o})", .path.display())]
    OpenSocketDirectory {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The data directory is there, but its password file is not.
    #[error("the embedded server's password file {} is missing or damaged", .path.display())]
    PasswordLost {
        /// Where it should be.
        path: PathBuf,
    },
    /// Another evmig holds the lock for too long.
    #[error("another evmig has been starting or stopping this server for more than {seconds} s (it holds {})", .lock.display())]
    LockTimeout {
        /// The lock file.
        lock: PathBuf,
        /// How long evmig waited.
        seconds: u64,
    },
    /// A program could not be started.
    #[error("could not run {} as user {user:?}: {source}", .program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// As whom.
        user: String,
        /// Why.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb could not make a data directory in {}:\n{}", .directory.display(), indented_text(.output))]
    Initdb {
        /// The directory it was to be made in.
        directory: PathBuf,
        /// The end of what `initdb` said.
        output: String,
    },
    /// The server ended while starting.
    #[error("PostgreSQL {version} did not start; the last lines of {}:\n{}", .log.display(), indented_text(.tail))]
    Start {
        /// Which server.
        version: String,
        /// Its log file.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// The server is there but does not accept connections yet.
    #[error("PostgreSQL (process {pid}) does not accept connections after {seconds} s; the last lines of {}:\n{}", .log.display(), indented_text(.tail))]
    NotReady {
        /// The server's process id.
        pid: i32,
        /// How long evmig waited.
        seconds: u64,
        /// Its log file.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// The server did not stop.
    #[error("could not stop the server (process {pid}):\n{}", indented_text(.output))]
    Stop {
        /// The server's process id.
        pid: i32,
        /// What `pg_ctl` said.
        output: String,
    },
    /// The operating system refused something.
    #[error("could not {action} {}: {source}", .path.display())]
    Io {
        /// What was tried, such as `create`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

impl EmbeddedError {
    /// Names an input/output error; for `map_err`.
    pub(super) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// Returns what to do about it, with the command to type.
    pub fn hint(&self) -> String {
        match self {
            Self::NoServer { .. } => INSTALL_SERVER.to_owned(),
            Self::BadPgBin { .. } => {
                "set EVMIG_PG_BIN to the directory that holds postgres, initdb \
                 and pg_ctl (such as /usr/lib/postgresql/17/bin), or unset it"
                    .to_owned()
            }
            Self::NoPsql { .. } => INSTALL_PSQL.to_owned(),
            Self::NoSuchUser { .. } | Self::PrivilegedUser { .. } => {
                "set EVMIG_PG_USER to an existing unprivileged user, or unset it".to_owned()
            }
            Self::NoUnprivilegedUser => "make one: useradd --system postgres".to_owned(),
            Self::CannotSwitchUser { .. } => "unset EVMIG_PG_USER".to_owned(),
            Self::UserLookup { .. } => "getent passwd shows what the system knows".to_owned(),
            Self::Unreachable { obstacle, .. } => format!(
                "set EVMIG_DATA_DIR or EVMIG_PG_BIN to a place that every user can enter, or type: \
                 chmod o+x '{}'",
                obstacle.display()
            ),
            Self::NoDataPlace => "set EVMIG_DATA_DIR to a directory for it".to_owned(),
            Self::ForeignOwner { .. } => {
                "run evmig as that user, or set EVMIG_DATA_DIR to a directory of your own"
                    .to_owned()
            }
            Self::NotOurs { path, .. } => format!(
                "move {} away, or set EVMIG_DATA_DIR to another directory",
                path.display()
            ),
            Self::OpenSocketDirectory { path, .. } => {
                format!("type: rm -r '{}'; then try again", path.display())
            }
            Self::PasswordLost { .. } => {
                "evmig db reset makes the server anew; what it holds is lost".to_owned()
            }
            Self::LockTimeout { lock, .. } => {
                format!("type: fuser -v '{}' to see who it is", lock.display())
            }
            Self::Spawn { .. } => {
                "set EVMIG_PG_USER to a user that evmig may switch to, or run evmig as an ordinary \
                 user"
                    .to_owned()
            }
            Self::Initdb { .. } => {
                "set EVMIG_DATA_DIR to a directory with room, or EVMIG_PG_BIN to another PostgreSQL"
                    .to_owned()
            }
            Self::Start { log, .. } => format!(
                "the whole log: less '{}'; evmig db reset starts from an empty server",
                log.display()
            ),
            Self::NotReady { log, .. } => {
                format!(
                    "it may still be recovering: tail -f '{}'; then try again",
                    log.display()
                )
            }
            Self::Stop { pid, .. } => format!("type: kill -QUIT {pid}"),
            Self::Io { .. } => "check the permissions and the free space there, or set \
                 EVMIG_DATA_DIR to another directory"
                .to_owned(),
        }
    }
}

const INSTALL_SERVER: &str = "install one:\n  \
    Debian, Ubuntu   apt-get install postgresql\n  \
    Fedora, RHEL     dnf install postgresql-server\n  \
    Alpine           apk add postgresql17\n  \
    macOS            brew install postgresql@17\n\
    or set EVMIG_PG_BIN to the directory that holds postgres, initdb and pg_ctl";

const INSTALL_PSQL: &str = "install it:\n  \
    Debian, Ubuntu   apt-get install postgresql-client\n  \
    Fedora, RHEL     dnf install postgresql\n  \
    Alpine           apk add postgresql17-client\n  \
    macOS            brew install libpq";

/// Puts each line on its own, indented.
fn indented(lines: &[String]) -> String {
    lines
        .iter()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Shows each path.
fn paths(paths: &[PathBuf]) -> Vec<String> {
    paths
        .iter()
        .map(|path| path.display().to_string())
        .collect()
}

/// Indents a text of several lines.
fn indented_text(text: &str) -> String {
    if text.trim().is_empty() {
        return "  (nothing)".to_owned();
    }
    indented(&text.lines().map(str::to_owned).collect::<Vec<_>>())
}

/// Returns the last lines of what a program said, without anything a terminal would obey.
pub(super) fn last_lines(bytes: &[u8], most: usize) -> String {
    let text: String = String::from_utf8_lossy(bytes)
        .chars()
        .filter(|c| *c == '\n' || *c == '\t' || !c.is_control())
        .collect();
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(most)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_lines_keeps_the_end_and_drops_escapes() {
        assert_eq!(
            last_lines(b"one\ntwo\n\x1b[31mthree\xff\r\n\n", 2),
            "two\n[31mthree\u{fffd}"
        );
        assert_eq!(last_lines(b"", 5), "");
    }

    #[test]
    fn a_missing_server_names_every_place_and_every_system() {
        let error = EmbeddedError::NoServer {
            looked_in: vec!["PATH: no postgres".into(), "/opt/x: 12.3 is too old".into()],
        };
        let text = format!("{error}\n{}", error.hint());
        for part in [
            "  PATH: no postgres\n  /opt/x",
            "apt-get install postgresql",
            "dnf install",
            "brew install postgresql@17",
            "apk add",
            "EVMIG_PG_BIN",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
