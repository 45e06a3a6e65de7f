//! What a rollback is going to do, and what it has done.

use super::label::{commands, labelled};
use super::look::Look;
use super::number::{count, counted, duration};
use super::style::{CAUTION, GOOD, HEADING, paint};
use super::target::command;
use super::text::{columns, cut_middle, left, one_line, push_wrapped, right};
use crate::report::change::{ChangeKind, ObjectChange};
use crate::report::rollback::{
    Checked, LostRows, PlannedScript, Proven, RollbackOutcome, RollbackPlan, RollbackReport,
};

/// Returns what is going to be done, in the order in which it runs.
pub fn rollback_plan(plan: &RollbackPlan, look: Look) -> String {
    if plan.scripts.is_empty() {
        return String::new();
    }
    let mut out = String::new();
    let statements: usize = plan.scripts.iter().map(|one| one.statements).sum();
    let head = format!(
        "To roll back: {}, {}, in {}",
        counted(plan.scripts.len(), "migration"),
        counted(statements, "statement"),
        match plan.transactions {
            1 => "one transaction".to_owned(),
            more => format!("{} steps", count(more as u64)),
        }
    );
    push_wrapped(&mut out, &head, HEADING, 0, 2, look);
    for script in &plan.scripts {
        line(&mut out, script, look);
    }
    if let Some(run) = &plan.continues {
        let text = format!("this goes on with rollback {run}, which was stopped half way");
        labelled(&mut out, "continues", &text, look);
    }
    if let Some(run) = &plan.further {
        let text = format!("rollback {run} is done; this goes further back");
        labelled(&mut out, "further", &text, look);
    }
    sources(&mut out, plan, look);
    losses(&mut out, plan, look);
    if !plan.stepped_over.is_empty() {
        let text = format!("{} (no rollback script)", plan.stepped_over.join(", "));
        labelled(&mut out, "stays", &text, look);
    }
    if !plan.stays_behind.is_empty() {
        let text = format!(
            "{}: applied after what is rolled back, and not selected",
            some(&plan.stays_behind)
        );
        labelled(&mut out, "stays", &text, look);
    }
    out
}

/// A long list is told by its ends.
fn some(labels: &[String]) -> String {
    match labels {
        [first, .., last] if labels.len() > 4 => {
            format!("{first} to {last} ({} migrations)", labels.len())
        }
        _ => labels.join(", "),
    }
}

fn line(out: &mut String, script: &PlannedScript, look: Look) {
    let statements = right(&counted(script.statements, "statement"), 16);
    let phase = left(&cut_middle(&one_line(&script.phase), 16, look), 16);
    let room = look
        .width
        .saturating_sub(2 + 2 + columns(&phase) + 2 + columns(&statements))
        .min(60);
    let name = left(&cut_middle(&script.label(), room, look), room);
    out.push_str("  ");
    out.push_str(&paint(CAUTION, &name));
    for column in ["  ", &phase, "  ", &statements, "\n"] {
        out.push_str(column);
    }
    for statement in &script.outside_transaction {
        let text = format!("outside of any transaction: {}", one_line(statement));
        out.push_str("    ");
        push_wrapped(out, &text, super::style::QUIET, 4, 6, look);
    }
}

/// The bill: the rows that exist and that this destroys, the most first.
fn losses(out: &mut String, plan: &RollbackPlan, look: Look) {
    /// A longer bill is in the JSON document.
    const MOST: usize = 20;
    let is_loss = |one: &&LostRows| one.rows != Some(0);
    let mut losses: Vec<&LostRows> = plan.loses.iter().filter(is_loss).collect();
    losses.sort_by_key(|one| std::cmp::Reverse(one.rows.unwrap_or(u64::MAX)));
    let empty = plan.loses.len() - losses.len();
    let total: u64 = losses.iter().filter_map(|one| one.rows).sum();
    let head = match (losses.len(), plan.may_lose.is_empty()) {
        (0, true) => "no row".to_owned(),
        (0, false) => "no row that is known of".to_owned(),
        (tables, _) => format!(
            "{} rows of {}, as they are now",
            count(total),
            counted(tables, "table")
        ),
    };
    labelled(out, "loses", &head, look);
    for loss in losses.iter().take(MOST) {
        labelled(out, "", &lost(loss), look);
    }
    if losses.len() > MOST {
        let rest = format!("and {} more, in --format json", losses.len() - MOST);
        labelled(out, "", &rest, look);
    }
    if empty > 0 {
        labelled(
            out,
            "",
            &format!("and {} without a row", counted(empty, "table")),
            look,
        );
    }
    if !plan.may_lose.is_empty() {
        let text = format!(
            "perhaps more: what {} destroys cannot be told",
            plan.may_lose.join(" or ")
        );
        labelled(out, "", &text, look);
    }
}

fn lost(loss: &LostRows) -> String {
    let rows = match (loss.rows, loss.exact) {
        (Some(rows), true) => count(rows),
        (Some(rows), false) => format!("at most {}", count(rows)),
        (None, _) => "an unknown number".to_owned(),
    };
    let what = match loss.columns.as_slice() {
        [] => format!("rows {}", loss.way),
        columns => format!("values of {}", columns.join(", ")),
    };
    format!("{}  {rows} {what}", one_line(&loss.table))
}

/// Says once for each reason where the scripts come from.
fn sources(out: &mut String, plan: &RollbackPlan, look: Look) {
    let mut told: Vec<(&str, &str, usize, String)> = Vec::new();
    for script in &plan.scripts {
        match told
            .iter_mut()
            .find(|(source, why, ..)| (*source, *why) == (script.source, script.why.as_str()))
        {
            Some(known) => known.2 += 1,
            None => told.push((script.source, &script.why, 1, script.label())),
        }
    }
    for (source, why, number, first) in told {
        let which = match (number, number == plan.scripts.len()) {
            (_, true) => String::new(),
            (1, _) => format!("{first}: "),
            (more, _) => format!("{more} of them: "),
        };
        let from = match source {
            "file" => "the file in rollback/",
            _ => "the text stored in the history",
        };
        labelled(out, "script", &format!("{which}{from}; {why}"), look);
    }
}

/// Returns the summary of `evmig rollback`.
pub fn rollback(report: &RollbackReport, look: Look) -> String {
    let mut out = String::new();
    if report.outcome == RollbackOutcome::Planned {
        out.push_str(&rollback_plan(&report.plan, look));
    }
    out.push_str(&headline(report, look));
    if let Some(run) = &report.run {
        labelled(&mut out, "run", &one_line(run), look);
    }
    if report.lock_held_ms > 0.0 {
        let text = format!("held for {} at most", duration(report.lock_held_ms));
        labelled(&mut out, "locks", &text, look);
    }
    if !report.triggers.is_empty() || report.keys_proved > 0 {
        let text = format!(
            "{} off meanwhile, each that is left in its own state again; {} proved",
            counted(report.triggers.len(), "trigger"),
            counted(report.keys_proved, "foreign key")
        );
        labelled(&mut out, "triggers", &text, look);
    }
    if let Some(checked) = &report.checked {
        proof(&mut out, checked, look);
    }
    for copy in &report.kept {
        let text = format!(
            "{} rows of {}: evmig kept restore {}",
            count(copy.rows),
            one_line(&copy.table),
            one_line(&copy.name)
        );
        labelled(&mut out, "kept", &text, look);
    }
    if report.retries > 0 {
        let text = format!("{} for want of a lock", count(u64::from(report.retries)));
        labelled(&mut out, "retries", &text, look);
    }
    let next = match report.outcome {
        RollbackOutcome::RolledBack | RollbackOutcome::NothingToDo => {
            command("status", &report.target)
        }
        _ => return out,
    };
    commands(&mut out, [next.as_str()]);
    out
}

/// Says whether the database is what it was.
fn proof(out: &mut String, checked: &Checked, look: Look) {
    let text = match (checked.proven, checked.by_others) {
        (Proven::Yes, 0) => "the catalog is what it was before".to_owned(),
        (Proven::Yes, some) => format!(
            "the catalog is what it was before, but for {} that something else than evmig has changed",
            counted(some, "object")
        ),
        (Proven::No, _) => format!(
            "NOT PROVEN: {}",
            checked.why.as_deref().unwrap_or("nobody can say")
        ),
        (Proven::Differs, _) => format!(
            "the catalog is NOT what it was before: {}, accepted",
            counted(checked.changes.len(), "difference")
        ),
    };
    labelled(out, "proof", &text, look);
    if checked.proven != Proven::Yes {
        changes(out, &checked.changes, look);
    }
}

/// Names objects, with what became of them; a long list is cut.
fn changes(out: &mut String, changes: &[ObjectChange], look: Look) {
    const MOST: usize = 20;
    for change in changes.iter().take(MOST) {
        let sign = match change.change {
            ChangeKind::Added => "+",
            ChangeKind::Removed => "-",
            ChangeKind::Changed | ChangeKind::Renamed => "~",
        };
        labelled(
            out,
            "",
            &format!("{sign} {}", one_line(&change.object)),
            look,
        );
    }
    if changes.len() > MOST {
        let rest = format!("and {} more", changes.len() - MOST);
        labelled(out, "", &rest, look);
    }
}

fn rehearsed(plan: &RollbackPlan) -> String {
    let scripts = plan.scripts.iter();
    let left_out: usize = scripts.map(|script| script.outside_transaction.len()).sum();
    match left_out {
        0 => {
            "all of it ran in a transaction, which was rolled back; nothing has changed".to_owned()
        }
        some => format!(
            "all but {} that no transaction can have ran in one, which was rolled back; nothing has \
             changed",
            counted(some, "statement")
        ),
    }
}

fn headline(report: &RollbackReport, look: Look) -> String {
    let statements: usize = report.reverted.iter().map(|one| one.statements).sum();
    let work = format!(
        "{}, {}, in {}",
        counted(report.reverted.len(), "migration"),
        counted(statements, "statement"),
        duration(report.duration_ms)
    );
    let (word, gap, rest) = match (report.outcome, &report.done_by) {
        (RollbackOutcome::NothingToDo, Some(run)) => (
            "Already rolled back",
            ": ",
            format!(
                "run {run} did it and could not say so; type the command again to go further back"
            ),
        ),
        (RollbackOutcome::Planned, _) => ("Dry run", ": ", rehearsed(&report.plan)),
        _ => ("Rolled back", " ", work),
    };
    let mut out = paint(GOOD, word);
    out.push_str(gap);
    push_wrapped(&mut out, &rest, HEADING, word.len() + gap.len(), 2, look);
    out
}
