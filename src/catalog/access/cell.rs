//! What one role may do with one relation by one command, and how two such answers compare.

use std::collections::BTreeSet;

use super::policy::Policy;
use crate::report::access::AccessEffect;

/// Which rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// Row-level security is on, and no policy lets a row through.
    Nothing,
    /// Those that the policies let through; those that allow come first.
    Policies(Vec<Policy>),
    /// A view's, whose tables do not show all of theirs.
    Through(Vec<String>),
    /// All of them; and why policies do not count, where that is to be known.
    All(Option<String>),
}

/// What a role may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Nothing, and why.
    None(String),
    /// Something.
    Granted {
        /// The columns, where not all were granted.
        columns: Option<BTreeSet<String>>,
        /// The rows.
        rows: Rows,
    },
    /// A call, as the caller or as the owner that is named.
    Call(Option<String>),
}

impl Access {
    /// Everything.
    pub(super) fn all(why: Option<String>) -> Self {
        Self::Granted {
            columns: None,
            rows: Rows::All(why),
        }
    }

    /// Whether anything comes of it.
    pub fn reaches(&self) -> bool {
        match self {
            Self::None(_) => false,
            Self::Granted { rows, .. } => *rows != Rows::Nothing,
            Self::Call(_) => true,
        }
    }

    /// Returns it in words.
    pub fn words(&self) -> String {
        let (columns, rows) = match self {
            Self::None(why) => return why.clone(),
            Self::Call(None) => return "may call it".to_owned(),
            Self::Call(Some(owner)) => return format!("may call it, and it runs as {owner}"),
            Self::Granted { columns, rows } => (columns, rows),
        };
        let rows = match rows {
            Rows::Nothing => {
                "no row: row-level security is on, and no policy allows any".to_owned()
            }
            Rows::Policies(policies) => by_policies(policies),
            Rows::Through(tables) => format!("rows that are left of {}", tables.join("; ")),
            Rows::All(None) => "every row".to_owned(),
            Rows::All(Some(why)) => format!("every row ({why})"),
        };
        match columns {
            None => rows,
            Some(columns) => {
                let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
                format!("{rows}, columns {}", columns.join(", "))
            }
        }
    }

    /// Returns what its policies say, word by word.
    pub(super) fn expressions(&self) -> String {
        let Self::Granted {
            rows: Rows::Policies(policies),
            ..
        } = self
        else {
            return self.words();
        };
        let said = policies.iter().map(|policy| {
            let using = policy.using.iter().map(|text| format!("using {text}"));
            let check = policy.check.iter().map(|text| format!("check {text}"));
            let said: Vec<String> = using.chain(check).collect();
            format!("policy {}: {}", policy.name, said.join(" "))
        });
        said.collect::<Vec<String>>().join("; ")
    }

    /// Says which way access changes; `None` where it does not.
    pub(super) fn compare(&self, after: &Self) -> Option<AccessEffect> {
        use AccessEffect::{Changed, Narrowed, Widened};
        match (self, after) {
            (Self::None(_), Self::None(_)) => None,
            (Self::Call(a), Self::Call(b)) => (a != b).then_some(Changed),
            (
                Self::Granted {
                    columns: old_columns,
                    rows: old_rows,
                },
                Self::Granted { columns, rows },
            ) => {
                let changes = [
                    compare_columns(old_columns.as_ref(), columns.as_ref()),
                    compare_rows(old_rows, rows),
                ];
                let mut changes = changes.into_iter().flatten();
                match (changes.next(), changes.next()) {
                    (Some(one), Some(other)) if one != other => Some(Changed),
                    (one, _) => one,
                }
            }
            // A privilege without a row opens nothing yet, and still is another state.
            (a, b) => match (a.reaches(), b.reaches()) {
                (false, true) => Some(Widened),
                (true, false) => Some(Narrowed),
                _ => Some(Changed),
            },
        }
    }
}

fn by_policies(policies: &[Policy]) -> String {
    let names = |restrictive: bool| {
        let which = policies.iter().filter(|one| one.restrictive == restrictive);
        let names: Vec<&str> = which.map(|one| one.name.as_str()).collect();
        names.join(", ")
    };
    let plural = |names: &str| {
        if names.contains(", ") {
            "policies"
        } else {
            "policy"
        }
    };
    let (allow, limit) = (names(false), names(true));
    if limit.is_empty() {
        return format!("rows of {} {allow}", plural(&allow));
    }
    let limits = plural(&limit);
    format!(
        "rows of {} {allow}, within {limits} {limit}",
        plural(&allow)
    )
}

fn compare_columns(
    before: Option<&BTreeSet<String>>,
    after: Option<&BTreeSet<String>>,
) -> Option<AccessEffect> {
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some(AccessEffect::Narrowed),
        (Some(_), None) => Some(AccessEffect::Widened),
        (Some(a), Some(b)) => of_sets(a.is_subset(b), b.is_subset(a)),
    }
}

fn compare_rows(before: &Rows, after: &Rows) -> Option<AccessEffect> {
    let rank = |rows: &Rows| match rows {
        Rows::Nothing => 0,
        Rows::Policies(_) | Rows::Through(_) => 1,
        Rows::All(_) => 2,
    };
    match (before, after) {
        (Rows::Policies(a), Rows::Policies(b)) => compare_policies(a, b),
        (Rows::Through(a), Rows::Through(b)) => (a != b).then_some(AccessEffect::Changed),
        (a, b) if rank(a) < rank(b) => Some(AccessEffect::Widened),
        (a, b) if rank(a) > rank(b) => Some(AccessEffect::Narrowed),
        (a, b) if rank(a) == 1 && a != b => Some(AccessEffect::Changed),
        _ => None,
    }
}

/// Another policy that allows lets more rows through, another that limits fewer. All else cannot be told.
fn compare_policies(before: &[Policy], after: &[Policy]) -> Option<AccessEffect> {
    let set = |policies: &[Policy], restrictive: bool| -> BTreeSet<Policy> {
        let which = policies.iter().filter(|one| one.restrictive == restrictive);
        which.cloned().collect()
    };
    let (allow, allow_now) = (set(before, false), set(after, false));
    let (limit, limit_now) = (set(before, true), set(after, true));
    let more = allow.is_subset(&allow_now) && limit_now.is_subset(&limit);
    let less = allow_now.is_subset(&allow) && limit.is_subset(&limit_now);
    of_sets(more, less)
}

fn of_sets(more: bool, less: bool) -> Option<AccessEffect> {
    match (more, less) {
        (true, true) => None,
        (true, false) => Some(AccessEffect::Widened),
        (false, true) => Some(AccessEffect::Narrowed),
        (false, false) => Some(AccessEffect::Changed),
    }
}
