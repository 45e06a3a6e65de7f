//! The name of the schema that holds evmig's history.

/// Why a name cannot be the history schema's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaNameFault {
    /// No name at all.
    #[error("the history schema's name is empty")]
    Empty,
    /// Longer than PostgreSQL's identifiers, which it would cut off without an error.
    #[error("the history schema's name has {bytes} bytes; PostgreSQL keeps 63")]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// A control character (a newline in a name defeats line-based tools, CVE-2025-8715).
    #[error("the history schema's name has a control character")]
    ControlCharacter,
    /// A schema that belongs to PostgreSQL or to the application.
    #[error("`{name}` cannot be the history schema: {reason}")]
    Reserved {
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
}

/// Checks a name for the history schema: 1 to 63 bytes, printable, and nobody else's schema.
pub fn check_schema_name(name: &str) -> Result<(), SchemaNameFault> {
    let reserved = |reason| {
        Err(SchemaNameFault::Reserved {
            name: name.to_owned(),
            reason,
        })
    };
    if name.trim().is_empty() {
        Err(SchemaNameFault::Empty)
    } else if name.len() > 63 {
        Err(SchemaNameFault::TooLong { bytes: name.len() })
    } else if name.chars().any(char::is_control) {
        Err(SchemaNameFault::ControlCharacter)
    } else if name.starts_with("pg_") {
        reserved("names that begin with pg_ belong to PostgreSQL")
    } else if name == "information_schema" {
        reserved("it belongs to PostgreSQL")
    } else if name == "public" {
        reserved("history never lives where applications and API roles look")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::check_schema_name;

    #[test]
    fn names_are_checked_as_documented() {
        for name in ["evmig", "Evmig \"x\"", &"a".repeat(63)] {
            assert_eq!(check_schema_name(name), Ok(()), "{name}");
        }
        for (name, message) in [
            ("", "the history schema's name is empty"),
            ("a\nb", "the history schema's name has a control character"),
            (
                "pg_x",
                "`pg_x` cannot be the history schema: names that begin with pg_ belong to PostgreSQL",
            ),
            (
                "information_schema",
                "`information_schema` cannot be the history schema: it belongs to PostgreSQL",
            ),
            (
                "public",
                "`public` cannot be the history schema: history never lives where applications and API roles look",
            ),
            (
                &"ö".repeat(32),
                "the history schema's name has 64 bytes; PostgreSQL keeps 63",
            ),
        ] {
            assert_eq!(check_schema_name(name).unwrap_err().to_string(), message);
        }
    }
}
