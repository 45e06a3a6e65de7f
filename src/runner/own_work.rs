//! A transaction of evmig's own that needs strong locks: tried again while somebody is in the way, told who that is,
//! and rolled back when a signal comes.

use std::time::Duration;

use tokio::sync::mpsc;

use super::attempt::{Interrupt, Limits, is_gone, no_second_connection};
use super::error::RunError;
use super::open::Opened;
use super::retry::{LockPolicy, Next, Tries};
use super::watch::{Last, Look, Watcher};
use crate::pg::error::{DbFailure, Kind};
use crate::pg::session::Session;
use crate::report::event::{Blocker, EventSink, RunEvent};
use crate::report::problem::Problem;

/// How long the server may take to answer a cancel.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);

/// An error of the work that may be one of the server's.
pub trait Failing {
    /// Returns the server's answer, where there was one.
    fn failure(&self) -> Option<&DbFailure>;
}

/// Why a transaction of evmig's own is not committed.
#[derive(Debug, thiserror::Error)]
pub enum WorkStop<E> {
    /// The work itself failed; all is rolled back.
    #[error(transparent)]
    Work(E),
    /// It could not be begun or rolled back.
    #[error("{what}: {failure}")]
    Own {
        /// Which, as "could not …".
        what: &'static str,
        /// The server's answer.
        failure: DbFailure,
    },
    /// A lock was not obtained in all tries.
    #[error("did not get a lock in {tries} tries")]
    Locked {
        /// How many tries.
        tries: u32,
        /// Who was in the way the last time.
        blockers: Vec<Blocker>,
        /// The server's last answer.
        failure: DbFailure,
    },
    /// A signal came; all is rolled back.
    #[error("interrupted")]
    Interrupted,
    /// The connection was lost while it was being committed.
    #[error("the connection was lost during the commit: {failure}")]
    Unknown {
        /// What the driver said.
        failure: DbFailure,
    },
}

/// Why work that did not fail is not done, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// A lock was not obtained in all tries.
    #[error("did not get the tables' locks in {tries} tries")]
    Locked {
        /// How many tries.
        tries: u32,
        /// Who was in the way the last time.
        blockers: Vec<Blocker>,
        /// The server's last answer.
        failure: Box<DbFailure>,
    },
    /// The connection was lost while it was being committed.
    #[error("the connection was lost during the commit")]
    Unknown {
        /// What the driver said.
        failure: Box<DbFailure>,
    },
}

impl<E: From<RunError> + From<Stopped>> WorkStop<E> {
    /// Returns it as an error of the work's own kind.
    pub fn into_error(self) -> E {
        match self {
            Self::Work(error) => error,
            Self::Own { what, failure } => RunError::own(what)(failure).into(),
            Self::Interrupted => RunError::Interrupted.into(),
            Self::Locked {
                tries,
                blockers,
                failure,
            } => Stopped::Locked {
                tries,
                blockers,
                failure: Box::new(failure),
            }
            .into(),
            Self::Unknown { failure } => Stopped::Unknown {
                failure: Box::new(failure),
            }
            .into(),
        }
    }
}

/// Who listens while the work is done.
pub struct Listeners<'a> {
    /// Tells that a signal came.
    pub interrupt: &'a mut Interrupt,
    /// Who is told.
    pub sink: &'a mut dyn EventSink,
}

/// Runs `work` in a transaction and commits it. Its search path is the role's own.
pub async fn transaction<T, E: Failing>(
    opened: &Opened,
    policy: LockPolicy,
    listeners: &mut Listeners<'_>,
    work: impl AsyncFn(&Session) -> Result<T, E>,
) -> Result<T, WorkStop<E>> {
    let session = &opened.session;
    let mut tries = Tries::new(policy, opened.facts.deadlock_timeout);
    let mut lock_timeout = policy.lock_timeout;
    let mut watch_session = None;
    loop {
        let begin = format!(
            "begin; set local lock_timeout = {}; set local statement_timeout = {}; \
             set local search_path = {}",
            lock_timeout.as_millis(),
            policy.statement_timeout.as_millis(),
            opened.beginnings.search_path,
        );
        session
            .run(&begin)
            .await
            .map_err(own("could not begin the transaction"))?;
        let (tried, blockers) =
            listened(opened, &mut watch_session, listeners, work(session)).await;
        let error = match tried {
            Some(Ok(done)) => return commit(session).await.map(|()| done),
            Some(Err(error)) => error,
            None => {
                roll_back(session).await?;
                return Err(WorkStop::Interrupted);
            }
        };
        let failure = error.failure().cloned();
        if failure.as_ref().is_some_and(is_gone) {
            return Err(WorkStop::Work(error));
        }
        roll_back(session).await?;
        let Some(failure) = failure.filter(is_a_lock) else {
            return Err(WorkStop::Work(error));
        };
        match tries.next(&blockers) {
            Next::GiveUp => {
                return Err(WorkStop::Locked {
                    tries: tries.failed(),
                    blockers,
                    failure,
                });
            }
            Next::Try {
                wait,
                lock_timeout: longer,
            } => {
                let told = retrying(tries.failed(), policy.retries, &blockers, wait);
                listeners.sink.event(&told);
                lock_timeout = longer;
                tokio::select! {
                    // Over a slow link the second connection takes longer to open than a try lasts.
                    _ = opened.watcher.ready(&mut watch_session) => {}
                    () = listeners.interrupt.wait() => return Err(WorkStop::Interrupted),
                }
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = listeners.interrupt.wait() => return Err(WorkStop::Interrupted),
                }
            }
        }
    }
}

/// Waits for the work, sees who is in its way, and cancels it when a signal comes: then there is no result.
async fn listened<T, E>(
    opened: &Opened,
    watch_session: &mut Option<Session>,
    listeners: &mut Listeners<'_>,
    work: impl Future<Output = Result<T, E>>,
) -> (Option<Result<T, E>>, Vec<Blocker>) {
    let watcher: &Watcher = &opened.watcher;
    let last = Last::now();
    let (sender, mut looks) = mpsc::unbounded_channel::<Result<Look, String>>();
    let pid = opened.facts.backend_pid;
    let watching = watcher.watch(watch_session, pid, Limits::default(), &last, sender);
    let (mut work, mut watching) = (std::pin::pin!(work), std::pin::pin!(watching));
    let mut blockers = Vec::new();
    let mut interrupted = false;
    loop {
        tokio::select! {
            biased;
            result = &mut work => return ((!interrupted).then_some(result), blockers),
            Some(look) = looks.recv() => match look {
                Ok(look) if look.blockers.is_empty() => {}
                Ok(look) => blockers = look.blockers,
                Err(message) => listeners.sink.event(&no_second_connection(message)),
            },
            () = listeners.interrupt.wait(), if !interrupted => {
                interrupted = true;
                // A cancel that cannot be sent leaves the statement running; its lock timeout ends it.
                drop(opened.session.canceller().cancel(CANCEL_PATIENCE).await);
            }
            () = &mut watching => {}
        }
    }
}

fn is_a_lock(failure: &DbFailure) -> bool {
    matches!(failure.kind(), Kind::LockTimeout | Kind::Deadlock)
}

async fn commit<E>(session: &Session) -> Result<(), WorkStop<E>> {
    match session.run("commit").await {
        Ok(()) => Ok(()),
        Err(failure) if is_gone(&failure) => Err(WorkStop::Unknown { failure }),
        Err(failure) => Err(own("could not commit")(failure)),
    }
}

async fn roll_back<E>(session: &Session) -> Result<(), WorkStop<E>> {
    session
        .run("rollback")
        .await
        .map_err(own("could not roll back"))
}

fn own<E>(what: &'static str) -> impl FnOnce(DbFailure) -> WorkStop<E> {
    move |failure| WorkStop::Own { what, failure }
}

/// Says that a lock was not obtained, and from whom.
fn retrying(failed: u32, of: u32, blockers: &[Blocker], wait: Duration) -> RunEvent {
    let told = blockers.iter().map(|one| {
        let query = if one.query.is_empty() {
            String::new()
        } else {
            format!(": {}", one.query)
        };
        format!(
            "pid {}, user {}, {}, {}{query}",
            one.pid, one.user, one.application, one.state
        )
    });
    let told: Vec<String> = told.collect();
    let problem = Problem::new(
        "lock-wait",
        format!(
            "did not get a lock (try {failed}); trying again in {} ms, {} more {}",
            wait.as_millis(),
            of.saturating_sub(failed) + 1,
            if of == failed { "time" } else { "times" }
        ),
    );
    RunEvent::Warning {
        problem: if told.is_empty() {
            problem
        } else {
            problem.detail(format!("in the way: {}", told.join("; ")))
        },
    }
}
