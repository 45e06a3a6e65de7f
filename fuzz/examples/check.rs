//! `scripts/fuzz --check`: every statement of the shipped project, of the corpora and of generated scripts,
//! cut by evmig and by PostgreSQL's parser. Prints the counts; fails on a difference.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arbitrary::Unstructured;
use evmig_fuzz::differ::{self, Verdict};
use evmig_fuzz::soup;

/// How many scripts are generated; always the same ones.
const GENERATED: u64 = 50_000;

#[derive(Default)]
struct Count {
    texts: usize,
    same: usize,
    statements: usize,
    rejected: usize,
    outside: usize,
    differences: usize,
}

impl Count {
    fn add(&mut self, name: &str, text: &str) {
        self.texts += 1;
        match differ::check(text) {
            Ok(Verdict::Same(statements)) => {
                self.same += 1;
                self.statements += statements;
            }
            Ok(Verdict::Rejected) => {
                self.rejected += 1;
                if !name.starts_with("seed ") {
                    let error = pg_query::split_with_parser(text).err();
                    println!("{name}: the parser rejects it: {error:?}");
                }
            }
            Ok(Verdict::Outside) => self.outside += 1,
            Err(difference) => {
                self.differences += 1;
                println!("{name}:\n{difference}\nin {text:?}\n");
            }
        }
    }

    fn print(&self, title: &str) {
        println!(
            "{title}: {} texts, {} cut the same into {} statements, {} differences \
             ({} rejected by the parser, {} outside of it)",
            self.texts, self.same, self.statements, self.differences, self.rejected, self.outside
        );
    }
}

fn main() -> ExitCode {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut failed = false;
    for (title, folders, rejected) in [
        ("shipped project", &["migrations", "rollback"][..], 0),
        // Rejected are nasty.sql (it has a statement that is none) and the strings that are joined over a comment:
        // libpg_query changes the lexer so that comments are tokens, and the server takes them.
        (
            "seed corpus",
            &["fuzz/corpus/split", "src/sql/corpus"][..],
            2,
        ),
    ] {
        let mut count = Count::default();
        for path in folders
            .iter()
            .flat_map(|folder| files(&repository.join(folder)))
        {
            let name = path.display().to_string();
            match std::fs::read_to_string(&path) {
                Ok(text) => count.add(&name, &text),
                Err(error) => {
                    println!("{name}: {error}");
                    failed = true;
                }
            }
        }
        count.print(title);
        failed |= count.differences > 0 || count.same == 0;
        failed |= count.rejected != rejected || count.outside > 0;
    }
    let mut count = Count::default();
    for seed in 0..GENERATED {
        let mut random = fastrand::Rng::with_seed(seed);
        let choices: Vec<u8> = (0..1024).map(|_| random.u8(..)).collect();
        if let Ok(text) = soup::script(&mut Unstructured::new(&choices)) {
            count.add(&format!("seed {seed}"), &text);
        }
    }
    count.print("generated");
    // A generator that the parser mostly rejects would compare nothing.
    failed |= count.differences > 0 || count.same < count.texts / 4;
    ExitCode::from(u8::from(failed))
}

/// All files below a folder, in the order of their names.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
