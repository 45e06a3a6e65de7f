//! Names that the server would cut without an error (SQLSTATE 42622 is only a notice).

use std::ops::Range;

use super::name::MAX_IDENTIFIER_BYTES;
use super::token::{Kind, Tokens};

/// Returns the bytes of the first identifier that is too long.
pub fn find(statement: &str) -> Option<Range<usize>> {
    Tokens::new(statement).find_map(|token| {
        let name = match token.kind {
            Kind::Word => token.text(statement).len(),
            Kind::QuotedWord => {
                let quoted = token.text(statement);
                let doubled = quoted.matches("\"\"").count();
                quoted.len().saturating_sub(2).saturating_sub(doubled)
            }
            _ => return None,
        };
        (name > MAX_IDENTIFIER_BYTES).then_some(token.start..token.end)
    })
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
    }
}
