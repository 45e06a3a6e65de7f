//! `evmig init`: a project from nothing.

use std::fs;
use std::path::Path;

use super::super::file_name::{GITKEEP, sanitised};
use super::super::root::MANIFEST;
use super::super::source::printable;
use super::files::{Creation, ScaffoldError};

const STEP_FOLDER: &str = "1_core/1_tables";
const GITIGNORE: &str = ".gitignore";
/// What git must not keep: secrets, and the embedded server's data.
const IGNORED: [&str; 2] = [".env", ".evmig"];

/// Creates a project in a folder, which is created where it is absent.
///
/// Returns the files that were created or, for `.gitignore`, added to. Refuses, changing nothing,
/// when anything of it is there; an existing `.gitignore` keeps its lines.
pub fn init(dir: &Path, name: &str) -> Result<Vec<String>, ScaffoldError> {
    check_name(name)?;
    let in_the_way = in_the_way(dir);
    if !in_the_way.is_empty() {
        return Err(ScaffoldError::InTheWay { paths: in_the_way });
    }
    let ignore = dir.join(GITIGNORE);
    let write_error = |error: &std::io::Error| ScaffoldError::Write {
        path: GITIGNORE.to_owned(),
        reason: error.to_string(),
    };
    let ignored = match fs::read_to_string(&ignore) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(write_error(&error)),
    };
    let mut creation = Creation::new(dir);
    for top in ["migrations", "rollback"] {
        creation.file(&format!("{top}/{STEP_FOLDER}/{GITKEEP}"), "")?;
    }
    creation.file(MANIFEST, &manifest(name))?;
    let added = with_ignored(ignored.as_deref().unwrap_or_default());
    let mut changed = None;
    match (ignored, added) {
        (None, Some(text)) => creation.file(GITIGNORE, &text)?,
        (Some(_), Some(text)) => {
            fs::write(&ignore, text).map_err(|error| write_error(&error))?;
            changed = Some(GITIGNORE.to_owned());
        }
        (_, None) => {}
    }
    let mut created = creation.keep();
    created.extend(changed);
    created.sort();
    Ok(created)
}

fn check_name(name: &str) -> Result<(), ScaffoldError> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let sound = !name.is_empty()
        && name.len() <= 63
        && !name.starts_with('-')
        && name.chars().all(good)
        && !name.chars().all(|c| c.is_ascii_digit());
    if sound {
        return Ok(());
    }
    let nearest: String = sanitised(name)
        .replace('_', "-")
        .chars()
        .filter(|&c| good(c))
        .take(63)
        .collect();
    let usable = nearest.chars().any(|c| !c.is_ascii_digit() && c != '-');
    Err(ScaffoldError::BadName {
        name: printable(name),
        nearest: usable.then(|| nearest.trim_matches('-').to_owned()),
    })
}

/// Returns what is there already: a manifest, folders with something in them, or anything that is
/// not what it must be.
fn in_the_way(dir: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    if dir.join(MANIFEST).symlink_metadata().is_ok() {
        paths.push(MANIFEST.to_owned());
    }
    for top in ["migrations", "rollback"] {
        let path = dir.join(top);
        let Ok(metadata) = path.symlink_metadata() else {
            continue;
        };
        let empty = metadata.is_dir()
            && path
                .read_dir()
                .is_ok_and(|mut entries| entries.next().is_none());
        if !empty {
            paths.push(format!("{top}/"));
        }
    }
    if let Ok(metadata) = dir.join(GITIGNORE).symlink_metadata()
        && !metadata.is_file()
    {
        paths.push(GITIGNORE.to_owned());
    }
    paths
}

/// Returns a `.gitignore` with our lines added; `None` where it has them all.
fn with_ignored(text: &str) -> Option<String> {
    let has = |entry: &str| {
        text.lines().any(|line| {
            let line = line.trim().trim_start_matches('/').trim_end_matches('/');
            line == entry
        })
    };
    let missing: Vec<&str> = IGNORED.into_iter().filter(|entry| !has(entry)).collect();
    if missing.is_empty() {
        return None;
    }
    let mut text = text.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    for entry in missing {
        text.push('/');
        text.push_str(entry);
        text.push('\n');
    }
    Some(text)
}

/// The manifest of a new project: valid as it stands, with the less usual keys in comments.
fn manifest(name: &str) -> String {
    format!(
        r#"[project]
name = "{name}"
history_schema = "evmig"        # the schema for everything evmig stores
default_environment = "local"

[environments.local]
url = "embedded"                # a local PostgreSQL that evmig starts itself

# [environments.production]
# url_env = "DATABASE_URL"      # a variable's name, never a secret in this file
# protected = true              # apply and rollback ask for the database's name
# sslmode = "verify-full"

[apply]
lock_timeout = "2s"             # how long one attempt waits for one lock
lock_retries = 10               # how often a migration is tried again after that
statement_timeout = "0"         # "0" is no limit

# A phase is a numbered group of steps; phases run in the order of their numbers.
[[phase]]
number = 1
name = "core"
title = "Core tables"

# A step's migrations are in a folder below migrations/, its rollback scripts in the same folder
# below rollback/. `evmig new NAME --phase core` makes a pair.
[[phase.step]]
name = "tables"
migrations = "{STEP_FOLDER}"

# What the phase may touch; a statement outside it is an error before anything runs.
# [phase.contract]
# allow = ["table", "index", "function", "trigger", "grant"]
# max_lock_hold = "5s"
"#
    )
}
