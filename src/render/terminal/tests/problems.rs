//! Errors and warnings, and the caret above all.

use insta::assert_snapshot;

use super::samples::failure;
use super::{ASCII, AT_80, AT_120, plain};
use crate::render::terminal::{Look, problem, problems, warning};
use crate::report::place::{Place, Snippet};
use crate::report::problem::Problem;

#[test]
fn an_error_of_the_server_at_80_columns() {
    assert_snapshot!(plain(&problem(&failure(), AT_80)), @r#"
    error[sql-failed]: V104__ticketing failed at statement 37 of 50: relation
      "public.venuez" does not exist
       --> migrations/1_core/2_tables/V104__ticketing.sql:212:30
        |
    212 |     venue_id uuid references public.venuez (id)
        |                              ^^^^^^^^^^^^^
      sqlstate   42P01 (undefined_table)
      hint       public.venues is near: a table of V102__venues
      committed  V101 to V103 (3 migrations) are in the database; nothing of V104 is
      next       evmig apply
                 evmig status
    "#);
    assert_eq!(problem(&failure(), ASCII), problem(&failure(), AT_80));
}

#[test]
fn an_error_of_the_server_at_120_columns() {
    assert_snapshot!(plain(&problem(&failure(), AT_120)), @r#"
    error[sql-failed]: V104__ticketing failed at statement 37 of 50: relation "public.venuez" does not exist
       --> migrations/1_core/2_tables/V104__ticketing.sql:212:30
        |
    212 |     venue_id uuid references public.venuez (id)
        |                              ^^^^^^^^^^^^^
      sqlstate   42P01 (undefined_table)
      hint       public.venues is near: a table of V102__venues
      committed  V101 to V103 (3 migrations) are in the database; nothing of V104 is
      next       evmig apply
                 evmig status
    "#);
}

#[test]
fn an_error_of_the_server_at_40_columns() {
    let look = Look {
        width: 40,
        unicode: false,
    };
    assert_snapshot!(plain(&problem(&failure(), look)), @r#"
    error[sql-failed]: V104__ticketing
      failed at statement 37 of 50: relation
      "public.venuez" does not exist
       --> migrations/1_core/2_tables/V104__ticketing.sql:212:30
        |
    212 | ...eferences public.venuez (id)
        |              ^^^^^^^^^^^^^
      sqlstate   42P01 (undefined_table)
      hint       public.venues is near: a
                 table of V102__venues
      committed  V101 to V103 (3 migrations)
                 are in the database;
                 nothing of V104 is
      next       evmig apply
                 evmig status
    "#);
}

#[test]
fn detail_and_context_keep_their_lines() {
    let detail = "Key (tenant_id)=(6f0f) is not present in table \"tenants\", and this sentence goes \
                  on for longer than a line.\n  - first\n  - second";
    let context = "SQL statement \"insert into x\"\nPL/pgSQL function f() line 3 at SQL statement";
    let one = Problem {
        detail: Some(detail.into()),
        context: Some(context.into()),
        sqlstate: Some("23503".into()),
        ..Problem::new(
            "sql-failed",
            "insert on table \"venues\" violates foreign key constraint",
        )
    };
    assert_snapshot!(plain(&problem(&one, AT_80)), @r#"
    error[sql-failed]: insert on table "venues" violates foreign key constraint
      sqlstate   23503 (foreign_key_violation)
      detail     Key (tenant_id)=(6f0f) is not present in table "tenants", and this
                 sentence goes on for longer than a line.
                   - first
                   - second
      context    SQL statement "insert into x"
                 PL/pgSQL function f() line 3 at SQL statement
    "#);
}

#[test]
fn several_errors_are_counted() {
    let all = [
        Problem::new("unknown-key", "unknown key \"titel\"").hint("did you mean \"title\"?"),
        Problem::new("version-used-twice", "version 101 is used by two files"),
    ];
    assert_snapshot!(plain(&problems(&all, AT_80)), @r#"
    error[unknown-key]: unknown key "titel"
      hint       did you mean "title"?

    error[version-used-twice]: version 101 is used by two files

    2 errors; nothing was run
    "#);
    assert_eq!(problems(&all[..1], AT_80), problem(&all[0], AT_80));
    assert_eq!(problems(&[], AT_80), "");
}

#[test]
fn nothing_was_run_is_not_said_of_a_run() {
    let text = plain(&problems(&[failure(), failure()], AT_80));
    assert!(text.ends_with("\n2 errors\n"), "{text}");
}

#[test]
fn a_warning_says_so() {
    let one = Problem::new("passfile-ignored", "~/.pgpass can be read by others");
    assert_snapshot!(plain(&warning(&one.next("chmod 600 ~/.pgpass"), AT_80)), @"
    warning[passfile-ignored]: ~/.pgpass can be read by others
      next       chmod 600 ~/.pgpass
    ");
}

/// Draws a line with the caret under `marked`.
fn caret(line: &str, marked: &str, look: Look) -> String {
    let at = line.find(marked).unwrap();
    let snippet = Snippet::cut("a.sql", line, at, marked.len());
    plain(&problem(&Problem::new("x", "y").at(Some(snippet)), look))
}

#[test]
fn the_caret_stands_under_tabs_and_wide_characters() {
    assert_snapshot!(caret("\tselect\t'日本語', oops;", "oops", ASCII), @"
    error[x]: y
     --> a.sql:1:16
      |
    1 |     select    '日本語', oops;
      |                         ^^^^
    ");
}

#[test]
fn a_long_line_is_cut_around_the_caret() {
    let line = format!("{}oops{}", "select 1, ".repeat(40), ", 2".repeat(200));
    assert_snapshot!(caret(&line, "oops", AT_80), @"
    error[x]: y
     --> a.sql:1:401
      |
    1 | …ect 1, select 1, select 1, select 1, select 1, oops, 2, 2, 2, 2, 2, 2, 2, …
      |                                                 ^^^^
    ");
    assert_snapshot!(caret(&line, "oops", ASCII), @"
    error[x]: y
     --> a.sql:1:401
      |
    1 | ... 1, select 1, select 1, select 1, select 1, oops, 2, 2, 2, 2, 2, 2, 2,...
      |                                                ^^^^
    ");
}

#[test]
fn a_long_line_is_cut_at_its_ends() {
    let line = format!("oops{} last", ", 日本".repeat(200));
    assert_snapshot!(caret(&line, "oops", ASCII), @"
    error[x]: y
     --> a.sql:1:1
      |
    1 | oops, 日本, 日本, 日本, 日本, 日本, 日本, 日本, 日本, 日本, 日本, 日本...
      | ^^^^
    ");
    assert_snapshot!(caret(&line, "last", ASCII), @"
    error[x]: y
     --> a.sql:1:806
      |
    1 | ... 日本, 日本, 日本, 日本, 日本, 日本, 日本, 日本, 日本, 日本, 日本 last
      |                                                                      ^^^^
    ");
}

#[test]
fn a_mark_longer_than_the_line_is_cut_too() {
    let marked = "x".repeat(500);
    assert_snapshot!(caret(&marked, &marked, ASCII), @"
    error[x]: y
     --> a.sql:1:1
      |
    1 | xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
    assert_snapshot!(caret(&format!("select {marked} from t"), &marked, ASCII), @"
    error[x]: y
     --> a.sql:1:8
      |
    1 | select xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
}

#[test]
fn escapes_in_the_line_are_shown_and_the_caret_moves_with_them() {
    assert_snapshot!(caret("select '\x1b[2J\u{202e}', oops", "oops", ASCII), @r"
    error[x]: y
     --> a.sql:1:17
      |
    1 | select '\x1b[2J\u{202e}', oops
      |                           ^^^^
    ");
}

#[test]
fn a_place_without_text_or_past_its_line_still_shows() {
    let draw = |line, column, text: &str, length| {
        let place = Place {
            file: "phases.toml".into(),
            line,
            column,
        };
        let snippet = Snippet {
            place,
            text: text.into(),
            length,
        };
        plain(&problem(&Problem::new("x", "y").at(Some(snippet)), ASCII))
    };
    assert_snapshot!(draw(1, 1, "", 1), @"
    error[x]: y
      --> phases.toml:1:1
    ");
    assert_snapshot!(draw(u32::MAX, u32::MAX, "a", u32::MAX), @"
    error[x]: y
              --> phases.toml:4294967295:4294967295
               |
    4294967295 | a
               |  ^
    ");
}
