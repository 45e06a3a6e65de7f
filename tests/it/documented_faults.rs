//! `docs/reliability-catalogue.md`: every fault has its row, and every test that a row names is
//! there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Rows of the catalogue.
const FAULTS: usize = 86;

/// What a row may name instead of a test: an issue to come, or the benchmarks.
const ELSEWHERE: [&str; 4] = [
    "later: rollback",
    "later: dry run",
    "later: backup",
    "`bench`",
];

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability-catalogue.md");
    fs::read_to_string(path).expect("the page")
}

/// The names of all tests of this binary, as `module::name`.
fn tests() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|kind| kind != "rs") {
            continue;
        }
        let module = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let text = fs::read_to_string(&path).expect("UTF-8");
        let mut is_test = false;
        for line in text.lines() {
            if line == "#[test]" {
                is_test = true;
            } else if let Some(rest) = line.strip_prefix("fn ") {
                if is_test {
                    let name = rest.split('(').next().unwrap_or_default();
                    found.insert(format!("{module}::{name}"));
                }
                is_test = false;
            }
        }
    }
    found
}

/// What is wrong with a page.
fn faults_of(page: &str, tests: &BTreeSet<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut next = 1;
    for line in page.lines() {
        let cells: Vec<&str> = line.split(" | ").collect();
        let number = cells[0]
            .strip_prefix("| ")
            .and_then(|text| text.parse::<usize>().ok());
        let Some(number) = number else { continue };
        if number != next {
            wrong.push(format!("row {number} stands where {next} is due"));
        }
        next = number + 1;
        let [_, what, does, held] = cells[..] else {
            wrong.push(format!("row {number} has {} cells", cells.len()));
            continue;
        };
        if what.is_empty() || does.is_empty() {
            wrong.push(format!("row {number} says nothing"));
        }
        let held = held.trim_end_matches(" |");
        if ELSEWHERE.contains(&held) {
            continue;
        }
        for name in held.split(", ").map(|name| name.trim_matches('`')) {
            if !tests.contains(name) {
                wrong.push(format!("row {number}: there is no test {name}"));
            }
        }
    }
    if next != FAULTS + 1 {
        wrong.push(format!("the last row is {}", next - 1));
    }
    wrong
}

#[test]
fn every_fault_has_its_row_and_every_row_its_test() {
    assert_eq!(faults_of(&page(), &tests()), [""; 0]);
}

#[test]
fn a_row_that_is_gone_and_a_test_that_is_gone_are_found() {
    let (page, mut tests) = (page(), tests());
    let without = page
        .lines()
        .filter(|line| !line.starts_with("| 58 |"))
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(
        faults_of(&without, &tests),
        ["row 59 stands where 58 is due"]
    );
    tests.remove("tls::b_81_every_cell_of_the_matrix_is_psqls");
    assert_eq!(
        faults_of(&page, &tests),
        ["row 81: there is no test tls::b_81_every_cell_of_the_matrix_is_psqls"]
    );
}
