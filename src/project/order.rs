//! The order in which migrations run, and versions that contradict it.

use std::collections::{BTreeMap, HashMap};

use super::error::ProjectError;
use super::file_fault::FileFault;
use super::file_name::Version;
use super::migration::Migration;

/// Sorts into run order: phase, step, version; a step's repeatable migrations last, by name.
///
/// Reports versions and repeatable names that are used twice, and versions smaller than one that
/// runs earlier: refinery, which shares our history, orders by version alone.
pub(crate) fn sort_and_check(migrations: &mut [Migration], errors: &mut Vec<ProjectError>) {
    migrations.sort_by(|a, b| {
        // `Versioned` sorts before `Repeatable`.
        (a.phase, a.step, a.version, &a.name, &a.path)
            .cmp(&(b.phase, b.step, b.version, &b.name, &b.path))
    });
    let duplicates = check_unique(migrations, errors);
    check_order(migrations, &duplicates, errors);
}

/// Returns the versions that several files have.
fn check_unique(migrations: &[Migration], errors: &mut Vec<ProjectError>) -> BTreeMap<i64, usize> {
    let mut versions: Vec<(i64, &Migration)> = Vec::with_capacity(migrations.len());
    let mut repeatables: HashMap<String, Vec<&Migration>> = HashMap::new();
    for migration in migrations {
        match migration.version {
            Version::Versioned(version) => versions.push((version, migration)),
            Version::Repeatable => repeatables
                .entry(migration.name.to_lowercase())
                .or_default()
                .push(migration),
        }
    }
    let paths = |same: &[&Migration]| -> Vec<String> {
        same.iter()
            .map(|migration| migration.path.to_string())
            .collect()
    };
    for same in repeatables.values().filter(|same| same.len() > 1) {
        errors.push(ProjectError::in_file(
            FileFault::DuplicateRepeatable {
                name: same[0].name.clone(),
                files: paths(same),
            },
            same[0].path.as_str(),
        ));
    }
    // Stable: the files of a version stay in run order.
    versions.sort_by_key(|(version, _)| *version);
    let mut duplicates = BTreeMap::new();
    for same in versions.chunk_by(|(a, _), (b, _)| a == b) {
        if let [(version, first), _, ..] = same {
            let same: Vec<&Migration> = same.iter().map(|(_, migration)| *migration).collect();
            duplicates.insert(*version, same.len());
            errors.push(ProjectError::in_file(
                FileFault::DuplicateVersion {
                    version: *version,
                    files: paths(&same),
                },
                first.path.as_str(),
            ));
        }
    }
    duplicates
}

/// Reports each step's smallest version that is smaller than one of an earlier step: one error
/// for a step, since one wrong version can put hundreds of others out of order.
fn check_order(
    migrations: &[Migration],
    duplicates: &BTreeMap<i64, usize>,
    errors: &mut Vec<ProjectError>,
) {
    let mut greatest: Option<(i64, &Migration)> = None;
    for step in migrations.chunk_by(|a, b| (a.phase, a.step) == (b.phase, b.step)) {
        let versioned = || {
            step.iter().filter_map(|migration| {
                let version = migration.version.number()?;
                // A version used twice is an error already.
                (!duplicates.contains_key(&version)).then_some((version, migration))
            })
        };
        if let Some((earlier, earlier_migration)) = greatest {
            let mut late = versioned().filter(|(version, _)| *version < earlier);
            if let Some((version, migration)) = late.next() {
                errors.push(ProjectError::in_file(
                    FileFault::OutOfOrder {
                        version,
                        earlier,
                        earlier_file: earlier_migration.path.to_string(),
                        more: late.count(),
                    },
                    migration.path.as_str(),
                ));
            }
        }
        let last = versioned().next_back();
        if last.map(|(version, _)| version) > greatest.map(|(version, _)| version) {
            greatest = last;
        }
    }
}
