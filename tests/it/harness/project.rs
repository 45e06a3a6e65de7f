//! Projects in temporary directories: `phases.toml`, migrations, rollback scripts.

use std::fs;
use std::path::{Path, PathBuf};

use super::scratch;

/// The smallest project that can hold migrations: phase 1, `core`, with the step `tables`.
pub(crate) const ONE_PHASE: &str = r#"[project]
name = "test"

[[phase]]
number = 1
name = "core"
title = "Core"

[[phase.step]]
name = "tables"
migrations = "1_core/1_tables"
"#;

/// A project directory, removed when dropped.
#[derive(Debug)]
pub(crate) struct Project {
    root: PathBuf,
}

impl Project {
    /// An empty directory without `phases.toml`.
    pub(crate) fn empty() -> Self {
        Self {
            root: scratch::directory("project"),
        }
    }

    /// A project with this `phases.toml` and nothing else.
    pub(crate) fn new(manifest: &str) -> Self {
        let project = Self::empty();
        project.write("phases.toml", manifest);
        project
    }

    /// A project with one phase and one step, `migrations/1_core/1_tables`, still empty.
    pub(crate) fn one_phase() -> Self {
        let project = Self::new(ONE_PHASE);
        fs::create_dir_all(project.path("migrations/1_core/1_tables")).expect("our own directory");
        project
    }

    /// A copy of what this repository ships: its manifest, migrations, rollback scripts, suites.
    pub(crate) fn shipped() -> Self {
        let project = Self::empty();
        let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
        for part in ["phases.toml", "migrations", "rollback", "tests/database"] {
            let source = repository.join(part);
            if source.exists() {
                copy(&source, &project.path(part));
            }
        }
        project
    }

    /// Adds a migration to the step of `one_phase`, such as `V1__people`.
    pub(crate) fn migration(self, name: &str, sql: &str) -> Self {
        self.file(&format!("migrations/1_core/1_tables/{name}.sql"), sql)
    }

    /// Adds the rollback script of a migration of `one_phase`.
    pub(crate) fn rollback(self, name: &str, sql: &str) -> Self {
        self.file(&format!("rollback/1_core/1_tables/{name}.sql"), sql)
    }

    /// Adds a file, with its folders.
    pub(crate) fn file(self, path: &str, contents: impl AsRef<[u8]>) -> Self {
        self.write(path, contents);
        self
    }

    /// Writes a file, with its folders, over an earlier one.
    pub(crate) fn write(&self, path: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(path);
        let folder = path.parent().expect("inside the project");
        fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        fs::write(&path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Reads a text file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Removes a file.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    }

    /// The files, sorted, as paths from the project's root.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        walk(&self.root, &mut found);
        let mut names: Vec<String> = found
            .iter()
            .map(|path| path.strip_prefix(&self.root).expect("found below it"))
            .map(|path| path.display().to_string())
            .collect();
        names.sort();
        names
    }

    /// The absolute path of something in the project.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The project's root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        scratch::stop_servers_below(&self.root);
        scratch::remove(&self.root);
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).expect("our own directory");
        for entry in fs::read_dir(from).expect("a directory") {
            let entry = entry.expect("a readable directory");
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().expect("inside the project")).expect("our own directory");
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
    }
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("a readable directory").path();
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}
