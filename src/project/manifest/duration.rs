//! Durations: a whole number and a unit, as PostgreSQL writes them and as people do.

use std::time::Duration;

use super::super::nearest::nearest;

/// The longest duration: PostgreSQL keeps its time-outs as milliseconds in an int4
/// (`guc_tables.c`, `lock_timeout`: maximum `INT_MAX`).
pub const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// The units: PostgreSQL's, and `m` for minutes, which PostgreSQL does not know.
const UNITS: [(&str, u64); 8] = [
    ("ms", 1),
    ("s", 1000),
    ("sec", 1000),
    ("m", 60_000),
    ("min", 60_000),
    ("h", 3_600_000),
    ("hour", 3_600_000),
    ("d", 86_400_000),
];

/// Why a text is no duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationFault {
    /// A number without a unit.
    #[error("`{number}` has no unit: write \"{number}s\" or \"{number}ms\"")]
    NoUnit {
        /// The number.
        number: String,
    },
    /// A unit that is none of ours.
    #[error("`{unit}` is no unit of time: use ms, s, min (or m), h, d")]
    UnknownUnit {
        /// The unit as written.
        unit: String,
        /// The one that was likely meant.
        nearest: Option<String>,
    },
    /// It does not begin with a whole number.
    #[error("`{text}` is no duration: write a whole number and a unit, for instance \"2s\"")]
    NotANumber {
        /// The text.
        text: String,
    },
    /// More than PostgreSQL can hold.
    #[error("`{text}` is too long: at most 2147483647ms, almost 25 days")]
    TooLong {
        /// The text.
        text: String,
    },
}

/// Reads a duration: `0`, or a whole number followed by `ms`, `s`, `min` or `m`, `h`, `d`.
///
/// White space may stand around and between. Zero, with or without a unit, means "no limit"
/// and is `None`, as in PostgreSQL's own time-outs. Units are lower case, as in PostgreSQL.
pub fn parse(text: &str) -> Result<Option<Duration>, DurationFault> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    if number.is_empty() {
        return Err(DurationFault::NotANumber {
            text: text.to_owned(),
        });
    }
    if unit.starts_with(['.', ',']) {
        return Err(DurationFault::NotANumber {
            text: text.to_owned(),
        });
    }
    let zero = number.bytes().all(|digit| digit == b'0');
    if unit.is_empty() {
        return if zero {
            Ok(None)
        } else {
            Err(DurationFault::NoUnit {
                number: number.to_owned(),
            })
        };
    }
    let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(DurationFault::UnknownUnit {
            unit: unit.to_owned(),
            nearest: nearest(unit, UNITS.iter().map(|(name, _)| *name)),
        });
    };
    let millis = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(*factor))
        .map(Duration::from_millis)
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| DurationFault::TooLong {
            text: text.to_owned(),
        })?;
    Ok((!millis.is_zero()).then_some(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_documented() {
        for (text, millis) in [
            ("2s", 2000),
            ("500ms", 500),
            ("1min", 60_000),
            ("5m", 300_000),
            (" 1 h ", 3_600_000),
            ("1d", 86_400_000),
            ("2147483647ms", 2_147_483_647),
        ] {
            assert_eq!(
                parse(text),
                Ok(Some(Duration::from_millis(millis))),
                "{text}"
            );
        }
        for text in ["0", "00", "0s"] {
            assert_eq!(parse(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for (text, message) in [
            ("2", "`2` has no unit: write \"2s\" or \"2ms\""),
            (
                "2sek",
                "`sek` is no unit of time: use ms, s, min (or m), h, d",
            ),
            ("5M", "`M` is no unit of time: use ms, s, min (or m), h, d"),
            (
                "",
                "`` is no duration: write a whole number and a unit, for instance \"2s\"",
            ),
            (
                "-1s",
                "`-1s` is no duration: write a whole number and a unit, for instance \"2s\"",
            ),
            (
                "1.5s",
                "`1.5s` is no duration: write a whole number and a unit, for instance \"2s\"",
            ),
            (
                "25d",
                "`25d` is too long: at most 2147483647ms, almost 25 days",
            ),
            (
                "99999999999999999999999s",
                "`99999999999999999999999s` is too long: at most 2147483647ms, almost 25 days",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().to_string(), message);
        }
        assert_eq!(
            parse("2sek").unwrap_err(),
            DurationFault::UnknownUnit {
                unit: "sek".into(),
                nearest: Some("sec".into())
            }
        );
    }
}
