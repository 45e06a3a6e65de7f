//! Where a project's embedded servers live on disk, and which of those directories are ours.
//!
//! A project's home holds one directory per major version, so that another major never touches the
//! data of the first. Homes and majors belong to the caller; only `data` and `run` inside belong to
//! the server's user. So root, who runs the server as somebody else, never writes into a directory
//! that another user could have prepared.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::EmbeddedError;
use super::surroundings::Surroundings;
use super::user::{ServerUser, caller};
use super::version::Version;
use crate::clock::Deadline;

/// The file that says that evmig made a directory.
pub(super) const MARKER: &str = "evmig-embedded";

/// The longest path of a socket in bytes: `sun_path` less its closing NUL (Linux `unix(7)`: 108;
/// macOS and the BSDs: 104).
const SOCKET_PATH_MOST: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// The longest name PostgreSQL gives a socket in its directory.
const SOCKET_NAME: &str = "/.s.PGSQL.65535";

/// How long a command waits for another evmig that starts or stops the same server.
const LOCK_PATIENCE: Duration = Duration::from_mins(2);

/// A project's directory.
#[derive(Debug, Clone)]
pub(super) struct Home {
    pub(super) directory: PathBuf,
}

impl Home {
    /// Names the home of the project at `root` (an absolute path without symbolic links).
    pub(super) fn of(
        surroundings: &Surroundings,
        name: &str,
        root: &Path,
    ) -> Result<Self, EmbeddedError> {
        let digest = hex(&Sha256::digest(root.as_os_str().as_bytes()));
        let base = base(surroundings)?;
        Ok(Self {
            directory: base.join(format!("{}-{}", words(name, '-'), &digest[..12])),
        })
    }

    /// Returns the directories of the majors that are there, newest first.
    pub(super) fn majors(&self) -> Result<Vec<Major>, EmbeddedError> {
        if !self.is_ours()? {
            return Ok(Vec::new());
        }
        let mut found: Vec<Major> = fs::read_dir(&self.directory)
            .map_err(EmbeddedError::io("list", &self.directory))?
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("pg")?.parse().ok())
            .map(|number| self.major(number))
            .collect();
        found.sort_by_key(|major| std::cmp::Reverse(major.number));
        Ok(found)
    }

    /// Names the directory of one major version.
    pub(super) fn major(&self, number: u32) -> Major {
        Major {
            number,
            directory: self.directory.join(format!("pg{number}")),
        }
    }

    /// Returns whether the home is there; one that belongs to somebody else is an error.
    fn is_ours(&self) -> Result<bool, EmbeddedError> {
        belongs_to(&self.directory, caller())
    }

    /// Makes the home and waits for its lock, which is held until the file is dropped.
    pub(super) fn lock(&self) -> Result<File, EmbeddedError> {
        if !self.is_ours()? {
            make_parents(&self.directory)?;
            make_directory(&self.directory)?;
            self.is_ours()?;
        }
        let path = self.directory.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(EmbeddedError::io("open", &path))?;
        let deadline = Deadline::after(LOCK_PATIENCE);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if deadline.is_over() => {
                    return Err(EmbeddedError::LockTimeout {
                        lock: path,
                        seconds: LOCK_PATIENCE.as_secs(),
                    });
                }
                Err(TryLockError::WouldBlock) => sleep(Duration::from_millis(10)),
                Err(TryLockError::Error(source)) => {
                    return Err(EmbeddedError::Io {
                        action: "lock",
                        path,
                        source,
                    });
                }
            }
        }
    }
}

/// The directory of one major version.
#[derive(Debug, Clone)]
pub(super) struct Major {
    pub(super) number: u32,
    pub(super) directory: PathBuf,
}

/// What `server.json` remembers of the last start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// The directory of the binaries.
    pub(super) binaries: PathBuf,
    /// Their version.
    pub(super) version: Version,
    /// The loopback port, tried again first so that a bookmarked URL stays good.
    pub(super) port: u16,
}

impl Major {
    pub(super) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    pub(super) fn pgpass(&self) -> PathBuf {
        self.directory.join("pgpass")
    }

    fn record_path(&self) -> PathBuf {
        self.directory.join("server.json")
    }

    /// Reads what the last start left; `None` where there was none or the file is damaged, since
    /// the next start writes it anew.
    pub(super) fn record(&self) -> Option<Record> {
        serde_json::from_slice(&fs::read(self.record_path()).ok()?).ok()
    }

    /// Writes what the next command needs to know.
    pub(super) fn keep_record(&self, record: &Record) -> Result<(), EmbeddedError> {
        let path = self.record_path();
        let text = serde_json::to_vec(record).map_err(io::Error::from);
        let text = text.map_err(EmbeddedError::io("write", &path))?;
        write_private(&path, &text)
    }

    /// Returns whether the directory is there and ours.
    ///
    /// A directory of another owner, or one without the marker, is an error: evmig neither uses
    /// nor deletes it. An empty one is what an interrupted start leaves, and counts as absent.
    pub(super) fn is_ours(&self) -> Result<bool, EmbeddedError> {
        if !belongs_to(&self.directory, caller())? {
            return Ok(false);
        }
        let marker = self.directory.join(MARKER);
        if fs::symlink_metadata(&marker).is_ok_and(|data| data.is_file() && data.uid() == caller())
        {
            return Ok(true);
        }
        let mut entries =
            fs::read_dir(&self.directory).map_err(EmbeddedError::io("list", &self.directory))?;
        if entries.next().is_none() {
            return Ok(false);
        }
        Err(EmbeddedError::NotOurs {
            path: self.directory.clone(),
            marker: MARKER,
        })
    }

    /// Makes the directory and its marker where they are absent.
    pub(super) fn prepare(&self) -> Result<(), EmbeddedError> {
        if self.is_ours()? {
            return Ok(());
        }
        make_directory(&self.directory)?;
        let marker = self.directory.join(MARKER);
        write_private(&marker, b"evmig db reset deletes this directory.\n")
    }

    /// Returns a directory for the server's socket, made and checked.
    pub(super) fn socket_directory(
        &self,
        surroundings: &Surroundings,
        user: &ServerUser,
    ) -> Result<PathBuf, EmbeddedError> {
        let directory = self.socket_path(surroundings, user);
        make_private(&directory, user)?;
        Ok(directory)
    }

    /// Names the directory for the server's socket: our own, or a short one elsewhere.
    fn socket_path(&self, surroundings: &Surroundings, user: &ServerUser) -> PathBuf {
        let own = self.directory.join("run");
        if fits_a_socket(&own) {
            return own;
        }
        let digest = hex(&Sha256::digest(self.directory.as_os_str().as_bytes()));
        let name = format!("evmig-{}", &digest[..16]);
        let runtime = surroundings.xdg_runtime_dir.as_ref();
        // That directory is the caller's alone.
        let runtime = runtime.filter(|path| !user.switch && path.is_absolute() && path.is_dir());
        runtime
            .map(|directory| directory.join(&name))
            .filter(|path| fits_a_socket(path))
            .unwrap_or_else(|| Path::new("/tmp").join(&name))
    }

    /// Removes a socket directory outside of our own, if it is there and empty.
    ///
    /// Failure is of no account: an empty directory is left, and the next server uses it.
    pub(super) fn remove_socket_directory(&self, surroundings: &Surroundings, user: &ServerUser) {
        let path = self.socket_path(surroundings, user);
        if !path.starts_with(&self.directory) {
            drop(fs::remove_dir(path));
        }
    }
}

/// Returns whether a socket in `directory` can be bound, and named in PostgreSQL's and libpq's
/// comma-separated lists of directories.
fn fits_a_socket(directory: &Path) -> bool {
    let bytes = directory.as_os_str().as_bytes();
    bytes.len() + SOCKET_NAME.len() <= SOCKET_PATH_MOST
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte))
}

/// Makes a directory that only the server's user may enter.
///
/// One that is there must be exactly that: in `/tmp` anybody can make a directory of this name and
/// wait in it for a password.
pub(super) fn make_private(path: &Path, user: &ServerUser) -> Result<(), EmbeddedError> {
    let made = match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(source) => {
            return Err(EmbeddedError::Io {
                action: "create",
                path: path.to_owned(),
                source,
            });
        }
    };
    let metadata = fs::symlink_metadata(path).map_err(EmbeddedError::io("look at", path))?;
    // Root made it a moment ago, or was interrupted between making it and giving it away.
    let to_give_away = user.switch && metadata.is_dir() && metadata.uid() == caller();
    if made || to_give_away {
        lchown(path, Some(user.uid), Some(user.gid)).map_err(EmbeddedError::io("chown", path))?;
        return Ok(());
    }
    if !metadata.is_dir() || metadata.uid() != user.uid {
        return Err(EmbeddedError::ForeignOwner {
            path: path.to_owned(),
            owner: metadata.uid(),
            expected: user.uid,
        });
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(EmbeddedError::OpenSocketDirectory {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

/// Returns the directory that holds a directory per project.
fn base(surroundings: &Surroundings) -> Result<PathBuf, EmbeddedError> {
    if let Some(directory) = &surroundings.data_dir {
        return std::path::absolute(directory).map_err(EmbeddedError::io("find", directory));
    }
    // Root's own home is closed to the user that runs the server.
    if caller() == 0 {
        return Ok(PathBuf::from("/var/lib/evmig"));
    }
    if let Some(data) = surroundings
        .xdg_data_home
        .as_ref()
        .filter(|path| path.is_absolute())
    {
        return Ok(data.join("evmig"));
    }
    let home = surroundings.home.as_ref().filter(|path| path.is_absolute());
    let home = home.ok_or(EmbeddedError::NoDataPlace)?;
    Ok(home.join(".local/share/evmig"))
}

/// Returns whether a directory is there; one of another owner, or a file, is an error.
fn belongs_to(path: &Path, expected: u32) -> Result<bool, EmbeddedError> {
    match fs::symlink_metadata(path) {
        Ok(data) if data.is_dir() && data.uid() == expected => Ok(true),
        Ok(data) if data.is_dir() => Err(EmbeddedError::ForeignOwner {
            path: path.to_owned(),
            owner: data.uid(),
            expected,
        }),
        Ok(_) => Err(EmbeddedError::NotOurs {
            path: path.to_owned(),
            marker: MARKER,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(EmbeddedError::Io {
            action: "look at",
            path: path.to_owned(),
            source,
        }),
    }
}

/// Makes the directories above `path`, open to be passed through as far as the caller's home is.
fn make_parents(path: &Path) -> Result<(), EmbeddedError> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(parent)
        .map_err(EmbeddedError::io("create", parent))
}

/// Makes a directory of the caller, or sets the permissions of one that is there.
///
/// Nobody else may enter it, but where root makes it the server's user may pass through.
fn make_directory(path: &Path) -> Result<(), EmbeddedError> {
    let mode = if caller() == 0 { 0o711 } else { 0o700 };
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(EmbeddedError::Io {
                action: "create",
                path: path.to_owned(),
                source: error,
            });
        }
        _ => {}
    }
    // Somebody else may have been faster than this call, but not than the check of the owner.
    if belongs_to(path, caller())? {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(EmbeddedError::io("set the permissions of", path))?;
    }
    Ok(())
}

/// Writes a file that only the caller may read, all of it or nothing.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), EmbeddedError> {
    let part = path.with_extension("part");
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().map_err(EmbeddedError::io("write", path))
}

/// Returns 32 random bytes of the system in hexadecimal, for a password.
pub(super) fn random_password() -> Result<String, EmbeddedError> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; 32];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(EmbeddedError::io("read", path))?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Reduces a name to lower-case ASCII letters and digits with `joint` between the words.
fn words(name: &str, joint: char) -> String {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut text = words.join(joint.encode_utf8(&mut [0; 4]));
    // Leaves room for a prefix within the 63 bytes of an SQL name.
    text.truncate(48);
    if text.is_empty() {
        "project".to_owned()
    } else {
        text
    }
}

/// Returns the database that a project uses by default: an SQL name that needs no quotes.
///
/// A name that begins with a digit, or that `initdb` gives to a database of its own, gets a prefix.
pub(super) fn database_name(project: &str) -> String {
    let name = words(project, '_');
    let taken = ["postgres", "template0", "template1"].contains(&name.as_str());
    if taken || name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("evmig_{name}")
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_differ_by_path_and_are_readable() {
        let surroundings = Surroundings {
            data_dir: Some("/d".into()),
            ..Surroundings::default()
        };
        let home = |root: &str| {
            Home::of(&surroundings, "Event Management!", Path::new(root))
                .unwrap()
                .directory
        };
        let a = home("/srv/a");
        assert_ne!(a, home("/srv/b"));
        assert_eq!(a, home("/srv/a"));
        let text = a.to_str().unwrap();
        assert!(text.starts_with("/d/event-management-"), "{text}");
        assert_eq!(text.len(), "/d/event-management-".len() + 12);
    }

    #[test]
    fn database_names_need_no_quotes() {
        let cases = [
            ("event-management", "event_management"),
            ("2fast", "evmig_2fast"),
            ("postgres", "evmig_postgres"),
            ("Äpfel & Birnen", "pfel_birnen"),
            ("---", "project"),
        ];
        for (project, database) in cases {
            assert_eq!(database_name(project), database);
        }
        assert!(database_name(&"9x".repeat(90)).len() <= 63);
    }

    #[test]
    fn the_longest_directory_that_fits_is_exact() {
        let room = SOCKET_PATH_MOST - SOCKET_NAME.len();
        let path = |length: usize| PathBuf::from(format!("/{}", "x".repeat(length - 1)));
        assert!(fits_a_socket(&path(room)));
        assert!(!fits_a_socket(&path(room + 1)));
        assert!(
            !fits_a_socket(Path::new("/a,b")),
            "a comma separates directories"
        );
        assert!(!fits_a_socket(Path::new("/a b")));
    }

    #[test]
    fn passwords_are_long_and_differ() {
        let (a, b) = (random_password().unwrap(), random_password().unwrap());
        assert_eq!(a.len(), 64);
        assert_ne!(a, b);
    }

    #[test]
    fn a_directory_without_the_marker_is_refused_and_an_empty_one_is_not() {
        let directory = std::env::temp_dir().join(format!("evmig-marker-{}", fastrand::u64(..)));
        let major = Major {
            number: 17,
            directory: directory.clone(),
        };
        assert!(!major.is_ours().unwrap());
        fs::create_dir(&directory).unwrap();
        assert!(!major.is_ours().unwrap());
        fs::write(directory.join("precious"), "x").unwrap();
        assert!(matches!(
            major.is_ours(),
            Err(EmbeddedError::NotOurs { .. })
        ));
        assert!(matches!(
            major.prepare(),
            Err(EmbeddedError::NotOurs { .. })
        ));
        fs::remove_file(directory.join("precious")).unwrap();
        major.prepare().unwrap();
        assert!(major.is_ours().unwrap());
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_socket_directory_that_others_may_enter_is_refused() {
        let directory = std::env::temp_dir().join(format!("evmig-open-{}", fastrand::u64(..)));
        let uid = caller();
        let user = ServerUser {
            name: "me".into(),
            uid,
            gid: 0,
            switch: false,
        };
        fs::create_dir(&directory).unwrap();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
        let refused = make_private(&directory, &user);
        assert!(matches!(
            refused,
            Err(EmbeddedError::OpenSocketDirectory { mode: 0o755, .. })
        ));
        let other = ServerUser {
            uid: uid + 1,
            ..user
        };
        assert!(matches!(
            make_private(&directory, &other),
            Err(EmbeddedError::ForeignOwner { .. })
        ));
        fs::remove_dir(&directory).unwrap();
    }
}
