//! `pg_restore` as a reader of archives: the SQL of what is in one, without its rows.

use std::path::{Path, PathBuf};
use std::process::Output;

use super::client::{ClientError, ClientProgram};
use super::error::last_lines;
use super::surroundings::Surroundings;

/// What an archive of `pg_dump`'s has in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The SQL that makes the schema.
    pub text: String,
    /// How many tables it has rows of, which are not read.
    pub tables_with_rows: usize,
}

/// Why an archive cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// There is no `pg_restore`.
    #[error(transparent)]
    Program(#[from] ClientError),
    /// It cannot be found, or not be run.
    #[error("cannot read {}: {source}", .path.display())]
    Io {
        /// The archive, or the program.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `pg_restore` does not take it.
    #[error("pg_restore {version} cannot read {}: {said}", .path.display())]
    Failed {
        /// The archive.
        path: PathBuf,
        /// Which `pg_restore`.
        version: String,
        /// What it said.
        said: String,
    },
    /// Its text is not UTF-8.
    #[error("{} is not in UTF-8", .path.display())]
    Text {
        /// The archive.
        path: PathBuf,
    },
}

impl Archive {
    /// Reads an archive in custom, directory or tar format, with the newest `pg_restore` there is: each reads what
    /// the older ones wrote.
    ///
    /// # Errors
    ///
    /// There is no `pg_restore`, or it is older than the archive, or it is none.
    pub fn read(surroundings: &Surroundings, path: &Path) -> Result<Self, ArchiveError> {
        let program = ClientProgram::newest(surroundings, "pg_restore")?;
        // The program runs in another directory.
        let absolute = path.canonicalize().map_err(|source| ArchiveError::Io {
            path: path.to_owned(),
            source,
        })?;
        let run = |arguments: &[&str]| run(&program, path, &absolute, arguments);
        let list = run(&["--list"])?;
        let text = run(&["--schema-only", "--file=-"])?;
        Ok(Self {
            text,
            tables_with_rows: tables_with_rows(&list),
        })
    }
}

fn run(
    program: &ClientProgram,
    path: &Path,
    absolute: &Path,
    arguments: &[&str],
) -> Result<String, ArchiveError> {
    let mut command = program.command();
    for argument in arguments {
        command.arg(argument);
    }
    command.arg(absolute);
    let Output {
        status,
        stdout,
        stderr,
    } = command.0.output().map_err(|source| ArchiveError::Io {
        path: program.path.clone(),
        source,
    })?;
    if !status.success() {
        return Err(ArchiveError::Failed {
            path: path.to_owned(),
            version: program.version.text.clone(),
            said: last_lines(&stderr, 4),
        });
    }
    String::from_utf8(stdout).map_err(|_| ArchiveError::Text {
        path: path.to_owned(),
    })
}

/// Counts the entries with rows of `pg_restore --list`: `3456; 0 16390 TABLE DATA public product owner`.
fn tables_with_rows(list: &str) -> usize {
    let entries = list.lines().filter(|line| !line.starts_with(';'));
    let of_rows = entries.filter(|line| {
        let mut words = line.split(' ').skip(3);
        words.next() == Some("TABLE") && words.next() == Some("DATA")
    });
    of_rows.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_told_from_its_rows() {
        let list = ";\n; Archive created at 2026-11-26\n;     TOC Entries: 3\n;\n\
                    215; 1259 16390 TABLE public product me\n\
                    3344; 0 16390 TABLE DATA public product me\n\
                    3345; 0 0 SEQUENCE SET public s me\n";
        assert_eq!(tables_with_rows(list), 1);
    }
}
