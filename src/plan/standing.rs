//! Where each migration stands: the project's files held against the history.

use std::collections::{HashMap, HashSet};

use crate::history::model::{
    Action, History, Journal, Key, MigrationRow, StatementState, VersionType,
};
use crate::project::{Migration, Project, Version};

/// What the history says of one file on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Not in the database.
    Pending,
    /// A repeatable migration whose text has changed since it last ran.
    Changed {
        /// Position of the row that ran the old text.
        seq: i64,
    },
    /// In the database as it is on disk.
    Applied {
        /// Position of its newest row; `None` where only refinery's table has it.
        seq: Option<i64>,
    },
    /// In the database, and different on disk.
    Divergent {
        /// Position of its newest row; `None` where only refinery's table has it.
        seq: Option<i64>,
        /// What differs.
        difference: Difference,
    },
    /// A part of a file that runs statement by statement is in the database.
    Failed {
        /// The next statement, from 0.
        next: usize,
        /// Whether that statement began and nobody knows how it ended.
        open: bool,
    },
    /// Was in the database and has been taken back: it can be applied again.
    Reverted,
    /// Is in the database, but for what a part of its rollback script has taken back.
    HalfReverted {
        /// The next statement of the rollback script, from 0.
        next: usize,
        /// Whether that statement began and nobody knows how it ended.
        open: bool,
    },
}

impl Standing {
    /// Returns whether an apply would run it.
    pub fn is_to_do(&self) -> bool {
        matches!(
            self,
            Self::Pending | Self::Changed { .. } | Self::Failed { .. } | Self::Reverted
        )
    }
}

/// How a file differs from what was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Its text.
    Text,
    /// Its name; the old one is given.
    Name(String),
}

/// An applied migration whose file is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingFile {
    /// Which.
    pub key: Key,
    /// Its name.
    pub name: String,
    /// Its phase when it was applied; empty where only refinery's table has it.
    pub phase: String,
    /// Its step when it was applied.
    pub step: String,
    /// Run that applied it; empty where refinery did.
    pub run: String,
    /// When it was applied.
    pub at: String,
    /// Position of its newest row.
    pub seq: Option<i64>,
}

/// The standing of everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standings {
    /// One for each of the project's migrations, in the project's order.
    pub of: Vec<Standing>,
    /// Applied migrations without a file.
    pub missing: Vec<MissingFile>,
}

/// Returns the history's key of a file.
pub fn key(migration: &Migration) -> Key {
    match migration.version {
        Version::Versioned(version) => Key::Version(version),
        Version::Repeatable => Key::Repeatable(migration.name.clone()),
    }
}

/// Returns refinery's checksum of a file for the width of a history's table.
pub fn refinery_checksum(migration: &Migration, width: VersionType) -> Option<u64> {
    match width {
        VersionType::Int4 => migration.refinery_i32(),
        VersionType::Int8 => migration.refinery_i64(),
    }
}

/// Returns refinery's checksum for an int8 history of the text that a checksum of refinery's was made
/// from; `None` where that is not the file's. See [`Migration::refinery_match`].
pub fn refinery_match(migration: &Migration, checksum: &str, width: VersionType) -> Option<u64> {
    migration.refinery_match(checksum.parse().ok()?, width == VersionType::Int8)
}

/// Holds the files against the history.
pub fn standings(project: &Project, history: &History, width: VersionType) -> Standings {
    let latest = history.latest();
    let refinery: HashMap<Key, (&str, &str)> = history
        .refinery_only()
        .into_iter()
        .map(|row| {
            (
                Key::Version(row.version),
                (row.name.as_str(), row.checksum.as_str()),
            )
        })
        .collect();
    let mut seen = HashSet::with_capacity(project.migrations.len());
    let of = project
        .migrations
        .iter()
        .map(|migration| {
            let key = key(migration);
            let standing = match (latest.get(&key), refinery.get(&key)) {
                (_, Some(&(name, checksum))) => against_refinery(migration, name, checksum, width),
                (Some(row), None) => against_row(migration, row, history),
                (None, None) => unrecorded(&key, history),
            };
            seen.insert(key);
            standing
        })
        .collect();
    let missing = missing(history, &latest, &seen);
    Standings { of, missing }
}

fn against_refinery(
    migration: &Migration,
    name: &str,
    checksum: &str,
    width: VersionType,
) -> Standing {
    if refinery_match(migration, checksum, width).is_some() {
        Standing::Applied { seq: None }
    } else if name == migration.name {
        Standing::Divergent {
            seq: None,
            difference: Difference::Text,
        }
    } else {
        Standing::Divergent {
            seq: None,
            difference: Difference::Name(name.to_owned()),
        }
    }
}

fn against_row(migration: &Migration, row: &MigrationRow, history: &History) -> Standing {
    if let Some((next, open)) = begun(history, Journal::Down, &row.key) {
        return Standing::HalfReverted { next, open };
    }
    if row.action == Action::Rollback {
        return match unrecorded(&row.key, history) {
            Standing::Pending => Standing::Reverted,
            begun => begun,
        };
    }
    if row.sha256 == migration.sha256 && row.name == migration.name {
        return Standing::Applied { seq: Some(row.seq) };
    }
    match migration.version {
        Version::Repeatable => match unrecorded(&row.key, history) {
            Standing::Pending => Standing::Changed { seq: row.seq },
            begun => begun,
        },
        Version::Versioned(_) => Standing::Divergent {
            seq: Some(row.seq),
            difference: if row.name == migration.name {
                Difference::Text
            } else {
                Difference::Name(row.name.clone())
            },
        },
    }
}

/// A file without a row of its own may have a journal: it was begun.
fn unrecorded(key: &Key, history: &History) -> Standing {
    match begun(history, Journal::Up, key) {
        Some((next, open)) => Standing::Failed { next, open },
        None => Standing::Pending,
    }
}

/// Returns the next statement of a script that was begun, and whether it is open.
fn begun(history: &History, journal: Journal, key: &Key) -> Option<(usize, bool)> {
    let journal = history.journal_of(journal, key);
    let mut next = 0;
    for row in &journal {
        if row.state == StatementState::Done && row.position == next {
            next += 1;
        }
    }
    let open = journal
        .iter()
        .rev()
        .find(|row| row.position == next)
        .is_some_and(|row| row.state == StatementState::Intent);
    (next > 0 || open).then_some((next, open))
}

fn missing(
    history: &History,
    latest: &HashMap<&Key, &MigrationRow>,
    seen: &HashSet<Key>,
) -> Vec<MissingFile> {
    let of_ours = latest
        .values()
        .filter(|row| row.action != Action::Rollback && !seen.contains(&row.key))
        .map(|row| MissingFile {
            key: row.key.clone(),
            name: row.name.clone(),
            phase: row.phase.clone(),
            step: row.step.clone(),
            run: row.run.clone(),
            at: row.at.clone(),
            seq: Some(row.seq),
        });
    let of_refinery = history
        .refinery_only()
        .into_iter()
        .filter(|row| !seen.contains(&Key::Version(row.version)))
        .map(|row| MissingFile {
            key: Key::Version(row.version),
            name: row.name.clone(),
            phase: String::new(),
            step: String::new(),
            run: String::new(),
            at: row.applied_on.clone(),
            seq: None,
        });
    // A repeatable migration may be deleted: what it made stays as it is, like any other text that
    // is not run again.
    let mut missing: Vec<MissingFile> = of_ours
        .filter(|file| matches!(file.key, Key::Version(_)))
        .chain(of_refinery)
        .collect();
    missing.sort_by(|a, b| a.key.cmp(&b.key));
    missing
}
