//! The lock of a history: a session advisory lock on the very session that runs the DDL.
//!
//! It is obtained by polling. A waiter blocked inside `pg_advisory_lock` holds a snapshot, for which
//! the holder's `CREATE INDEX CONCURRENTLY` waits: a deadlock (faults.md, fact 3).

use sha2::{Digest, Sha256};

use super::error::DbFailure;
use super::session::{Row, Session};
use crate::report::event::Blocker;

/// First key of the lock: "evmg" in ASCII, to stay out of other tools' way (faults.md B55).
const CLASS: i32 = i32::from_be_bytes(*b"evmg");

/// How the error of [`HistoryLock::held`] begins: a text that is no number.
pub const LOST: &str = "evmig lock is not held by ";

/// The advisory lock of one history schema. Advisory locks belong to a database, so that the
/// database is part of the key by itself (PostgreSQL manual, 13.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryLock {
    key: i32,
}

impl HistoryLock {
    /// Makes the lock's key from the history schema's name.
    pub fn new(history_schema: &str) -> Self {
        let hash = Sha256::digest(history_schema.as_bytes());
        Self {
            key: i32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]),
        }
    }

    /// Tries to take the lock once, without waiting.
    ///
    /// It is taken twice: a session lock counts how often it was taken, and giving one back is what
    /// tells whether it was held ([`Self::held`]).
    pub async fn try_take(self, session: &Session) -> Result<bool, DbFailure> {
        let key = self.key;
        let sql = format!(
            "select (pg_catalog.pg_try_advisory_lock({CLASS}, {key}) \
             and pg_catalog.pg_try_advisory_lock({CLASS}, {key}))::text"
        );
        let rows = session.query(&sql, &[]).await?;
        Ok(rows.first().is_some_and(|row| row.truth(0)))
    }

    /// Returns an expression that is 0, and fails unless this session still holds the lock; inside a
    /// transaction, it takes the transaction with it. [`LOST`] begins the error's text.
    ///
    /// It gives one of the two holds back and takes it again, in microseconds; a look into `pg_locks`
    /// copies every lock of the server, and took longer than many a migration.
    pub fn held(self) -> String {
        let key = self.key;
        format!(
            "case when pg_catalog.pg_advisory_unlock({CLASS}, {key}) \
             and pg_catalog.pg_try_advisory_lock({CLASS}, {key}) then 0 \
             else ('{LOST}' || pg_catalog.pg_backend_pid()::text)::integer end"
        )
    }

    /// Returns who holds the lock, as far as the role may see.
    pub async fn holder(self, session: &Session) -> Result<Option<Blocker>, DbFailure> {
        holder(session, (CLASS, self.key)).await
    }

    /// Gives the lock back; the session's end does so too.
    pub async fn release(self, session: &Session) -> Result<(), DbFailure> {
        let key = self.key;
        let sql = format!(
            "select (pg_catalog.pg_advisory_unlock({CLASS}, {key}) \
             and pg_catalog.pg_advisory_unlock({CLASS}, {key}))::text"
        );
        session.query(&sql, &[]).await.map(|_| ())
    }
}

/// Returns who holds an advisory lock of two keys in this database, as far as the role may see.
pub async fn holder(
    session: &Session,
    (class, key): (i32, i32),
) -> Result<Option<Blocker>, DbFailure> {
    let sql = format!(
        "{BLOCKER_COLUMNS} from pg_catalog.pg_locks l \
         join pg_catalog.pg_stat_activity a on a.pid = l.pid \
         where l.locktype = 'advisory' and l.classid = ({class}::bigint & 4294967295)::oid \
         and l.objid = ({key}::bigint & 4294967295)::oid and l.objsubid = 2 and l.granted \
         and l.database = (select d.oid from pg_catalog.pg_database d \
         where d.datname = pg_catalog.current_database()) limit 1"
    );
    let rows = session.query(&sql, &[]).await?;
    Ok(rows.first().map(blocker))
}

/// The columns of `pg_stat_activity` (as `a`) that make a [`Blocker`].
///
/// To a role without `pg_read_all_stats`, other roles' sessions show neither type nor state, age or
/// query. An autovacuum worker is still known by what it lacks: of all that has a database, it alone
/// has no user (PostgreSQL's `pgstat_bestart`).
///
/// The query of another run is a file in one message: what evmig has put before the statements is left
/// out.
pub const BLOCKER_COLUMNS: &str = "select a.pid::text, a.usename::text, a.application_name, \
    coalesce(a.backend_type, case when a.usesysid is null and a.datid is not null \
    then 'autovacuum worker' end), a.state, \
    extract(epoch from pg_catalog.clock_timestamp() - coalesce(a.xact_start, a.state_change))\
    ::bigint::text, \
    pg_catalog.left(pg_catalog.regexp_replace(pg_catalog.regexp_replace(pg_catalog.regexp_replace(\
    a.query, '^begin;execute evmig_after .*?;set local search_path = [^;]*;', ''), \
    'set local application_name = ''[^'']*'';', '', 'g'), '\\s+', ' ', 'g'), 200)";

/// Reads a [`Blocker`] from a row of [`BLOCKER_COLUMNS`], with the relation as an eighth column.
pub fn blocker(row: &Row) -> Blocker {
    Blocker {
        pid: row
            .number(0)
            .and_then(|pid| i32::try_from(pid).ok())
            .unwrap_or_default(),
        user: row.text(1),
        application: row.text(2),
        backend_type: row.text(3),
        state: row.text(4),
        transaction_seconds: row
            .number(5)
            .and_then(|seconds| u64::try_from(seconds).ok()),
        query: row.text(6),
        relation: row.get(7).map(str::to_owned),
    }
}
