//! The byte stream of a session, with an eye on what the server says while the session starts.
//!
//! The driver hides the backend's key, tells a missing password only by its prose, and keeps
//! whatever a server sends before the session is ready. So the stream reads along until then:
//! it notes the key and the authentication request, and bounds how much may arrive (faults.md
//! B82). TLS is started before the driver sees the stream, since libpq's six modes do not fit the
//! driver's three.

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

/// A transport and the watch on its start.
pub(super) struct PgStream {
    transport: Transport,
    watch: Option<Watch>,
    heard: Heard,
}

impl PgStream {
    pub(super) fn new(transport: Transport, observer: Observer) -> Self {
        Self {
            transport,
            watch: Some(Watch::new(observer)),
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
        if let Some(watch) = &mut this.watch
            && watch.see(&buffer.filled()[before..])?
        {
            this.watch = None;
        }
        Poll::Ready(Ok(()))
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

/// Reads the messages along until the first `ReadyForQuery`.
struct Watch {
    observer: Observer,
    seen: u64,
    header: Vec<u8>,
    /// Bytes of the current message still to come.
    left: u32,
    /// The first bytes of the current message; more is never needed.
    body: Vec<u8>,
}

impl Watch {
    fn new(observer: Observer) -> Self {
        Self {
            observer,
            seen: 0,
            header: Vec::with_capacity(5),
            left: 0,
            body: Vec::with_capacity(8),
        }
    }

    /// Takes the next bytes and returns whether the session is ready.
    fn see(&mut self, mut bytes: &[u8]) -> io::Result<bool> {
        self.seen += bytes.len() as u64;
        if self.seen > MAX_STARTUP {
            return Err(invalid(
                "the server sent too much before the session was ready",
            ));
        }
        while !bytes.is_empty() {
            if self.header.len() < 5 {
                self.header.push(bytes[0]);
                bytes = &bytes[1..];
                if self.header.len() < 5 {
                    continue;
                }
                self.start_message()?;
            } else {
                let take = bytes.len().min(self.left as usize);
                let room = 8 - self.body.len();
                self.body.extend_from_slice(&bytes[..take.min(room)]);
                self.left -= take as u32;
                bytes = &bytes[take..];
            }
            if self.left == 0 && self.header.len() == 5 && self.end_message() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn start_message(&mut self) -> io::Result<()> {
        let length = number(&self.header[1..]).unwrap_or_default();
        if !(4..=MAX_MESSAGE).contains(&length) {
            return Err(invalid(
                "what answered does not speak PostgreSQL's protocol",
            ));
        }
        self.left = length - 4;
        self.body.clear();
        Ok(())
    }

    fn end_message(&mut self) -> bool {
        let tag = self.header[0];
        self.header.clear();
        match (tag, number(&self.body)) {
            (b'R', Some(0)) => self.observer.lock().authenticated = true,
            (b'R', Some(code)) => self.observer.lock().authentication = Some(code),
            (b'K', Some(process)) => {
                if let Some(secret) = number(&self.body[4..]) {
                    self.observer.lock().key = Some((process as i32, secret as i32));
                }
            }
            (b'Z', _) => return true,
            _ => {}
        }
        false
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
            let mut ready = false;
            for piece in startup().chunks(size) {
                ready = watch.see(piece).unwrap();
            }
            prop_assert!(ready);
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
}
