//! A comparison as a comment on a pull request.

use std::fmt::Write as _;

use super::change::besides;
use super::terminal::{diff_side, diff_sum};
use crate::report::change::ObjectChange;
use crate::report::diff::DiffReport;
use crate::report::problem::Problem;

/// Returns the comment; with long differences each object is folded.
pub fn diff(report: &DiffReport) -> String {
    let mut out = format!(
        "### Schema: {}\n\nFrom {}\nto {}\n",
        if report.changes.is_empty() && report.complete {
            "no difference".to_owned()
        } else {
            diff_sum(report)
        },
        text(&diff_side(&report.before)),
        text(&diff_side(&report.after)),
    );
    for problem in &report.notes {
        out.push('\n');
        note(&mut out, problem);
    }
    for change in &report.changes {
        out.push('\n');
        one(&mut out, change);
    }
    out
}

/// What is missing stands above the differences: some of them may come from it.
fn note(out: &mut String, problem: &Problem) {
    let message = text(&problem.message);
    // Writing to a string cannot fail.
    let _ = writeln!(out, "> **{message}**");
    if let Some(detail) = &problem.detail {
        let fence = fence(detail);
        for line in std::iter::once(fence.as_str())
            .chain(detail.lines())
            .chain([fence.as_str()])
        {
            let _ = writeln!(out, "> {line}");
        }
    }
}

fn one(out: &mut String, change: &ObjectChange) {
    let head = format!(
        "{} <code>{}</code>{}",
        change.change.word(),
        text(&change.object),
        text(&besides(change))
    );
    let fence = fence(&change.diff);
    let block = format!("{fence}diff\n{}{fence}", change.diff);
    let folded = [
        "<details><summary>",
        &head,
        "</summary>\n\n",
        &block,
        "\n\n</details>\n",
    ];
    out.push_str(&folded.concat());
}

/// A name may be anything, and must stay a name.
fn text(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\n', " ")
}

/// Longer than any fence in the text.
fn fence(text: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat(3.max(longest + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::change::ChangeKind;
    use crate::report::diff::Side;

    #[test]
    fn nothing_in_a_definition_ends_its_block() {
        let side = || Side::File {
            path: "a<b>.json".to_owned(),
        };
        let report = DiffReport {
            schema: DiffReport::SCHEMA,
            before: side(),
            after: side(),
            identical: false,
            complete: true,
            notes: Vec::new(),
            changes: vec![ObjectChange {
                change: ChangeKind::Added,
                kind: "view".to_owned(),
                object: "view <v>".to_owned(),
                renamed_from: None,
                group: "<v>".to_owned(),
                properties: Vec::new(),
                diff: "+````\n".to_owned(),
            }],
        };
        let comment = diff(&report);
        assert!(comment.contains("\n`````diff\n+````\n`````\n"), "{comment}");
        assert!(
            comment.contains("added <code>view &lt;v&gt;</code>"),
            "{comment}"
        );
        assert!(comment.contains("a&lt;b&gt;.json"), "{comment}");
    }
}
