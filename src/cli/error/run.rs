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

    /// Says what is in the database now: of the run, and of the migration that stopped.
    fn told(&self, stopped: Option<&MigrationRef>) -> String {
        let before = match self.committed.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            [one, two] => Some(format!("{one} and {two}")),
            [first, .., last] => Some(format!(
                "{first} to {last} ({} migrations)",
                self.committed.len()
            )),
        };
        let own = stopped.map(|migration| match self.kept {
            0 => format!("nothing of {}", migration.label()),
            1 => format!("the first statement of {}", migration.label()),
            kept => format!("the first {kept} statements of {}", migration.label()),
        });
        match (before, own) {
            (None, _) if self.kept == 0 => "nothing; the database is as it was".to_owned(),
            (Some(before), Some(own)) => format!("{before}; {own}"),
            (Some(text), None) | (None, Some(text)) => text,
            (None, None) => "nothing; the database is as it was".to_owned(),
        }
    }
}

/// Gives what stopped a run its exit code and its words.
pub fn of_run(error: &RunError, context: &RunContext) -> CommandError {
    match error {
        RunError::Connect(error) => CommandError::connect(error),
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

fn refusal(reason: &Refusal, context: &RunContext) -> Problem {
    let problem = |code| Problem::new(code, reason.to_string());
    match reason {
        Refusal::TooOld { .. } => problem("server-too-old").hint(
            "upgrade the server: PostgreSQL 13 gets no fixes any more, and evmig relies on \
             client_connection_check_interval (14)",
        ),
        Refusal::Standby => problem("standby").hint(
            "connect to the primary; where the URL lists several hosts, \
                 target_session_attrs=read-write finds it",
        ),
        Refusal::ReadOnly { set_by } => {
            problem("read-only").hint(read_only_hint(set_by.as_ref(), context))
        }
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
        Refusal::CannotCreateSchema { role, database } => {
            problem("rights").hint(grant_hint(database, role))
        }
    }
}

fn read_only_hint(set_by: Option<&ReadOnlySource>, context: &RunContext) -> String {
    let setting = "default_transaction_read_only";
    let role = quoted(&context.user);
    let database = quoted(&context.database);
    match set_by {
        Some(ReadOnlySource::Role) => {
            format!("{setting} is set for the role: alter role {role} reset {setting}")
        }
        Some(ReadOnlySource::Database) => {
            format!("{setting} is set for the database: alter database {database} reset {setting}")
        }
        Some(ReadOnlySource::RoleInDatabase) => format!(
            "{setting} is set for the role in this database: alter role {role} in database \
             {database} reset {setting}"
        ),
        Some(ReadOnlySource::Server) => format!(
            "{setting} is on in the server's configuration, perhaps for a reason (maintenance, a \
             full disk); then: alter system reset {setting}, or edit postgresql.conf, and \
             select pg_reload_conf()"
        ),
        Some(ReadOnlySource::Session) => format!(
            "{setting} comes with the connection: take it out of PGOPTIONS or of `options` in \
             the URL"
        ),
        Some(ReadOnlySource::Other(source)) => format!("{setting} is on (source: {source})"),
        None => "the server may be in maintenance or in the middle of a failover".to_owned(),
    }
}

fn grant_hint(database: &str, role: &str) -> String {
    format!(
        "evmig keeps its history in a schema of its own; let the database's owner or a superuser \
         run: grant create on database {} to {}",
        quoted(database),
        quoted(role)
    )
}

fn quoted(name: &str) -> String {
    crate::sql::name::QualifiedName {
        schema: None,
        name: name.to_owned(),
    }
    .quoted()
}

fn history(error: &HistoryError, context: &RunContext) -> CommandError {
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
        HistoryError::Unreadable { .. } | HistoryError::VersionTooLarge { .. } => {
            CommandError::new(
                Exit::Divergent,
                Problem::new("history-unreadable", error.to_string())
                    .next(format!("{} history --verify", context.program)),
            )
        }
    }
}

/// What can be done about tables that evmig did not make like this.
const OUT_OF_SHAPE: &str = "the tables of the history schema are not as evmig makes them: restore \
     them from a backup or, where another tool owns the schema, choose another one with \
     history_schema in phases.toml";

/// One of evmig's queries on its history failed: for want of rights, because the tables are not
/// evmig's, or for a reason of the server's.
fn history_query(what: &str, failure: &DbFailure, context: &RunContext) -> CommandError {
    let mut problem = with_failure(Problem::new("history", what), failure);
    problem.committed = Some(context.told(None));
    let (code, hint) = match failure.sqlstate.as_deref() {
        Some("42501") => (
            "rights",
            format!(
                "connect as the role that owns the history schema, or let it grant its rights: \
                 grant <owner> to {}",
                quoted(&context.user)
            ),
        ),
        // A table or column of ours is missing, or something else is in its place.
        Some(state) if state.starts_with("42") => ("history-out-of-shape", OUT_OF_SHAPE.to_owned()),
        _ => return CommandError::new(context.failure_exit(), problem),
    };
    code.clone_into(&mut problem.code);
    problem.hint = Some(hint);
    if context.failure_exit() == Exit::Partial {
        return CommandError::new(Exit::Partial, problem);
    }
    problem.committed = None;
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
            let mut problem = with_failure(about("sql-failed", message, snippet), failure);
            if context.kept > 0 {
                let ours = format!(
                    "apply goes on at statement {}; what is before it is committed, and must stay \
                     as it is in the file",
                    index + 1
                );
                problem.hint = Some(match problem.hint {
                    Some(hint) => format!("{hint}\n{ours}"),
                    None => ours,
                });
            }
            // The statement may stand in a file that the migration includes.
            let file = snippet
                .as_ref()
                .map_or(&migration.file, |snippet| &snippet.place.file);
            CommandError::new(
                failed,
                problem.next(format!("edit {file}")).next(context.again()),
            )
        }
        Stop::AtEnd { failure } => {
            let message = format!(
                "{label} failed at COMMIT, where deferred constraints and triggers are checked"
            );
            let problem = with_failure(about("commit-failed", message, &None), failure);
            CommandError::new(
                failed,
                problem
                    .next(format!("edit {}", migration.file))
                    .next(context.again()),
            )
        }
        Stop::EndedTransaction { snippet } => CommandError::new(
            // The file is wrong; but where others before it are committed, that weighs more.
            if failed == Exit::Partial {
                Exit::Partial
            } else {
                Exit::Usage
            },
            about(
                "transaction-control",
                format!("{label} ends its own transaction, inside a block or a procedure"),
                snippet,
            )
            .hint(
                "take COMMIT and ROLLBACK out, or put `-- evmig: no-transaction` on the first \
                 line to run the file statement by statement",
            )
            .next(format!("edit {}", migration.file))
            .next(context.again()),
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
            problem.committed = Some(match context.committed.as_slice() {
                [] => format!("{label}, or nothing of this run"),
                _ => format!("{}; perhaps {label}", context.told(None)),
            });
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
