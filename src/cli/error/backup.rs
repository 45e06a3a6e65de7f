//! Words and exit codes for everything that can stop `evmig backup`.

use super::{CommandError, with_failure};
use crate::backup::error::BackupError;
use crate::catalog::error::CatalogError;
use crate::cli::exit::Exit;
use crate::pg::error::Kind;
use crate::report::problem::Problem;
use crate::shadow::ClientError;

/// Nothing of a backup that failed is left, and the database was only read.
const NOTHING: &str = "nothing; the database was only read, and no part of the backup is left";

/// Gives what stopped a backup its exit code and its words; `again` is the command as typed.
pub fn of_backup(error: &BackupError, again: &str) -> CommandError {
    let message = error.to_string();
    let failed = |problem: Problem| {
        let mut problem = problem.next(again.to_owned());
        problem.committed = Some(NOTHING.to_owned());
        CommandError::failed(problem)
    };
    match error {
        BackupError::Client(ClientError::NotFound { name, looked_in }) => CommandError::refused(
            Problem::new("client-missing", message)
                .detail(format!("looked in:\n{}", looked_in.join("\n")))
                .hint(format!(
                    "install PostgreSQL's client programs (Debian: postgresql-client-NN), or set \
                     EVMIG_PG_BIN to the directory of {name}"
                )),
        ),
        BackupError::Client(ClientError::TooOld {
            name,
            server,
            found,
        }) => CommandError::refused(
            Problem::new("client-too-old", message)
                .detail(format!("found: {}", found.join(", ")))
                .hint(format!(
                    "install {name} {server} (Debian: postgresql-client-{server}), or set \
                     EVMIG_PG_BIN to its directory"
                )),
        ),
        BackupError::Hole { needed, .. } => {
            CommandError::refused(Problem::new("client-hole", message).hint(format!(
                "install version {needed} of PostgreSQL's client programs, or set EVMIG_PG_BIN to \
                 the directory of one"
            )))
        }
        BackupError::BadKey { .. } => CommandError::refused(Problem::new("backup-key", message)),
        BackupError::Io { .. } => failed(Problem::new("backup-io", message)),
        BackupError::Own { failure, .. } if failure.kind() == Kind::LockTimeout => locked(
            with_failure(Problem::new("backup-locked", message), failure),
            again,
        ),
        BackupError::Own { failure, .. } => {
            let problem = with_failure(Problem::new("own-query", message), failure);
            failed(match hint(&failure.message) {
                Some(hint) => problem.hint(hint),
                None => problem,
            })
        }
        BackupError::Catalog(CatalogError::Query { failure, .. })
            if failure.kind() == Kind::LockTimeout =>
        {
            locked(
                with_failure(Problem::new("backup-locked", message), failure),
                again,
            )
        }
        BackupError::Catalog(error) => {
            failed(Problem::new("backup-catalog", message).detail(error.to_string()))
        }
        BackupError::Dump { words, .. }
            if words.contains("LOCK TABLE") && words.contains("timeout") =>
        {
            locked(Problem::new("backup-locked", message).detail(words), again)
        }
        BackupError::Dump { words, .. } => {
            failed(with_words(Problem::new("backup-failed", message), words))
        }
        BackupError::Interrupted => {
            let mut problem = Problem::new(
                "interrupted",
                "interrupted; pg_dump is stopped and what it had written is removed",
            )
            .next(again.to_owned());
            problem.committed = Some(NOTHING.to_owned());
            CommandError::new(Exit::Interrupted, problem)
        }
    }
}

/// Somebody has a table that must be read.
fn locked(problem: Problem, again: &str) -> CommandError {
    let mut problem = problem
        .hint("somebody has locked a table: see who (pg_locks), or wait longer with --lock-timeout")
        .next(again.to_owned());
    problem.committed = Some(NOTHING.to_owned());
    CommandError::new(Exit::Locked, problem)
}

/// Adds what the program said, and what that most likely means.
fn with_words(problem: Problem, words: &str) -> Problem {
    let problem = problem.detail(words);
    match hint(words) {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Says what words of `pg_dump` or the server most likely mean.
fn hint(words: &str) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 3] = [
        (
            "No space left on device",
            "the disk is full: make room, or choose another disk with --out",
        ),
        (
            "permission denied",
            "the role must be able to read every table; grant it pg_read_all_data",
        ),
        (
            "row-level security",
            "rows that a policy hides cannot be dumped: use the tables' owner or a role with BYPASSRLS",
        ),
    ];
    let found = KNOWN.iter().find(|(part, _)| words.contains(part));
    found.map(|(_, hint)| *hint)
}
