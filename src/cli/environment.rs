//! The process's surroundings, read once: variables, home, user, terminal.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::shadow::Surroundings;

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
    /// `environment NAME` or `.env NAME`.
    pub source: String,
}

/// A `.env` file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} cannot be read: {reason}")]
pub struct DotenvError {
    /// The file.
    pub path: String,
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
        let path = root.join(".env");
        let unreadable = |reason: String| DotenvError {
            path: ".env".to_owned(),
            reason,
        };
        let iter = match dotenvy::from_path_iter(&path) {
            Ok(iter) => iter,
            Err(dotenvy::Error::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(());
            }
            Err(error) => return Err(unreadable(without_line(&error))),
        };
        for item in iter {
            let (name, value) = item.map_err(|error| unreadable(without_line(&error)))?;
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

/// Dotenvy's parse errors quote the line, and lines hold passwords.
fn without_line(error: &dotenvy::Error) -> String {
    match error {
        dotenvy::Error::LineParse(_, position) => {
            format!("a line cannot be parsed at its character {}", position + 1)
        }
        dotenvy::Error::Io(error) => error.to_string(),
        _ => "a variable it refers to cannot be used".to_owned(),
    }
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
        assert!(!without_line(&error).contains("canary"));
    }
}
