//! B82, B83: a server that wants to harm. Each test is a fake server that follows a script; the real binary connects
//! to it, and must end with an error, soon, in little memory, without giving anything away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::harness::{Evmig, Output, Project, Running};

/// The bar: an error within this.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);

/// How much memory evmig may take, in KiB. An idle run of a debug build takes a quarter of it.
pub(crate) const MEMORY: u64 = 128 * 1024;

/// In the file that nobody may ever get.
const DATA: &str = "sEcReT-DaTa";

const PASSWORD: &str = "cAnArY-pAsSwOrD";

/// A server that runs `script` for each connection, and keeps what clients sent.
struct Fake {
    port: u16,
    received: Arc<Mutex<Vec<u8>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The server's end of a connection.
struct Session {
    stream: TcpStream,
    received: Arc<Mutex<Vec<u8>>>,
    stop: Arc<AtomicBool>,
}

impl Fake {
    fn start(script: impl Fn(&mut Session) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let (received, stop) = (
            Arc::new(Mutex::new(Vec::new())),
            Arc::new(AtomicBool::new(false)),
        );
        let (kept, stopped) = (Arc::clone(&received), Arc::clone(&stop));
        let script = Arc::new(script);
        let thread = std::thread::spawn(move || {
            let mut sessions = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                let Ok((stream, _)) = listener.accept() else {
                    std::thread::sleep(Duration::from_millis(2));
                    continue;
                };
                stream.set_nonblocking(false).unwrap();
                stream
                    .set_read_timeout(Some(Duration::from_secs(20)))
                    .unwrap();
                stream
                    .set_write_timeout(Some(Duration::from_secs(20)))
                    .unwrap();
                let mut session = Session {
                    stream,
                    received: Arc::clone(&kept),
                    stop: Arc::clone(&stopped),
                };
                let script = Arc::clone(&script);
                sessions.push(std::thread::spawn(move || {
                    // Long enough to be seen: a process that is gone has no memory to look at.
                    std::thread::sleep(Duration::from_millis(50));
                    script(&mut session);
                }));
            }
            for session in sessions {
                session.join().unwrap();
            }
        });
        Self {
            port,
            received,
            stop,
            thread: Some(thread),
        }
    }

    /// Runs `evmig apply` of one file with COPY data against it, and returns its peak memory in KiB.
    fn attack(&self) -> (Output, u64) {
        let project = Project::one_phase().migration(
            "V1__t",
            &format!("create table t (a text);\ncopy t from stdin;\n{DATA}\n\\.\n"),
        );
        self.attack_with(&project, "apply --yes")
    }

    fn attack_with(&self, project: &Project, words: &str) -> (Output, u64) {
        let running = Evmig::new(project, words)
            .env("PGPASSWORD", PASSWORD)
            .arg("--database-url")
            .arg(format!(
                "postgresql://u@127.0.0.1:{}/d?sslmode=disable&connect_timeout=3",
                self.port
            ))
            .spawn();
        watched(running, LIMIT * 6)
    }

    /// Asserts the promises that every attack must leave whole, and returns what was said.
    #[track_caller]
    fn is_survived(&self, name: &str) -> Output {
        let (output, peak) = in_time(LIMIT, || self.attack());
        let all = format!("{}{}", output.stdout, output.stderr);
        assert!(output.took < LIMIT, "{name}: {:?}\n{all}", output.took);
        assert!(peak > 0 && peak < MEMORY, "{name}: {peak} KiB");
        assert_ne!(output.code(), 0, "{name}: {all}");
        assert!(output.code() < 128, "{name}: {}: {all}", output.code());
        assert!(!all.contains("panicked"), "{name}: {all}");
        assert!(!all.contains(PASSWORD), "{name}: {all}");
        assert!(!self.has_received(DATA), "{name}: the file was sent");
        assert_harmless(name, &all);
        output
    }

    fn has_received(&self, text: &str) -> bool {
        let received = self.received.lock().unwrap();
        received
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    }
}

/// Attacks until evmig has ended in time, three times at most: once the machine may have been busy with other tests,
/// and what hangs or reads on without end does so each time.
pub(crate) fn in_time(limit: Duration, attack: impl Fn() -> (Output, u64)) -> (Output, u64) {
    let mut seen = attack();
    for _ in 0..2 {
        if seen.0.took < limit {
            break;
        }
        eprintln!("{:?}: once more", seen.0.took);
        seen = attack();
    }
    seen
}

/// Waits for the end, and returns the peak of its memory in KiB.
pub(crate) fn watched(running: Running, limit: Duration) -> (Output, u64) {
    let status = format!("/proc/{}/status", running.pid());
    let (watched, done) = (Arc::new(Mutex::new(0)), Arc::new(AtomicBool::new(false)));
    let (peak, end) = (Arc::clone(&watched), Arc::clone(&done));
    let watcher = std::thread::spawn(move || {
        while !end.load(Ordering::Relaxed) {
            let status = std::fs::read_to_string(&status).unwrap_or_default();
            let line = status.lines().find(|line| line.starts_with("VmHWM:"));
            let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
            if let Some(kib) = kib {
                *peak.lock().unwrap() = kib;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let output = running.finish(limit);
    done.store(true, Ordering::Relaxed);
    watcher.join().unwrap();
    let peak = *watched.lock().unwrap();
    (output, peak)
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A session that failed has said so on standard error.
            thread.join().ok();
        }
    }
}

impl Session {
    fn read(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).ok()?;
        self.received.lock().unwrap().extend_from_slice(&bytes);
        Some(bytes)
    }

    /// Reads the startup message.
    fn startup(&mut self) {
        if let Some(length) = self.read(4) {
            let length = u32::from_be_bytes(length.try_into().unwrap()) as usize;
            self.read(length - 4);
        }
    }

    /// Reads one message; `None` where the client has gone.
    fn message(&mut self) -> Option<(u8, Vec<u8>)> {
        let header = self.read(5)?;
        let length = u32::from_be_bytes(header[1..].try_into().unwrap()) as usize;
        Some((header[0], self.read(length - 4)?))
    }

    /// Sends bytes; a client that has gone has had enough.
    fn send(&mut self, bytes: &[u8]) -> bool {
        !self.stop.load(Ordering::Relaxed) && self.stream.write_all(bytes).is_ok()
    }

    /// Logs in without a password.
    fn log_in(&mut self) {
        self.startup();
        self.send(&hello());
    }

    /// Logs in and reads the first question, the one about the server.
    fn until_asked(&mut self) {
        self.log_in();
        self.message();
    }

    /// Holds the connection open until the client closes it.
    fn wait(&mut self) {
        while !self.stop.load(Ordering::Relaxed) && self.message().is_some() {}
    }

    /// Sends the same again and again.
    fn flood(&mut self, bytes: &[u8]) {
        let many = bytes.repeat(1 + 65_536 / bytes.len().max(1));
        while self.send(&many) {}
    }
}

pub(crate) fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    with_length(tag, body.len() as i32 + 4, body)
}

/// A message that lies about its length.
fn with_length(tag: u8, length: i32, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend(length.to_be_bytes());
    bytes.extend(body);
    bytes
}

fn authentication(code: u32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&code.to_be_bytes(), rest].concat())
}

fn hello() -> Vec<u8> {
    [
        authentication(0, b""),
        message(b'S', b"server_version\x0015.1\x00"),
        message(b'S', b"client_encoding\x00UTF8\x00"),
        message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]),
        message(b'Z', b"I"),
    ]
    .concat()
}

pub(crate) fn report(tag: u8, text: &str) -> Vec<u8> {
    let fields = format!("SERROR\0VERROR\0C42P01\0M{text}\0D{text}\0H{text}\0W{text}\0\0");
    message(tag, fields.as_bytes())
}

pub(crate) fn columns(names: &[&str]) -> Vec<u8> {
    let mut body = (names.len() as u16).to_be_bytes().to_vec();
    for name in names {
        body.extend(name.as_bytes());
        body.extend([0; 10]);
        body.extend([25, 255, 255, 255, 255, 255, 255, 0, 0]);
    }
    message(b'T', &body)
}

pub(crate) fn row(values: &[Option<&str>]) -> Vec<u8> {
    let mut body = (values.len() as u16).to_be_bytes().to_vec();
    for value in values {
        let length = value.map_or(-1, |value| value.len() as i32);
        body.extend(length.to_be_bytes());
        body.extend(value.unwrap_or_default().as_bytes());
    }
    message(b'D', &body)
}

fn done() -> Vec<u8> {
    [message(b'C', b"SELECT 1\0"), message(b'Z', b"I")].concat()
}

/// Asserts that a terminal or a CI system would obey nothing of this.
#[track_caller]
fn assert_harmless(name: &str, text: &str) {
    let obeyed = |c: char| evmig::report::sanitize::is_unsafe(c);
    assert!(!text.contains(obeyed), "{name}: {text:?}");
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("::"), "{name}: {line:?}");
        for command in ["##[", "##vso[", "##teamcity["] {
            assert!(!line.contains(command), "{name}: {line:?}");
        }
    }
}

#[test]
fn b82_lengths_that_cannot_be() {
    for (name, length) in [
        ("2 GiB", 0x7fff_ffff),
        ("negative", -1),
        ("least", i32::MIN),
        ("below 4", 3),
        ("zero", 0),
    ] {
        for tag in *b"RNEDTCSZK1" {
            let name = format!("{name}, {} while logging in", char::from(tag));
            let fake = Fake::start(move |session| {
                session.startup();
                session.send(&with_length(tag, length, b""));
                session.wait();
            });
            fake.is_survived(&name);
        }
        for tag in *b"NEDTCS" {
            let name = format!("{name}, {} when ready", char::from(tag));
            let fake = Fake::start(move |session| {
                session.until_asked();
                session.send(&with_length(tag, length, b""));
                session.wait();
            });
            fake.is_survived(&name);
        }
    }
}

#[test]
fn b82_a_long_message_that_never_ends() {
    for tag in *b"ENDTSdVA" {
        let fake = Fake::start(move |session| {
            session.until_asked();
            session.send(&with_length(tag, 0x3fff_0000, b""));
            session.flood(b"x");
        });
        fake.is_survived(&format!("endless {}", char::from(tag)));
    }
}

#[test]
fn b82_rows_that_do_not_fit_their_columns() {
    let short = [message(b'D', &[0, 9, 0, 0]), message(b'D', &[])];
    let beyond = message(b'D', &[0, 1, 0x7f, 0xff, 0xff, 0xff, b'x']);
    let negative = message(b'D', &[0, 1, 0x80, 0, 0, 0]);
    for (name, answer) in [
        ("short row", short[0].clone()),
        ("empty row", short[1].clone()),
        ("value beyond the row", beyond),
        ("negative value", negative),
        ("more values", row(&[Some("1"), Some("2"), None])),
        ("no values", row(&[])),
        ("no UTF-8", message(b'D', &[0, 1, 0, 0, 0, 1, 0xff])),
        (
            "columns beyond the message",
            message(b'T', &[0xff, 0xff, b'a', 0]),
        ),
        ("an unnamed column", message(b'T', &[0, 1])),
    ] {
        for described in [true, false] {
            let answer = answer.clone();
            let fake = Fake::start(move |session| {
                session.until_asked();
                if described {
                    session.send(&columns(&["version_num"]));
                }
                session.send(&[answer.clone(), done(), done()].concat());
                session.wait();
            });
            fake.is_survived(name);
        }
    }
}

#[test]
fn b82_floods_while_logging_in_end_with_an_error() {
    let long = "x".repeat(30_000);
    for (name, bytes) in [
        ("short notices", report(b'N', "n")),
        ("long notices", report(b'N', &long[..15_000])),
        ("settings", message(b'S', b"a\0b\0")),
        (
            "long settings",
            message(b'S', format!("a\0{long}\0").as_bytes()),
        ),
        ("keys", message(b'K', &[0; 8])),
        ("authentication ok", authentication(0, b"")),
        ("negotiations", message(b'v', &[0, 3, 0, 0, 0, 0, 0, 0])),
    ] {
        let fake = Fake::start(move |session| {
            session.startup();
            session.send(&authentication(0, b""));
            session.flood(&bytes);
        });
        fake.is_survived(name);
    }
}

#[test]
fn b82_floods_instead_of_an_answer_end_with_an_error() {
    let long = "x".repeat(60_000);
    let strange = (0..2_000)
        .flat_map(|at| {
            message(
                b'S',
                format!("made.up_{at}\0{}\0", &long[..20_000]).as_bytes(),
            )
        })
        .collect();
    for (name, bytes) in [
        ("notices", report(b'N', "n")),
        ("long notices", report(b'N', &long)),
        ("settings", message(b'S', b"a\0b\0")),
        ("other settings", strange),
        ("notifications", message(b'A', b"\0\0\0\x01a\0b\0")),
        ("rows", row(&[Some("1")])),
        ("empty results", message(b'C', b"SELECT 0\0")),
        ("descriptions", columns(&["a"])),
    ] {
        let fake = Fake::start(move |session| {
            session.until_asked();
            session.flood(&bytes);
        });
        fake.is_survived(name);
    }
}

/// What the client's SCRAM message says after `r=`.
fn client_nonce(session: &mut Session) -> String {
    session.startup();
    session.send(&authentication(10, b"SCRAM-SHA-256\0\0"));
    let (_, body) = session.message().expect("the first SCRAM message");
    let text = String::from_utf8_lossy(&body).into_owned();
    text.split("r=").nth(1).expect("a nonce").to_owned()
}

#[test]
fn b82_scram_costs_no_more_than_it_should() {
    for iterations in [
        "1000000000",
        "4294967295",
        "99999999999999999999",
        "-1",
        "0",
        "x",
        "",
    ] {
        let fake = Fake::start(move |session| {
            let nonce = client_nonce(session);
            let first = format!("r={nonce}server,s=c2FsdHNhbHRzYWx0,i={iterations}");
            session.send(&authentication(11, first.as_bytes()));
            session.wait();
        });
        fake.is_survived(&format!("{iterations} iterations"));
    }
}

#[test]
fn b82_scram_proves_the_server_too() {
    // A nonce that does not extend ours was made for somebody else's login.
    let fake = Fake::start(|session| {
        client_nonce(session);
        let first = "r=somebody-elses-nonce,s=c2FsdHNhbHRzYWx0,i=4096";
        session.send(&authentication(11, first.as_bytes()));
        session.wait();
    });
    let output = fake.is_survived("another nonce");
    assert_eq!(output.code(), 5, "{}", output.stderr);
    // Whoever does not know the password cannot sign.
    for last in [
        "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "v=",
        "e=other-error",
        "x",
    ] {
        let fake = Fake::start(move |session| {
            let nonce = client_nonce(session);
            let first = format!("r={nonce}server,s=c2FsdHNhbHRzYWx0,i=4096");
            session.send(&authentication(11, first.as_bytes()));
            session.message();
            session.send(&authentication(12, last.as_bytes()));
            session.send(&hello());
            session.wait();
        });
        let output = fake.is_survived(&format!("signature {last}"));
        assert_eq!(output.code(), 5, "{}", output.stderr);
        assert!(!fake.has_received("select"), "it went on");
    }
}

/// Only the data of a `COPY` that evmig itself has sent may go to the server, and only then.
#[test]
fn b82_nothing_is_sent_to_a_server_that_asks_by_itself() {
    let copy = |tag| message(tag, &[0, 0, 1, 0, 0]);
    for (name, bytes) in [
        ("CopyIn", copy(b'G')),
        ("CopyOut", copy(b'H')),
        ("CopyBoth", copy(b'W')),
        ("CopyData", message(b'd', b"data")),
        ("CopyDone", message(b'c', b"")),
        ("CopyIn twice", [copy(b'G'), copy(b'G')].concat()),
        ("an unknown message", message(b'!', b"?")),
        ("a function's result", message(b'V', &[0, 0, 0, 1, b'x'])),
    ] {
        for (when, ready) in [("while logging in", false), ("instead of an answer", true)] {
            let bytes = bytes.clone();
            let fake = Fake::start(move |session| {
                if ready {
                    session.until_asked();
                } else {
                    session.startup();
                    session.send(&authentication(0, b""));
                }
                session.send(&[bytes.clone(), message(b'Z', b"I")].concat());
                session.wait();
            });
            fake.is_survived(&format!("{name} {when}"));
        }
    }
}

#[test]
fn b82_silence_costs_no_more_than_the_time_limit() {
    let fake = Fake::start(|session| {
        session.startup();
        session.send(&authentication(0, b""));
        session.wait();
    });
    let output = fake.is_survived("silence after the login");
    assert!(output.stderr.contains("logging in"), "{}", output.stderr);
    let fake = Fake::start(|session| {
        session.until_asked();
        session.wait();
    });
    fake.is_survived("silence instead of an answer");
}

/// libpq sends a password in clear where the server asks for it, unless `require_auth` forbids it; so does evmig, but it
/// is the password of this connection and nothing else. Methods that evmig does not have get nothing.
#[test]
fn b82_what_a_server_gets_that_asks_for_a_password() {
    for (code, rest, gets) in [
        (3, &b""[..], true),
        (5, b"salt", false),
        (2, b"", false),
        (7, b"", false),
        (9, b"", false),
        (10, b"PLAIN\0\0", false),
        (10, b"\0", false),
        (99, b"", false),
    ] {
        let request = authentication(code, rest);
        let fake = Fake::start(move |session| {
            session.startup();
            session.send(&request);
            session.message();
        });
        fake.is_survived(&format!("authentication {code}"));
        assert_eq!(fake.has_received(PASSWORD), gets, "authentication {code}");
    }
}

/// What terminals and CI systems obey. No text of a server, a file or a name may carry it through.
fn payloads() -> Vec<String> {
    let escapes = [
        "\x1b[2J",
        "\x1b[31mred",
        "\x1b[1A\x1b[2K",
        "\x1b]0;title\x07",
        "\x1b]52;c;cm0gLXJm\x07",
        "\x1b]52;c;!\x1b\\",
        "\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\",
        "\x1bP+q544e\x1b\\",
        "\x1b_payload\x1b\\",
        "\x1b^pm\x1b\\",
        "\x1bX\x1b\\",
        "\x1bc",
        "\x1b7\x1b8",
        "\x1b(0",
        "\x1b[?1049h",
        "\x1b[?25l",
        "\x1b[6n",
        "\x1b[c",
        "\x1b[21t",
        "\x1b]4;1;?\x07",
        "\x1b]11;?\x1b\\",
        "\x1b]1337;File=inline=1:AAAA\x07",
        "\x1b[8m hidden",
        "\x1b#8",
        "\x1b[!p",
        "\x1b]50;x\x07",
        "\u{9b}31mred",
        "\u{9d}0;title\u{9c}",
        "\u{90}x\u{9c}",
        "\u{9e}x\u{9c}",
        "\u{85}next",
        "\u{84}",
        "\u{8d}up",
        "\rerased",
        "a\x08\x08b",
        "\x07bell",
        "\x0bvertical",
        "\x0cform",
        "\x7fdelete",
        "\x0eshift",
        "\x0fshift",
        "\x05enq",
        "\u{202e}gnp.exe",
        "\u{202a}a\u{202c}",
        "\u{202b}a",
        "\u{202d}a",
        "\u{2066}a\u{2069}",
        "\u{2067}a",
        "\u{2068}a",
        "\u{200e}a",
        "\u{200f}a",
        "\u{61c}a",
        "\u{2028}line",
        "\u{2029}paragraph",
    ];
    let commands = [
        "::set-output name=x::y",
        "::add-mask::x",
        "::stop-commands::x",
        "::error file=a::b",
        "  ::warning::x",
        "##[set-env name=PATH]x",
        "##[error]x",
        "##vso[task.setvariable variable=x]y",
        "##teamcity[buildStatus text='x']",
        "\t::group::x",
    ];
    let lines = commands
        .iter()
        .map(|command| format!("first\n{command}\r\n{command}"));
    let alone = commands.iter().map(|command| (*command).to_owned());
    escapes
        .iter()
        .map(|text| (*text).to_owned())
        .chain(lines)
        .chain(alone)
        .collect()
}

#[test]
fn b83_errors_and_notices_of_a_server_are_harmless() {
    let payloads = payloads();
    assert!(payloads.len() >= 60, "{}", payloads.len());
    // All in one answer, each as a notice of its own, and in every field of an error.
    for chunk in payloads.chunks(8).map(<[String]>::to_vec) {
        let text = chunk.join("\n");
        let (logging_in, asked) = (chunk.clone(), chunk.clone());
        let all = text.clone();
        let fake = Fake::start(move |session| {
            session.startup();
            for notice in &logging_in {
                session.send(&report(b'N', notice));
            }
            session.send(&report(b'E', &all));
        });
        fake.is_survived("an error while logging in");
        let all = text.clone();
        let fake = Fake::start(move |session| {
            session.until_asked();
            for notice in &asked {
                session.send(&report(b'N', notice));
            }
            session.send(&[report(b'E', &all), message(b'Z', b"I")].concat());
            session.wait();
        });
        fake.is_survived("an error instead of an answer");
        on_a_terminal(&fake);
    }
}

/// The same on a terminal, where evmig's own colours are the only escapes.
#[track_caller]
fn on_a_terminal(fake: &Fake) {
    let project = Project::one_phase().migration("V1__t", "select 1");
    let output = Evmig::new(&project, "apply --yes")
        .terminal(100)
        .arg("--database-url")
        .arg(format!(
            "postgresql://u@127.0.0.1:{}/d?sslmode=disable",
            fake.port
        ))
        .run();
    let codes =
        regex::Regex::new("\x1b\\[[0-9;]*m|\x1b\\[[0-9]*[KJG]|\x1b\\[\\?25[hl]|\r").unwrap();
    // A terminal knows no commands of CI systems.
    let shown = codes.replace_all(&output.stdout, "");
    assert!(
        !shown.contains(evmig::report::sanitize::is_unsafe),
        "{shown:?}"
    );
}

/// Names in files and on the command line are foreign text too.
#[test]
fn b83_names_of_files_and_databases_are_harmless() {
    let fake = Fake::start(|session| {
        session.startup();
        session.send(&report(b'E', "no"));
    });
    for payload in payloads() {
        let encoded = payload
            .bytes()
            .fold(String::new(), |text, byte| format!("{text}%{byte:02x}"));
        let project = Project::one_phase()
            .migration("V1__t", &format!("select '{payload}"))
            .migration("V2__u", "select 1");
        let name = payload.replace('/', "-");
        project.write(
            &format!("migrations/1_core/1_tables/V3__{name}.sql"),
            "select 1",
        );
        for words in ["apply --yes", "status", "config"] {
            let output = Evmig::new(&project, words).run();
            assert_harmless(&payload, &format!("{}{}", output.stdout, output.stderr));
        }
        let project = Project::one_phase().migration("V1__t", "select 1");
        let output = Evmig::new(&project, "apply --yes")
            .arg("--database-url")
            .arg(format!(
                "postgresql://{encoded}@127.0.0.1:{}/{encoded}?application_name={encoded}&sslmode=disable",
                fake.port
            ))
            .run();
        assert_harmless(&payload, &format!("{}{}", output.stdout, output.stderr));
    }
}
