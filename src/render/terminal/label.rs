//! Labelled values, one below the other: `  hint       …`.

use anstyle::Style;

use super::look::Look;
use super::style::{COMMAND, LABEL, PLAIN, paint};
use super::text::{left, one_line, push_wrapped};

/// Labels are filled up to this; the longest is `committed`.
const LABEL_COLUMNS: usize = 9;
/// Where values begin: two blanks, the label, two blanks.
const VALUE_COLUMN: usize = 2 + LABEL_COLUMNS + 2;

/// Appends a label and prose, wrapped below itself.
pub(super) fn labelled(out: &mut String, label: &str, prose: &str, look: Look) {
    styled(out, label, prose, PLAIN, look);
}

/// Appends a label and prose in a style of its own.
pub(super) fn styled(out: &mut String, label: &str, prose: &str, style: Style, look: Look) {
    out.push_str(&lead(label));
    push_wrapped(out, prose, style, VALUE_COLUMN, VALUE_COLUMN, look);
}

/// Appends commands to type, each whole on a line of its own so that it can be copied.
pub(super) fn commands<'a>(out: &mut String, commands: impl IntoIterator<Item = &'a str>) {
    let mut label = "next";
    for command in commands {
        out.push_str(&lead(label));
        out.push_str(&paint(COMMAND, &one_line(command)));
        out.push('\n');
        label = "";
    }
}

fn lead(label: &str) -> String {
    let label = left(label, LABEL_COLUMNS);
    format!(
        "  {}  ",
        if label.trim().is_empty() {
            label
        } else {
            paint(LABEL, &label)
        }
    )
}
