//! What the pages show is so: commands parse, examples are valid, and the README's tour runs as it
//! is printed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use evmig::project::Manifest;
use regex::Regex;

use super::harness::{Evmig, Project, scratch, snapshot};

/// Commands that the pages name as not there yet.
const LATER: [&str; 3] = ["lint", "check", "verify"];

/// A fenced block of a page.
struct Block {
    language: String,
    text: String,
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The pages by name.
fn pages() -> Vec<(String, String)> {
    let docs = fs::read_dir(repository().join("docs")).expect("the pages");
    let docs = docs.map(|entry| entry.expect("a readable folder").path());
    let mut paths: Vec<PathBuf> = docs
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    paths.extend(
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|page| repository().join(page)),
    );
    assert!(paths.len() > 8, "the pages were not found");
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("a page");
            let name = path.file_name().expect("a name").to_string_lossy();
            (name.into_owned(), text)
        })
        .collect()
}

fn blocks(page: &str) -> Vec<Block> {
    let fence = Regex::new(r"(?ms)^```(\w*)\n(.*?)^```$").expect("a valid pattern");
    fence
        .captures_iter(page)
        .map(|found| Block {
            language: found[1].to_owned(),
            text: found[2].to_owned(),
        })
        .collect()
}

/// The evmig commands of a page: in shell blocks, after a prompt, and between backticks.
fn commands(page: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for block in blocks(page) {
        let lines = block.text.lines();
        let typed = lines.filter_map(|line| match block.language.as_str() {
            "console" => line.strip_prefix("$ "),
            "sh" => Some(line),
            _ => None,
        });
        found.extend(
            typed
                .filter(|line| line.starts_with("evmig "))
                .map(str::to_owned),
        );
    }
    let fence = Regex::new(r"(?ms)^```.*?^```$").expect("a valid pattern");
    let prose = fence.replace_all(page, "");
    let span = Regex::new(r"`(evmig [^`]+)`").expect("a valid pattern");
    found.extend(span.captures_iter(&prose).map(|found| found[1].to_owned()));
    found
}

/// Splits as a shell does, up to a redirection, a pipe or a comment.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in command.chars() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, '>' | '|' | '#' | '&') => break,
            (None, ' ') => words.push(String::new()),
            (_, other) => words.last_mut().expect("never empty").push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Why a command that a page shows cannot be typed; `None` where it can.
fn refused(project: &Project, command: &str) -> Option<String> {
    let typed = words(command);
    let mut evmig = Evmig::new(project, "");
    for word in typed.iter().skip(1).take_while(|word| *word != "--") {
        // What stands for a version in the text must be one for the parser.
        evmig = evmig.arg(if word == "VERSION" { "101" } else { word });
    }
    // `evmig help COMMAND` takes no flags.
    if typed.get(1).is_none_or(|word| word != "help") {
        evmig = evmig.arg("--help");
    }
    let output = evmig.run();
    (output.code() != 0).then(|| format!("{command}: {}", output.stderr))
}

#[test]
fn every_command_that_a_page_shows_can_be_typed() {
    let project = Project::empty();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for (page, text) in pages() {
        for command in commands(&text) {
            if command.contains("help COMMAND")
                || LATER.contains(&words(&command).get(1).map_or("", String::as_str))
            {
                continue;
            }
            seen += 1;
            wrong.extend(refused(&project, &command).map(|why| format!("{page}: {why}")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(seen > 40, "{seen} commands were found");
}

#[test]
fn commands_are_found_and_a_wrong_one_is_refused() {
    let page = "a `evmig new x --phase 1` b `evmig`\n```console\n$ evmig db stop\nevmig out\n```\n\
                ```sh\nevmig history --script 1 > a.sql\n```\n```text\nevmig x\n```\n";
    assert_eq!(
        commands(page).into_iter().collect::<Vec<_>>(),
        [
            "evmig db stop",
            "evmig history --script 1 > a.sql",
            "evmig new x --phase 1"
        ]
    );
    assert_eq!(
        words("evmig repair 1 --reason 'a b' > c"),
        ["evmig", "repair", "1", "--reason", "a b"]
    );
    let project = Project::empty();
    assert_eq!(refused(&project, "evmig apply --phase 1"), None);
    assert!(refused(&project, "evmig apply --phse 1").is_some());
    assert!(refused(&project, "evmig aply").is_some());
}

#[test]
fn commands_that_come_later_are_not_there_and_the_others_are_in_the_readme() {
    let project = Project::empty();
    for command in LATER {
        Evmig::new(&project, command).arg("--help").run().exits(2);
    }
    let readme = fs::read_to_string(repository().join("README.md")).expect("the page");
    let help = Evmig::new(&project, "--help").run().succeeds().stdout;
    let (_, listed) = help.split_once("Commands:\n").expect("a list");
    let names: Vec<&str> = listed
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 8, "{names:?}");
    for name in names {
        assert!(
            readme.contains(&format!("| `evmig {name}` |")),
            "{name} is not in the README's table of commands"
        );
    }
}

#[test]
fn examples_of_files_and_documents_are_valid() {
    let (mut manifests, mut documents) = (0, 0);
    for (page, text) in pages() {
        for block in blocks(&text) {
            match block.language.as_str() {
                "toml" if block.text.contains("[project]") => {
                    manifests += 1;
                    if let Err(errors) = Manifest::parse(&block.text) {
                        panic!("{page}: {errors}");
                    }
                }
                "json" => {
                    documents += 1;
                    let values = serde_json::Deserializer::from_str(&block.text);
                    for value in values.into_iter::<serde_json::Value>() {
                        let value = value.unwrap_or_else(|error| panic!("{page}: {error}"));
                        let named = value.get("schema").or_else(|| value.get("event"));
                        assert!(named.is_some(), "{page}: neither schema nor event: {value}");
                    }
                }
                _ => {}
            }
        }
    }
    assert!(manifests >= 2 && documents >= 8, "{manifests} {documents}");
}

/// The anchor that hosts of Markdown give a heading.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Links to a heading that is not there. Whether the page is, `architecture.rs` looks.
fn dead_anchors(name: &str, text: &str, pages: &[(String, String)]) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)#:]*)#([^)]+)\)").expect("a valid pattern");
    link.captures_iter(text)
        .filter(|found| {
            let file = found[1].rsplit('/').next().unwrap_or_default();
            let target = if file.is_empty() { name } else { file };
            !pages.iter().any(|(page, text)| {
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                page == target && headings.any(|line| anchor(line) == found[2])
            })
        })
        .map(|found| format!("{name}: {}", &found[0]))
        .collect()
}

#[test]
fn links_to_headings_lead_to_them() {
    let pages = pages();
    let dead: Vec<String> = pages
        .iter()
        .flat_map(|(name, text)| dead_anchors(name, text, &pages))
        .collect();
    assert!(dead.is_empty(), "{dead:?}");
    let text = "[a](b.md#one-two) [b](b.md#three) [c](#here)\n# Here\n";
    let pages = [
        ("a.md".to_owned(), text.to_owned()),
        ("b.md".to_owned(), "## One, two".to_owned()),
    ];
    assert_eq!(dead_anchors("a.md", text, &pages), ["a.md: ](b.md#three)"]);
}

/// Stops the tour's server, however the test ends.
struct Servers(PathBuf);

impl Drop for Servers {
    fn drop(&mut self) {
        scratch::stop_servers_below(&self.0);
    }
}

/// What differs from machine to machine and from run to run, as words; spaces count once, since
/// columns move with the lengths of times.
fn levelled(text: &str) -> String {
    let text = snapshot::normalise(text, &[]);
    let replace = |text: &str, pattern: &str, word: &str| {
        let pattern = Regex::new(pattern).expect("a valid pattern");
        pattern.replace_all(text, word).into_owned()
    };
    let text = replace(&text, r"127\.0\.0\.1:\d+", "127.0.0.1:$$PORT");
    let text = replace(&text, r"\b[0-9][0-9a-hjkmnp-tv-z]{9}\b", "$$RUN");
    replace(&text, " +", " ")
}

#[test]
fn the_tour_of_the_readme_runs_as_printed() {
    let readme = fs::read_to_string(repository().join("README.md")).expect("the page");
    let (_, after) = readme.split_once("\n## Five minutes\n").expect("the tour");
    let (tour, _) = after.split_once("\n## ").expect("its end");
    let place = Project::empty();
    let home = Evmig::new(&place, "");
    let servers = Servers(scratch::server_directory("readme"));
    let mut folder = place.root().to_path_buf();
    let (mut printed, mut said) = (String::new(), String::new());
    for block in blocks(tour) {
        if block.language == "sql" {
            let first = block.text.lines().next().unwrap_or_default();
            let path = first.strip_prefix("-- ").expect("the file's path");
            assert!(folder.join(path).is_file(), "{path} was not made by evmig");
            fs::write(folder.join(path), &block.text).expect("our own project");
            continue;
        }
        printed.push_str(&block.text);
        for command in block
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("$ "))
        {
            said.extend(["$ ", command, "\n"]);
            if let Some(into) = command.strip_prefix("cd ") {
                folder.push(into);
                continue;
            }
            let typed = command.strip_prefix("evmig ").expect("a command of ours");
            let output = Evmig::new(&place, typed)
                .embedded(15)
                .env("EVMIG_DATA_DIR", &servers.0)
                .directory(&folder)
                .home_of(&home)
                .run();
            said.push_str(&output.stderr);
            said.push_str(&output.stdout);
            let fails = output.stderr.contains("error[");
            assert_eq!(output.code(), i32::from(fails), "{command}");
        }
    }
    assert!(said.contains("VERIFIED") && said.contains("error[sql-failed]"));
    assert_eq!(levelled(&said), levelled(&printed));
}
