//! The embedded server of a project: find it, start it, stop it, remove it.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::binaries::Binaries;
use super::error::{EmbeddedError, last_lines};
use super::home::{Home, MARKER, Major, database_name};
use super::initialise::{SUPERUSER, discard, initialise};
use super::launch::{self, PATIENCE, Purpose};
use super::postmaster::{self, Ready, State};
use super::surroundings::Surroundings;
use super::user::ServerUser;
use super::version::Version;
use crate::secret::Secret;

/// The embedded server of one project.
#[derive(Debug, Clone)]
pub struct Embedded {
    surroundings: Surroundings,
    home: Home,
    database: String,
    purpose: Purpose,
}

/// Where a running server came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was running before.
    Found,
    /// It was stopped, and has been started.
    Started,
    /// It did not exist: `initdb` made it, and it has been started.
    Created,
}

/// Something the user should know about a server that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The server is newer than those evmig is tested with.
    NewerThanTested(Version),
    /// The system has no UTF-8 locale, so that `lower('Ä')` is `'Ä'` on this server.
    AsciiLettersOnly,
    /// The project also has data of other majors, which is left alone.
    OtherMajors {
        /// The major that was started.
        used: u32,
        /// The other ones, newest first.
        others: Vec<u32>,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewerThanTested(version) => {
                write!(
                    f,
                    "PostgreSQL {version} is newer than those evmig is tested with (14 to 18)"
                )
            }
            Self::AsciiLettersOnly => f.write_str(
                "this system has neither the locale C.UTF-8 nor en_US.UTF-8: on this server lower() \
                 and upper() know ASCII letters only",
            ),
            Self::OtherMajors { used, others } => {
                let others: Vec<String> = others.iter().map(u32::to_string).collect();
                write!(
                    f,
                    "this is the server of PostgreSQL {used}; the project also has data of \
                     PostgreSQL {}, which EVMIG_PG_BIN selects",
                    others.join(", ")
                )
            }
        }
    }
}

/// A server that accepts connections, and what is needed to connect to it.
#[derive(Debug, Clone)]
pub struct Running {
    /// The directory of its Unix socket.
    pub socket_dir: PathBuf,
    /// The loopback address it listens on.
    pub host: String,
    /// Its port, for the socket's name and for loopback.
    pub port: u16,
    /// Its superuser.
    pub superuser: String,
    /// The superuser's password.
    pub password: Secret,
    /// The file with the password, in the format of `PGPASSFILE`.
    pub pgpass: PathBuf,
    /// The database the project uses by default; it need not exist yet.
    pub database: String,
    /// Its data directory.
    pub data_dir: PathBuf,
    /// Its log file.
    pub log: PathBuf,
    /// Its version.
    pub version: Version,
    /// The directory of its programs, if the record of its start is still there.
    pub binaries: Option<PathBuf>,
    /// Its process id.
    pub pid: i32,
    /// How long it has been running, in whole seconds by the machine's clock.
    pub uptime: Duration,
    /// Where it came from.
    pub origin: Origin,
    /// What the user should know; only where it was started now.
    pub notes: Vec<Note>,
}

impl Running {
    /// Returns the server's URL for `database` without the password, for showing.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://{}@{}", self.superuser, self.address(database))
    }

    /// Returns the server's URL for `database` with the password.
    pub fn url_with_password(&self, database: &str) -> Secret {
        // The password is hexadecimal and needs no escapes.
        let password = self.password.expose();
        Secret::new(format!(
            "postgresql://{}:{password}@{}",
            self.superuser,
            self.address(database)
        ))
    }

    fn address(&self, database: &str) -> String {
        let mut path = String::new();
        for byte in database.bytes() {
            if byte.is_ascii_alphanumeric() || b"_-.~".contains(&byte) {
                path.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(path, "%{byte:02X}");
            }
        }
        format!("{}:{}/{path}", self.host, self.port)
    }
}

/// What there is of a project's embedded server.
#[derive(Debug, Clone)]
pub enum Status {
    /// Nothing: `evmig db start` makes it.
    Absent,
    /// It is stopped.
    Stopped {
        /// Its major version.
        major: u32,
        /// Its data directory.
        data_dir: PathBuf,
    },
    /// It does not accept connections: it starts, recovers or stops.
    Busy {
        /// Its major version.
        major: u32,
        /// Its process id.
        pid: i32,
        /// Its log file.
        log: PathBuf,
    },
    /// It accepts connections.
    Running(Box<Running>),
}

/// What a reset removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// The major version whose server and data are gone.
    pub major: u32,
    /// The directory that was deleted.
    pub directory: PathBuf,
    /// Majors whose data is still there.
    pub others: Vec<u32>,
}

impl Embedded {
    /// Names the server of the project called `name` in the directory `root`. Reads no file but
    /// the directory's own path.
    ///
    /// # Errors
    ///
    /// `root` does not exist, or there is no place for data.
    pub fn new(surroundings: Surroundings, name: &str, root: &Path) -> Result<Self, EmbeddedError> {
        let root = root
            .canonicalize()
            .map_err(EmbeddedError::io("find", root))?;
        let home = Home::of(&surroundings, name, &root)?;
        Ok(Self {
            surroundings,
            home,
            database: database_name(name),
            purpose: Purpose::Keep,
        })
    }

    /// Names the project's second server, for databases that are thrown away; it is of `major` where the
    /// programs of that major are there, else of any.
    ///
    /// It is a server of its own because roles belong to a server, not to a database: a migration that
    /// is only tried must not change those of the databases that people keep. Nothing on it outlives a
    /// power cut.
    ///
    /// # Errors
    ///
    /// `root` does not exist, or there is no place for data.
    pub fn throw_away(
        surroundings: Surroundings,
        name: &str,
        root: &Path,
        major: u32,
    ) -> Result<Self, EmbeddedError> {
        let server = Self::new(surroundings, &format!("{name}-shadow"), root)?;
        Ok(Self {
            purpose: Purpose::ThrowAway { major },
            ..server
        })
    }

    /// Returns the directory that holds everything of this project's servers.
    pub fn home(&self) -> &Path {
        &self.home.directory
    }

    /// Returns the running server, without starting a process.
    ///
    /// With `EVMIG_PG_BIN` only a server of those programs counts, else the newest major.
    pub fn running(&self) -> Result<Option<Running>, EmbeddedError> {
        let wanted = self
            .surroundings
            .pg_bin
            .as_ref()
            .map(|path| path.canonicalize());
        for major in self.home.majors()? {
            if !major.is_ours()? {
                continue;
            }
            let fits = match &wanted {
                None => self.purpose.fits(major.number),
                Some(Ok(wanted)) => major
                    .record()
                    .is_some_and(|record| record.binaries == *wanted),
                // A directory that does not exist; the search for binaries says so.
                Some(Err(_)) => false,
            };
            if fits && let State::Ready(ready) = postmaster::state(&major.data()) {
                return self.describe(&major, ready, Origin::Found).map(Some);
            }
        }
        Ok(None)
    }

    /// Returns the server, started if it is not running and made if it does not exist.
    ///
    /// Several evmig at once are fine: one starts it, the others find it. It is left running.
    pub fn start(&self) -> Result<Running, EmbeddedError> {
        if let Some(running) = self.running()? {
            return Ok(running);
        }
        let user = ServerUser::choose(self.surroundings.pg_user.as_deref())?;
        user.can_reach(&self.home.directory)?;
        let with_data = self.majors_with_data()?;
        let preferred = match self.purpose {
            Purpose::Keep => with_data.clone(),
            Purpose::ThrowAway { major } => vec![major],
        };
        let binaries = Binaries::find(&self.surroundings, &user, &preferred)?;
        let major = self.home.major(binaries.version.major);

        let _lock = self.home.lock()?;
        major.prepare()?;
        let mut running = match postmaster::settle(&major.data(), PATIENCE) {
            State::Ready(ready) => return self.describe(&major, ready, Origin::Found),
            State::Busy(pid) => return Err(not_ready(&major, pid)),
            State::Gone => self.start_locked(&major, &binaries, &user)?,
        };
        if binaries.is_newer_than_tested() {
            running.notes.push(Note::NewerThanTested(binaries.version));
        }
        let others: Vec<u32> = with_data
            .into_iter()
            .filter(|n| *n != major.number)
            .collect();
        if !others.is_empty() && self.purpose == Purpose::Keep {
            running.notes.push(Note::OtherMajors {
                used: major.number,
                others,
            });
        }
        Ok(running)
    }

    /// Starts a server that is not running, with the lock held.
    fn start_locked(
        &self,
        major: &Major,
        binaries: &Binaries,
        user: &ServerUser,
    ) -> Result<Running, EmbeddedError> {
        let data = major.data();
        let mut notes = Vec::new();
        let origin = if data.exists() {
            // Checked first: without it nobody could use the server.
            read_password(&major.pgpass())?;
            Origin::Started
        } else {
            if initialise(major, binaries, user)? == "C" {
                notes.push(Note::AsciiLettersOnly);
            }
            Origin::Created
        };
        let owner = ServerUser::owner_of(&data)?;
        let ready = launch::start(major, binaries, &owner, &self.surroundings, self.purpose)?;
        let running = self.describe(major, ready, origin)?;
        Ok(Running { notes, ..running })
    }

    /// Stops every server of this project that runs, or with `EVMIG_PG_BIN` the one of its major;
    /// returns those it stopped, none if none ran.
    pub fn stop(&self) -> Result<Vec<Version>, EmbeddedError> {
        let selected = match &self.surroundings.pg_bin {
            Some(_) => self.selected()?.into_iter().collect(),
            None => self.home.majors()?,
        };
        if selected.is_empty() {
            return Ok(Vec::new());
        }
        let _lock = self.home.lock()?;
        let mut stopped = Vec::new();
        for major in selected {
            if major.is_ours()? && self.stop_locked(&major)? {
                stopped.push(version_of(&major));
            }
        }
        Ok(stopped)
    }

    /// Stops one major's server, with the lock held; returns whether it ran.
    fn stop_locked(&self, major: &Major) -> Result<bool, EmbeddedError> {
        let pid = match postmaster::settle(&major.data(), PATIENCE) {
            State::Gone => return Ok(false),
            State::Busy(pid) => pid,
            State::Ready(ready) => ready.pid,
        };
        let user = ServerUser::owner_of(&major.data())?;
        let recorded = major.record().map(|record| record.binaries.join("pg_ctl"));
        // The programs may have been removed under a running server; any pg_ctl can stop it.
        let pg_ctl = match recorded.filter(|path| path.exists()) {
            Some(path) => path,
            None => Binaries::find(&self.surroundings, &user, &[major.number])?.program("pg_ctl"),
        };
        launch::stop(major, pid, &pg_ctl, &user)?;
        Ok(true)
    }

    /// Returns what there is of the server.
    pub fn status(&self) -> Result<Status, EmbeddedError> {
        if let Some(running) = self.running()? {
            return Ok(Status::Running(Box::new(running)));
        }
        let Some(major) = self.selected()? else {
            return Ok(Status::Absent);
        };
        if !major.is_ours()? || !major.data().exists() {
            return Ok(Status::Absent);
        }
        Ok(match postmaster::state(&major.data()) {
            State::Gone => Status::Stopped {
                major: major.number,
                data_dir: major.data(),
            },
            State::Busy(pid) => Status::Busy {
                major: major.number,
                pid,
                log: major.log(),
            },
            State::Ready(ready) => {
                Status::Running(Box::new(self.describe(&major, ready, Origin::Found)?))
            }
        })
    }

    /// Stops the server and deletes it with all its data; `None` if there is none.
    ///
    /// Other majors of the project are left alone. Only a directory that carries evmig's marker is
    /// deleted, and the marker goes last, so that an interrupted reset can be repeated.
    pub fn reset(&self) -> Result<Option<Removed>, EmbeddedError> {
        let Some(major) = self.selected()? else {
            return Ok(None);
        };
        let _lock = self.home.lock()?;
        if !major.is_ours()? {
            return Ok(None);
        }
        self.stop_locked(&major)?;
        // Without data (an interrupted start or reset) there was no server and no socket.
        if let Ok(user) = ServerUser::owner_of(&major.data()) {
            major.remove_socket_directory(&self.surroundings, &user);
        }
        discard(&major)?;
        let directory = &major.directory;
        let entries = fs::read_dir(directory).map_err(EmbeddedError::io("list", directory))?;
        for entry in entries
            .flatten()
            .filter(|entry| entry.file_name() != MARKER)
        {
            let path = entry.path();
            let removed = match entry.file_type() {
                Ok(kind) if kind.is_dir() => fs::remove_dir_all(&path),
                _ => fs::remove_file(&path),
            };
            removed.map_err(EmbeddedError::io("delete", &path))?;
        }
        let marker = directory.join(MARKER);
        fs::remove_file(&marker).map_err(EmbeddedError::io("delete", &marker))?;
        fs::remove_dir(directory).map_err(EmbeddedError::io("delete", directory))?;
        let others = self.majors_with_data()?;
        Ok(Some(Removed {
            major: major.number,
            directory: directory.clone(),
            others,
        }))
    }

    /// Returns the major that a command is about: the running one, the one of `EVMIG_PG_BIN`, else
    /// the newest there is.
    fn selected(&self) -> Result<Option<Major>, EmbeddedError> {
        let majors = self.home.majors()?;
        if majors.is_empty() {
            return Ok(None);
        }
        if self.surroundings.pg_bin.is_some() {
            let user = ServerUser::choose(self.surroundings.pg_user.as_deref())?;
            let wanted = Binaries::find(&self.surroundings, &user, &[])?
                .version
                .major;
            return Ok(majors.into_iter().find(|major| major.number == wanted));
        }
        let runs = |major: &&Major| postmaster::state(&major.data()) != State::Gone;
        let running = majors.iter().find(runs).cloned();
        Ok(running.or_else(|| majors.into_iter().next()))
    }

    /// Returns the majors that have data, newest first.
    fn majors_with_data(&self) -> Result<Vec<u32>, EmbeddedError> {
        let majors = self.home.majors()?.into_iter();
        Ok(majors
            .filter(|major| major.data().exists())
            .map(|major| major.number)
            .collect())
    }

    /// Collects what is needed to connect.
    fn describe(
        &self,
        major: &Major,
        ready: Ready,
        origin: Origin,
    ) -> Result<Running, EmbeddedError> {
        let started = UNIX_EPOCH.checked_add(Duration::from_secs(ready.started));
        // A clock that was set back makes a start in the future: no uptime.
        let uptime = started.and_then(|at| at.elapsed().ok()).unwrap_or_default();
        Ok(Running {
            socket_dir: ready.socket_directory,
            host: "127.0.0.1".to_owned(),
            port: ready.port,
            superuser: SUPERUSER.to_owned(),
            password: read_password(&major.pgpass())?,
            pgpass: major.pgpass(),
            database: self.database.clone(),
            data_dir: major.data(),
            log: major.log(),
            version: version_of(major),
            binaries: major.record().map(|record| record.binaries),
            pid: ready.pid,
            uptime: Duration::from_secs(uptime.as_secs()),
            origin,
            notes: Vec::new(),
        })
    }
}

/// Returns the version that was last started; the major alone where that is not known.
fn version_of(major: &Major) -> Version {
    major.record().map_or_else(
        || Version {
            major: major.number,
            text: major.number.to_string(),
        },
        |record| record.version,
    )
}

/// Reads the password that `initialise` wrote.
fn read_password(pgpass: &Path) -> Result<Secret, EmbeddedError> {
    let lost = || EmbeddedError::PasswordLost {
        path: pgpass.to_owned(),
    };
    let text = match fs::read_to_string(pgpass) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(lost()),
        Err(source) => return Err(EmbeddedError::io("read", pgpass)(source)),
    };
    let password = text.trim_end().rsplit(':').next().unwrap_or_default();
    if password.len() == 64 && password.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(Secret::new(password))
    } else {
        Err(lost())
    }
}

/// Says that a server has been busy for too long.
fn not_ready(major: &Major, pid: i32) -> EmbeddedError {
    EmbeddedError::NotReady {
        pid,
        seconds: PATIENCE.as_secs(),
        log: major.log(),
        tail: last_lines(launch::log_since(&major.log(), 0).as_bytes(), 12),
    }
}
