//! One migration, one transaction: begin, statements, history row, commit; retried as a whole.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::attempt::{
    Answer, Cancelled, Driven, Heading, Limits, Link, drive, is_gone, no_answer,
    no_second_connection,
};
use super::error::Stop;
use super::retry::{LockPolicy, Next, Tries};
use super::watch;
use crate::history::record::Prepared;
use crate::pg::connect::Notice;
use crate::pg::error::{DbFailure, Kind};
use crate::pg::lock::LOST;
use crate::pg::session::{Command, CopyFailure, Row, Session, Window};
use crate::pg::settings::DISCARD;
use crate::project::RereadFault;
use crate::project::script::Script;
use crate::report::event::{Blocker, MigrationRef, RunEvent};
use crate::report::place::Snippet;
use crate::sql::quote;

/// Prefix of the error that the history row raises where the transaction guard is gone.
pub(super) const GUARD_ERROR: &str = "evmig guard: ";

/// What every transaction of a run is set up with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Lock waits and retries.
    pub policy: LockPolicy,
    /// The server's `deadlock_timeout`.
    pub deadlock_timeout: Duration,
    /// The role's own search path, as a list; `None` leaves the session's.
    pub search_path: Option<String>,
    /// `SET LOCAL ROLE` text that returns to the role the run began with.
    pub own_role: String,
    /// What restores the settings that the file before has changed; `None` leaves the session's,
    /// and what the file makes in it.
    pub restore: Option<Vec<String>>,
    /// `max_lock_hold` of the phase.
    pub lock_hold: Option<Duration>,
}

impl Setup {
    /// Returns what makes evmig's own statements safe inside a user's transaction, until its end.
    ///
    /// A file may have changed role and search path; both come back by themselves at the commit.
    pub fn own_prefix(&self) -> String {
        self.own_commands().join("; ")
    }

    /// Returns it as single commands.
    pub fn own_commands(&self) -> [String; 4] {
        [
            "set local session authorization default".to_owned(),
            self.own_role.clone(),
            "set local search_path = pg_catalog, pg_temp".to_owned(),
            "set local row_security = on".to_owned(),
        ]
    }

    /// Returns the commands that give a file's transaction its limits, its guard and its path.
    pub fn settings(&self, guard: &str, lock_timeout: Duration) -> Vec<String> {
        let mut commands = vec![
            format!("set local lock_timeout = {}", lock_timeout.as_millis()),
            format!(
                "set local statement_timeout = {}",
                self.policy.statement_timeout.as_millis()
            ),
            format!("set local evmig.guard = {}", quote::literal(guard)),
        ];
        if let Some(path) = &self.search_path {
            commands.push(format!("set local search_path = {path}"));
        }
        commands
    }
}

/// A range of a script's statements that runs in one transaction, with what is recorded in it.
#[derive(Debug, Clone, Copy)]
pub struct Unit<'a> {
    /// The file's statements.
    pub script: &'a Script,
    /// Index of the first statement.
    pub first: usize,
    /// Index after the last statement.
    pub end: usize,
    /// The text that begins the transaction.
    pub begin: &'a str,
    /// The transaction guard.
    pub guard: &'a str,
    /// Evmig's own statements at its end.
    pub records: &'a [Prepared],
    /// Which migration.
    pub migration: &'a MigrationRef,
    /// How many statements before it are committed already.
    pub kept: usize,
}

/// What is asked before a unit's first statement and after each, on the same session; a dry run
/// measures with it.
#[derive(Debug, Clone)]
pub struct Survey<'a> {
    /// What makes the questions ready, inside the transaction; empty where they need nothing.
    pub ready: &'a str,
    /// What is asked before the first statement.
    pub before: &'a str,
    /// What is asked after each.
    pub after: &'a str,
    /// What ends the unit; `commit` unless it is a part of a transaction that is rolled back.
    pub end: &'a str,
    /// Gets the answers: `None` before the first statement, else the statement's index.
    pub taken: mpsc::UnboundedSender<(Option<usize>, Vec<Row>)>,
}

/// What a committed unit cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Tries that failed for want of a lock.
    pub retries: u32,
    /// Time from the first try to the commit.
    pub elapsed: Duration,
}

/// Where in a unit a failure happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// Before the file's first statement.
    Begin,
    /// In the statement with this index.
    Statement(usize),
    /// In what is asked after it, or before the first.
    Survey(Option<usize>),
    /// Rows that could not be read again.
    Rows(usize, RereadFault),
    /// Behind the last statement.
    End,
    /// In the history row.
    Record,
    /// In the commit.
    Commit,
}

/// What one try came to.
pub(super) type Tried = Driven<Result<(), (At, DbFailure)>>;

/// Runs a unit until it is committed, a limit is reached, or it fails.
///
/// A lost connection comes back as [`Stop::ConnectionLost`], whether or not the commit happened;
/// the caller asks the history.
///
/// `first` is what a first try came to that was made elsewhere.
pub(super) async fn run(
    link: &mut Link<'_>,
    setup: &Setup,
    unit: Unit<'_>,
    mut first: Option<Tried>,
) -> Result<Cost, Box<Stop>> {
    let started = Instant::now();
    let mut prepared_elsewhere = first.is_some();
    let mut tries = Tries::new(setup.policy, setup.deadlock_timeout);
    let mut lock_timeout = setup.policy.lock_timeout;
    loop {
        let driven = match first.take() {
            Some(tried) => tried,
            None => attempt(link, setup, unit, lock_timeout).await,
        };
        let (at, failure) = match driven.result {
            Some(Ok(())) => {
                return Ok(Cost {
                    retries: tries.failed(),
                    elapsed: started.elapsed(),
                });
            }
            Some(Err(failed)) => failed,
            None => (At::Commit, no_answer()),
        };
        if is_gone(&failure) || driven.cancelled == Some(Cancelled::NoAnswer) {
            return Err(Box::new(Stop::ConnectionLost { failure }));
        }
        roll_back(link, unit.migration).await?;
        if std::mem::take(&mut prepared_elsewhere) && at == At::Record && is_unprepared(&failure) {
            continue;
        }
        let lock_wait = driven.cancelled == Some(Cancelled::LockWait);
        let retryable = matches!(failure.kind(), Kind::LockTimeout | Kind::Deadlock);
        if !retryable && !lock_wait {
            return Err(Box::new(stop(unit, setup, at, failure, driven.cancelled)));
        }
        let next = tries.next(&driven.blockers);
        let Next::Try {
            wait,
            lock_timeout: longer,
        } = next
        else {
            return Err(Box::new(Stop::Locked {
                tries: tries.failed(),
                snippet: snippet(unit, &at, &failure),
                blockers: driven.blockers,
                failure,
                kept: unit.kept,
            }));
        };
        if setup.restore.is_some() {
            // A prepared statement outlives the rollback, and would be in the next try's way.
            let own = |failure| super::stepwise::own("could not reset the session", failure);
            link.session.run(DISCARD).await.map_err(own)?;
        }
        lock_timeout = longer;
        let again = Again {
            migration: unit.migration,
            kept: unit.kept,
            attempt: tries.failed(),
            of: setup.policy.retries,
            wait,
        };
        wait_for_retry(link, again, &failure, driven.blockers).await?;
    }
}

/// Returns whether the file has dropped, in a way that cannot be read from its text, what evmig had
/// prepared (26000). The tries made here prepare nothing.
pub fn is_unprepared(failure: &DbFailure) -> bool {
    failure.sqlstate.as_deref() == Some("26000")
}

/// A try that failed for want of a lock, and the wait before the next.
#[derive(Debug, Clone, Copy)]
pub struct Again<'a> {
    /// Which migration.
    pub migration: &'a MigrationRef,
    /// How many of its statements are committed.
    pub kept: usize,
    /// Number of the try that failed, from 1.
    pub attempt: u32,
    /// How many retries there may be.
    pub of: u32,
    /// How long to wait.
    pub wait: Duration,
}

/// Says who was in the way, and waits unless a signal comes; less if a long transaction that was in
/// the way is over.
pub async fn wait_for_retry(
    link: &mut Link<'_>,
    again: Again<'_>,
    failure: &DbFailure,
    blockers: Vec<Blocker>,
) -> Result<(), Box<Stop>> {
    let until = tokio::time::Instant::now() + again.wait;
    let known = blockers.clone();
    link.sink.event(&RunEvent::Retrying {
        migration: again.migration.clone(),
        attempt: again.attempt,
        of: again.of,
        // What passed the total of all waits was cancelled by us, and is the same to the reader.
        sqlstate: match failure.kind() {
            Kind::Deadlock => "40P01",
            _ => "55P03",
        }
        .to_owned(),
        blockers,
        wait_ms: again.wait.as_millis() as u64,
    });
    let opened = async {
        let ready = link.watcher.ready(link.watch_session).await;
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            () = watch::gone(link.watch_session.as_ref(), &known) => {}
        }
        ready
    };
    let ready = tokio::select! {
        ready = opened => ready,
        () = link.interrupt.wait() => {
            return Err(Box::new(Stop::Interrupted { kept: again.kept }));
        }
    };
    if let Err(message) = ready
        && link.watcher.is_first_complaint()
    {
        link.sink.event(&no_second_connection(message));
    }
    Ok(())
}

/// Ends the failed transaction, so that the session can be used again.
async fn roll_back(link: &mut Link<'_>, migration: &MigrationRef) -> Result<(), Box<Stop>> {
    end_failed(link, migration).await.map_err(|failure| {
        Box::new(if is_gone(&failure) {
            Stop::ConnectionLost { failure }
        } else {
            Stop::Own {
                what: "could not roll back",
                failure,
            }
        })
    })
}

/// Ends a failed transaction.
///
/// The `COMMIT` that was on its way may have ended it already, unless `COPY` kept it back; the
/// server's word that there is no transaction (25P01) is therefore no news.
pub(super) async fn end_failed(
    link: &mut Link<'_>,
    migration: &MigrationRef,
) -> Result<(), DbFailure> {
    let ended = link.session.run("rollback").await;
    while let Ok(Notice { said: notice, .. }) = link.notices.try_recv() {
        if notice.sqlstate.as_deref() != Some("25P01") {
            link.sink.event(&RunEvent::Notice {
                migration: Some(migration.clone()),
                severity: notice.severity,
                message: notice.message,
                hint: notice.hint,
            });
        }
    }
    ended
}

/// Sends one try of the unit.
async fn attempt(
    link: &mut Link<'_>,
    setup: &Setup,
    unit: Unit<'_>,
    lock_timeout: Duration,
) -> Tried {
    let heading = Heading {
        migration: unit.migration,
        statements: unit.first..unit.script.len(),
        limits: limits(setup, lock_timeout),
    };
    let (sender, answers) = mpsc::unbounded_channel();
    let session = link.session;
    let work = send(session, setup, unit, lock_timeout, &sender, None);
    drive(link, &[heading], answers, work, &mut ()).await
}

/// Runs a unit once, and tells whoever surveys it what each statement left; nobody else listens.
///
/// It is sent by the same function as in a run. After a failure nothing of it remains.
pub async fn rehearse(
    session: &Session,
    setup: &Setup,
    unit: Unit<'_>,
    survey: Option<&Survey<'_>>,
) -> Result<(), Box<Stop>> {
    let (answers, _nobody) = mpsc::unbounded_channel();
    let lock_timeout = setup.policy.lock_timeout;
    let sent = send(session, setup, unit, lock_timeout, &answers, survey).await;
    let Err((at, failure)) = sent else {
        return Ok(());
    };
    if is_gone(&failure) {
        return Err(Box::new(Stop::ConnectionLost { failure }));
    }
    // What the failure left open is ended; where even that fails, the first failure says why.
    drop(session.run("rollback").await);
    Err(Box::new(stop(unit, setup, at, failure, None)))
}

/// When a transaction is stopped from outside.
pub(super) fn limits(setup: &Setup, lock_timeout: Duration) -> Limits {
    Limits {
        lock_hold: setup.lock_hold,
        lock_wait: (!lock_timeout.is_zero()).then(|| lock_timeout.saturating_mul(3)),
        total: None,
    }
}

/// Puts the whole transaction on the wire.
///
/// Nothing is awaited between the statements: a slow link costs about one round trip for the file.
/// If a statement fails, the server refuses those behind it, and makes the `COMMIT` a rollback.
async fn send(
    session: &Session,
    setup: &Setup,
    unit: Unit<'_>,
    lock_timeout: Duration,
    answers: &mpsc::UnboundedSender<Answer>,
    survey: Option<&Survey<'_>>,
) -> Result<(), (At, DbFailure)> {
    let settings = setup.settings(unit.guard, lock_timeout).join("; ");
    let mut own_prefix = format!("set constraints all immediate; {}", setup.own_prefix());
    if setup.restore.is_some() {
        own_prefix.push_str("; ");
        own_prefix.push_str(DISCARD);
    }
    let parameters: Vec<Vec<Option<&str>>> = unit.records.iter().map(Prepared::borrowed).collect();
    if unit.begin != "begin" {
        // The file's own BEGIN may be wrong, and what follows must not run outside of it.
        session
            .run_users(unit.begin)
            .await
            .map_err(|failure| (At::Begin, failure))?;
    }
    let mut places = Vec::new();
    let mut commands = Vec::new();
    if unit.begin == "begin" {
        commands.push(Command::Text("begin"));
        places.push(At::Begin);
    }
    // Inside the transaction: if it failed outside, the file would run with another's settings.
    let restore = setup.restore.as_ref().map(|commands| commands.join("; "));
    if let Some(restore) = &restore {
        commands.push(Command::Text(restore));
        places.push(At::Begin);
    }
    commands.push(Command::Text(&settings));
    places.push(At::Begin);
    let script = unit.script;
    let ask = |commands: &mut Vec<_>, places: &mut Vec<At>, at: Option<usize>| {
        if let Some(survey) = survey {
            let sql = at.map_or(survey.before, |_| survey.after);
            commands.push(Command::Own(sql, &[]));
            places.push(At::Survey(at));
        }
    };
    if let Some(survey) = survey.filter(|survey| !survey.ready.is_empty()) {
        commands.push(Command::Text(survey.ready));
        places.push(At::Begin);
    }
    ask(&mut commands, &mut places, None);
    for index in unit.first..unit.end {
        let text = script.text(index);
        if let Some(data) = script.copy_data(index) {
            flush(session, &mut commands, &mut places, answers, survey).await?;
            session
                .copy_in(text, data.chunks())
                .await
                .map_err(|failure| copy_failed(index, failure))?;
            // The listener may be gone; nothing depends on it.
            let _ = answers.send(Answer::Statement(index));
            ask(&mut commands, &mut places, Some(index));
            continue;
        }
        commands.push(Command::Text(text));
        places.push(At::Statement(index));
        ask(&mut commands, &mut places, Some(index));
        if script.resets_settings(index) {
            commands.push(Command::Text(&settings));
            places.push(At::Begin);
        }
    }
    commands.push(Command::Text(&own_prefix));
    places.push(At::End);
    for (record, parameters) in unit.records.iter().zip(&parameters) {
        commands.push(Command::Own(&record.sql, parameters));
        places.push(At::Record);
    }
    commands.push(Command::Text(survey.map_or("commit", |survey| survey.end)));
    places.push(At::Commit);
    flush(session, &mut commands, &mut places, answers, survey).await
}

fn copy_failed(index: usize, failure: CopyFailure<RereadFault>) -> (At, DbFailure) {
    match failure {
        CopyFailure::Server(failure) => (At::Statement(index), *failure),
        CopyFailure::Data(why) => {
            let failure = DbFailure::protocol(&why.to_string());
            (At::Rows(index, why), failure)
        }
    }
}

/// Sends what has gathered and waits for the answers.
async fn flush<'a>(
    session: &'a Session,
    commands: &mut Vec<Command<'a>>,
    places: &mut Vec<At>,
    answers: &mpsc::UnboundedSender<Answer>,
    survey: Option<&Survey<'_>>,
) -> Result<(), (At, DbFailure)> {
    let commands = std::mem::take(commands);
    let places = std::mem::take(places);
    let answered = |at: usize, rows: Vec<Row>| {
        let answer = match (places.get(at), survey) {
            (Some(At::Statement(index)), _) => Answer::Statement(*index),
            (Some(At::Survey(after)), Some(survey)) => {
                drop(survey.taken.send((*after, rows)));
                return;
            }
            _ => Answer::Begun,
        };
        let _ = answers.send(answer);
    };
    session
        .pipeline_rows(commands, Window::default(), answered)
        .await
        .map(|_| ())
        .map_err(|(at, failure)| (places.get(at).cloned().unwrap_or(At::Commit), failure))
}

/// Returns the place of a failure in the file.
fn snippet(unit: Unit<'_>, at: &At, failure: &DbFailure) -> Option<Snippet> {
    match at {
        At::Statement(index) => {
            let offset = failure.caret_in(unit.script.text(*index));
            Some(unit.script.snippet(*index, offset))
        }
        At::Rows(index, _) => Some(unit.script.snippet(*index, None)),
        At::Begin if unit.begin != "begin" => Some(unit.script.snippet(0, None)),
        _ => None,
    }
}

/// Gives a failure that is not tried again its name.
fn stop(
    unit: Unit<'_>,
    setup: &Setup,
    at: At,
    failure: DbFailure,
    cancelled: Option<Cancelled>,
) -> Stop {
    let place = snippet(unit, &at, &failure);
    match cancelled {
        Some(Cancelled::Interrupt | Cancelled::NoAnswer) => {
            return Stop::Interrupted { kept: unit.kept };
        }
        Some(Cancelled::LockHeld(relation)) => {
            return Stop::HeldTooLong {
                relation,
                limit: setup.lock_hold.unwrap_or_default(),
                snippet: place,
            };
        }
        _ => {}
    }
    let ended_by_code = failure.sqlstate.as_deref() == Some("2D000");
    match at {
        At::Statement(_) if ended_by_code => Stop::EndedTransaction { snippet: place },
        At::Statement(index) => Stop::Statement {
            index,
            of: unit.script.len(),
            snippet: place,
            failure,
            kept: unit.kept,
        },
        At::Rows(_, why) => Stop::Rows {
            why,
            snippet: place,
            kept: unit.kept,
        },
        At::Record if failure.message.contains(GUARD_ERROR) => Stop::EscapedTransaction,
        At::Record if failure.message.contains(LOST) => Stop::LostLock,
        At::Record => Stop::Own {
            what: "could not write the history",
            failure,
        },
        At::Survey(_) => Stop::Own {
            what: "could not look at the locks",
            failure,
        },
        At::Begin | At::End | At::Commit => Stop::AtEnd { failure },
    }
}
