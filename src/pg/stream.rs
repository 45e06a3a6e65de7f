//! The byte stream of a session, with an eye on what the server says.
//!
//! The driver hides the backend's key, tells a missing password only by its prose, and keeps
//! whatever a server sends: a message until its end, every setting it reports, every row. So the
//! stream reads along ([`Watch`]). TLS is started before the driver sees the stream, since libpq's
//! six modes do not fit the driver's three.

use std::collections::VecDeque;
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
    /// How many answers to statements of the user's are waited for: whatever they return is theirs.
    users: u32,
    /// The questions of evmig's own that are waited for, in the order that they were sent.
    own: VecDeque<Own>,
    /// Answers that ended while one of those was waited for.
    pub(super) ended_meanwhile: u32,
    /// How many commands were done.
    pub(super) commands: u64,
    /// For each notice that the driver has not passed on yet, how many commands were done before it.
    notices: VecDeque<u64>,
}

/// A question of evmig's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Own {
    number: u64,
    bound: Bound,
}

/// How much may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    /// The answer to a statement of the user's: anything.
    Free,
    /// One of evmig's own that reads the whole history.
    Long,
    /// One of evmig's own that lists every object of the database.
    Catalog,
    /// One of evmig's own.
    Short,
}

impl Observed {
    /// Notes where a notice has come.
    pub(super) fn notice(&mut self) {
        self.notices.push_back(self.commands);
    }

    /// Returns how many commands were done before the next notice that the driver passes on.
    pub(super) fn next_notice(&mut self) -> u64 {
        self.notices.pop_front().unwrap_or(self.commands)
    }

    /// Returns what may come now. Answers come in the order of the questions, so that the oldest
    /// is the one that is being answered.
    pub(super) fn bound(&self) -> Bound {
        if self.known && self.users > 0 {
            Bound::Free
        } else {
            self.own.front().map_or(Bound::Short, |own| own.bound)
        }
    }

    /// Returns whether an answer to one of evmig's own questions is waited for.
    pub(super) fn is_asked(&self) -> bool {
        !self.own.is_empty()
    }
}

/// Says that an answer is waited for, until it is dropped.
pub(super) struct Waiting {
    observer: Observer,
    /// `None` for the user's.
    own: Option<u64>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut observed = self.observer.lock();
        observed.ended_meanwhile = 0;
        match self.own {
            None => observed.users -= 1,
            Some(number) => observed.own.retain(|own| own.number != number),
        }
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
        self.lock().users += 1;
        let observer = self.clone();
        Waiting {
            observer,
            own: None,
        }
    }

    /// Says that a question of evmig's own is being sent.
    pub(super) fn own(&self, bound: Bound) -> Waiting {
        let mut observed = self.lock();
        let number = observed.own.back().map_or(0, |own| own.number + 1);
        observed.own.push_back(Own { number, bound });
        let observer = self.clone();
        Waiting {
            observer,
            own: Some(number),
        }
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
