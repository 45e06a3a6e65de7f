//! Versions of the history schema's own format.

/// The format that this evmig writes.
pub const FORMAT: i64 = 1;

/// A history that this evmig cannot work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A later evmig has written it.
    #[error("the history in schema {schema:?} has format {found}; this evmig knows {FORMAT}")]
    Newer {
        /// History schema.
        schema: String,
        /// Its format.
        found: i64,
    },
    /// It has no format, or one that never was.
    #[error("the history in schema {schema:?} has no valid format number")]
    Unknown {
        /// History schema.
        schema: String,
    },
}

/// Decides whether a history of format `found` can be used as it stands.
pub fn check(schema: &str, found: Option<i64>) -> Result<(), FormatError> {
    match found {
        Some(FORMAT) => Ok(()),
        Some(found) if found > FORMAT => Err(FormatError::Newer {
            schema: schema.to_owned(),
            found,
        }),
        _ => Err(FormatError::Unknown {
            schema: schema.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_is_refused_and_the_own_one_accepted() {
        assert_eq!(check("evmig", Some(FORMAT)), Ok(()));
        assert!(matches!(
            check("evmig", Some(FORMAT + 1)),
            Err(FormatError::Newer { .. })
        ));
        assert!(matches!(
            check("evmig", None),
            Err(FormatError::Unknown { .. })
        ));
    }
}
