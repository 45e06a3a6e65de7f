//! The version of a PostgreSQL server, as `postgres --version` prints it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The majors evmig is tested with, oldest and newest.
pub(super) const SUPPORTED: std::ops::RangeInclusive<u32> = 14..=18;

/// A server's version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The major version, such as 17 (9 for all of 9.x).
    pub major: u32,
    /// The version as printed, without the distribution's suffix: `17.2`, `18beta1`.
    pub text: String,
}

impl Version {
    /// Reads the line that `postgres --version` prints.
    ///
    /// The word before the parenthesis and the vendor in it differ between distributions, so only
    /// the first word that starts with a digit after a closing parenthesis counts.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let (_, after) = line.split_once(')')?;
        let text = after.split_whitespace().next()?;
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        Some(Self {
            major: text[..digits].parse().ok()?,
            text: text.to_owned(),
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<(u32, String)> {
        Version::parse(line).map(|version| (version.major, version.text))
    }

    #[test]
    fn versions_of_many_distributions_are_read() {
        let cases = [
            ("postgres (PostgreSQL) 17.2", 17, "17.2"),
            (
                "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n",
                15,
                "15.14",
            ),
            ("postgres (PostgreSQL) 18beta1", 18, "18beta1"),
            ("postgres (PostgreSQL) 19devel", 19, "19devel"),
            ("postgres (PostgreSQL) 9.6.24", 9, "9.6.24"),
            (
                "postgres (EnterpriseDB Advanced Server) 16.4.1",
                16,
                "16.4.1",
            ),
        ];
        for (line, major, text) in cases {
            assert_eq!(parsed(line), Some((major, text.to_owned())), "{line}");
        }
    }

    #[test]
    fn other_programs_are_not_a_server() {
        for line in [
            "",
            "postgres",
            "postgres (PostgreSQL)",
            "postgres (PostgreSQL) x",
            "bash 5.2",
            "postgres (PostgreSQL) 99999999999999999999",
        ] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
