//! Words and exit codes for everything that can stop `evmig backup`.

use super::{CommandError, with_failure};
use crate::backup::error::BackupError;
use crate::cli::exit::Exit;
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
        BackupError::Own { failure, .. } => {
            failed(with_failure(Problem::new("own-query", message), failure))
        }
        BackupError::Catalog(error) => {
            failed(Problem::new("backup-catalog", message).detail(error.to_string()))
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

/// Adds what the program said, and what that most likely means.
fn with_words(problem: Problem, words: &str) -> Problem {
    let hint = if words.contains("No space left on device") {
        Some("the disk is full: make room, or choose another disk with --out")
    } else if words.contains("lock timeout") {
        Some("somebody has locked a table: see who (pg_locks), or wait longer with --lock-timeout")
    } else if words.contains("permission denied") {
        Some("the role must be able to read every table; grant it pg_read_all_data")
    } else if words.contains("row-level security") {
        Some(
            "rows that a policy hides cannot be dumped: use the tables' owner or a role with BYPASSRLS",
        )
    } else {
        None
    };
    let problem = problem.detail(words);
    match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}
