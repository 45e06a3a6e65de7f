//! The values of the environment that the embedded server depends on.

use std::ffi::OsString;
use std::path::PathBuf;

/// What `cli` read from the environment for this folder; a variable that is unset or empty is
/// `None`.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `PATH`, unsplit.
    pub path: Option<OsString>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// `XDG_DATA_HOME`; a relative one is ignored, as its specification asks.
    pub xdg_data_home: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`, where sockets go whose own directory has too long a name.
    pub xdg_runtime_dir: Option<PathBuf>,
    /// `EVMIG_PG_BIN`: the directory of `postgres`, `initdb` and `pg_ctl` to use, and no other.
    pub pg_bin: Option<PathBuf>,
    /// `EVMIG_PG_USER`: the operating system user that runs the server when evmig runs as root.
    pub pg_user: Option<String>,
    /// `EVMIG_DATA_DIR`: the directory that holds a `<project>-<hash>` directory per project.
    pub data_dir: Option<PathBuf>,
}

impl Surroundings {
    /// Returns the absolute directories of `PATH`.
    ///
    /// Relative ones (an empty entry means the current directory) are left out: what they name
    /// changes with the directory evmig is called from, and a project may not plant a server.
    pub(super) fn path_directories(&self) -> Vec<PathBuf> {
        self.path
            .as_deref()
            .map(|path| {
                std::env::split_paths(path)
                    .filter(|directory| directory.is_absolute())
                    .collect()
            })
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_directories_of_the_path_are_left_out() {
        let surroundings = Surroundings {
            path: Some("/usr/bin::bin:./x:/opt/pg".into()),
            ..Surroundings::default()
        };
        assert_eq!(
            surroundings.path_directories(),
            [PathBuf::from("/usr/bin"), PathBuf::from("/opt/pg")]
        );
        assert!(Surroundings::default().path_directories().is_empty());
    }
}
