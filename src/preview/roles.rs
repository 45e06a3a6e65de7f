//! The target's roles and extensions, made again where the throw-away database is; and taken away there.

use super::begin_with::{self, Begin};
use super::server::quoted;
use crate::pg::error::DbFailure;
use crate::pg::session::{Row, Session};

/// A role without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) name: String,
    attributes: String,
}

/// What a database leans on that is not in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Surrounding {
    pub(super) roles: Vec<Role>,
    /// Group, member, and whether the member may pass it on.
    memberships: Vec<(String, String, bool)>,
    /// Extensions with their schemas.
    pub(super) extensions: Vec<(String, String)>,
    /// What the sessions begin with in which files run.
    pub(super) begin: Vec<Begin>,
}

impl Surrounding {
    /// Returns whether all of its roles are among these.
    pub(super) fn is_within(&self, names: &[String]) -> bool {
        self.roles.iter().all(|role| names.contains(&role.name))
    }

    /// Returns whether the target has a role of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.roles.iter().any(|role| role.name == name)
    }
}

/// Reads the target's; `role` is the session's own.
pub(super) async fn read(session: &Session, role: &str) -> Result<Surrounding, DbFailure> {
    let (roles, memberships, extensions, begin) = tokio::try_join!(
        biased;
        session.query_long(include_str!("sql/roles.sql"), &[]),
        session.query_long(include_str!("sql/memberships.sql"), &[]),
        session.query(include_str!("sql/extensions.sql"), &[]),
        begin_with::read(session, role, true),
    )?;
    let role = |row: &Row| Role {
        name: row.text(0),
        attributes: row.text(1),
    };
    Ok(Surrounding {
        roles: roles.iter().map(role).collect(),
        memberships: memberships
            .iter()
            .map(|row| (row.text(0), row.text(1), row.truth(2)))
            .collect(),
        extensions: extensions
            .iter()
            .map(|row| (row.text(0), row.text(1)))
            .collect(),
        begin,
    })
}

/// Returns the names of a server's roles.
pub(super) async fn names(session: &Session) -> Result<Vec<String>, DbFailure> {
    let rows = session
        .query_long(include_str!("sql/roles.sql"), &[])
        .await?;
    Ok(rows.iter().map(|row| row.text(0)).collect())
}

/// Makes the roles that are not there; nobody can log in with them. Returns what could not be made.
pub(super) async fn make(session: &Session, there: &[String], wanted: &Surrounding) -> Vec<String> {
    let mut failed = Vec::new();
    let is_there = |name: &str| there.iter().any(|known| known == name);
    for role in wanted.roles.iter().filter(|role| !is_there(&role.name)) {
        // Without a password nobody can log in where one is asked for; whether a role may is a fact
        // that migrations can ask for.
        let sql = format!("create role {} {}", quoted(&role.name), role.attributes);
        match session.run(&sql).await {
            // Another dry run may have made it meanwhile.
            Err(failure) if failure.sqlstate.as_deref() != Some("42710") => {
                failed.push(format!("role {}: {}", role.name, failure.message));
            }
            _ => {}
        }
    }
    for (group, member, admin) in &wanted.memberships {
        if is_there(member) && is_there(group) {
            continue;
        }
        let with = if *admin { " with admin option" } else { "" };
        let sql = format!("grant {} to {}{with}", quoted(group), quoted(member));
        if let Err(failure) = session.run(&sql).await {
            failed.push(format!("{member} in {group}: {}", failure.message));
        }
    }
    failed
}

/// Makes extensions, and the schemas they are in. Returns what could not be made.
pub(super) async fn make_extensions(
    session: &Session,
    extensions: impl Iterator<Item = (String, String)>,
) -> Vec<String> {
    let mut failed = Vec::new();
    for (name, schema) in extensions {
        let schema = quoted(&schema);
        let sql = format!(
            "create schema if not exists {schema}; \
             create extension if not exists {} schema {schema} cascade",
            quoted(&name)
        );
        if let Err(failure) = session.run(&sql).await {
            failed.push(format!("extension {name}: {}", failure.message));
        }
    }
    failed
}

/// Drops the roles that `goes` says, unless a database needs one.
pub(super) async fn drop_where(session: &Session, goes: impl Fn(&str) -> bool) {
    let Ok(there) = names(session).await else {
        return;
    };
    for name in there.iter().filter(|name| goes(name)) {
        // Another run's database may need it: whoever is the last drops it.
        drop(
            session
                .run(&format!("drop role if exists {}", quoted(name)))
                .await,
        );
    }
}
