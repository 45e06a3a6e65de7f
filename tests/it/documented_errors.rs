//! `docs/errors.md` has every error id that the program can print, and no other; every exit code;
//! `docs/phases-toml.md` every key, class and variable; `docs/json.md` every document and event;
//! `docs/history.md` every column; `docs/architecture.md` no file that is gone.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use evmig::project::manifest::{CLASSES, SSLMODES};
use regex::Regex;

type Ids = BTreeSet<String>;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = repository().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn matches(pattern: &str, text: &str) -> Ids {
    let pattern = Regex::new(pattern).expect("a valid pattern");
    pattern
        .captures_iter(text)
        .map(|found| found[1].to_owned())
        .collect()
}

/// The sources without their tests.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("a readable folder").path();
            let name = path.to_string_lossy().into_owned();
            let stem = path.file_stem().expect("a name").to_string_lossy();
            if stem == "tests" || stem.ends_with("_tests") {
                continue;
            }
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8");
                let own = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
                found.push((name, own.to_owned()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&repository().join("src"), &mut found);
    assert!(found.len() > 50, "the sources were not found");
    found
}

/// The ids in one source file: given to a problem, or returned by a `fn code`.
fn ids(text: &str) -> Ids {
    let mut ids = matches(
        r#"\b(?:Problem::new|problem|about|fault)\(\s*"([a-z0-9-]+)""#,
        text,
    );
    ids.extend(matches(r#"\\?"code\\?":\s*\\?"([a-z0-9-]+)\\?""#, text));
    for body in text.split("fn code(&self) -> &'static str {").skip(1) {
        let body = body.split("\n    }\n").next().unwrap_or_default();
        ids.extend(matches(r#"=> \{?\s*"([a-z0-9-]+)""#, body));
        // Inner matches choose the id by a word: the word is no id.
        let words = matches(r#""([a-z0-9 -]+)" =>"#, body);
        assert!(
            words.iter().all(|word| !word.contains('-')),
            "a word that looks like an id: {words:?}"
        );
    }
    ids
}

/// What a problem is made of where it is not an id in so many words.
fn made_otherwise(text: &str) -> Ids {
    matches(r#"\bProblem::new\(\s*([^"\s][^,)]*)"#, text)
}

/// The ids of the tables between two headings of a page.
fn documented(page: &str, from: &str, to: &str) -> Ids {
    let (_, after) = page.split_once(from).expect("the first heading");
    let (between, _) = after.split_once(to).expect("the second heading");
    matches(r"(?m)^\| `([^`]+)` \|", between)
}

#[test]
fn every_error_id_is_documented() {
    let mut printed = Ids::new();
    let mut otherwise = Ids::new();
    for (_, text) in sources() {
        printed.extend(ids(&text));
        otherwise.extend(made_otherwise(&text));
    }
    let page = read("docs/errors.md");
    let documented = documented(&page, "\n## Error ids\n", "\n## SQLSTATEs\n");
    let missing: Vec<&String> = printed.difference(&documented).collect();
    let gone: Vec<&String> = documented.difference(&printed).collect();
    assert!(missing.is_empty(), "not in docs/errors.md: {missing:?}");
    assert!(gone.is_empty(), "in docs/errors.md only: {gone:?}");
    assert!(printed.len() > 100, "{printed:?}");
    // Whoever makes a problem in another way must make sure that its ids are found above.
    assert_eq!(
        otherwise.iter().map(String::as_str).collect::<Vec<_>>(),
        ["code", "error.code(", "note.kind.code("]
    );
}

#[test]
fn ids_are_found_in_every_form() {
    let text = r#"
        Problem::new(
            "one", x); problem("two"); about("three", y); format!("{{\"code\":\"four\"}}");
        pub fn code(&self) -> &'static str {
            match self { Self::A => "five", Self::B { w } => match w { "word" => "six", _ => "seven" } }
    }
        fn other() { match x { _ => "no-id" } Problem::new(reason.code(), z) }"#;
    let wanted = ["five", "four", "one", "seven", "six", "three", "two"];
    assert_eq!(ids(text).iter().collect::<Vec<_>>(), wanted);
    assert_eq!(
        made_otherwise(text).iter().collect::<Vec<_>>(),
        ["reason.code("]
    );
    let page = "\n## A\n| `a` | b |\n## B\n| `c` | d |\n";
    assert_eq!(documented(page, "## A", "## B").len(), 1);
}

#[test]
fn every_exit_code_is_documented() {
    let page = read("docs/errors.md");
    let (_, after) = page.split_once("\n## Exit codes\n").expect("the heading");
    let (table, _) = after.split_once("\n## ").expect("the next one");
    let codes = matches(r"Self::\w+ => (\d+),", &read("src/cli/exit.rs"));
    assert_eq!(codes.len(), 10, "{codes:?}");
    assert_eq!(matches(r"(?m)^\| (\d+) \|", table), codes);
}

#[test]
fn every_key_class_and_variable_of_the_settings_is_documented() {
    let page = read("docs/phases-toml.md");
    let mut words = matches(r"(EVMIG_[A-Z_]*[A-Z])", &all_text());
    // Carries a typed URL from the process to its own second image; nobody sets it.
    assert!(words.remove("EVMIG_DATABASE_URL_FROM_FLAG"));
    assert!(words.remove("EVMIG_SHADOW_URL_FROM_FLAG"));
    assert!(words.len() > 5, "{words:?}");
    let tables = ["apply", "environment", "phase", "contract"];
    for table in tables {
        let text = read(format!("src/project/manifest/{table}.rs"));
        for list in matches(r"const \w*KEYS: [^=]*= \[([^\]]*)\]", &text) {
            words.extend(matches(r#""(\w+)""#, &list));
        }
        for list in matches(r"only\(&section, &\[([^\]]*)\]", &text) {
            words.extend(matches(r#""(\w+)""#, &list));
        }
    }
    assert!(words.contains("max_lock_hold") && words.contains("lock_budget"));
    words.extend(CLASSES.map(str::to_owned));
    words.extend(SSLMODES.map(str::to_owned));
    let missing: Vec<&String> = words
        .iter()
        .filter(|word| !page.contains(&format!("`{word}`")))
        .collect();
    assert!(
        missing.is_empty(),
        "not in docs/phases-toml.md: {missing:?}"
    );
}

#[test]
fn every_document_and_every_event_is_documented() {
    let page = read("docs/json.md");
    let documents = matches(r#"(evmig\.[a-z-]+/\d+)""#, &all_text());
    assert!(documents.len() > 12, "{documents:?}");
    assert_eq!(matches(r"(evmig\.[a-z-]+/\d+)", &page), documents);
    let events = read("src/report/event.rs");
    let (_, variants) = events.split_once("pub enum RunEvent {").expect("it");
    let (variants, _) = variants.split_once("\n}\n").expect("its end");
    let snake = |name: &String| {
        let words = Regex::new("([a-z])([A-Z])").expect("a valid pattern");
        words.replace_all(name, "${1}_$2").to_lowercase()
    };
    let events: Ids = matches(r"(?m)^    (\w+) \{$", variants)
        .iter()
        .map(snake)
        .collect();
    assert!(events.contains("statement_done"), "{events:?}");
    let (_, table) = page.split_once("\n## Events\n").expect("the heading");
    assert_eq!(matches(r"(?m)^\| `([a-z_]+)` \|", table), events);
}

#[test]
fn every_column_of_the_history_is_documented() {
    let page = read("docs/history.md");
    let tables = read("src/history/sql/init.sql");
    let (_, tables) = tables
        .split_once("create table {schema}.run (")
        .expect("it");
    let columns = matches(
        r"(?m)^    ([a-z_0-9]+) (?:text|bigint|integer|timestamptz|double)",
        tables,
    );
    assert!(columns.len() > 25, "{columns:?}");
    let missing: Vec<&String> = columns
        .iter()
        .filter(|column| !page.contains(&format!("`{column}`")))
        .collect();
    assert!(missing.is_empty(), "not in docs/history.md: {missing:?}");
}

#[test]
fn the_architecture_page_names_what_there_is() {
    let page = read("docs/architecture.md");
    let files: Ids = sources()
        .iter()
        .filter_map(|(path, _)| path.rsplit('/').next().map(str::to_owned))
        .collect();
    let named = matches(r"([a-z_]+\.rs)\b", &page);
    let tests = matches(r"(architecture\.rs)", &page);
    let gone: Vec<&String> = named
        .iter()
        .filter(|file| !files.contains(*file) && !tests.contains(*file))
        .collect();
    assert!(gone.is_empty(), "in docs/architecture.md only: {gone:?}");
    for entry in fs::read_dir(repository().join("src")).expect("a folder") {
        let entry = entry.expect("a readable folder");
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(
            page.contains(&format!("**`{name}/`**"))
                || (entry.path().is_file() && page.contains(&name)),
            "{name} is not in docs/architecture.md"
        );
    }
}

fn all_text() -> String {
    sources().into_iter().map(|(_, text)| text).collect()
}
