//! Words and exit codes for a dry run that could not be made.

use super::refusal::quoted;
use super::run::{RunContext, blocker_text, of_run};
use super::{CommandError, connect_problem, with_failure};
use crate::catalog::error::CatalogError;
use crate::cli::exit::Exit;
use crate::history::error::HistoryError;
use crate::preview::dump::DumpFileError;
use crate::preview::{NotOnTarget, PreviewError};
use crate::report::place::Snippet;
use crate::report::problem::Problem;
use crate::runner::error::RunError;
use crate::shadow::{ArchiveError, ClientError};

/// What can be had without a throw-away database.
const WITHOUT: &str = "without one, --level sql lists the statements, and --level rollback runs them on the target, \
                       which locks what they change";

/// Gives what stopped a dry run its exit code and its words. Whatever it is, nothing has changed.
pub fn of_preview(
    error: &PreviewError,
    context: &RunContext,
    history_schema: &str,
) -> CommandError {
    let message = error.to_string();
    match error {
        PreviewError::Run(RunError::History(error)) if let Some(failure) = denied(error) => {
            let (role, schema) = (quoted(&context.user), quoted(history_schema));
            CommandError::refused(
                with_failure(
                    Problem::new("history-unreadable", "the role may not read the history"),
                    failure,
                )
                .hint("what is pending cannot be known without it; let its owner run what follows")
                .next(format!("grant usage on schema {schema} to {role};"))
                .next(format!(
                    "grant select on all tables in schema {schema} to {role};"
                )),
            )
        }
        PreviewError::Run(error) => of_run(error, context),
        PreviewError::NoServer(source) => {
            let problem = Problem::new("no-shadow-server", message)
                .detail(source.to_string())
                .hint(without(Some(source.hint()), context));
            CommandError::refused(beside(others(problem, context), context))
        }
        PreviewError::Unreachable(source) => {
            let mut problem = connect_problem(source);
            "no-shadow-server".clone_into(&mut problem.code);
            problem.message = format!("{message}: {}", problem.message);
            problem.hint = Some(without(problem.hint.take(), context));
            CommandError::refused(others(problem, context))
        }
        PreviewError::Address(source) => {
            CommandError::refused(Problem::new("no-shadow-server", source.to_string()))
        }
        PreviewError::Shadow { failure, .. } => {
            let problem = with_failure(Problem::new("shadow-failed", message), failure);
            CommandError::refused(others(problem, context))
        }
        PreviewError::Shared { .. }
        | PreviewError::SharedByCall { .. }
        | PreviewError::NotOnTarget(_)
        | PreviewError::MayNotCreate { .. }
        | PreviewError::ReadOnly
        | PreviewError::Pooled { .. } => CommandError::refused(not_made(error, context)),
        PreviewError::Busy { holder, .. } => {
            let problem = Problem::new("shadow-busy", message)
                .hint(
                    "whoever makes roles on a server must be alone there; if that run hangs, end it: its \
                     session, and the lock with it, end too",
                )
                .next(context.again());
            let problem = without_server(problem, context);
            let problem = match holder {
                Some(holder) => problem.detail(blocker_text(holder)),
                None => problem,
            };
            CommandError::new(Exit::Locked, problem)
        }
        PreviewError::Dump(source) => of_dump(source),
        PreviewError::Catalog(source) => catalog(message, source),
        PreviewError::Unbound(source) => unbound(message, source),
        PreviewError::OverBudget { .. } => over_budget(message, context),
        PreviewError::Interrupted => CommandError::new(
            Exit::Interrupted,
            Problem::new(
                "interrupted",
                "interrupted; nothing of the target was changed",
            ),
        ),
    }
}

/// The dry run on the target took too long.
fn over_budget(message: String, context: &RunContext) -> CommandError {
    CommandError::new(
        Exit::Locked,
        Problem::new("dry-run-over-budget", message)
            .hint("the strictest max_lock_hold of the phases says how long it may take, or 30 s")
            .next(format!("{} --level shadow", context.again())),
    )
}

/// A throw-away database's catalog cannot be read.
fn catalog(message: String, error: &CatalogError) -> CommandError {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let problem = Problem::new("own-query", message);
    CommandError::failed(match cause {
        Some(cause) => problem.detail(cause),
        None => problem,
    })
}

/// A plan would be bound to a catalog that cannot be read.
fn unbound(message: String, error: &CatalogError) -> CommandError {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    CommandError::refused(
        Problem::new("plan-unbound", message)
            .detail(cause.unwrap_or_else(|| error.to_string()))
            .hint(
                "make the plan as a role that may read the catalog, or without --out to look only",
            ),
    )
}

/// The failure of a history that is there and may not be read.
fn denied(error: &HistoryError) -> Option<&crate::pg::error::DbFailure> {
    match error {
        HistoryError::Query { failure, .. } if failure.sqlstate.as_deref() == Some("42501") => {
            Some(failure)
        }
        _ => None,
    }
}

/// Says why a server that is there takes no throw-away database.
fn not_made(error: &PreviewError, context: &RunContext) -> Problem {
    let message = error.to_string();
    match error {
        PreviewError::Shared { .. } | PreviewError::SharedByCall { .. } => {
            let problem = Problem::new("shadow-shares-server", message).hint(
                "roles, settings of databases and replication belong to the whole server, and would \
                 be changed for good: let the throw-away database be on another one",
            );
            elsewhere(problem, context)
        }
        PreviewError::NotOnTarget(why) => {
            let problem = Problem::new("shadow-not-on-target", message).hint(not_on_target(*why));
            let problem = match why {
                NotOnTarget::Protected => beside(problem, context),
                _ => problem,
            };
            elsewhere(problem, context)
        }
        PreviewError::MayNotCreate { role, on_target } => {
            let problem = Problem::new("shadow-may-not-create", message)
                .hint("a superuser can allow it, with what follows")
                .next(format!("alter role {} createdb;", quoted(role)));
            if *on_target {
                elsewhere(problem, context)
            } else {
                others(problem, context)
            }
        }
        _ => {
            let problem = Problem::new("no-shadow-server", message)
                .hint("name a server that takes changes, by its own address");
            others(problem, context)
        }
    }
}

fn not_on_target(why: NotOnTarget) -> &'static str {
    match why {
        NotOnTarget::Pooler => "connect to the server's own address, or make it elsewhere",
        NotOnTarget::Standby => {
            "connect to the primary; where the URL lists several hosts, \
             target_session_attrs=read-write finds it"
        }
        NotOnTarget::ReadOnly => {
            "default_transaction_read_only is on for the role or the server: use another role, or make it \
             elsewhere"
        }
        NotOnTarget::Protected => {
            "--shadow target says so, and asks; --yes is the consent in advance"
        }
        NotOnTarget::OtherServer => "name one server, by its own address",
    }
}

/// Offers servers that are not the target's, and the level that needs none.
fn elsewhere(problem: Problem, context: &RunContext) -> Problem {
    others(
        problem.next(format!("{} --shadow embedded", context.again())),
        context,
    )
}

/// Offers the target's own server.
fn beside(problem: Problem, context: &RunContext) -> Problem {
    problem.next(format!("{} --shadow target", context.again()))
}

/// Returns whether two catalogs are compared: then there is no target, and no other level.
fn compares(context: &RunContext) -> bool {
    context.command.starts_with("diff ")
}

/// Adds to a hint what can be had without a throw-away database.
fn without(hint: Option<String>, context: &RunContext) -> String {
    let known = hint.into_iter();
    let levels = (!compares(context)).then(|| WITHOUT.to_owned());
    known.chain(levels).collect::<Vec<_>>().join("\n")
}

/// Offers the level that needs no server; a comparison has none.
fn without_server(problem: Problem, context: &RunContext) -> Problem {
    if compares(context) {
        return problem;
    }
    problem.next(format!("{} --level sql", context.again()))
}

/// Offers that, and another server.
fn others(problem: Problem, context: &RunContext) -> Problem {
    let problem = without_server(problem, context);
    problem.next(format!("{} --shadow-url URL", context.again()))
}

/// Gives a dump that cannot be read its exit code and its words.
pub fn of_dump(error: &DumpFileError) -> CommandError {
    let message = error.to_string();
    let bad = |snippet: &Option<Snippet>| {
        CommandError::usage(
            Problem::new("bad-dump", message.clone())
                .at(snippet.clone())
                .hint(
                    "pg_dump --schema-only writes one, of a single database and without --create",
                ),
        )
    };
    match error {
        DumpFileError::Unreadable { .. } => CommandError::usage(Problem::new("no-dump", message)),
        DumpFileError::NotText { .. } | DumpFileError::Empty { .. } => bad(&None),
        DumpFileError::Cut { snippet, .. } | DumpFileError::Include { snippet } => {
            bad(&Some((**snippet).clone()))
        }
        DumpFileError::Archive(ArchiveError::Program(error)) => {
            let problem = Problem::new("client-missing", message);
            let problem = match error {
                ClientError::NotFound { looked_in, .. } => {
                    problem.detail(format!("looked in:\n{}", looked_in.join("\n")))
                }
                ClientError::TooOld { .. } => problem,
            };
            CommandError::refused(problem.hint(
                "an archive is read by pg_restore: install PostgreSQL's client programs, or set EVMIG_PG_BIN to \
                 their directory",
            ))
        }
        DumpFileError::Archive(ArchiveError::Failed { .. }) => CommandError::usage(
            Problem::new("bad-dump", message)
                .hint("what a newer pg_dump has written takes a pg_restore as new"),
        ),
        DumpFileError::Archive(ArchiveError::Io { .. } | ArchiveError::Text { .. }) => bad(&None),
    }
}
