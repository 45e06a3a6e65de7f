//! Runs the real `evmig` binary in a hermetic environment and shows all that it said.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::database::Target;
use super::postgres::PASSWORD;
use super::project::Project;
use super::snapshot::normalise;
use super::{scratch, tools};

/// Longer than any command of a test that is not about waiting.
const LIMIT: Duration = Duration::from_mins(2);

/// One invocation of evmig, being put together.
#[derive(Debug, Clone)]
pub(crate) struct Evmig {
    program: PathBuf,
    directory: PathBuf,
    home: PathBuf,
    args: Vec<OsString>,
    variables: Vec<(String, OsString)>,
    stdin: Vec<u8>,
    terminal: Option<u16>,
    known: Vec<(String, String)>,
    limit: Duration,
}

impl Evmig {
    /// `evmig <words>` in the project's root, with an empty home of its own and a cleared
    /// environment: 100 columns, no terminal.
    pub(crate) fn new(project: &Project, words: &str) -> Self {
        let home = scratch::directory("home");
        let path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
        Self {
            program: PathBuf::from(env!("CARGO_BIN_EXE_evmig")),
            directory: project.root().to_path_buf(),
            known: vec![
                (project.root().display().to_string(), "$DIR".to_owned()),
                (home.display().to_string(), "$HOME".to_owned()),
            ],
            args: words.split_whitespace().map(OsString::from).collect(),
            variables: [
                ("PATH", path),
                ("TERM", "dumb"),
                ("LANG", "C.UTF-8"),
                ("COLUMNS", "100"),
            ]
            .map(|(name, value)| (name.to_owned(), value.into()))
            .to_vec(),
            home,
            stdin: Vec::new(),
            terminal: None,
            limit: LIMIT,
        }
    }

    /// Adds one argument, spaces and all.
    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Points evmig at a database by `--database-url`, the password in `PGPASSWORD`.
    pub(crate) fn on(self, target: &Target) -> Self {
        self.knowing(target)
            .env("PGPASSWORD", &target.password)
            .arg("--database-url")
            .arg(target.url_without_password())
    }

    /// Makes the port and socket folder of a target `$PORT` and `$SOCKET` in the snapshot.
    pub(crate) fn knowing(mut self, target: &Target) -> Self {
        self.known
            .push((target.port.to_string(), "$PORT".to_owned()));
        if let Some(directory) = &target.socket_directory {
            self.known
                .push((directory.display().to_string(), "$SOCKET".to_owned()));
        }
        self
    }

    /// Lets `url = "embedded"` find the server binaries of a major.
    pub(crate) fn embedded(self, major: u32) -> Self {
        self.env("EVMIG_PG_BIN", tools::postgres_bin(major))
    }

    /// Uses the home of another run, with the embedded server that lives there.
    pub(crate) fn home_of(mut self, other: &Self) -> Self {
        self.home.clone_from(&other.home);
        let shown = self.home.display().to_string();
        self.known.push((shown, "$HOME".to_owned()));
        self
    }

    /// Runs another program in the same surroundings (a shell pipeline around evmig, `refinery`).
    pub(crate) fn instead(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = program.into();
        self
    }

    /// Runs in another directory.
    pub(crate) fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// Gives text on standard input; without this it is empty.
    pub(crate) fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = text.into();
        self
    }

    /// Runs on a terminal of this many columns: standard input, output and error are one device,
    /// and all output lands in `Output::stdout`.
    pub(crate) fn terminal(mut self, columns: u16) -> Self {
        self.terminal = Some(columns);
        self.env("TERM", "xterm-256color")
    }

    /// Fails the test if the command takes longer.
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The home directory of the run.
    pub(crate) fn home(&self) -> &std::path::Path {
        &self.home
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Output {
        let limit = self.limit;
        self.spawn().finish(limit)
    }

    /// Starts it and returns at once.
    pub(crate) fn spawn(self) -> Running {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .current_dir(&self.directory)
            .env_clear()
            .env("HOME", &self.home)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        match self.terminal {
            Some(columns) => self.spawn_on_terminal(command, columns),
            None => self.spawn_on_pipes(command),
        }
    }

    fn spawn_on_pipes(self, mut command: Command) -> Running {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary under test");
        let mut stdin = child.stdin.take().expect("piped");
        let text = self.stdin.clone();
        // A command that reads no input closes its end, which is no failure here.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&text)));
        let stdout = Collected::from(child.stdout.take().expect("piped"));
        let stderr = Collected::from(child.stderr.take().expect("piped"));
        Running {
            child,
            stdout,
            stderr: Some(stderr),
            _stdin: Stdin::Pipe(writer),
            invocation: self,
        }
    }

    fn spawn_on_terminal(self, mut command: Command, columns: u16) -> Running {
        let size = Winsize {
            ws_row: 40,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pty = openpty(Some(&size), None).expect("a pseudo-terminal");
        // openpty lets programs inherit both: a server that another test starts meanwhile would hold the device.
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("closed on exec");
        }
        let device = |fd: &std::os::fd::OwnedFd| Stdio::from(fd.try_clone().expect("a descriptor"));
        let child = command
            .env_remove("COLUMNS")
            .stdin(device(&pty.slave))
            .stdout(device(&pty.slave))
            .stderr(device(&pty.slave))
            .spawn()
            .expect("the binary under test");
        // The reader sees the end only when nobody holds the device any more, `command` included.
        drop(command);
        drop(pty.slave);
        let mut keyboard = File::from(pty.master);
        let screen = keyboard.try_clone().expect("a descriptor");
        keyboard.write_all(&self.stdin).expect("typed");
        Running {
            child,
            stdout: Collected::from(screen),
            stderr: None,
            _stdin: Stdin::Terminal(keyboard),
            invocation: self,
        }
    }
}

/// What stands at the other end of standard input.
#[derive(Debug)]
enum Stdin {
    Pipe(JoinHandle<()>),
    Terminal(File),
}

/// Bytes that a thread reads as they come.
#[derive(Debug, Clone)]
struct Collected(Arc<(Mutex<Stream>, Condvar)>);

#[derive(Debug, Default)]
struct Stream {
    bytes: Vec<u8>,
    ended: bool,
}

impl Collected {
    fn from(mut source: impl Read + Send + 'static) -> Self {
        let shared = Self(Arc::new((Mutex::default(), Condvar::new())));
        let ours = shared.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                // A terminal whose device is closed answers EIO rather than an end of file.
                let n = source.read(&mut buffer).unwrap_or(0);
                let (stream, changed) = &*ours.0;
                let mut stream = stream.lock().expect("no panic while it is held");
                stream.bytes.extend_from_slice(&buffer[..n]);
                stream.ended = n == 0;
                changed.notify_all();
                if n == 0 {
                    break;
                }
            }
        });
        shared
    }

    /// Waits until `done` holds or time is up; returns the text and whether it holds.
    fn wait(&self, limit: Duration, done: impl Fn(&str, bool) -> bool) -> (String, bool) {
        let until = Instant::now() + limit;
        let (stream, changed) = &*self.0;
        let mut stream = stream.lock().expect("no panic while it is held");
        loop {
            let text = String::from_utf8_lossy(&stream.bytes).into_owned();
            let holds = done(&text, stream.ended);
            let left = until.saturating_duration_since(Instant::now());
            if holds || left.is_zero() {
                return (text, holds);
            }
            stream = changed
                .wait_timeout(stream, left)
                .expect("no panic while it is held")
                .0;
        }
    }
}

/// A running evmig. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    stdout: Collected,
    stderr: Option<Collected>,
    _stdin: Stdin,
    invocation: Evmig,
}

impl Running {
    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the process list shows of it and of the processes it started.
    pub(crate) fn process_list(&self) -> String {
        let list = Command::new("ps")
            .args(["-A", "-ww", "-o", "pid=,ppid=,args="])
            .output()
            .expect("ps");
        let list = String::from_utf8_lossy(&list.stdout).into_owned();
        let ids = |line: &str| -> Option<(u32, u32)> {
            let mut words = line.split_whitespace();
            Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
        };
        let mut family = vec![self.child.id()];
        // Children may be listed before their parents, so look until nobody new turns up.
        loop {
            let found: Vec<u32> = list
                .lines()
                .filter_map(ids)
                .filter(|(pid, parent)| family.contains(parent) && !family.contains(pid))
                .map(|(pid, _)| pid)
                .collect();
            if found.is_empty() {
                break;
            }
            family.extend(found);
        }
        list.lines()
            .filter(|line| ids(line).is_some_and(|(pid, _)| family.contains(&pid)))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Sends a signal. Where the tests themselves run with SIGINT ignored (a background job of a
    /// shell), a program that leaves it at its default inherits that; one with a handler does not.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("a running child");
    }

    /// Waits until standard error (on a terminal: the screen) holds `text`; returns all of it.
    pub(crate) fn wait_for(&self, text: &str, limit: Duration) -> String {
        let stream = self.stderr.as_ref().unwrap_or(&self.stdout);
        let (said, found) = stream.wait(limit, |said, ended| ended || said.contains(text));
        assert!(
            found && said.contains(text),
            "evmig did not say {text:?} within {limit:?}; it said:\n{said}"
        );
        said
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self, limit: Duration) -> Output {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                break status;
            }
            if started.elapsed() > limit {
                let (stdout, stderr, _) = self.said();
                panic!(
                    "evmig {:?} did not end within {limit:?}\n{stdout}\n--- stderr ---\n{stderr}",
                    self.invocation.args
                );
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let took = started.elapsed();
        let (stdout, stderr, ended) = self.said();
        // `$(evmig db start)` in a shell would hang for as long as the server runs.
        assert!(
            ended,
            "a process that evmig left behind holds its output open"
        );
        let output = Output {
            stdout,
            stderr,
            status,
            took,
            known: self.invocation.known.clone(),
            on_terminal: self.stderr.is_none(),
        };
        output.assert_no_password();
        output
    }

    /// All that was said, and whether both streams have ended.
    fn said(&self) -> (String, String, bool) {
        let limit = Duration::from_secs(5);
        let all = |stream: &Collected| stream.wait(limit, |_, ended| ended);
        let (stdout, stdout_ended) = all(&self.stdout);
        let (stderr, stderr_ended) = self.stderr.as_ref().map_or((String::new(), true), all);
        let ended = stdout_ended && stderr_ended;
        (stdout.replace("\r\n", "\n"), stderr, ended)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only for a child that has been waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What a run said and how it ended.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) took: Duration,
    status: ExitStatus,
    known: Vec<(String, String)>,
    on_terminal: bool,
}

impl Output {
    /// The exit code, or 128 and the signal's number, as a shell tells it.
    pub(crate) fn code(&self) -> i32 {
        self.status
            .code()
            .or_else(|| self.status.signal().map(|signal| 128 + signal))
            .expect("a code or a signal")
    }

    /// Asserts the exit code, showing everything where it differs.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code(), code, "\n{}", self.whole());
        self
    }

    /// Asserts exit code 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.exits(0)
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not JSON: {error}\n{}", self.whole()))
    }

    /// Everything, as `insta` compares it: what differs from run to run is a `$WORD`.
    pub(crate) fn snapshot(&self) -> String {
        normalise(&self.whole(), &self.known)
    }

    /// Also replaces `text` by `word` in the snapshot.
    pub(crate) fn replacing(mut self, text: impl Into<String>, word: &str) -> Self {
        self.known.push((text.into(), word.to_owned()));
        self
    }

    fn whole(&self) -> String {
        let mut text = self.stdout.clone();
        if !self.on_terminal {
            write!(text, "--- stderr ---\n{}", self.stderr).expect("a String takes it");
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        write!(text, "--- exit {} ---", self.code()).expect("a String takes it");
        text
    }

    fn assert_no_password(&self) {
        for text in [&self.stdout, &self.stderr] {
            assert!(!text.contains(PASSWORD), "the password is in: {text}");
        }
    }
}
