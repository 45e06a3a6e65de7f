//! Dry runs at once on one server: roles belong to the server, not to a database, so that one that makes or
//! drops roles must be alone, and one that only leans on them must not be beside it.

use std::time::Duration;

use super::error::PreviewError;
use crate::clock::Deadline;
use crate::pg::error::DbFailure;
use crate::pg::lock::{BLOCKER_COLUMNS, blocker};
use crate::pg::session::Session;
use crate::report::event::{Blocker, RunEvent};
use crate::report::problem::Problem;
use crate::runner::own_work::Listeners;

/// Keys of the lock: "evmg", as in the lock of a history, and "role".
const KEYS: (i32, i32) = (i32::from_be_bytes(*b"evmg"), i32::from_be_bytes(*b"role"));

/// Time between two tries. As with the lock of a history, nobody waits inside the server, where a waiter's
/// snapshot would hold up `CREATE INDEX CONCURRENTLY`.
const INTERVAL: Duration = Duration::from_millis(100);
/// A wait shorter than this is not worth a word.
const WORTH_TELLING: Duration = Duration::from_millis(500);
/// Time between two words about it.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// How a dry run uses the server's roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It makes or drops some.
    Alone,
    /// It leans on those that are there.
    Beside,
}

impl Turn {
    fn suffix(self) -> &'static str {
        match self {
            Self::Alone => "",
            Self::Beside => "_shared",
        }
    }

    /// Waits for the turn, as long as `wait`, and tells who is in the way.
    pub(super) async fn take(
        self,
        session: &Session,
        wait: Duration,
        listeners: &mut Listeners<'_>,
    ) -> Result<(), PreviewError> {
        let failed = || PreviewError::shadow("could not wait for another dry run");
        let deadline = Deadline::after(wait);
        let mut next_word = WORTH_TELLING;
        while !self.try_take(session).await.map_err(failed())? {
            let waited = deadline.elapsed();
            if deadline.is_over() || waited >= next_word {
                let holder = holder(session).await.map_err(failed())?;
                if deadline.is_over() {
                    let holder = holder.map(Box::new);
                    return Err(PreviewError::Busy { holder, waited });
                }
                listeners.sink.event(&waiting(holder.as_ref(), waited));
                next_word = waited + TELL_EVERY;
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = listeners.interrupt.wait() => return Err(PreviewError::Interrupted),
            }
        }
        Ok(())
    }

    async fn try_take(self, session: &Session) -> Result<bool, DbFailure> {
        let ((class, key), suffix) = (KEYS, self.suffix());
        let sql = format!("select pg_catalog.pg_try_advisory_lock{suffix}({class}, {key})::text");
        let rows = session.query(&sql, &[]).await?;
        Ok(rows.first().is_some_and(|row| row.truth(0)))
    }

    /// Gives the turn back; the session's end does so, too.
    pub(super) async fn give_back(self, session: &Session) -> Result<(), DbFailure> {
        let ((class, key), suffix) = (KEYS, self.suffix());
        let sql = format!("select pg_catalog.pg_advisory_unlock{suffix}({class}, {key})::text");
        session.query(&sql, &[]).await.map(|_| ())
    }
}

/// Returns the dry run that is in the way, as far as the role may see.
async fn holder(session: &Session) -> Result<Option<Blocker>, DbFailure> {
    let (class, key) = KEYS;
    let sql = format!(
        "{BLOCKER_COLUMNS} from pg_catalog.pg_locks l \
         join pg_catalog.pg_stat_activity a on a.pid = l.pid \
         where l.locktype = 'advisory' and l.classid::bigint = {class} \
         and l.objid::bigint = {key} and l.objsubid = 2 and l.granted \
         and l.pid <> pg_catalog.pg_backend_pid() \
         and l.database = (select d.oid from pg_catalog.pg_database d \
         where d.datname = pg_catalog.current_database()) limit 1"
    );
    let rows = session.query(&sql, &[]).await?;
    Ok(rows.first().map(blocker))
}

fn waiting(holder: Option<&Blocker>, waited: Duration) -> RunEvent {
    let message = format!(
        "another dry run is at work on the server of the throw-away databases, {} s so far",
        waited.as_secs()
    );
    let problem = Problem::new("waiting-for-dry-run", message)
        .hint("roles belong to the whole server: whoever makes some there must be alone");
    RunEvent::Warning {
        problem: match holder {
            Some(holder) => problem.detail(format!(
                "pid {}, user {}, {}",
                holder.pid, holder.user, holder.application
            )),
            None => problem,
        },
    }
}
