//! Makes foreign text safe to show: server messages, object names, file names.
//!
//! A terminal obeys control characters wherever they come from, and a reader believes what
//! bidirectional controls have re-ordered (faults.md B83). Both are shown here instead of obeyed.
//! The mapping is per character, so that a text cut in two gives the same result as the whole.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns the text with every control character but newline and tab written as an escape.
///
/// Escaped are C0, DEL, C1, the bidirectional controls and the line and paragraph separators.
/// The zero-width joiner stays: emoji and several scripts need it, and it re-orders nothing.
pub fn for_terminal(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_unsafe) else {
        return Cow::Borrowed(text);
    };
    let mut safe = String::with_capacity(text.len() + 16);
    safe.push_str(&text[..first]);
    for character in text[first..].chars() {
        if !is_unsafe(character) {
            safe.push(character);
            continue;
        }
        let code = u32::from(character);
        // Writing to a String cannot fail.
        let written = if code < 0x100 {
            write!(safe, "\\x{code:02x}")
        } else {
            write!(safe, "\\u{{{code:04x}}}")
        };
        debug_assert!(written.is_ok());
    }
    Cow::Owned(safe)
}

/// Returns whether a terminal or a reader could be misled by the character.
pub fn is_unsafe(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{061c}' | '\u{200e}' | '\u{200f}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        _ => character.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_visible_and_plain_text_is_borrowed() {
        assert_eq!(for_terminal("\x1b[31mred"), "\\x1b[31mred");
        assert_eq!(for_terminal("a\u{9b}0m"), "a\\x9b0m");
        assert_eq!(for_terminal("user\u{202e}nimda"), "user\\u{202e}nimda");
        assert_eq!(for_terminal("a\rb\u{7f}\u{2028}"), "a\\x0db\\x7f\\u{2028}");
        assert!(matches!(
            for_terminal("two\n\tlines ü 👩\u{200d}🚀"),
            Cow::Borrowed(_)
        ));
    }

    proptest! {
        #[test]
        fn nothing_unsafe_survives(text in any::<String>()) {
            prop_assert!(!for_terminal(&text).contains(is_unsafe));
        }

        #[test]
        fn halves_give_the_same_as_the_whole(a in any::<String>(), b in any::<String>()) {
            let whole = format!("{a}{b}");
            let halves = format!("{}{}", for_terminal(&a), for_terminal(&b));
            prop_assert_eq!(for_terminal(&whole).into_owned(), halves);
        }
    }
}
