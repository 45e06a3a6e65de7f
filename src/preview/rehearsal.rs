//! Runs migrations in a throw-away database, or on the target for the level that asks for it, through the
//! function that the runner sends with.

use std::time::Instant;

use tokio::sync::mpsc;

use super::documented::{self, Documented};
use super::measure::{Answer, Meter};
use crate::pg::error::DbFailure;
use crate::pg::session::{Row, Session};
use crate::project::script::{Mode, Script};
use crate::report::event::MigrationRef;
use crate::runner::error::Stop;
use crate::runner::open::Opened;
use crate::runner::transactional::{Setup, Survey, Unit, is_unprepared, rehearse};
use crate::sql::classify::Verb;
use crate::sql::object::ObjectClass;

/// What begins a file that is a part of a transaction that is rolled back.
const SAVEPOINT: &str = "savepoint evmig_dry_run";

/// A file that runs, from a statement on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// Its statements.
    pub(super) script: &'a Script,
    /// Which.
    pub(super) migration: &'a MigrationRef,
    /// The first statement that runs; those before it did already.
    pub(super) first: usize,
    /// The statement before which it stops.
    pub(super) end: usize,
}

impl<'a> Piece<'a> {
    /// All that runs of a file that has not been begun.
    pub(super) fn whole(script: &'a Script, migration: &'a MigrationRef) -> Self {
        let body = script.body();
        Self {
            script,
            migration,
            first: body.start,
            end: body.end,
        }
    }
}

/// Why a piece stopped, and at which statement.
pub(super) struct Stopped {
    /// Why.
    pub(super) stop: Box<Stop>,
}

/// Runs a piece without looking.
pub(super) async fn replay(
    opened: &Opened,
    setup: &Setup,
    piece: Piece<'_>,
) -> Result<(), Stopped> {
    run(opened, setup, piece, None).await
}

/// Runs a piece, and lets the meter see what each statement did.
pub(super) async fn measured(
    opened: &Opened,
    setup: &Setup,
    piece: Piece<'_>,
    meter: &mut Meter,
) -> Result<(), Stopped> {
    run(opened, setup, piece, Some(meter)).await
}

async fn run(
    opened: &Opened,
    setup: &Setup,
    piece: Piece<'_>,
    meter: Option<&mut Meter>,
) -> Result<(), Stopped> {
    match piece.script.mode() {
        Mode::Transaction { .. } => {
            let is_part = meter.as_ref().is_some_and(|meter| meter.is_rolled_back());
            let begin = if is_part {
                SAVEPOINT
            } else {
                piece.script.begin()
            };
            let unit = unit(piece, piece.first..piece.end, begin);
            one(&opened.session, setup, unit, meter).await
        }
        Mode::Stepwise(_) => stepwise(opened, setup, piece, meter).await,
    }
}

fn unit<'a>(piece: Piece<'a>, range: std::ops::Range<usize>, begin: &'a str) -> Unit<'a> {
    Unit {
        script: piece.script,
        first: range.start,
        end: range.end,
        begin,
        guard: "dry run",
        records: &[],
        migration: piece.migration,
        kept: range.start,
    }
}

/// Runs what is one transaction.
async fn one(
    session: &Session,
    setup: &Setup,
    unit: Unit<'_>,
    meter: Option<&mut Meter>,
) -> Result<(), Stopped> {
    let Some(meter) = meter else {
        let result = rehearse(session, setup, unit, None).await;
        return result.map_err(|stop| Stopped { stop });
    };
    // A question that is planned once costs a tenth. On the target it is planned each time: there, one
    // that is gone would take the whole transaction with it.
    let number = (!meter.is_rolled_back()).then(|| meter.transaction());
    let (mut result, mut answers) = surveyed(session, setup, unit, number).await;
    if result.as_ref().is_err_and(|stop| is_dropped(stop)) {
        (result, answers) = surveyed(session, setup, unit, None).await;
    }
    for (index, rows) in answers {
        meter.take(unit.script, index, &Answer::read(&rows));
    }
    meter.ended();
    result.map_err(|stop| Stopped { stop })
}

/// Whether the file has dropped the prepared question: `DEALLOCATE ALL`, perhaps within a function.
fn is_dropped(stop: &Stop) -> bool {
    matches!(stop, Stop::Own { failure, .. } if is_unprepared(failure))
}

/// What was answered, and behind which statement.
type Answers = Vec<(Option<usize>, Vec<Row>)>;

/// Runs what is one transaction, and asks after each statement, by a question that is prepared under this
/// number, or is sent in full each time.
async fn surveyed(
    session: &Session,
    setup: &Setup,
    unit: Unit<'_>,
    number: Option<usize>,
) -> (Result<(), Box<Stop>>, Answers) {
    const LOCKS: &str = include_str!("sql/locks.sql");
    let (ready, after) = match number {
        Some(number) => (
            format!("prepare evmig_locks_{number} as {LOCKS}"),
            format!("execute evmig_locks_{number}"),
        ),
        None => (String::new(), LOCKS.to_owned()),
    };
    let (taken, mut answers) = mpsc::unbounded_channel();
    let survey = Survey {
        ready: &ready,
        before: include_str!("sql/relations.sql"),
        after: &after,
        end: if unit.begin == SAVEPOINT {
            "release savepoint evmig_dry_run"
        } else {
            "commit"
        },
        taken,
    };
    let result = rehearse(session, setup, unit, Some(&survey)).await;
    drop(survey);
    let mut all = Vec::new();
    while let Ok(answer) = answers.try_recv() {
        all.push(answer);
    }
    (result, all)
}

/// Runs what is several: each statement that may has a transaction of its own.
async fn stepwise(
    opened: &Opened,
    setup: &Setup,
    piece: Piece<'_>,
    mut meter: Option<&mut Meter>,
) -> Result<(), Stopped> {
    let own = |what| {
        move |failure| Stopped {
            stop: Box::new(Stop::Own { what, failure }),
        }
    };
    let session = &opened.session;
    if let Some(path) = &setup.search_path {
        let set = session.run(&format!("set search_path = {path}")).await;
        set.map_err(own("could not set the search path"))?;
    }
    let bare = Setup {
        search_path: None,
        restore: None,
        ..setup.clone()
    };
    for index in piece.first..piece.end {
        if runs_bare(piece.script, index) {
            let text = piece.script.text(index);
            let known = match &meter {
                Some(_) => Some(known(session, piece.script, index).await),
                None => None,
            };
            let known = known
                .transpose()
                .map_err(own("could not look at the relations"))?;
            let started = Instant::now();
            if let Err(failure) = session.run_users(text).await {
                let offset = failure.caret_in(text);
                let stop = Stop::Statement {
                    index,
                    of: piece.script.len(),
                    snippet: Some(piece.script.snippet(index, offset)),
                    failure,
                    kept: index,
                };
                return Err(Stopped {
                    stop: Box::new(stop),
                });
            }
            if let (Some(meter), Some((before, documented))) = (meter.as_deref_mut(), known) {
                meter.bare(index, started.elapsed(), &before, documented.as_deref());
            }
        } else {
            let unit = unit(piece, index..index + 1, "begin");
            one(session, &bare, unit, meter.as_deref_mut()).await?;
        }
    }
    let reset = session.run(&opened.settings.reset_sql()).await;
    reset.map_err(own("could not reset the session"))
}

/// Returns the relations before a statement that runs outside of any transaction, and what is
/// documented of those that it names.
async fn known(
    session: &Session,
    script: &Script,
    index: usize,
) -> Result<(Answer, Option<Vec<(u32, Documented)>>), DbFailure> {
    let (before, documented) = tokio::try_join!(
        biased;
        session.query_long(include_str!("sql/relations.sql"), &[]),
        documented::found(session, documented::of(script, index)),
    )?;
    Ok((Answer::read(&before), documented))
}

/// Whether a statement of a file that runs statement by statement runs outside of any transaction, as
/// the runner decides it.
pub(super) fn runs_bare(script: &Script, index: usize) -> bool {
    let class = script.class(index);
    class.outside_transaction.is_some()
        || class.object == ObjectClass::Code
        || class.verb == Verb::Call
}
