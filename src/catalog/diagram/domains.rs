//! Which tables belong together: as `phases.toml` says, as the files say that made them, else as they refer to each
//! other.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::neighbours;
use super::tables::Tables;
use crate::report::diagram::{DiagramDomain, DiagramTable, GroupedBy, TableName};

/// A domain that `phases.toml` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The domain.
    pub name: String,
    /// Its tables, as `name` or `schema.name`; `*` stands for any text.
    pub tables: Vec<String>,
}

/// What is known of the domains beside the database.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// What `phases.toml` says; the first rule that fits a table counts.
    pub rules: Vec<Rule>,
    /// Which file made a table, by schema (where the file names it) and name.
    pub made_by: HashMap<(Option<String>, String), String>,
}

/// Words around a migration's name that say what it does and not what it is about.
const VERBS: [&str; 4] = ["create_", "add_", "make_", "new_"];
const NOUNS: [&str; 5] = ["_tables", "_table", "_schema", "_model", "_models"];

/// What has no domain and refers to none.
const OTHER: &str = "other tables";

/// Puts every table into one domain.
pub fn domains(found: &Tables, hints: &Hints) -> (GroupedBy, Vec<DiagramDomain>) {
    let mut named = by_file(found, hints);
    let mut by = if named.is_empty() {
        GroupedBy::References
    } else {
        GroupedBy::Migrations
    };
    for name in found.tables.keys() {
        if let Some(rule) = hints.rules.iter().find(|rule| rule.fits(name)) {
            named.insert(name.clone(), rule.name.clone());
            by = GroupedBy::Configuration;
        }
    }
    let left = left(found, &named);
    named.extend(neighbours::groups(&left, &found.references));
    let joined: Vec<(TableName, String)> = self::left(found, &named)
        .into_iter()
        .map(|name| (name.clone(), nearest(name, found, &named)))
        .collect();
    named.extend(joined);
    (by, collected(found, &named, hints))
}

/// The subjects of the files that make two tables or more. Where each table has a file of its own, the files tell
/// nothing about what belongs together.
fn by_file(found: &Tables, hints: &Hints) -> BTreeMap<TableName, String> {
    let mut by_subject: BTreeMap<&str, Vec<&TableName>> = BTreeMap::new();
    for name in found.tables.keys() {
        if let Some(file) = file_of(hints, name) {
            by_subject.entry(subject(file)).or_default().push(name);
        }
    }
    let several = by_subject.into_iter().filter(|(_, names)| names.len() > 1);
    several
        .flat_map(|(subject, names)| {
            let names = names.into_iter();
            names.map(|name| (name.clone(), subject.to_owned()))
        })
        .collect()
}

fn left<'f>(found: &'f Tables, named: &BTreeMap<TableName, String>) -> BTreeSet<&'f TableName> {
    let names = found.tables.keys();
    names.filter(|name| !named.contains_key(*name)).collect()
}

/// The domain that a single table has most foreign keys to or from.
fn nearest(name: &TableName, found: &Tables, named: &BTreeMap<TableName, String>) -> String {
    let mut ties: BTreeMap<&str, usize> = BTreeMap::new();
    for reference in &found.references {
        let other = match (reference.from == *name, reference.to == *name) {
            (true, false) => &reference.to,
            (false, true) => &reference.from,
            _ => continue,
        };
        if let Some(domain) = named.get(other) {
            *ties.entry(domain).or_default() += 1;
        }
    }
    // The first by name of several with the same number.
    let most = ties.into_iter().rev().max_by_key(|(_, count)| *count);
    most.map_or(OTHER, |(domain, _)| domain).to_owned()
}

/// Domains that `phases.toml` names come in its order, the others by name.
fn collected(
    found: &Tables,
    named: &BTreeMap<TableName, String>,
    hints: &Hints,
) -> Vec<DiagramDomain> {
    let mut domains: BTreeMap<(usize, &str), Vec<DiagramTable>> = BTreeMap::new();
    for (name, table) in &found.tables {
        let Some(domain) = named.get(name) else {
            continue;
        };
        let rule = hints.rules.iter().position(|rule| rule.name == *domain);
        let place = (rule.unwrap_or(usize::MAX), domain.as_str());
        domains.entry(place).or_default().push(table.clone());
    }
    domains
        .into_iter()
        .map(|((_, name), tables)| DiagramDomain {
            name: name.to_owned(),
            tables,
        })
        .collect()
}

fn file_of<'h>(hints: &'h Hints, table: &TableName) -> Option<&'h str> {
    let exact = (Some(table.schema.clone()), table.name.clone());
    let bare = (None, table.name.clone());
    let file = hints.made_by.get(&exact);
    file.or_else(|| hints.made_by.get(&bare))
        .map(String::as_str)
}

/// What a migration is about: `tenancy` of `create_tenancy_tables`.
fn subject(file: &str) -> &str {
    let start = VERBS.iter().find_map(|verb| file.strip_prefix(verb));
    let rest = start.unwrap_or(file);
    let short = NOUNS.iter().find_map(|noun| rest.strip_suffix(noun));
    short.filter(|short| !short.is_empty()).unwrap_or(rest)
}

impl Rule {
    fn fits(&self, table: &TableName) -> bool {
        self.tables.iter().any(|pattern| fits(pattern, table))
    }
}

/// Whether a pattern means the table: with a dot it speaks of schema and name, without of the name alone.
pub fn fits(pattern: &str, table: &TableName) -> bool {
    match pattern.split_once('.') {
        Some((schema, name)) => matches(schema, &table.schema) && matches(name, &table.name),
        None => matches(pattern, &table.name),
    }
}

/// Whether a text is as the pattern has it; each `*` takes as little as lets the rest fit.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, fit) in [
            ("orders", "orders", true),
            ("orders", "orders2", false),
            ("order*", "order_items", true),
            ("*_log", "audit_log", true),
            ("*_log", "audit_logs", false),
            ("a*b*c", "a1b2c", true),
            ("a*b*c", "a1c2b", false),
            ("*a", "a", true),
            ("a*a", "a", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, text), fit, "{pattern} {text}");
        }
    }

    #[test]
    fn a_file_is_about_what_is_between_its_verb_and_noun() {
        assert_eq!(subject("tenancy_tables"), "tenancy");
        assert_eq!(subject("create_orders_table"), "orders");
        assert_eq!(subject("reference_data"), "reference_data");
        assert_eq!(subject("_tables"), "_tables");
    }

    #[test]
    fn a_rule_counts_before_a_file_and_a_file_before_the_references() {
        let mut found = Tables::default();
        for name in ["a", "b", "c", "d"] {
            let name = TableName {
                schema: "public".to_owned(),
                name: name.to_owned(),
            };
            let table = DiagramTable {
                name: name.clone(),
                comment: None,
                partitions: 0,
                columns: Vec::new(),
            };
            found.tables.insert(name, table);
        }
        let file = |name: &str| ((None, name.to_owned()), "create_shop".to_owned());
        let hints = Hints {
            rules: vec![Rule {
                name: "first".to_owned(),
                tables: vec!["public.a".to_owned()],
            }],
            made_by: [file("a"), file("b"), file("c")].into(),
        };
        let (by, domains) = domains(&found, &hints);
        assert_eq!(by, GroupedBy::Configuration);
        let names: Vec<(&str, usize)> = domains
            .iter()
            .map(|domain| (&*domain.name, domain.tables.len()))
            .collect();
        assert_eq!(names, [("first", 1), ("other tables", 1), ("shop", 2)]);
    }
}
