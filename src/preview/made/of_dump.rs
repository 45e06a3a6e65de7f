//! Makes the schema of a dump.

use std::cell::RefCell;

use super::{GOODBYE, Made, Making, make_role, read, version};
use crate::pg::error::DbFailure;
use crate::pg::session::Session;
use crate::preview::dump::{Dump, Statement};
use crate::preview::error::PreviewError;
use crate::preview::server::Server;
use crate::report::place::Snippet;
use crate::report::problem::Problem;

/// Roles that one statement may name without their being there.
const MOST_ROLES: usize = 64;

/// Restores a dump into a throw-away database, and reads that.
pub(super) async fn run(
    making: &Making<'_>,
    server: &Server,
    dump: &Dump,
    roles: &RefCell<Vec<String>>,
) -> Result<Made, PreviewError> {
    let database = server.make(None).await?;
    let restoring = server.open(&database, None, making.history_schema).await?;
    let session = &restoring.session;
    // What is written by hand may count on the usual one; pg_dump sets its own.
    let path = format!("set search_path = {}", restoring.beginnings.search_path);
    let set = session.run(&path).await;
    set.map_err(PreviewError::shadow("could not set the search path"))?;
    // The names of roles are read from what the server says. Where it goes on in another language, they are told as
    // what is missing.
    drop(session.run("set lc_messages = 'C'").await);
    let mut refused = Vec::new();
    for statement in dump.statements() {
        if let Some(why) = statement.beyond {
            refused.push(Refused::beyond(dump, statement, why));
            continue;
        }
        let sql = dump.sql(statement);
        if let Err(failure) = with_roles(server, session, sql, roles).await {
            if session.is_closed() {
                let what = "the connection was lost while the dump was restored";
                return Err(PreviewError::shadow(what)(failure));
            }
            refused.push(Refused::by_server(dump, statement, &failure));
        }
    }
    restoring.session.close(GOODBYE).await;
    let mut notes = Vec::new();
    notes.extend(Refused::told(&refused, dump));
    notes.extend(rows_left_out(dump));
    Ok(Made {
        snapshot: read(making, server, &database).await?,
        server_version: version(server),
        ran: dump.statements().len() - refused.len(),
        is_whole: refused.is_empty(),
        notes,
    })
}

fn rows_left_out(dump: &Dump) -> Option<Problem> {
    (dump.rows_left_out > 0).then(|| {
        let message = format!(
            "{} has rows, which are no part of a schema: they were not read",
            dump.path
        );
        Problem::new("dump-rows", message).hint("pg_dump --schema-only leaves them out")
    })
}

/// Runs a statement; a role that it names and that is not there is made, and it runs again. A dump has none.
async fn with_roles(
    server: &Server,
    session: &Session,
    sql: &str,
    roles: &RefCell<Vec<String>>,
) -> Result<(), DbFailure> {
    for _ in 0..MOST_ROLES {
        let Err(failure) = session.run_users(sql).await else {
            return Ok(());
        };
        // What is made on the other side's own server would be seen by everybody there.
        let missing = missing_role(&failure).filter(|_| !server.is_targets_own());
        let missing = missing.map(str::to_owned);
        let Some(name) = missing.filter(|name| !roles.borrow().contains(name)) else {
            return Err(failure);
        };
        make_role(server, &name, "", roles).await?;
    }
    session.run_users(sql).await
}

/// `role "app" does not exist`
fn missing_role(failure: &DbFailure) -> Option<&str> {
    const UNDEFINED_OBJECT: &str = "42704";
    let named = failure.message.strip_prefix("role \"")?;
    let name = named.strip_suffix("\" does not exist")?;
    (failure.sqlstate.as_deref() == Some(UNDEFINED_OBJECT)).then_some(name)
}

/// A statement of a dump that did not run.
struct Refused {
    line: String,
    sqlstate: Option<String>,
    snippet: Snippet,
}

impl Refused {
    fn by_server(dump: &Dump, statement: &Statement, failure: &DbFailure) -> Self {
        let offset = failure.caret_in(dump.sql(statement)).unwrap_or(0);
        let state = failure.sqlstate.as_deref().unwrap_or("no SQLSTATE");
        let snippet = dump.snippet(statement, offset);
        Self {
            line: format!("line {}: {state}: {}", snippet.place.line, failure.message),
            sqlstate: failure.sqlstate.clone(),
            snippet,
        }
    }

    fn beyond(dump: &Dump, statement: &Statement, why: &str) -> Self {
        let snippet = dump.snippet(statement, 0);
        Self {
            line: format!("line {}: not tried: {why}", snippet.place.line),
            sqlstate: None,
            snippet,
        }
    }

    /// Says what is missing of a dump, and shows the first of it: what follows often follows from it.
    fn told(refused: &[Self], dump: &Dump) -> Option<Problem> {
        let first = refused.first()?;
        let lines: Vec<&str> = refused.iter().map(|one| one.line.as_str()).collect();
        let message = match refused.len() {
            1 => format!("1 statement of {} did not run", dump.path),
            number => format!("{number} statements of {} did not run", dump.path),
        };
        let mut problem = Problem::new("dump-incomplete", message)
            .at(Some(first.snippet.clone()))
            .detail(lines.join("\n"))
            .hint(
                "what they make is missing from the comparison; an extension has to be installed where the throw-away \
                 databases are, or name a server that has it with --shadow-url",
            );
        problem.sqlstate.clone_from(&first.sqlstate);
        Some(problem)
    }
}
