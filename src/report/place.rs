//! Where in a file something is, with enough of the text to draw a caret under it.

use serde::Serialize;

/// A position in a project file. Lines and columns start at 1; columns count characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Path relative to the project root, with `/` between the parts.
    pub file: String,
    /// Line number, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A place together with the line it is on, for drawing the caret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snippet {
    /// Where.
    pub place: Place,
    /// The whole source line, without its line ending.
    pub text: String,
    /// How many characters the caret underlines, at least 1.
    pub length: u32,
}

impl Snippet {
    /// Cuts the snippet at byte `offset` (of `length` bytes) out of a file's text.
    ///
    /// An offset past the end, or inside a character, is moved back to the nearest one before it.
    pub fn cut(file: &str, source: &str, offset: usize, length: usize) -> Self {
        let offset = floor_char_boundary(source, offset);
        let line_start = source[..offset].rfind('\n').map_or(0, |at| at + 1);
        let line_end = source[offset..]
            .find('\n')
            .map_or(source.len(), |at| offset + at);
        let text = source[line_start..line_end].trim_end_matches('\r');
        let before = &source[line_start..offset];
        let end = floor_char_boundary(source, offset.saturating_add(length)).min(line_end);
        let underlined = source[offset..end.max(offset)].chars().count().max(1);
        Self {
            place: Place {
                file: file.to_owned(),
                line: source[..line_start].matches('\n').count() as u32 + 1,
                column: before.chars().count() as u32 + 1,
            },
            text: text.to_owned(),
            length: underlined as u32,
        }
    }
}

/// Returns the greatest character boundary that is not after `offset`.
fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_counts_characters_and_drops_the_carriage_return() {
        let source = "one\r\nzwölf = 'x'\r\n";
        let at = source.find('=').unwrap();
        let snippet = Snippet::cut("a.sql", source, at, 1);
        assert_eq!(
            snippet.place,
            Place {
                file: "a.sql".into(),
                line: 2,
                column: 7
            }
        );
        assert_eq!(snippet.text, "zwölf = 'x'");
    }

    #[test]
    fn cut_at_the_end_of_the_text_does_not_panic() {
        let snippet = Snippet::cut("a.sql", "ö", 1, 10);
        assert_eq!(snippet.place.column, 1);
        assert_eq!(Snippet::cut("a.sql", "", 9, 1).place.line, 1);
    }
}
