//! A folder tree, read with one directory read per folder and without following any link.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fs::FileType;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use nix::dir::{Dir, Entry, Type};
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use super::error::ProjectError;
use super::file_fault::FileFault;
use super::rel_path::PathFault;
use super::root::{Wanted, unreadable, wrong_kind};
use super::source::printable;

/// What is in one folder, by name.
#[derive(Debug, Default)]
pub(crate) struct Folder {
    /// Names of regular files, sorted.
    pub(crate) files: Vec<String>,
    /// Names of folders, sorted.
    pub(crate) folders: Vec<String>,
}

/// Folders by their path relative to the project root.
pub(crate) type Tree = BTreeMap<String, Folder>;

/// Reads a tree; an absent one is empty.
///
/// Names come from the directory, not from asking for a path, so that a path written in the wrong
/// case is found out on file systems that ignore case.
pub(crate) fn read(root: &Path, top: &str, errors: &mut Vec<ProjectError>) -> Tree {
    let mut tree = Tree::new();
    match root.join(top).symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(metadata) if metadata.is_symlink() => {
            let link = top.to_owned();
            errors.push(ProjectError::in_file(PathFault::Symlink { link }, top));
            return tree;
        }
        Ok(metadata) => {
            let fault = wrong_kind(top, Wanted::Folder, metadata.file_type());
            errors.push(ProjectError::in_file(fault, top));
            return tree;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return tree,
        Err(error) => {
            errors.push(ProjectError::in_file(unreadable(top, &error), top));
            return tree;
        }
    }
    let mut waiting = vec![top.to_owned()];
    while let Some(path) = waiting.pop() {
        let folder = read_folder(root, &path, errors);
        waiting.extend(folder.folders.iter().map(|name| format!("{path}/{name}")));
        tree.insert(path, folder);
    }
    tree
}

fn read_folder(root: &Path, path: &str, errors: &mut Vec<ProjectError>) -> Folder {
    let mut folder = Folder::default();
    let mut fail = |error: &std::io::Error| {
        errors.push(ProjectError::in_file(unreadable(path, error), path));
    };
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut entries = match Dir::open(&root.join(path), flags, Mode::empty()) {
        Ok(entries) => entries,
        Err(errno) => {
            fail(&errno.into());
            return folder;
        }
    };
    let mut found = Vec::new();
    for entry in entries.iter() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(errno) => {
                fail(&errno.into());
                continue;
            }
        };
        let name = entry.file_name().to_bytes();
        if name == b"." || name == b".." {
            continue;
        }
        match kind_of(&entry, root, path) {
            Ok(kind) => found.push((OsStr::from_bytes(name).to_owned(), kind)),
            Err(error) => fail(&error),
        }
    }
    found.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    for (name, kind) in found {
        let name = match name.into_string() {
            Ok(name) => name,
            Err(name) => {
                errors.push(not_utf8(path, &name));
                continue;
            }
        };
        match kind {
            Found::Folder => folder.folders.push(name),
            Found::File => folder.files.push(name),
            Found::Other(kind) => {
                let full = format!("{path}/{}", printable(&name));
                let fault = if kind.is_symlink() {
                    PathFault::Symlink { link: full.clone() }
                } else {
                    wrong_kind(&full, Wanted::File, kind)
                };
                errors.push(ProjectError::in_file(fault, full));
            }
        }
    }
    check_case(path, &folder, errors);
    folder
}

/// What a directory entry is.
enum Found {
    Folder,
    File,
    Other(FileType),
}

/// Most directories say what an entry is; the rest are asked for it, without following a link.
fn kind_of(entry: &Entry, root: &Path, path: &str) -> std::io::Result<Found> {
    match entry.file_type() {
        Some(Type::File) => return Ok(Found::File),
        Some(Type::Directory) => return Ok(Found::Folder),
        _ => {}
    }
    let name = OsStr::from_bytes(entry.file_name().to_bytes());
    let kind = root.join(path).join(name).symlink_metadata()?.file_type();
    Ok(if kind.is_dir() {
        Found::Folder
    } else if kind.is_file() {
        Found::File
    } else {
        Found::Other(kind)
    })
}

fn not_utf8(path: &str, name: &OsStr) -> ProjectError {
    let name = printable(&name.to_string_lossy());
    let file = format!("{path}/{name}");
    ProjectError::in_file(FileFault::NameNotUtf8 { name }, file)
}

/// Reports names that would be one on a file system that ignores case.
fn check_case(path: &str, folder: &Folder, errors: &mut Vec<ProjectError>) {
    // Nearly always there are none: find that out without a folded copy of each name.
    let names = || folder.files.iter().chain(&folder.folders);
    let mut hashes: Vec<u64> = names().map(|name| folded_hash(name)).collect();
    hashes.sort_unstable();
    if hashes.windows(2).all(|pair| pair[0] != pair[1]) {
        return;
    }
    let mut by_folded: HashMap<String, Vec<&str>> = HashMap::new();
    for name in names() {
        by_folded.entry(name.to_lowercase()).or_default().push(name);
    }
    for names in by_folded.into_values().filter(|names| names.len() > 1) {
        let mut names: Vec<String> = names
            .iter()
            .map(|name| format!("{path}/{}", printable(name)))
            .collect();
        names.sort();
        let file = names[0].clone();
        errors.push(ProjectError::in_file(FileFault::CaseClash { names }, file));
    }
}

/// Hashes a name in lower case; equal for names that [`str::to_lowercase`] makes one.
fn folded_hash(name: &str) -> u64 {
    // FNV-1a: short, and a collision costs only the slow way.
    let fnv = |bytes: &mut dyn Iterator<Item = u8>| {
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    if name.is_ascii() {
        fnv(&mut name.bytes().map(|byte| byte.to_ascii_lowercase()))
    } else {
        // A final sigma is folded by what stands before it.
        fnv(&mut name.to_lowercase().bytes())
    }
}
