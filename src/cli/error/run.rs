//! Words and exit codes for everything that can stop a run.

use std::time::Duration;

use super::plan::{stale, unchecked};
use super::refusal::{grant_hint, quoted, refusal};
use super::stop::migration_stop;
use super::{CommandError, project_problem, with_failure};
use crate::cli::exit::Exit;
use crate::history::error::HistoryError;
use crate::history::upgrade::FormatError;
use crate::pg::error::DbFailure;
use crate::plan::refusal::{DivergentFile, PlanRefusal};
use crate::plan::standing::{Difference, MissingFile};
use crate::report::event::{Blocker, MigrationRef};
use crate::report::problem::Problem;
use crate::runner::error::RunError;
use crate::runner::fresh::StaleBackup;

/// The history schema holds tables that are not evmig's, or not any more.
const FOREIGN_HISTORY: &str = "another tool may own this schema: choose another one with \
                               history_schema in phases.toml";

/// What an error needs to know of the run it ends.
#[derive(Debug, Clone, Default)]
pub struct RunContext {
    /// `evmig` with the flags that must be typed again: `evmig --env staging`.
    pub program: String,
    /// The command that ran: `apply`.
    pub command: String,
    /// Labels of the migrations that the run has committed.
    pub committed: Vec<String>,
    /// Statements of the stopped file that are committed.
    pub kept: usize,
    /// Who connects, for the fixes that name the role.
    pub user: String,
    /// The database, for the fixes that name it.
    pub database: String,
    /// Whether migrations are taken back.
    pub undoes: bool,
    /// The command that makes the plan again, where one was given.
    pub plan_again: Option<String>,
}

impl RunContext {
    /// Returns how the script of a migration that ran is called.
    pub(super) fn script(&self, migration: &MigrationRef) -> String {
        let label = migration.label();
        if self.undoes {
            format!("the rollback of {label}")
        } else {
            label
        }
    }

    pub(super) fn again(&self) -> String {
        format!("{} {}", self.program, self.command)
    }

    pub(super) fn status(&self) -> String {
        format!("{} status", self.program)
    }

    /// Failed with nothing done, or with a part of it committed.
    pub(super) fn failure_exit(&self) -> Exit {
        if self.committed.is_empty() && self.kept == 0 {
            Exit::Failed
        } else {
            Exit::Partial
        }
    }

    /// Says what is in the database now: of the run, and of the migration that stopped.
    pub(super) fn told(&self, stopped: Option<&MigrationRef>) -> String {
        let before = match self.committed.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            [one, two] => Some(format!("{one} and {two}")),
            [first, .., last] => Some(format!(
                "{first} to {last} ({} migrations)",
                self.committed.len()
            )),
        };
        let before = before.map(|text| {
            if self.undoes {
                format!("the rollback of {text}")
            } else {
                text
            }
        });
        let own = stopped.map(|migration| match (self.kept, self.script(migration)) {
            (0, script) => format!("nothing of {script}"),
            (1, script) => format!("the first statement of {script}"),
            (kept, script) => format!("the first {kept} statements of {script}"),
        });
        match (before, own) {
            (None, _) if self.kept == 0 => "nothing; the database is as it was".to_owned(),
            (Some(before), Some(own)) => format!("{before}; {own}"),
            (Some(text), None) | (None, Some(text)) => text,
            (None, None) => "nothing; the database is as it was".to_owned(),
        }
    }
}

/// Names the newest backup that there is, and what to type.
fn stale_backup(stale: &StaleBackup, context: &RunContext) -> CommandError {
    let age = match stale.max_age.as_secs() {
        seconds if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        seconds if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    };
    let mut detail = vec![match &stale.newest {
        Some(newest) => format!("the newest: {newest}"),
        None => "evmig backup has made none of it".to_owned(),
    }];
    detail.extend(stale.unusable.iter().cloned());
    let problem = Problem::new("backup-stale", stale.to_string())
        .detail(detail.join("\n"))
        .hint(format!(
            "phases.toml asks for one that is at most {age} old (backup_max_age); where there \
             is no time for it, --no-backup-check with a reason"
        ))
        .next(format!("{} backup", context.program))
        .next(format!("{} --no-backup-check 'reason'", context.again()));
    CommandError::refused(problem)
}

/// Gives what stopped a run its exit code and its words.
pub fn of_run(error: &RunError, context: &RunContext) -> CommandError {
    match error {
        RunError::Connect(error) => CommandError::connect(error),
        RunError::StaleBackup(stale) => stale_backup(stale, context),
        RunError::Refused { reasons } => CommandError {
            exit: Exit::Refused,
            problems: reasons
                .iter()
                .map(|reason| refusal(reason, context))
                .collect(),
            reported: false,
        },
        RunError::Setting(not_taken) => CommandError::refused(
            Problem::new("setting-not-taken", not_taken.to_string())
                .hint("something between evmig and the server changes settings: a pooler?"),
        ),
        RunError::History(error) => history(error, context),
        RunError::Plan(refused) => plan(refused, context),
        RunError::Stale(refused) => stale(refused, context),
        RunError::PlanUnchecked => unchecked(error.to_string(), context),
        RunError::Busy { holder, waited } => busy(holder.as_deref(), *waited, context),
        RunError::Own { what, failure } => {
            let problem =
                with_failure(Problem::new("own-query", *what), failure).next(context.status());
            let mut problem = problem;
            problem.committed = Some(context.told(None));
            CommandError::new(context.failure_exit(), problem)
        }
        RunError::Scripts { errors } => CommandError {
            exit: Exit::Usage,
            problems: errors.iter().map(project_problem).collect(),
            reported: false,
        },
        RunError::NotConfirmed => {
            CommandError::refused(Problem::new("not-confirmed", "nothing was changed"))
        }
        RunError::Drift(drift) => {
            let problem = drift
                .problem()
                .hint("on_drift = \"refuse\" in phases.toml stops an apply here: take the changes back, or put them into a migration")
                .next(format!("{} diff", context.program));
            CommandError::new(Exit::Findings, problem)
        }
        RunError::Remembered(error) => {
            let mut problem = Problem::new("catalog-unreadable", error.to_string())
                .hint("its row in the history's table catalog may be deleted: it only serves to tell what differs")
                .next(format!("{} history --verify", context.program));
            if let Some(source) = std::error::Error::source(error) {
                problem = problem.detail(source.to_string());
            }
            CommandError::failed(problem)
        }
        RunError::Interrupted => {
            let mut problem = Problem::new("interrupted", "interrupted between two migrations")
                .next(context.again());
            problem.committed = Some(context.told(None));
            CommandError::new(Exit::Interrupted, problem)
        }
        RunError::NotReplicated { migrations } => {
            let mut problem = Problem::new(
                "not-replicated",
                format!("{} may be lost if this server is", migrations.join(", ")),
            )
            .detail("the server stopped waiting for its synchronous standby after the commit")
            .hint(
                "look what the standby has: select application_name, sync_state, flush_lsn \
                 from pg_stat_replication",
            )
            .next(context.status());
            problem.committed = Some(context.told(None));
            CommandError::new(Exit::Partial, problem)
        }
        RunError::Migration { migration, stop } => migration_stop(migration, stop, context),
    }
}

pub(super) fn history(error: &HistoryError, context: &RunContext) -> CommandError {
    match error {
        HistoryError::Query { what, failure } => history_query(what, failure, context),
        HistoryError::Format(FormatError::Newer { .. }) => CommandError::refused(
            Problem::new("history-newer", error.to_string())
                .hint("a later evmig has worked here; use that one"),
        ),
        HistoryError::Format(_) => CommandError::refused(
            Problem::new("history-format", error.to_string()).hint(FOREIGN_HISTORY),
        ),
        HistoryError::SeveralRefineryTables { .. } => CommandError::refused(
            Problem::new("several-refinery-tables", error.to_string())
                .hint("rename the ones that are out of use; evmig takes over the one that is left"),
        ),
        HistoryError::NotRefinerys { .. } => {
            CommandError::refused(Problem::new("not-refinerys", error.to_string()).hint(
                "where another tool owns the table, choose another schema with history_schema in \
                 phases.toml; a table that was removed comes back from a backup only",
            ))
        }
        HistoryError::MayNotCreate { .. } => CommandError::refused(
            Problem::new("rights", error.to_string())
                .hint(grant_hint(&context.database, &context.user)),
        ),
        HistoryError::Unreadable { .. } => CommandError::new(
            Exit::Divergent,
            Problem::new("history-unreadable", error.to_string())
                .next(format!("{} history --verify", context.program)),
        ),
    }
}

/// What can be done about tables that evmig did not make like this.
const OUT_OF_SHAPE: &str = "the tables of the history schema are not as evmig makes them: restore \
     them from a backup or, where another tool owns the schema, choose another one with \
     history_schema in phases.toml";

/// One of evmig's queries on its history failed: for want of rights, because the tables are not
/// evmig's, or for a reason of the server's.
fn history_query(what: &str, failure: &DbFailure, context: &RunContext) -> CommandError {
    let refused = match failure.sqlstate.as_deref() {
        Some("42501") => Problem::new("rights", what).hint(format!(
            "connect as the role that owns the history schema, or let it grant its rights: \
             grant <owner> to {}",
            quoted(&context.user)
        )),
        // A table or column of ours is missing, or something else is in its place.
        Some(state) if state.starts_with("42") => {
            Problem::new("history-out-of-shape", what).hint(OUT_OF_SHAPE)
        }
        _ => {
            let mut problem = with_failure(Problem::new("history", what), failure);
            problem.committed = Some(context.told(None));
            return CommandError::new(context.failure_exit(), problem);
        }
    };
    let hint = refused.hint.clone();
    let mut problem = with_failure(refused, failure);
    problem.hint = hint;
    if context.failure_exit() == Exit::Partial {
        problem.committed = Some(context.told(None));
        return CommandError::new(Exit::Partial, problem);
    }
    CommandError::refused(problem)
}

fn plan(refused: &PlanRefusal, context: &RunContext) -> CommandError {
    let problem = |code: &str| Problem::new(code, refused.to_string());
    match refused {
        PlanRefusal::Differs { divergent, missing } => CommandError {
            exit: Exit::Divergent,
            problems: divergent
                .iter()
                .map(|file| divergent_problem(file, context))
                .chain(missing.iter().map(|file| missing_problem(file, context)))
                .collect(),
            reported: false,
        },
        PlanRefusal::HalfReverted { .. } => CommandError::refused(
            problem("half-reverted")
                .hint("finish the rollback first; it goes on at the statement it stopped at")
                .next(format!("{} rollback", context.program)),
        ),
        PlanRefusal::OutOfOrder { files, newest, .. } => CommandError::refused(
            problem("out-of-order")
                .detail(format!(
                    "pending: {}; newest applied: V{newest}",
                    files.join(", ")
                ))
                .hint(
                    "give them newer versions, or run them late after reading them against \
                     today's schema",
                )
                .next(format!("{} --out-of-order", context.again())),
        ),
        PlanRefusal::RequiresPending {
            requires, pending, ..
        } => CommandError::refused(
            problem("requires-pending")
                .detail(format!("pending in {requires}: {}", pending.join(", ")))
                .next(format!("{} --phase {requires}", context.again())),
        ),
        PlanRefusal::WrongEnvironment { allowed, .. } => CommandError::refused(
            problem("wrong-environment")
                .hint(format!("phases.toml allows it in: {}", allowed.join(", "))),
        ),
        PlanRefusal::UnknownPhase(unknown) => CommandError::usage(named(
            problem("unknown-phase"),
            &unknown.valid,
            unknown.nearest.as_deref(),
        )),
        PlanRefusal::UnknownStep(unknown) => CommandError::usage(named(
            problem("unknown-step"),
            &unknown.valid,
            unknown.nearest.as_deref(),
        )),
        PlanRefusal::UnknownVersion { nearest, .. } => {
            let nearest: Vec<String> = nearest
                .iter()
                .map(|version| format!("V{version}"))
                .collect();
            CommandError::usage(problem("unknown-version").hint(match nearest.as_slice() {
                [one] => format!("the nearest is {one}"),
                _ => format!("the nearest are {}", nearest.join(", ")),
            }))
        }
        PlanRefusal::NothingToRepair { .. } => {
            CommandError::usage(problem("nothing-to-repair").next(context.status()))
        }
        PlanRefusal::ObjectsPresent { .. } => CommandError::refused(
            problem("objects-present")
                .hint(
                    "if the schema is what the migrations make, record them as applied; if it is \
                     not, this is the wrong database",
                )
                .next(format!("{} baseline --reason '…'", context.program)),
        ),
    }
}

fn named(problem: Problem, valid: &[String], nearest: Option<&str>) -> Problem {
    let problem = problem.detail(format!("there are: {}", valid.join(", ")));
    match nearest {
        Some(name) => problem.hint(format!("did you mean `{name}`?")),
        None => problem,
    }
}

fn divergent_problem(file: &DivergentFile, context: &RunContext) -> Problem {
    let message = match &file.difference {
        Difference::Text => format!("{} was changed after it was applied", file.file),
        Difference::Name(old) => {
            format!("{} was applied under the name {old}", file.file)
        }
    };
    let version = file
        .label
        .split("__")
        .next()
        .unwrap_or_default()
        .trim_start_matches('V');
    let accept = format!("{} repair {version} --reason '…'", context.program);
    let problem = Problem::new("divergent", message);
    if let Difference::Name(old) = &file.difference {
        let folder = file.file.rsplit_once('/').map_or("", |(folder, _)| folder);
        return problem
            .hint("give the file its name back, or accept the new one")
            .next(format!("mv {} {folder}/V{version}__{old}.sql", file.file))
            .next(accept);
    }
    let problem = problem.hint(
        "take the change back, or put it into a new migration; accept it only if the database has it",
    );
    // What only refinery recorded has a checksum, and no text to compare with.
    let problem = match file.seq {
        Some(_) => problem.next(format!(
            "{} history --script {version} --diff",
            context.program
        )),
        None => problem,
    };
    problem.next(accept)
}

fn missing_problem(file: &MissingFile, context: &RunContext) -> Problem {
    let label = match &file.key {
        crate::history::model::Key::Version(version) => format!("V{version}__{}", file.name),
        crate::history::model::Key::Repeatable(name) => format!("R__{name}"),
    };
    let by = if file.run.is_empty() {
        "refinery".to_owned()
    } else {
        format!("run {}", file.run)
    };
    let problem = Problem::new(
        "missing",
        format!(
            "{label} was applied by {by} on {}, and its file is gone",
            file.at
        ),
    );
    match (&file.key, file.seq) {
        (crate::history::model::Key::Version(version), Some(_)) => problem
            .hint(format!(
                "put the file back into the folder of step {}; the history has its text",
                file.step
            ))
            .next(format!(
                "{} history --script {version} > {label}.sql",
                context.program
            )),
        _ => problem.hint("put the file back"),
    }
}

fn busy(holder: Option<&Blocker>, waited: Duration, context: &RunContext) -> CommandError {
    let problem = Problem::new(
        "busy",
        format!(
            "another run held the lock for all of {} s",
            waited.as_secs()
        ),
    )
    .hint("wait for it, or wait longer with --wait; the lock goes away with its session")
    .next(context.again());
    let problem = match holder {
        Some(holder) => problem.detail(blocker_text(holder)),
        None => problem,
    };
    CommandError::new(Exit::Locked, problem)
}

/// Describes a session in one line.
pub(super) fn blocker_text(blocker: &Blocker) -> String {
    let mut parts = Vec::new();
    if !blocker.is_prepared() {
        parts.push(format!("pid {}", blocker.pid));
    }
    if !blocker.user.is_empty() {
        parts.push(format!("user {}", blocker.user));
    }
    if !blocker.application.is_empty() {
        parts.push(blocker.application.clone());
    }
    if !blocker.backend_type.is_empty() && blocker.backend_type != "client backend" {
        parts.push(blocker.backend_type.clone());
    }
    if !blocker.state.is_empty() {
        parts.push(blocker.state.clone());
    }
    parts.extend(
        blocker
            .transaction_seconds
            .map(|seconds| format!("its transaction {seconds} s old")),
    );
    let about = parts.join(", ");
    if blocker.query.is_empty() {
        about
    } else {
        format!("{about}: {}", blocker.query)
    }
}
