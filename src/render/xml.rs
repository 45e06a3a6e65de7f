//! Foreign text between tags and in attributes.

use std::fmt::Write as _;

use crate::report::sanitize::is_unsafe;

/// Returns the text as SVG and HTML show it literally: no tag, no entity, no end of an attribute. What would re-order
/// or hide text, and what XML does not allow at all, is written as an escape.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML does not have these two.
            character if is_unsafe(character) || matches!(character, '\u{fffe}' | '\u{ffff}') => {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{{{:04x}}}", u32::from(character));
            }
            character => safe.push(character),
        }
    }
    safe
}

/// Cuts a text to a number of characters; an ellipsis is the last of them where it is cut.
pub(super) fn elide(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_tag_and_no_attribute_is_closed() {
        assert_eq!(
            escape("</text><script a='b'>&\"\u{0}\u{202e}"),
            "&lt;/text&gt;&lt;script a=&#39;b&#39;&gt;&amp;&quot;\\u{0000}\\u{202e}"
        );
        assert_eq!(elide("abcdef", 4), "abc…");
        assert_eq!(elide("abcd", 4), "abcd");
    }

    proptest! {
        #[test]
        fn nothing_of_markup_survives(text in any::<String>()) {
            let safe = escape(&text);
            let is_markup = |c: char| "<>\"'".contains(c) || is_unsafe(c);
            prop_assert!(!safe.contains(is_markup));
        }
    }
}
