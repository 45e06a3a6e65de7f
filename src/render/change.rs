//! Objects before and after, as every rendering shows them: in groups, with a head and the lines that differ.

use std::collections::HashMap;

use crate::report::change::{ChangeKind, ObjectChange};

/// Whether a line goes, comes, or stands around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Gone,
    New,
    Around,
}

impl Sign {
    pub(super) fn mark(self) -> char {
        match self {
            Self::Gone => '-',
            Self::New => '+',
            Self::Around => ' ',
        }
    }
}

/// Stands where lines that are the same are left out.
const GAP: &str = "…";

/// Returns the lines of an object's diff, without the numbers of lines: nobody can look them up.
pub(super) fn lines(change: &ObjectChange) -> Vec<(Sign, &str)> {
    let mut lines = Vec::new();
    for line in change.diff.lines() {
        let mark = line.chars().next();
        let rest = mark.map_or("", |mark| &line[mark.len_utf8()..]);
        match mark {
            Some('+') => lines.push((Sign::New, rest)),
            Some('-') => lines.push((Sign::Gone, rest)),
            Some('@') if lines.is_empty() => {}
            Some('@') => lines.push((Sign::Around, GAP)),
            _ => lines.push((Sign::Around, rest)),
        }
    }
    lines
}

/// `changed column public.product.price: default`
pub(super) fn title(change: &ObjectChange) -> String {
    let word = change.change.word();
    format!("{word} {}{}", change.object, besides(change))
}

/// What is said behind an object's name: what it was called, and the names of what has changed.
pub(super) fn besides(change: &ObjectChange) -> String {
    let was = change.renamed_from.as_ref();
    let was = was.map_or_else(String::new, |was| format!(", which was {was}"));
    let names = change.properties.iter();
    let names: Vec<String> = names.map(|one| one.property.replace('_', " ")).collect();
    let colon = if names.is_empty() { "" } else { ": " };
    format!("{was}{colon}{}", names.join(", "))
}

/// Objects of one relation together, in the order of their first one.
pub(super) fn groups(all: &[ObjectChange]) -> Vec<(&str, Vec<&ObjectChange>)> {
    let mut groups: Vec<(&str, Vec<&ObjectChange>)> = Vec::new();
    let mut at: HashMap<&str, usize> = HashMap::new();
    for change in all {
        let place = *at.entry(&change.group).or_insert_with(|| {
            groups.push((&change.group, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(change);
    }
    groups
}

/// `2 added, 1 changed`
pub(super) fn tally<'a>(all: impl IntoIterator<Item = &'a ObjectChange>) -> String {
    let all: Vec<ChangeKind> = all.into_iter().map(|one| one.change).collect();
    let kinds = [
        ChangeKind::Added,
        ChangeKind::Removed,
        ChangeKind::Changed,
        ChangeKind::Renamed,
    ];
    let counts = kinds.iter().filter_map(|kind| {
        let number = all.iter().filter(|one| *one == kind).count();
        (number > 0).then(|| format!("{number} {}", kind.word()))
    });
    counts.collect::<Vec<_>>().join(", ")
}
