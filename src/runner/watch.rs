//! A second connection that looks at the first while it waits: who is in its way, how far its
//! index build is, how long it has held strong locks.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::attempt::Limits;
use crate::pg::connect::{ConnectOptions, connect};
use crate::pg::lock::{BLOCKER_COLUMNS, blocker};
use crate::pg::params::Parameters;
use crate::pg::session::{Row, Session};
use crate::report::event::{Blocker, HeldTable};

/// How long a statement may run before anybody looks: most are done by then, and cost no second
/// connection.
const FIRST_LOOK: Duration = Duration::from_millis(150);
/// Time between two tries to get a second connection.
const RECONNECT_AFTER: Duration = Duration::from_secs(3);
/// A transaction this old is one that somebody forgot, or a report.
const LONG_TRANSACTION: Duration = Duration::from_secs(5);
/// Time between looks.
const INTERVAL: Duration = Duration::from_millis(200);

/// What one look shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// Sessions that the watched one waits for.
    pub blockers: Vec<Blocker>,
    /// Progress of an index build, if one is running.
    pub index: Option<IndexBuild>,
    /// A relation older than the transaction that it holds a strong lock on.
    pub strong_lock: Option<String>,
    /// Tables that it keeps everybody out of.
    pub held: Vec<HeldTable>,
    /// `application_name` of the session.
    pub mark: Option<String>,
    /// Time since the work began.
    pub elapsed: Duration,
}

/// A row of `pg_stat_progress_create_index` (PostgreSQL manual, 28.4.4).
#[derive(Debug, Clone, PartialEq)]
pub struct IndexBuild {
    /// Its phase.
    pub phase: String,
    /// Per cent done, if the phase counts anything.
    pub percent: Option<u8>,
    /// The session it waits for now.
    pub waits_for: Option<Blocker>,
}

/// When something last happened.
#[derive(Debug)]
pub struct Last {
    /// An answer came.
    pub answer: Cell<Instant>,
    /// A transaction began.
    pub begin: Cell<Instant>,
}

impl Last {
    /// Everything happens now.
    pub fn now() -> Self {
        let now = Instant::now();
        Self {
            answer: Cell::new(now),
            begin: Cell::new(now),
        }
    }
}

/// The watcher; its connection is opened when it is first needed, and kept.
#[derive(Debug)]
pub struct Watcher {
    parameters: Parameters,
    application_name: String,
    told: AtomicBool,
}

impl Watcher {
    /// Makes a watcher for the same server; it connects later.
    pub fn new(parameters: Parameters, application_name: &str) -> Self {
        Self {
            parameters,
            application_name: format!("{application_name} watch"),
            told: AtomicBool::new(false),
        }
    }

    /// Looks at a backend again and again and sends what it sees, until it is dropped.
    ///
    /// The first look is early enough for a try that may wait for locks no longer than its limit.
    /// While one answer follows another there is nothing to look for, unless a transaction has gone on
    /// for a quarter of the time that it may hold locks.
    /// Where no second connection can be had, it says so once in a run and goes on asking for one:
    /// the run goes on without names for who is in the way.
    pub async fn watch(
        &self,
        kept: &mut Option<Session>,
        pid: i32,
        limits: Limits,
        last: &Last,
        looks: UnboundedSender<Result<Look, String>>,
    ) {
        let started = last.answer.get();
        let first = limits
            .lock_wait
            .map_or(FIRST_LOOK, |limit| FIRST_LOOK.min(limit / 6));
        tokio::time::sleep(first).await;
        loop {
            let quiet = first.saturating_sub(last.answer.get().elapsed());
            let held = limits.lock_hold.map_or(Duration::MAX, |limit| limit / 4);
            let soon = quiet.min(held.saturating_sub(last.begin.get().elapsed()));
            if !soon.is_zero() {
                tokio::time::sleep(soon).await;
                continue;
            }
            if let Err(message) = self.ready(kept).await {
                if self.is_first_complaint() {
                    // The receiver is gone only when the statement is done.
                    drop(looks.send(Err(message)));
                }
                tokio::time::sleep(RECONNECT_AFTER).await;
                continue;
            }
            if let Some(session) = kept
                && let Ok(look) = Box::pin(look(session, pid, started)).await
                && looks.send(Ok(look)).is_err()
            {
                return;
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }

    /// Makes sure of the second connection.
    ///
    /// Over a slow link it takes longer to open than a short `lock_timeout` lasts; whoever tries
    /// again opens it first, or would never learn who is in the way.
    pub async fn ready(&self, kept: &mut Option<Session>) -> Result<(), String> {
        if kept.as_ref().is_none_or(Session::is_closed) {
            *kept = None;
            *kept = Some(self.connect().await?);
        }
        Ok(())
    }

    /// Returns whether nobody was told yet that there is no second connection.
    pub fn is_first_complaint(&self) -> bool {
        !self.told.swap(true, Ordering::Relaxed)
    }

    async fn connect(&self) -> Result<Session, String> {
        let options = ConnectOptions {
            timeout: Duration::from_secs(5),
            application_name: Some(self.application_name.clone()),
            ..ConnectOptions::default()
        };
        let connection = connect(&self.parameters, &options)
            .await
            .map_err(|error| error.to_string())?;
        let (session, _) = Session::new(connection);
        session
            .run(
                "set search_path = pg_catalog, pg_temp; set statement_timeout = '5s'; \
                 set lock_timeout = '1s'; set idle_in_transaction_session_timeout = 0",
            )
            .await
            .map_err(|failure| failure.to_string())?;
        Ok(session)
    }
}

/// Returns once none of the sessions holds the relation any more that was waited for; never where
/// that cannot be told.
///
/// Only long transactions are watched for their end. Short ones follow each other, and going by
/// their ends would use up all tries in a moment.
pub async fn gone(session: Option<&Session>, blockers: &[Blocker]) {
    let long = |blocker: &Blocker| {
        blocker.relation.is_some()
            && blocker
                .transaction_seconds
                .is_some_and(|seconds| seconds >= LONG_TRANSACTION.as_secs())
    };
    let Some(session) = session.filter(|_| !blockers.is_empty() && blockers.iter().all(long))
    else {
        return std::future::pending().await;
    };
    let relation = blockers[0].relation.as_deref();
    let pids: Vec<String> = blockers.iter().map(|one| one.pid.to_string()).collect();
    let pids = format!("{{{}}}", pids.join(","));
    let sql = "select (exists (select from pg_locks l where l.granted \
               and l.pid = any($1::integer[]) and l.relation = to_regclass($2)))::text";
    loop {
        tokio::time::sleep(INTERVAL).await;
        match session.query(sql, &[Some(&pids), relation]).await {
            Ok(rows) if rows.first().is_some_and(|row| !row.truth(0)) => return,
            Ok(_) => {}
            Err(_) => return std::future::pending().await,
        }
    }
}

/// Takes one look.
async fn look(
    session: &Session,
    pid: i32,
    started: Instant,
) -> Result<Look, crate::pg::error::DbFailure> {
    let pid = pid.to_string();
    let blockers = format!(
        "{BLOCKER_COLUMNS}, (select l.relation::regclass::text from pg_locks l \
         where l.pid = $1::integer and not l.granted and l.relation is not null limit 1) \
         from pg_stat_activity a where a.pid = any(pg_blocking_pids($1::integer)) \
         order by a.xact_start nulls last"
    );
    let locker = format!(
        "{BLOCKER_COLUMNS}, null, p.phase, case when p.blocks_total > 0 \
         then (100 * p.blocks_done / p.blocks_total) when p.tuples_total > 0 \
         then (100 * p.tuples_done / p.tuples_total) end::text, (a.pid is not null)::text \
         from pg_stat_progress_create_index p \
         left join pg_stat_activity a on a.pid = p.current_locker_pid and a.pid <> 0 \
         where p.pid = $1::integer"
    );
    let mark = "select a.application_name from pg_stat_activity a where a.pid = $1::integer";
    let pid = [Some(pid.as_str())];
    let (blockers, prepared, locker, strong, held, mark) = tokio::join!(
        session.query(&blockers, &pid),
        session.query(include_str!("sql/prepared.sql"), &pid),
        session.query(&locker, &pid),
        session.query(include_str!("sql/strong_lock.sql"), &pid),
        session.query(include_str!("sql/held_tables.sql"), &pid),
        session.query(mark, &pid),
    );
    let prepared = prepared?;
    let index = locker?.first().map(|row| IndexBuild {
        phase: row.text(8),
        percent: row.number(9).and_then(|percent| u8::try_from(percent).ok()),
        // Of a prepared transaction the server shows the session that prepared it, if that is still
        // there, and it holds nothing.
        waits_for: (row.truth(10) && prepared.is_empty()).then(|| blocker(row)),
    });
    Ok(Look {
        blockers: blockers?.iter().chain(&prepared).map(blocker).collect(),
        index,
        strong_lock: strong?.first().map(|row| row.text(0)),
        held: held?.iter().filter_map(held_table).collect(),
        mark: mark?.first().map(|row| row.text(0)),
        elapsed: started.elapsed(),
    })
}

fn held_table(row: &Row) -> Option<HeldTable> {
    let number = |at| row.number(at).and_then(|number| u32::try_from(number).ok());
    Some(HeldTable {
        oid: number(0)?,
        file: number(1)?,
        transaction: number(2)?,
    })
}
