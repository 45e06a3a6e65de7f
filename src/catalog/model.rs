//! Objects, as text: what they are called, and what is said of them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Declares the kinds with the words for them.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal,)*) => {
        /// What an object is. In this order they are listed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $word)] $kind,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Returns the word for it, as PostgreSQL's commands have it.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                }
            }

            /// Finds the kind that a word is for.
            pub fn of(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$kind),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// A schema.
    Schema = "schema",
    /// An extension.
    Extension = "extension",
    /// A procedural language.
    Language = "language",
    /// An access method.
    AccessMethod = "access method",
    /// A foreign-data wrapper.
    ForeignDataWrapper = "foreign-data wrapper",
    /// A foreign server.
    Server = "server",
    /// Who logs in how on a foreign server.
    UserMapping = "user mapping",
    /// A collation.
    Collation = "collation",
    /// A conversion between encodings.
    Conversion = "conversion",
    /// An enum.
    Enum = "enum",
    /// A composite type.
    CompositeType = "composite type",
    /// A domain.
    Domain = "domain",
    /// A range type.
    Range = "range",
    /// A base type, or the shell of one.
    Type = "type",
    /// A sequence that is no identity column's.
    Sequence = "sequence",
    /// A function.
    Function = "function",
    /// A procedure.
    Procedure = "procedure",
    /// An aggregate.
    Aggregate = "aggregate",
    /// An operator.
    Operator = "operator",
    /// An operator family.
    OperatorFamily = "operator family",
    /// An operator class.
    OperatorClass = "operator class",
    /// A cast.
    Cast = "cast",
    /// A transform.
    Transform = "transform",
    /// A text search parser.
    TextSearchParser = "text search parser",
    /// A text search template.
    TextSearchTemplate = "text search template",
    /// A text search dictionary.
    TextSearchDictionary = "text search dictionary",
    /// A text search configuration.
    TextSearchConfiguration = "text search configuration",
    /// A table, partitioned or not.
    Table = "table",
    /// A foreign table.
    ForeignTable = "foreign table",
    /// A view.
    View = "view",
    /// A materialized view.
    MaterializedView = "materialized view",
    /// A column.
    Column = "column",
    /// A constraint of a table or a domain.
    Constraint = "constraint",
    /// An index that is no constraint's.
    Index = "index",
    /// Extended statistics.
    Statistics = "statistics",
    /// A rule.
    Rule = "rule",
    /// A trigger.
    Trigger = "trigger",
    /// A row-level security policy.
    Policy = "policy",
    /// An event trigger.
    EventTrigger = "event trigger",
    /// A publication.
    Publication = "publication",
    /// A table in a publication.
    PublishedTable = "published table",
    /// A schema in a publication.
    PublishedSchema = "published schema",
    /// A subscription.
    Subscription = "subscription",
    /// Privileges that objects get when they are made.
    DefaultPrivileges = "default privileges",
    /// Privileges on an object of the system or of an extension.
    Grants = "grants",
    /// A security label.
    SecurityLabel = "security label",
}

impl Kind {
    /// Returns what commands about one call it: all types are a `TYPE`.
    pub(super) fn in_commands(self) -> String {
        match self {
            Self::Enum | Self::CompositeType | Self::Range => "TYPE".to_owned(),
            _ => self.word().to_uppercase().replace('-', " "),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What tells an object from all others, in any database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// What it is.
    pub kind: Kind,
    /// Its schema, or that of what it belongs to.
    pub schema: Option<Arc<str>>,
    /// The relation or domain that it belongs to.
    pub parent: Option<Arc<str>>,
    /// Its name; of a routine or operator with the types of its arguments.
    pub name: Arc<str>,
}

impl fmt::Display for Identity {
    /// Writes `table public.events`, `column public.events.name`, `trigger zz_audit on public.events`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        let schema = self.schema.as_deref().map(quoted);
        match (schema, self.parent.as_deref().map(quoted), self.kind) {
            (Some(schema), Some(parent), Kind::Column) => {
                write!(f, "{schema}.{parent}.{}", quoted(&self.name))
            }
            (Some(schema), Some(parent), Kind::PublishedTable) => {
                write!(f, "{schema}.{parent} in {}", quoted(&self.name))
            }
            (Some(schema), Some(parent), _) => {
                write!(f, "{} on {schema}.{parent}", quoted(&self.name))
            }
            (Some(schema), None, Kind::PublishedSchema) => {
                write!(f, "{schema} in {}", quoted(&self.name))
            }
            (Some(schema), None, Kind::DefaultPrivileges) => {
                write!(f, "{} in schema {schema}", self.name)
            }
            (Some(schema), None, _) if self.is_signature() => write!(f, "{schema}.{}", self.name),
            (Some(schema), None, _) => write!(f, "{schema}.{}", quoted(&self.name)),
            (None, _, _) if self.is_signature() => f.write_str(&self.name),
            (None, _, _) => f.write_str(&quoted(&self.name)),
        }
    }
}

impl Identity {
    /// Whether the name is more than a name, and quoted where it has to be already.
    fn is_signature(&self) -> bool {
        matches!(
            self.kind,
            Kind::Function
                | Kind::Procedure
                | Kind::Aggregate
                | Kind::Operator
                | Kind::OperatorClass
                | Kind::OperatorFamily
                | Kind::Cast
                | Kind::Transform
                | Kind::UserMapping
                | Kind::DefaultPrivileges
                | Kind::Grants
                | Kind::SecurityLabel
        )
    }
}

/// Quotes a name where it is not plain; keywords are left as they are, for this is to be read, not run.
pub(super) fn quoted(name: &str) -> String {
    let plain = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// What is said of an object: names and values, by name. What is as it is by default is not said.
///
/// Most values are those of many objects (an owner, a type): they can share one text.
pub type Properties = Vec<(Arc<str>, Arc<str>)>;

/// An object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// What it is called.
    pub identity: Identity,
    /// What is said of it.
    pub properties: Properties,
}

impl Object {
    /// Returns a property, or `None` where it is as it is by default.
    pub fn get(&self, property: &str) -> Option<&str> {
        self.properties
            .iter()
            .find(|(name, _)| **name == *property)
            .map(|(_, value)| &**value)
    }

    /// Returns whether a property is an extension's version: it follows the server's packages.
    pub(super) fn is_version(&self, property: &str) -> bool {
        self.identity.kind == Kind::Extension && property == "version"
    }
}

/// All objects of a database at one moment, in the order of their identities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    objects: Vec<Object>,
}

impl Snapshot {
    /// Puts objects in order. What two queries say of the same object is put together.
    pub fn new(mut objects: Vec<Object>) -> Self {
        // What was written down is in order already.
        if !objects.is_sorted_by(|a, b| a.identity < b.identity) {
            objects.sort_by(|a, b| a.identity.cmp(&b.identity));
            objects = merged(objects);
        }
        for object in &mut objects {
            object.properties.sort_by(|(a, _), (b, _)| a.cmp(b));
        }
        Self { objects }
    }

    /// Returns the objects in order.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// Finds an object.
    pub fn find(&self, identity: &Identity) -> Option<&Object> {
        let at = self
            .objects
            .binary_search_by(|object| object.identity.cmp(identity));
        at.ok().map(|at| &self.objects[at])
    }
}

/// Puts together what stands side by side and is of the same object.
fn merged(objects: Vec<Object>) -> Vec<Object> {
    let mut merged: Vec<Object> = Vec::with_capacity(objects.len());
    for object in objects {
        match merged.last_mut() {
            Some(last) if last.identity == object.identity => {
                last.properties.extend(object.properties);
            }
            _ => merged.push(object),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(kind: Kind, schema: &str, parent: &str, name: &str) -> String {
        let some = |text: &str| (!text.is_empty()).then(|| text.into());
        Identity {
            kind,
            schema: some(schema),
            parent: some(parent),
            name: name.into(),
        }
        .to_string()
    }

    #[test]
    fn objects_are_named_as_people_name_them() {
        for (shown, wanted) in [
            (
                identity(Kind::Table, "public", "", "events"),
                "table public.events",
            ),
            (
                identity(Kind::Column, "public", "events", "Name"),
                "column public.events.\"Name\"",
            ),
            (
                identity(Kind::Trigger, "public", "events", "zz_audit"),
                "trigger zz_audit on public.events",
            ),
            (
                identity(Kind::Function, "app", "", "f(a integer)"),
                "function app.f(a integer)",
            ),
            (
                identity(Kind::Schema, "", "", "my \"own\""),
                "schema \"my \"\"own\"\"\"",
            ),
            (
                identity(Kind::PublishedTable, "public", "events", "all"),
                "published table public.events in all",
            ),
        ] {
            assert_eq!(shown, wanted);
        }
    }

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of(kind.word()), Some(*kind));
        }
        assert_eq!(Kind::of("tables"), None);
    }

    #[test]
    fn what_two_queries_say_is_one_object() {
        let object = |property: &str| Object {
            identity: Identity {
                kind: Kind::Sequence,
                schema: None,
                parent: None,
                name: "s".into(),
            },
            properties: vec![(property.into(), "1".into())],
        };
        let snapshot = Snapshot::new(vec![object("start"), object("cache")]);
        assert_eq!(snapshot.objects().len(), 1);
        let names: Vec<&str> = snapshot.objects()[0]
            .properties
            .iter()
            .map(|(name, _)| &**name)
            .collect();
        assert_eq!(names, ["cache", "start"]);
    }
}
