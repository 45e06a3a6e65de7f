//! What `postmaster.pid` says about a server, and whether it is true.
//!
//! The server keeps this file in its data directory (`src/include/utils/pidfile.h`): process id,
//! data directory, start time, port, socket directory, listen address, shared memory, status.
//! It outlives a killed server, and after a reboot its process id may be somebody else's.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::clock::Deadline;

/// A server that accepts connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ready {
    pub(super) pid: i32,
    /// Seconds since 1970 at which it was started.
    pub(super) started: u64,
    pub(super) port: u16,
    pub(super) socket_directory: PathBuf,
}

/// What there is in a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// No server.
    Gone,
    /// A server that does not accept connections: it starts, recovers or stops.
    Busy(i32),
    /// A server that accepts connections.
    Ready(Ready),
}

/// Looks at a data directory.
pub(super) fn state(data: &Path) -> State {
    let Some((pid, ready)) = fs::read(pid_file(data))
        .ok()
        .and_then(|bytes| parse(&bytes))
    else {
        return State::Gone;
    };
    if !exists(pid) {
        return State::Gone;
    }
    let socket = ready.as_ref().map(Ready::socket);
    if !is_server_of(pid, data, socket.as_deref()) {
        return State::Gone;
    }
    ready.map_or(State::Busy(pid), State::Ready)
}

/// Waits until a server that starts or stops is done with it.
pub(super) fn settle(data: &Path, patience: Duration) -> State {
    let deadline = Deadline::after(patience);
    loop {
        match state(data) {
            State::Busy(_) if !deadline.is_over() => sleep(Duration::from_millis(10)),
            settled => return settled,
        }
    }
}

impl Ready {
    /// Returns the path of the server's socket.
    fn socket(&self) -> PathBuf {
        self.socket_directory
            .join(format!(".s.PGSQL.{}", self.port))
    }
}

fn pid_file(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

/// Reads the file: the process id, and the rest once the status line says `ready`.
///
/// The file grows while the server starts, so missing lines are ordinary. Bytes, since the socket
/// directory need not be UTF-8.
fn parse(bytes: &[u8]) -> Option<(i32, Option<Ready>)> {
    let lines: Vec<&[u8]> = bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .collect();
    let text = |index: usize| lines.get(index).and_then(|line| str::from_utf8(line).ok());
    // A stand-alone backend (`initdb`) writes its process id negated.
    let pid: i32 = text(0)?.parse().ok().filter(|pid| *pid > 0)?;
    let ready = || {
        if !matches!(text(7)?, "ready" | "standby") {
            return None;
        }
        Some(Ready {
            pid,
            started: text(2)?.parse().ok()?,
            port: text(3)?.parse().ok()?,
            socket_directory: PathBuf::from(OsString::from_vec(lines.get(4)?.to_vec())),
        })
    };
    Some((pid, ready()))
}

/// Returns whether a process has this id. One that we may not signal exists.
fn exists(pid: i32) -> bool {
    !matches!(kill(Pid::from_raw(pid), None), Err(Errno::ESRCH))
}

/// Returns whether process `pid` is the server of this data directory, not another process that was
/// given the same id later, nor a dead one that nobody has reaped.
fn is_server_of(pid: i32, data: &Path, socket: Option<&Path>) -> bool {
    if let Some(runs_there) = works_in(pid, data) {
        return runs_there;
    }
    // Without /proc (macOS), only a listener on the socket in our private directory tells.
    let Some(socket) = socket else { return true };
    match UnixStream::connect(socket) {
        Ok(_) => true,
        Err(error) => !matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound
        ),
    }
}

/// Returns whether a process works in the directory (servers do); `None` where the system cannot
/// tell.
fn works_in(pid: i32, data: &Path) -> Option<bool> {
    fs::read_link("/proc/self/cwd").ok()?;
    match fs::read_link(format!("/proc/{pid}/cwd")) {
        Ok(directory) => Some(directory == data.canonicalize().ok()?),
        // Gone, or a zombie.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(false),
        Err(_) => None,
    }
}

/// Removes a `postmaster.pid` that keeps the server from starting although nothing of it is left:
/// its process id belongs to another process by now, or to a dead one, or it cannot be read.
///
/// PostgreSQL looks after an ordinary left-over itself, and better, since it also looks at shared
/// memory. So this removes the file only if no process at all works in the data directory, and
/// leaves it where the system cannot tell.
pub(super) fn remove_misleading(data: &Path) -> io::Result<()> {
    let path = pid_file(data);
    let Ok(bytes) = fs::read(&path) else {
        return Ok(());
    };
    let misleading = parse(&bytes).is_none_or(|(pid, _)| exists(pid));
    if !misleading || state(data) != State::Gone || fs::read_link("/proc/self/cwd").is_err() {
        return Ok(());
    }
    for entry in fs::read_dir("/proc")?.flatten() {
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if pid.is_some_and(|pid| works_in(pid, data) == Some(true)) {
            return Ok(());
        }
    }
    fs::remove_file(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &[u8] = b"4711\n/d/data\n1700000000\n54321\n/d/run\n127.0.0.1\n  5 6\nready   \n";

    #[test]
    fn a_complete_file_is_read() {
        let (pid, ready) = parse(READY).unwrap();
        let ready = ready.unwrap();
        assert_eq!(
            (pid, ready.pid, ready.port, ready.started),
            (4711, 4711, 54321, 1_700_000_000)
        );
        assert_eq!(ready.socket(), Path::new("/d/run/.s.PGSQL.54321"));
    }

    #[test]
    fn every_shorter_file_is_read_without_ready() {
        let status = READY.windows(5).position(|part| part == b"ready").unwrap();
        for length in 0..status + 4 {
            let parsed = parse(&READY[..length]);
            assert!(parsed.is_none_or(|(_, ready)| ready.is_none()), "{length}");
        }
        let starting = String::from_utf8_lossy(READY).replace("ready   ", "starting");
        assert_eq!(parse(starting.as_bytes()), Some((4711, None)));
    }

    #[test]
    fn nonsense_is_no_server() {
        for bytes in [
            &b""[..],
            b"\n\n",
            b"-17\n",
            b"0\n",
            b"x\n",
            b"\xff\xfe",
            b"99999999999\n",
        ] {
            assert_eq!(parse(bytes), None);
        }
    }

    #[test]
    fn a_process_that_works_elsewhere_is_not_the_server() {
        let data = std::env::temp_dir().join(format!("evmig-pid-{}", fastrand::u64(..)));
        fs::create_dir(&data).unwrap();
        // This process exists, but works elsewhere and listens nowhere.
        let text = format!(
            "{}\nd\n1\n5\n{}\n\n\nready\n",
            std::process::id(),
            data.display()
        );
        fs::write(pid_file(&data), text).unwrap();
        assert_eq!(state(&data), State::Gone);
        if cfg!(target_os = "linux") {
            remove_misleading(&data).unwrap();
            assert!(!pid_file(&data).exists());
        }
        fs::remove_dir_all(&data).unwrap();
    }
}
