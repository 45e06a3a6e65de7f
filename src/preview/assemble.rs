//! Puts what was measured together with the target's sizes, file by file, into the report.

use serde::{Deserialize, Serialize};

use super::error::PreviewError;
use super::estimate::{self, Grounds, Judged, LITTLE};
use super::measure::{Measured, Meter};
use super::past::{self, Past};
use super::pending::Pending;
use super::size;
use super::speed::Bench;
use crate::project::script::{Mode, Script};
use crate::report::dry_run::{
    Blocks, DryMigration, DryRunReport, HeldLock, StatementLock, Unproved, WorkKind,
};
use crate::report::event::MigrationRef;
use crate::report::problem::Problem;
use crate::runner::open::Opened;

/// How far one file came.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Came {
    /// It ran, to its end or to a statement that failed.
    Ran(Vec<Measured>),
    /// It was not tried, and why.
    NotTried(String),
}

impl Came {
    /// Returns what was measured.
    fn measured(&self) -> &[Measured] {
        match self {
            Self::Ran(measured) => measured,
            Self::NotTried(_) => &[],
        }
    }
}

/// Lists the statements; nothing is known of them but their text.
pub(super) fn list(pending: &Pending<'_>, report: &mut DryRunReport) {
    let meter = Meter::default();
    let sizes = size::Sizes::default();
    let grounds = Grounds {
        meter: &meter,
        sizes: &sizes,
        speeds: None,
        past: Past::default(),
        dynamic: &[],
        on_target: false,
    };
    for (index, script) in &pending.scripts {
        let first = pending.first(*index, script);
        let judged = (first..script.body().end)
            .map(|at| grounds.statement(script, at, None, &[]))
            .collect();
        add(report, pending, *index, script, judged, None, Vec::new());
    }
}

/// Puts what was measured together with the target's sizes.
pub(super) async fn judge(
    target: &Opened,
    pending: &Pending<'_>,
    bench: Bench<'_>,
    dynamic: &[String],
    meter: &Meter,
    ran: &[Came],
    report: &mut DryRunReport,
) -> Result<(), PreviewError> {
    let mut names: Vec<_> = ran
        .iter()
        .flat_map(|all| estimate::relations(meter, all.measured()))
        .collect();
    names.sort();
    names.dedup();
    let sizes = match size::read(&target.session, &names).await {
        Ok(sizes) => sizes,
        Err(failure) => {
            let message = "the sizes of the target's tables could not be read";
            report
                .notes
                .push(Problem::new("sizes-unknown", message).detail(failure.message));
            size::Sizes::default()
        }
    };
    if sizes.by_statistics {
        let message = "a table of the target is locked: sizes are those of its statistics";
        report.notes.push(Problem::new("sizes-estimated", message));
    }
    let mut grounds = Grounds {
        meter,
        sizes: &sizes,
        speeds: None,
        past: Past::default(),
        dynamic,
        on_target: meter.is_rolled_back(),
    };
    let needed = if meter.is_rolled_back() {
        Vec::new()
    } else {
        much_work(&grounds, pending, ran)
    };
    let schema = &pending.project.manifest.project.history_schema.value;
    if !needed.is_empty() && pending.has_history {
        grounds.past = past::read(&target.session, schema, report).await;
    }
    if needed.iter().any(|work| grounds.past.of(*work).is_none()) {
        grounds.speeds = bench.speeds(schema).await;
    }
    for ((index, script), came) in pending.scripts.iter().zip(ran) {
        let measured = came.measured();
        let first = pending.first(*index, script);
        let mut judged: Vec<Judged> = Vec::new();
        for statement in first..script.body().end {
            let of_it = measured.iter().find(|one| one.index == statement);
            let earlier = locks_of(&judged, of_it.and_then(|one| one.transaction));
            judged.push(grounds.statement(script, statement, of_it, &earlier));
        }
        let label = pending.named(*index).label();
        let locks = grounds.held(&label, &judged);
        add(report, pending, *index, script, judged, Some(came), locks);
    }
    Ok(())
}

/// Returns the kinds of work whose time is worth a speed.
fn much_work(grounds: &Grounds<'_>, pending: &Pending<'_>, ran: &[Came]) -> Vec<WorkKind> {
    let all = pending.scripts.iter().zip(ran);
    all.flat_map(|((_, script), all)| all.measured().iter().map(move |one| (script, one)))
        .flat_map(|(script, one)| {
            grounds
                .statement(script, one.index, Some(one), &[])
                .statement
                .work
        })
        .filter(|work| work.work != WorkKind::Truncate)
        .filter(|work| work.bytes.is_some_and(|bytes| bytes >= LITTLE))
        .map(|work| work.work)
        .collect()
}

/// Returns what a transaction has locked so far.
fn locks_of(judged: &[Judged], transaction: Option<usize>) -> Vec<StatementLock> {
    let same = judged
        .iter()
        .filter(|one| transaction.is_some() && one.transaction == transaction);
    same.flat_map(|one| one.statement.locks.clone()).collect()
}

/// Adds a file to the report. `came` is none where the level does not try.
fn add(
    report: &mut DryRunReport,
    pending: &Pending<'_>,
    index: usize,
    script: &Script,
    judged: Vec<Judged>,
    came: Option<&Came>,
    locks: Vec<HeldLock>,
) {
    let statements: Vec<_> = judged.into_iter().map(|one| one.statement).collect();
    report.unproved.extend(statements.iter().filter_map(|one| {
        Some(Unproved {
            place: one.place.clone(),
            sql: one.sql.lines().next().unwrap_or_default().to_owned(),
            reason: one.unproved.clone()?,
        })
    }));
    let migration = pending.named(index);
    let findings = too_long(pending, index, &migration, &locks);
    report.findings.extend(findings);
    report.locks.extend(locks.iter().cloned());
    estimate::sort(&mut report.locks);
    let times = statements.iter().filter_map(|one| one.duration_ms);
    report.migrations.push(DryMigration {
        migration,
        transactional: matches!(script.mode(), Mode::Transaction { .. }),
        tried: matches!(came, Some(Came::Ran(_))),
        not_tried: match came {
            Some(Came::NotTried(why)) => Some(why.clone()),
            _ => None,
        },
        duration_ms: matches!(came, Some(Came::Ran(_))).then(|| times.sum()),
        statements,
        locks,
    });
}

/// What a file's phase does not allow of its locks.
fn too_long(
    pending: &Pending<'_>,
    index: usize,
    migration: &MigrationRef,
    locks: &[HeldLock],
) -> Vec<Problem> {
    let phase = &pending.project.manifest.phases[pending.project.migrations[index].phase];
    let contract = phase.contract.as_ref();
    let Some(limit) = contract.and_then(|contract| contract.max_lock_hold.as_ref()) else {
        return Vec::new();
    };
    let limit = limit.value.as_secs_f64() * 1000.0;
    let long = locks.iter().filter(|lock| {
        lock.blocks != Blocks::Nothing && lock.held.ms.is_some_and(|held| held > limit)
    });
    long.map(|lock| {
        let held = shown(lock.held.ms.unwrap_or_default());
        let message = format!(
            "{} would hold {} on {} for about {held}; phase {} allows {}",
            migration.label(),
            lock.mode.word(),
            lock.relation,
            phase.name.value,
            shown(limit)
        );
        Problem::new("lock-hold", message).detail(lock.held.reason.clone())
    })
    .collect()
}

/// Writes milliseconds for people.
fn shown(ms: f64) -> String {
    if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}
