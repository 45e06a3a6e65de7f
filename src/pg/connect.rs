//! Opens a session, as libpq would, within a time limit.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::error::DbError;
use tokio_postgres::{AsyncMessage, Client};

use crate::clock::{Deadline, jitter};
use crate::pg::cancel::Canceller;
use crate::pg::connect_error::{ConnectError, Reason, Retry, retry};
use crate::pg::error::DbFailure;
use crate::pg::opening::{Next, Opening};
use crate::pg::params::{Parameters, TargetSessionAttrs};
use crate::pg::silence::{self, Heard, Pulse};
use crate::pg::stream::{Observer, PgStream};
use crate::pg::tls::Verification;

/// How many notices wait to be read before further ones are only counted.
///
/// A server may send them without end (faults.md B82).
const NOTICES: usize = 10_000;

/// How many bytes the first of the waiting notices may have; the n-th may have an n-th of it. So
/// all of them together stay below ten times as much, and a single long one is still told.
const NOTICE_BYTES: usize = 4 << 20;

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The limit for all servers and tries together; `connect_timeout` of the parameters, where
    /// it is set, takes its place.
    pub timeout: Duration,
    /// For how long a refused connection is tried again.
    pub retry_refused: Duration,
    /// `application_name`; wins over the parameters'.
    pub application_name: Option<String>,
    /// Further `options` of the startup message, behind the parameters' own, which they win over.
    pub settings: Option<String>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15),
            retry_refused: Duration::from_secs(1),
            application_name: None,
            settings: None,
        }
    }
}

/// How a session is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlsInfo {
    /// What was checked of the server's certificate.
    pub verification: Verification,
}

/// What is known about a session from its start.
#[derive(Debug, Clone)]
pub struct ConnectionInfo {
    /// The server as the user named it; a directory for a socket.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The address or socket that was connected to.
    pub address: String,
    /// The database that was asked for.
    pub dbname: String,
    /// The user that was asked for.
    pub user: String,
    /// `application_name` as it was sent.
    pub application_name: Option<String>,
    /// How it is encrypted; `None` if it is not.
    pub tls: Option<TlsInfo>,
    /// The backend's process id as the start of the session gave it; `None` if it gave none.
    /// A pooler invents one.
    pub key_pid: Option<i32>,
    /// The server's version as the start of the session gave it.
    pub server_version: Option<String>,
    /// Which of the servers in [`Parameters::servers`] this is.
    pub server_index: usize,
}

/// The end of a session, shared between it and the task that drives it.
#[derive(Debug, Clone, Default)]
struct Ended(Arc<Mutex<Option<DbFailure>>>);

/// A notice or warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it says.
    pub said: DbFailure,
    /// How many commands of the session were done before it: notices and answers reach their readers on
    /// two ways, and several files may share a message.
    pub after: u64,
}

/// A session.
pub struct Connection {
    /// The driver's client: queries go through it.
    pub client: Client,
    /// Notices and warnings, in the order they came, each as the server meant it to be read.
    pub notices: mpsc::Receiver<Notice>,
    /// What is known from the start of the session.
    pub info: ConnectionInfo,
    canceller: Canceller,
    observer: Observer,
    pulse: Pulse,
    ended: Ended,
    dropped: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Returns the means to cancel what runs in this session.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Returns what tells whether the server is there, also after this session.
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Says that the server has told what it is.
    pub(super) fn known(&self) {
        self.observer.lock().known = true;
    }

    /// Returns what knows which answers are waited for.
    pub(super) fn observer(&self) -> &Observer {
        &self.observer
    }

    /// Returns how many notices came while nobody read them and 10,000 (or 4 MiB) were waiting.
    pub fn lost_notices(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Returns why the session ended, if it did: also what the server said while nothing ran.
    pub fn ended(&self) -> Option<DbFailure> {
        let ended = self.ended.0.lock().unwrap_or_else(PoisonError::into_inner);
        ended.clone()
    }

    /// Turns the driver's error into a failure, with the server's last words where the driver
    /// only knows that the connection is closed.
    pub fn failure(&self, error: &tokio_postgres::Error) -> DbFailure {
        match self.ended() {
            Some(ended) if error.as_db_error().is_none() => ended,
            _ => error.into(),
        }
    }

    /// Drops the session without a word: for one that is out of step or does not answer.
    pub fn abandon(&self) {
        self.task.abort();
    }

    /// Ends the session and waits until the server has been told, at most `limit`.
    pub async fn close(self, limit: Duration) {
        let Self {
            client, mut task, ..
        } = self;
        drop(client);
        if timeout(limit, &mut task).await.is_err() {
            task.abort();
        }
    }
}

/// Opens a session with the first server that can be used.
///
/// A server that is starting up or full is tried again until the limit, with jittered pauses; a
/// refused connection for [`ConnectOptions::retry_refused`].
pub async fn connect(
    parameters: &Parameters,
    options: &ConnectOptions,
) -> Result<Connection, ConnectError> {
    let deadline = Deadline::after(parameters.connect_timeout.unwrap_or(options.timeout));
    let mut pause = Duration::from_millis(100);
    loop {
        let error = match round(parameters, options, &deadline).await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let patience = match retry(&error) {
            Retry::Yes => deadline.left(),
            Retry::Briefly => deadline
                .left()
                .min(options.retry_refused.saturating_sub(deadline.elapsed())),
            Retry::No => return Err(error),
        };
        let wait = pause / 2 + jitter(pause / 2);
        if wait >= patience {
            return Err(error);
        }
        tracing::debug!(%error, ?wait, "connecting again");
        sleep(wait).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// Tries every server once; twice for `prefer-standby`.
async fn round(
    parameters: &Parameters,
    options: &ConnectOptions,
    deadline: &Deadline,
) -> Result<Connection, ConnectError> {
    let mut order: Vec<usize> = (0..parameters.servers.len()).collect();
    if parameters.shuffle {
        fastrand::shuffle(&mut order);
    }
    let passes: &[TargetSessionAttrs] = match parameters.target_session_attrs {
        TargetSessionAttrs::PreferStandby => {
            &[TargetSessionAttrs::Standby, TargetSessionAttrs::Any]
        }
        TargetSessionAttrs::Any => &[TargetSessionAttrs::Any],
        TargetSessionAttrs::ReadWrite => &[TargetSessionAttrs::ReadWrite],
        TargetSessionAttrs::ReadOnly => &[TargetSessionAttrs::ReadOnly],
        TargetSessionAttrs::Primary => &[TargetSessionAttrs::Primary],
        TargetSessionAttrs::Standby => &[TargetSessionAttrs::Standby],
    };
    let mut errors = Vec::new();
    for wanted in passes {
        errors.clear();
        for (at, index) in order.iter().enumerate() {
            // A server that drops packets must not use up the time of those behind it.
            let share = deadline.left() / (order.len() - at) as u32;
            let opening = Opening {
                parameters,
                options,
                index: *index,
                server: &parameters.servers[*index],
                wanted: *wanted,
                limit: share,
            };
            match opening.open().await {
                Ok(connection) => return Ok(connection),
                Err((error, Next::Stop)) => return Err(error),
                Err((error, Next::Server)) => errors.push(error),
            }
        }
    }
    Err(join(errors))
}

/// Makes one error of those of several servers.
fn join(errors: Vec<ConnectError>) -> ConnectError {
    let mut errors = errors.into_iter();
    let mut first = errors.next().unwrap_or_else(|| ConnectError {
        host: String::new(),
        port: 0,
        reason: Reason::UnknownHost,
        failure: None,
        others: Vec::new(),
    });
    first.others = errors.collect();
    first
}

type Driver = tokio_postgres::Connection<PgStream, PgStream>;

/// Starts the task that drives the session.
pub(super) fn start(
    client: Client,
    mut driver: Driver,
    info: ConnectionInfo,
    canceller: Canceller,
    observer: Observer,
    heard: Heard,
) -> Connection {
    let (sender, notices) = mpsc::channel(NOTICES);
    let ended = Ended::default();
    let dropped = Arc::new(AtomicU64::new(0));
    let (end, lost) = (ended.clone(), Arc::clone(&dropped));
    let watched = observer.clone();
    let pulse = Pulse::new(heard, canceller.clone());
    let listened = pulse.clone();
    let driving = async move {
        loop {
            match poll_fn(|context| driver.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notice(notice))) => {
                    let waiting = NOTICES - sender.capacity();
                    let fits = bytes(&notice) <= NOTICE_BYTES / (waiting + 1);
                    let notice = Notice {
                        said: DbFailure::from(&notice),
                        after: watched.lock().next_notice(),
                    };
                    if !fits || sender.try_send(notice).is_err() {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                    // Whoever waits reads it now, before the driver hands out the answers behind it:
                    // so a notice belongs to the text that was not yet answered when it came.
                    tokio::task::yield_now().await;
                }
                // Notifications: nothing in evmig listens.
                Some(Ok(_)) => {}
                Some(Err(error)) => break DbFailure::from(&error),
                None => break DbFailure::connection_lost("the session is closed"),
            }
        }
    };
    let task = tokio::spawn(async move {
        let failure = tokio::select! {
            failure = driving => failure,
            failure = silence::too_long(listened) => failure,
        };
        *end.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    });
    Connection {
        client,
        notices,
        info,
        canceller,
        observer,
        pulse,
        ended,
        dropped,
        task,
    }
}

/// The size of a notice's texts in bytes.
fn bytes(notice: &DbError) -> usize {
    let rest = [notice.detail(), notice.hint(), notice.where_()];
    let rest: usize = rest.into_iter().flatten().map(str::len).sum();
    notice.message().len() + rest
}
