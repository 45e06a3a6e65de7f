//! Makes the output of two runs equal: what differs from run to run becomes a `$WORD`.

use std::sync::LazyLock;

use regex::Regex;

/// Patterns in the order in which they are replaced. Whole seconds stay as they are: they are
/// settings (`lock_timeout 2s`), measured times have a fraction or are in milliseconds.
const VARYING: &[(&str, &str)] = &[
    // A column of times is right-aligned, so that the blanks before it depend on the time.
    (
        r" {2,}(\d+(\.\d+)? ?(ms|µs|us)|\d+\.\d+ ?(s|min))\b",
        "  $$T",
    ),
    (
        r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC)|[+-]\d\d(:?\d\d)?)?",
        "$$TIME",
    ),
    (r#""(\w+_ms)": ?[0-9.]+"#, r#""$1": $$T"#),
    (r"\b\d+\.\d+ ?(s|min)\b", "$$T"),
    (r"\b\d+(\.\d+)? ?(ms|µs|us)\b", "$$T"),
    // A column of times is aligned to the right.
    (r" {2,}\$T", "  $$T"),
    (
        r"\b([Rr]un[ =:]+|run[:=] |--run )([0-9][0-9a-hjkmnp-tv-z]{9})\b",
        "$1$$RUN",
    ),
    (
        r#""([a-z_]*run)": ?"[0-9][0-9a-hjkmnp-tv-z]{9}""#,
        r#""$1": "$$RUN""#,
    ),
    (r"\bevmig([/ ])\d+\.\d+\.\d+", "evmig$1$$VERSION"),
    (r"\bPostgreSQL (1\d)\.\d+( \([^)]*\))?", "PostgreSQL $1.x"),
    (
        r#""server_version": ?"(1\d)[^"]*""#,
        r#""server_version": "$1.x""#,
    ),
    (r"\b(pid|process)([ =:]+)\d+", "$1$2$$PID"),
    (r#""(\w*pid)": ?\d+"#, r#""$1": $$PID"#),
    (r"\bdb_\d+\b", "$$DATABASE"),
    (r"\bowner_\d+\b", "$$OWNER"),
];

static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    VARYING
        .iter()
        .map(|(pattern, word)| (Regex::new(pattern).expect("a valid pattern"), *word))
        .collect()
});

/// Replaces the given texts, longest first, and then all that varies.
pub(crate) fn normalise(text: &str, known: &[(String, String)]) -> String {
    let mut known: Vec<&(String, String)> =
        known.iter().filter(|(from, _)| !from.is_empty()).collect();
    known.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
    let text = known
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    PATTERNS.iter().fold(text, |text, (pattern, word)| {
        pattern.replace_all(&text, *word).into_owned()
    })
}

#[test]
fn what_varies_becomes_a_word_and_the_rest_stays() {
    let known = [("/x/project-1".to_owned(), "$DIR".to_owned())];
    let text = "run=7abcdefghj took 12.5 ms in /x/project-1/a.sql at 2026-01-02 03:04:05.6+00 \
                lock_timeout 2s, V1__a, pid 77, run statements, \"run\": \"0000000abc\", \
                PostgreSQL 15.18 (Debian 15.18-0+deb12u1), db_12 of owner_12";
    assert_eq!(
        normalise(text, &known),
        "run=$RUN took $T in $DIR/a.sql at $TIME lock_timeout 2s, V1__a, pid $PID, run statements, \
         \"run\": \"$RUN\", PostgreSQL 15.x, $DATABASE of $OWNER"
    );
}
