//! The project's root folder, and reading files inside it without ever leaving it.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::libc;
use nix::sys::stat::{Mode, SFlag, fstat};

use super::content::{Content, LARGE};
use super::error::ProjectError;
use super::large;
use super::nearest::nearest;
use super::rel_path::{PathFault, RelPath};
use super::text;

/// The file that marks the root.
pub const MANIFEST: &str = "phases.toml";

/// Why no project was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RootFault {
    /// Neither the start folder nor any above it has `phases.toml`.
    #[error("no phases.toml in {} or any folder above it", .looked.first().map_or("here", String::as_str))]
    NotFound {
        /// Every folder that was looked into, nearest first.
        looked: Vec<String>,
    },
    /// The folder given with `-C` has no `phases.toml`.
    #[error("no phases.toml in {dir}")]
    NoManifest {
        /// The folder.
        dir: String,
    },
    /// The folder cannot be used at all.
    #[error("cannot use the folder {dir}: {reason}")]
    Unusable {
        /// The folder.
        dir: String,
        /// The system's words.
        reason: String,
    },
}

impl RootFault {
    /// Returns the stable id of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } | Self::NoManifest { .. } => "no-project",
            Self::Unusable { .. } => "folder-unusable",
        }
    }

    /// Returns what to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::NotFound { looked } => Some(format!(
                "looked in {}; start a project with `evmig init`, or name its folder with `-C DIR`",
                looked.join(", ")
            )),
            Self::NoManifest { dir } => {
                Some(format!("start a project there with `evmig -C {dir} init`"))
            }
            Self::Unusable { .. } => None,
        }
    }
}

/// The folder that holds `phases.toml`; absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    dir: PathBuf,
}

/// A file, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Where it is.
    pub path: RelPath,
    /// What is in it.
    pub content: Content,
}

impl SourceFile {
    /// Returns what is split and run; see [`Content::sql`].
    pub fn sql(&self) -> &str {
        self.content.sql()
    }
}

impl Root {
    /// Finds the project by walking up from a folder, as cargo does.
    pub fn find(start: &Path) -> Result<Self, ProjectError> {
        let start = usable(start)?;
        let mut looked = Vec::new();
        for dir in start.ancestors() {
            if dir.join(MANIFEST).symlink_metadata().is_ok() {
                return Ok(Self {
                    dir: dir.to_owned(),
                });
            }
            looked.push(dir.display().to_string());
        }
        Err(no_project(RootFault::NotFound { looked }))
    }

    /// Takes the folder given with `-C`; nothing above it is looked at.
    pub fn at(dir: &Path) -> Result<Self, ProjectError> {
        let dir = usable(dir)?;
        if dir.join(MANIFEST).symlink_metadata().is_ok() {
            Ok(Self { dir })
        } else {
            Err(no_project(RootFault::NoManifest {
                dir: dir.display().to_string(),
            }))
        }
    }

    /// Returns the folder, absolute.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Reads the file that an include names, wherever in the project it is.
    ///
    /// `\ir` (`relative`) counts from the folder of `from_file`. `\i` counts from the project
    /// root: psql counts from its working directory, which a deployment must not depend on.
    pub fn read_inside(
        &self,
        from_file: &RelPath,
        path: &str,
        relative: bool,
    ) -> Result<SourceFile, ProjectError> {
        let folder = if relative { from_file.folder() } else { "" };
        let path = RelPath::resolve(folder, path)
            .map_err(|fault| ProjectError::in_file(fault, from_file.as_str()))?;
        self.read(&path)
    }

    /// Reads a file of the project as text, refusing links and whatever is no regular file.
    pub fn read(&self, path: &RelPath) -> Result<SourceFile, ProjectError> {
        self.check_is(path, Wanted::File)
            .map_err(|fault| ProjectError::in_file(fault, path.as_str()))?;
        let content = Reader::new(&self.dir).read(path, None)?;
        Ok(SourceFile {
            path: path.clone(),
            content,
        })
    }

    /// Adds the nearest name in the same folder to a "does not exist".
    pub(crate) fn with_sibling(&self, fault: PathFault) -> PathFault {
        let PathFault::Missing { what, path, .. } = fault else {
            return fault;
        };
        let nearest = RelPath::parse(&path).ok().and_then(|path| {
            let folder = path.folder();
            let names: Vec<String> = self
                .dir
                .join(folder)
                .read_dir()
                .into_iter()
                .flatten()
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .collect();
            nearest(path.file_name(), names.iter().map(String::as_str))
                .map(|name| RelPath::joined(folder, &name).to_string())
        });
        PathFault::Missing {
            what,
            path,
            nearest,
        }
    }

    /// Checks that a path is what it must be, with no link on the way to it.
    pub(crate) fn check_is(&self, path: &RelPath, wanted: Wanted) -> Result<(), PathFault> {
        let mut so_far = String::new();
        let mut parts = path.as_str().split('/').peekable();
        while let Some(part) = parts.next() {
            if !so_far.is_empty() {
                so_far.push('/');
            }
            so_far.push_str(part);
            let metadata = match self.dir.join(&so_far).symlink_metadata() {
                Ok(metadata) => metadata,
                Err(error) if matches!(error.kind(), ErrorKind::NotFound) => {
                    return Err(PathFault::Missing {
                        what: wanted.word(),
                        path: path.to_string(),
                        nearest: None,
                    });
                }
                Err(error) => return Err(unreadable(&so_far, &error)),
            };
            if metadata.is_symlink() {
                return Err(PathFault::Symlink { link: so_far });
            }
            let wanted = if parts.peek().is_some() {
                Wanted::Folder
            } else {
                wanted
            };
            if !wanted.is(metadata.file_type()) {
                return Err(wrong_kind(&so_far, wanted, metadata.file_type()));
            }
        }
        Ok(())
    }
}

/// What must be at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A folder.
    Folder,
    /// A regular file.
    File,
}

impl Wanted {
    fn word(self) -> &'static str {
        match self {
            Self::Folder => "folder",
            Self::File => "file",
        }
    }

    fn is(self, kind: std::fs::FileType) -> bool {
        match self {
            Self::Folder => kind.is_dir(),
            Self::File => kind.is_file(),
        }
    }
}

/// How every file is opened: a link is refused, and a pipe or device cannot hang us.
const READING: OFlag = OFlag::O_RDONLY
    .union(OFlag::O_NONBLOCK)
    .union(OFlag::O_NOFOLLOW)
    .union(OFlag::O_CLOEXEC);

/// Opens a regular file, and returns its size.
///
/// The caller has looked at the path; the check after `open` is for what was swapped in between.
pub(crate) fn open_regular(dir: &Path, path: &RelPath) -> Result<(File, u64), PathFault> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(READING.bits())
        .open(path.under(dir))
        .map_err(|error| not_opened(path, &error))?;
    let length = regular_length(&file, path)?;
    Ok((file, length))
}

fn not_opened(path: &RelPath, error: &std::io::Error) -> PathFault {
    match error.raw_os_error() {
        Some(libc::ENOENT) => PathFault::Missing {
            what: "file",
            path: path.to_string(),
            nearest: None,
        },
        Some(libc::ELOOP) => PathFault::Symlink {
            link: path.to_string(),
        },
        _ => unreadable(path.as_str(), error),
    }
}

/// Returns the size of what was opened, if it is a regular file.
fn regular_length(file: &File, path: &RelPath) -> Result<u64, PathFault> {
    let stat = fstat(file).map_err(|errno| unreadable(path.as_str(), &errno.into()))?;
    // `fstat` is what is needed of `File::metadata`, at half the price.
    if SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) == SFlag::S_IFREG {
        return Ok(u64::try_from(stat.st_size).unwrap_or_default());
    }
    Err(match file.metadata() {
        Ok(metadata) => wrong_kind(path.as_str(), Wanted::File, metadata.file_type()),
        Err(error) => unreadable(path.as_str(), &error),
    })
}

/// Reads many files: each folder is opened once, and the files are opened by their names in it, so
/// that the system does not walk the whole path for each.
pub(crate) struct Reader<'d> {
    dir: &'d Path,
    folder: String,
    opened: Option<OwnedFd>,
    buffer: Vec<u8>,
}

impl<'d> Reader<'d> {
    pub(crate) fn new(dir: &'d Path) -> Self {
        Self {
            dir,
            folder: String::new(),
            opened: None,
            buffer: Vec::new(),
        }
    }

    /// Reads a file; a migration's name and version are hashed with it if it is large.
    pub(crate) fn read(
        &mut self,
        path: &RelPath,
        names: Option<(&str, i64)>,
    ) -> Result<Content, ProjectError> {
        let in_file = |fault| ProjectError::in_file(fault, path.as_str());
        let mut file = self.open(path).map_err(in_file)?;
        let length = regular_length(&file, path).map_err(in_file)?;
        if length > LARGE {
            return large::read(file, self.dir, path, names);
        }
        read_into(&mut self.buffer, &mut file, length)
            .map_err(|error| in_file(unreadable(path.as_str(), &error)))?;
        text::decode(path.as_str(), &self.buffer)
            .map(Content::new)
            .map_err(|(fault, snippet)| ProjectError::in_text(fault, snippet, path.as_str()))
    }

    fn open(&mut self, path: &RelPath) -> Result<File, PathFault> {
        let folder = match &self.opened {
            Some(opened) if self.folder == path.folder() => opened,
            _ => {
                let folder = self.dir.join(path.folder());
                let opened = OpenOptions::new()
                    .read(true)
                    .custom_flags((READING | OFlag::O_DIRECTORY).bits())
                    .open(folder)
                    .map_err(|error| unreadable(path.folder(), &error))?;
                path.folder().clone_into(&mut self.folder);
                self.opened.insert(opened.into())
            }
        };
        openat(folder.as_fd(), path.file_name(), READING, Mode::empty())
            .map(File::from)
            .map_err(|errno: Errno| not_opened(path, &errno.into()))
    }
}

/// Reads at most `length` bytes. Asking again for the end would cost a fifth of loading a project.
fn read_into(buffer: &mut Vec<u8>, file: &mut File, length: u64) -> std::io::Result<()> {
    let length = usize::try_from(length).map_err(std::io::Error::other)?;
    buffer.resize(length, 0);
    let mut filled = 0;
    while filled < length {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(filled);
    Ok(())
}

/// Reads a regular file's bytes, at most `most` of them and one more.
pub(crate) fn read_bytes(dir: &Path, path: &RelPath, most: u64) -> Result<Vec<u8>, PathFault> {
    let (mut file, length) = open_regular(dir, path)?;
    let mut bytes = Vec::new();
    read_into(&mut bytes, &mut file, length.min(most.saturating_add(1)))
        .map_err(|error| unreadable(path.as_str(), &error))?;
    Ok(bytes)
}

/// Makes the error for what the system refuses.
pub(crate) fn unreadable(path: &str, error: &std::io::Error) -> PathFault {
    PathFault::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

/// Makes the error for a path that is something else than it must be.
pub(crate) fn wrong_kind(path: &str, wanted: Wanted, found: std::fs::FileType) -> PathFault {
    PathFault::WrongKind {
        path: path.to_owned(),
        wanted: wanted.word(),
        found: kind_word(found),
    }
}

/// Says what a directory entry is.
pub(crate) fn kind_word(kind: std::fs::FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_file() {
        "a file"
    } else if kind.is_symlink() {
        "a symbolic link"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

fn usable(dir: &Path) -> Result<PathBuf, ProjectError> {
    let unusable = |reason: String| {
        no_project(RootFault::Unusable {
            dir: dir.display().to_string(),
            reason,
        })
    };
    let dir = dir
        .canonicalize()
        .map_err(|error| unusable(error.to_string()))?;
    if dir.is_dir() {
        Ok(dir)
    } else {
        Err(unusable("it is not a folder".to_owned()))
    }
}

fn no_project(fault: RootFault) -> ProjectError {
    ProjectError {
        kind: Box::new(fault.into()),
        snippet: None,
        file: None,
    }
}
