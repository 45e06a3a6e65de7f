//! Whether a database can take the world, and how: what is missing, what the role may do, and
//! whether triggers may be passed by.

use std::collections::BTreeSet;

use super::error::SeedError;
use super::tables::{TOKENS, Table};
use crate::pg::session::Session;

/// How rows get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `session_replication_role = replica`, for each transaction alone: no trigger of the tables
    /// fires, nothing is altered, and nobody else's session notices.
    Direct,
    /// The role may not set that: the rows pass through temporary tables and every trigger.
    Triggers,
}

/// What was found out.
#[derive(Debug, Clone)]
pub struct Ready {
    /// How rows get in.
    pub way: Way,
    /// The columns of Supabase's auth server that accounts have here.
    pub(super) tokens: Vec<&'static str>,
}

/// Looks at the catalog, and tries what it does not tell.
pub async fn look(session: &Session) -> Result<Ready, SeedError> {
    let tables: Vec<&str> = Table::ALL.iter().map(|table| table.name()).collect();
    let rows = session
        .query(
            include_str!("sql/columns.sql"),
            &[Some(&format!("{{{}}}", tables.join(",")))],
        )
        .await
        .map_err(SeedError::own("could not look at the platform's tables"))?;
    let found: BTreeSet<(String, String)> =
        rows.iter().map(|row| (row.text(0), row.text(1))).collect();
    let has =
        |table: Table, column: &str| found.contains(&(table.name().to_owned(), column.to_owned()));
    let mut missing = Vec::new();
    for table in Table::ALL {
        let columns = table.columns();
        let absent = columns.iter().filter(|column| !has(table, column));
        if columns.iter().any(|column| has(table, column)) {
            missing.extend(absent.map(|column| format!("{}.{column}", table.name())));
        } else {
            missing.push(table.name().to_owned());
        }
    }
    if !missing.is_empty() {
        return Err(SeedError::Schema { missing });
    }
    let refused: BTreeSet<String> = rows
        .iter()
        .filter(|row| !row.truth(2))
        .map(|row| row.text(0))
        .collect();
    if !refused.is_empty() {
        return Err(SeedError::Rights {
            tables: refused.into_iter().collect(),
        });
    }
    Ok(Ready {
        way: way(session).await?,
        tokens: TOKENS
            .into_iter()
            .filter(|column| has(Table::Users, column))
            .collect(),
    })
}

/// Only trying tells: a superuser may, a role with the right of PostgreSQL 15 may, and so may
/// Supabase's `postgres`, by a hook that no catalog shows.
async fn way(session: &Session) -> Result<Way, SeedError> {
    let tried = session
        .run("begin; set local session_replication_role = replica; rollback")
        .await;
    match tried {
        Ok(()) => Ok(Way::Direct),
        Err(failure) if failure.is_the_statements() => {
            session
                .run("rollback")
                .await
                .map_err(SeedError::own("could not go on after a refused setting"))?;
            Ok(Way::Triggers)
        }
        Err(failure) => Err(SeedError::Own {
            what: "could not try to pass by triggers",
            failure,
        }),
    }
}
