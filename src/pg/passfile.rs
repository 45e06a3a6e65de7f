//! The password file (`~/.pgpass`), as libpq reads it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::secret::Secret;

/// Why a password file was not used. libpq warns and goes on, and so does evmig.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PassfileWarning {
    /// Its group or others can read it.
    #[error(
        "the password file {} is ignored: group or others have access (mode {mode:04o}); run \
         `chmod 0600 {}`", path.display(), path.display()
    )]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is a directory, a pipe, a device, …
    #[error("the password file {} is ignored: it is not a plain file", path.display())]
    NotRegular {
        /// The file.
        path: PathBuf,
    },
    /// It exists and cannot be read.
    #[error("the password file {} is ignored: {kind}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The kind of the I/O error.
        kind: io::ErrorKind,
    },
    /// The entry that matches is not UTF-8.
    #[error("line {line} of the password file {} is ignored: it is not UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// What a password is looked up for.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// Host name, address or socket directory.
    pub host: &'a str,
    /// Port.
    pub port: u16,
    /// Database.
    pub dbname: &'a str,
    /// User.
    pub user: &'a str,
}

/// A password and the line it was found on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The password.
    pub password: Secret,
    /// The line, from 1.
    pub line: usize,
}

/// A password file that was read.
#[derive(Debug, Clone, Default)]
pub struct Passfile {
    lines: Vec<(usize, Secret)>,
}

/// Socket directories that libpq builds take as their default; `localhost` entries match them.
pub const DEFAULT_SOCKET_DIRECTORIES: [&str; 2] = ["/var/run/postgresql", "/tmp"];

impl Passfile {
    /// Reads the file; a missing one is an empty one.
    ///
    /// The second value tells why the file, or some of its lines, are not used.
    pub fn read(path: &Path) -> (Self, Vec<PassfileWarning>) {
        let owned = || path.to_owned();
        let unreadable = |error: &io::Error| PassfileWarning::Unreadable {
            path: owned(),
            kind: error.kind(),
        };
        let metadata = match fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return (Self::default(), Vec::new());
            }
            Err(error) => return (Self::default(), vec![unreadable(&error)]),
        };
        if !metadata.is_file() {
            return (
                Self::default(),
                vec![PassfileWarning::NotRegular { path: owned() }],
            );
        }
        if metadata.mode() & 0o077 != 0 {
            let mode = metadata.mode() & 0o7777;
            return (
                Self::default(),
                vec![PassfileWarning::Permissions {
                    path: owned(),
                    mode,
                }],
            );
        }
        match fs::read(path) {
            Ok(bytes) => Self::parse(&bytes, path),
            Err(error) => (Self::default(), vec![unreadable(&error)]),
        }
    }

    fn parse(bytes: &[u8], path: &Path) -> (Self, Vec<PassfileWarning>) {
        let mut lines = Vec::new();
        let mut warnings = Vec::new();
        for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            match str::from_utf8(line) {
                Ok(text) => lines.push((at + 1, Secret::new(text))),
                Err(_) => warnings.push(PassfileWarning::NotUtf8 {
                    path: path.to_owned(),
                    line: at + 1,
                }),
            }
        }
        (Self { lines }, warnings)
    }

    /// Returns the password of the first entry that matches; an empty one counts as none.
    pub fn find(&self, login: Login<'_>) -> Option<Found> {
        let host = if login.host.is_empty() || DEFAULT_SOCKET_DIRECTORIES.contains(&login.host) {
            "localhost"
        } else {
            login.host
        };
        let port = login.port.to_string();
        let wanted = [host, &port, login.dbname, login.user];
        self.lines
            .iter()
            .find_map(|(line, text)| {
                let password = wanted
                    .iter()
                    .try_fold(text.expose(), |rest, field| match_field(rest, field))?;
                Some(Found {
                    password: Secret::new(take_field(password).0),
                    line: *line,
                })
            })
            .filter(|found| !found.password.is_empty())
    }
}

/// Returns what follows the first field if that field is `*` or means `wanted`.
fn match_field<'a>(line: &'a str, wanted: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let (field, rest) = take_field(line);
    (field == wanted).then_some(rest?)
}

/// Takes the text up to an unescaped colon; a backslash makes the next character a plain one.
fn take_field(line: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => field.push(characters.next().map_or('\\', |(_, escaped)| escaped)),
            ':' => return (field, Some(&line[at + 1..])),
            plain => field.push(plain),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn find(text: &str, host: &str, port: u16, dbname: &str, user: &str) -> Option<String> {
        let (file, warnings) = Passfile::parse(text.as_bytes(), Path::new("pgpass"));
        assert_eq!(warnings, []);
        let login = Login {
            host,
            port,
            dbname,
            user,
        };
        file.find(login)
            .map(|found| found.password.expose().to_owned())
    }

    #[test]
    fn the_first_matching_line_wins() {
        let text = "# a comment\n\nh:5432:d:u:first\r\n*:*:*:u:second\nh:5432:d:u:third\n";
        assert_eq!(find(text, "h", 5432, "d", "u").as_deref(), Some("first"));
        assert_eq!(find(text, "h", 5433, "d", "u").as_deref(), Some("second"));
        assert_eq!(find(text, "h", 5433, "d", "v"), None);
    }

    #[test]
    fn escapes_and_wildcards_as_in_libpq() {
        assert_eq!(
            find(r"fe80\:\:1:*:a\\b:*:p\:w\\d", "fe80::1", 1, r"a\b", "u").as_deref(),
            Some(r"p:w\d")
        );
        // An unescaped colon ends the password, and a star inside a field is a plain star.
        assert_eq!(
            find("h:1:d:u:one:two", "h", 1, "d", "u").as_deref(),
            Some("one")
        );
        assert_eq!(find("h*:1:d:u:p", "host", 1, "d", "u"), None);
        assert_eq!(find("h:1:d:u:", "h", 1, "d", "u"), None);
        assert_eq!(find("h:1:d", "h", 1, "d", "u"), None);
        assert_eq!(
            find("h:1:d:u: spaced ", "h", 1, "d", "u").as_deref(),
            Some(" spaced ")
        );
    }

    #[test]
    fn localhost_entries_match_the_default_socket_directory_only() {
        let text = "localhost:5432:*:*:p";
        assert!(find(text, "/var/run/postgresql", 5432, "d", "u").is_some());
        assert!(find(text, "", 5432, "d", "u").is_some());
        assert!(find(text, "/srv/sockets", 5432, "d", "u").is_none());
        assert!(find("/srv/sockets:*:*:*:p", "/srv/sockets", 1, "d", "u").is_some());
    }

    #[test]
    fn a_file_that_others_can_read_is_ignored_with_a_warning() {
        let directory = tempdir("passfile");
        let path = directory.join("pgpass");
        fs::write(&path, "*:*:*:*:p\n").unwrap();
        for (mode, used) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let (file, warnings) = Passfile::read(&path);
            assert_eq!(!file.lines.is_empty(), used, "{mode:o}");
            assert_eq!(warnings.is_empty(), used, "{mode:o}");
        }
        assert!(matches!(
            Passfile::read(&directory).1[..],
            [PassfileWarning::NotRegular { .. }]
        ));
        assert_eq!(Passfile::read(&directory.join("none")).1, []);
        fs::remove_dir_all(directory).unwrap();
    }

    fn tempdir(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("evmig-{name}-{}", crate::clock::run_id()));
        fs::create_dir_all(&path).unwrap();
        path
    }
}
