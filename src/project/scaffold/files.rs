//! Creating several files, all or none of them.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// Why files could not be created. Whatever was created before is removed again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScaffoldError {
    /// Something is there already.
    #[error("in the way: {}", .paths.join(", "))]
    InTheWay {
        /// What is there, relative to the project's folder.
        paths: Vec<String>,
    },
    /// The project's name cannot be one.
    #[error(
        "`{name}` is no project name: use up to 63 letters, digits, `-` and `_`, not only digits"
    )]
    BadName {
        /// The name, printable.
        name: String,
        /// The nearest name that can.
        nearest: Option<String>,
    },
    /// The system refuses.
    #[error("cannot create `{path}`: {reason}")]
    Write {
        /// The path, relative to the project's folder.
        path: String,
        /// The system's words.
        reason: String,
    },
}

impl ScaffoldError {
    /// Returns the stable id of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InTheWay { .. } => "in-the-way",
            Self::BadName { .. } => "bad-name",
            Self::Write { .. } => "cannot-create",
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::InTheWay { paths } if paths.iter().any(|path| path == "phases.toml") => {
                Some("this is a project already: see `evmig status`".to_owned())
            }
            Self::InTheWay { .. } => {
                Some("move these aside, or choose another folder; nothing was changed".to_owned())
            }
            Self::BadName { nearest, .. } => nearest
                .as_ref()
                .map(|name| format!("for instance `{name}`")),
            Self::Write { .. } => None,
        }
    }
}

/// Creates files and folders below one folder, and takes them back unless it is kept.
pub(super) struct Creation<'r> {
    root: &'r Path,
    folders: Vec<PathBuf>,
    files: Vec<String>,
    kept: bool,
}

impl<'r> Creation<'r> {
    pub(super) fn new(root: &'r Path) -> Self {
        Self {
            root,
            folders: Vec::new(),
            files: Vec::new(),
            kept: false,
        }
    }

    /// Creates a file that must not exist, and the folders above it.
    pub(super) fn file(&mut self, path: &str, text: &str) -> Result<(), ScaffoldError> {
        let full = self.root.join(path);
        if let Some(folder) = full.parent() {
            self.folder(folder).map_err(|error| failed(path, &error))?;
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&full)
            .map_err(|error| failed(path, &error))?;
        self.files.push(path.to_owned());
        file.write_all(text.as_bytes())
            .map_err(|error| failed(path, &error))
    }

    /// Creates a folder and those above it, remembering which are new.
    pub(super) fn folder(&mut self, folder: &Path) -> std::io::Result<()> {
        // The parent of a relative path of one word is the empty path: the current folder.
        if folder.as_os_str().is_empty() || folder.is_dir() {
            return Ok(());
        }
        if let Some(parent) = folder.parent() {
            self.folder(parent)?;
        }
        match fs::create_dir(folder) {
            Ok(()) => {
                self.folders.push(folder.to_owned());
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Keeps everything and returns the files, relative to the root.
    pub(super) fn keep(mut self) -> Vec<String> {
        self.kept = true;
        std::mem::take(&mut self.files)
    }
}

/// Makes the error for a file that could not be created.
fn failed(path: &str, error: &std::io::Error) -> ScaffoldError {
    if error.kind() == ErrorKind::AlreadyExists {
        ScaffoldError::InTheWay {
            paths: vec![path.to_owned()],
        }
    } else {
        ScaffoldError::Write {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }
}

impl Drop for Creation<'_> {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        // Best effort: what cannot be removed is still named by the error that led here.
        for file in &self.files {
            let _best_effort = fs::remove_file(self.root.join(file));
        }
        for folder in self.folders.iter().rev() {
            let _best_effort = fs::remove_dir(folder);
        }
    }
}
