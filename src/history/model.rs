//! History as values: rows as they were read, and the newest word on each migration.

use std::collections::HashMap;

/// What a history row says was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The file was run.
    Apply,
    /// The file was declared applied without running it (`evmig baseline`).
    Baseline,
    /// Refinery had applied it; evmig took its row over.
    Adopt,
    /// A changed file was accepted (`evmig repair`).
    Repair,
    /// It was taken back.
    Rollback,
}

impl Action {
    /// Returns the word in the `action` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Baseline => "baseline",
            Self::Adopt => "adopt",
            Self::Repair => "repair",
            Self::Rollback => "rollback",
        }
    }

    /// Reads the word in the `action` column.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Apply,
            Self::Baseline,
            Self::Adopt,
            Self::Repair,
            Self::Rollback,
        ]
        .into_iter()
        .find(|action| action.as_str() == word)
    }
}

/// What identifies a migration through all its rows: a version, or a repeatable one's name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// `V<version>__…`
    Version(i64),
    /// `R__<name>`
    Repeatable(String),
}

impl Key {
    /// Returns the text in the `key` column.
    pub fn to_text(&self) -> String {
        match self {
            Self::Version(version) => version.to_string(),
            Self::Repeatable(name) => format!("R:{name}"),
        }
    }

    /// Reads the text in the `key` column.
    pub fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix("R:") {
            Some(name) => Some(Self::Repeatable(name.to_owned())),
            None => text.parse().ok().map(Self::Version),
        }
    }

    /// Returns `V101__name` or `R__name`.
    pub fn label(&self, name: &str) -> String {
        match self {
            Self::Version(version) => format!("V{version}__{name}"),
            Self::Repeatable(name) => format!("R__{name}"),
        }
    }
}

/// What a row of the journal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Journal {
    /// A statement of the migration itself.
    Up,
    /// A statement of its rollback script.
    Down,
    /// A rollback that cannot be one transaction is going to take the migration back.
    Undo,
}

impl Journal {
    const ALL: [(Self, &'static str); 2] = [(Self::Down, "down:"), (Self::Undo, "undo:")];

    /// Returns the text in the journal's `key` column.
    pub fn key(self, key: &Key) -> String {
        let prefix = Self::ALL.iter().find(|(journal, _)| *journal == self);
        format!(
            "{}{}",
            prefix.map_or("", |(_, prefix)| prefix),
            key.to_text()
        )
    }

    /// Reads it.
    pub fn parse(text: &str) -> Option<(Self, Key)> {
        let found = Self::ALL
            .iter()
            .find_map(|(journal, prefix)| Some((*journal, text.strip_prefix(prefix)?)));
        let (journal, key) = found.unwrap_or((Self::Up, text));
        Some((journal, Key::parse(key)?))
    }
}

/// One row of the `migration` table, without its scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationRow {
    /// Position in the history.
    pub seq: i64,
    /// Which migration.
    pub key: Key,
    /// Its name.
    pub name: String,
    /// Number of its phase.
    pub phase_number: i64,
    /// Name of its phase.
    pub phase: String,
    /// Name of its step.
    pub step: String,
    /// Run id.
    pub run: String,
    /// What was done.
    pub action: Action,
    /// SHA-256 of the normalised text, in hex; empty for a row adopted without its file.
    pub sha256: String,
    /// Refinery's checksum as its table has it.
    pub refinery_checksum: Option<String>,
    /// When, RFC 3339 in UTC.
    pub at: String,
}

/// One row of refinery's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefineryRow {
    /// Version.
    pub version: i64,
    /// Name.
    pub name: String,
    /// When, as refinery wrote it.
    pub applied_on: String,
    /// `SipHash` 1-3 of name, version and text, in decimal.
    pub checksum: String,
}

/// State of a journalled statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatementState {
    /// It is about to run.
    Intent,
    /// It ran.
    Done,
    /// It failed, and nothing of it remains.
    Failed,
}

impl StatementState {
    /// Returns the word in the `state` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Reads the word in the `state` column.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Intent, Self::Done, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// One row of the `statement` journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRow {
    /// Position in the journal.
    pub seq: i64,
    /// Which migration.
    pub key: Key,
    /// What of it.
    pub journal: Journal,
    /// Run id.
    pub run: String,
    /// Index of the statement in its file, from 0; for [`Journal::Undo`] its turn.
    pub position: usize,
    /// What the journal says.
    pub state: StatementState,
    /// SHA-256 of the statement's text.
    pub sha256: String,
    /// For an intent: what the catalog showed before (the probe's baseline).
    pub note: Option<String>,
}

/// Width of the version column in refinery's table, which decides what its checksum covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionType {
    /// `int4`: the checksum hashes the version as `i32`.
    Int4,
    /// `int8`: the checksum hashes the version as `i64`.
    Int8,
}

impl VersionType {
    /// Returns the type's name in SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Int4 => "int4",
            Self::Int8 => "int8",
        }
    }
}

/// Everything that is read of a history before deciding anything.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// All migration rows, oldest first.
    pub rows: Vec<MigrationRow>,
    /// Refinery's rows, by version; where the history was read in brief, none if evmig knows them all.
    pub refinery: Vec<RefineryRow>,
    /// The journal of files that were begun and not finished.
    pub open_statements: Vec<StatementRow>,
}

impl History {
    /// Returns whether nothing was ever recorded.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.refinery.is_empty() && self.open_statements.is_empty()
    }

    /// Returns the newest row of each migration.
    pub fn latest(&self) -> HashMap<&Key, &MigrationRow> {
        self.rows.iter().map(|row| (&row.key, row)).collect()
    }

    /// Returns refinery's rows that evmig has no row for, or took back: refinery applied them.
    pub fn refinery_only(&self) -> Vec<&RefineryRow> {
        if self.refinery.is_empty() {
            return Vec::new();
        }
        let latest = self.latest();
        self.refinery
            .iter()
            .filter(|row| {
                latest
                    .get(&Key::Version(row.version))
                    .is_none_or(|word| word.action == Action::Rollback)
            })
            .collect()
    }

    /// Returns the unfinished journal of one migration, oldest first.
    pub fn journal(&self, key: &Key) -> Vec<&StatementRow> {
        self.journal_of(Journal::Up, key)
    }

    /// Returns the unfinished journal of one kind of one migration, oldest first.
    pub fn journal_of(&self, journal: Journal, key: &Key) -> Vec<&StatementRow> {
        self.open_statements
            .iter()
            .filter(|row| row.journal == journal && row.key == *key)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_text_form() {
        for key in [
            Key::Version(101),
            Key::Version(i64::MAX),
            Key::Repeatable("12".into()),
        ] {
            assert_eq!(Key::parse(&key.to_text()), Some(key));
        }
        assert_eq!(Key::parse("x"), None);
    }

    #[test]
    fn journals_survive_their_text_form() {
        let key = Key::Repeatable("down:1".into());
        for journal in [Journal::Up, Journal::Down, Journal::Undo] {
            assert_eq!(
                Journal::parse(&journal.key(&key)),
                Some((journal, key.clone()))
            );
        }
        assert_eq!(Journal::Down.key(&Key::Version(7)), "down:7");
        assert_eq!(Journal::parse("sideways:7"), None);
    }

    #[test]
    fn actions_and_states_survive_their_words() {
        assert_eq!(Action::parse("adopt"), Some(Action::Adopt));
        assert_eq!(Action::parse("adopted"), None);
        assert_eq!(
            StatementState::parse("intent"),
            Some(StatementState::Intent)
        );
    }
}
