//! The tests of `split.rs`, in a file of their own for their length.

use super::*;
use proptest::prelude::*;

const PG_DUMP: &str = include_str!("corpus/pg_dump.sql");
const NASTY: &str = include_str!("corpus/nasty.sql");

/// The statements' texts; an include is shown as `\path`.
fn texts(text: &str) -> Vec<String> {
    split(text)
        .unwrap_or_else(|error| panic!("{error} in {text}"))
        .iter()
        .map(|item| match item {
            Item::Statement(statement) => text[statement.span.clone()].to_owned(),
            Item::Include { path, .. } => format!("\\{path}"),
        })
        .collect()
}

fn copies(text: &str) -> Vec<&str> {
    Script::parse(text)
        .unwrap()
        .statements()
        .filter_map(|statement| statement.copy_data.clone())
        .map(|data| &text[data])
        .collect()
}

/// Reads the same whatever the line ends, the mark and the end of the file are.
fn assert_same_everywhere(text: &str) {
    let wanted = texts(text);
    let crlf = text.replace('\n', "\r\n");
    let expected: Vec<_> = wanted.iter().map(|s| s.replace('\n', "\r\n")).collect();
    assert_eq!(texts(&crlf), expected);
    let cr = text.replace('\n', "\r");
    let expected: Vec<_> = wanted.iter().map(|s| s.replace('\n', "\r")).collect();
    assert_eq!(texts(&cr), expected);
    assert_eq!(texts(&format!("\u{feff}{text}")), wanted);
    assert_eq!(texts(text.trim_end_matches('\n')), wanted);
    assert_eq!(texts(&format!("/* /**/ */{text}\n-- the end")), wanted);
}

#[test]
fn a_dump_is_read_as_psql_reads_it() {
    let found = texts(PG_DUMP);
    let firsts: Vec<_> = found
        .iter()
        .map(|s| s.split_whitespace().take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        firsts,
        [
            "SET standard_conforming_strings",
            "SELECT pg_catalog.set_config('search_path',",
            "CREATE TABLE",
            "COPY public.t",
            "CREATE FUNCTION",
        ]
    );
    assert!(found[2].ends_with("'a;b'::text\n)"));
    assert!(found[4].ends_with("end;\n$_$"));
    assert_eq!(copies(PG_DUMP), ["1\tit's \"fine\"; really\n2\t\\\\.\n"]);
    assert_same_everywhere(PG_DUMP);
}

#[test]
fn nasty_statements_stay_whole() {
    let found = texts(NASTY);
    let heads_and_tails = [
        ("select 'it''s", "s;'"),
        ("select E", "X'F;'"),
        ("select E'a'", "'b\\';c'"),
        ("select $$;$$", "as a$b$c) as s"),
        ("select 1+--;\n2", "1..2"),
        ("create rule", "delete from v;)"),
        ("create function f(", "values (1);\nend"),
        ("create or replace procedure", "atomic end"),
        ("CREATE FUNCTION", "'select 1;'"),
        ("do $do$", "end $do$"),
        ("select \"a;", "as \";\""),
        ("select )", "select )"),
        ("explain", "select 1"),
        ("select 2", "select 2"),
        ("select 3", "select 3"),
    ];
    assert_eq!(found.len(), heads_and_tails.len(), "{found:#?}");
    for (statement, (head, tail)) in found.iter().zip(heads_and_tails) {
        assert!(statement.starts_with(head), "{statement}");
        assert!(statement.ends_with(tail), "{statement}");
    }
    assert_same_everywhere(NASTY);
}

#[test]
fn includes_and_the_lines_that_pg_dump_writes() {
    let text = "\\restrict x\nselect 1; \\ir 'a b.sql'\r\n\\i c.sql;\n\\unrestrict x";
    assert_eq!(
        split(text).unwrap()[1],
        Item::Include {
            path: "a b.sql".into(),
            relative: true,
            span: 22..35,
        }
    );
    assert_eq!(texts(text), ["select 1", "\\a b.sql", "\\c.sql"]);
    assert_eq!(
        texts("select '\\i x', E'\\\\' -- \\q\n/* \\q */"),
        ["select '\\i x', E'\\\\'"]
    );
}

#[test]
fn copy_data() {
    assert_eq!(
        copies("COPY t FROM STDIN; -- go\r\n1\r\n\\.\r\nselect 1"),
        ["1\r\n"]
    );
    assert_eq!(copies("copy t from stdin;\r1\r\\.\rselect 1"), ["1\r"]);
    assert_eq!(
        copies("copy t (a) from stdin with (format csv);\n\\.\nselect 1"),
        [""]
    );
    assert_eq!(
        copies("copy t from stdin; /* x */\n'\n\\.x\n\\."),
        ["'\n\\.x\n"]
    );
    assert_eq!(copies("copy t from stdout;\na\rb\n\\.\n"), ["a\rb\n"]);
    assert_eq!(
        copies("copy \"from\" from stdin;\n\\.\ncopy t from stdin;\n1\n\\.\n"),
        ["", "1\n"]
    );
    for text in [
        "copy t from '/stdin';",
        "copy t to stdout;",
        "copy (select a from stdin) to stdin;",
        "select 1 from stdin;",
        "create table copy (a int);",
    ] {
        assert_eq!(copies(text), [""; 0], "{text}");
    }
}

#[test]
fn errors_say_where_it_opened() {
    for (text, error) in [
        ("select 'a;", SplitError::OpenString { at: 7 }),
        ("select E'a\\';", SplitError::OpenString { at: 7 }),
        ("select E'a'\n'b\\';", SplitError::OpenString { at: 7 }),
        ("select \"a;", SplitError::OpenIdentifier { at: 7 }),
        ("select U&\"a;", SplitError::OpenIdentifier { at: 7 }),
        ("select 1; /* /* */", SplitError::OpenComment { at: 10 }),
        ("select (1, (2);", SplitError::OpenParenthesis { at: 7 }),
        ("copy t from stdin;\n1\n", SplitError::OpenCopy { at: 0 }),
        ("copy t from stdin", SplitError::OpenCopy { at: 0 }),
        ("copy t from stdin;", SplitError::OpenCopy { at: 0 }),
        (
            "copy t from stdin; select 1;\n\\.\n",
            SplitError::AfterCopy { at: 19 },
        ),
        (
            "copy t from stdin; /*\n*/ \n\\.\n",
            SplitError::AfterCopy { at: 19 },
        ),
        (
            "copy t from stdin; \\i x\n\\.\n",
            SplitError::AfterCopy { at: 19 },
        ),
        (
            "create function f() returns int begin atomic select 1 end; select 2;",
            SplitError::OpenBody { at: 32 },
        ),
        (
            "select $a$ $b$;",
            SplitError::OpenDollarQuote {
                at: 7,
                tag: "$a$".into(),
            },
        ),
        (
            "select $$;",
            SplitError::OpenDollarQuote {
                at: 7,
                tag: "$$".into(),
            },
        ),
    ] {
        assert_eq!(split(text), Err(error.clone()), "{text}");
        assert!(error.at() + error.length() <= text.len());
    }
}

#[test]
fn what_only_psql_can_run_is_refused() {
    for (text, error) in [
        (
            "select 1;\n\\c db",
            SplitError::PsqlCommand {
                at: 10,
                name: "c".into(),
            },
        ),
        (
            "\\copy t from x",
            SplitError::PsqlCommand {
                at: 0,
                name: "copy".into(),
            },
        ),
        (
            "\\.\n",
            SplitError::PsqlCommand {
                at: 0,
                name: ".".into(),
            },
        ),
        (
            "\\restricted",
            SplitError::PsqlCommand {
                at: 0,
                name: "restricted".into(),
            },
        ),
        (
            "select 1 \\gexec\n",
            SplitError::PsqlInsideStatement {
                at: 9,
                name: "gexec".into(),
            },
        ),
        (
            "select 1\n\\i x",
            SplitError::PsqlInsideStatement {
                at: 9,
                name: "i".into(),
            },
        ),
        (
            "select (\\;",
            SplitError::PsqlInsideStatement {
                at: 8,
                name: ";".into(),
            },
        ),
        (
            "\\i",
            SplitError::Include {
                at: 0,
                problem: IncludeProblem::NoPath,
            },
        ),
        (
            "set local standard_conforming_strings to 'OFF';",
            SplitError::NonstandardStrings { at: 0 },
        ),
    ] {
        assert_eq!(split(text), Err(error.clone()), "{text}");
        assert!(error.at() + error.length() <= text.len());
    }
}

#[test]
fn bodies_end_where_the_grammar_ends_them() {
    for (text, count) in [
        (
            "create function s.begin() returns s.begin begin atomic select 1; end; select 2",
            2,
        ),
        (
            "create function begin() returns int language sql as ''; select 2",
            2,
        ),
        (
            "create function f() returns int return case when a then 1 end; select 2",
            2,
        ),
        (
            "create or replace function f() returns int begin atomic; select a.end; end; select 2",
            2,
        ),
        (
            "create function f(a int default (case when b then 1 end)) begin atomic end; end",
            2,
        ),
        ("create table begin (atomic int); begin; end", 3),
        ("create view v as select 1 begin atomic; select 2", 2),
    ] {
        assert_eq!(texts(text).len(), count, "{text}");
    }
}

/// The server refuses such a body, but what follows it must not be taken for a part of it.
#[test]
fn b71_a_routine_inside_a_body_has_a_body_of_its_own() {
    let text = "create procedure a() begin atomic; \
                create or replace function b() returns int begin atomic select 1; end; \
                select 2; end; select 3";
    let found = texts(text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].ends_with("select 2; end"), "{found:?}");
    let open = text.replace("; end; select 3", "");
    let at = text.find("begin").unwrap();
    assert_eq!(split(&open), Err(SplitError::OpenBody { at }));
}

#[test]
fn nothing_to_do() {
    for text in [
        "",
        "\u{feff}",
        ";;\n;",
        "-- a\n/* b; */",
        "\\restrict x",
        " \t\r\n\u{b}\u{c}",
    ] {
        assert_eq!(split(text), Ok(vec![]), "{text:?}");
    }
}

#[test]
fn unknown_text_is_passed_on_whole() {
    assert_eq!(
        texts("frobnicate \u{1}\0 ? {x}; ¡hola!"),
        ["frobnicate \u{1}\0 ? {x}", "¡hola!"]
    );
    assert_eq!(texts("\u{feff}\u{feff}select 1"), ["\u{feff}select 1"]);
}

#[test]
fn a_long_file_is_read_in_linear_time() {
    let started = std::time::Instant::now();
    for unit in [
        "(", ")", ";", "/*", "*/", "$a", "$a$", "E''\n", "E'' --\n", "--\n", "'", "\"", ".", "$ ",
    ] {
        let text = unit.repeat(100_000);
        let _outcome = split(&text);
        let _outcome = split(&format!("create function {text}"));
    }
    // Quadratic reading of any of these would take minutes; linear takes about a second unoptimised.
    assert!(started.elapsed().as_secs() < 60);
}

/// Pieces that statements are made of: each is whole in itself.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "select",
        "1",
        "x.end",
        "case when a then b end",
        "'a;'",
        "E'\\';'",
        "$$;$$",
        "$q$ ; $$ $q$",
        "\"a;b\"",
        "(a; b)",
        "/* ; /* ; */ */",
        "-- ; '\n",
        "U&'\\0041'",
        "a$b$c",
        "+",
        "::",
        ",",
        "begin",
        "é",
    ])
}

fn statement() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(piece(), 0..8);
    // A word in front and behind keeps comments away from the ends, where they are not part of the statement.
    pieces.prop_map(|pieces| format!("foo {} bar", pieces.join(" ")))
}

proptest! {
    #[test]
    fn any_text_is_covered_or_refused(text in "(?s)[-'\"$eE/*;(a) \\\\.\r\n]{0,80}|.{0,60}") {
        match Script::parse(&text) {
            Err(error) => prop_assert!(error.at() <= text.len() && text.is_char_boundary(error.at())),
            Ok(script) => {
                let mut at = 0;
                for item in &script.items {
                    let span = match item {
                        Item::Statement(statement) => &statement.span,
                        Item::Include { span, .. } => span,
                    };
                    prop_assert!(span.start >= at && span.end > span.start);
                    prop_assert!(only_separators(&text[at..span.start], at == 0));
                    at = span.end;
                }
                prop_assert!(only_separators(&text[at..], at == 0));
            }
        }
    }

    #[test]
    fn statements_come_back(statements in prop::collection::vec(statement(), 0..6)) {
        let text = statements.join(";\n") + ";\n";
        prop_assert_eq!(&texts(&text), &statements);
        assert_same_everywhere(&text);
        let between = " /* \" */ ; ;\t/* $$ */\n-- x; '\n";
        let commented = format!("{between}{}{between}", statements.join(between));
        prop_assert_eq!(&texts(&commented), &statements);
    }
}

/// Whether nothing here would be sent: white space, comments, semicolons and skipped lines.
fn only_separators(text: &str, at_start: bool) -> bool {
    let text = if at_start {
        text.trim_start_matches('\u{feff}')
    } else {
        text
    };
    if text.starts_with('\u{feff}') {
        return false;
    }
    Tokens::new(text).all(|token| !token.is_significant() || token.kind == Kind::Semicolon)
}
