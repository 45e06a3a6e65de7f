//! Dry runs at once on one server: roles belong to the server, not to a database, so that one that makes or
//! drops roles must be alone, and one that only leans on them must not be beside it.

use std::time::Duration;

use super::error::PreviewError;
use crate::pg::error::DbFailure;
use crate::pg::lock::holder;
use crate::pg::session::Session;
use crate::report::event::{Blocker, RunEvent};
use crate::report::problem::Problem;
use crate::runner::own_work::Listeners;
use crate::runner::turn::{NotTaken, Queue, take_of};

/// Keys of the lock: "evmg", as in the lock of a history, and "role".
const KEYS: (i32, i32) = (i32::from_be_bytes(*b"evmg"), i32::from_be_bytes(*b"role"));

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
        let queue = OfRoles {
            session,
            turn: self,
        };
        let (interrupt, sink) = (&mut *listeners.interrupt, &mut *listeners.sink);
        let taken = take_of(&queue, wait, interrupt, sink).await;
        taken.map(drop).map_err(|not_taken| match not_taken {
            NotTaken::Failed(failure) => {
                PreviewError::shadow("could not wait for another dry run")(*failure)
            }
            NotTaken::Busy { holder, waited } => PreviewError::Busy { holder, waited },
            NotTaken::Interrupted => PreviewError::Interrupted,
        })
    }

    /// Gives the turn back; the session's end does so, too.
    pub(super) async fn give_back(self, session: &Session) -> Result<(), DbFailure> {
        let ((class, key), suffix) = (KEYS, self.suffix());
        let sql = format!("select pg_catalog.pg_advisory_unlock{suffix}({class}, {key})::text");
        session.query(&sql, &[]).await.map(|_| ())
    }
}

struct OfRoles<'a> {
    session: &'a Session,
    turn: Turn,
}

impl Queue for OfRoles<'_> {
    async fn try_take(&self) -> Result<bool, DbFailure> {
        let ((class, key), suffix) = (KEYS, self.turn.suffix());
        let sql = format!("select pg_catalog.pg_try_advisory_lock{suffix}({class}, {key})::text");
        let rows = self.session.query(&sql, &[]).await?;
        Ok(rows.first().is_some_and(|row| row.truth(0)))
    }

    async fn holder(&self) -> Result<Option<Blocker>, DbFailure> {
        holder(self.session, KEYS).await
    }

    fn waiting(&self, holder: Option<Blocker>, waited: Duration) -> RunEvent {
        let mut message =
            "another dry run or comparison is at work on the server of the throw-away databases"
                .to_owned();
        if waited.as_secs() > 0 {
            message = format!("{message}, {} s so far", waited.as_secs());
        }
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
}
