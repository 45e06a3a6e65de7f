//! The level that runs on the target itself: all files in one transaction, which is rolled back.

use std::time::Duration;

use super::assemble::{Came, judge};
use super::beyond;
use super::dry_run::{Request, Tried};
use super::error::PreviewError;
use super::measure::Meter;
use super::moment::dynamic;
use super::pending::Pending;
use super::rehearsal::{Piece, measured};
use super::speed::Bench;
use crate::catalog::fingerprint::fingerprint;
use crate::catalog::read::snapshot_within;
use crate::catalog::renames::{Names, diff_of_one};
use crate::catalog::shown::shown;
use crate::pg::lock::HistoryLock;
use crate::project::script::Mode;
use crate::report::dry_run::{DryRunReport, Fingerprints, Forecast};
use crate::report::problem::Problem;
use crate::runner::apply;
use crate::runner::attempt::Interrupt;
use crate::runner::error::RunError;
use crate::runner::open::Opened;

/// How long the target may be locked where no phase says less.
const BUDGET: Duration = Duration::from_secs(30);

/// Runs the files on the target, and rolls all of it back, whatever happens.
pub(super) async fn on_target(
    request: &Request<'_>,
    opened: &Opened,
    pending: &Pending<'_>,
    interrupt: &mut Interrupt,
    report: &mut DryRunReport,
) -> Result<Tried, PreviewError> {
    let session = &opened.session;
    let lock = HistoryLock::new(&request.opening.history_schema);
    let taken = lock.try_take(session).await;
    if !taken.map_err(RunError::own("could not ask for the lock"))? {
        let holder = lock.holder(session).await.ok().flatten().map(Box::new);
        let waited = Duration::ZERO;
        return Err(RunError::Busy { holder, waited }.into());
    }
    let budget = budget(pending);
    let work = tried(request, opened, pending, report);
    let outcome = tokio::select! {
        biased;
        outcome = tokio::time::timeout(budget, work) => outcome,
        () = interrupt.wait() => {
            give_up(opened).await;
            return Err(PreviewError::Interrupted);
        }
    };
    let Ok(outcome) = outcome else {
        give_up(opened).await;
        return Err(PreviewError::OverBudget { budget });
    };
    // A file that failed has ended the transaction already; the end of the session ends both anyway.
    drop(session.run("rollback").await);
    drop(lock.release(session).await);
    outcome
}

/// Returns how long all files together may take: as long as the strictest of their phases lets a lock be
/// held.
fn budget(pending: &Pending<'_>) -> Duration {
    let phases = pending.scripts.iter().filter_map(|(index, _)| {
        let migration = pending.project.migrations.get(*index)?;
        pending.project.manifest.phases.get(migration.phase)
    });
    let limits = phases.filter_map(|phase| phase.contract.as_ref()?.max_lock_hold.as_ref());
    limits.map(|limit| limit.value).min().unwrap_or(BUDGET)
}

/// Cancels what is running. The session is dropped: the server then rolls back.
async fn give_up(opened: &Opened) {
    let patience = Duration::from_secs(5);
    drop(opened.session.canceller().cancel(patience).await);
    opened.session.abandon();
}

async fn tried(
    request: &Request<'_>,
    opened: &Opened,
    pending: &Pending<'_>,
    report: &mut DryRunReport,
) -> Result<Tried, PreviewError> {
    let session = &opened.session;
    let schema = &request.opening.history_schema;
    let version = opened.facts.version_num;
    let begun = session.run("begin").await;
    begun.map_err(RunError::own("could not begin"))?;
    let before = snapshot_within(session, version, schema).await?;
    let names = Names::read_within(session).await?;
    let setup = apply::setup(opened, request.policy);
    let mut meter = Meter::of_one_transaction();
    let mut all = Vec::new();
    let mut stopped = None;
    for (index, script) in &pending.scripts {
        let why = if stopped.is_some() {
            Some("a migration before it fails")
        } else if let Some((_, why)) = beyond::the_server(script) {
            Some(why)
        } else if matches!(script.mode(), Mode::Stepwise(_)) {
            Some("it does not run in one transaction, which could be rolled back")
        } else {
            None
        };
        if let Some(why) = why {
            all.push(Came::NotTried(why.to_owned()));
            continue;
        }
        let named = pending.named(*index);
        let piece = Piece::whole(script, &named);
        let result = measured(opened, &setup, piece, &mut meter).await;
        all.push(Came::Ran(meter.finish()));
        stopped = result.err().map(|stop| (named, *stop.stop));
    }
    let mut reached = None;
    if stopped.is_none() {
        let reset = session.run(&opened.settings.restore_sql()).await;
        reset.map_err(RunError::own("could not reset the session"))?;
        let after = snapshot_within(session, version, schema).await?;
        let names_after = Names::read_within(session).await?;
        let compared = diff_of_one((&before, &names), (&after, &names_after));
        report.changes = shown(&compared.changes, &compared.before, &after);
        let all_ran = all.iter().all(|came| matches!(came, Came::Ran(_)));
        report.fingerprint = Some(Fingerprints {
            target: Some(fingerprint(&before)),
            before: None,
            after: all_ran.then(|| fingerprint(&after)),
        });
        reached = all_ran.then_some(after);
    }
    let (bench, dynamic) = (Bench::Session(session), dynamic(session).await?);
    judge(opened, pending, bench, &dynamic, &meter, &all, report).await?;
    let message = "numbers that sequences gave out are used up; all else was rolled back";
    report.notes.push(Problem::new("rolled-back", message));
    report.forecast = if stopped.is_some() {
        Forecast::WouldFail
    } else {
        Forecast::WouldApply
    };
    Ok(Tried {
        stopped,
        target: Some(before),
        after: reached,
    })
}
