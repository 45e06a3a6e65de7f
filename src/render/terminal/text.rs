//! Measuring, cutting and wrapping of text in terminal columns.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::look::Look;
use super::style::paint;
use crate::report::sanitize::for_terminal;

/// Returns the columns that the text takes.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// Returns at least the columns that the character adds to any text.
///
/// The width of a string is not the sum over its characters (emoji sequences, ligatures), and
/// measuring every prefix is quadratic. This sum is never too small: a variation selector, which
/// can widen the character before it, counts as one.
pub(super) fn most_columns(character: char) -> usize {
    match character {
        '\u{fe0f}' => 1,
        _ => character.width().unwrap_or(1),
    }
}

/// Returns the text safe to print on one line: control characters are shown as escapes.
pub(super) fn one_line(text: &str) -> String {
    let safe = for_terminal(text);
    if safe.contains(['\n', '\t']) {
        return safe.replace('\n', "\\n").replace('\t', "\\t");
    }
    safe.into_owned()
}

/// Returns the text on one line with every run of white space as one space, for queries.
pub(super) fn flowed(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    one_line(&words.join(" "))
}

/// Returns the text on one line, short enough for `most` columns, with its end cut off.
pub(super) fn cut_end(text: &str, most: usize, look: Look) -> String {
    let text = one_line(text);
    if columns(&text) <= most {
        return text;
    }
    let mark = mark_for(most, look);
    let mut cut = head(&text, most.saturating_sub(columns(mark))).to_owned();
    cut.push_str(mark);
    cut
}

/// Returns the text on one line, short enough for `most` columns, with its middle cut out.
///
/// Names of migrations differ at both ends: the version in front, the subject behind.
pub(super) fn cut_middle(text: &str, most: usize, look: Look) -> String {
    let text = one_line(text);
    if columns(&text) <= most {
        return text;
    }
    let mark = mark_for(most, look);
    let room = most.saturating_sub(columns(mark));
    let behind = room / 2;
    let front = head(&text, room - behind);
    let back = tail(&text[front.len()..], behind);
    format!("{front}{mark}{back}")
}

/// The ellipsis, or nothing where it would take all there is.
fn mark_for(most: usize, look: Look) -> &'static str {
    let mark = look.ellipsis();
    if columns(mark) < most { mark } else { "" }
}

/// Returns the longest start of the text that fits.
pub(super) fn head(text: &str, most: usize) -> &str {
    let mut taken = 0;
    for (at, character) in text.char_indices() {
        taken += most_columns(character);
        if taken > most {
            return &text[..at];
        }
    }
    text
}

/// Returns the longest end of the text that fits.
pub(super) fn tail(text: &str, most: usize) -> &str {
    let mut taken = 0;
    for (at, character) in text.char_indices().rev() {
        taken += most_columns(character);
        if taken > most {
            return &text[at + character.len_utf8()..];
        }
    }
    text
}

/// Returns the blanks that fill the text up to `width` columns.
pub(super) fn fill(text: &str, width: usize) -> String {
    " ".repeat(width.saturating_sub(columns(text)))
}

/// Returns the text followed by blanks up to `width` columns.
pub(super) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", fill(text, width))
}

/// Returns the text behind blanks, up to `width` columns.
pub(super) fn right(text: &str, width: usize) -> String {
    format!("{}{text}", fill(text, width))
}

/// Breaks prose into lines of at most `width` columns.
///
/// Line breaks of the text stay, and so does what a line is indented by. A word that is longer
/// than a line is left whole: paths and commands are there to be copied. On the first line
/// `taken` columns are used up already.
pub(super) fn wrap(prose: &str, width: usize, taken: usize) -> Vec<String> {
    let safe = for_terminal(prose.trim_end()).replace('\t', "    ");
    let mut lines = Vec::new();
    for (at, line) in safe.split('\n').enumerate() {
        let taken = if at == 0 { taken } else { 0 };
        wrap_line(line.trim_end(), width, taken, &mut lines);
    }
    lines
}

fn wrap_line(line: &str, width: usize, before: usize, lines: &mut Vec<String>) {
    if before + columns(line) <= width {
        lines.push(line.to_owned());
        return;
    }
    let indent = &line[..line.len() - line.trim_start().len()];
    // An indent that leaves no room would put every word on a line of its own.
    let indent = if columns(indent) * 2 > width {
        ""
    } else {
        indent
    };
    let mut current = indent.to_owned();
    let mut taken = before + columns(indent);
    let mut empty = true;
    for word in line.split_whitespace() {
        let wide: usize = word.chars().map(most_columns).sum();
        if !empty && taken + 1 + wide > width {
            lines.push(std::mem::replace(&mut current, indent.to_owned()));
            taken = columns(indent);
            empty = true;
        }
        if !empty {
            current.push(' ');
            taken += 1;
        }
        current.push_str(word);
        taken += wide;
        empty = false;
    }
    lines.push(current);
}

/// Appends wrapped prose behind what `out` ends with; its further lines are indented.
///
/// `first` is how many columns the current line has already.
pub(super) fn push_wrapped(
    out: &mut String,
    prose: &str,
    style: Style,
    first: usize,
    indent: usize,
    look: Look,
) {
    let room = look.width.saturating_sub(indent).max(16);
    let taken = first.saturating_sub(indent);
    for (at, line) in wrap(prose, room, taken).iter().enumerate() {
        if at > 0 && !line.is_empty() {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(&paint(style, line));
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ASCII: Look = Look {
        width: 80,
        unicode: false,
    };
    const UNICODE: Look = Look {
        width: 80,
        unicode: true,
    };

    #[test]
    fn cutting_keeps_both_ends_and_says_that_something_is_gone() {
        assert_eq!(
            cut_middle("V101__extensions", 16, UNICODE),
            "V101__extensions"
        );
        assert_eq!(cut_middle("V101__extensions", 10, UNICODE), "V101_…ions");
        assert_eq!(cut_middle("V101__extensions", 10, ASCII), "V101...ons");
        assert_eq!(cut_end("V101__extensions", 10, ASCII), "V101__e...");
        assert_eq!(cut_end("日本語日本語", 6, UNICODE), "日本…");
        assert_eq!(cut_end("abcdef", 2, ASCII), "ab");
    }

    #[test]
    fn one_line_shows_breaks() {
        assert_eq!(one_line("a\nb\tc\x1b"), "a\\nb\\tc\\x1b");
        assert_eq!(flowed("  select\n\t1 \r\n"), "select 1");
    }

    #[test]
    fn wrapping_keeps_breaks_indents_and_long_words() {
        assert_eq!(wrap("one two three", 7, 0), ["one two", "three"]);
        assert_eq!(wrap("a\n\n  b c d\n", 4, 0), ["a", "", "  b", "  c", "  d"]);
        assert_eq!(
            wrap("x /a/very/long/path y", 6, 0),
            ["x", "/a/very/long/path", "y"]
        );
        assert_eq!(wrap("", 6, 0), [""]);
        assert_eq!(wrap("one two three", 7, 4), ["one", "two", "three"]);
    }

    proptest! {
        #[test]
        fn what_is_cut_fits(text in any::<String>(), most in 0usize..60, unicode: bool) {
            let look = Look { width: 80, unicode };
            prop_assert!(columns(&cut_middle(&text, most, look)) <= most);
            prop_assert!(columns(&cut_end(&text, most, look)) <= most);
        }

        #[test]
        fn wrapping_loses_no_word(text in "[a-zß語 \n]{0,80}", width in 1usize..40, taken in 0usize..50) {
            let before: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            let lines = wrap(&text, width, taken);
            let after: Vec<String> = lines
                .iter()
                .flat_map(|line| line.split_whitespace().map(str::to_owned))
                .collect();
            prop_assert_eq!(before, after);
        }
    }
}
