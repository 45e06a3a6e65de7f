//! Starts and stops the server of one data directory.
//!
//! `postgres` is started directly rather than by `pg_ctl`: `pg_ctl` hands the paths to a shell, in
//! which a `$` or a quote in a directory's name is not a name any more, and it looks only ten times
//! a second whether the server is ready.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use super::binaries::Binaries;
use super::error::{EmbeddedError, last_lines};
use super::home::{Major, Record};
use super::postmaster::{self, Ready, State};
use super::surroundings::Surroundings;
use super::user::ServerUser;
use crate::clock::Deadline;

/// How long a server may take until it accepts connections (recovery after a crash included).
pub(super) const PATIENCE: Duration = Duration::from_mins(1);

/// How long the processes of a killed server may take to notice and leave.
const LEFTOVERS: Duration = Duration::from_secs(10);

/// How often another port is tried.
const PORTS: u32 = 5;

/// What a server does not need whose databases are made anew each time; autovacuum would only take
/// locks in what is measured.
const CARELESS: [&str; 5] = [
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "jit=off",
];

/// The size in bytes from which a log is put aside at the next start.
const LOG_MOST: u64 = 16 << 20;

/// What a server is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// People keep data in it.
    Keep,
    /// Its databases are thrown away.
    ThrowAway {
        /// The major version it is to have.
        major: u32,
    },
}

impl Purpose {
    /// Returns whether a server of this major may be used without looking for another.
    pub(super) fn fits(self, major: u32) -> bool {
        match self {
            Self::Keep => true,
            Self::ThrowAway { major: wanted } => major == wanted,
        }
    }
}

/// How one try ended.
enum Try {
    Ready(Ready),
    /// The server ended; this is what it said.
    Ended(String),
}

/// Starts the server and waits until it accepts connections.
pub(super) fn start(
    major: &Major,
    binaries: &Binaries,
    user: &ServerUser,
    surroundings: &Surroundings,
    purpose: Purpose,
) -> Result<Ready, EmbeddedError> {
    let data = major.data();
    let sockets = major.socket_directory(surroundings, user)?;
    remove_sockets(&sockets)?;
    let leftovers = Deadline::after(LEFTOVERS);
    let mut port = major.record().map_or(0, |record| record.port);
    let mut ports_left = PORTS;
    loop {
        postmaster::remove_misleading(&data).map_err(EmbeddedError::io("clear", &data))?;
        port = free_port(port).map_err(EmbeddedError::io("find a free port on", "127.0.0.1"))?;
        let record = Record {
            binaries: binaries.directory.clone(),
            version: binaries.version.clone(),
            port,
        };
        major.keep_record(&record)?;
        let mut command = user.command(&binaries.program("postgres"), &major.directory);
        command
            .arg("-D")
            .arg(&data)
            .args(settings(&sockets, port, purpose));
        let said = match run(command, major, user)? {
            Try::Ready(ready) => return Ok(ready),
            Try::Ended(said) => said,
        };
        if said.contains("could not create any TCP/IP sockets") && ports_left > 0 {
            ports_left -= 1;
            port = 0;
        } else if is_about_leftovers(&said) && !leftovers.is_over() {
            thread::sleep(Duration::from_millis(100));
        } else {
            return Err(EmbeddedError::Start {
                version: binaries.version.to_string(),
                log: major.log(),
                tail: last_lines(said.as_bytes(), 12),
            });
        }
    }
}

/// Returns whether a server refused to start because of what a killed one has left, which is a
/// matter of moments: its processes notice its death and leave.
fn is_about_leftovers(said: &str) -> bool {
    said.contains("pre-existing shared memory block")
        || said.contains("lock file \"postmaster.pid\" already exists")
}

/// Returns the settings of a server, as arguments.
///
/// They are given at every start, and not written into the data directory, which belongs to another
/// user where evmig runs as root. Memory is for a laptop; `fsync` stays on: people keep data here.
fn settings(sockets: &Path, port: u16, purpose: Purpose) -> Vec<String> {
    let careless: &[&str] = match purpose {
        Purpose::Keep => &[],
        Purpose::ThrowAway { .. } => &CARELESS,
    };
    let settings = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        // Safe without quotes: `socket_directory` lets no special character through.
        format!("unix_socket_directories={}", sockets.display()),
        "unix_socket_permissions=0700".to_owned(),
        "max_connections=50".to_owned(),
        "shared_buffers=64MB".to_owned(),
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        "log_line_prefix=%m [%p] ".to_owned(),
        "logging_collector=off".to_owned(),
        "log_destination=stderr".to_owned(),
        // `start` reads the log, so its language is fixed.
        "lc_messages=C".to_owned(),
    ];
    let careless = careless.iter().map(|setting| (*setting).to_owned());
    settings
        .into_iter()
        .chain(careless)
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect()
}

/// Runs `postgres`, detached, until it is ready or has ended.
fn run(mut command: Command, major: &Major, user: &ServerUser) -> Result<Try, EmbeddedError> {
    let log_path = major.log();
    let (log, start_of_log) = open_log(&log_path).map_err(EmbeddedError::io("open", &log_path))?;
    let errors = log
        .try_clone()
        .map_err(EmbeddedError::io("open", &log_path))?;
    // A process group of its own: Ctrl-C on evmig is not for the server.
    command.stdout(log).stderr(errors).process_group(0);
    let mut child = command.spawn().map_err(|source| EmbeddedError::Spawn {
        program: command.get_program().into(),
        user: user.name.clone(),
        source,
    })?;
    let pid = child.id() as i32;
    let deadline = Deadline::after(PATIENCE);
    loop {
        let ended = child
            .try_wait()
            .map_err(EmbeddedError::io("wait for", &log_path))?;
        if ended.is_some() {
            return Ok(Try::Ended(log_since(&log_path, start_of_log)));
        }
        match postmaster::state(&major.data()) {
            State::Ready(ready) if ready.pid == pid => {
                reap_later(child);
                return Ok(Try::Ready(ready));
            }
            _ if deadline.is_over() => {
                // It is left alone: a long recovery that is killed begins again.
                reap_later(child);
                let said = log_since(&log_path, start_of_log);
                return Err(EmbeddedError::NotReady {
                    pid,
                    seconds: PATIENCE.as_secs(),
                    log: log_path,
                    tail: last_lines(said.as_bytes(), 12),
                });
            }
            _ => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Collects the server's exit status should it end before evmig does, so that no zombie keeps its
/// process id alive. Without a thread for it, evmig's own end does the same.
fn reap_later(mut child: Child) {
    let reaper = thread::Builder::new().name("reap postgres".to_owned());
    drop(reaper.spawn(move || child.wait()));
}

/// Opens the log for appending, and returns where it ends now.
fn open_log(path: &Path) -> io::Result<(File, u64)> {
    if fs::metadata(path).is_ok_and(|data| data.len() > LOG_MOST) {
        fs::rename(path, path.with_extension("old"))?;
    }
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// Returns the log from an offset on; its last 64 KiB where it is longer.
///
/// It only illustrates an error, so a log that cannot be read says that instead.
pub(super) fn log_since(path: &Path, offset: u64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let from = offset.max(file.metadata()?.len().saturating_sub(64 << 10));
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(64 << 10).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("(the log cannot be read: {error})"),
    }
}

/// Returns `wanted` if it is free on loopback, else a free port.
///
/// It can be taken before the server binds it; `start` then tries another.
fn free_port(wanted: u16) -> io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted))
        .or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    Ok(listener.local_addr()?.port())
}

/// Removes sockets that a killed server left in its private directory. Their lock files name a
/// process id, which would keep the server from starting if another process has it now.
fn remove_sockets(directory: &Path) -> Result<(), EmbeddedError> {
    let entries = fs::read_dir(directory).map_err(EmbeddedError::io("list", directory))?;
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(".s.PGSQL.") {
            let path = entry.path();
            fs::remove_file(&path).map_err(EmbeddedError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Stops the server: sessions are rolled back and ended, everything is written (mode `fast`).
pub(super) fn stop(
    major: &Major,
    pid: i32,
    pg_ctl: &Path,
    user: &ServerUser,
) -> Result<(), EmbeddedError> {
    let seconds = PATIENCE.as_secs().to_string();
    let output = user
        .command(pg_ctl, &major.directory)
        .arg("stop")
        .arg("-D")
        .arg(major.data())
        .args(["-m", "fast", "-w", "-t", &seconds])
        .output()
        .map_err(|source| EmbeddedError::Spawn {
            program: pg_ctl.to_owned(),
            user: user.name.clone(),
            source,
        })?;
    // It may have ended by itself in the meantime, which pg_ctl reports as a failure.
    if output.status.success() || postmaster::state(&major.data()) == State::Gone {
        return Ok(());
    }
    Err(EmbeddedError::Stop {
        pid,
        output: last_lines(&output.stderr, 10),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_replaced_and_a_free_one_kept() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let taken = listener.local_addr().unwrap().port();
        let other = free_port(taken).unwrap();
        assert_ne!(other, taken);
        assert_eq!(free_port(other).unwrap(), other);
    }

    #[test]
    fn the_log_is_read_from_where_the_start_began() {
        let path = std::env::temp_dir().join(format!("evmig-log-{}", fastrand::u64(..)));
        fs::write(&path, "old\nnew\n").unwrap();
        assert_eq!(log_since(&path, 4), "new\n");
        assert_eq!(log_since(&path, 400), "");
        fs::remove_file(&path).unwrap();
        assert!(log_since(&path, 0).contains("cannot be read"));
    }
}
