//! A file's text with its line starts, for cutting many snippets without counting lines each time.

use crate::report::place::{Place, Snippet};

use super::span::Span;

/// A text whose lines are indexed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    file: String,
    text: String,
    starts: Vec<usize>,
}

impl Source {
    /// Indexes a text.
    pub(crate) fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            file: file.into(),
            text,
            starts,
        }
    }

    /// Returns the text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the offset of the first line longer than `most` bytes.
    pub(crate) fn long_line(&self, most: usize) -> Option<usize> {
        let ends = self.starts[1..]
            .iter()
            .copied()
            .chain(std::iter::once(self.text.len()));
        self.starts
            .iter()
            .copied()
            .zip(ends)
            .find(|(start, end)| end - start > most)
            .map(|(start, _)| start)
    }

    /// Cuts the snippet at a span; control characters of the line become U+FFFD.
    pub(crate) fn snippet(&self, span: Span) -> Snippet {
        let index = self
            .starts
            .partition_point(|&start| start <= span.start)
            .saturating_sub(1);
        let start = self.starts[index];
        let end = self
            .starts
            .get(index + 1)
            .map_or(self.text.len(), |next| next - 1);
        // Snippet::cut counts lines from the start of what it is given: give it one line.
        let line = self.text.get(start..end).unwrap_or_default();
        let mut snippet = Snippet::cut(
            &self.file,
            line,
            span.start.saturating_sub(start),
            span.end.saturating_sub(span.start),
        );
        snippet.place.line = index as u32 + 1;
        snippet.text = printable(&snippet.text);
        snippet
    }

    /// Returns the place of a span.
    pub(crate) fn place(&self, span: Span) -> Place {
        self.snippet(span).place
    }
}

/// Replaces each control character but tab by U+FFFD, so that columns stay and no escape survives.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{FFFD}'
            } else {
                c
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_is_what_cut_makes_of_the_whole_text() {
        let text = "one\r\nzwölf = 'x'\r\n\nlast";
        let source = Source::new("a.toml", text);
        for start in 0..=text.len() {
            let span = Span {
                start,
                end: start + 2,
            };
            assert_eq!(
                source.snippet(span).place,
                Snippet::cut("a.toml", text, start, 2).place,
                "at {start}"
            );
        }
    }

    #[test]
    fn a_terminal_escape_does_not_survive() {
        let source = Source::new("a", "x\u{1b}[31m");
        assert_eq!(source.snippet(Span::default()).text, "x\u{FFFD}[31m");
    }

    #[test]
    fn the_first_long_line_is_found() {
        let source = Source::new("a", "ab\nabcdef\nab");
        assert_eq!(source.long_line(5), Some(3));
        assert_eq!(source.long_line(100), None);
    }
}
