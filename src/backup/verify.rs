//! Holds a backup against its manifest, without a database: everything that is wrong, not the first.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::folder::{PART, hash};
use super::key::{Key, hex};
use super::manifest::{DUMP, FILE, HMAC, Manifest, SCHEMA};

/// A manifest has at most this size: more is something else.
const LARGEST: u64 = 256 << 20;

/// One thing that is wrong with a backup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no such folder.
    #[error("{} is no folder", path.display())]
    NoFolder {
        /// What was given.
        path: PathBuf,
    },
    /// It was never completed.
    #[error("the name ends in {PART}: this backup was never completed")]
    Incomplete,
    /// A file cannot be read.
    #[error("{file} cannot be read: {reason}")]
    Unreadable {
        /// Its path in the backup.
        file: String,
        /// Why not.
        reason: String,
    },
    /// The manifest is not what evmig writes.
    #[error("{FILE} is no manifest: {reason}")]
    NoManifest {
        /// Why not.
        reason: String,
    },
    /// Another version of evmig has made it.
    #[error("{FILE} is {found}; this evmig reads {SCHEMA}")]
    OtherSchema {
        /// What it says.
        found: String,
    },
    /// There is no key here.
    #[error("the manifest cannot be authenticated: there is no key {}", path.display())]
    NoKey {
        /// Where it would be.
        path: PathBuf,
    },
    /// The key is another one.
    #[error("the manifest was authenticated with the key {wanted}, and {} is the key {found}", path.display())]
    OtherKey {
        /// The one that the manifest names.
        wanted: String,
        /// The one that is here.
        found: String,
        /// Where that is.
        path: PathBuf,
    },
    /// The manifest is not as it was written, or was written by somebody else.
    #[error("{HMAC} does not fit {FILE}: one of them was changed, or evmig did not write them")]
    NotAuthentic,
    /// A file is gone.
    #[error("{file} is missing")]
    Missing {
        /// Its path in the backup.
        file: String,
    },
    /// A file has another size.
    #[error("{file} has {found} bytes; it had {wanted}")]
    Size {
        /// Its path in the backup.
        file: String,
        /// What the manifest says.
        wanted: u64,
        /// What it has.
        found: u64,
    },
    /// A file has other contents.
    #[error("{file} was changed: its SHA-256 is not the manifest's")]
    Contents {
        /// Its path in the backup.
        file: String,
    },
    /// Something that the manifest does not know.
    #[error("{file} does not belong to the backup")]
    Extra {
        /// Its path in the backup.
        file: String,
    },
}

impl Fault {
    /// Returns its stable id.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoFolder { .. } => "no-folder",
            Self::Incomplete => "incomplete",
            Self::Unreadable { .. } => "unreadable",
            Self::NoManifest { .. } => "no-manifest",
            Self::OtherSchema { .. } => "other-schema",
            Self::NoKey { .. } => "no-key",
            Self::OtherKey { .. } => "other-key",
            Self::NotAuthentic => "not-authentic",
            Self::Missing { .. } => "missing",
            Self::Size { .. } => "size",
            Self::Contents { .. } => "contents",
            Self::Extra { .. } => "extra",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The backup's folder.
    pub path: PathBuf,
    /// What the manifest says, where it could be read.
    pub manifest: Option<Manifest>,
    /// The manifest's bytes.
    pub text: Vec<u8>,
    /// Whether it is as evmig wrote it, with the key that is here.
    pub authentic: bool,
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
}

/// Returns the folder of a backup that is named by itself, its manifest, or its dump.
pub fn folder_of(path: &Path) -> PathBuf {
    let inner = [FILE, HMAC, DUMP];
    match (
        path.file_name().and_then(|name| name.to_str()),
        path.parent(),
    ) {
        (Some(name), Some(parent)) if inner.contains(&name) && parent.join(FILE).exists() => {
            parent.to_owned()
        }
        _ => path.to_owned(),
    }
}

/// Looks at every byte of a backup. `key` is the key that is here, or the path where there is none.
pub fn verify(path: &Path, key: Result<&Key, &Path>) -> Verified {
    let mut verified = look(path, key);
    if let Some(manifest) = verified.manifest.take() {
        files(path, &manifest, &mut verified.faults);
        verified.manifest = Some(manifest);
    }
    verified
}

/// Looks at the manifest alone.
pub fn look(path: &Path, key: Result<&Key, &Path>) -> Verified {
    let mut verified = Verified {
        path: path.to_owned(),
        manifest: None,
        text: Vec::new(),
        authentic: false,
        faults: Vec::new(),
    };
    let faults = &mut verified.faults;
    if !path.is_dir() {
        faults.push(Fault::NoFolder {
            path: path.to_owned(),
        });
        return verified;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.ends_with(PART) {
        faults.push(Fault::Incomplete);
    }
    let text = read(path, FILE, faults);
    let code = read(path, HMAC, faults);
    let Some(text) = text else {
        return verified;
    };
    match parse(&text) {
        Ok(manifest) => verified.manifest = Some(manifest),
        Err(fault) => faults.push(fault),
    }
    match (key, code) {
        (Err(path), _) => faults.push(Fault::NoKey {
            path: path.to_owned(),
        }),
        (Ok(key), Some(code)) if key.accepts(&text, &code) => verified.authentic = true,
        (Ok(key), Some(_)) => {
            let wanted = verified.manifest.as_ref().map(|one| one.key_id.clone());
            faults.push(match wanted {
                Some(wanted) if wanted != key.id() => Fault::OtherKey {
                    wanted,
                    found: key.id(),
                    path: key.path.clone(),
                },
                _ => Fault::NotAuthentic,
            });
        }
        (Ok(_), None) => {}
    }
    verified.text = text;
    verified
}

fn parse(text: &[u8]) -> Result<Manifest, Fault> {
    let bad = |reason: String| Fault::NoManifest { reason };
    let value: serde_json::Value =
        serde_json::from_slice(text).map_err(|error| bad(error.to_string()))?;
    match value.get("schema").and_then(|schema| schema.as_str()) {
        Some(SCHEMA) => serde_json::from_value(value).map_err(|error| bad(error.to_string())),
        Some(found) => Err(Fault::OtherSchema {
            found: found.to_owned(),
        }),
        None => Err(bad("it has no schema".to_owned())),
    }
}

/// Returns whether a backup is still there as it was remembered: its manifest by its hash, its files by
/// their sizes. Their contents are for [`verify`].
pub fn is_there(path: &Path, manifest_sha256: &str) -> Result<(), String> {
    let gone = |name: &str| format!("{name} is gone");
    let text = fs::read(path.join(FILE)).map_err(|_| gone(FILE))?;
    if hex(&Sha256::digest(&text)) != manifest_sha256 {
        return Err(format!("{FILE} is not the one that was made"));
    }
    let manifest = parse(&text).map_err(|fault| fault.to_string())?;
    for file in &manifest.files {
        let data = fs::metadata(path.join(&file.path)).map_err(|_| gone(&file.path))?;
        if data.len() != file.bytes {
            return Err(format!("{} has another size", file.path));
        }
    }
    Ok(())
}

/// Reads a small file; what is wrong is noted.
fn read(path: &Path, name: &str, faults: &mut Vec<Fault>) -> Option<Vec<u8>> {
    let file = path.join(name);
    let result = fs::symlink_metadata(&file).and_then(|data| {
        if data.is_file() && data.len() <= LARGEST {
            fs::read(&file)
        } else {
            Err(io::Error::other("it is no plain file of a sensible size"))
        }
    });
    match result {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            let file = name.to_owned();
            faults.push(if error.kind() == io::ErrorKind::NotFound {
                Fault::Missing { file }
            } else {
                Fault::Unreadable {
                    file,
                    reason: error.to_string(),
                }
            });
            None
        }
    }
}

/// Holds what lies in the folder against what the manifest says.
fn files(path: &Path, manifest: &Manifest, faults: &mut Vec<Fault>) {
    let mut there = BTreeSet::new();
    list(path, "", &mut there, faults);
    for own in [FILE, HMAC] {
        there.remove(own);
    }
    let wanted: BTreeMap<&str, _> = manifest
        .files
        .iter()
        .map(|file| (file.path.as_str(), file))
        .collect();
    for (name, file) in &wanted {
        if !there.remove(*name) {
            faults.push(Fault::Missing {
                file: (*name).to_owned(),
            });
            continue;
        }
        match hash(&path.join(name)) {
            Err(error) => faults.push(Fault::Unreadable {
                file: (*name).to_owned(),
                reason: error.to_string(),
            }),
            Ok((bytes, _)) if bytes != file.bytes => faults.push(Fault::Size {
                file: (*name).to_owned(),
                wanted: file.bytes,
                found: bytes,
            }),
            Ok((_, sha256)) if sha256 != file.sha256 => faults.push(Fault::Contents {
                file: (*name).to_owned(),
            }),
            Ok(_) => {}
        }
    }
    faults.extend(there.into_iter().map(|file| Fault::Extra { file }));
}

/// Lists the plain files of a folder; what is neither file nor folder does not belong there.
fn list(path: &Path, below: &str, there: &mut BTreeSet<String>, faults: &mut Vec<Fault>) {
    let unreadable = |error: &io::Error| Fault::Unreadable {
        file: if below.is_empty() { "." } else { below }.to_owned(),
        reason: error.to_string(),
    };
    let entries = match fs::read_dir(path.join(below)) {
        Ok(entries) => entries,
        Err(error) => return faults.push(unreadable(&error)),
    };
    for entry in entries {
        let kind = entry.and_then(|entry| Ok((entry.file_type()?, entry)));
        let (kind, entry) = match kind {
            Ok(both) => both,
            Err(error) => {
                faults.push(unreadable(&error));
                continue;
            }
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        if kind.is_dir() && file == DUMP {
            list(path, &file, there, faults);
        } else if kind.is_file() {
            there.insert(file);
        } else {
            faults.push(Fault::Extra { file });
        }
    }
}
