//! Words and exit codes for everything that can stop a run.

use std::time::Duration;

use super::{CommandError, project_problem, with_failure};
use crate::cli::exit::Exit;
use crate::history::error::HistoryError;
use crate::history::upgrade::FormatError;
use crate::pg::error::DbFailure;
use crate::pg::probe::ReadOnlySource;
use crate::pg::refusal::Refusal;
use crate::plan::refusal::{DivergentFile, PlanRefusal};
use crate::plan::standing::{Difference, MissingFile};
use crate::report::event::{Blocker, MigrationRef};
use crate::report::place::Snippet;
use crate::report::problem::Problem;
use crate::runner::error::{RunError, Stop};

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
}

impl RunContext {
    fn again(&self) -> String {
        format!("{} {}", self.program, self.command)
    }

    fn status(&self) -> String {
        format!("{} status", self.program)
    }

    /// Failed with nothing done, or with a part of it committed.
    fn failure_exit(&self) -> Exit {
        if self.committed.is_empty() && self.kept == 0 {
            Exit::Failed
        } else {
            Exit::Partial
        }
    }

    fn told(&self, stopped: Option<&MigrationRef>) -> String {
        let before = match self.committed.as_slice() {
            [] => "nothing of this run is in the database".to_owned(),
            [one] => format!("{one} is in the database"),
            [first, .., last] => format!(
                "{first} to {last} ({} migrations) are in the database",
                self.committed.len()
            ),
        };
        match (stopped, self.kept) {
            (None, _) => before,
            (Some(_), 0) if self.committed.is_empty() => before,
            (Some(migration), 0) => format!("{before}; nothing of {} is", migration.label()),
            (Some(migration), 1) => {
                format!("{before}; of {}, 1 statement is", migration.label())
            }
            (Some(migration), kept) => {
                format!(
                    "{before}; of {}, the first {kept} statements are",
                    migration.label()
                )
            }
        }
    }
}

/// Gives what stopped a run its exit code and its words.
pub fn of_run(error: &RunError, context: &RunContext) -> CommandError {
    match error {
        RunError::Connect(error) => CommandError::connect(error),
        RunError::Refused { reasons } => CommandError {
            exit: Exit::Refused,
            problems: reasons.iter().map(refusal).collect(),
            reported: false,
        },
        RunError::Setting(not_taken) => CommandError::refused(
            Problem::new("setting-not-taken", not_taken.to_string())
                .hint("something between evmig and the server changes settings: a pooler?"),
        ),
        RunError::History(error) => history(error, context),
        RunError::Plan(refused) => plan(refused, context),
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
        RunError::Interrupted => {
            let mut problem = Problem::new("interrupted", "interrupted between two migrations")
                .next(context.again());
            problem.committed = Some(context.told(None));
            CommandError::new(Exit::Interrupted, problem)
        }
        RunError::Migration { migration, stop } => migration_stop(migration, stop, context),
    }
}

fn refusal(reason: &Refusal) -> Problem {
    let problem = |code| Problem::new(code, reason.to_string());
    match reason {
        Refusal::TooOld { .. } => problem("server-too-old").hint(
            "upgrade the server: PostgreSQL 13 gets no fixes any more, and evmig relies on \
             client_connection_check_interval (14)",
        ),
        Refusal::Standby => problem("standby")
            .hint("connect to the primary; target_session_attrs=read-write finds it"),
        Refusal::ReadOnly { set_by } => problem("read-only").hint(read_only_hint(set_by.as_ref())),
        Refusal::TransactionPooler { session_url, .. } => {
            let problem = problem("transaction-pooler").detail(
                "session locks and settings do not survive in a transaction pooler, and evmig's \
                 safety rests on both",
            );
            match session_url {
                Some(url) => problem
                    .hint("use the session-mode address")
                    .next(format!("evmig apply --database-url '{url}'")),
                None => problem.hint(
                    "connect to the server itself (usually port 5432), or to a pool with \
                     pool_mode = session",
                ),
            }
        }
        Refusal::Encoding { .. } => problem("encoding").hint(
            "create the database with ENCODING 'UTF8' TEMPLATE template0; migrations are UTF-8, \
             and not all of it fits",
        ),
        Refusal::CannotCreateSchema { role, database } => problem("rights").hint(format!(
            "let an owner or superuser run: grant create on database \"{database}\" to \"{role}\""
        )),
    }
}

fn read_only_hint(set_by: Option<&ReadOnlySource>) -> String {
    let reset = "reset default_transaction_read_only";
    match set_by {
        Some(ReadOnlySource::Role) => {
            format!("default_transaction_read_only is set for the role: ALTER ROLE … {reset}")
        }
        Some(ReadOnlySource::Database) => format!(
            "default_transaction_read_only is set for the database: ALTER DATABASE … {reset}"
        ),
        Some(ReadOnlySource::RoleInDatabase) => format!(
            "default_transaction_read_only is set for the role in this database: \
             ALTER ROLE … IN DATABASE … {reset}"
        ),
        Some(ReadOnlySource::Server) => {
            "default_transaction_read_only is on in the server's configuration".to_owned()
        }
        Some(ReadOnlySource::Session) => {
            "default_transaction_read_only comes from the connection's options (PGOPTIONS?)"
                .to_owned()
        }
        Some(ReadOnlySource::Other(source)) => {
            format!("default_transaction_read_only is on (source: {source})")
        }
        None => "the server may be in maintenance or in the middle of a failover".to_owned(),
    }
}

fn history(error: &HistoryError, context: &RunContext) -> CommandError {
    match error {
        HistoryError::Query { what, failure }
            if out_of_shape(failure) && context.failure_exit() == Exit::Failed =>
        {
            CommandError::refused(
                with_failure(Problem::new("history-out-of-shape", *what), failure).hint(
                    "the tables of the history schema are not as evmig makes them: restore them \
                     from a backup or, where another tool owns the schema, choose another one \
                     with history_schema in phases.toml",
                ),
            )
        }
        HistoryError::Query { what, failure } => {
            let mut problem = with_failure(Problem::new("history", *what), failure);
            if failure.sqlstate.as_deref() == Some("42501") {
                problem.hint = Some(
                    "the role needs the rights of the role that created the history schema".into(),
                );
            }
            problem.committed = Some(context.told(None));
            CommandError::new(context.failure_exit(), problem)
        }
        HistoryError::Format(FormatError::Newer { .. }) => CommandError::refused(
            Problem::new("history-newer", error.to_string())
                .hint("a later evmig has worked here; use that one"),
        ),
        HistoryError::Format(_) => {
            CommandError::refused(Problem::new("history-format", error.to_string()).hint(
                "another tool may own this schema: choose another one with history_schema in \
                 phases.toml",
            ))
        }
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
                .hint("let an owner or superuser run: grant create on database … to …"),
        ),
        HistoryError::Unreadable { .. } | HistoryError::VersionTooLarge { .. } => {
            CommandError::new(
                Exit::Divergent,
                Problem::new("history-unreadable", error.to_string())
                    .next(format!("{} history --verify", context.program)),
            )
        }
    }
}

/// Whether the server misses a table or column of ours, or finds something else in its place.
fn out_of_shape(failure: &DbFailure) -> bool {
    failure
        .sqlstate
        .as_deref()
        .is_some_and(|state| state.starts_with("42") && state != "42501")
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
            CommandError::usage(
                problem("unknown-version").hint(format!("the nearest are {}", nearest.join(", "))),
            )
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
    Problem::new("divergent", message)
        .hint("take the change back, or put it into a new migration; accept it only if the database has it")
        .next(format!("{} history --script {version} --diff", context.program))
        .next(format!("{} repair {version} --reason '…'", context.program))
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
            .hint("put the file back; the history has its text")
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
fn blocker_text(blocker: &Blocker) -> String {
    let mut parts = vec![format!("pid {}", blocker.pid)];
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

fn blockers_text(blockers: &[Blocker]) -> String {
    if blockers.is_empty() {
        return "nobody was seen in the way".to_owned();
    }
    blockers
        .iter()
        .map(blocker_text)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Gives a stopped migration its exit code and its words.
fn migration_stop(migration: &MigrationRef, stop: &Stop, context: &RunContext) -> CommandError {
    let label = migration.label();
    let about = |code: &str, message: String, snippet: &Option<Snippet>| {
        let mut problem = Problem::new(code, message).at(snippet.clone());
        problem.committed = Some(context.told(Some(migration)));
        problem
    };
    let failed = context.failure_exit();
    match stop {
        Stop::Statement {
            index,
            of,
            snippet,
            failure,
            ..
        } => {
            let message = format!("{label} failed at statement {} of {of}", index + 1);
            let problem = with_failure(about("sql-failed", message, snippet), failure);
            CommandError::new(
                failed,
                problem
                    .next(format!("edit {}", migration.file))
                    .next(context.again()),
            )
        }
        Stop::AtEnd { failure } => {
            let message = format!("{label} failed at its end, when it was to be committed");
            let problem = with_failure(about("commit-failed", message, &None), failure);
            CommandError::new(failed, problem.next(context.again()))
        }
        Stop::EndedTransaction { snippet } => CommandError::usage(
            about(
                "transaction-control",
                format!("{label} ends its own transaction, inside a block or a procedure"),
                snippet,
            )
            .hint(
                "take COMMIT and ROLLBACK out, or put `-- evmig: no-transaction` on the first \
                 line to run the file statement by statement",
            ),
        ),
        Stop::Locked {
            tries,
            snippet,
            blockers,
            failure,
            ..
        } => {
            let message = format!("{label} did not get a lock in {tries} tries");
            let problem = with_failure(about("locked", message, snippet), failure)
                .detail(blockers_text(blockers))
                .hint("end the session that is in the way, choose a quieter hour, or allow more with --lock-timeout and --lock-retries")
                .next(context.again());
            let exit = if failed == Exit::Partial {
                Exit::Partial
            } else {
                Exit::Locked
            };
            CommandError::new(exit, problem)
        }
        other => other_stop(migration, other, context),
    }
}

/// The stops that are rarer.
fn other_stop(migration: &MigrationRef, stop: &Stop, context: &RunContext) -> CommandError {
    let label = migration.label();
    let about = |code: &str, message: String, snippet: Option<&Snippet>| {
        let mut problem = Problem::new(code, message).at(snippet.cloned());
        problem.committed = Some(context.told(Some(migration)));
        problem
    };
    let failed = context.failure_exit();
    match stop {
        Stop::OverBudget { budget, snippet, blockers, .. } => {
            let message = format!(
                "{label} was stopped: its CONCURRENTLY statement took longer than {} s",
                budget.as_secs()
            );
            let problem = about("over-budget", message, snippet.as_ref())
                .detail(blockers_text(blockers))
                .hint("raise concurrent_budget, or end the old transactions it waits for")
                .next(context.again());
            let exit = if failed == Exit::Partial { Exit::Partial } else { Exit::Locked };
            CommandError::new(exit, problem)
        }
        Stop::HeldTooLong { relation, limit, snippet } => CommandError::new(
            failed,
            about(
                "lock-held",
                format!(
                    "{label} was stopped: it held a strong lock on {relation} longer than the {} ms \
                     that its phase allows",
                    limit.as_millis()
                ),
                snippet.as_ref(),
            )
            .hint("split the file so that the slow part runs without the lock, or raise max_lock_hold")
            .next(format!("edit {}", migration.file)),
        ),
        Stop::LostLock => CommandError::new(
            failed,
            about(
                "lost-lock",
                format!("{label} was rolled back: its session did not hold the run's lock any more"),
                None,
            )
            .hint("something in the file released it (pg_advisory_unlock?); another run may have begun")
            .next(context.status()),
        ),
        Stop::Interrupted { .. } => CommandError::new(
            Exit::Interrupted,
            about("interrupted", format!("{label} was interrupted and rolled back"), None)
                .next(context.again()),
        ),
        Stop::ConnectionLost { failure } => CommandError::new(
            failed,
            with_lost(about("connection-lost", format!("{label} was not applied: the connection was lost"), None), failure)
                .next(context.again()),
        ),
        Stop::Unknown { failure, why } => {
            let mut problem = with_lost(
                about(
                    "outcome-unknown",
                    format!("{label} may or may not be applied: the connection was lost, and the database cannot be asked"),
                    None,
                ),
                failure,
            )
            .hint(format!("{why}; ask again once the server answers: the history knows"))
            .next(context.status());
            problem.committed = Some(RunContext { kept: 0, ..context.clone() }.told(None));
            CommandError::new(Exit::Unknown, problem)
        }
        Stop::EditedHalfway { snippet, index } => CommandError::new(
            Exit::Divergent,
            about(
                "edited-halfway",
                format!("{label} was edited after its statement {} ran", index + 1),
                snippet.as_ref(),
            )
            .hint("put back the text that ran; later statements may be changed freely"),
        ),
        Stop::ForeignInvalidIndex { index, snippet } => CommandError::new(
            failed,
            about(
                "foreign-invalid-index",
                format!("{label} would take over {index}, an INVALID index that evmig did not make"),
                snippet.as_ref(),
            )
            .hint(format!("drop it first: drop index concurrently {index}"))
            .next(context.again()),
        ),
        Stop::Own { what, failure } => CommandError::new(
            failed,
            with_failure(about("own-query", format!("{label}: {what}"), None), failure)
                .next(context.status()),
        ),
        Stop::Statement { .. }
        | Stop::AtEnd { .. }
        | Stop::EndedTransaction { .. }
        | Stop::Locked { .. } => {
            CommandError::new(failed, about("failed", stop.to_string(), None))
        }
    }
}

fn with_lost(problem: Problem, failure: &DbFailure) -> Problem {
    let mut problem = problem.detail(failure.message.clone());
    problem.sqlstate.clone_from(&failure.sqlstate);
    problem
}
