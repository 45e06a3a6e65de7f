//! The tables of a snapshot with their columns and foreign keys.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::definition::{Key, qualified};
use crate::catalog::model::{Identity, Kind, Object, Snapshot};
use crate::report::diagram::{DiagramColumn, DiagramTable, Reference, TableName};

/// The tables by name and what refers to what.
#[derive(Debug, Default)]
pub struct Tables {
    /// The tables; partitions are counted at the table that they are of.
    pub tables: BTreeMap<TableName, DiagramTable>,
    /// The foreign keys in order.
    pub references: Vec<Reference>,
}

impl Tables {
    /// Takes the tables out of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let mut partitions: HashMap<TableName, usize> = HashMap::new();
        let mut hidden = HashSet::new();
        let mut found = Self::default();
        for object in of_kind(snapshot, Kind::Table) {
            let Some(name) = own_name(&object.identity) else {
                continue;
            };
            if object.get("partition_bound").is_some() {
                let parent = object.get("inherits").and_then(qualified);
                if let Some((parent, _)) = parent {
                    *partitions.entry(parent).or_default() += 1;
                }
                hidden.insert(name);
                continue;
            }
            let table = DiagramTable {
                name: name.clone(),
                comment: object.get("comment").map(str::to_owned),
                partitions: 0,
                columns: Vec::new(),
            };
            found.tables.insert(name, table);
        }
        for (name, count) in partitions {
            if let Some(table) = found.tables.get_mut(&name) {
                table.partitions = count;
            }
        }
        found.add_columns(snapshot);
        for object in of_kind(snapshot, Kind::Constraint) {
            found.add_key(object, &hidden);
        }
        found.references.sort();
        found
    }

    fn add_columns(&mut self, snapshot: &Snapshot) {
        let mut columns: HashMap<TableName, Vec<(usize, DiagramColumn)>> = HashMap::new();
        for object in of_kind(snapshot, Kind::Column) {
            let Some(table) = owner(&object.identity) else {
                continue;
            };
            if !self.tables.contains_key(&table) {
                continue;
            }
            let position = object.get("position").and_then(|text| text.parse().ok());
            let column = DiagramColumn {
                name: object.identity.name.to_string(),
                data_type: object.get("type").unwrap_or_default().to_owned(),
                not_null: object.get("not_null").is_some(),
                primary_key: false,
                unique: false,
            };
            let place = (position.unwrap_or_default(), column);
            columns.entry(table).or_default().push(place);
        }
        for (name, mut columns) in columns {
            columns.sort_by_key(|(position, _)| *position);
            if let Some(table) = self.tables.get_mut(&name) {
                table.columns = columns.into_iter().map(|(_, column)| column).collect();
            }
        }
    }

    fn add_key(&mut self, object: &Object, hidden: &HashSet<TableName>) {
        let table = owner(&object.identity).and_then(|name| self.tables.get_mut(&name));
        let key = object.get("definition").and_then(Key::read);
        let (Some(table), Some(key)) = (table, key) else {
            return;
        };
        match key {
            Key::Primary(columns) => {
                for column in of_names(table, &columns) {
                    column.primary_key = true;
                }
            }
            Key::Unique(columns) if columns.len() == 1 => {
                for column in of_names(table, &columns) {
                    column.unique = true;
                }
            }
            Key::Unique(_) => {}
            // A key to a partitioned table has a shadow of itself for each partition.
            Key::Foreign { to, .. } if hidden.contains(&to) => {}
            Key::Foreign {
                columns,
                to,
                to_columns,
                on_delete,
            } => self.references.push(Reference {
                from: table.name.clone(),
                to,
                name: object.identity.name.to_string(),
                columns,
                to_columns,
                on_delete,
            }),
        }
    }
}

fn of_kind(snapshot: &Snapshot, kind: Kind) -> impl Iterator<Item = &Object> {
    let objects = snapshot.objects().iter();
    objects.filter(move |object| object.identity.kind == kind)
}

fn of_names<'t>(
    table: &'t mut DiagramTable,
    names: &'t [String],
) -> impl Iterator<Item = &'t mut DiagramColumn> {
    let columns = table.columns.iter_mut();
    columns.filter(|column| names.contains(&column.name))
}

fn own_name(identity: &Identity) -> Option<TableName> {
    Some(TableName {
        schema: identity.schema.as_deref()?.to_owned(),
        name: identity.name.to_string(),
    })
}

fn owner(identity: &Identity) -> Option<TableName> {
    Some(TableName {
        schema: identity.schema.as_deref()?.to_owned(),
        name: identity.parent.as_deref()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: Kind, parent: Option<&str>, name: &str, said: &[(&str, &str)]) -> Object {
        Object {
            identity: Identity {
                kind,
                schema: Some("public".into()),
                parent: parent.map(Into::into),
                name: name.into(),
            },
            properties: said
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        }
    }

    #[test]
    fn partitions_are_counted_and_keys_are_marked() {
        let found = Tables::of(&Snapshot::new(vec![
            object(
                Kind::Table,
                None,
                "log",
                &[("partitioned_by", "RANGE (at)")],
            ),
            object(
                Kind::Table,
                None,
                "log_1",
                &[("partition_bound", "DEFAULT"), ("inherits", "public.log")],
            ),
            object(
                Kind::Column,
                Some("log"),
                "at",
                &[("position", "2"), ("type", "date")],
            ),
            object(
                Kind::Column,
                Some("log"),
                "id",
                &[("position", "1"), ("type", "int")],
            ),
            object(
                Kind::Constraint,
                Some("log"),
                "pk",
                &[("definition", "PRIMARY KEY (id)")],
            ),
            object(
                Kind::Constraint,
                Some("log"),
                "fk",
                &[("definition", "FOREIGN KEY (at) REFERENCES public.log(at)")],
            ),
            object(
                Kind::Constraint,
                Some("log"),
                "fk_1",
                &[("definition", "FOREIGN KEY (at) REFERENCES public.log_1(at)")],
            ),
        ]));
        assert_eq!(found.tables.len(), 1);
        let table = found.tables.values().next().unwrap();
        assert_eq!(table.partitions, 1);
        let names: Vec<&str> = table.columns.iter().map(|one| &*one.name).collect();
        assert_eq!(names, ["id", "at"]);
        assert!(table.columns[0].primary_key && !table.columns[1].primary_key);
        assert_eq!(found.references.len(), 1, "{:?}", found.references);
    }
}
