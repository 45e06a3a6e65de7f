//! One error or warning, or all of them.

use annotate_snippets::Level;
use anstyle::Style;

use super::label::{commands, labelled};
use super::look::Look;
use super::number::counted;
use super::snippet::snippet;
use super::sqlstate::condition_name;
use super::style::{BAD, CAUTION, HEADING, paint};
use super::text::{columns, one_line, push_wrapped};
use crate::report::problem::Problem;

/// Returns one error: what, where, why, what is in the database, what to type.
pub fn problem(problem: &Problem, look: Look) -> String {
    draw(problem, "error", BAD, &Level::ERROR, look)
}

/// Returns all errors in the order given, and how many there are.
pub fn problems(problems: &[Problem], look: Look) -> String {
    let mut out = String::new();
    for (at, one) in problems.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        out.push_str(&problem(one, look));
    }
    if problems.len() > 1 {
        let mut count = counted(problems.len(), "error");
        // Several errors are found together only before anything runs; an error of a run says
        // itself what became of the work.
        if problems.iter().all(|one| one.committed.is_none()) {
            count.push_str("; nothing was run");
        }
        out.push('\n');
        out.push_str(&paint(BAD, &count));
        out.push('\n');
    }
    out
}

/// Returns one warning.
pub fn warning(problem: &Problem, look: Look) -> String {
    draw(problem, "warning", CAUTION, &Level::WARNING, look)
}

fn draw(problem: &Problem, word: &str, style: Style, level: &Level<'_>, look: Look) -> String {
    let mut out = title(problem, word, style, look);
    if let Some(place) = &problem.snippet {
        out.push_str(&snippet(place, level, look));
    }
    if let Some(code) = &problem.sqlstate {
        labelled(&mut out, "sqlstate", &sqlstate_text(code), look);
    }
    let texts = [
        ("detail", &problem.detail),
        ("context", &problem.context),
        ("hint", &problem.hint),
        ("committed", &problem.committed),
    ];
    for (label, text) in texts {
        if let Some(text) = text {
            labelled(&mut out, label, text, look);
        }
    }
    commands(&mut out, problem.next.iter().map(String::as_str));
    out
}

fn title(problem: &Problem, word: &str, style: Style, look: Look) -> String {
    let lead = if problem.code.is_empty() {
        word.to_owned()
    } else {
        format!("{word}[{}]", one_line(&problem.code))
    };
    let mut out = paint(style, &lead);
    out.push_str(": ");
    push_wrapped(
        &mut out,
        &problem.message,
        HEADING,
        columns(&lead) + 2,
        2,
        look,
    );
    out
}

/// Returns `42P01 (undefined_table)`, or the bare code where it has no common name.
pub(super) fn sqlstate_text(code: &str) -> String {
    match condition_name(code) {
        Some(name) => format!("{code} ({name})"),
        None => one_line(code),
    }
}
