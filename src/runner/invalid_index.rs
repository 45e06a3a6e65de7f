//! Removes INVALID indexes that an interrupted statement of ours left behind.

use std::time::Duration;

use tokio::sync::mpsc;

use super::attempt::{Answer, Heading, Interrupt, Limits, Link, drive};
use super::error::Stop;
use crate::pg::error::DbFailure;
use crate::report::event::{MigrationRef, RunEvent};
use crate::report::problem::Problem;

/// Drops the indexes without blocking anybody, one after the other; returns whether all are gone
/// that the role may drop.
///
/// An INVALID index costs every write and helps no read; and `IF NOT EXISTS` would take it for the
/// real one (faults.md, fact 2). Dropping waits for everybody who is using the table, so somebody
/// who wants to stop is not made to wait for it: with `patience` a signal that came before does not
/// end it, and the time does. What stays is named, and the next run drops it.
pub async fn drop_all(
    link: &mut Link<'_>,
    migration: &MigrationRef,
    indexes: &[String],
    patience: Option<Duration>,
) -> Result<bool, Box<Stop>> {
    for index in indexes {
        let sql = format!("drop index concurrently if exists {index}");
        let session = link.session;
        let (sender, answers) = mpsc::unbounded_channel();
        let work = async {
            session
                .run("set lock_timeout = 0; set statement_timeout = 0")
                .await?;
            let _ = sender.send(Answer::Begun);
            session.run(&sql).await
        };
        let limits = Limits {
            total: patience,
            ..Limits::default()
        };
        let mut never = Interrupt::never();
        let mut patient = Link {
            session: link.session,
            notices: link.notices,
            watcher: link.watcher,
            watch_session: link.watch_session,
            pid: link.pid,
            interrupt: if patience.is_some() {
                &mut never
            } else {
                link.interrupt
            },
            sink: link.sink,
        };
        let heading = Heading {
            migration,
            statements: 0..0,
            limits,
        };
        let driven = drive(&mut patient, &[heading], answers, work, &mut ()).await;
        match driven.result {
            Some(Ok(())) => link.sink.event(&RunEvent::InvalidIndexDropped {
                migration: migration.clone(),
                index: index.clone(),
            }),
            Some(Err(failure))
                if failure.sqlstate.as_deref() == Some("57014") && driven.cancelled.is_some() =>
            {
                link.sink.event(&left_over(index));
                return Ok(false);
            }
            // An owner may reindex what a table stores out of line, and not drop what that leaves.
            Some(Err(failure)) if failure.sqlstate.as_deref() == Some("42501") => {
                link.sink.event(&not_ours(index, &failure));
            }
            Some(Err(failure)) => return Err(could_not_drop(failure)),
            None => return Err(Box::new(Stop::Interrupted { kept: 0 })),
        }
    }
    Ok(true)
}

fn left_over(index: &str) -> RunEvent {
    RunEvent::Warning {
        problem: Problem::new(
            "invalid-index-left",
            format!("{index} is INVALID and could not be dropped: its table is in use"),
        )
        .hint("the next apply drops it and builds it again"),
    }
}

fn not_ours(index: &str, failure: &DbFailure) -> RunEvent {
    RunEvent::Warning {
        problem: Problem::new(
            "invalid-index-left",
            format!("{index} is INVALID, costs every write, and this role may not drop it"),
        )
        .detail(failure.message.clone())
        .hint(format!(
            "a superuser can: drop index concurrently {index}; VACUUM FULL of the table removes it too"
        )),
    }
}

fn could_not_drop(failure: DbFailure) -> Box<Stop> {
    Box::new(Stop::Own {
        what: "could not drop the INVALID index that was left over",
        failure,
    })
}
