//! Where a project's embedded servers live on disk, and which of those directories are ours.
//!
//! A project's home holds one directory per major version, so that another major never touches the
//! data of the first. Homes and majors belong to the caller; only `data` and `run` inside belong to
//! the server's user. So root, who runs the server as somebody else, never writes into a directory
//! that another user could have prepared.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::EmbeddedError;
use super::private::{belongs_to, hex, make_directory, make_parents, make_private, write_private};
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

impl Surroundings {
    /// Makes the directory that holds what evmig keeps for the caller outside of every project, and
    /// returns it; nobody else may list it.
    pub fn make_state_directory(&self) -> Result<PathBuf, EmbeddedError> {
        let directory = base(self, caller() == 0)?;
        make_parents(&directory.join("inside"))?;
        Ok(directory)
    }

    /// Returns that directory, which need not exist.
    pub fn state_directory(&self) -> Result<PathBuf, EmbeddedError> {
        base(self, caller() == 0)
    }
}

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
        let base = base(surroundings, caller() == 0)?;
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

/// Returns the directory that holds a directory per project.
fn base(surroundings: &Surroundings, root: bool) -> Result<PathBuf, EmbeddedError> {
    if let Some(directory) = &surroundings.data_dir {
        return std::path::absolute(directory).map_err(EmbeddedError::io("find", directory));
    }
    // Root's own home is closed to the user that runs the server.
    if root {
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
    fn data_lies_where_the_surroundings_say() {
        let mut surroundings = Surroundings::default();
        assert!(matches!(
            base(&surroundings, false),
            Err(EmbeddedError::NoDataPlace)
        ));
        assert_eq!(
            base(&surroundings, true).unwrap(),
            Path::new("/var/lib/evmig")
        );
        surroundings.home = Some("/home/me".into());
        let home = Path::new("/home/me/.local/share/evmig");
        assert_eq!(base(&surroundings, false).unwrap(), home);
        surroundings.xdg_data_home = Some("relative".into());
        assert_eq!(base(&surroundings, false).unwrap(), home);
        surroundings.xdg_data_home = Some("/data".into());
        assert_eq!(
            base(&surroundings, false).unwrap(),
            Path::new("/data/evmig")
        );
        assert_eq!(
            base(&surroundings, true).unwrap(),
            Path::new("/var/lib/evmig")
        );
        surroundings.data_dir = Some("/mine".into());
        for root in [false, true] {
            assert_eq!(base(&surroundings, root).unwrap(), Path::new("/mine"));
        }
    }

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
}
