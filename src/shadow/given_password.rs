//! Hands a password to `pg_dump`: neither in its arguments nor in its environment, which whoever
//! runs as the same user can read, but in a password file.
//!
//! On Linux that file has no name anywhere: it lives in memory, and goes with the last process that
//! has it open, however that ends. Elsewhere it is in a directory of its own in evmig's state
//! directory; one that a killed evmig has left is removed by the next.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::secret::Secret;

/// How the names of the directories begin.
const PREFIX: &str = "pass-";

/// A password file for as long as this value lives.
#[derive(Debug)]
pub struct GivenPassword {
    path: PathBuf,
    /// Keeps the file open that has no name.
    _memory: Option<File>,
    /// The directory to remove.
    directory: Option<PathBuf>,
}

impl GivenPassword {
    /// Makes the file, in memory where the system can.
    pub fn new(password: &Secret, state: &Path) -> io::Result<Self> {
        if cfg!(target_os = "linux") {
            in_memory(password)
        } else {
            in_directory(password, state)
        }
    }

    /// Returns the path by which a child process finds it.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for GivenPassword {
    fn drop(&mut self) {
        if let Some(directory) = &self.directory {
            drop(fs::remove_dir_all(directory));
        }
    }
}

/// The line that fits every server: the child is told of one only. `:` and `\` are escaped, as
/// libpq reads them.
fn line(password: &Secret) -> String {
    let escaped = password.expose().replace('\\', "\\\\").replace(':', "\\:");
    format!("*:*:*:*:{escaped}\n")
}

#[cfg(target_os = "linux")]
fn in_memory(password: &Secret) -> io::Result<GivenPassword> {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::PermissionsExt as _;

    use nix::fcntl::{FcntlArg, FdFlag, fcntl};
    use nix::sys::memfd::{MFdFlags, memfd_create};

    // Not close-on-exec: the child inherits it, and `/proc/self` is the child's own there.
    let file = memfd_create("evmig", MFdFlags::empty())?;
    fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty()))?;
    let mut file = File::from(file);
    // libpq wants a plain file that nobody else may read.
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    file.write_all(line(password).as_bytes())?;
    Ok(GivenPassword {
        path: PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())),
        _memory: Some(file),
        directory: None,
    })
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_password: &Secret) -> io::Result<GivenPassword> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}

fn in_directory(password: &Secret, state: &Path) -> io::Result<GivenPassword> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};

    sweep(state);
    let name = format!("{PREFIX}{}-{}", std::process::id(), crate::clock::run_id());
    let directory = state.join(name);
    fs::DirBuilder::new().mode(0o700).create(&directory)?;
    let given = GivenPassword {
        path: directory.join("pgpass"),
        _memory: None,
        directory: Some(directory),
    };
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&given.path)?;
    file.write_all(line(password).as_bytes())?;
    Ok(given)
}

/// Removes what evmigs that are gone have left.
fn sweep(state: &Path) {
    for entry in fs::read_dir(state).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split('-').next())
            .and_then(|pid| pid.parse().ok());
        let Some(pid) = pid else { continue };
        let alive = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None);
        if alive == Err(nix::errno::Errno::ESRCH) {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn seen_by_a_child(given: &GivenPassword) -> String {
        let output = Command::new("/bin/cat").arg(given.path()).output().unwrap();
        // A second reader begins at the beginning, too: pg_dump connects once per job.
        let again = Command::new("/bin/cat").arg(given.path()).output().unwrap();
        assert_eq!(output.stdout, again.stdout);
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_child_reads_it_and_it_goes_with_the_value() {
        let state = std::env::temp_dir().join(format!("evmig-pass-{}", fastrand::u64(..)));
        fs::create_dir(&state).unwrap();
        let password = Secret::new(r"a:b\c");
        let there = || fs::read_dir(&state).unwrap().count();
        let given = GivenPassword::new(&password, &state).unwrap();
        assert_eq!(seen_by_a_child(&given), "*:*:*:*:a\\:b\\\\c\n");
        drop(given);
        assert_eq!(there(), 0);
        let given = in_directory(&password, &state).unwrap();
        assert_eq!(seen_by_a_child(&given), "*:*:*:*:a\\:b\\\\c\n");
        assert_eq!(there(), 1);
        drop(given);
        assert_eq!(there(), 0);
        // No process has this number.
        fs::create_dir(state.join("pass-2147483646-x")).unwrap();
        fs::create_dir(state.join("pass-not-ours")).unwrap();
        sweep(&state);
        assert_eq!(there(), 1);
        fs::remove_dir_all(state).unwrap();
    }
}
