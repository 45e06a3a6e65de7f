//! Which tables are restored, in which order, and what is against it.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::error::{Obstacle, RestoreError};
use super::order::parents_first;
use crate::backup::figures::{quoted, tables};
use crate::backup::manifest::{Manifest, Sequence, Table};
use crate::pg::session::Session;
use crate::runner::bracket::Switch;
use crate::runner::error::RunError;
use crate::sql::name::QualifiedName;

/// A table that is restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// As the manifest has it.
    pub table: Table,
    /// How many rows the database has of it now: they go.
    pub rows_now: u64,
}

impl Restored {
    /// Returns its quoted name.
    pub fn quoted(&self) -> String {
        quoted(&self.table.schema, &self.table.name)
    }

    /// Returns its name for people.
    pub fn name(&self) -> String {
        label(&self.table.schema, &self.table.name)
    }
}

/// What a restore will do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The tables, parents first.
    pub tables: Vec<Restored>,
    /// The sequences of their columns.
    pub sequences: Vec<Sequence>,
    /// Tables that stay, and of which no row may come to refer to one of those meanwhile.
    pub guarded: Vec<String>,
    /// Which triggers are switched off.
    pub switch: Switch,
    /// Whether constraints wait for the end.
    pub deferred: bool,
}

struct Key {
    name: String,
    child: (String, String),
    parent: (String, String),
    deferrable: bool,
}

fn label(schema: &str, name: &str) -> String {
    format!("{schema}.{name}")
}

/// Makes the plan, or says everything that is against it. Reads only.
///
/// `wanted` are tables as they were typed; all of the backup where there are none.
pub async fn plan(
    session: &Session,
    manifest: &Manifest,
    history_schema: &str,
    wanted: &[String],
) -> Result<Plan, RestoreError> {
    let mut obstacles = Vec::new();
    let chosen = choose(manifest, history_schema, wanted, &mut obstacles);
    let there: HashMap<(String, String), Table> = tables(session)
        .await?
        .into_iter()
        .map(|table| ((table.schema.clone(), table.name.clone()), table))
        .collect();
    let chosen: Vec<&Table> = chosen
        .into_iter()
        .filter(|table| compare(table, &there, &mut obstacles))
        .collect();
    rights(session, &chosen, &mut obstacles).await?;
    if !obstacles.is_empty() {
        return Err(RestoreError::Refused { obstacles });
    }
    let free = may_pass_keys_by(session).await?;
    let keys = keys(session).await?;
    let at: HashMap<(&str, &str), usize> = chosen
        .iter()
        .enumerate()
        .map(|(at, table)| ((table.schema.as_str(), table.name.as_str()), at))
        .collect();
    let find = |pair: &(String, String)| at.get(&(pair.0.as_str(), pair.1.as_str())).copied();
    let inner: Vec<(&Key, (usize, usize))> = keys
        .iter()
        .filter_map(|key| Some((key, (find(&key.child)?, find(&key.parent)?))))
        .collect();
    let edges: Vec<(usize, usize)> = inner.iter().map(|(_, edge)| *edge).collect();
    let (order, circling) = parents_first(chosen.len(), &edges);
    let mut guarded = Vec::new();
    if !free {
        let outer = keys
            .iter()
            .filter(|key| find(&key.parent).is_some() && find(&key.child).is_none());
        for key in outer {
            let child = quoted(&key.child.0, &key.child.1);
            if has_rows(session, &child).await? {
                obstacles.push(Obstacle::ReferredTo {
                    table: label(&key.parent.0, &key.parent.1),
                    referring: label(&key.child.0, &key.child.1),
                    key: key.name.clone(),
                });
            }
            guarded.push(child);
        }
        let circle: HashSet<usize> = order[order.len() - circling..].iter().copied().collect();
        let at_once = inner.iter().find(|(key, (child, parent))| {
            child != parent && circle.contains(child) && circle.contains(parent) && !key.deferrable
        });
        if let Some((key, _)) = at_once {
            obstacles.push(Obstacle::Circle {
                tables: circle
                    .iter()
                    .map(|at| label(&chosen[*at].schema, &chosen[*at].name))
                    .collect(),
                key: key.name.clone(),
            });
        }
    }
    guarded.sort();
    guarded.dedup();
    if !obstacles.is_empty() {
        return Err(RestoreError::Refused { obstacles });
    }
    if chosen.is_empty() {
        return Err(RestoreError::Nothing);
    }
    let mut restored = Vec::new();
    for at in order {
        let table = chosen[at].clone();
        let rows_now = count(session, &quoted(&table.schema, &table.name)).await?;
        restored.push(Restored { table, rows_now });
    }
    let sequences = sequences(manifest, &restored);
    Ok(Plan {
        tables: restored,
        sequences,
        guarded,
        switch: if free { Switch::All } else { Switch::User },
        deferred: circling > 0,
    })
}

/// Takes the tables that were asked for: `schema.name`, `name` for one in `public`, a partitioned table
/// for all of its partitions.
fn choose<'a>(
    manifest: &'a Manifest,
    history_schema: &str,
    wanted: &[String],
    obstacles: &mut Vec<Obstacle>,
) -> Vec<&'a Table> {
    let own = manifest.history.as_ref().map(|mark| mark.schema.as_str());
    let of_history = |table: &Table| {
        table.schema == history_schema
            || Some(table.schema.as_str()) == own
            || table.name == "refinery_schema_history"
    };
    if wanted.is_empty() {
        return manifest
            .tables
            .iter()
            .filter(|table| !of_history(table))
            .collect();
    }
    let mut chosen: BTreeMap<u32, &Table> = BTreeMap::new();
    for name in wanted {
        let fits = |schema: &str, table: &str| {
            label(schema, table) == *name || (schema == "public" && table == name)
        };
        let found: Vec<&Table> = manifest
            .tables
            .iter()
            .filter(|table| {
                let root = table.partition_of.as_ref();
                fits(&table.schema, &table.name)
                    || root.is_some_and(|(schema, name)| fits(schema, name))
            })
            .collect();
        if found.is_empty() {
            obstacles.push(Obstacle::NotInBackup {
                table: name.clone(),
            });
        }
        for table in found {
            if of_history(table) {
                obstacles.push(Obstacle::OfHistory {
                    table: name.clone(),
                });
            } else {
                chosen.insert(table.oid, table);
            }
        }
    }
    chosen.into_values().collect()
}

/// Returns whether the database has the table with the backup's columns; notes what is against it.
fn compare(
    table: &Table,
    there: &HashMap<(String, String), Table>,
    obstacles: &mut Vec<Obstacle>,
) -> bool {
    let name = label(&table.schema, &table.name);
    let Some(own) = there.get(&(table.schema.clone(), table.name.clone())) else {
        obstacles.push(Obstacle::NotInDatabase { table: name });
        return false;
    };
    let mut differences = Vec::new();
    for column in &table.columns {
        match own.columns.iter().find(|one| one.name == column.name) {
            None => differences.push(format!("{} is gone", column.name)),
            Some(one) if one.data_type != column.data_type => differences.push(format!(
                "{} was {} and is {}",
                column.name, column.data_type, one.data_type
            )),
            Some(one) if one.generated != column.generated => differences.push(format!(
                "{} is computed in one and not in the other",
                column.name
            )),
            Some(_) => {}
        }
    }
    for column in &own.columns {
        if !table.columns.iter().any(|one| one.name == column.name) {
            differences.push(format!("{} is new", column.name));
        }
    }
    if differences.is_empty() {
        return true;
    }
    obstacles.push(Obstacle::Columns {
        table: name,
        difference: differences.join(", "),
    });
    false
}

async fn rights(
    session: &Session,
    chosen: &[&Table],
    obstacles: &mut Vec<Obstacle>,
) -> Result<(), RestoreError> {
    let names: Vec<String> = chosen
        .iter()
        .map(|table| quoted(&table.schema, &table.name))
        .collect();
    let names = serde_json::Value::from(names).to_string();
    let rows = session
        .query_long(include_str!("sql/rights.sql"), &[Some(&names)])
        .await
        .map_err(RunError::own("could not ask for the role's rights"))?;
    obstacles.extend(
        rows.iter()
            .map(|row| Obstacle::Rights { table: row.text(0) }),
    );
    Ok(())
}

/// Returns whether the role can pass the triggers of foreign keys by; it is tried, since hosted servers
/// allow it to roles that by the catalog may not.
async fn may_pass_keys_by(session: &Session) -> Result<bool, RestoreError> {
    let tried = session
        .run("begin; set local session_replication_role = replica; rollback")
        .await;
    let Err(failure) = tried else {
        return Ok(true);
    };
    session
        .run("rollback")
        .await
        .map_err(RunError::own("could not end a transaction"))?;
    if failure.sqlstate.as_deref() == Some("42501") {
        return Ok(false);
    }
    Err(RunError::own("could not ask for the role's rights")(failure).into())
}

async fn keys(session: &Session) -> Result<Vec<Key>, RestoreError> {
    let rows = session
        .query_catalog(include_str!("sql/keys.sql"), &[])
        .await
        .map_err(RunError::own("could not read the foreign keys"))?;
    Ok(rows
        .iter()
        .map(|row| Key {
            name: row.text(0),
            child: (row.text(1), row.text(2)),
            parent: (row.text(3), row.text(4)),
            deferrable: row.truth(5),
        })
        .collect())
}

async fn has_rows(session: &Session, name: &str) -> Result<bool, RestoreError> {
    let sql = format!("select exists (select from only {name})::text");
    let rows = session
        .query(&sql, &[])
        .await
        .map_err(RestoreError::statement(format!(
            "could not look into {name}"
        )))?;
    Ok(rows.first().is_some_and(|row| row.truth(0)))
}

async fn count(session: &Session, name: &str) -> Result<u64, RestoreError> {
    let sql = format!("select count(*)::text from only {name}");
    let rows = session
        .query(&sql, &[])
        .await
        .map_err(RestoreError::statement(format!(
            "could not count the rows of {name}"
        )))?;
    Ok(rows
        .first()
        .and_then(|row| row.number(0))
        .and_then(|rows| u64::try_from(rows).ok())
        .unwrap_or_default())
}

/// Returns the sequences of the tables' columns; a partition's are its partitioned table's.
fn sequences(manifest: &Manifest, tables: &[Restored]) -> Vec<Sequence> {
    let owners: HashSet<(&str, &str)> = tables
        .iter()
        .flat_map(|one| {
            let table = &one.table;
            let root = table.partition_of.as_ref();
            let root = root.map(|(schema, name)| (schema.as_str(), name.as_str()));
            [Some((table.schema.as_str(), table.name.as_str())), root]
        })
        .flatten()
        .collect();
    let is_theirs = |one: &&Sequence| {
        let owner = one.owned_by.as_ref();
        owner.is_some_and(|(schema, name)| owners.contains(&(schema.as_str(), name.as_str())))
    };
    manifest
        .sequences
        .iter()
        .filter(is_theirs)
        .cloned()
        .collect()
}

impl Plan {
    /// Returns the tables' names for the bracket.
    pub fn names(&self) -> Vec<QualifiedName> {
        self.tables
            .iter()
            .map(|one| QualifiedName {
                schema: Some(one.table.schema.clone()),
                name: one.table.name.clone(),
            })
            .collect()
    }
}
