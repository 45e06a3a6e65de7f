//! "Did you mean": the candidate that was most likely meant.

/// Candidates beyond this many are not looked at: a suggestion must never make an error slow.
const MOST_CANDIDATES: usize = 1000;
/// Names longer than this get no suggestion, for the same reason.
const LONGEST_NAME: usize = 128;

/// Returns the candidate nearest to `name`, where one is near enough to be a slip of the pen.
///
/// Case and `-`, `_`, space count as equal; beyond that a third of the name's letters may differ.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let wanted = fold(name);
    let allowed = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .filter(|candidate| candidate.len() <= LONGEST_NAME)
        .map(|candidate| {
            let folded = fold(candidate);
            (
                strsim::damerau_levenshtein(&wanted, &folded),
                folded,
                candidate,
            )
        })
        .filter(|(distance, folded, _)| {
            // A name that was cut short ("stat" for "statistics") is near as well.
            *distance <= allowed || (wanted.len() >= 3 && folded.starts_with(&wanted))
        })
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, _, candidate)| candidate.to_owned())
}

/// Lower case, with the separators that people mix up made equal.
fn fold(name: &str) -> String {
    name.to_lowercase().replace(['-', ' '], "_")
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_of_the_pen_is_near_and_another_word_is_not() {
        let keys = ["lock_timeout", "lock_retries", "statement_timeout"];
        assert_eq!(
            nearest("lock_timout", keys).as_deref(),
            Some("lock_timeout")
        );
        assert_eq!(
            nearest("Lock-Retries", keys).as_deref(),
            Some("lock_retries")
        );
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest("", keys), None);
        assert_eq!(
            nearest("stat", ["table", "statistics"]).as_deref(),
            Some("statistics")
        );
    }
}
