//! The scratch directory of this test process, and the process that cleans up behind it.
//!
//! Rust never drops statics and nothing runs after SIGKILL, so a shared server cannot be stopped
//! from here. A shell process waits at the end of a pipe whose other end only this process holds;
//! when this process is gone, however it went, the shell stops every PostgreSQL and PgBouncer
//! whose pid file lies in the directory (also those which evmig itself left running in a test's
//! home) and removes the directory.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};

use super::tools::setting;

/// Directories are removed again and again for 20 s: a server that is being started when the test
/// process dies still creates files.
const JANITOR: &str = r#"
trap '' INT TERM HUP
cat >/dev/null
tries=0
while [ "$tries" -lt 100 ]; do
  find "$1" -name postmaster.pid 2>/dev/null | while read -r file; do
    kill -QUIT "$(head -n 1 "$file")" 2>/dev/null
  done
  find "$1" -name pgbouncer.pid 2>/dev/null | while read -r file; do
    kill -TERM "$(head -n 1 "$file")" 2>/dev/null
  done
  rm -rf "$1" 2>/dev/null
  sleep 0.2
  [ -e "$1" ] || exit 0
  tries=$((tries + 1))
done
"#;

struct Scratch {
    path: PathBuf,
    /// Held for its stdin: closing it is the signal.
    _janitor: Child,
}

static SCRATCH: OnceLock<Scratch> = OnceLock::new();
static NEXT: AtomicU32 = AtomicU32::new(1);

/// Returns a number that this process has not handed out before.
pub(crate) fn next_number() -> u32 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Returns the scratch directory of this process.
pub(crate) fn base() -> &'static Path {
    &SCRATCH.get_or_init(create).path
}

/// Makes a fresh directory `<name>-<n>` that belongs to the user who runs the tests.
pub(crate) fn directory(name: &str) -> PathBuf {
    let path = base().join(format!("{name}-{}", next_number()));
    fs::create_dir(&path).unwrap_or_else(|error| panic!("create {}: {error}", path.display()));
    path
}

/// Makes a fresh directory that belongs to the user whom servers run as.
pub(crate) fn server_directory(name: &str) -> PathBuf {
    let path = directory(name);
    give_to_server_user(&path);
    path
}

/// The user for servers where the tests run as root, which PostgreSQL and PgBouncer refuse.
pub(crate) fn server_user() -> Option<User> {
    if !geteuid().is_root() {
        return None;
    }
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .or_else(|| panic!("running as root, and there is neither a user postgres nor nobody"))
}

/// Makes a command run as the server user, in `/`, with an environment that says nothing.
pub(crate) fn server_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null());
    if let Some(user) = server_user() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

/// Makes a file or directory belong to the server user; nothing to do where that is us.
pub(crate) fn give_to_server_user(path: &Path) {
    if let Some(user) = server_user() {
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .unwrap_or_else(|error| panic!("chown {}: {error}", path.display()));
    }
}

/// Removes a directory; one that is gone already is fine, one that cannot go is left to the end.
pub(crate) fn remove(path: &Path) {
    if keep() {
        eprintln!("kept: {}", path.display());
    } else if let Err(error) = fs::remove_dir_all(path)
        && error.kind() != ErrorKind::NotFound
    {
        eprintln!("left for the end: {}: {error}", path.display());
    }
}

/// Stops every PostgreSQL server whose data directory lies below a directory: `evmig apply` on
/// the embedded server leaves one running, which is right for people and wrong for a test.
pub(crate) fn stop_servers_below(path: &Path) {
    let found = Command::new("find")
        .arg(path)
        .args(["-name", "postmaster.pid"])
        .output()
        .expect("find");
    for file in String::from_utf8_lossy(&found.stdout).lines() {
        let pid = fs::read_to_string(file)
            .ok()
            .and_then(|text| text.lines().next()?.trim().parse().ok());
        if let Some(pid) = pid {
            // Fails for a server that has ended by itself.
            kill(Pid::from_raw(pid), Signal::SIGQUIT).ok();
        }
    }
}

/// Whether `EVMIG_TEST_KEEP` asks to leave projects and server directories until the end.
fn keep() -> bool {
    setting("EVMIG_TEST_KEEP").is_some()
}

fn create() -> Scratch {
    let parent = setting("EVMIG_TEST_TMP").map_or_else(default_parent, PathBuf::from);
    fs::create_dir_all(&parent)
        .unwrap_or_else(|error| panic!("EVMIG_TEST_TMP {}: {error}", parent.display()));
    // Canonical, since macOS's temporary directory is reached through a symbolic link and evmig
    // prints the resolved path.
    let parent = parent.canonicalize().expect("an existing directory");
    let path = (0..1000)
        .map(|n| parent.join(format!("evmig-it-{}-{n}", std::process::id())))
        .find(|path| match fs::create_dir(path) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
            Err(error) => panic!("create {}: {error}", path.display()),
        })
        .expect("fewer than a thousand leftovers of earlier processes with our id");
    // Servers run as another user and must be able to pass through.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own directory");
    let janitor = Command::new("/bin/sh")
        .args(["-c", JANITOR, "evmig-test-janitor"])
        .arg(&path)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Its own group: Ctrl-C and a test runner's kill go to the group of the tests.
        .process_group(0)
        .spawn()
        .expect("/bin/sh");
    Scratch {
        path,
        _janitor: janitor,
    }
}

fn default_parent() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_path_buf()
    } else {
        std::env::temp_dir()
    }
}
