//! `pg_dump` of a database's schema, for a throw-away copy of it.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::binaries::{is_program, version_directories};
use super::error::last_lines;
use super::surroundings::Surroundings;

/// Where a database is and who logs in, as libpq's variables have it. The password is among them: the
/// environment of a process can be read by its own user alone, its arguments by everybody.
#[derive(Debug, Clone, Default)]
pub struct DumpSource {
    /// `PGHOST` and the like with their values.
    pub variables: Vec<(&'static str, String)>,
    /// The history's schema, which is left out.
    pub history_schema: String,
}

/// Why there is no dump.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// No `pg_dump` of the server's major, or a newer one, is on this machine.
    #[error("no pg_dump of PostgreSQL {major} or later was found")]
    NoProgram {
        /// The server's major.
        major: u32,
    },
    /// It could not be run.
    #[error("could not run {}: {source}", .program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It failed.
    #[error("pg_dump failed: {0}")]
    Failed(String),
    /// Its text is not UTF-8.
    #[error("pg_dump's text is not UTF-8")]
    Text,
}

/// Returns the statements that make the schema of a database, as `pg_dump` of its own major writes them.
/// It reads the catalog in one transaction and locks tables against being dropped only (`ACCESS SHARE`).
///
/// # Errors
///
/// There is no fitting `pg_dump`, or it fails: the role may lack rights that it needs.
pub fn dump_schema(
    surroundings: &Surroundings,
    major: u32,
    source: &DumpSource,
) -> Result<String, DumpError> {
    let program = find(surroundings, major).ok_or(DumpError::NoProgram { major })?;
    let output = Command::new(&program)
        .env_clear()
        .env("LC_ALL", "C")
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .envs(source.variables.iter().map(|(name, value)| (name, value)))
        .args(["--schema-only", "--no-password", "--quote-all-identifiers"])
        .args(["--encoding=UTF8", "--lock-wait-timeout=2000"])
        .arg(format!(
            "--exclude-schema={}",
            pattern(&source.history_schema)
        ))
        .stdin(Stdio::null())
        .output()
        .map_err(|source| DumpError::Spawn {
            program: program.clone(),
            source,
        })?;
    if !output.status.success() {
        return Err(DumpError::Failed(last_lines(&output.stderr, 6)));
    }
    String::from_utf8(output.stdout).map_err(|_| DumpError::Text)
}

/// Quotes a name for a pattern of `pg_dump`'s.
fn pattern(schema: &str) -> String {
    format!("\"{}\"", schema.replace('"', "\"\""))
}

/// Finds the `pg_dump` of a major: one of the same writes what that server understands.
fn find(surroundings: &Surroundings, major: u32) -> Option<PathBuf> {
    let own = surroundings.pg_bin.clone().into_iter();
    let directories = own
        .chain(surroundings.path_directories())
        .chain(version_directories());
    let mut found: Vec<(u32, PathBuf)> = directories
        .map(|directory| directory.join("pg_dump"))
        .filter(|program| is_program(program))
        .filter_map(|program| Some((major_of(&program)?, program)))
        .filter(|(found, _)| *found >= major)
        .collect();
    found.sort_by_key(|(found, _)| *found);
    found.into_iter().next().map(|(_, program)| program)
}

/// Asks a program for its major: `pg_dump (PostgreSQL) 15.18 (Debian …)`.
fn major_of(program: &std::path::Path) -> Option<u32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.split_whitespace().nth(2)?;
    version
        .split(|character: char| !character.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}
