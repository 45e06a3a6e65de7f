//! Holds the structure: who may import whom, and which names may appear where.
//!
//! A rule is a function from one file to what is wrong with it, so that each has a test which
//! shows that it can fail. `docs/architecture.md` gives the reasons.

mod tokens;

use std::fs;
use std::path::Path;

use tokens::{crate_roots, tokens};

/// The modules at the crate's root and their layers. A module imports lower layers only.
const LAYERS: &[(&str, u8)] = &[
    ("clock", 0),
    ("report", 0),
    ("secret", 0),
    ("sql", 0),
    ("project", 1),
    ("pg", 1),
    ("history", 2),
    ("catalog", 2),
    ("shadow", 2),
    ("backup", 3),
    ("plan", 3),
    ("seed", 3),
    ("lint", 3),
    ("verify", 3),
    ("health", 3),
    ("functions", 3),
    ("bench", 3),
    ("runner", 4),
    ("preview", 4),
    ("render", 5),
    ("cli", 6),
];

/// Edges within a layer that are allowed all the same: a preview is a run on a shadow.
const SAME_LAYER: &[(&str, &str)] = &[("preview", "runner")];

/// Edges to a lower layer that are not.
const FORBIDDEN: &[(&str, &str, &str)] = &[
    ("plan", "pg", "deciding needs no database"),
    ("lint", "pg", "linting needs no database"),
];

/// Crates and the only folders that may name them.
const CONFINED: &[(&str, &[&str])] = &[
    ("tokio_postgres", &["pg"]),
    ("postgres_native_tls", &["pg"]),
    ("postgres_protocol", &["pg"]),
    ("native_tls", &["pg"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("anyhow", &["cli", "main"]),
    ("dotenvy", &["cli"]),
    ("indicatif", &["cli"]),
];

/// Names that say nothing about a file's job and so collect everything.
const VAGUE: &[&str] = &[
    "util", "utils", "common", "helper", "helpers", "misc", "shared",
];

/// More than this, and a file has two jobs.
const MOST_LINES: usize = 600;

/// A tree this size still builds from nothing in minutes and can be read about in an afternoon.
/// Raising it is a decision to be argued for in the commit.
const MOST_PACKAGES: usize = 280;

/// One file below `src/`.
struct Source {
    /// The path from `src/`, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The module at the crate's root that the file belongs to; `main` and `lib` are themselves.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// How many modules deep the file's own module is. `split_tests.rs` is the `mod tests` of
    /// `split.rs`, moved out of it for its length; `the_tests_beside_a_file_are_its_own` holds that.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count();
        let is_folder = self.path.ends_with("/mod.rs");
        parts - usize::from(is_folder) + usize::from(self.tested().is_some())
    }

    /// The path of the file whose `mod tests` this is.
    fn tested(&self) -> Option<String> {
        let stem = self.path.strip_suffix("_tests.rs")?;
        Some(format!("{stem}.rs"))
    }
}

fn layer(module: &str) -> Option<u8> {
    LAYERS
        .iter()
        .find(|(name, _)| *name == module)
        .map(|(_, layer)| *layer)
}

fn imports(file: &Source) -> Vec<String> {
    let from = file.module();
    if matches!(from, "main" | "lib") {
        return Vec::new();
    }
    let Some(own) = layer(from) else {
        return vec![format!("{}: {from} has no layer in the table", file.path)];
    };
    crate_roots(&tokens(&file.text), file.depth())
        .iter()
        .filter(|to| *to != from)
        .filter_map(|to| {
            let reason = refusal(from, own, to)?;
            Some(format!("{}: {from} imports {to}: {reason}", file.path))
        })
        .collect()
}

/// Why `from` may not import `to`; `None` where it may.
fn refusal(from: &str, own: u8, to: &str) -> Option<String> {
    let Some(other) = layer(to) else {
        return Some("it has no layer in the table".to_owned());
    };
    if let Some((_, _, why)) = FORBIDDEN.iter().find(|(a, b, _)| (*a, *b) == (from, to)) {
        return Some((*why).to_owned());
    }
    if from == "render" && to != "report" {
        return Some("render knows the report and nothing else".to_owned());
    }
    if other < own || SAME_LAYER.contains(&(from, to)) {
        return None;
    }
    Some(format!("layer {own} does not import layer {other}"))
}

fn confined_crates(file: &Source) -> Vec<String> {
    let words = tokens(&file.text);
    CONFINED
        .iter()
        .filter(|(_, allowed)| !allowed.contains(&file.module()))
        .filter(|(name, _)| words.iter().any(|word| word == name))
        .map(|(name, allowed)| format!("{}: {name} belongs to {}", file.path, allowed.join(", ")))
        .collect()
}

fn environment(file: &Source) -> Vec<String> {
    const READS: &[&str] = &[
        "var",
        "var_os",
        "vars",
        "vars_os",
        "set_var",
        "remove_var",
        "*",
    ];
    if file.module() == "cli" {
        return Vec::new();
    }
    names_below(&tokens(&file.text), "env", READS)
        .map(|name| format!("{}: env::{name}: only cli reads the environment", file.path))
        .collect()
}

fn processes(file: &Source) -> Vec<String> {
    if matches!(file.module(), "cli" | "shadow") {
        return Vec::new();
    }
    names_below(&tokens(&file.text), "process", &["Command", "*"])
        .map(|name| {
            format!(
                "{}: process::{name}: only shadow and cli start processes",
                file.path
            )
        })
        .collect()
}

/// Which of `names` a file takes from a module: `module::name` or inside `module::{…}`.
fn names_below(
    tokens: &[String],
    module: &str,
    names: &'static [&'static str],
) -> impl Iterator<Item = &'static str> {
    let mut taken = Vec::new();
    for at in 0..tokens.len().saturating_sub(2) {
        if tokens[at] != module || tokens[at + 1] != "::" {
            continue;
        }
        let rest = &tokens[at + 2..];
        let end = if rest[0] == "{" {
            rest.iter()
                .position(|token| token == ";")
                .unwrap_or(rest.len())
        } else {
            1
        };
        taken.extend(rest[..end].iter().cloned());
    }
    names
        .iter()
        .copied()
        .filter(move |name| taken.iter().any(|token| token == name))
}

fn printing(file: &Source) -> Vec<String> {
    const MACROS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];
    if file.module() == "cli" {
        return Vec::new();
    }
    tokens(&file.text)
        .windows(2)
        .filter(|pair| MACROS.contains(&pair[0].as_str()) && pair[1] == "!")
        .map(|pair| {
            format!(
                "{}: {}!: only cli writes to the streams",
                file.path, pair[0]
            )
        })
        .collect()
}

fn header(file: &Source) -> Vec<String> {
    if file.text.starts_with("//! ") {
        Vec::new()
    } else {
        vec![format!(
            "{}: does not open with `//! ` and its job",
            file.path
        )]
    }
}

fn name(file: &Source) -> Vec<String> {
    file.path
        .split('/')
        .filter(|part| VAGUE.contains(&part.trim_end_matches(".rs")))
        .map(|part| format!("{}: {part} says nothing about its job", file.path))
        .collect()
}

fn length(file: &Source) -> Vec<String> {
    let lines = file.text.lines().count();
    if lines <= MOST_LINES {
        return Vec::new();
    }
    vec![format!(
        "{}: {lines} lines, more than {MOST_LINES}",
        file.path
    )]
}

/// A `<file>_tests.rs` that `<file>.rs` does not take in as its `mod tests`.
fn stray_tests(files: &[Source]) -> Vec<String> {
    let takes_in = |path: &str, tests: &str| {
        let line = format!("#[path = \"{tests}\"]");
        files
            .iter()
            .any(|file| file.path == path && file.text.contains(&line))
    };
    files
        .iter()
        .filter_map(|file| Some((file, file.tested()?)))
        .filter(|(file, tested)| {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            !takes_in(tested, name)
        })
        .map(|(file, tested)| format!("{}: not the `mod tests` of {tested}", file.path))
        .collect()
}

/// `lib.rs` is the map: it lists the modules from the lowest layer up.
fn module_list(lib: &str) -> Vec<String> {
    let words = tokens(lib);
    let modules: Vec<&str> = words
        .windows(2)
        .filter(|pair| pair[0] == "mod")
        .map(|pair| pair[1].as_str())
        .collect();
    modules
        .windows(2)
        .filter(|pair| layer(pair[0]) > layer(pair[1]))
        .map(|pair| format!("lib.rs: {} stands before {}", pair[0], pair[1]))
        .chain(
            modules
                .iter()
                .filter(|module| layer(module).is_none())
                .map(|module| format!("lib.rs: {module} has no layer in the table")),
        )
        .collect()
}

/// Links of a Markdown page that lead to a file which is not there.
fn dead_links(page: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    page.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link.split(['#', ' ']).next().unwrap_or_default())
        .filter(|link| !link.is_empty() && !link.contains(':'))
        .filter(|link| !exists(link))
        .map(|link| format!("dead link: {link}"))
        .collect()
}

/// Files of `tests/it` that `main.rs` forgot: they would never be compiled.
fn forgotten(main: &str, modules: &[String]) -> Vec<String> {
    let words = tokens(main);
    let declared = |module: &String| words.windows(2).any(|w| w[0] == "mod" && w[1] == *module);
    modules
        .iter()
        .filter(|module| !declared(module))
        .map(|module| format!("tests/it/{module} is not declared in main.rs"))
        .collect()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = repository().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, prefix: &str, found: &mut Vec<Source>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("a readable folder").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            if path.is_dir() {
                walk(&path, &format!("{prefix}{name}/"), found);
            } else if name.ends_with(".rs") {
                found.push(Source {
                    text: read(&path),
                    path: format!("{prefix}{name}"),
                });
            }
        }
    }
    let mut found = Vec::new();
    walk(&repository().join("src"), "", &mut found);
    assert!(found.len() > 5, "the sources were not found");
    found
}

#[track_caller]
fn holds(rule: impl Fn(&Source) -> Vec<String>) {
    let wrong: Vec<String> = sources().iter().flat_map(rule).collect();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// What a rule says about a made-up file.
fn says(rule: fn(&Source) -> Vec<String>, path: &str, text: &str) -> String {
    rule(&Source {
        path: path.to_owned(),
        text: text.to_owned(),
    })
    .join("; ")
}

#[test]
fn folders_import_lower_layers_only() {
    holds(imports);
    let said = |path, text| says(imports, path, text);
    assert_eq!(
        said("runner/apply.rs", "use crate::{plan, pg::Session};"),
        ""
    );
    assert_eq!(said("preview/drift.rs", "use crate::runner::apply;"), "");
    assert_eq!(
        said("render/json/apply.rs", "use crate::report::Finding;"),
        ""
    );
    assert_eq!(
        said("pg/tls.rs", "use crate::cli::Settings;"),
        "pg/tls.rs: pg imports cli: layer 1 does not import layer 6"
    );
    assert_eq!(
        said("pg/mod.rs", "use super::project::Manifest;"),
        "pg/mod.rs: pg imports project: layer 1 does not import layer 1"
    );
    assert_eq!(
        said(
            "lint/rules/x.rs",
            "fn f() { super::super::super::plan::g() }"
        ),
        "lint/rules/x.rs: lint imports plan: layer 3 does not import layer 3"
    );
    assert_eq!(
        said("plan/order.rs", "use crate::pg::Session;"),
        "plan/order.rs: plan imports pg: deciding needs no database"
    );
    assert_eq!(
        said("render/json/apply.rs", "use crate::plan::Step;"),
        "render/json/apply.rs: render imports plan: render knows the report and nothing else"
    );
    assert_eq!(
        said("runner/apply.rs", "use crate::*;"),
        "runner/apply.rs: runner imports *: it has no layer in the table"
    );
    assert_eq!(
        said("tools/x.rs", ""),
        "tools/x.rs: tools has no layer in the table"
    );
}

#[test]
fn crates_stay_in_their_folder() {
    holds(confined_crates);
    assert_eq!(
        says(confined_crates, "pg/tls.rs", "use tokio_postgres::Client;"),
        ""
    );
    assert_eq!(
        says(
            confined_crates,
            "runner/apply.rs",
            "use tokio_postgres::Client;"
        ),
        "runner/apply.rs: tokio_postgres belongs to pg"
    );
    assert_eq!(
        says(
            confined_crates,
            "plan/order.rs",
            "#[derive(clap::Parser)] struct S;"
        ),
        "plan/order.rs: clap belongs to cli"
    );
}

#[test]
fn only_the_command_line_reads_the_environment() {
    holds(environment);
    let said = |text| says(environment, "pg/connect.rs", text);
    assert_eq!(
        said("let t = std::env::temp_dir(); let v = env!(\"X\");"),
        ""
    );
    assert!(!said("let u = std::env::var(\"PGUSER\");").is_empty());
    assert!(!said("use std::env::{self, var_os};").is_empty());
    assert!(!said("use std::env::*;").is_empty());
    assert_eq!(
        says(environment, "cli/environment.rs", "std::env::vars()"),
        ""
    );
}

#[test]
fn only_shadow_and_the_command_line_start_processes() {
    holds(processes);
    let said = |text| says(processes, "project/discover.rs", text);
    assert_eq!(said("use std::process::ExitCode; enum Command {}"), "");
    assert!(!said("std::process::Command::new(\"git\")").is_empty());
    assert!(!said("use std::process::{Command, Stdio};").is_empty());
    assert!(!said("use tokio::process::Command;").is_empty());
    assert_eq!(
        says(processes, "shadow/server.rs", "use std::process::Command;"),
        ""
    );
}

#[test]
fn only_the_command_line_prints() {
    holds(printing);
    assert!(!says(printing, "runner/apply.rs", "fn f() { eprintln!(\"x\") }").is_empty());
    assert_eq!(
        says(
            printing,
            "runner/apply.rs",
            "// println!(1)\nfn println() {}"
        ),
        ""
    );
}

#[test]
fn every_file_says_its_job_and_has_one() {
    holds(|file| [header(file), name(file), length(file)].concat());
    assert!(!says(header, "pg/tls.rs", "use std::fs;\n").is_empty());
    assert!(!says(header, "pg/tls.rs", "//!\n").is_empty());
    assert!(!says(name, "pg/helpers.rs", "").is_empty());
    assert!(!says(name, "common/tls.rs", "").is_empty());
    assert_eq!(says(name, "pg/commonly.rs", ""), "");
    assert!(!says(length, "pg/tls.rs", &"//\n".repeat(MOST_LINES + 1)).is_empty());
    assert_eq!(says(length, "pg/tls.rs", &"//\n".repeat(MOST_LINES)), "");
}

#[test]
fn the_tests_beside_a_file_are_its_own() {
    let wrong = stray_tests(&sources());
    assert!(wrong.is_empty(), "{wrong:?}");
    let file = |path: &str, text: &str| Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let tests = || file("sql/split_tests.rs", "use super::super::quote;");
    assert_eq!(imports(&tests()), [""; 0]);
    let beside = "#[cfg(test)]\n#[path = \"split_tests.rs\"]\nmod tests;\n";
    assert_eq!(
        stray_tests(&[tests(), file("sql/split.rs", beside)]),
        [""; 0]
    );
    assert_eq!(
        stray_tests(&[tests(), file("sql/split.rs", "")]),
        ["sql/split_tests.rs: not the `mod tests` of sql/split.rs"]
    );
}

#[test]
fn the_module_list_is_the_map() {
    let wrong = module_list(&read("src/lib.rs"));
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(
        module_list("pub mod cli; pub mod pg; pub mod stuff;"),
        [
            "lib.rs: cli stands before pg",
            "lib.rs: pg stands before stuff",
            "lib.rs: stuff has no layer in the table"
        ]
    );
}

#[test]
fn every_test_file_is_compiled() {
    let folder = repository().join("tests/it");
    let modules: Vec<String> = fs::read_dir(folder)
        .expect("this folder")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "rs") || path.join("mod.rs").exists())
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .filter(|module| module != "main")
        .collect();
    assert!(modules.len() >= 3, "{modules:?}");
    let wrong = forgotten(&read("tests/it/main.rs"), &modules);
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(
        forgotten("mod a; // mod b;", &["a".to_owned(), "b".to_owned()]),
        ["tests/it/b is not declared in main.rs"]
    );
}

#[test]
fn links_between_the_pages_lead_somewhere() {
    let pages = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ];
    let docs = fs::read_dir(repository().join("docs"))
        .into_iter()
        .flatten();
    let docs = docs.map(|entry| entry.expect("a readable folder").path());
    let pages = pages.iter().map(|page| repository().join(page)).chain(docs);
    let mut seen = 0;
    for page in pages.filter(|page| page.extension().is_some_and(|e| e == "md") && page.exists()) {
        let folder = page.parent().expect("a folder").to_path_buf();
        let wrong = dead_links(&read(&page), |link| folder.join(link).exists());
        assert!(wrong.is_empty(), "{}: {wrong:?}", page.display());
        seen += 1;
    }
    assert!(seen >= 2, "the pages were not found");
    let page = "[a](there.md#part) [b](gone.md) [c](https://example.com/x) [d](#here)";
    assert_eq!(
        dead_links(page, |link| link == "there.md"),
        ["dead link: gone.md"]
    );
}

#[test]
fn the_dependency_tree_stays_readable() {
    let packages = |lock: &str| lock.lines().filter(|line| *line == "[[package]]").count();
    let count = packages(&read("Cargo.lock"));
    assert!(count > 50, "Cargo.lock was not read");
    assert!(
        count <= MOST_PACKAGES,
        "{count} packages in Cargo.lock, more than {MOST_PACKAGES}"
    );
    assert_eq!(
        packages("[[package]]\nname = \"a\"\n\n[[package]]\nname = \"b\"\n"),
        2
    );
}
