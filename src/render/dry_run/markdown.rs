//! A comment on a pull request: what has to be decided first, all else folded, and never longer than GitHub takes.
//!
//! Text of others stands in code alone: there GitHub makes of it neither markup nor links, nor calls anybody.

use std::fmt::Write as _;

use super::words::{
    amount, before, blocks, earlier, file_name, held, place, reasons, summary, verdict, work,
};
use crate::render::change::{groups, lines, tally, title};
use crate::render::terminal::number::{counted, duration};
use crate::report::dry_run::DryRunReport;
use crate::report::problem::Problem;
use crate::report::sanitize::for_terminal;

/// GitHub takes 65,536 characters; what quotes the comment needs room, too.
const MOST: usize = 60_000;
/// What is kept free for the ends of sections.
const RESERVE: usize = 2_000;
/// The longest text of others that one place has room for.
const LONGEST: usize = 2_000;

/// Returns the comment.
pub fn markdown(report: &DryRunReport) -> String {
    let mut page = Page::default();
    head(&mut page, report);
    problems(&mut page, report);
    locks(&mut page, report);
    access(&mut page, report);
    unproved(&mut page, report);
    changes(&mut page, report);
    migrations(&mut page, report);
    saved(&mut page, report);
    page.finish()
}

/// Which plan this is the review of.
fn saved(page: &mut Page, report: &DryRunReport) {
    if let Some(saved) = &report.saved {
        let checksum = saved.checksum.get(..12).unwrap_or_default();
        page.say(&format!(
            "\nSaved as plan {} in {}. {} applies exactly this, or says what has changed.",
            code(checksum),
            code(&saved.file),
            code(&saved.apply)
        ));
    }
}

/// The comment as far as it is written.
#[derive(Default)]
struct Page {
    text: String,
    cut: Vec<String>,
}

impl Page {
    fn say(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Writes a folded section; items that have no room are counted.
    fn section(&mut self, title: &str, what: &str, opening: &str, items: &[String], closing: &str) {
        if items.is_empty() {
            return;
        }
        let room = MOST.saturating_sub(RESERVE);
        let around = title.len() + opening.len() + closing.len() + 100;
        if self.text.len() + around > room {
            self.cut.push(format!("all {} {what}", items.len()));
            return;
        }
        self.say(&format!("\n<details><summary>{title}</summary>\n"));
        self.text.push_str(opening);
        let mut written = 0;
        for item in items {
            if self.text.len() + item.len() + closing.len() + 100 > room {
                break;
            }
            self.say(item);
            written += 1;
        }
        self.say(closing);
        if written < items.len() {
            let left = items.len() - written;
            self.say(&format!("*{left} more are cut here.*\n"));
            self.cut.push(format!("{left} of {} {what}", items.len()));
        }
        self.say("</details>");
    }

    fn finish(mut self) -> String {
        if !self.cut.is_empty() {
            let cut = self.cut.join("; ");
            self.say(&format!(
                "\n**Cut for the length of a comment:** {cut}. All of it: `evmig plan --format html`."
            ));
        }
        self.text
    }
}

/// Text of others as code: it is shown as it is, on one line.
fn code(text: &str) -> String {
    let text = for_terminal(text);
    let mut text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() > LONGEST {
        text = text.chars().take(LONGEST).collect::<String>() + "…";
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.is_empty() || text.starts_with('`') || text.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The same in a table, where a bar ends the cell even in code.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A block of code; what is in it cannot end it.
fn block(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!(
        "{fence}{language}\n{}\n{fence}",
        text.trim_end_matches('\n')
    )
}

fn head(page: &mut Page, report: &DryRunReport) {
    let (verdict, _) = verdict(report);
    let environment = report.target.environment.as_deref();
    let environment = environment.map_or_else(String::new, |name| format!(" ({})", code(name)));
    page.say(&format!(
        "### {verdict}: {} on {}{environment}\n",
        amount(report),
        code(&report.target.database)
    ));
    page.say("| | |\n|---|---|");
    for fact in summary(report) {
        page.say(&format!("| {} | {} |", fact.about, fact.said));
    }
    page.say(&format!("| Ran | {} |", cell(&place(report))));
    if let Some((said, _)) = before(report) {
        page.say(&format!("| Before | {said} |"));
    }
    if let Some(said) = earlier(report) {
        page.say(&format!("| From earlier | {} |", cell(&said)));
    }
    if report.left > 0 {
        page.say(&format!("| Stay pending | {} |", report.left));
    }
    page.say("\nNothing of the target was changed.");
}

fn problems(page: &mut Page, report: &DryRunReport) {
    if let Some(error) = &report.error {
        page.say("\n> [!CAUTION]");
        page.say(&format!("> {}", problem(error)));
    }
    let findings: Vec<String> = report.findings.iter().map(item).collect();
    page.section(
        &format!("What the phases do not allow ({})", findings.len()),
        "findings",
        "",
        &findings,
        "",
    );
    let notes: Vec<String> = report.notes.iter().map(item).collect();
    page.section(
        &format!("About this dry run ({})", notes.len()),
        "notes",
        "",
        &notes,
        "",
    );
}

fn item(one: &Problem) -> String {
    format!("- {}", problem(one))
}

fn problem(problem: &Problem) -> String {
    let mut text = code(&problem.message);
    if let Some(snippet) = &problem.snippet {
        let place = format!("{}:{}", snippet.place.file, snippet.place.line);
        // Writing to a string cannot fail; so below.
        let _ = write!(text, " at {}", code(&place));
    }
    for (label, more) in [("", &problem.detail), ("Hint: ", &problem.hint)] {
        if let Some(more) = more {
            let _ = write!(text, "<br>{label}{}", code(more));
        }
    }
    text
}

fn locks(page: &mut Page, report: &DryRunReport) {
    let rows: Vec<String> = report
        .locks
        .iter()
        .map(|lock| {
            let place = format!("{}:{}", file_name(&lock.place.file), lock.place.line);
            format!(
                "| {} | {} | {} | {} | {} | {} |",
                cell(&lock.relation),
                lock.mode.word(),
                blocks(lock.blocks).0,
                held(lock),
                work(&lock.work),
                cell(&place)
            )
        })
        .collect();
    let reasons = reasons(report).into_iter().map(code);
    let reasons = reasons.collect::<Vec<_>>().join("; ");
    page.section(
        &format!("Who has to wait: locks ({})", rows.len()),
        "locks",
        "| relation | lock | blocks | held | meanwhile | by |\n|---|---|---|---:|---|---|\n",
        &rows,
        &format!("\nTimes rest on: {reasons}\n"),
    );
}

fn access(page: &mut Page, report: &DryRunReport) {
    let rows: Vec<String> = report
        .access
        .iter()
        .map(|one| {
            format!(
                "| {} | {} | {} | {} | {} | {} |",
                one.effect.word(),
                cell(&one.role),
                one.command,
                cell(&one.relation),
                cell(&one.before),
                cell(&one.after)
            )
        })
        .collect();
    page.section(
        &format!("Who gets access, and who loses it ({})", rows.len()),
        "changes of access",
        "| | role | may | on | before | after |\n|---|---|---|---|---|---|\n",
        &rows,
        "",
    );
}

fn unproved(page: &mut Page, report: &DryRunReport) {
    let rows: Vec<String> = report
        .unproved
        .iter()
        .map(|one| {
            let place = format!("{}:{}", one.place.file, one.place.line);
            format!(
                "| {} | {} | {} |",
                cell(&place),
                cell(&one.sql),
                cell(&one.reason)
            )
        })
        .collect();
    page.section(
        &format!(
            "Not proved: statements of which not all can be known ({})",
            rows.len()
        ),
        "unproved statements",
        "| at | statement | why |\n|---|---|---|\n",
        &rows,
        "",
    );
}

fn changes(page: &mut Page, report: &DryRunReport) {
    let blocks: Vec<String> = groups(&report.changes)
        .iter()
        .map(|(group, changes)| {
            let mut text = String::new();
            for change in changes {
                // As GitHub colours the head of a hunk.
                let title = for_terminal(&title(change)).replace('\n', " ");
                let _ = writeln!(text, "@@ {title} @@");
                for (sign, line) in lines(change) {
                    let line = format!("{}{}", sign.mark(), for_terminal(line));
                    text.push_str(line.trim_end());
                    text.push('\n');
                }
            }
            format!(
                "{}: {}\n\n{}\n",
                code(group),
                tally(changes.iter().copied()),
                block("diff", &text)
            )
        })
        .collect();
    page.section(
        &format!("What changes ({})", counted(report.changes.len(), "object")),
        "groups of objects",
        "",
        &blocks,
        "",
    );
}

fn migrations(page: &mut Page, report: &DryRunReport) {
    let rows: Vec<String> = report
        .migrations
        .iter()
        .map(|one| {
            let how = match (&one.not_tried, one.transactional) {
                (Some(reason), _) => cell(reason),
                (None, true) => "one transaction".to_owned(),
                (None, false) => "statement by statement".to_owned(),
            };
            format!(
                "| {} | {} | {how} | {} |",
                cell(&one.migration.label()),
                one.statements.len(),
                one.duration_ms.map_or_else(String::new, duration)
            )
        })
        .collect();
    page.section(
        &format!("What would run ({})", counted(rows.len(), "migration")),
        "migrations",
        "| migration | statements | how | took |\n|---|---:|---|---:|\n",
        &rows,
        "",
    );
}
