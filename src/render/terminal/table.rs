//! Columns that fit the width: the widest shrink, nothing wraps.

use anstyle::Style;

use super::look::Look;
use super::style::paint;
use super::text::{columns, cut_middle, left, one_line, right};

/// Blanks between two columns.
const GAP: usize = 2;

/// One field of a row.
pub(super) struct Cell {
    text: String,
    style: Style,
    at_the_right: bool,
}

impl Cell {
    /// Starts a cell; control characters of the text are shown as escapes.
    pub(super) fn new(text: &str, style: Style) -> Self {
        Self {
            text: one_line(text),
            style,
            at_the_right: false,
        }
    }

    /// Puts the text at the right edge of its column.
    pub(super) fn at_the_right(mut self) -> Self {
        self.at_the_right = true;
        self
    }
}

/// The widths that a table's columns have.
pub(super) struct Widths(Vec<usize>);

impl Widths {
    /// Takes what each column needs, and takes away where that is more than `room`.
    ///
    /// `gives_way` lists columns that may be cut and what they keep at least, the first one first.
    /// A column may stand there twice: it gives some, then others do, then it gives more.
    pub(super) fn fit(rows: &[Vec<Cell>], room: usize, gives_way: &[(usize, usize)]) -> Self {
        let mut widths = natural(rows);
        let mut excess = total(&widths).saturating_sub(room);
        for &(column, least) in gives_way {
            let Some(width) = widths.get_mut(column) else {
                continue;
            };
            let less = excess.min(width.saturating_sub(least));
            *width -= less;
            excess -= less;
        }
        Self(widths)
    }

    /// Returns where the second column begins.
    pub(super) fn second(&self) -> usize {
        self.0.first().map_or(0, |width| width + GAP)
    }

    /// Returns one row without blanks at its end and without a line break.
    pub(super) fn row(&self, cells: &[Cell], look: Look) -> String {
        let last = cells.iter().rposition(|cell| !cell.text.is_empty());
        let mut out = String::new();
        for (at, (cell, &width)) in cells.iter().zip(&self.0).enumerate() {
            if last.is_none_or(|last| at > last) {
                break;
            }
            if at > 0 {
                out.push_str(&" ".repeat(GAP));
            }
            let text = cut_middle(&cell.text, width, look);
            let text = if cell.at_the_right {
                right(&text, width)
            } else if last == Some(at) {
                text
            } else {
                left(&text, width)
            };
            out.push_str(&paint(cell.style, &text));
        }
        out
    }
}

/// Returns whether the rows fit without a cut.
pub(super) fn fits(rows: &[Vec<Cell>], room: usize) -> bool {
    total(&natural(rows)) <= room
}

fn natural(rows: &[Vec<Cell>]) -> Vec<usize> {
    let mut widths = Vec::new();
    for row in rows {
        if widths.len() < row.len() {
            widths.resize(row.len(), 0);
        }
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = columns(&cell.text).max(*width);
        }
    }
    widths
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}
