//! An object before and after, as lines.

use similar::{ChangeTag, TextDiff};

use crate::report::dry_run::{ChangeKind, ObjectChange};

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

/// Lines of a long text that stand around a change.
const AROUND: usize = 3;

/// Returns the object's name and what is said of it, as lines of a diff.
pub(super) fn lines(change: &ObjectChange) -> Vec<(Sign, String)> {
    let sign = match change.change {
        ChangeKind::Added => Sign::New,
        ChangeKind::Removed => Sign::Gone,
        ChangeKind::Changed => Sign::Around,
    };
    let mut lines = vec![(sign, change.object.clone())];
    for property in &change.properties {
        let told = |value: &Option<String>| match value {
            None => Vec::new(),
            Some(value) if value.trim_end().contains('\n') => {
                let head = format!("  {}:", property.property);
                let body = value.trim_end().lines().map(|line| format!("    {line}"));
                std::iter::once(head).chain(body).collect()
            }
            Some(value) => vec![format!("  {}: {}", property.property, value.trim_end())],
        };
        let (before, after) = (told(&property.before), told(&property.after));
        lines.extend(compared(&before, &after));
    }
    lines
}

fn compared(before: &[String], after: &[String]) -> Vec<(Sign, String)> {
    let before: Vec<&str> = before.iter().map(String::as_str).collect();
    let after: Vec<&str> = after.iter().map(String::as_str).collect();
    let diff = TextDiff::from_slices(&before, &after);
    let mut lines = Vec::new();
    for (at, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if at > 0 {
            lines.push((Sign::Around, "    …".to_owned()));
        }
        for op in group {
            for change in diff.iter_changes(op) {
                let sign = match change.tag() {
                    ChangeTag::Delete => Sign::Gone,
                    ChangeTag::Insert => Sign::New,
                    ChangeTag::Equal => Sign::Around,
                };
                lines.push((sign, change.value().to_owned()));
            }
        }
    }
    lines
}
