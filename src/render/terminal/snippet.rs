//! The source line with the caret below it.
//!
//! `annotate-snippets` draws; the line is cut to the width here first, because that crate counts
//! what it cuts in characters of the source, while escapes and wide characters count in columns.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer};

use super::look::Look;
use super::style::{QUIET, paint};
use super::text::{columns, head, one_line, tail};
use crate::report::place::Snippet;
use crate::report::sanitize::for_terminal;

/// A tab is drawn as this many blanks, as `annotate-snippets` does.
const TAB: &str = "    ";

/// Returns the drawing: path, line, column, the source line and the caret; ends with a newline.
pub(super) fn snippet(snippet: &Snippet, level: &Level<'_>, look: Look) -> String {
    let place = &snippet.place;
    let file = one_line(&place.file);
    if snippet.text.trim().is_empty() {
        // Nothing to point at: an empty file, or a place before the first character of a line.
        let at = format!("{file}:{}:{}", place.line, place.column);
        return format!("  {} {at}\n", paint(QUIET, "-->"));
    }
    let digits = place.line.to_string().len();
    let shown = Shown::cut(snippet, look.width.saturating_sub(digits + 3), look);
    let source = annotate_snippets::Snippet::source(shown.text)
        .line_start(place.line as usize)
        .fold(false)
        .annotation(AnnotationKind::Primary.span(shown.from..shown.to));
    // The caret is ASCII on every device: it means the same and can be searched for.
    let drawn = Renderer::styled()
        .decor_style(DecorStyle::Ascii)
        // The line fits already; a width below this one would make it cut again.
        .term_width(look.width.max(40) * 2)
        .render(&[Group::with_level(level.clone()).element(source)]);
    // The crate would take the column from the text it is given, which is the cut one.
    let arrow = format!("{}-->", " ".repeat(digits));
    let (line, column) = (place.line, place.column);
    format!("{} {file}:{line}:{column}\n{drawn}\n", paint(QUIET, &arrow))
}

/// The part of the line that fits, and the bytes of it to underline.
struct Shown {
    text: String,
    from: usize,
    to: usize,
}

impl Shown {
    fn cut(snippet: &Snippet, room: usize, look: Look) -> Self {
        let (before, marked, after) = parts(snippet);
        let mark = look.ellipsis();
        let wide = columns(&before) + columns(&marked) + columns(&after);
        if wide <= room {
            return Self::join("", &before, &marked, &after, "");
        }
        // Room for both marks, whether they are needed or not: simpler, and two columns dearer.
        let room = room.saturating_sub(2 * columns(mark)).max(8);
        // Some of the text around the mark stays, however long the mark is.
        let around = (columns(&before) + columns(&after)).min(room / 4);
        let whole = marked.len();
        let marked = head(&marked, room - around);
        if marked.len() < whole {
            let front = tail(&before, around);
            let cut_front = if front.len() < before.len() { mark } else { "" };
            return Self::join(cut_front, front, marked, "", mark);
        }
        let left = room - columns(marked);
        let behind = columns(&after).min(left / 3);
        let front = tail(&before, left - behind);
        let back = head(&after, left.saturating_sub(columns(front)));
        let cut_front = if front.len() < before.len() { mark } else { "" };
        let cut_back = if back.len() < after.len() { mark } else { "" };
        Self::join(cut_front, front, marked, back, cut_back)
    }

    fn join(mark: &str, before: &str, marked: &str, after: &str, end: &str) -> Self {
        let from = mark.len() + before.len();
        Self {
            text: format!("{mark}{before}{marked}{after}{end}"),
            from,
            to: from + marked.len(),
        }
    }
}

/// Cuts the line before and behind what the caret underlines, and makes each part printable.
fn parts(snippet: &Snippet) -> (String, String, String) {
    let text = snippet.text.as_str();
    let start = (snippet.place.column.max(1) - 1) as usize;
    let from = byte_of(text, start);
    let to = byte_of(text, start.saturating_add(snippet.length.max(1) as usize));
    (
        printable(&text[..from]),
        printable(&text[from..to]),
        printable(&text[to..]),
    )
}

/// Returns the byte at which the character with this index begins, or the end.
fn byte_of(text: &str, index: usize) -> usize {
    text.char_indices()
        .nth(index)
        .map_or(text.len(), |(at, _)| at)
}

fn printable(text: &str) -> String {
    for_terminal(text).replace('\t', TAB).replace('\n', "\\n")
}
