//! Makes foreign text safe to show: server messages, object names, file names.
//!
//! A CI system obeys some lines of a log ([`for_log`]). A terminal obeys control characters wherever they come from, and a reader believes what
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

/// Returns the text with what CI systems take for commands in a log written as an escape.
///
/// GitHub Actions obeys a line that starts with `::` behind any white space, and `##[` anywhere in
/// a line; Azure Pipelines `##vso[`, `TeamCity` `##teamcity[`. They set variables, hide output and
/// switch the hiding off. The marks of GitLab and Travis need control characters.
pub fn for_log(text: &str) -> Cow<'_, str> {
    if !text.contains("::") && !text.contains("##") {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        let start = line.len() - line.trim_start().len();
        let (indent, mut rest) = line.split_at(start);
        safe.push_str(indent);
        if let Some(after) = rest.strip_prefix("::") {
            safe.push_str("\\x3a:");
            rest = after;
        }
        while let Some(at) = rest.find("##") {
            let (before, mark) = rest.split_at(at + 1);
            safe.push_str(before);
            let is_command = ["#[", "#vso[", "#teamcity["]
                .iter()
                .any(|command| mark.starts_with(command));
            rest = if is_command { &mark[1..] } else { mark };
            safe.push_str(if is_command { "\\x23" } else { "" });
        }
        safe.push_str(rest);
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

    #[test]
    fn b83_commands_of_ci_systems_are_visible() {
        assert_eq!(
            for_log("a::b\n  ::set-output name=x::y\n::"),
            "a::b\n  \\x3a:set-output name=x::y\n\\x3a:"
        );
        assert_eq!(
            for_log("a ##[x] ###vso[ ##team ##teamcity[ ##"),
            "a #\\x23[x] ##\\x23vso[ ##team #\\x23teamcity[ ##"
        );
        assert!(matches!(for_log("select 1"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn no_command_survives(text in "[ \t\n:#\\[vsoa]{0,30}") {
            let safe = for_log(&text);
            prop_assert!(!safe.lines().any(|line| line.trim_start().starts_with("::")));
            prop_assert!(!safe.contains("##[") && !safe.contains("##vso["));
            prop_assert_eq!(safe.replace("\\x3a", ":").replace("\\x23", "#"), text);
        }

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
