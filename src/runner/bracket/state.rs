//! Triggers and their states, as the catalog has them.

use crate::sql::name::QualifiedName;

/// When a trigger fires: `pg_trigger.tgenabled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// `O`: as usual, and not for rows that replication brings.
    Origin,
    /// `D`: never.
    Disabled,
    /// `R`: for rows that replication brings alone.
    Replica,
    /// `A`: always.
    Always,
}

impl State {
    /// Reads the catalog's letter.
    pub fn from_letter(letter: &str) -> Option<Self> {
        match letter {
            "O" => Some(Self::Origin),
            "D" => Some(Self::Disabled),
            "R" => Some(Self::Replica),
            "A" => Some(Self::Always),
            _ => None,
        }
    }

    /// Returns the catalog's letter.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Origin => "O",
            Self::Disabled => "D",
            Self::Replica => "R",
            Self::Always => "A",
        }
    }

    /// Returns the words of `ALTER TABLE` that lead to it; the trigger's name follows.
    fn action(self) -> &'static str {
        match self {
            Self::Origin => "ENABLE TRIGGER",
            Self::Disabled => "DISABLE TRIGGER",
            Self::Replica => "ENABLE REPLICA TRIGGER",
            Self::Always => "ENABLE ALWAYS TRIGGER",
        }
    }
}

/// A trigger of one table; a partition's copy is one of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its table.
    pub table: QualifiedName,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: State,
    /// Whether the server made it for a constraint: a foreign key, a deferrable unique key.
    pub of_system: bool,
    /// The table's oid.
    pub(super) relid: i64,
    /// Its own.
    pub(super) oid: i64,
    /// The trigger that it is a partition's copy of.
    pub(super) parent: Option<i64>,
}

/// A change that is to be made: the trigger, and the state that it gets.
pub(super) type Turn<'a> = (&'a Trigger, State);

/// Returns the statements that give triggers their states, one for each table and always by name: `ALL` and `USER`
/// know no earlier state, and without `ONLY` a partitioned table's change goes down to its partitions' copies.
///
/// `turns` are in the order of their tables, the same one in every session, so that two of them cannot lock each
/// other out.
pub(super) fn statements(turns: &[Turn<'_>]) -> String {
    let of_tables = turns.chunk_by(|one, next| one.0.relid == next.0.relid);
    let statements = of_tables.map(|turns| {
        let actions: Vec<String> = turns
            .iter()
            .map(|(trigger, state)| format!("{} {}", state.action(), quoted(&trigger.name)))
            .collect();
        let table = turns.first().map(|turn| turn.0.table.quoted());
        let table = table.unwrap_or_default();
        format!("ALTER TABLE ONLY {table} {}", actions.join(", "))
    });
    statements.collect::<Vec<_>>().join(";\n")
}

/// Quotes a name that stands alone.
fn quoted(name: &str) -> String {
    QualifiedName {
        schema: None,
        name: name.to_owned(),
    }
    .quoted()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trigger(relid: i64, table: &str, name: &str) -> Trigger {
        Trigger {
            table: QualifiedName {
                schema: Some("s".into()),
                name: table.into(),
            },
            name: name.into(),
            state: State::Origin,
            of_system: false,
            relid,
            oid: 0,
            parent: None,
        }
    }

    #[test]
    fn every_letter_is_known_and_comes_back() {
        for letter in ["O", "D", "R", "A"] {
            assert_eq!(State::from_letter(letter).map(State::letter), Some(letter));
        }
        assert_eq!(State::from_letter("X"), None);
    }

    #[test]
    fn a_table_has_one_statement_and_hostile_names_stay_names() {
        let (first, second) = (
            trigger(1, "a\"; drop", "x\"y"),
            trigger(1, "a\"; drop", "ALL"),
        );
        let third = trigger(2, "b", "USER");
        let turns = [
            (&first, State::Disabled),
            (&second, State::Always),
            (&third, State::Replica),
        ];
        assert_eq!(
            statements(&turns),
            "ALTER TABLE ONLY \"s\".\"a\"\"; drop\" DISABLE TRIGGER \"x\"\"y\", \
             ENABLE ALWAYS TRIGGER \"ALL\";\n\
             ALTER TABLE ONLY \"s\".\"b\" ENABLE REPLICA TRIGGER \"USER\""
        );
    }
}
