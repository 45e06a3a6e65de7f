//! Durations, counts and times as people read them.

use jiff::Timestamp;

use super::text::one_line;

/// Returns a duration: `0.4 ms`, `23 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`.
///
/// The unit is chosen after rounding, so that 999.7 ms is `1.0 s` and never `1000 ms`.
pub(in crate::render) fn duration(milliseconds: f64) -> String {
    if !milliseconds.is_finite() || milliseconds < 0.0 {
        return "unknown time".to_owned();
    }
    let tenths_of_ms = (milliseconds * 10.0).round();
    if tenths_of_ms < 100.0 {
        return format!("{:.1} ms", tenths_of_ms / 10.0);
    }
    if milliseconds.round() < 1000.0 {
        return format!("{:.0} ms", milliseconds.round());
    }
    let tenths_of_s = (milliseconds / 100.0).round();
    if tenths_of_s < 600.0 {
        return format!("{:.1} s", tenths_of_s / 10.0);
    }
    whole_seconds((milliseconds / 1000.0).round() as u64)
}

/// Returns a duration given in milliseconds.
pub(super) fn milliseconds(count: u64) -> String {
    duration(count as f64)
}

/// Returns a duration given in seconds: `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`.
pub(super) fn whole_seconds(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min {} s", seconds % 60),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{} d {} h", count(days), hours % 24),
    }
}

/// Returns a count; one of five digits or more has its thousands separated.
pub(super) fn count(number: impl TryInto<u64>) -> String {
    let digits = number
        .try_into()
        .map_or_else(|_| "?".to_owned(), |number| number.to_string());
    if digits.len() < 5 {
        return digits;
    }
    let mut grouped = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Returns the count with its noun: `1 migration`, `12 migrations`.
pub(in crate::render) fn counted(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number as u64))
}

/// Returns an RFC 3339 time as `2026-11-22 19:40:12 UTC`; anything else as it is.
pub(in crate::render) fn time(rfc3339: &str) -> String {
    match rfc3339.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => one_line(rfc3339),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_change_their_unit_where_they_round_to_it() {
        let shown: Vec<String> = [
            0.0,
            0.04,
            0.4,
            9.94,
            9.96,
            23.4,
            999.4,
            999.6,
            1234.0,
            59_940.0,
            59_960.0,
            200_000.0,
            3_599_600.0,
            7_500_000.0,
            360_000_000.0,
            f64::NAN,
            -1.0,
        ]
        .into_iter()
        .map(duration)
        .collect();
        assert_eq!(
            shown,
            [
                "0.0 ms",
                "0.0 ms",
                "0.4 ms",
                "9.9 ms",
                "10 ms",
                "23 ms",
                "999 ms",
                "1.0 s",
                "1.2 s",
                "59.9 s",
                "1 min 0 s",
                "3 min 20 s",
                "1 h 0 min",
                "2 h 5 min",
                "4 d 4 h",
                "unknown time",
                "unknown time",
            ]
        );
        assert_eq!(whole_seconds(12), "12 s");
        assert_eq!(milliseconds(1234), "1.2 s");
    }

    #[test]
    fn thousands_are_separated_from_five_digits_on() {
        assert_eq!(count(9999_u64), "9999");
        assert_eq!(count(10_000_u64), "10,000");
        assert_eq!(count(1_234_567_u64), "1,234,567");
        assert_eq!(counted(1, "migration"), "1 migration");
        assert_eq!(counted(0, "migration"), "0 migrations");
    }

    #[test]
    fn times_are_in_utc_to_the_second() {
        assert_eq!(
            time("2026-11-22T19:40:12.345678Z"),
            "2026-11-22 19:40:12 UTC"
        );
        assert_eq!(time("2026-11-22T20:40:12+01:00"), "2026-11-22 19:40:12 UTC");
        assert_eq!(time("not a\x1btime"), "not a\\x1btime");
    }
}
