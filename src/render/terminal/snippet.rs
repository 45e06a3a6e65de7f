//! The source line with the caret below it.
//!
//! `annotate-snippets` draws; the line is cut to the width here first, because that crate counts
//! what it cuts in characters of the source, while escapes and wide characters count in columns.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer};

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
    let gutter = place.line.to_string().len() + 3;
    let shown = Shown::cut(snippet, look.width.saturating_sub(gutter), look);
    let origin = Origin::path(file)
        .line(place.line as usize)
        .char_column(place.column as usize);
    let source = annotate_snippets::Snippet::source(shown.text)
        .line_start(place.line as usize)
        .fold(false)
        .annotation(AnnotationKind::Primary.span(shown.from..shown.to));
    let group = Group::with_level(level.clone())
        .element(origin)
        .element(source);
    let decor = if look.unicode {
        DecorStyle::Unicode
    } else {
        DecorStyle::Ascii
    };
    let mut drawn = Renderer::styled()
        .decor_style(decor)
        // The line fits already; a width below this one would make it cut again.
        .term_width(look.width.max(40) * 2)
        .render(&[group]);
    drawn.push('\n');
    drawn
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
        let marked = head(&marked, room / 2);
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
