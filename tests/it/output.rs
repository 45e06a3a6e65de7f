//! Every command at 80 and 120 columns, through a pipe and on a terminal, with and without colour,
//! and with a reader that goes away: readable, and the exit code true.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::harness::{Database, Evmig, Output, Project, Role, Server, Session, Shape};

/// A project that can be applied, changed and broken, and its database.
struct Scene {
    database: Database,
    project: Project,
}

/// Every command that needs no database, and how it ends.
const OFFLINE: [(&str, i32); 12] = [
    ("--version", 0),
    ("config", 0),
    ("completions bash", 0),
    ("completions zsh", 0),
    ("man", 0),
    ("init", 2),
    ("new people --phase cor", 2),
    ("new", 2),
    ("apply --nope", 2),
    ("apply --lock-timeout soon", 2),
    ("status --env nowhere", 2),
    ("db status", 0),
];

/// Every command that looks at a database with one migration applied and one that fails.
const ONLINE: [(&str, i32); 8] = [
    ("status", 0),
    ("status -v", 0),
    ("status --exit-code", 4),
    ("history", 0),
    ("history --verify", 0),
    ("history --script 1", 0),
    ("apply --to 1", 0),
    ("apply", 1),
];

const COMMANDS: [&str; 17] = [
    "",
    "init",
    "new",
    "status",
    "apply",
    "history",
    "baseline",
    "repair",
    "config",
    "db",
    "db start",
    "db stop",
    "db reset",
    "db url",
    "db psql",
    "completions",
    "man",
];

impl Scene {
    /// `V1` is applied, `V2` fails.
    fn new() -> Self {
        let scene = Self {
            database: Server::shared(17, Shape::Plain).database(Shape::Plain, Role::Owner),
            project: Project::one_phase()
                .migration("V1__people", "create table people (id int);\n")
                .rollback("V1__people", "drop table people;\n"),
        };
        scene.on("apply").run().succeeds();
        scene.project.write(
            "migrations/1_core/1_tables/V2__fails_with_a_long_name_so_that_a_line_has_to_be_broken.sql",
            "select 1;\nselect a_column_that_is_in_no_table_of_this_database_and_never_was from people;\n",
        );
        scene
    }

    fn on(&self, words: &str) -> Evmig {
        Evmig::new(&self.project, words).on(&self.database)
    }

    /// Every invocation with its exit code.
    fn all(&self) -> Vec<(String, Evmig, i32)> {
        let named = |(words, code): &(&str, i32)| (words.to_string(), *code);
        let mut all: Vec<(String, Evmig, i32)> = OFFLINE
            .iter()
            .map(named)
            .map(|(words, code)| (words.clone(), Evmig::new(&self.project, &words), code))
            .collect();
        all.extend(
            ONLINE
                .iter()
                .map(named)
                .map(|(words, code)| (words.clone(), self.on(&words), code)),
        );
        for command in COMMANDS {
            for flag in ["--help", "-h"] {
                let words = format!("{command} {flag}");
                let run = Evmig::new(&self.project, &words);
                all.push((words, run, 0));
            }
        }
        all
    }
}

/// The script of a migration and completions are not evmig's own text.
fn is_text(words: &str) -> bool {
    !words.starts_with("completions ") && words != "man" && !words.starts_with("history --script")
}

/// A line may be wider than the screen only by a path, which somebody wants to copy.
fn assert_fits(words: &str, text: &str, columns: usize) {
    for line in text.lines() {
        let paths = line.split_whitespace().filter(|word| word.contains('/'));
        let longest = paths.map(UnicodeWidthStr::width).max().unwrap_or_default();
        let unbreakable = line.width() - longest <= 20;
        assert!(
            line.width() <= columns || unbreakable,
            "{words}: {} columns of {columns}: {line}\nin:\n{text}",
            line.width()
        );
        assert_eq!(
            line.trim_end(),
            line,
            "{words}: a space at the end of a line"
        );
    }
}

fn whole(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}

#[test]
fn through_a_pipe_lines_fit_and_nothing_is_painted() {
    let scene = Scene::new();
    for columns in [80, 120] {
        for (words, run, code) in scene.all() {
            let output = run.env("COLUMNS", columns.to_string()).run().exits(code);
            let text = whole(&output);
            assert!(!text.contains('\u{1b}'), "{words}: an escape in {text:?}");
            assert!(
                !text.contains('\r'),
                "{words}: a carriage return in {text:?}"
            );
            assert!(!text.trim().is_empty(), "{words} says nothing");
            assert!(text.ends_with('\n'), "{words} ends within a line");
            if is_text(&words) {
                assert_fits(&words, &text, columns);
            }
        }
    }
}

#[test]
fn on_a_terminal_colour_obeys_and_lines_fit() {
    let scene = Scene::new();
    for (words, run, code) in scene.all() {
        let shown = |run: Evmig| run.terminal(80).run().exits(code).stdout;
        let plain = |run: Evmig| {
            let text = shown(run);
            assert!(!text.contains("\u{1b}["), "{words}: painted: {text:?}");
            if is_text(&words) {
                assert_fits(&words, &text, 80);
            }
        };
        plain(run.clone().env("NO_COLOR", "1"));
        plain(run.clone().arg("--color").arg("never"));
        let dumb = run.clone().terminal(80).env("TERM", "dumb").run();
        assert!(
            !dumb.stdout.contains("\u{1b}["),
            "{words}: {:?}",
            dumb.stdout
        );
        shown(run);
    }
}

/// What is red or bold for the eye is so on a terminal, and in a file only where it is asked for.
#[test]
fn an_error_and_a_status_are_painted_where_somebody_looks() {
    let scene = Scene::new();
    for words in ["apply", "status", "apply --nope"] {
        let painted = |run: Evmig| whole(&run.run()).contains("\u{1b}[");
        assert!(painted(scene.on(words).terminal(100)), "{words}");
        assert!(!painted(scene.on(words)), "{words}");
        assert!(
            painted(scene.on(words).arg("--color").arg("always")),
            "{words}"
        );
        let always = scene.on(words).arg("--color=always").env("NO_COLOR", "1");
        assert!(painted(always), "{words}: the flag wins over the variable");
        let no_color = scene.on(words).terminal(100).env("NO_COLOR", "1");
        assert!(!painted(no_color), "{words}");
        let empty = scene.on(words).terminal(100).env("NO_COLOR", "");
        assert!(painted(empty), "{words}: an empty NO_COLOR is none");
    }
}

#[test]
fn a_bar_is_on_a_terminal_only_and_is_gone_in_the_end() {
    let scene = Scene::new();
    scene.project.remove(
        "migrations/1_core/1_tables/V2__fails_with_a_long_name_so_that_a_line_has_to_be_broken.sql",
    );
    let slow = |version: u32| {
        scene.project.write(
            &format!("migrations/1_core/1_tables/V{version}__slow.sql"),
            "select pg_sleep(0.7);\n",
        );
    };
    slow(3);
    let seen = scene.on("apply").terminal(100).run().succeeds().stdout;
    assert!(
        seen.contains('\r') || seen.contains("\u{1b}["),
        "no bar: {seen:?}"
    );
    let last = seen.lines().last().expect("a line");
    assert!(last.contains("run "), "the bar is left: {last:?}");
    slow(4);
    let piped = scene.on("apply").run().succeeds();
    assert!(!whole(&piped).contains('\r'), "{:?}", whole(&piped));
    slow(5);
    let quiet = scene.on("apply -q").terminal(100).run().succeeds().stdout;
    assert!(
        !quiet.contains("\u{1b}[2K") && !quiet.contains('\r'),
        "{quiet:?}"
    );
}

/// `evmig … | head -1`, and standard output or error closed before it starts.
#[test]
fn a_reader_that_goes_away_changes_neither_the_outcome_nor_the_exit_code() {
    let scene = Scene::new();
    for redirect in [
        "| head -1",
        "| true",
        ">&-",
        "2>&-",
        ">&- 2>&-",
        "> /dev/full",
        "2> /dev/full",
    ] {
        for (words, code) in OFFLINE.iter().chain(&ONLINE) {
            let code = *code;
            let script = format!(
                "\"$EVMIG\" {words} --database-url \"$URL\" {redirect}; \
                 set -- \"${{PIPESTATUS[@]}}\"; exit $1"
            );
            // `--database-url` and `--env` exclude each other.
            let script = if words.contains("--env") {
                script.replace("--database-url \"$URL\"", "")
            } else {
                script
            };
            let output = Evmig::new(&scene.project, "-c")
                .instead("/bin/bash")
                .arg(script)
                .env("EVMIG", env!("CARGO_BIN_EXE_evmig"))
                .env("URL", scene.database.url_without_password())
                .env("PGPASSWORD", &scene.database.password)
                .run();
            assert_eq!(
                output.code(),
                code,
                "{words} {redirect}: {}",
                whole(&output)
            );
            assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
        }
    }
}

#[test]
fn an_apply_whose_reader_goes_away_is_applied_all_the_same() {
    for redirect in ["| head -1", ">&- 2>&-", "2>&1 | true"] {
        let database = Server::shared(17, Shape::Plain).database(Shape::Plain, Role::Owner);
        let mut project = Project::one_phase();
        for version in 1..=20 {
            let sql = format!(
                "create table t{version} (id int);\ndo $$ begin raise notice 'n'; end $$;\n"
            );
            project = project.migration(&format!("V{version}__t"), &sql);
        }
        let script = format!(
            "\"$EVMIG\" apply --database-url \"$URL\" {redirect}; set -- \"${{PIPESTATUS[@]}}\"; exit $1"
        );
        Evmig::new(&project, "-c")
            .instead("/bin/bash")
            .arg(script)
            .env("EVMIG", env!("CARGO_BIN_EXE_evmig"))
            .env("URL", database.url_without_password())
            .env("PGPASSWORD", &database.password)
            .run()
            .succeeds();
        let done = "select count(*) || ' ' || (select outcome from evmig.run) from evmig.migration";
        assert_eq!(
            Session::connect(&database).value(done),
            "20 applied",
            "{redirect}"
        );
    }
}

#[test]
fn quiet_prints_results_and_errors_only() {
    let scene = Scene::new();
    for (words, code) in ONLINE {
        let loud = scene.on(words).run().exits(code);
        if words.contains("-v") {
            continue;
        }
        let quiet = scene.on(words).arg("-q").run().exits(code);
        if code != 1 {
            assert_eq!(quiet.stderr, "", "{words}");
            assert_eq!(quiet.stdout.is_empty(), loud.stdout.is_empty(), "{words}");
        }
    }
    let failed = scene.on("apply -q").run().exits(1);
    assert!(
        failed.stderr.starts_with("error[sql-failed]"),
        "{}",
        failed.stderr
    );
}

#[test]
fn json_is_one_document_with_a_schema_also_where_it_fails() {
    let scene = Scene::new();
    for (words, code) in OFFLINE.iter().chain(&ONLINE) {
        if *words == "--version" {
            continue;
        }
        let run = if ONLINE.contains(&(words, *code)) {
            scene.on(words)
        } else {
            Evmig::new(&scene.project, words)
        };
        let output = run.arg("--format").arg("json").run().exits(*code);
        let document = output.json();
        let schema = document["schema"].as_str().unwrap_or_default();
        assert!(
            schema.starts_with("evmig.") && schema.contains('/'),
            "{words}: {document:#}"
        );
        assert_eq!(
            document["error"].is_object(),
            [1, 2, 5].contains(code),
            "{words}: {document:#}"
        );
    }
    let project = Project::empty();
    for words in [
        "status",
        "apply",
        "history",
        "config",
        "db status",
        "new a --phase 1",
        "baseline --reason x",
        "repair 1 --reason x",
    ] {
        let output = Evmig::new(&project, words)
            .arg("--format=json")
            .run()
            .exits(2);
        assert_eq!(output.json()["error"]["code"], "no-project", "{words}");
    }
}

#[test]
fn every_help_has_an_example_and_every_flag_its_sentence() {
    let project = Project::empty();
    for command in COMMANDS {
        let output = Evmig::new(&project, &format!("{command} --help"))
            .run()
            .succeeds();
        let help = output.stdout;
        assert!(help.contains("\nExample"), "{command}: {help}");
        assert!(
            help.contains("\n  evmig ") || help.contains("evmig db url"),
            "{command}: {help}"
        );
        for flag in [
            "-C <DIR>",
            "--env <NAME>",
            "--database-url <URL>",
            "--format",
            "--color",
            "--quiet",
            "--verbose",
            "--help",
        ] {
            assert!(help.contains(flag), "{command} lacks {flag}: {help}");
        }
        let lines: Vec<&str> = help.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            if !line.trim_start().starts_with('-') {
                continue;
            }
            let beside = line.trim_start().contains("  ");
            let below = lines
                .get(at + 1)
                .is_some_and(|next| next.starts_with("          "));
            assert!(beside || below, "{command}: no sentence for {line}");
        }
    }
}

#[test]
fn the_status_and_the_failure_as_a_whole() {
    let scene = Scene::new();
    let wide = |words: &str, columns: &str| {
        scene
            .on(words)
            .env("COLUMNS", columns)
            .within(Duration::from_mins(1))
            .run()
            .snapshot()
    };
    insta::assert_snapshot!(wide("apply", "80"), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
    error[sql-failed]: V2__fails_with_a_long_name_so_that_a_line_has_to_be_broken
      failed at statement 2 of 2: column
      "a_column_that_is_in_no_table_of_this_database_and_never_was" does not exist
     --> migrations/1_core/1_tables/V2__fails_with_a_long_name_so_that_a_line_has_to_be_broken.sql:2:8
      |
    2 | select a_column_that_is_in_no_table_of_this_database_and_never_was from pe…
      |        ^
      sqlstate   42703 (undefined_column)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V2__fails_with_a_long_name_so_that_a_line_has_to_be_broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#);
    insta::assert_snapshot!(wide("apply", "120"), @r#"
    --- stderr ---
    Target  $DATABASE as $OWNER on 127.0.0.1:$PORT (this machine)
            no environment, named by flag --database-url
    Run $RUN: 1 migration, 2 statements
    Phase 1  Core
    error[sql-failed]: V2__fails_with_a_long_name_so_that_a_line_has_to_be_broken failed at statement 2 of 2: column
      "a_column_that_is_in_no_table_of_this_database_and_never_was" does not exist
     --> migrations/1_core/1_tables/V2__fails_with_a_long_name_so_that_a_line_has_to_be_broken.sql:2:8
      |
    2 | select a_column_that_is_in_no_table_of_this_database_and_never_was from people;
      |        ^
      sqlstate   42703 (undefined_column)
      committed  nothing; the database is as it was
      next       edit migrations/1_core/1_tables/V2__fails_with_a_long_name_so_that_a_line_has_to_be_broken.sql
                 evmig --database-url URL apply
    --- exit 1 ---
    "#);
}
