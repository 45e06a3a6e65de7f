//! Project folders for the tests of this folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::error::ProjectErrors;
use super::loaded::{Project, load};
use super::root::Root;

/// A phase `core` with one step in `migrations/a`.
pub(crate) const ONE_STEP: &str = "[project]\nname = \"p\"\n[[phase]]\nnumber = 1\nname = \"core\"\n\
     [[phase.step]]\nname = \"a\"\nmigrations = \"a\"\n";

/// A folder that is removed when the test ends.
pub(crate) struct Dir(PathBuf);

impl Dir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "evmig-project-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    /// Makes a project with a manifest and files; a path that ends in `/` is a folder.
    pub(crate) fn with(manifest: &str, files: &[(&str, &str)]) -> Self {
        let dir = Self::new();
        dir.write("phases.toml", manifest);
        for (path, text) in files {
            if path.ends_with('/') {
                fs::create_dir_all(dir.0.join(path)).unwrap();
            } else {
                dir.write(path, text);
            }
        }
        dir
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn root(&self) -> Root {
        Root::at(&self.0).unwrap()
    }

    pub(crate) fn load(&self) -> Result<Project, ProjectErrors> {
        load(&self.root())
    }

    /// Renders all errors as `file:line:column code: message` and ` ~ suggestion`.
    pub(crate) fn told(&self) -> Vec<String> {
        self.load()
            .err()
            .iter()
            .flat_map(ProjectErrors::as_slice)
            .map(|error| {
                let place = error.snippet.as_ref().map_or_else(
                    || error.file.clone().unwrap_or_default(),
                    |s| format!("{}:{}:{}", s.place.file, s.place.line, s.place.column),
                );
                let suggestion = error
                    .suggestion()
                    .map(|name| format!(" ~ {name}"))
                    .unwrap_or_default();
                format!("{place} {}: {}{suggestion}", error.code(), error.kind)
            })
            .collect()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _best_effort = fs::remove_dir_all(&self.0);
    }
}
