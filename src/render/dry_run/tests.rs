//! What must hold of every comment and page: the text of others is text, and a comment is short enough.

use proptest::prelude::*;
use similar::TextDiff;

use super::timeline::{bars, timeline};
use super::{html, markdown};
use crate::report::access::{AccessChange, AccessEffect};
use crate::report::change::{ChangeKind, ObjectChange, PropertyChange};
use crate::report::dry_run::{
    Basis, Blocks, DryMigration, DryRunReport, DryStatement, Estimate, Forecast, HeldLock, Level,
    LockMode, RelationKind, Remembered, SavedAs, Source, Unproved, WorkKind,
};
use crate::report::event::MigrationRef;
use crate::report::place::{Place, Snippet};
use crate::report::problem::Problem;
use crate::report::target::Target;

fn place(line: u32) -> Place {
    Place {
        file: "migrations/1/V1__a.sql".to_owned(),
        line,
        column: 1,
    }
}

fn estimate(ms: Option<f64>, basis: Basis) -> Estimate {
    Estimate {
        ms,
        basis,
        reason: "the target's bytes".to_owned(),
    }
}

fn statement(line: u32, ms: f64) -> DryStatement {
    DryStatement {
        place: place(line),
        sql: "alter table t add b int".to_owned(),
        tried: true,
        locks: Vec::new(),
        work: Vec::new(),
        duration_ms: Some(ms),
        estimate: None,
        unproved: None,
    }
}

fn lock(line: u32, held: Estimate) -> HeldLock {
    HeldLock {
        relation: "public.t".to_owned(),
        kind: RelationKind::Table,
        mode: LockMode::AccessExclusive,
        blocks: Blocks::ReadsAndWrites,
        source: Source::Measured,
        migration: "V1__a".to_owned(),
        place: place(line),
        work: vec![WorkKind::Rewrite],
        bytes: Some(8192),
        rows: Some(10),
        held,
    }
}

fn change(object: &str, before: Option<&str>, after: Option<&str>) -> ObjectChange {
    let ended = |text: Option<&str>| text.map_or_else(String::new, |text| format!("{text}\n"));
    let diff = TextDiff::from_lines(ended(before), ended(after))
        .unified_diff()
        .to_string();
    ObjectChange {
        change: ChangeKind::Changed,
        kind: "function".to_owned(),
        object: object.to_owned(),
        renamed_from: None,
        group: "public.f".to_owned(),
        properties: vec![PropertyChange {
            property: "definition".to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        }],
        diff,
    }
}

/// A report in which the text of others is `text` wherever there can be any.
fn report(text: &str) -> DryRunReport {
    let text = || text.to_owned();
    let problem = Problem::new("code", text())
        .detail(text())
        .hint(text())
        .next(text())
        .at(Some(Snippet {
            place: Place {
                file: text(),
                ..place(1)
            },
            text: text(),
            length: 1,
        }));
    DryRunReport {
        schema: DryRunReport::SCHEMA,
        level: Level::Shadow,
        forecast: Forecast::WouldFail,
        target: Target {
            host: text(),
            port: 5432,
            database: text(),
            user: text(),
            environment: Some(text()),
            named_by: text(),
            protected: true,
            loopback: false,
            embedded: false,
        },
        server_version: text(),
        shadow: None,
        before: None,
        remembered: Some(Remembered {
            migrations: 1,
            at: text(),
        }),
        fingerprint: None,
        migrations: vec![DryMigration {
            migration: MigrationRef {
                version: Some("1".to_owned()),
                name: "a".to_owned(),
                phase: text(),
                step: text(),
                file: text(),
            },
            transactional: true,
            tried: true,
            not_tried: Some(text()),
            duration_ms: Some(3.0),
            statements: vec![
                statement(1, 10.0),
                DryStatement {
                    sql: text(),
                    unproved: Some(text()),
                    ..statement(2, 30.0)
                },
            ],
            locks: Vec::new(),
        }],
        left: 1,
        passed_over: vec![text()],
        changes: vec![ObjectChange {
            group: text(),
            renamed_from: Some(text()),
            ..change(&text(), Some(&text()), Some("other"))
        }],
        access: vec![AccessChange {
            effect: AccessEffect::Widened,
            role: text(),
            relation: text(),
            command: "SELECT".to_owned(),
            before: text(),
            after: text(),
        }],
        locks: vec![HeldLock {
            relation: text(),
            held: Estimate {
                reason: text(),
                ..estimate(Some(30.0), Basis::Shadow)
            },
            ..lock(2, estimate(None, Basis::Unknown))
        }],
        findings: vec![problem.clone()],
        unproved: vec![Unproved {
            place: place(2),
            sql: text(),
            reason: text(),
        }],
        notes: vec![problem.clone()],
        error: Some(problem),
        saved: Some(SavedAs {
            file: text(),
            checksum: "0123456789abcdef".to_owned(),
            apply: text(),
        }),
        duration_ms: 5.0,
    }
}

/// The elements of a page, and that each is closed where it has to be.
fn elements(page: &str) -> Vec<String> {
    const VOID: [&str; 5] = ["!doctype", "meta", "br", "rect", "wbr"];
    let mut open: Vec<String> = Vec::new();
    let mut seen = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        let end = rest[at..].find('>').expect("a tag has an end") + at;
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        let word = tag.split(['/', ' ']).find(|word| !word.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(word), "before {rest:.80}");
        } else if !tag.ends_with('/') && !VOID.contains(&word) {
            open.push(word.to_owned());
        }
        seen.push(word.to_owned());
    }
    assert_eq!(open, [] as [String; 0]);
    seen.sort();
    seen.dedup();
    seen
}

const HOSTILE: &str = "</pre><script>alert(1)</script>\"' onload=\"x\n| ` `` ``` @all #1 [x](http://y) ![](z) <!-- \u{202e}\u{1b}[31m\n```\n</details>";

#[test]
fn a_page_has_the_elements_of_its_own_alone() {
    let own = elements(&html(&report("plain")));
    assert_eq!(elements(&html(&report(HOSTILE))), own);
    assert!(!own.contains(&"script".to_owned()) && !own.contains(&"img".to_owned()));
    let page = html(&report(HOSTILE));
    assert!(!page.contains(['\u{202e}', '\u{1b}']));
    assert!(!page.contains("href=\"h") && !page.contains("src="));
}

/// What is left of a comment when its code is taken out, as GitHub takes it out.
fn without_code(comment: &str) -> String {
    let mut left = String::new();
    let mut fence: Option<String> = None;
    for line in comment.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if line.trim_end() == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 && !line[ticks.len()..].contains('`') => fence = Some(ticks),
            None => left.push_str(&(spans_out(line) + "\n")),
        }
    }
    assert_eq!(fence, None, "a block is not closed");
    left
}

fn spans_out(line: &str) -> String {
    let mut left = String::new();
    let mut rest = line;
    while let Some(at) = rest.find('`') {
        left.push_str(&rest[..at]);
        let ticks = rest[at..].chars().take_while(|c| *c == '`').count();
        rest = &rest[at + ticks..];
        let mut inside = rest;
        let mut gone = 0;
        loop {
            let next = inside
                .find('`')
                .unwrap_or_else(|| panic!("an open span: {line}"));
            let run = inside[next..].chars().take_while(|c| *c == '`').count();
            gone += next + run;
            inside = &inside[next + run..];
            if run == ticks {
                break;
            }
        }
        rest = &rest[gone..];
    }
    left + rest
}

#[test]
fn a_comment_calls_nobody_and_links_nowhere() {
    let plain = without_code(&markdown(&report("plain")));
    assert_eq!(without_code(&markdown(&report(HOSTILE))), plain);
    assert!(!plain.contains("plain"), "{plain}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_gets_out_of_its_code(text in "[ab`|<>@#\\[\\]()\\n\\\\*_ -]{1,40}") {
        let plain = without_code(&markdown(&report("plain")));
        prop_assert_eq!(without_code(&markdown(&report(&text))), plain);
        prop_assert_eq!(elements(&html(&report(&text))), elements(&html(&report("plain"))));
    }
}

#[test]
fn a_long_comment_says_what_was_cut() {
    let mut long = report("plain");
    let body: Vec<String> = (0..40).map(|line| format!("line {line}")).collect();
    let body = body.join("\n");
    long.changes = (0..2_000)
        .map(|at| ObjectChange {
            group: format!("public.f{at}"),
            ..change("function f", None, Some(&body))
        })
        .collect();
    let comment = markdown(&long);
    assert!(comment.len() < 65_536, "{}", comment.len());
    assert!(comment.contains("**Cut for the length of a comment:**"));
    assert!(comment.contains(" of 2000 groups of objects"));
    assert_eq!(
        comment.matches("<details>").count(),
        comment.matches("</details>").count()
    );
    without_code(&comment);
}

#[test]
fn a_bar_goes_from_its_statement_to_the_end_of_the_lock() {
    let mut report = report("plain");
    report.locks = vec![
        lock(2, estimate(Some(30.0), Basis::Shadow)),
        lock(1, estimate(None, Basis::Unknown)),
    ];
    let (bars, total) = bars(&report);
    let spans: Vec<(f64, f64)> = bars.iter().map(|bar| (bar.from, bar.to)).collect();
    assert_eq!(spans, [(10.0, 40.0), (0.0, 40.0)]);
    assert!((total - 40.0).abs() < 1e-9);
    let (drawing, basis) = timeline(&report).unwrap();
    assert!(
        drawing.contains("url(#timeline)")
            && drawing.contains("url(#timeline-narrow)")
            && basis.contains("nobody knows")
    );
    report.locks.clear();
    assert!(timeline(&report).is_none());
}

#[test]
fn a_short_dry_run_is_a_short_comment() {
    let mut report = report("shop");
    report.forecast = Forecast::WouldApply;
    report.error = None;
    report.findings.clear();
    report.notes.clear();
    report.unproved.clear();
    report.access.clear();
    report.migrations[0].not_tried = None;
    report.changes = vec![change(
        "function public.f()",
        Some("a\nb\nc"),
        Some("a\nB\nc"),
    )];
    insta::assert_snapshot!(markdown(&report), @r"
    ### Would apply: 1 migration, 2 statements on `shop` (`shop`)

    | | |
    |---|---|
    | Has to wait | reads and writes of 1 relation (at most 30 ms) |
    | Objects | 1 changed |
    | Access | no change |
    | Not proved | nothing |
    | Ran | `nowhere: they are listed only` |
    | From earlier | `1 of 1 migration in a dry run of shop, from the same state` |
    | Stay pending | 1 |

    Nothing of the target was changed.

    <details><summary>Who has to wait: locks (1)</summary>

    | relation | lock | blocks | held | meanwhile | by |
    |---|---|---|---:|---|---|
    | `shop` | ACCESS EXCLUSIVE | reads and writes | 30 ms | rewrite | `V1__a.sql:2` |

    Times rest on: `shop`

    </details>

    <details><summary>What changes (1 object)</summary>

    `public.f`: 1 changed

    ```diff
    @@ changed function public.f(): definition @@
     a
    -b
    +B
     c
    ```


    </details>

    <details><summary>What would run (1 migration)</summary>

    | migration | statements | how | took |
    |---|---:|---|---:|
    | `V1__a` | 2 | one transaction | 3.0 ms |

    </details>

    Saved as plan `0123456789ab` in `shop`. `shop` applies exactly this, or says what has changed.
    ");
}
