//! Reads a table's name as somebody types it: `events`, `public.events`, `"My Table"`.

use super::name::QualifiedName;
use super::words::Words;

/// Returns the name, as SQL reads it; `None` where the text is not one name and nothing else.
pub fn typed_name(text: &str) -> Option<QualifiedName> {
    let words = Words::of(text);
    let mut cursor = words.cursor(0);
    let name = cursor.qualified()?;
    let whole = cursor.at == words.len() && words.len() <= 3;
    let named = |part: &str| !part.is_empty();
    (whole && named(&name.name) && name.schema.as_deref().is_none_or(named)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_sql_does_and_nothing_else_is_one() {
        let read = |text: &str| typed_name(text).map(|name| name.quoted());
        assert_eq!(read("Events").as_deref(), Some("\"events\""));
        assert_eq!(
            read("public . \"My \"\"T\"").as_deref(),
            Some("\"public\".\"My \"\"T\"")
        );
        assert_eq!(read("a--b\n").as_deref(), Some("\"a\""));
        for other in [
            "", "a b", "a.b.c", "a;", "'a'", "a.", "\"\"", "\"\".a", "1", "a(b)",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
