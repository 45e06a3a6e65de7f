//! A proxy between evmig and its server that reads the protocol, numbers the messages of all
//! connections and both directions in one order, and does harm at one of them.
//!
//! ```ignore
//! let proxy = Proxy::start(&database, Some(Plan { at: At::Message(37), fault: Fault::Cut }));
//! let running = Evmig::new(&project, "apply").on(&proxy.target()).spawn();
//! proxy.belongs_to(running.pid());       // for Kill and Stop
//! let output = running.finish(LIMIT);
//! proxy.struck();                        // the message it happened at; None: it never came
//! proxy.count();                         // messages in all
//! ```
//!
//! A session that asks for TLS is told "no" by the test servers; were it granted, the proxy could
//! read nothing more and panics. Small threads, two for each connection; nothing needs root.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use socket2::SockRef;

use super::database::Target;
use super::wire::{Frame, Framer, Opening, Side};

/// How long the server may take to answer what `Ack` forwards.
const ACK_PATIENCE: Duration = Duration::from_secs(5);

/// What happens at the message.
#[derive(Clone)]
pub(crate) enum Fault {
    /// SIGKILL to the tool; the message and all behind it are lost.
    Kill,
    /// SIGSTOP, and SIGCONT after this time; what comes meanwhile is delivered.
    Stop(Duration),
    /// The connection ends in order before the message is sent.
    Cut,
    /// A message of the client reaches the server, which answers it; the answer is lost and the
    /// connection ends. A message of the server is lost likewise.
    Ack,
    /// The connection is reset, in both directions.
    Rst,
    /// From now on every message of every connection, new ones too, is swallowed.
    Hole,
    /// The message comes this much later.
    Slow(Duration),
    /// One bit of this message, or of the server's next that has it, is flipped: in its type (byte
    /// 0) or its body (from 1, counted round and round).
    Garble { byte: usize, bit: u32 },
    /// The message is lost. The client gets `first` for an answer, and behind it `again` for as long
    /// as it listens.
    Flood { first: Vec<u8>, again: Vec<u8> },
    /// The proxy waits for this to return, then goes on.
    Do(Arc<dyn Fn(&Moment) + Send + Sync>),
}

/// Which message it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum At {
    /// The k-th of all, from 1.
    Message(u64),
    /// The first text of the client with these words.
    Text(&'static str),
    /// The server's n-th, from 1.
    Answer(u64),
    /// The n-th, from 1, that makes the server commit: a text that ends in `COMMIT`, or the `Sync`
    /// behind one.
    Commit(u64),
}

/// One fault of one run.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) at: At,
    pub(crate) fault: Fault,
}

/// Where the fault struck.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    /// The message's number.
    pub(crate) number: u64,
    /// When.
    pub(crate) at: Instant,
    /// What it was.
    pub(crate) message: String,
    /// The first backend that the tool had a session on, which is the one that works.
    pub(crate) backend: Option<i32>,
}

/// A running proxy; dropping it ends every connection.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
    target: Target,
}

struct Shared {
    plan: Option<Plan>,
    server: (String, u16),
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    seen: u64,
    answers: u64,
    commits: u64,
    pid: Option<u32>,
    backend: Option<i32>,
    /// The message came; one that suits the fault may still be to come.
    due: bool,
    struck: Option<Moment>,
    holed: bool,
    closed: bool,
    log: Vec<String>,
    connections: Vec<Arc<Link>>,
}

/// The two sockets of one connection.
struct Link {
    client: TcpStream,
    server: TcpStream,
    state: Mutex<LinkState>,
    changed: Condvar,
}

#[derive(Default)]
struct LinkState {
    /// Whether the server's next byte answers a request for TLS.
    tls_asked: bool,
    /// The startup packet asks for a `ReadyForQuery` too.
    asked: u64,
    ready: u64,
    /// The last request was a `Sync`.
    extended: bool,
    /// A `Parse` that commits came, and its `Sync` did not yet.
    commit_parsed: bool,
    /// Answers are lost.
    mute: bool,
}

/// What is done with a message.
#[derive(Debug, PartialEq)]
enum Verdict {
    Forward,
    Swallow,
    /// Forward it, wait for the answer, and end the connection.
    ForwardAndEnd,
    End,
    Reset,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// Listens on a loopback port for sessions with the target's server.
    pub(crate) fn start(target: &Target, plan: Option<Plan>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free loopback port");
        let port = listener.local_addr().expect("bound").port();
        let shared = Arc::new(Shared {
            plan,
            server: (target.host.clone(), target.port),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let ours = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if lock(&ours.state).closed {
                    break;
                }
                Shared::accept(&ours, client);
            }
        });
        let target = Target {
            port,
            socket_directory: None,
            ..target.clone()
        };
        Self { shared, target }
    }

    /// How the database is reached through the proxy.
    pub(crate) fn target(&self) -> Target {
        self.target.clone()
    }

    /// Says which process `Kill` and `Stop` mean; they wait for this.
    pub(crate) fn belongs_to(&self, pid: u32) {
        lock(&self.shared.state).pid = Some(pid);
        self.shared.changed.notify_all();
    }

    /// Where the fault struck, if it did.
    pub(crate) fn struck(&self) -> Option<Moment> {
        lock(&self.shared.state).struck.clone()
    }

    /// How many messages there were.
    pub(crate) fn count(&self) -> u64 {
        lock(&self.shared.state).seen
    }

    /// How many of them were the server's.
    pub(crate) fn answers(&self) -> u64 {
        lock(&self.shared.state).answers
    }

    /// How many of them made the server commit.
    pub(crate) fn commits(&self) -> u64 {
        lock(&self.shared.state).commits
    }

    /// The messages in their order: number, connection, side, type, SQL.
    pub(crate) fn log(&self) -> Vec<String> {
        lock(&self.shared.state).log.clone()
    }

    /// Ends every connection, as a network does that gives up on them.
    pub(crate) fn close(&self) {
        lock(&self.shared.state).closed = true;
        self.end_all();
        // Wakes the listener, which then sees that it is over.
        drop(TcpStream::connect(("127.0.0.1", self.target.port)));
    }
}

impl Proxy {
    /// Lets new connections through again, and forgets those that were cut off.
    pub(crate) fn heal(&self) {
        lock(&self.shared.state).holed = false;
        self.end_all();
    }

    fn end_all(&self) {
        let connections = std::mem::take(&mut lock(&self.shared.state).connections);
        for link in connections {
            link.end(false);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.close();
    }
}

impl Link {
    /// Ends both halves: in order, or by a reset, which a socket sends that is closed with a
    /// linger time of zero.
    fn end(&self, reset: bool) {
        for socket in [&self.client, &self.server] {
            let how = if reset {
                SockRef::from(socket)
                    .set_linger(Some(Duration::ZERO))
                    .expect("our own socket");
                Shutdown::Read
            } else {
                Shutdown::Both
            };
            // It fails where the other side was faster.
            socket.shutdown(how).ok();
        }
        self.changed.notify_all();
    }

    fn socket_to(&self, side: Side) -> &TcpStream {
        match side {
            Side::Front => &self.server,
            Side::Back => &self.client,
        }
    }

    /// Waits until the server has answered all that it was asked.
    fn wait_for_answers(&self) {
        let until = Instant::now() + ACK_PATIENCE;
        let mut state = lock(&self.state);
        while state.ready < state.asked {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, client: TcpStream) {
        let (host, port) = (self.server.0.as_str(), self.server.1);
        // A server that is down looks like one that closes at once.
        let Ok(server) = TcpStream::connect((host, port)) else {
            return;
        };
        for socket in [&client, &server] {
            socket.set_nodelay(true).ok();
        }
        let link = Arc::new(Link {
            client,
            server,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let number = {
            let mut state = lock(&self.state);
            state.connections.push(Arc::clone(&link));
            state.connections.len()
        };
        for side in [Side::Front, Side::Back] {
            let (shared, link) = (Arc::clone(self), Arc::clone(&link));
            std::thread::spawn(move || shared.relay(&link, side, number));
        }
    }

    /// Carries one direction to its end, then ends the other.
    fn relay(&self, link: &Arc<Link>, side: Side, connection: usize) {
        let mut source = match side {
            Side::Front => &link.client,
            Side::Back => &link.server,
        };
        let mut framer = Framer::new(side);
        let mut buffer = vec![0; 64 << 10];
        let mut reset = false;
        'whole: while let Ok(n @ 1..) = source.read(&mut buffer) {
            framer.push(&buffer[..n]);
            loop {
                let tls_asked = lock(&link.state).tls_asked;
                let Some(mut frame) = framer.next(tls_asked) else {
                    break;
                };
                match self.carry(link, &mut frame, connection) {
                    Verdict::Forward | Verdict::Swallow => {}
                    Verdict::ForwardAndEnd => {
                        // What is no request of its own is only on its way for a moment.
                        if frame.asks_for_ready() {
                            link.wait_for_answers();
                        } else {
                            std::thread::sleep(Duration::from_millis(20));
                        }
                        break 'whole;
                    }
                    Verdict::End => break 'whole,
                    Verdict::Reset => {
                        reset = true;
                        break 'whole;
                    }
                }
            }
        }
        // Whoever is cut off from the net does not hear that the other end has gone.
        let cut_off = lock(&self.state).holed;
        if !cut_off {
            link.end(reset);
            lock(&self.state)
                .connections
                .retain(|other| !Arc::ptr_eq(other, link));
        }
    }

    /// Decides about a message and sends it on, if it is.
    fn carry(&self, link: &Link, frame: &mut Frame, connection: usize) -> Verdict {
        let verdict = self.judge(link, frame, connection);
        let forwarded = matches!(verdict, Verdict::Forward | Verdict::ForwardAndEnd);
        let lost = {
            let mut state = lock(&link.state);
            match frame.opening() {
                Some(Opening::Tls) => state.tls_asked = true,
                Some(Opening::Startup) => state.asked += 1,
                _ => {}
            }
            if frame.side == Side::Back {
                if state.tls_asked {
                    assert_ne!(
                        frame.bytes, b"S",
                        "the proxy cannot read encrypted sessions"
                    );
                }
                state.tls_asked = false;
            }
            state.asked += u64::from(frame.asks_for_ready() && forwarded);
            state.ready += u64::from(frame.is_ready());
            // In the extended protocol the `Sync` behind the `Execute` of a COPY is not answered.
            if frame.side == Side::Front && matches!(frame.tag, b'Q' | b'S') {
                state.extended = frame.tag == b'S';
            } else if frame.side == Side::Back && frame.tag == b'G' && state.extended {
                state.asked -= 1;
            }
            if verdict == Verdict::ForwardAndEnd {
                state.mute = true;
            }
            state.mute && frame.side == Side::Back
        };
        link.changed.notify_all();
        if forwarded && !lost {
            let mut socket = link.socket_to(frame.side);
            if socket.write_all(&frame.bytes).is_err() && verdict == Verdict::Forward {
                return Verdict::End;
            }
        }
        verdict
    }

    /// Numbers a message, and strikes if it is the one.
    fn judge(&self, link: &Link, frame: &mut Frame, connection: usize) -> Verdict {
        let (strikes, moment) = {
            let mut state = lock(&self.state);
            if state.holed {
                return Verdict::Swallow;
            }
            state.seen += 1;
            let number = state.seen;
            let answers = frame.side == Side::Back;
            state.answers += u64::from(answers);
            state.backend = state.backend.or_else(|| frame.backend_pid());
            state
                .log
                .push(format!("{number} c{connection} {}", frame.summary()));
            let commits = is_commit(&mut lock(&link.state), frame);
            state.commits += u64::from(commits);
            state.due |= match self.plan.as_ref().map(|plan| plan.at) {
                None => false,
                Some(At::Message(at)) => number >= at,
                Some(At::Text(words)) => frame.sql().is_some_and(|sql| sql.contains(words)),
                Some(At::Answer(at)) => answers && state.answers >= at,
                Some(At::Commit(at)) => commits && state.commits == at,
            };
            let moment = Moment {
                number,
                at: Instant::now(),
                message: frame.summary(),
                backend: state.backend,
            };
            let strikes = state.due && state.struck.is_none() && self.suits(frame);
            if strikes {
                state.struck = Some(moment.clone());
            }
            (strikes, moment)
        };
        match &self.plan {
            Some(plan) if strikes => self.strike(&plan.fault, link, frame, &moment),
            _ => Verdict::Forward,
        }
    }

    /// Only what the server says can be garbled: a server that obeys garbled orders proves nothing.
    fn suits(&self, frame: &Frame) -> bool {
        match self.plan.as_ref().map(|plan| &plan.fault) {
            Some(Fault::Garble { byte, .. }) => {
                frame.side == Side::Back && (*byte == 0 || frame.bytes.len() > 5)
            }
            _ => true,
        }
    }

    fn strike(&self, fault: &Fault, link: &Link, frame: &mut Frame, moment: &Moment) -> Verdict {
        match fault {
            Fault::Kill => {
                self.signal(Signal::SIGKILL);
                Verdict::End
            }
            Fault::Stop(time) => {
                self.signal(Signal::SIGSTOP);
                let (pid, time) = (self.pid(), *time);
                std::thread::spawn(move || {
                    std::thread::sleep(time);
                    kill(pid, Signal::SIGCONT).ok();
                });
                Verdict::Forward
            }
            Fault::Cut => Verdict::End,
            Fault::Ack if frame.side == Side::Back => Verdict::End,
            Fault::Ack => Verdict::ForwardAndEnd,
            Fault::Rst => Verdict::Reset,
            Fault::Hole => {
                lock(&self.state).holed = true;
                Verdict::Swallow
            }
            Fault::Slow(time) => {
                std::thread::sleep(*time);
                Verdict::Forward
            }
            Fault::Garble { byte, bit } => {
                // Its length stays: one that promises more than comes is silence, which `Hole` is.
                let at = match byte.checked_sub(1) {
                    None => 0,
                    Some(byte) => 5 + byte % (frame.bytes.len() - 5),
                };
                frame.bytes[at] ^= 1 << (bit % 8);
                Verdict::Forward
            }
            Fault::Flood { first, again } => {
                link.wait_for_answers();
                flood(&link.client, first, again);
                Verdict::End
            }
            Fault::Do(action) => {
                action(moment);
                Verdict::Forward
            }
        }
    }

    /// The tool's process, once the test has said which it is.
    fn pid(&self) -> Pid {
        let mut state = lock(&self.state);
        loop {
            if let Some(pid) = state.pid {
                return Pid::from_raw(pid.cast_signed());
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn signal(&self, signal: Signal) {
        // It may have ended by itself a moment ago.
        kill(self.pid(), signal).ok();
    }
}

/// Writes until nobody listens any more.
fn flood(mut client: &TcpStream, first: &[u8], again: &[u8]) {
    // The last of what the server has said before is being written by the other thread.
    std::thread::sleep(Duration::from_millis(20));
    let many = again.repeat(1 + 65_536 / again.len());
    let mut goes_on = client.write_all(first).is_ok();
    while goes_on {
        goes_on = client.write_all(&many).is_ok();
    }
}

/// Whether a message makes the server commit: a text, or the `Sync` behind a `Parse`.
fn is_commit(state: &mut LinkState, frame: &Frame) -> bool {
    match (frame.side, frame.tag) {
        (Side::Front, b'Q') => frame.commits(),
        (Side::Front, b'P') => {
            state.commit_parsed |= frame.commits();
            false
        }
        (Side::Front, b'S') => std::mem::take(&mut state.commit_parsed),
        _ => false,
    }
}
