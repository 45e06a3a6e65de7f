//! The classes of objects that a phase's contract speaks of.

/// What kind of thing a statement touches, in the words of `phases.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum ObjectClass {
    /// Extensions.
    Extension,
    /// Schemas.
    Schema,
    /// Types, domains and enums.
    Type,
    /// Tables.
    Table,
    /// Sequences.
    Sequence,
    /// Views and materialized views.
    View,
    /// Indexes.
    Index,
    /// Functions, procedures and aggregates.
    Function,
    /// Triggers.
    Trigger,
    /// Event triggers.
    EventTrigger,
    /// Row level security: policies and the switches on a table.
    Policy,
    /// GRANT, REVOKE, default privileges and owners.
    Grant,
    /// Roles.
    Role,
    /// Rewrite rules.
    Rule,
    /// Extended statistics.
    Statistics,
    /// Publications.
    Publication,
    /// Subscriptions.
    Subscription,
    /// Foreign servers, wrappers, tables and user mappings.
    Foreign,
    /// Rows: SELECT, INSERT, UPDATE, DELETE, MERGE, COPY, TRUNCATE, CALL.
    Data,
    /// DO blocks, which can do anything.
    Code,
    /// VACUUM, ANALYZE, REINDEX, CLUSTER, REFRESH, CHECKPOINT.
    Maintenance,
    /// SET, RESET, SHOW, LOCK, DISCARD.
    Setting,
    /// BEGIN, COMMIT, SAVEPOINT and the like.
    Transaction,
    /// Everything else: operators, casts, collations, text search, languages, databases, unknown statements.
    Other,
}

impl ObjectClass {
    /// Every class, in the order of declaration.
    pub const ALL: [Self; 24] = [
        Self::Extension,
        Self::Schema,
        Self::Type,
        Self::Table,
        Self::Sequence,
        Self::View,
        Self::Index,
        Self::Function,
        Self::Trigger,
        Self::EventTrigger,
        Self::Policy,
        Self::Grant,
        Self::Role,
        Self::Rule,
        Self::Statistics,
        Self::Publication,
        Self::Subscription,
        Self::Foreign,
        Self::Data,
        Self::Code,
        Self::Maintenance,
        Self::Setting,
        Self::Transaction,
        Self::Other,
    ];

    /// The word for it in `phases.toml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Extension => "extension",
            Self::Schema => "schema",
            Self::Type => "type",
            Self::Table => "table",
            Self::Sequence => "sequence",
            Self::View => "view",
            Self::Index => "index",
            Self::Function => "function",
            Self::Trigger => "trigger",
            Self::EventTrigger => "event-trigger",
            Self::Policy => "policy",
            Self::Grant => "grant",
            Self::Role => "role",
            Self::Rule => "rule",
            Self::Statistics => "statistics",
            Self::Publication => "publication",
            Self::Subscription => "subscription",
            Self::Foreign => "foreign",
            Self::Data => "data",
            Self::Code => "code",
            Self::Maintenance => "maintenance",
            Self::Setting => "setting",
            Self::Transaction => "transaction",
            Self::Other => "other",
        }
    }

    /// The class with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// A set of classes: one statement may touch several (`ALTER TABLE … ADD COLUMN …, OWNER TO …`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ObjectSet(u32);

impl ObjectSet {
    /// Adds a class.
    pub fn insert(&mut self, class: ObjectClass) {
        self.0 |= 1 << class as u8;
    }

    /// Whether the class is in it.
    pub fn contains(self, class: ObjectClass) -> bool {
        self.0 & (1 << class as u8) != 0
    }

    /// Its classes, in the order of declaration.
    pub fn iter(self) -> impl Iterator<Item = ObjectClass> {
        ObjectClass::ALL
            .into_iter()
            .filter(move |class| self.contains(*class))
    }
}

impl FromIterator<ObjectClass> for ObjectSet {
    fn from_iter<I: IntoIterator<Item = ObjectClass>>(classes: I) -> Self {
        let mut set = Self::default();
        for class in classes {
            set.insert(class);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_come_back() {
        for class in ObjectClass::ALL {
            assert_eq!(ObjectClass::from_name(class.name()), Some(class));
        }
        assert_eq!(ObjectClass::from_name("Table"), None);
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let all: ObjectSet = ObjectClass::ALL.into_iter().collect();
        assert!(all.iter().eq(ObjectClass::ALL));
        let one: ObjectSet = [ObjectClass::Other].into_iter().collect();
        assert!(one.iter().eq([ObjectClass::Other]));
    }
}
