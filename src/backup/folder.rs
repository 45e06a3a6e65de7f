//! The folder of a backup: hidden behind `.part` until everything in it is on the disk.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::error::BackupError;
use super::key::hex;
use super::manifest::{self, DUMP};

/// What a folder's name ends in while it is not complete.
pub const PART: &str = ".part";

/// How much of a file is read at once.
const PIECE: usize = 1 << 20;

/// A folder that is being filled. Dropped before it is complete, it is removed.
#[derive(Debug)]
pub struct PartFolder {
    part: PathBuf,
    complete: PathBuf,
    done: bool,
}

impl PartFolder {
    /// Makes it in `out`, which is made as well where it is missing.
    pub fn make(out: &Path, name: &str) -> Result<Self, BackupError> {
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        if !out.exists() {
            builder
                .recursive(true)
                .create(out)
                .map_err(BackupError::io("make", out))?;
            // Rows of production do not belong into a repository.
            let ignore = out.join(".gitignore");
            fs::write(&ignore, "*\n").map_err(BackupError::io("write", &ignore))?;
        }
        builder.recursive(false);
        let folder = Self {
            part: out.join(format!("{name}{PART}")),
            complete: out.join(name),
            done: false,
        };
        builder
            .create(&folder.part)
            .map_err(BackupError::io("make", &folder.part))?;
        Ok(folder)
    }

    /// Returns where `pg_dump` shall write; it makes the folder itself.
    pub fn dump(&self) -> PathBuf {
        self.part.join(DUMP)
    }

    /// Returns how many bytes the dump has so far.
    pub fn bytes(&self) -> u64 {
        let entries = fs::read_dir(self.dump()).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.metadata().ok())
            .map(|data| data.len())
            .sum()
    }

    /// Writes one file beside the dump.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
        let path = self.part.join(name);
        let mut options = OpenOptions::new();
        options
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()
            })
            .map_err(BackupError::io("write", &path))
    }

    /// Gives the folder its name: from now on it is a backup.
    pub fn complete(mut self) -> Result<PathBuf, BackupError> {
        sync(&self.part)?;
        fs::rename(&self.part, &self.complete).map_err(BackupError::io("rename", &self.part))?;
        self.done = true;
        if let Some(parent) = self.complete.parent() {
            sync(parent)?;
        }
        Ok(self.complete.clone())
    }
}

/// Writes every file of a dump to the disk, and returns what each is. It takes as long as reading all of
/// them.
pub fn settle(dump: &Path) -> Result<Vec<manifest::File>, BackupError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dump).map_err(BackupError::io("list", dump))? {
        let entry = entry.map_err(BackupError::io("list", dump))?;
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let mut files = Vec::new();
    for name in names {
        let path = dump.join(&name);
        let (bytes, sha256) = hash(&path).map_err(BackupError::io("read", &path))?;
        sync(&path)?;
        files.push(manifest::File {
            path: format!("{DUMP}/{name}"),
            bytes,
            sha256,
        });
    }
    sync(dump)?;
    Ok(files)
}

impl Drop for PartFolder {
    fn drop(&mut self) {
        if !self.done {
            // What cannot be removed has a name that says what it is, and the next backup tells it.
            drop(fs::remove_dir_all(&self.part));
        }
    }
}

/// Returns the folders in `out` that were never completed.
pub fn left_over(out: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(out).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.to_string_lossy().ends_with(PART) && path.is_dir())
        .collect();
    found.sort();
    found
}

/// Returns a file's size and SHA-256, in hex.
pub(super) fn hash(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((bytes, hex(&hash.finalize()))),
            Ok(count) => {
                hash.update(&buffer[..count]);
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn sync(path: &Path) -> Result<(), BackupError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(BackupError::io("write to the disk", path))
}
