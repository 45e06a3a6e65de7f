//! The seed corpus of the fuzzers, and metamorphic tests over it: the same statements and the same checksum whatever
//! the line ends, the mark at the start and the end of the file are, and the same result on a server.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use evmig::project::{checksum, without_bom};
use evmig::sql::split::{Item, Script};

use crate::harness::{Evmig, Project, Role, Server, Shape};

/// A corpus file and its text.
fn corpus() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/split");
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 20, "{paths:?}");
    let read = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(&path).unwrap())
    };
    paths.into_iter().map(read).collect()
}

/// What a text is cut into: statements, data, includes, one after the other.
fn parts(text: &str) -> Vec<String> {
    let script = Script::parse(text).unwrap_or_else(|error| panic!("{error} in {text}"));
    let mut parts = Vec::new();
    for item in &script.items {
        match item {
            Item::Statement(statement) => {
                parts.push(text[statement.span.clone()].to_owned());
                let data = statement.copy_data.clone();
                parts.extend(data.map(|data| format!("data: {}", &text[data])));
            }
            Item::Include { path, .. } => parts.push(format!("include: {path}")),
        }
    }
    parts
}

/// B71: each file of the corpus is cut as written down beside this test.
#[test]
fn b71_the_corpus_is_cut_as_expected() {
    let mut found = String::new();
    for (name, text) in corpus() {
        writeln!(found, "=== {name}").unwrap();
        for part in parts(&text) {
            writeln!(found, "{part:?}").unwrap();
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/split_corpus.txt");
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if found != expected {
        let actual = path.with_extension("actual");
        fs::write(&actual, &found).unwrap();
        panic!("the corpus is cut differently: compare {path:?} with {actual:?}");
    }
}

/// The texts that say the same as `text`, with how a part of it then reads.
fn same(text: &str) -> Vec<(&'static str, String)> {
    let unmarked = without_bom(text);
    vec![
        ("a mark", format!("\u{feff}{unmarked}")),
        ("no mark", unmarked.to_owned()),
        (
            "no line end at the end",
            text.trim_end_matches(['\n', '\r']).to_owned(),
        ),
        ("a line end more", format!("{text}\n")),
        (
            "a comment before",
            format!("-- ; '\n/* ; /* \" */ */{unmarked}"),
        ),
        ("a comment behind", format!("{text}\n-- ; $$ ' \"")),
        ("empty statements", format!(";;\n;{unmarked}\n;; ;")),
        ("a form feed before", format!("\u{c}{unmarked}")),
    ]
}

#[test]
fn the_corpus_is_cut_the_same_in_other_surroundings() {
    for (name, text) in corpus() {
        let expected = parts(&text);
        for (what, other) in same(&text) {
            assert_eq!(parts(&other), expected, "{name} with {what}");
        }
        if !text.contains('\r') {
            let crlf = text.replace('\n', "\r\n");
            let expected: Vec<_> = expected
                .iter()
                .map(|part| part.replace('\n', "\r\n"))
                .collect();
            assert_eq!(parts(&crlf), expected, "{name} with CRLF");
        }
    }
}

/// Comments and empty statements between two statements change neither of them.
#[test]
fn the_corpus_is_cut_the_same_with_comments_between_the_statements() {
    for (name, text) in corpus() {
        let script = Script::parse(&text).unwrap();
        let mut filled = String::new();
        let mut at = 0;
        for item in &script.items {
            let Item::Statement(statement) = item else {
                continue;
            };
            filled.push_str(&text[at..statement.span.start]);
            filled.push_str("/* ; ' */;; -- \" ;\n");
            at = statement.span.start;
        }
        filled.push_str(&text[at..]);
        // A mark inside the text is part of a name.
        let filled = filled.replacen('\u{feff}', "", usize::from(text.starts_with('\u{feff}')));
        assert_eq!(parts(&filled), parts(&text), "{name}");
    }
}

/// DESIGN 5: line ends and a mark are no change of a file; everything else is.
#[test]
fn b60_b61_the_checksum_knows_what_is_no_change() {
    for (name, text) in corpus() {
        let unix = without_bom(&text).replace("\r\n", "\n");
        let sum = checksum::sha256(&unix);
        assert_eq!(checksum::sha256(&unix.replace('\n', "\r\n")), sum, "{name}");
        assert_eq!(checksum::sha256(&format!("\u{feff}{unix}")), sum, "{name}");
        for change in ["\n", ";", "-- x"] {
            assert_ne!(checksum::sha256(&format!("{unix}{change}")), sum, "{name}");
        }
    }
}

/// What the schema of the migration below looks like, as text.
const PICTURE: &str = "select string_agg(line, E'\\n' order by line) from (\
    select table_name || '.' || column_name || ' ' || data_type || coalesce(column_default, '') as line \
      from information_schema.columns where table_schema = 'public' \
    union all select proname || replace(prosrc, E'\\r', '') || coalesce(pg_get_function_sqlbody(oid), '') from pg_proc \
      where pronamespace = 'public'::regnamespace \
    union all select replace(definition, E'\\r', '') from pg_rules where schemaname = 'public' \
    union all select 'row ' || a || b from public.t) as lines";

const MIGRATION: &str = "create table t (a int, b text default ';''');\n\
    create table \"a;b\" (\"--\" int);\n\
    copy t (a, b) from stdin;\n1\tit's; $$\n2\t\\\\.\n\\.\n\
    create function f(begin int) returns int begin atomic\n  \
      select case when begin > 0 then 1 else 2 end as end; -- end;\nend;\n\
    create rule r as on insert to \"a;b\" do also (insert into t values (3); delete from t where a = 4;);\n\
    do $é$\nbegin\n  execute $q$ insert into t values (5, ';') $q$;\nend\n$é$;\n\
    /* /* ; */ ' */ insert into t values (6, E'\\';');\n";

/// `libpg_query` does not know strings that are joined over a comment; the server says what they are.
#[test]
fn b71_strings_are_joined_over_a_comment() {
    let database = Server::shared(17, Shape::Plain).database(Shape::Plain, Role::Owner);
    let text = "select E'a' -- it's ;\n  -- ' ;\n 'b\\';c'";
    assert_eq!(parts(text), [text]);
    assert_eq!(database.value(text), "ab';c");
}

/// The same file in other surroundings, on a server: the same schema, the same rows.
#[test]
fn b60_b61_a_server_makes_the_same_of_the_same_file() {
    let mut expected = None;
    let crlf = ("CRLF", MIGRATION.replace('\n', "\r\n"));
    for (what, text) in same(MIGRATION).into_iter().chain([crlf]) {
        let database = Server::shared(17, Shape::Plain).database(Shape::Plain, Role::Owner);
        let project = Project::one_phase().migration("V1__t", &text);
        Evmig::new(&project, "apply --yes")
            .on(&database)
            .run()
            .succeeds();
        let picture = database.value(PICTURE);
        assert!(picture.contains("row 6"), "{picture}");
        // A checkout with other line ends or a mark is the same file.
        let other = if text.contains('\r') {
            MIGRATION.to_owned()
        } else {
            text.replace('\n', "\r\n")
        };
        project.write("migrations/1_core/1_tables/V1__t.sql", other);
        Evmig::new(&project, "apply --yes")
            .on(&database)
            .run()
            .succeeds();
        let expected = expected.get_or_insert_with(|| picture.clone());
        assert_eq!(&picture, expected, "{what}");
    }
}
