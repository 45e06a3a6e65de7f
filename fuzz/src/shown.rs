//! What every output must hold, whatever was put in: nothing that a terminal or a CI system obeys.

use evmig::cli::error::CommandError;
use evmig::render::{json, terminal};
use evmig::report::problem::Problem;
use evmig::report::sanitize::is_unsafe;

/// A narrow terminal without Unicode and a wide one with it.
pub const LOOKS: [terminal::Look; 2] = [
    terminal::Look {
        width: 40,
        unicode: false,
    },
    terminal::Look {
        width: 120,
        unicode: true,
    },
];

/// Panics where a text for people has an escape that is not one of evmig's own style codes.
pub fn assert_harmless(text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find(is_unsafe) {
        let code = &rest[at..];
        let end = code
            .strip_prefix("\x1b[")
            .map(|code| code.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
        match end.and_then(|end| end.strip_prefix('m')) {
            Some(after) => rest = after,
            None => panic!("{:?} in {text:?}", code.chars().next()),
        }
    }
}

/// Panics where a JSON document is none, or has a C0 control character in it: what a JSON reader decodes is its own affair.
pub fn assert_document(document: &str) {
    let read: Result<serde_json::Value, _> = serde_json::from_str(document);
    assert!(read.is_ok(), "{read:?} in {document}");
    assert!(
        !document.contains(|c: char| c < ' ' && c != '\n'),
        "{document:?}"
    );
}

/// Renders an error in every way and checks each.
pub fn assert_error(error: &CommandError) {
    assert_problems(error.problems());
}

/// Renders problems in every way and checks each.
pub fn assert_problems(problems: &[Problem]) {
    for look in LOOKS {
        assert_harmless(&terminal::problems(problems, look));
        // One is as good as a thousand, and faster.
        for problem in problems.iter().take(3) {
            assert_harmless(&terminal::warning(problem, look));
        }
    }
    assert_document(&json::problem_document(problems, 1));
}
