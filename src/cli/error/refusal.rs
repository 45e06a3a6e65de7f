//! Words for the servers that evmig does not start on, each with the fix.

use super::run::RunContext;
use crate::pg::probe::ReadOnlySource;
use crate::pg::refusal::Refusal;
use crate::report::problem::Problem;

/// Gives a reason not to run its words, and the fix.
pub(super) fn refusal(reason: &Refusal, context: &RunContext) -> Problem {
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

/// Names the grant that lets a role create the history.
pub(super) fn grant_hint(database: &str, role: &str) -> String {
    format!(
        "evmig keeps its history in a schema of its own; let the database's owner or a superuser \
         run: grant create on database {} to {}",
        quoted(database),
        quoted(role)
    )
}

/// Quotes a name as SQL does.
pub(super) fn quoted(name: &str) -> String {
    crate::sql::name::QualifiedName {
        schema: None,
        name: name.to_owned(),
    }
    .quoted()
}
