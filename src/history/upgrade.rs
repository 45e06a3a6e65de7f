//! Versions of the history schema's own format.

use std::fmt;

/// A format that this evmig can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Format(i64);

/// What brings a history from each format to the next one; the first is from format 1.
const STEPS: [&str; 2] = [
    include_str!("sql/upgrade_2.sql"),
    include_str!("sql/upgrade_3.sql"),
];

impl Format {
    /// The format that this evmig writes.
    pub const NEWEST: Self = Self(3);
    /// The first one with checkpoints.
    const CHECKPOINTS: Self = Self(2);
    /// The first one with what the objects of a catalog keep when they are renamed.
    const KEYS: Self = Self(3);

    /// Returns whether such a history has checkpoints of the catalog.
    pub fn has_checkpoints(self) -> bool {
        self >= Self::CHECKPOINTS
    }

    /// Returns whether such a history has what the objects of its catalogs keep.
    pub(super) fn has_keys(self) -> bool {
        self >= Self::KEYS
    }

    /// Returns the texts that bring such a history to the newest format, in order.
    pub(super) fn upgrades(self) -> Vec<&'static str> {
        let done = usize::try_from(self.0 - 1).unwrap_or(STEPS.len());
        STEPS.iter().skip(done).copied().collect()
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A history that this evmig cannot work with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// A later evmig has written it.
    #[error(
        "the history in schema {schema:?} has format {found}; this evmig knows {}",
        Format::NEWEST
    )]
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

/// Decides whether a history of format `found` can be read. An older one is upgraded by the first command that writes.
pub fn check(schema: &str, found: Option<i64>) -> Result<Format, FormatError> {
    match found {
        Some(found) if found > Format::NEWEST.0 => Err(FormatError::Newer {
            schema: schema.to_owned(),
            found,
        }),
        Some(found) if found >= 1 => Ok(Format(found)),
        _ => Err(FormatError::Unknown {
            schema: schema.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_format_is_refused_and_older_ones_are_accepted() {
        assert_eq!(check("evmig", Some(3)), Ok(Format::NEWEST));
        assert_eq!(check("evmig", Some(1)), Ok(Format(1)));
        assert!(matches!(
            check("evmig", Some(Format::NEWEST.0 + 1)),
            Err(FormatError::Newer { .. })
        ));
        for never in [None, Some(0), Some(-1)] {
            assert!(matches!(
                check("evmig", never),
                Err(FormatError::Unknown { .. })
            ));
        }
    }

    #[test]
    fn each_older_format_has_its_way_to_the_newest() {
        assert_eq!(Format(1).upgrades().len(), STEPS.len());
        assert_eq!(Format::NEWEST.upgrades(), Vec::<&str>::new());
        assert_eq!(Format::NEWEST.0, STEPS.len() as i64 + 1);
    }
}
