//! What a snapshot does not say, since `pg_dump` does not: roles, who is a member of whom, what views read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Command, PUBLIC};
use crate::catalog::error::CatalogError;
use crate::catalog::queries::for_version;
use crate::pg::session::{Row, Session};

const ROLES: &str = include_str!("roles.sql");
const VIEWS: &str = include_str!("views.sql");

/// A role by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Whether it may do everything.
    pub superuser: bool,
    /// Whether policies do not count for it.
    pub bypasses: bool,
    /// The roles whose privileges it has without `SET ROLE`.
    pub inherits: Vec<String>,
}

/// A relation's schema and name.
pub type RelationName = (String, String);

/// What a view does with the relations below it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// What it reads: the relations, and which columns of each.
    #[serde(with = "pairs")]
    pub reads: BTreeMap<RelationName, BTreeSet<String>>,
    /// The commands whose rows it hands on to the one relation below.
    pub passes_on: Vec<Command>,
    /// The commands that can be run on it at all, `passes_on` and those that a trigger takes.
    pub takes: Vec<Command>,
}

/// Roles and views of a database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The roles by name.
    pub roles: HashMap<String, Role>,
    /// The views by name.
    #[serde(with = "pairs")]
    pub views: HashMap<RelationName, View>,
}

impl Facts {
    /// Reads them; `version` is the server's `server_version_num`.
    pub async fn read(
        session: &Session,
        version: u32,
        history_schema: &str,
    ) -> Result<Self, CatalogError> {
        let (roles, views) = ask_both(session, version, history_schema).await?;
        let mut facts = Self::default();
        for row in &roles {
            facts.roles.insert(text(row, 0), role(row));
        }
        for row in &views {
            let view = (text(row, 0), text(row, 1));
            let view = facts.views.entry(view).or_default();
            view.passes_on = commands(row, 5);
            view.takes = commands(row, 6);
            if row.get(3).is_some() {
                let below = (text(row, 2), text(row, 3));
                view.reads
                    .insert(below, names(row, 4).into_iter().collect());
            }
        }
        Ok(facts)
    }

    /// The roles whose privileges a role has, itself included; none for `PUBLIC`.
    pub(super) fn having(&self, role: &str) -> HashSet<String> {
        let mut having = HashSet::new();
        let mut open = vec![role];
        while let Some(role) = open.pop() {
            if role != PUBLIC && having.insert(role.to_owned()) {
                let inherited = self.roles.get(role).map(|role| &role.inherits);
                open.extend(inherited.into_iter().flatten().map(String::as_str));
            }
        }
        having
    }
}

/// Reads the rows of the roles and those of the views.
async fn ask_both(
    session: &Session,
    version: u32,
    history_schema: &str,
) -> Result<(Vec<Row>, Vec<Row>), CatalogError> {
    let history = [Some(history_schema)];
    tokio::try_join!(
        ask(session, ROLES, version, &[]),
        ask(session, VIEWS, version, &history),
    )
}

async fn ask(
    session: &Session,
    query: &str,
    version: u32,
    parameters: &[Option<&str>],
) -> Result<Vec<Row>, CatalogError> {
    let answer = session
        .query_catalog(&for_version(query, version), parameters)
        .await;
    answer.map_err(|failure| CatalogError::Query {
        failure: Box::new(failure),
    })
}

fn role(row: &Row) -> Role {
    Role {
        superuser: row.get(1) == Some("true"),
        bypasses: row.get(2) == Some("true"),
        inherits: names(row, 3),
    }
}

fn text(row: &Row, at: usize) -> String {
    row.get(at).unwrap_or_default().to_owned()
}

/// Reads a JSON array of names; the server made it.
fn names(row: &Row, at: usize) -> Vec<String> {
    let text = row.get(at).unwrap_or("[]");
    serde_json::from_str(text).unwrap_or_default()
}

/// Reads the bits of `pg_relation_is_updatable`: 1 shifted by the server's number of the command.
fn commands(row: &Row, at: usize) -> Vec<Command> {
    let bits: u32 = row.get(at).and_then(|text| text.parse().ok()).unwrap_or(0);
    let all = [
        (2, Command::Update),
        (3, Command::Insert),
        (4, Command::Delete),
    ];
    let set = all
        .into_iter()
        .filter(|(number, _)| bits & (1 << number) != 0);
    set.map(|(_, command)| command).collect()
}

/// A map as a list of pairs: in JSON only a text can be a key.
mod pairs {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<'a, S, M>(map: &'a M, serializer: S) -> Result<S::Ok, S::Error>
    where
        S: Serializer,
        &'a M: IntoIterator<Item: Serialize>,
    {
        serializer.collect_seq(map)
    }

    pub(super) fn deserialize<'de, D, M, K, V>(deserializer: D) -> Result<M, D::Error>
    where
        D: Deserializer<'de>,
        M: IntoIterator<Item = (K, V)> + FromIterator<(K, V)>,
        K: Deserialize<'de>,
        V: Deserialize<'de>,
    {
        let pairs: Vec<(K, V)> = Vec::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}
