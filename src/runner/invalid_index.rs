//! Removes INVALID indexes that an interrupted statement of ours left behind.

use tokio::sync::mpsc;

use super::attempt::{Answer, Limits, Link, drive};
use super::error::Stop;
use crate::pg::error::DbFailure;
use crate::report::event::{MigrationRef, RunEvent};

/// Drops the indexes without blocking anybody, one after the other.
///
/// An INVALID index costs every write and helps no read; and `IF NOT EXISTS` would take it for the
/// real one (faults.md, fact 2).
pub async fn drop_all(
    link: &mut Link<'_>,
    migration: &MigrationRef,
    indexes: &[String],
) -> Result<(), Box<Stop>> {
    for index in indexes {
        let sql = format!("drop index concurrently if exists {index}");
        let session = link.session;
        let (sender, answers) = mpsc::unbounded_channel();
        // Nothing here depends on a transaction: a cancel may come at once.
        let _ = sender.send(Answer::Begun);
        let work = async {
            session
                .run("set lock_timeout = 0; set statement_timeout = 0")
                .await?;
            session.run(&sql).await
        };
        let driven = drive(link, migration, 0, Limits::default(), answers, work).await;
        match driven.result {
            Some(Ok(())) => link.sink.event(&RunEvent::InvalidIndexDropped {
                migration: migration.clone(),
                index: index.clone(),
            }),
            Some(Err(failure)) => return Err(could_not_drop(failure)),
            None => return Err(Box::new(Stop::Interrupted { kept: 0 })),
        }
    }
    Ok(())
}

fn could_not_drop(failure: DbFailure) -> Box<Stop> {
    Box::new(Stop::Own {
        what: "could not drop the INVALID index that was left over",
        failure,
    })
}
