//! What must hold of every drawing: nothing on top of anything else, no line through a table, no text that is markup.

use proptest::prelude::*;

use super::layout::{FRAME_SIDE, Layout, WIDTH, layout};
use super::mermaid::mermaid;
use super::route::routes;
use super::svg::svg;
use crate::report::diagram::{
    DiagramColumn, DiagramDomain, DiagramReport, DiagramTable, GroupedBy, Reference, TableName,
};
use crate::report::target::Target;

fn name(name: impl Into<String>) -> TableName {
    TableName {
        schema: "public".to_owned(),
        name: name.into(),
    }
}

fn column(name: impl Into<String>) -> DiagramColumn {
    DiagramColumn {
        name: name.into(),
        data_type: "timestamp with time zone".to_owned(),
        not_null: true,
        primary_key: false,
        unique: false,
    }
}

fn report(domains: Vec<DiagramDomain>, references: Vec<Reference>) -> DiagramReport {
    DiagramReport {
        schema: DiagramReport::SCHEMA,
        target: Target {
            host: "localhost".to_owned(),
            port: 5432,
            database: "shop".to_owned(),
            user: "me".to_owned(),
            environment: None,
            named_by: "a test".to_owned(),
            protected: false,
            loopback: true,
            embedded: false,
        },
        grouped_by: GroupedBy::References,
        domains,
        references,
    }
}

/// Domains of tables with so many columns each, and references between the tables by number.
fn drawn(domains: &[Vec<usize>], links: &[(usize, usize)]) -> DiagramReport {
    let mut names = Vec::new();
    let tables = domains.iter().enumerate().map(|(domain, sizes)| {
        let tables = sizes.iter().map(|size| {
            let table = format!("t{:03}", names.len());
            names.push((name(table.clone()), *size));
            DiagramTable {
                name: name(table),
                comment: None,
                partitions: 0,
                columns: (0..*size).map(|at| column(format!("c{at}"))).collect(),
            }
        });
        DiagramDomain {
            name: format!("domain {domain}"),
            tables: tables.collect(),
        }
    });
    let tables: Vec<DiagramDomain> = tables.collect();
    let references = links.iter().enumerate().map(|(at, (from, to))| {
        let (from, columns) = &names[from % names.len()];
        Reference {
            from: from.clone(),
            to: names[to % names.len()].0.clone(),
            name: format!("fk{at}"),
            columns: vec![format!("c{}", at % columns)],
            to_columns: vec!["c0".to_owned()],
            on_delete: None,
        }
    });
    let references = references.collect();
    report(tables, references)
}

/// Whether a piece of a line goes through the inside of a table.
fn passes_through(layout: &Layout<'_>, a: (i32, i32), b: (i32, i32)) -> Option<String> {
    let found = layout.tables.iter().find(|table| {
        let (left, right) = (table.left(), table.left() + WIDTH);
        a.0.min(b.0) < right
            && a.0.max(b.0) > left
            && a.1.min(b.1) < table.bottom()
            && a.1.max(b.1) > table.top
    });
    found.map(|table| table.table.name.name.clone())
}

fn check(report: &DiagramReport) {
    let layout = layout(report);
    assert_eq!(layout.tables.len(), report.tables().count());
    for (at, table) in layout.tables.iter().enumerate() {
        let frame = &layout.frames[table.domain];
        assert!(table.top > frame.top && table.bottom() < frame.bottom);
        assert!(table.column >= frame.column && table.column < frame.column + frame.columns);
        for other in &layout.tables[..at] {
            let apart = table.column != other.column
                || table.bottom() < other.top
                || other.bottom() < table.top;
            assert!(apart, "{:?} on {:?}", table.table.name, other.table.name);
        }
    }
    for (at, frame) in layout.frames.iter().enumerate() {
        for other in &layout.frames[..at] {
            let beside = frame.column + frame.columns <= other.column
                || other.column + other.columns <= frame.column;
            assert!(beside || frame.bottom < other.top || other.bottom < frame.top);
        }
    }
    const { assert!(FRAME_SIDE % 8 != 0, "a line would run on the frame") };
    let routes = routes(&layout);
    assert_eq!(routes.len(), layout.lines.len(), "each line has a way");
    for route in routes {
        let line = layout.lines[route.line];
        let (from, to) = (&layout.tables[line.from], &layout.tables[line.to]);
        let (first, last) = (route.points[0], route.points[route.points.len() - 1]);
        assert_eq!(first.1, from.row(&line.reference.columns[0]));
        assert_eq!(last.1, to.port());
        for pair in route.points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            assert!(a.0 == b.0 || a.1 == b.1, "{a:?} {b:?}");
            assert_eq!(passes_through(&layout, a, b), None, "{:?}", line.reference);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_line_crosses_a_table(
        domains in prop::collection::vec(prop::collection::vec(1..24_usize, 1..9), 1..9),
        links in prop::collection::vec((0..64_usize, 0..64_usize), 0..48),
    ) {
        check(&drawn(&domains, &links));
    }
}

#[test]
fn nothing_at_all_is_drawn_too() {
    let empty = report(Vec::new(), Vec::new());
    assert!(svg(&empty).contains("0 tables"));
    assert_eq!(mermaid(&empty), "erDiagram\n");
}

#[test]
fn the_same_tables_give_the_same_bytes() {
    let links: Vec<(usize, usize)> = (0..30).map(|at| (at, at * 7 + 1)).collect();
    let report = drawn(&[vec![3, 9, 4], vec![12, 1], vec![5; 6]], &links);
    assert_eq!(svg(&report), svg(&report.clone()));
}

#[test]
fn what_too_many_refer_to_gets_words_instead_of_lines() {
    let links: Vec<(usize, usize)> = (1..=9).map(|from| (from, 0)).collect();
    let report = drawn(&[vec![2], vec![9; 9]], &links);
    assert_eq!(layout(&report).lines.len(), 0);
    let svg = svg(&report);
    assert_eq!(svg.matches("→ t000").count(), 9);
    assert!(svg.contains("many: t000 (9)"));
}

/// Reads a drawing as XML: every tag is closed in its order; the elements are returned.
fn elements(xml: &str) -> Vec<String> {
    let mut open = Vec::new();
    let mut seen = Vec::new();
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "{}", &rest[..at]);
        let end = rest[at..].find('>').expect("a tag has an end") + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        let word = tag.split(['/', ' ']).find(|word| !word.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(word));
        } else {
            seen.push(word.to_owned());
            if !tag.ends_with('/') {
                open.push(word.to_owned());
            }
        }
    }
    assert_eq!(open, [] as [String; 0]);
    seen
}

#[test]
fn a_hostile_name_is_text() {
    let hostile = "</title><script>alert(1)</script>\"'&<!--\u{202e}\n\u{0}";
    let mut report = drawn(&[vec![2, 2]], &[(0, 1)]);
    report.target.database = hostile.to_owned();
    report.domains[0].name = hostile.to_owned();
    for table in &mut report.domains[0].tables {
        table.name.schema = hostile.to_owned();
        table.comment = Some(hostile.to_owned());
        table.columns[0].name = hostile.to_owned();
        table.columns[1].data_type = hostile.to_owned();
    }
    for reference in &mut report.references {
        reference.from.schema = hostile.to_owned();
        reference.to.schema = hostile.to_owned();
        reference.columns = vec![hostile.to_owned()];
        reference.on_delete = Some(hostile.to_owned());
    }
    let mut seen = elements(&svg(&report));
    seen.sort();
    seen.dedup();
    assert_eq!(
        seen,
        [
            "a", "g", "path", "rect", "style", "svg", "text", "title", "tspan"
        ]
    );
    let mermaid = mermaid(&report);
    assert!(!mermaid.contains(['<', '\u{202e}', '\u{0}', '`', '#']));
    for line in mermaid.lines() {
        assert!(matches!(line.matches('"').count(), 0 | 2), "{line}");
    }
}

#[test]
fn mermaid_has_the_keys_and_what_can_be_null() {
    let mut report = drawn(&[vec![2], vec![1]], &[(1, 0)]);
    report.domains[0].tables[0].columns[0].primary_key = true;
    report.domains[0].tables[0].columns[1].data_type = "numeric(12,2)".to_owned();
    report.domains[1].tables[0].columns[0].not_null = false;
    insta::assert_snapshot!(mermaid(&report), @r#"
    erDiagram
        %% domain 0
        t1["t000"] {
            timestamptz c0 PK
            numeric(12_2) c1 "numeric(12,2)"
        }
        %% domain 1
        t2["t001"] {
            timestamptz c0 FK "null"
        }
        t2 }o--o| t1 : "c0"
    "#);
}
