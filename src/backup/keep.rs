//! Removes old backups of one database, and nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::PART;
use super::key::Key;
use super::make::Made;
use super::manifest::{DUMP, FILE, HMAC, Manifest};
use super::verify::look;

/// What was removed, and what could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Folders that are gone.
    pub removed: Vec<PathBuf>,
    /// Folders that are not, or not wholly, and why.
    pub failed: Vec<(PathBuf, String)>,
}

/// Keeps the `keep` newest backups of the database of `made`, itself among them.
///
/// Only folders are removed whose manifest is authentic, of the same database of the same cluster:
/// what cannot be told to be evmig's own is left.
pub fn prune(out: &Path, made: &Made, keep: usize, key: &Key) -> Pruned {
    let mut old = others(out, made, key);
    // Newest first.
    old.sort_by(|a, b| (&b.1.taken_at, &b.1.id).cmp(&(&a.1.taken_at, &a.1.id)));
    let mut pruned = Pruned::default();
    for (path, manifest) in old.into_iter().skip(keep.saturating_sub(1)) {
        match remove(&path, &manifest) {
            Ok(()) => pruned.removed.push(path),
            Err(error) => pruned.failed.push((path, error.to_string())),
        }
    }
    pruned
}

/// Lists the other complete backups of the same database.
fn others(out: &Path, made: &Made, key: &Key) -> Vec<(PathBuf, Manifest)> {
    let server = &made.manifest.server;
    let entries = fs::read_dir(out).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .filter(|path| !path.to_string_lossy().ends_with(PART))
        .filter_map(|path| {
            let looked = look(&path, Ok(key));
            let manifest = looked.manifest.filter(|_| looked.authentic)?;
            let same = manifest.is_of(server.system_identifier.as_deref(), &server.database);
            (same && manifest.id != made.manifest.id).then_some((path, manifest))
        })
        .collect()
}

/// Removes the files that the manifest names and then the folder, which stays where something else
/// is in it. Its name goes first, so that no moment shows half a backup under a whole one's name.
fn remove(path: &Path, manifest: &Manifest) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(PART);
    let part = PathBuf::from(name);
    fs::rename(path, &part)?;
    for file in &manifest.files {
        match fs::remove_file(part.join(&file.path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::remove_dir(part.join(DUMP))?;
    fs::remove_file(part.join(HMAC))?;
    fs::remove_file(part.join(FILE))?;
    fs::remove_dir(&part)
}
