//! What two matrices do not have in common.

use std::collections::{BTreeMap, BTreeSet};

use super::cell::Access;
use super::facts::Facts;
use super::matrix::{Case, Matrix, unspoken};
use super::{Command, ROLES};
use crate::catalog::model::Snapshot;
use crate::report::access::{AccessChange, AccessEffect};

/// A database at one moment.
#[derive(Debug, Clone, Copy)]
pub struct State<'s> {
    /// Its objects.
    pub snapshot: &'s Snapshot,
    /// Its roles and views.
    pub facts: &'s Facts,
}

/// Compares what the roles of [`ROLES`], and those that were asked for besides, may do: what widens first.
pub fn delta(before: State<'_>, after: State<'_>, besides: &[&str]) -> Vec<AccessChange> {
    let mut roles = ROLES.to_vec();
    roles.extend(besides.iter().filter(|role| !ROLES.contains(role)));
    compare(
        &Matrix::new(before.snapshot, before.facts, &roles),
        &Matrix::new(after.snapshot, after.facts, &roles),
    )
}

/// Compares two matrices.
pub fn compare(before: &Matrix, after: &Matrix) -> Vec<AccessChange> {
    let cases: BTreeSet<&Case> = before
        .cells()
        .chain(after.cells())
        .map(|(case, _)| case)
        .collect();
    // The commands of which the same is true, by all the rest.
    let mut changes: BTreeMap<AccessChange, Vec<Command>> = BTreeMap::new();
    for case in cases {
        let find = |matrix: &Matrix| matrix.get(case).cloned();
        let old = find(before).unwrap_or_else(|| unspoken(case));
        let new = find(after).unwrap_or_else(|| unspoken(case));
        if let Some(effect) = old.compare(&new) {
            let change = change(case, effect, &old, &new);
            changes.entry(change).or_default().push(case.command);
        }
    }
    changes
        .into_iter()
        .map(|(change, commands)| {
            let words: Vec<&str> = commands.into_iter().map(Command::word).collect();
            AccessChange {
                command: words.join(", "),
                ..change
            }
        })
        .collect()
}

fn change(case: &Case, effect: AccessEffect, old: &Access, new: &Access) -> AccessChange {
    let (mut before, mut after) = (old.words(), new.words());
    if before == after {
        // The names are the same: it is what they stand for.
        (before, after) = (old.expressions(), new.expressions());
    }
    AccessChange {
        effect,
        role: case.role.clone(),
        relation: case.object.clone(),
        command: String::new(),
        before,
        after,
    }
}
