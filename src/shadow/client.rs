//! Finds `pg_dump` and `pg_restore`, and makes commands of them that inherit nothing.
//!
//! Order: `EVMIG_PG_BIN` (and no other place where it is set), `PATH`, `pg_config --bindir`, the
//! usual folders. Programs are run by their absolute path, as the caller, without a shell. A wrapper
//! in the place of a program (Debian's `pg_wrapper`) is passed over: it chooses a version by rules
//! of its own.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::binaries::{is_program, usual_folders};
use super::error::last_lines;
use super::surroundings::Surroundings;
use super::version::Version;

/// A client program of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientProgram {
    /// Its absolute path, with symbolic links resolved.
    pub path: PathBuf,
    /// What it says it is.
    pub version: Version,
}

/// Why there is no program that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// None was found.
    #[error("{name} was not found on this machine")]
    NotFound {
        /// The program.
        name: String,
        /// Each place, and what is wrong with it.
        looked_in: Vec<String>,
    },
    /// All that were found are of an older major than the server.
    #[error(
        "the server is PostgreSQL {server}, and no {name} here is that new: {name} {server} or \
         newer is needed"
    )]
    TooOld {
        /// The program.
        name: String,
        /// The server's major version.
        server: u32,
        /// What was found, as `path (version)`.
        found: Vec<String>,
    },
}

impl ClientProgram {
    /// Finds a program that is at least of this major: the oldest of those, since it knows least
    /// that the server does not.
    pub fn find(surroundings: &Surroundings, name: &str, major: u32) -> Result<Self, ClientError> {
        let (found, looked_in) = Self::all(surroundings, name);
        if found.is_empty() {
            return Err(ClientError::NotFound {
                name: name.to_owned(),
                looked_in,
            });
        }
        let told = found
            .iter()
            .map(|one| format!("{} ({})", one.path.display(), one.version))
            .collect();
        // `min_by_key` keeps the first of equals, and thereby the order of the places.
        found
            .into_iter()
            .filter(|one| one.version.major >= major)
            .min_by_key(|one| one.version.major)
            .ok_or_else(|| ClientError::TooOld {
                name: name.to_owned(),
                server: major,
                found: told,
            })
    }

    /// Finds the newest program: it reads what all others have written.
    pub fn newest(surroundings: &Surroundings, name: &str) -> Result<Self, ClientError> {
        let (found, looked_in) = Self::all(surroundings, name);
        // `max_by_key` keeps the last of equals, and the order of the places counts.
        let newest = found.into_iter().rev().max_by_key(|one| one.version.major);
        newest.ok_or_else(|| ClientError::NotFound {
            name: name.to_owned(),
            looked_in,
        })
    }

    /// Returns every program of this name, and what is wrong with the others.
    fn all(surroundings: &Surroundings, name: &str) -> (Vec<Self>, Vec<String>) {
        let mut found: Vec<Self> = Vec::new();
        let mut looked_in = Vec::new();
        for directory in directories(surroundings) {
            let path = directory.join(name);
            if !is_program(&path) {
                looked_in.push(format!("{}: not there", path.display()));
                continue;
            }
            match examine(&path, name) {
                Ok(program) if found.contains(&program) => {}
                Ok(program) => found.push(program),
                Err(reason) => looked_in.push(format!("{}: {reason}", path.display())),
            }
        }
        (found, looked_in)
    }

    /// Returns a command that runs it with nothing of the caller's environment and no input.
    ///
    /// `PG*` variables would lead it elsewhere, and what they hold be seen by whoever may look at
    /// the process. `LC_ALL=C` keeps its messages readable for evmig whatever the caller's language.
    pub fn command(&self) -> ClientCommand {
        ClientCommand(clean(&self.path))
    }
}

/// A call of a client program that is being put together.
#[derive(Debug)]
pub struct ClientCommand(pub(super) Command);

impl ClientCommand {
    /// Adds an argument.
    pub fn arg(&mut self, argument: impl AsRef<OsStr>) -> &mut Self {
        self.0.arg(argument);
        self
    }

    /// Adds a variable to its environment, which has no other but those that were added.
    pub fn env(&mut self, name: &str, value: impl AsRef<OsStr>) -> &mut Self {
        self.0.env(name, value);
        self
    }
}

fn clean(path: &Path) -> Command {
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", "/")
        .current_dir("/")
        .stdin(Stdio::null());
    command
}

/// Returns the directories to look in, in order.
fn directories(surroundings: &Surroundings) -> Vec<PathBuf> {
    if let Some(directory) = &surroundings.pg_bin {
        return vec![directory.clone()];
    }
    let on_path = surroundings.path_directories();
    let pg_config = on_path
        .iter()
        .map(|directory| directory.join("pg_config"))
        .find(|path| is_program(path));
    let bindir = pg_config.and_then(|path| {
        let output = clean(&path).arg("--bindir").output().ok()?;
        let directory = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
        (output.status.success() && directory.is_absolute()).then_some(directory)
    });
    on_path
        .into_iter()
        .chain(bindir)
        .chain(usual_folders())
        .collect()
}

/// Looks at one program; the error is the reason why it is of no use.
fn examine(path: &Path, name: &str) -> Result<ClientProgram, String> {
    let path = path
        .canonicalize()
        .map_err(|error| format!("it cannot be read: {error}"))?;
    let is_itself = path
        .file_name()
        .is_some_and(|file| file.to_string_lossy().starts_with(name));
    if !is_itself {
        return Err(format!("it is a wrapper, {}", path.display()));
    }
    let output = clean(&path)
        .arg("--version")
        .output()
        .map_err(|error| format!("it cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "it does not run: {}",
            last_lines(&output.stderr, 3)
        ));
    }
    let line = String::from_utf8_lossy(&output.stdout);
    let version = Version::parse(&line)
        .ok_or_else(|| format!("it says {:?}", last_lines(line.as_bytes(), 1)))?;
    Ok(ClientProgram { path, version })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Directories with programs that only know their version.
    fn surroundings(versions: &[&str]) -> (PathBuf, Surroundings) {
        let top = std::env::temp_dir().join(format!("evmig-client-{}", fastrand::u64(..)));
        let mut path = Vec::new();
        for version in versions {
            let bin = top.join(version);
            fs::create_dir_all(&bin).unwrap();
            let program = bin.join("pg_ours");
            let text = format!("#!/bin/sh\necho 'pg_ours (PostgreSQL) {version}'\n");
            fs::write(&program, text).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
            path.push(bin);
        }
        let surroundings = Surroundings {
            path: Some(std::env::join_paths(path).unwrap()),
            ..Surroundings::default()
        };
        (top, surroundings)
    }

    #[test]
    fn the_oldest_that_is_new_enough_is_taken() {
        let (top, surroundings) = surroundings(&["14.9", "18.1", "16.4", "16.9"]);
        let found = |major| {
            ClientProgram::find(&surroundings, "pg_ours", major).map(|one| one.version.text)
        };
        assert_eq!(found(14), Ok("14.9".to_owned()));
        assert_eq!(found(15), Ok("16.4".to_owned()));
        assert_eq!(found(17), Ok("18.1".to_owned()));
        assert!(matches!(
            found(19),
            Err(ClientError::TooOld { server: 19, found, .. }) if found.len() == 4
        ));
        assert!(matches!(
            ClientProgram::find(&surroundings, "pg_other", 14),
            Err(ClientError::NotFound { looked_in, .. }) if looked_in.len() >= 4
        ));
        fs::remove_dir_all(top).unwrap();
    }

    #[test]
    fn a_wrapper_is_passed_over_and_pg_bin_is_the_only_place() {
        let (top, mut surroundings) = surroundings(&["15.1", "16.1"]);
        let wrapped = top.join("wrapped");
        fs::create_dir(&wrapped).unwrap();
        fs::write(wrapped.join("chooser"), "#!/bin/sh\necho '(x) 17.1'\n").unwrap();
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(wrapped.join("chooser"), mode).unwrap();
        std::os::unix::fs::symlink("chooser", wrapped.join("pg_ours")).unwrap();
        surroundings.pg_bin = Some(wrapped);
        let error = ClientProgram::find(&surroundings, "pg_ours", 14).unwrap_err();
        let ClientError::NotFound { looked_in, .. } = error else {
            panic!("{error}")
        };
        assert!(looked_in[0].contains("a wrapper"), "{looked_in:?}");
        surroundings.pg_bin = Some(top.join("16.1"));
        let found = ClientProgram::find(&surroundings, "pg_ours", 14).unwrap();
        assert_eq!(found.version.text, "16.1");
        fs::remove_dir_all(top).unwrap();
    }

    #[test]
    fn nothing_of_the_callers_environment_is_passed_on() {
        let output = clean(Path::new("/usr/bin/env")).output().unwrap();
        let mut lines: Vec<String> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort();
        assert_eq!(
            lines,
            ["HOME=/", "LC_ALL=C", "PATH=/usr/local/bin:/usr/bin:/bin"]
        );
    }
}
