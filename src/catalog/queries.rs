//! The queries, and what is filled in before they are sent: the same few conditions everywhere, and what depends on
//! the server's version.

use crate::sql::quote;
use crate::sql::token::{Kind, Token, Tokens};

/// The schema with the copies of rows that a rollback destroyed: evmig's own, as the history's is.
pub const KEPT_SCHEMA: &str = "evmig_kept";

/// A query with the name of its file.
pub(super) struct Query {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    /// Says whether there can be any such object; empty where there always is. Planning a query takes longer than
    /// finding nothing, and most databases have no operators, casts or publications of their own.
    can_find: &'static str,
}

macro_rules! queries {
    ($($name:literal: $can_find:expr),* $(,)?) => {
        /// All queries.
        pub(super) const ALL: &[Query] = &[$(Query {
            name: $name,
            text: include_str!(concat!("queries/", $name, ".sql")),
            can_find: $can_find,
        },)*];
    };
}

/// A table, an index or a view of a user's, the history's apart.
const RELATION: &str = "EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.oid >= 16384 AND {{user_schema n}})";

// The longest answers first: the client reads them while the server looks for the rest. An object that initdb has not
// made has an OID from 16384 on (FirstNormalObjectId).
queries![
    "column": RELATION,
    "relation": RELATION,
    "index": RELATION,
    "constraint": "EXISTS (SELECT FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace \
         WHERE k.oid >= 16384 AND {{user_schema n}})",
    "schema": "",
    "extension": "",
    "sequence": "EXISTS (SELECT FROM pg_sequence)",
    "type": "EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
         WHERE t.oid >= 16384 AND {{user_schema n}})",
    "routine": "EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
         WHERE p.oid >= 16384 AND {{user_schema n}})",
    "trigger": "EXISTS (SELECT FROM pg_trigger)",
    "rule": "EXISTS (SELECT FROM pg_rewrite WHERE oid >= 16384)",
    "policy": "EXISTS (SELECT FROM pg_policy)",
    "event_trigger": "EXISTS (SELECT FROM pg_event_trigger)",
    "statistics": "EXISTS (SELECT FROM pg_statistic_ext)",
    "default_privileges": "EXISTS (SELECT FROM pg_default_acl)",
    "cast": "EXISTS (SELECT FROM pg_cast WHERE oid >= 16384)",
    "operator": "EXISTS (SELECT FROM pg_operator WHERE oid >= 16384)",
    "operator_class": "EXISTS (SELECT FROM pg_opclass WHERE oid >= 16384) \
         OR EXISTS (SELECT FROM pg_opfamily WHERE oid >= 16384)",
    "collation": "EXISTS (SELECT FROM pg_collation WHERE oid >= 16384)",
    "conversion": "EXISTS (SELECT FROM pg_conversion WHERE oid >= 16384)",
    "language": "EXISTS (SELECT FROM pg_language WHERE oid >= 16384) OR EXISTS (SELECT FROM pg_transform) \
         OR EXISTS (SELECT FROM pg_am WHERE oid >= 16384)",
    "text_search": "EXISTS (SELECT FROM pg_ts_parser WHERE oid >= 16384) \
         OR EXISTS (SELECT FROM pg_ts_template WHERE oid >= 16384) \
         OR EXISTS (SELECT FROM pg_ts_dict WHERE oid >= 16384) \
         OR EXISTS (SELECT FROM pg_ts_config WHERE oid >= 16384)",
    "foreign": "EXISTS (SELECT FROM pg_foreign_data_wrapper)",
    "publication": "EXISTS (SELECT FROM pg_publication)",
    "subscription": "EXISTS (SELECT FROM pg_subscription)",
    "security_label": "EXISTS (SELECT FROM pg_seclabel)",
    "member_grants": "",
];

/// Returns the question which queries can find anything: one row, with a text for each query; none where it always can.
pub(super) fn question(version: u32, history_schema: &str) -> String {
    let conditions = ALL.iter().map(|query| match query.can_find {
        "" => "NULL".to_owned(),
        condition => filled(condition, version, history_schema),
    });
    format!("SELECT {}", conditions.collect::<Vec<_>>().join(",\n"))
}

/// Returns queries as one statement: a row with a text for each, which has a line for each object. As rows of their
/// own they would take several times as long to send and to read.
///
/// `history_schema` is left out.
pub(super) fn statement(queries: &[&Query], version: u32, history_schema: &str) -> String {
    let texts = queries.iter().map(|query| {
        let sql = filled(query.text, version, history_schema);
        format!("(SELECT string_agg(q::text, chr(10)) FROM (\n{sql}) AS q)")
    });
    format!("SELECT {}", texts.collect::<Vec<_>>().join(",\n"))
}

fn filled(text: &str, version: u32, history_schema: &str) -> String {
    for_version(text, version).replace("$1", &quote::literal(history_schema))
}

impl Query {
    /// Returns the letter for the system catalog that the OIDs of its objects are of, where it tells them.
    pub(super) fn catalog(&self) -> char {
        match self.name {
            "schema" => 'n',
            "column" => 'a',
            "constraint" => 'c',
            "type" => 't',
            "routine" => 'f',
            "trigger" => 'g',
            "rule" => 'w',
            "policy" => 'p',
            "statistics" => 's',
            // Relations and indexes have one catalog.
            _ => 'r',
        }
    }

    /// Returns the names of the query's columns, which are those of its first branch.
    pub(super) fn columns(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        let mut depth = 0_usize;
        let mut last = "";
        for token in Tokens::new(self.text).filter(Token::is_significant) {
            let text = token.text(self.text);
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                Kind::Comma if depth == 0 => names.push(last.trim_matches('"')),
                Kind::Word if depth == 0 && text == "FROM" => break,
                _ => {}
            }
            last = text;
        }
        names.push(last.trim_matches('"'));
        names
    }
}

/// Returns a text for a server's version (`server_version_num`); `$1` is the history's schema.
pub(super) fn for_version(text: &str, version: u32) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    // Whether what is read is wanted, for each `if` that is open.
    let mut wanted = vec![true];
    let mut rest = text;
    while let Some(at) = rest.find("{{") {
        push(&mut out, &rest[..at], &wanted);
        let end = rest[at..].find("}}").map_or(rest.len(), |end| at + end);
        let words: Vec<&str> = rest[at + 2..end].split_whitespace().collect();
        rest = rest.get(end + 2..).unwrap_or_default();
        match words.as_slice() {
            ["if", least] => {
                wanted.push(least.parse().is_ok_and(|least: u32| version >= least));
            }
            ["else"] => {
                if let Some(last) = wanted.last_mut() {
                    *last = !*last;
                }
            }
            ["end"] => {
                wanted.pop();
            }
            ["user_schema", schema] => push(&mut out, &user_schema(schema), &wanted),
            ["no_member", catalog, oid] => push(&mut out, &no_member(catalog, oid), &wanted),
            // `every_query_is_filled_in` finds it.
            _ => push(&mut out, "{{", &wanted),
        }
    }
    push(&mut out, rest, &wanted);
    out
}

fn push(out: &mut String, text: &str, wanted: &[bool]) {
    if wanted.iter().all(|wanted| *wanted) {
        out.push_str(text);
    }
}

/// Neither the system's nor evmig's own. Names that begin with `pg_` are reserved (PostgreSQL manual, 5.9.5).
fn user_schema(schema: &str) -> String {
    format!(
        "(left({schema}.nspname, 3) <> 'pg_' AND {schema}.nspname <> 'information_schema' \
         AND {schema}.nspname IS DISTINCT FROM $1 \
         AND {schema}.nspname IS DISTINCT FROM '{KEPT_SCHEMA}')"
    )
}

/// What an extension brought is the extension's. The list is made once for a query: looking up each object takes longer
/// than all the rest.
fn no_member(catalog: &str, oid: &str) -> String {
    format!(
        "{oid} NOT IN (SELECT m.objid FROM pg_depend m WHERE m.classid = '{catalog}'::regclass \
         AND m.refclassid = 'pg_extension'::regclass AND m.deptype = 'e')"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_query_is_filled_in() {
        for query in ALL {
            for version in [140_000, 150_000, 160_000, 170_000, 180_000] {
                let sql = for_version(query.text, version);
                assert!(
                    !sql.contains("{{") && !sql.contains("}}"),
                    "{}: {sql}",
                    query.name
                );
                assert!(sql.contains("AS kind"), "{}", query.name);
            }
        }
    }

    #[test]
    fn every_column_has_its_name() {
        for query in ALL {
            let columns = query.columns();
            assert_eq!(
                columns[..4],
                ["kind", "schema", "parent", "name"],
                "{}",
                query.name
            );
            let acl = columns.iter().position(|column| *column == "acl");
            let default = columns.iter().position(|column| *column == "acl_default");
            assert_eq!(acl.map(|at| at + 1), default, "{}", query.name);
            let mut sorted = columns.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), columns.len(), "{}: {columns:?}", query.name);
        }
        let publication = ALL
            .iter()
            .find(|query| query.name == "publication")
            .unwrap();
        assert!(
            publication
                .columns()
                .ends_with(&["columns", "where", "comment"])
        );
    }

    #[test]
    fn every_file_is_sent() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/catalog/queries");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                entry
                    .unwrap()
                    .path()
                    .file_stem()
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        files.sort();
        let mut names: Vec<&str> = ALL.iter().map(|query| query.name).collect();
        names.sort_unstable();
        assert_eq!(files, names);
    }

    #[test]
    fn what_depends_on_the_version_is_chosen() {
        let text = "a{{if 150000}}b{{if 170000}}c{{else}}d{{end}}e{{else}}f{{end}}g";
        assert_eq!(for_version(text, 140_000), "afg");
        assert_eq!(for_version(text, 150_000), "abdeg");
        assert_eq!(for_version(text, 180_000), "abceg");
    }
}
