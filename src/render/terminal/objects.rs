//! What an apply would change: a line for each object and its definition below, as far as that can be read at once.

use std::collections::HashSet;

use super::look::Look;
use super::number::{count, counted};
use super::style::{BAD, CAUTION, GOOD, QUIET, paint};
use super::text::{cut_end, flowed, one_line};
use crate::render::change::{Sign, besides, groups, lines, tally};
use crate::report::change::{ChangeKind, ObjectChange};
use crate::report::sanitize::for_terminal;

/// More objects of one kind in one schema are counted; a program reads all of them.
const MOST_OF_A_SORT: usize = 12;
/// Lines of one definition that are shown.
const MOST_OF_ONE: usize = 16;
/// Lines of all definitions that are shown.
const MOST_OF_ALL: usize = 120;
/// The longest value of a property that is shown.
const MOST_VALUE: usize = 60;

/// Returns the title of the section, and the section.
pub(super) fn section(changes: &[ObjectChange], look: Look) -> (String, String) {
    let title = format!("What changes: {}", tally(changes.iter()));
    let groups: Vec<Vec<&ObjectChange>> = groups(changes)
        .into_iter()
        .map(|(_, objects)| objects)
        .collect();
    let mut many: Vec<(Sort<'_>, usize)> = Vec::new();
    for sort in groups.iter().filter_map(|group| sort(group)) {
        match many.iter_mut().find(|(known, _)| *known == sort) {
            Some((_, number)) => *number += 1,
            None => many.push((sort, 1)),
        }
    }
    many.retain(|(_, number)| *number > MOST_OF_A_SORT);
    let mut out = String::new();
    for ((change, kind, schema), number) in &many {
        let text = format!("{} in {schema}", plural(*number, kind));
        line(&mut out, *change, &text, look);
    }
    let is_counted = |group: &[&ObjectChange]| {
        sort(group).is_some_and(|sort| many.iter().any(|(known, _)| *known == sort))
    };
    let told: Vec<&Vec<&ObjectChange>> = groups.iter().filter(|one| !is_counted(one)).collect();
    let defined = defined(told.iter().flat_map(|group| group.iter().copied()));
    for group in &told {
        draw_group(&mut out, group, &defined, look);
    }
    let left = changes.len() - defined.len();
    if left > 0 {
        let text = format!(
            "  {} not shown here: --format html, markdown or json has all of them\n",
            match left {
                1 => "1 definition is".to_owned(),
                number => format!("{} are", counted(number, "definition")),
            }
        );
        out.push_str(&paint(QUIET, &text));
    }
    (title, out)
}

/// The objects whose definitions have room: changed ones as far as it goes, since nothing else says what changes;
/// then those that come and go, all or none.
fn defined<'a>(told: impl Iterator<Item = &'a ObjectChange>) -> HashSet<&'a str> {
    let (changed, whole): (Vec<&ObjectChange>, Vec<&ObjectChange>) =
        told.partition(|one| !is_whole(one));
    let taken = |one: &ObjectChange| lines(one).len().min(MOST_OF_ONE);
    let mut room = MOST_OF_ALL;
    let mut defined = HashSet::new();
    for one in changed {
        let Some(left) = room.checked_sub(taken(one)) else {
            return defined;
        };
        room = left;
        defined.insert(one.object.as_str());
    }
    if whole.iter().map(|one| taken(one)).sum::<usize>() <= room {
        defined.extend(whole.iter().map(|one| one.object.as_str()));
    }
    defined
}

/// Whether an object comes or goes.
fn is_whole(change: &ObjectChange) -> bool {
    matches!(change.change, ChangeKind::Added | ChangeKind::Removed)
}

/// What comes or goes, of which kind, and in which schema.
type Sort<'a> = (ChangeKind, &'a str, &'a str);

/// Returns the sort of a group in which one object comes or goes with all that belongs to it.
fn sort<'a>(group: &[&'a ObjectChange]) -> Option<Sort<'a>> {
    let one = match group {
        [one] => one,
        _ => group.iter().find(|one| is_relation(&one.kind))?,
    };
    let is_sort = is_whole(one) && group.iter().all(|other| other.change == one.change);
    let (schema, _) = one.group.split_once('.')?;
    is_sort.then_some((one.change, &one.kind, schema))
}

fn is_relation(kind: &str) -> bool {
    matches!(
        kind,
        "table" | "view" | "materialized view" | "foreign table" | "domain"
    )
}

fn draw_group(out: &mut String, group: &[&ObjectChange], defined: &HashSet<&str>, look: Look) {
    let whole = group
        .iter()
        .find(|one| is_relation(&one.kind) && is_whole(one));
    let comes_with = |one: &ObjectChange| whole.is_some_and(|whole| whole.change == one.change);
    if let Some(whole) = whole {
        let with = group
            .iter()
            .filter(|one| comes_with(one) && one.object != whole.object);
        line(out, whole.change, &with_parts(whole, with), look);
        definition(out, whole, defined, look);
        for one in group.iter().filter(|one| comes_with(one)) {
            if one.object != whole.object {
                definition(out, one, defined, look);
            }
        }
    }
    for one in group.iter().filter(|one| !comes_with(one)) {
        let text = if defined.contains(one.object.as_str()) && !one.diff.is_empty() {
            format!("{}{}", one.object, besides(one))
        } else {
            with_values(one)
        };
        line(out, one.change, &text, look);
        definition(out, one, defined, look);
    }
}

/// A relation that comes or goes, with the number of what comes or goes with it.
fn with_parts<'a>(
    whole: &ObjectChange,
    with: impl Iterator<Item = &'a &'a ObjectChange>,
) -> String {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for one in with {
        match kinds.iter_mut().find(|(kind, _)| *kind == one.kind) {
            Some((_, number)) => *number += 1,
            None => kinds.push((&one.kind, 1)),
        }
    }
    let parts: Vec<String> = kinds
        .iter()
        .map(|(kind, number)| plural(*number, kind))
        .collect();
    let colon = if parts.is_empty() { "" } else { ": " };
    format!("{}{colon}{}", whole.object, parts.join(", "))
}

/// Writes an object's definition, or the lines of it that differ.
fn definition(out: &mut String, one: &ObjectChange, defined: &HashSet<&str>, look: Look) {
    if !defined.contains(one.object.as_str()) {
        return;
    }
    let lines = lines(one);
    // One line is no longer than the note that it is missing.
    let most = if lines.len() <= MOST_OF_ONE + 1 {
        lines.len()
    } else {
        MOST_OF_ONE
    };
    for (sign, text) in lines.iter().take(most) {
        let style = match sign {
            Sign::New => GOOD,
            Sign::Gone => BAD,
            Sign::Around => QUIET,
        };
        // A line is as long as it is: SQL that is cut or wrapped cannot be read.
        let text = format!("    {} {}", sign.mark(), for_terminal(text));
        out.push_str(&paint(style, text.trim_end()));
        out.push('\n');
    }
    if most < lines.len() {
        let more = format!(
            "      {} {} more lines",
            look.ellipsis(),
            lines.len() - most
        );
        out.push_str(&paint(QUIET, &more));
        out.push('\n');
    }
}

/// Returns a count with a noun that may end in anything.
fn plural(number: usize, noun: &str) -> String {
    let noun = match (number, noun) {
        (1, _) => noun.to_owned(),
        (_, "index") => "indexes".to_owned(),
        (_, "policy") => "policies".to_owned(),
        (_, "statistics" | "grants" | "default privileges") => noun.to_owned(),
        _ => format!("{noun}s"),
    };
    format!("{} {noun}", count(number as u64))
}

fn line(out: &mut String, change: ChangeKind, text: &str, look: Look) {
    let (sign, style) = match change {
        ChangeKind::Added => ("+", GOOD),
        ChangeKind::Removed => ("-", BAD),
        ChangeKind::Changed | ChangeKind::Renamed => ("~", CAUTION),
    };
    let text = cut_end(&one_line(text), look.width.saturating_sub(4), look);
    out.push_str("  ");
    out.push_str(&paint(style, &format!("{sign} {text}")));
    out.push('\n');
}

/// An object, and what of it changes, in one line.
pub(super) fn with_values(change: &ObjectChange) -> String {
    if is_whole(change) {
        return change.object.clone();
    }
    let value = |value: &Option<String>| match value {
        None => "(default)".to_owned(),
        Some(text) if text.chars().count() > MOST_VALUE => "(long text)".to_owned(),
        Some(text) => flowed(text),
    };
    let parts: Vec<String> = change
        .properties
        .iter()
        .map(|one| {
            let (before, after) = (value(&one.before), value(&one.after));
            if before == after {
                format!("{} changed", one.property)
            } else {
                format!("{}: {before} -> {after}", one.property)
            }
        })
        .collect();
    let was = change.renamed_from.as_ref();
    let was = was.map_or_else(String::new, |was| format!(", which was {was}"));
    let gap = if parts.is_empty() { "" } else { "  " };
    format!("{}{was}{gap}{}", change.object, parts.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(change: ChangeKind, kind: &str, name: &str, lines: usize) -> ObjectChange {
        let lines = (0..lines).map(|at| format!("+line {at}\n"));
        ObjectChange {
            change,
            kind: kind.to_owned(),
            object: format!("{kind} public.{name}"),
            renamed_from: None,
            group: format!("public.{name}"),
            properties: Vec::new(),
            diff: format!("@@ -1 +1 @@\n{}", lines.collect::<String>()),
        }
    }

    fn drawn(changes: &[ObjectChange]) -> String {
        let look = Look {
            width: 80,
            unicode: true,
        };
        let (title, text) = section(changes, look);
        anstream::adapter::strip_str(&format!("{title}\n{text}")).to_string()
    }

    #[test]
    fn new_definitions_are_shown_together_or_not_at_all() {
        let tables = |number: usize| {
            (0..number).map(|at| object(ChangeKind::Added, "table", &format!("t{at}"), 20))
        };
        let mut changes: Vec<ObjectChange> = tables(2).collect();
        changes.push(object(ChangeKind::Changed, "function", "f", 1));
        let text = drawn(&changes);
        assert!(
            text.starts_with(
                "What changes: 2 added, 1 changed\n  + table public.t0\n    + line 0\n"
            )
        );
        assert_eq!(text.matches("      … 4 more lines\n").count(), 2, "{text}");
        assert!(!text.contains("not shown here"), "{text}");
        let mut changes: Vec<ObjectChange> = tables(12).collect();
        changes.push(object(ChangeKind::Changed, "function", "f", 1));
        let text = drawn(&changes);
        assert!(
            text.contains("  ~ function public.f\n    + line 0\n"),
            "{text}"
        );
        assert!(text.contains("  + table public.t11\n  ~"), "{text}");
        let said =
            "12 definitions are not shown here: --format html, markdown or json has all of them";
        assert!(text.contains(said), "{text}");
        let changes: Vec<ObjectChange> = tables(13).collect();
        assert!(drawn(&changes).contains("\n  + 13 tables in public\n"));
    }
}
