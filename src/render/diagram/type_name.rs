//! Types in as few letters as PostgreSQL itself understands.

/// Long names and the short ones that mean the same.
const SHORT: [(&str, &str); 7] = [
    ("timestamp with time zone", "timestamptz"),
    ("timestamp without time zone", "timestamp"),
    ("time with time zone", "timetz"),
    ("time without time zone", "time"),
    ("character varying", "varchar"),
    ("double precision", "float8"),
    ("bit varying", "varbit"),
];

/// Returns the type's short name.
pub(super) fn short(data_type: &str) -> String {
    // With a precision in it: `timestamp(3) with time zone`.
    for (head, tail, short) in [
        ("timestamp(", ") with time zone", "timestamptz("),
        ("timestamp(", ") without time zone", "timestamp("),
        ("time(", ") with time zone", "timetz("),
        ("time(", ") without time zone", "time("),
    ] {
        let inside = data_type.strip_prefix(head);
        let inside = inside.and_then(|rest| rest.split_once(tail));
        if let Some((precision, rest)) = inside {
            return format!("{short}{precision}){rest}");
        }
    }
    for (long, short) in SHORT {
        if let Some(rest) = data_type.strip_prefix(long) {
            return format!("{short}{rest}");
        }
    }
    data_type
        .strip_prefix("public.")
        .unwrap_or(data_type)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn short_names_mean_the_same_type() {
        for (long, wanted) in [
            ("timestamp with time zone", "timestamptz"),
            ("timestamp(3) with time zone[]", "timestamptz(3)[]"),
            ("character varying(20)", "varchar(20)"),
            ("numeric(12,2)", "numeric(12,2)"),
            ("public.event_status", "event_status"),
        ] {
            assert_eq!(short(long), wanted);
        }
    }
}
