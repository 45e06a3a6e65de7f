//! The byte stream of a session, with an eye on what the server says.
//!
//! The driver hides the backend's key, tells a missing password only by its prose, and keeps
//! whatever a server sends: a message until its end, every setting it reports. So the stream reads
//! along: it notes the key and the authentication request while the session starts, and bounds how
//! much may arrive, then and later (faults.md B82). TLS is started before the driver sees the stream, since libpq's six modes do not fit the
//! driver's three.

use std::collections::HashSet;
use std::convert::Infallible;
use std::future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use postgres_native_tls::TlsStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::tls::{self, ChannelBinding, TlsConnect};

use crate::pg::silence::Heard;

/// The longest message a server may send before the session is ready, in bytes.
///
/// libpq allows 30,000 for an error and 2,000 for an authentication request.
const MAX_MESSAGE: u32 = 64 * 1024;

/// All that a server may send before the session is ready, in bytes.
const MAX_STARTUP: u64 = 1024 * 1024;

/// All that a server may send in answer to one question before it is known what kind of server it
/// is, in bytes. The answers that evmig asks for have a few thousand.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// How many messages such an answer, or the start of a session, may have.
const MAX_MESSAGES: u32 = 10_000;

/// The longest message of a kind that is short by nature, in bytes; libpq's limit (fe-protocol3.c).
const MAX_SHORT: u32 = 30_000;

/// The longest error, notice or row description, in bytes.
const MAX_TEXT: u32 = 64 * 1024 * 1024;

/// The longest row: the server itself cannot put together more (`MaxAllocSize`), in bytes.
const MAX_ROW: u32 = 0x3fff_ffff + 4;

/// How many settings a server may report; the driver keeps each. PostgreSQL 18 reports 15.
const MAX_PARAMETERS: usize = 256;

/// How much of a message is looked at: enough for the name of a setting (63 bytes and a zero).
const LOOKED_AT: usize = 64;

/// What was seen while the session started.
#[derive(Debug, Clone, Default)]
pub(super) struct Observed {
    /// What is being done, for the error that says it took too long.
    pub(super) stage: &'static str,
    /// The code of the last authentication request.
    pub(super) authentication: Option<u32>,
    /// Whether the server accepted the login.
    pub(super) authenticated: bool,
    /// The process id and the secret that a cancel request needs.
    pub(super) key: Option<(i32, i32)>,
    /// Whether the server has told what it is: its answers may be of any size from then on.
    pub(super) known: bool,
}

/// A handle on [`Observed`] that the stream and its opener share.
#[derive(Debug, Clone, Default)]
pub(super) struct Observer(Arc<Mutex<Observed>>);

impl Observer {
    pub(super) fn lock(&self) -> MutexGuard<'_, Observed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(&self, stage: &'static str) {
        self.lock().stage = stage;
    }
}

/// The transport below the protocol.
pub(super) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A transport and the watch on what comes from it.
pub(super) struct PgStream {
    transport: Transport,
    watch: Watch,
    heard: Heard,
}

impl PgStream {
    pub(super) fn new(transport: Transport, observer: Observer) -> Self {
        Self {
            transport,
            watch: Watch::new(observer),
            heard: Heard::default(),
        }
    }

    /// Returns what says when something last came.
    pub(super) fn heard(&self) -> Heard {
        self.heard.clone()
    }
}

impl AsyncRead for PgStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        ready!(match &mut this.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        })?;
        this.heard.now();
        Poll::Ready(this.watch.see(&buffer.filled()[before..]))
    }
}

impl AsyncWrite for PgStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Transport::Unix(stream) => Pin::new(stream).poll_flush(context),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl tls::TlsStream for PgStream {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.transport {
            Transport::Tls(stream) => stream.channel_binding(),
            Transport::Tcp(_) | Transport::Unix(_) => ChannelBinding::none(),
        }
    }
}

/// Hands the driver a stream on which everything about TLS is already settled.
pub(super) struct AlreadySettled;

impl TlsConnect<PgStream> for AlreadySettled {
    type Stream = PgStream;
    type Error = Infallible;
    type Future = future::Ready<Result<PgStream, Infallible>>;

    fn connect(self, stream: PgStream) -> Self::Future {
        future::ready(Ok(stream))
    }
}

/// Reads the messages along: all of them while the session starts, later only their headers.
struct Watch {
    observer: Observer,
    /// Whether the first `ReadyForQuery` was seen.
    ready: bool,
    /// Bytes since the start, or since the last `ReadyForQuery`.
    answer: u64,
    /// Messages since then.
    messages: u32,
    header: Vec<u8>,
    /// Bytes of the current message still to come.
    left: u32,
    /// The first bytes of the current message; more is never needed.
    body: Vec<u8>,
    /// The settings that the server has reported.
    parameters: HashSet<Vec<u8>>,
    /// Those whose names are too long to be known again.
    strange_parameters: usize,
}

impl Watch {
    fn new(observer: Observer) -> Self {
        Self {
            observer,
            ready: false,
            answer: 0,
            messages: 0,
            header: Vec::with_capacity(5),
            left: 0,
            body: Vec::with_capacity(LOOKED_AT),
            parameters: HashSet::new(),
            strange_parameters: 0,
        }
    }

    /// Takes the next bytes; fails where a server has sent what none would.
    fn see(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let known = self.observer.lock().known;
        while !bytes.is_empty() {
            if self.header.len() < 5 {
                self.header.push(bytes[0]);
                bytes = &bytes[1..];
                if self.header.len() < 5 {
                    continue;
                }
                self.start_message(known)?;
            } else {
                let take = bytes.len().min(self.left as usize);
                let room = LOOKED_AT - self.body.len();
                self.body.extend_from_slice(&bytes[..take.min(room)]);
                self.left -= take as u32;
                bytes = &bytes[take..];
            }
            if self.left == 0 && self.header.len() == 5 {
                self.end_message()?;
            }
        }
        Ok(())
    }

    fn start_message(&mut self, known: bool) -> io::Result<()> {
        let length = number(&self.header[1..]).unwrap_or_default();
        let most = match self.header[0] {
            _ if !self.ready => MAX_MESSAGE,
            b'D' | b'd' | b'V' => MAX_ROW,
            b'E' | b'N' | b'A' | b'T' => MAX_TEXT,
            _ => MAX_SHORT,
        };
        if !(4..=most).contains(&length) {
            return Err(invalid(
                "what answered does not speak PostgreSQL's protocol",
            ));
        }
        self.answer = self.answer.saturating_add(u64::from(length) + 1);
        self.messages = self.messages.saturating_add(1);
        let many = self.messages > MAX_MESSAGES;
        if !self.ready && (many || self.answer > MAX_STARTUP) {
            return Err(invalid(
                "the server sent too much before the session was ready",
            ));
        }
        if !known && (many || self.answer > MAX_ANSWER) {
            return Err(invalid(
                "the server sent too much in answer to a short question",
            ));
        }
        self.left = length - 4;
        self.body.clear();
        Ok(())
    }

    fn end_message(&mut self) -> io::Result<()> {
        let tag = self.header[0];
        self.header.clear();
        match (tag, number(&self.body)) {
            (b'Z', _) => {
                self.ready = true;
                (self.answer, self.messages) = (0, 0);
            }
            (b'S', _) => return self.parameter(),
            // Later on nothing else is of interest.
            _ if self.ready => {}
            (b'R', Some(0)) => self.observer.lock().authenticated = true,
            (b'R', Some(code)) => self.observer.lock().authentication = Some(code),
            (b'K', Some(process)) => {
                if let Some(secret) = number(&self.body[4..]) {
                    self.observer.lock().key = Some((process as i32, secret as i32));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Counts a reported setting.
    fn parameter(&mut self) -> io::Result<()> {
        match self.body.iter().position(|byte| *byte == 0) {
            Some(end) => {
                if !self.parameters.contains(&self.body[..end]) {
                    self.parameters.insert(self.body[..end].to_vec());
                }
            }
            None => self.strange_parameters += 1,
        }
        if self.parameters.len() + self.strange_parameters > MAX_PARAMETERS {
            return Err(invalid("the server reports more settings than there are"));
        }
        Ok(())
    }
}

/// Reads the big-endian number that `bytes` begins with.
fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|four| u32::from_be_bytes(*four))
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag];
        bytes.extend(((body.len() + 4) as u32).to_be_bytes());
        bytes.extend(body);
        bytes
    }

    fn startup() -> Vec<u8> {
        [
            message(b'R', &[0, 0, 0, 10, b'x', 0, 0]),
            message(b'R', &[0, 0, 0, 0]),
            message(b'S', b"server_version\x0015.1\x00"),
            message(b'K', &[0, 0, 1, 2, 0, 0, 0, 9]),
            message(b'N', b""),
            message(b'Z', b"I"),
        ]
        .concat()
    }

    proptest! {
        #[test]
        fn the_key_is_found_however_the_bytes_are_cut(size in 1..64_usize) {
            let observer = Observer::default();
            let mut watch = Watch::new(observer.clone());
            for piece in startup().chunks(size) {
                watch.see(piece).unwrap();
            }
            prop_assert!(watch.ready);
            let seen = observer.lock().clone();
            prop_assert_eq!(seen.key, Some((258, 9)));
            prop_assert_eq!(seen.authentication, Some(10));
            prop_assert!(seen.authenticated);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _seen = Watch::new(Observer::default()).see(&bytes);
        }
    }

    #[test]
    fn lengths_and_totals_are_bounded() {
        let http = b"HTTP/1.1 400 Bad Request\r\n";
        assert!(Watch::new(Observer::default()).see(http).is_err());
        let mut watch = Watch::new(Observer::default());
        let notice = message(b'N', &vec![b'x'; 60_000]);
        let refused = (0..100).any(|_| watch.see(&notice).is_err());
        assert!(refused);
    }

    /// A watch on a session that is ready, and whose server is known or not.
    fn ready_watch(known: bool) -> Watch {
        let observer = Observer::default();
        observer.lock().known = known;
        let mut watch = Watch::new(observer);
        watch.see(&startup()).unwrap();
        watch
    }

    #[test]
    fn b82_lengths_are_bounded_when_the_session_is_ready() {
        for (tag, length, fits) in [
            (b'D', 0x7fff_ffff, false),
            (b'D', u32::MAX, false),
            (b'D', 3, false),
            (b'D', MAX_ROW, true),
            (b'E', MAX_TEXT, true),
            (b'E', MAX_TEXT + 1, false),
            (b'C', MAX_SHORT, true),
            (b'C', MAX_SHORT + 1, false),
            (b'S', MAX_SHORT + 1, false),
        ] {
            let mut header = vec![tag];
            header.extend(length.to_be_bytes());
            let seen = ready_watch(true).see(&header);
            assert_eq!(seen.is_ok(), fits, "{} {length}", char::from(tag));
        }
    }

    #[test]
    fn b82_an_unknown_server_has_short_answers() {
        let notices = |watch: &mut Watch| {
            let notice = message(b'N', &b"x".repeat(60_000));
            (0..100).all(|_| watch.see(&notice).is_ok())
        };
        assert!(notices(&mut ready_watch(true)));
        assert!(!notices(&mut ready_watch(false)));
        let mut watch = ready_watch(false);
        let notice = message(b'N', b"");
        assert!(!(0..=MAX_MESSAGES).all(|_| watch.see(&notice).is_ok()));
        // Each question has an answer of its own.
        let mut watch = ready_watch(false);
        let row = message(b'D', &b"x".repeat(1_000_000));
        for _ in 0..10 {
            watch.see(&row).unwrap();
            watch.see(&message(b'Z', b"I")).unwrap();
        }
    }

    #[test]
    fn b82_settings_are_counted_by_their_names() {
        let report = |name: &str| message(b'S', format!("{name}\0on\0").as_bytes());
        let mut watch = ready_watch(true);
        for _ in 0..10_000 {
            watch.see(&report("search_path")).unwrap();
        }
        let refused = |long: &str| {
            let mut watch = ready_watch(true);
            (0..=MAX_PARAMETERS)
                .map(|at| watch.see(&report(&format!("{long}{at}"))))
                .any(|seen| seen.is_err())
        };
        assert!(refused("a."));
        assert!(refused(&"a".repeat(70)));
    }
}
