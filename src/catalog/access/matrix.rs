//! Every case: roles by relations and functions by commands, and what will be made in future.

use std::collections::{BTreeMap, HashSet};

use super::Command;
use super::acl::Acl;
use super::cell::Access;
use super::facts::Facts;
use super::judge::{Judge, Who};
use crate::catalog::model::{Object, Snapshot};

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// The relation or function with its kind, or what is made in future.
    pub object: String,
    /// The role.
    pub role: String,
    /// The command.
    pub command: Command,
}

/// Who may do what in a database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matrix {
    cells: BTreeMap<Case, Access>,
}

impl Matrix {
    /// Judges every case of the roles; a role that is not there has none.
    pub fn new(snapshot: &Snapshot, facts: &Facts, roles: &[&str]) -> Self {
        let judge = Judge::new(snapshot, facts);
        let mut matrix = Self::default();
        for who in roles.iter().filter_map(|role| judge.who(role)) {
            matrix.add_relations(&judge, &who);
            matrix.add_routines(&judge, &who);
            matrix.add_future(&judge, &who, &facts.having(who.name));
        }
        matrix
    }

    /// Returns the cells in order.
    pub fn cells(&self) -> impl Iterator<Item = (&Case, &Access)> {
        self.cells.iter()
    }

    /// Returns a cell; `None` where there is no such object or role.
    pub fn get(&self, case: &Case) -> Option<&Access> {
        self.cells.get(case)
    }

    fn put(&mut self, object: String, who: &Who<'_>, command: Command, access: Access) {
        let role = who.name.to_owned();
        let case = Case {
            object,
            role,
            command,
        };
        self.cells.insert(case, access);
    }

    fn add_relations(&mut self, judge: &Judge<'_>, who: &Who<'_>) {
        for (name, object) in &judge.relations {
            for command in Command::OF_RELATIONS {
                let access = judge.relation(who, name, command);
                self.put(object.identity.to_string(), who, command, access);
            }
        }
    }

    fn add_routines(&mut self, judge: &Judge<'_>, who: &Who<'_>) {
        // What a trigger alone can call is nobody's to call.
        for object in judge.routines.iter().filter(|one| !is_for_triggers(one)) {
            let access = judge.routine(who, object);
            self.put(object.identity.to_string(), who, Command::Execute, access);
        }
    }

    /// What is granted by default on the tables and functions that somebody will make.
    fn add_future(&mut self, judge: &Judge<'_>, who: &Who<'_>, having: &HashSet<String>) {
        for object in &judge.defaults {
            let Some(acl) = object.get("acl") else {
                continue;
            };
            let acl = Acl::read(acl);
            let (what, commands) = match object.identity.name.rsplit_once(" on ") {
                Some((_, "tables")) => ("tables", &Command::OF_RELATIONS[..]),
                Some((_, "functions")) => ("functions", &[Command::Execute][..]),
                _ => continue,
            };
            for command in commands {
                let may = acl.grants(having, command.letter());
                let access = future(what, may);
                self.put(future_name(object), who, *command, access);
            }
        }
    }
}

pub(super) fn future(what: &str, may: bool) -> Access {
    match (what, may) {
        (_, false) => Access::None("no grant by default".to_owned()),
        ("functions", true) => Access::Call(None),
        (_, true) => Access::all(Some("granted by default".to_owned())),
    }
}

/// `future tables of postgres in schema public`
fn future_name(object: &Object) -> String {
    let name = &object.identity.name;
    let (owner, what) = name.rsplit_once(" on ").unwrap_or((name, "objects"));
    let owner = owner.strip_prefix("for ").unwrap_or(owner);
    match object.identity.schema.as_deref() {
        Some(schema) => format!("future {what} of {owner} in schema {schema}"),
        None => format!("future {what} of {owner}"),
    }
}

/// What is true of a case that a database does not speak of: an object that is not there, a default that nobody set.
pub(super) fn unspoken(case: &Case) -> Access {
    let of_database = !case.object.contains(" in schema ");
    match case.object.strip_prefix("future ") {
        // Everybody may call a new function unless a default says otherwise, and the owner is asked nothing here.
        Some(rest) if rest.starts_with("functions ") => future("functions", of_database),
        Some(_) => future("tables", false),
        None => Access::None("not there".to_owned()),
    }
}

fn is_for_triggers(object: &Object) -> bool {
    let definition = object.get("definition").unwrap_or_default();
    let returns = definition.lines().nth(1).unwrap_or_default().trim();
    returns == "RETURNS trigger" || returns == "RETURNS event_trigger"
}
