//! Paths inside the project: relative to its root, `/` between the parts, nothing that climbs.

use std::fmt;
use std::path::{Path, PathBuf};

/// Why a path cannot be used, or what is wrong with what is there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Nothing is written where a path must be.
    #[error("the path is empty")]
    Empty,
    /// The path starts at the file system's root (or a home directory, or a drive).
    #[error("`{path}` is an absolute path; paths are relative to the project")]
    Absolute {
        /// The path as written.
        path: String,
    },
    /// The path climbs out of the project.
    #[error("`{path}` leaves the project")]
    Leaves {
        /// The path as written.
        path: String,
    },
    /// The path has a control character or a backslash.
    #[error("`{path}` has a {what}; write paths with `/` and printable characters")]
    Malformed {
        /// The path, printable.
        path: String,
        /// What is in it.
        what: &'static str,
    },
    /// A part of the path is a symbolic link, which could lead anywhere.
    #[error("`{link}` is a symbolic link; evmig follows none inside a project")]
    Symlink {
        /// The part that is the link, relative to the root.
        link: String,
    },
    /// Nothing is there.
    #[error("{what} `{path}` does not exist")]
    Missing {
        /// "folder" or "file".
        what: &'static str,
        /// The path, relative to the root.
        path: String,
        /// An existing one that was likely meant.
        nearest: Option<String>,
    },
    /// Something else than a folder or file is there.
    #[error("`{path}` is {found}, not a {wanted}")]
    WrongKind {
        /// The path, relative to the root.
        path: String,
        /// "folder" or "file".
        wanted: &'static str,
        /// What is there: "a folder", "a file", "a named pipe", …
        found: &'static str,
    },
    /// The system refuses to read it.
    #[error("cannot read `{path}`: {reason}")]
    Unreadable {
        /// The path, relative to the root.
        path: String,
        /// The system's words.
        reason: String,
    },
}

impl PathFault {
    /// Returns the stable id of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "path-empty",
            Self::Absolute { .. } => "path-absolute",
            Self::Leaves { .. } => "path-outside-project",
            Self::Malformed { .. } => "path-malformed",
            Self::Symlink { .. } => "path-symlink",
            Self::Missing { .. } => "path-missing",
            Self::WrongKind { .. } => "path-wrong-kind",
            Self::Unreadable { .. } => "path-unreadable",
        }
    }

    /// Returns the existing path that was likely meant.
    pub fn suggestion(&self) -> Option<String> {
        match self {
            Self::Missing { nearest, .. } => nearest.clone(),
            _ => None,
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Leaves { .. } | Self::Absolute { .. } => {
                Some("move or copy the file into the project and name it from there".to_owned())
            }
            Self::Symlink { link } => Some(format!("put the real file or folder at `{link}`")),
            Self::Missing { what, path, .. } if *what == "folder" => Some(format!(
                "create it with `mkdir -p {path}`, or correct the path"
            )),
            _ => None,
        }
    }
}

/// A path relative to the project root, normalised: no `.`, no `..`, no doubled or trailing `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelPath(String);

impl RelPath {
    /// Checks and normalises a path written in `phases.toml`; `..` is refused outright.
    pub fn parse(written: &str) -> Result<Self, PathFault> {
        check_characters(written)?;
        let mut parts = Vec::new();
        for part in written.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    return Err(PathFault::Leaves {
                        path: written.to_owned(),
                    });
                }
                part => parts.push(part),
            }
        }
        if parts.is_empty() {
            return Err(PathFault::Empty);
        }
        Ok(Self(parts.join("/")))
    }

    /// Resolves the path of an include against a folder; `..` may climb, but not out of the project.
    pub(crate) fn resolve(folder: &str, written: &str) -> Result<Self, PathFault> {
        check_characters(written)?;
        let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in written.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or_else(|| PathFault::Leaves {
                        path: written.to_owned(),
                    })?;
                }
                part => parts.push(part),
            }
        }
        if parts.is_empty() {
            return Err(PathFault::Empty);
        }
        Ok(Self(parts.join("/")))
    }

    /// Joins parts that the file system gave.
    pub(crate) fn joined(folder: &str, name: &str) -> Self {
        if folder.is_empty() {
            Self(name.to_owned())
        } else {
            Self(format!("{folder}/{name}"))
        }
    }

    /// Returns the path with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns the folder it is in; empty for the project root.
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Returns the path under a root.
    pub fn under(&self, root: &Path) -> PathBuf {
        root.join(&self.0)
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Refuses what is no relative path on any system we run on.
fn check_characters(written: &str) -> Result<(), PathFault> {
    let malformed = |what| PathFault::Malformed {
        path: super::source::printable(written),
        what,
    };
    if written.trim().is_empty() {
        Err(PathFault::Empty)
    } else if written.chars().any(char::is_control) {
        Err(malformed("control character"))
    } else if written.starts_with('/') || written.starts_with('~') || has_drive(written) {
        Err(PathFault::Absolute {
            path: written.to_owned(),
        })
    } else if written.contains('\\') {
        Err(malformed("backslash"))
    } else {
        Ok(())
    }
}

/// Returns whether a path begins as Windows' drives do (`C:`).
fn has_drive(written: &str) -> bool {
    let bytes = written.as_bytes();
    bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_normalises_and_refuses_what_climbs() {
        assert_eq!(RelPath::parse("a/./b//c/").unwrap().as_str(), "a/b/c");
        for (written, code) in [
            ("", "path-empty"),
            (" ", "path-empty"),
            ("./", "path-empty"),
            ("/etc", "path-absolute"),
            ("~/x", "path-absolute"),
            ("C:/x", "path-absolute"),
            ("../x", "path-outside-project"),
            ("a/../b", "path-outside-project"),
            ("a\\b", "path-malformed"),
            ("a\u{7}b", "path-malformed"),
        ] {
            assert_eq!(
                RelPath::parse(written).unwrap_err().code(),
                code,
                "{written:?}"
            );
        }
    }

    #[test]
    fn resolve_climbs_inside_only() {
        assert_eq!(
            RelPath::resolve("a/b", "../c.sql").unwrap().as_str(),
            "a/c.sql"
        );
        assert_eq!(
            RelPath::resolve("a", "../../c.sql").unwrap_err().code(),
            "path-outside-project"
        );
        assert_eq!(
            RelPath::resolve("a", "..").unwrap_err().code(),
            "path-empty"
        );
    }

    #[test]
    fn parts_of_a_path() {
        let path = RelPath::parse("a/b/c.sql").unwrap();
        assert_eq!((path.folder(), path.file_name()), ("a/b", "c.sql"));
        assert_eq!(RelPath::parse("c").unwrap().folder(), "");
    }
}
