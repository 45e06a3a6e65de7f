//! Words and exit codes for everything that can stop a restore from a backup.

use super::backup::of_backup;
use super::bracket::of_bracket;
use super::rollback::undone;
use super::run::{RunContext, of_run};
use super::{CommandError, with_failure};
use crate::backup::error::BackupError;
use crate::cli::exit::Exit;
use crate::report::problem::Problem;
use crate::runner::restore::error::{Obstacle, RestoreError};

/// All of a restore is one transaction.
const NOTHING: &str = "nothing; the database is as it was";

/// Gives what stopped a restore its exit code and its words.
pub fn of_restore(error: &RestoreError, context: &RunContext) -> CommandError {
    let message = error.to_string();
    let failed = |problem: Problem| {
        let mut problem = problem.next(context.again());
        problem.committed = Some(NOTHING.to_owned());
        CommandError::failed(problem)
    };
    match error {
        RestoreError::Run(error) => of_run(error, context),
        RestoreError::Backup(error) => client(error, context),
        RestoreError::Bracket(error) => {
            let (exit, problem) = of_bracket(error);
            undone(exit, problem, context)
        }
        RestoreError::Refused { obstacles } => refused(obstacles, &message),
        RestoreError::Nothing => {
            CommandError::refused(Problem::new("restore-refused", message))
        }
        RestoreError::Locked { failure, .. } => {
            let mut problem = with_failure(Problem::new("restore-locked", message), failure)
                .hint("a restore keeps other writers out of its tables: see who writes, or wait longer with --lock-timeout")
                .next(context.again());
            problem.committed = Some(NOTHING.to_owned());
            CommandError::new(Exit::Locked, problem)
        }
        RestoreError::Statement { failure, .. } => {
            failed(with_failure(Problem::new("restore-failed", message), failure))
        }
        RestoreError::Stream(_) | RestoreError::WrongTable { .. } => failed(
            Problem::new("restore-text", message)
                .hint("the archive is as it was written, so this is a fault of evmig or of pg_restore; nothing of that text was run"),
        ),
        RestoreError::Program { words, .. } => {
            failed(Problem::new("restore-program", message).detail(words.clone()))
        }
        RestoreError::Differs { .. } => failed(
            Problem::new("restore-differs", message)
                .hint("a trigger that always fires, a rule or a default has changed rows as they came"),
        ),
        RestoreError::Unknown { failure } => {
            let problem = with_failure(Problem::new("restore-unknown", message), failure).hint(
                "the run's row in the history is part of the restore: where its outcome is `applied` the rows are back, and where it is null nothing has changed",
            );
            CommandError::new(Exit::Unknown, problem)
        }
        RestoreError::Interrupted => {
            let mut problem = Problem::new("interrupted", "interrupted; the restore is rolled back")
                .next(context.again());
            problem.committed = Some(NOTHING.to_owned());
            CommandError::new(Exit::Interrupted, problem)
        }
    }
}

/// A client with a hole has a way out: what it reads was made by evmig and verified.
fn client(error: &BackupError, context: &RunContext) -> CommandError {
    let BackupError::Hole { found, needed, .. } = error else {
        return of_backup(error, &context.again());
    };
    CommandError::refused(
        Problem::new("client-hole", error.to_string())
            .hint(format!(
                "install version {needed} of PostgreSQL's client programs. The holes take a crafted \
                 archive, and this one was verified to be evmig's own: to use {found} all the same, \
                 say so"
            ))
            .next(format!("{} --accept-client {found}", context.again())),
    )
}

fn refused(obstacles: &[Obstacle], message: &str) -> CommandError {
    let list: Vec<String> = obstacles.iter().map(ToString::to_string).collect();
    let problem = Problem::new("restore-refused", format!("cannot restore: {message}"));
    let problem = if list.len() > 1 {
        problem.detail(list.join("\n"))
    } else {
        problem
    };
    let hint = match obstacles.first() {
        Some(Obstacle::ReferredTo { .. }) => {
            "restore the referring tables, too, or connect as a role that may set \
             session_replication_role: foreign keys are then proved at the end"
        }
        Some(Obstacle::Circle { .. }) => {
            "connect as a role that may set session_replication_role: foreign keys are then proved \
             at the end"
        }
        Some(Obstacle::Columns { .. } | Obstacle::NotInDatabase { .. }) => {
            "take the migrations back to where they were at the backup (the manifest's \
             history.newest_version), or name other tables with --table"
        }
        Some(Obstacle::NotInBackup { .. }) => {
            "write it as schema.name, as it is in the manifest's list of tables"
        }
        Some(Obstacle::OfHistory { .. }) => "name other tables with --table",
        Some(Obstacle::Rights { .. }) | None => "connect as the tables' owner",
    };
    CommandError::refused(problem.hint(hint))
}
