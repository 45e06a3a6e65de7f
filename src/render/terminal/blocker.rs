//! Sessions that are in the way: who, since when, with what, and what can be done.

use super::look::Look;
use super::number::whole_seconds;
use super::style::{HEADING, PLAIN, QUIET, paint};
use super::text::{cut_end, flowed, one_line, push_wrapped};
use crate::report::event::Blocker;

/// More than this is a crowd: the rest is counted.
const MOST: usize = 5;

/// Appends each session on its lines, indented by `indent` columns.
pub(super) fn blockers(out: &mut String, blockers: &[Blocker], indent: usize, look: Look) {
    for blocker in blockers.iter().take(MOST) {
        one(out, blocker, indent, look);
    }
    if blockers.len() > MOST {
        let margin = " ".repeat(indent);
        let more = blockers.len() - MOST;
        out.push_str(&format_line(&margin, &format!("and {more} more")));
    }
}

fn format_line(margin: &str, text: &str) -> String {
    format!("{margin}{text}\n")
}

fn one(out: &mut String, blocker: &Blocker, indent: usize, look: Look) {
    let margin = " ".repeat(indent);
    // What has no session has no process.
    let pid = if blocker.is_prepared() {
        one_line(&blocker.backend_type)
    } else {
        format!("pid {}", blocker.pid)
    };
    out.push_str(&margin);
    out.push_str(&paint(HEADING, &pid));
    out.push_str(", ");
    let first = indent + pid.len() + 2;
    push_wrapped(out, &description(blocker), PLAIN, first, indent + 2, look);
    let query = flowed(&blocker.query);
    if !query.is_empty() {
        let word = if blocker.state == "active" {
            "query"
        } else {
            "last query"
        };
        let line = cut_end(
            &format!("{word}: {query}"),
            look.width.saturating_sub(indent + 2),
            look,
        );
        out.push_str(&format_line(&format!("{margin}  "), &paint(QUIET, &line)));
    }
}

fn description(blocker: &Blocker) -> String {
    let mut parts = Vec::new();
    if !blocker.user.is_empty() {
        parts.push(format!("user {}", one_line(&blocker.user)));
    }
    if !blocker.application.is_empty() {
        parts.push(format!(
            "application \"{}\"",
            one_line(&blocker.application)
        ));
    }
    if blocker.backend_type != "client backend"
        && !blocker.backend_type.is_empty()
        && !blocker.is_prepared()
    {
        parts.push(one_line(&blocker.backend_type));
    }
    if !blocker.state.is_empty() {
        parts.push(one_line(&blocker.state));
    }
    if let Some(seconds) = blocker.transaction_seconds {
        parts.push(format!("transaction open for {}", whole_seconds(seconds)));
    }
    if let Some(relation) = &blocker.relation {
        parts.push(format!("holds {}", one_line(relation)));
    }
    parts.join(", ")
}

/// Returns what ends the wait: a person's decision, or nobody's.
pub(super) fn way_out(blockers: &[Blocker]) -> Option<String> {
    if blockers.is_empty() {
        return None;
    }
    if blockers.iter().all(Blocker::is_plain_autovacuum) {
        return Some("autovacuum steps aside by itself; nothing to do".to_owned());
    }
    if blockers.iter().any(wards_off_wraparound) {
        return Some(
            "a vacuum against transaction id wraparound does not step aside; let it finish"
                .to_owned(),
        );
    }
    if blockers.iter().any(Blocker::is_prepared) {
        return Some(
            "only COMMIT PREPARED or ROLLBACK PREPARED ends a prepared transaction".to_owned(),
        );
    }
    let stubborn: Vec<&Blocker> = blockers
        .iter()
        .filter(|one| !one.is_plain_autovacuum())
        .collect();
    let verb = if stubborn.len() > 1 {
        "end their transactions"
    } else {
        "ends its transaction"
    };
    Some(format!("goes on when {} {verb}", pids(stubborn)))
}

fn wards_off_wraparound(blocker: &Blocker) -> bool {
    blocker.backend_type == "autovacuum worker" && !blocker.is_plain_autovacuum()
}

/// Returns `pid 4711`, or `pids 4711, 4712 and 3 more`; a prepared transaction alone, where there is
/// one, since it ends by itself least of all.
pub(super) fn pids<'a>(blockers: impl IntoIterator<Item = &'a Blocker>) -> String {
    let blockers: Vec<&Blocker> = blockers.into_iter().collect();
    if let Some(prepared) = blockers.iter().find(|one| one.is_prepared()) {
        return one_line(&prepared.backend_type);
    }
    let all: Vec<String> = blockers.iter().map(|one| one.pid.to_string()).collect();
    let word = if all.len() == 1 { "pid" } else { "pids" };
    let shown = all[..all.len().min(MOST)].join(", ");
    match all.len().saturating_sub(MOST) {
        0 => format!("{word} {shown}"),
        more => format!("{word} {shown} and {more} more"),
    }
}
