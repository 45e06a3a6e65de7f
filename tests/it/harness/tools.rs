//! Finds the programs that tests run; a missing one is a failure that says how to get it.
//!
//! Never a skip: a test that passes because its subject is absent proves nothing.

use std::env;
use std::path::{Path, PathBuf};

/// Returns an environment variable of the test run, `None` where it is unset or empty.
#[expect(
    clippy::disallowed_methods,
    reason = "the harness is configured by the script that starts it"
)]
pub(crate) fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the folder with `initdb`, `postgres` and `pg_ctl` of a major.
pub(crate) fn postgres_bin(major: u32) -> PathBuf {
    let roots: Vec<PathBuf> = match setting("EVMIG_TEST_PG_MAJORS") {
        Some(root) => vec![PathBuf::from(root)],
        None => cache_roots().iter().map(|root| root.join("pg")).collect(),
    };
    roots
        .iter()
        .map(|root| root.join(major.to_string()).join("bin"))
        .find(|bin| bin.join("initdb").is_file())
        .unwrap_or_else(|| {
            panic!(
                "no PostgreSQL {major} under {}; run scripts/test, or \
                 scripts/install-postgres-majors DIR and set EVMIG_TEST_PG_MAJORS=DIR",
                list(&roots)
            )
        })
}

/// Returns the path of a program: from `EVMIG_TEST_BIN`, the cache of `scripts/test`, or `PATH`.
pub(crate) fn program(name: &str) -> PathBuf {
    let mut folders: Vec<PathBuf> = setting("EVMIG_TEST_BIN")
        .into_iter()
        .map(PathBuf::from)
        .collect();
    folders.extend(cache_roots().iter().map(|root| root.join("bin")));
    folders.extend(
        setting("PATH")
            .iter()
            .flat_map(env::split_paths)
            .chain(["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from)),
    );
    folders
        .iter()
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("no program {name} in {}; run scripts/test", list(&folders)))
}

/// Where `scripts/test` keeps what it fetched: root's place, then the user's.
fn cache_roots() -> Vec<PathBuf> {
    let mut roots = vec![PathBuf::from("/var/cache/evmig-test")];
    if let Some(cache) = setting("XDG_CACHE_HOME") {
        roots.push(Path::new(&cache).join("evmig-test"));
    }
    if let Some(home) = setting("HOME") {
        roots.push(Path::new(&home).join(".cache/evmig-test"));
    }
    roots
}

fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    shown.join(", ")
}
