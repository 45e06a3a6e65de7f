//! Names that the server would cut without an error (SQLSTATE 42622 is only a notice).

use std::ops::Range;

use super::name::MAX_IDENTIFIER_BYTES;
use super::token::{Kind, Tokens};

/// Returns where the first identifier stands that is too long, quotes included.
pub fn find(statement: &str) -> Option<Range<usize>> {
    Tokens::new(statement).find_map(|token| {
        let name = matches!(token.kind, Kind::Word | Kind::QuotedWord);
        (name && bytes(token.text(statement)) > MAX_IDENTIFIER_BYTES)
            .then_some(token.start..token.end)
    })
}

/// Returns how many bytes a written identifier has as a name, without its quotes.
pub fn bytes(written: &str) -> usize {
    match written.strip_prefix('"') {
        Some(quoted) => {
            let doubled = quoted.matches("\"\"").count();
            quoted.len().saturating_sub(1).saturating_sub(doubled)
        }
        None => written.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_name_of_64_bytes_and_no_other() {
        let fits = "a".repeat(63);
        let long = "ä".repeat(32);
        assert_eq!(find(&format!("create table {fits} (\"{fits}\" int)")), None);
        assert_eq!(find(&format!("create table {long} ()")), Some(13..77));
        assert_eq!(find(&format!("select \"{}\"", "x".repeat(64))), Some(7..73));
        assert_eq!(find(&format!("select '{}'", "x".repeat(80))), None);
        assert_eq!(bytes("\"a\"\"b\""), 3);
        assert_eq!(bytes("ab"), 2);
    }
}
