//! A folder tree, read with one directory read per folder and without following any link.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::Path;

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
    let entries = match root.join(path).read_dir() {
        Ok(entries) => entries,
        Err(error) => {
            fail(&error);
            return folder;
        }
    };
    let mut found = Vec::new();
    for entry in entries {
        match entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))) {
            Ok(entry) => found.push(entry),
            Err(error) => fail(&error),
        }
    }
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (name, kind) in found {
        let Some(name) = utf8(path, &name, errors) else {
            continue;
        };
        if kind.is_dir() {
            folder.folders.push(name);
        } else if kind.is_file() {
            folder.files.push(name);
        } else {
            let full = format!("{path}/{}", printable(&name));
            let fault = if kind.is_symlink() {
                PathFault::Symlink { link: full.clone() }
            } else {
                wrong_kind(&full, Wanted::File, kind)
            };
            errors.push(ProjectError::in_file(fault, full));
        }
    }
    check_case(path, &folder, errors);
    folder
}

fn utf8(path: &str, name: &OsStr, errors: &mut Vec<ProjectError>) -> Option<String> {
    let text = name.to_str();
    if text.is_none() {
        let name = printable(&name.to_string_lossy());
        let file = format!("{path}/{name}");
        errors.push(ProjectError::in_file(FileFault::NameNotUtf8 { name }, file));
    }
    text.map(str::to_owned)
}

/// Reports names that would be one on a file system that ignores case.
fn check_case(path: &str, folder: &Folder, errors: &mut Vec<ProjectError>) {
    let mut by_folded: HashMap<String, Vec<&str>> = HashMap::new();
    for name in folder.files.iter().chain(&folder.folders) {
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
