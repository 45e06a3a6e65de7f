//! `pg_restore`'s list of an archive: which entries hold the rows of which tables, and in which order
//! they are wanted.

use std::collections::HashMap;

/// Reads the list; returns the line of each table's rows by the table's oid.
///
/// An entry's names cannot be told apart where they have spaces; its oid can. It is the table's in the
/// database that was dumped.
pub fn entries(list: &str) -> HashMap<u32, String> {
    list.lines()
        .filter(|line| !line.starts_with(';'))
        .filter_map(|line| {
            let (_, rest) = line.split_once("; ")?;
            let mut words = rest.splitn(3, ' ');
            let _catalog = words.next()?;
            let oid = words.next()?.parse().ok()?;
            let is_rows = words.next()?.starts_with("TABLE DATA ");
            is_rows.then(|| (oid, line.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rows_are_taken_and_by_oid() {
        let list = ";\n; Archive created at 2026-11-26\n;     TOC Entries: 5\n\
                    215; 1259 16386 TABLE public a b postgres\n\
                    3351; 0 16386 TABLE DATA public a b postgres\n\
                    3359; 0 0 SEQUENCE SET public a_id_seq postgres\n\
                    3352; 0 16399 TABLE DATA odd schema TABLE DATA x postgres\n";
        let found = entries(list);
        assert_eq!(found.len(), 2);
        assert!(found[&16386].starts_with("3351;"));
        assert!(found[&16399].starts_with("3352;"));
    }
}
