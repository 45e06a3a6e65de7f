//! The process's surroundings, read once: variables, home, user, terminal.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::shadow::Surroundings;

/// The file beside `phases.toml` with variables for one machine.
const DOTENV: &str = ".env";

/// Bytes beyond which the file is not what its name says.
const LARGEST_DOTENV: u64 = 1 << 20;

/// Everything that comes from outside of the command line.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    dotenv: BTreeMap<String, String>,
    path: Option<OsString>,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
    /// Whether standard input is a terminal.
    pub stdin_is_terminal: bool,
}

/// A variable's value and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The value; treat it as a secret until it is known to be none.
    pub value: String,
    /// `variable NAME` or `.env NAME`.
    pub source: String,
}

/// A `.env` file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct DotenvError {
    /// The file, and the line where one can be named: `.env:3`.
    pub place: String,
    /// Why not; never the line itself, which may hold a password.
    pub reason: String,
}

impl Environment {
    /// Reads the process's variables. One that is not UTF-8 is left out; none of ours may be.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn read() -> Self {
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            dotenv: BTreeMap::new(),
            path: std::env::var_os("PATH"),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
        }
    }

    /// Adds the variables of the project's `.env` file, below those of the process.
    pub fn add_dotenv(&mut self, root: &Path) -> Result<(), DotenvError> {
        let path = root.join(DOTENV);
        let Some(text) = read_dotenv(&path)? else {
            return Ok(());
        };
        for item in dotenvy::from_read_iter(text.as_bytes()) {
            let (name, value) = item.map_err(|error| without_line(&error, &text))?;
            self.dotenv.insert(name, value);
        }
        Ok(())
    }

    /// Returns a variable that is set and not empty, the process's before the file's.
    pub fn find(&self, name: &str) -> Option<Found> {
        let filled = |map: &BTreeMap<String, String>| {
            map.get(name).filter(|value| !value.is_empty()).cloned()
        };
        filled(&self.variables)
            .map(|value| Found {
                value,
                source: format!("variable {name}"),
            })
            .or_else(|| {
                filled(&self.dotenv).map(|value| Found {
                    value,
                    source: format!(".env {name}"),
                })
            })
    }

    /// Returns a variable's value.
    pub fn get(&self, name: &str) -> Option<String> {
        self.find(name).map(|found| found.value)
    }

    /// Returns all variables, the process's over the file's, for libpq's resolution.
    pub fn all(&self) -> BTreeMap<String, String> {
        let mut all = self.dotenv.clone();
        all.extend(self.variables.clone());
        all
    }

    /// Returns the home directory.
    pub fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from)
    }

    /// Returns the operating system's name of the user.
    pub fn os_user() -> Option<String> {
        nix::unistd::User::from_uid(nix::unistd::geteuid())
            .ok()
            .flatten()
            .map(|user| user.name)
    }

    /// Returns what the embedded server needs to know.
    pub fn surroundings(&self) -> Surroundings {
        let path = |name: &str| self.get(name).map(PathBuf::from);
        Surroundings {
            path: self.path.clone(),
            home: self.home(),
            xdg_data_home: path("XDG_DATA_HOME"),
            xdg_runtime_dir: path("XDG_RUNTIME_DIR"),
            pg_bin: path("EVMIG_PG_BIN"),
            pg_user: self.get("EVMIG_PG_USER"),
            data_dir: path("EVMIG_DATA_DIR"),
        }
    }
}

/// Reads the file. One that is no regular file (a pipe, a device) would be read for ever.
fn read_dotenv(path: &Path) -> Result<Option<String>, DotenvError> {
    let unreadable = |reason: String| DotenvError {
        place: DOTENV.to_owned(),
        reason,
    };
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error.to_string())),
    };
    if !metadata.is_file() {
        return Err(unreadable("it is not a regular file".to_owned()));
    }
    if metadata.len() > LARGEST_DOTENV {
        return Err(unreadable(format!(
            "it is larger than {LARGEST_DOTENV} bytes"
        )));
    }
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let before = String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned();
            Err(DotenvError {
                place: format!("{DOTENV}:{}", before.matches('\n').count() + 1),
                reason: format!("the byte at offset {at} is not valid UTF-8"),
            })
        }
    }
}

/// Dotenvy's parse errors quote the line, and lines hold passwords: only its number is told.
fn without_line(error: &dotenvy::Error, text: &str) -> DotenvError {
    let (place, reason) = match error {
        dotenvy::Error::LineParse(line, _) => {
            let first = line.lines().next().unwrap_or_default();
            let number = text.lines().position(|one| one.trim() == first.trim());
            let place = match number {
                Some(number) => format!("{DOTENV}:{}", number + 1),
                None => DOTENV.to_owned(),
            };
            (
                place,
                "this line is not NAME=value; a value with spaces or special characters goes between \
                 single quotes, which must be closed"
                    .to_owned(),
            )
        }
        dotenvy::Error::Io(error) => (DOTENV.to_owned(), error.to_string()),
        _ => (
            DOTENV.to_owned(),
            "a variable it refers to cannot be used".to_owned(),
        ),
    };
    DotenvError { place, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_wins_over_the_file_and_empty_is_unset() {
        let environment = Environment {
            variables: BTreeMap::from([
                ("A".into(), "process".into()),
                ("B".into(), String::new()),
            ]),
            dotenv: BTreeMap::from([("A".into(), "file".into()), ("B".into(), "file".into())]),
            ..Environment::default()
        };
        assert_eq!(environment.find("A").unwrap().source, "variable A");
        assert_eq!(environment.find("B").unwrap().source, ".env B");
        assert_eq!(environment.find("C"), None);
    }

    #[test]
    fn a_bad_line_is_not_quoted() {
        let error = dotenvy::Error::LineParse("PGPASSWORD=canary'".into(), 17);
        assert!(!without_line(&error, "").to_string().contains("canary"));
    }
}
