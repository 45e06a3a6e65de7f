//! The byte stream of a session, with an eye on what the server says.
//!
//! The driver hides the backend's key, tells a missing password only by its prose, and keeps
//! whatever a server sends: a message until its end, every setting it reports, every row. So the
//! stream reads along ([`Watch`]). TLS is started before the driver sees the stream, since libpq's
//! six modes do not fit the driver's three.

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

use crate::pg::incoming::Watch;
use crate::pg::silence::Heard;

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
    /// Whether the server has told what it is.
    pub(super) known: bool,
    /// What evmig waits for.
    pub(super) waits_for: WaitsFor,
    /// Answers that ended while one question of evmig's own was waited for.
    pub(super) ended_meanwhile: u32,
}

/// How many answers of each kind are waited for; it decides how much may come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct WaitsFor {
    /// To statements of the user's: whatever they return is theirs.
    pub(super) users: u32,
    /// To evmig's own questions.
    pub(super) own: u32,
    /// To those of them that read a table of the history as a whole.
    pub(super) long: u32,
}

/// Says that an answer is waited for, until it is dropped.
pub(super) struct Waiting {
    observer: Observer,
    what: WaitsFor,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut observed = self.observer.lock();
        observed.waits_for.users -= self.what.users;
        observed.waits_for.own -= self.what.own;
        observed.waits_for.long -= self.what.long;
        observed.ended_meanwhile = 0;
    }
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

    /// Says that an answer to a statement of the user's is waited for.
    pub(super) fn users(&self) -> Waiting {
        let users = 1;
        self.wait_for(WaitsFor {
            users,
            ..WaitsFor::default()
        })
    }

    /// Says that an answer to one of evmig's own questions is waited for.
    pub(super) fn own(&self, long: bool) -> Waiting {
        self.wait_for(WaitsFor {
            users: 0,
            own: 1,
            long: u32::from(long),
        })
    }

    fn wait_for(&self, what: WaitsFor) -> Waiting {
        let mut observed = self.lock();
        observed.waits_for.users += what.users;
        observed.waits_for.own += what.own;
        observed.waits_for.long += what.long;
        let observer = self.clone();
        Waiting { observer, what }
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
        let read = ready!(match &mut this.transport {
            Transport::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        });
        // An end is something that was heard; the kernel's own time limit is not.
        if !matches!(&read, Err(error) if error.kind() == io::ErrorKind::TimedOut) {
            this.heard.now();
        }
        read?;
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
