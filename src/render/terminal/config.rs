//! Each setting, its value and where it came from.

use super::look::Look;
use super::style::{LABEL, QUIET, paint};
use super::text::{columns, left, one_line};
use crate::report::config::{ConfigReport, Setting};

/// Names and values are not aligned beyond this: one long value would move all sources away.
const MOST_VALUE: usize = 40;

/// Returns the settings; a source that does not fit goes to a line of its own.
pub fn config(report: &ConfigReport, look: Look) -> String {
    let names = widest(report, |setting| &setting.name, look.width / 2);
    let values = widest(report, |setting| &setting.value, MOST_VALUE);
    let mut out = String::new();
    for setting in &report.settings {
        line(&mut out, setting, names, values, look);
    }
    out
}

fn widest(report: &ConfigReport, field: fn(&Setting) -> &str, most: usize) -> usize {
    report
        .settings
        .iter()
        .map(|setting| columns(&shown(field(setting))))
        .filter(|&wide| wide <= most)
        .max()
        .unwrap_or(0)
}

/// An empty value is shown as one: a gap would read as a value that was left out.
fn shown(text: &str) -> String {
    if text.is_empty() {
        return "\"\"".to_owned();
    }
    one_line(text)
}

fn line(out: &mut String, setting: &Setting, names: usize, values: usize, look: Look) {
    let name = left(&one_line(&setting.name), names);
    // A value is shown whole even where it is too long: it is there to be checked and copied.
    let value = shown(&setting.value);
    let source = one_line(&setting.source);
    let value_filled = left(&value, values);
    let wide = columns(&name) + 2 + columns(&value_filled) + 2 + columns(&source);
    out.push_str(&paint(LABEL, &name));
    out.push_str("  ");
    if source.is_empty() {
        out.push_str(&value);
        out.push('\n');
        return;
    }
    if wide <= look.width {
        out.push_str(&value_filled);
        out.push_str("  ");
    } else {
        out.push_str(&value);
        out.push('\n');
        out.push_str(&" ".repeat(names + 4));
    }
    out.push_str(&paint(QUIET, &source));
    out.push('\n');
}
