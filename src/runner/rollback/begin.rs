//! Takes the lock, decides again, and writes the run's first row.

use super::error::RollbackError;
use super::parts::Part;
use super::prepare::{Piece, Plan, Prepared, Request, decide};
use super::run::Run;
use super::tables;
use crate::history::store::Store;
use crate::history::upgrade::Format;
use crate::pg::lock::HistoryLock;
use crate::report::event::{EventSink, RunEvent};
use crate::report::problem::Problem;
use crate::runner::apply;
use crate::runner::attempt::Interrupt;
use crate::runner::open::{Opened, Opening};
use crate::runner::turn;
use crate::sql::name::QualifiedName;

/// What taking the lock comes to.
pub(super) enum Begun<'a> {
    /// An earlier run had done it.
    DoneBy(String),
    /// The lock is held and the run is recorded.
    Ready(Box<Run<'a>>),
}

/// Takes the lock, decides again, and writes the run's first row.
pub(super) async fn begin<'a>(
    request: &'a Request<'a>,
    prepared: Prepared,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Result<Begun<'a>, RollbackError> {
    let Prepared {
        mut opened, plan, ..
    } = prepared;
    let schema = &request.opening.history_schema;
    let lock = HistoryLock::new(schema);
    turn::take(&opened.session, lock, request.wait, interrupt, sink).await?;
    let look = opened.take_look().await?;
    let mut located = look.located(0)?;
    if located.exists && !request.dry_run {
        located.make_ready(&opened.session).await?;
    }
    let store = located.store();
    let look = look.in_full(&opened.session).await?;
    let history = look.history.clone();
    let now = decide(request, &opened, look).await?;
    if !now.is_same(&plan) {
        return Err(RollbackError::Changed);
    }
    if let Some(run) = now.unheard {
        if !request.dry_run {
            let session = &opened.session;
            store.finish_run(session, &run, "applied", None).await?;
        }
        return Ok(Begun::DoneBy(run));
    }
    let of_others = passed_over(&opened, &now, sink).await?;
    if !request.dry_run {
        start(request, &opened, &store, &now, sink).await?;
    }
    Ok(Begun::Ready(Box::new(Run {
        request,
        opening: Opening {
            look: None,
            ..request.opening.clone()
        },
        setup: apply::setup(&opened, request.policy),
        opened,
        watch_session: None,
        store,
        lock,
        plan: now,
        reverted: Vec::new(),
        kept: 0,
        kept_of: None,
        retries: 0,
        held_ms: 0.0,
        triggers: Vec::new(),
        keys_proved: 0,
        unknown: false,
        history,
        has_checkpoints: located.format().is_some_and(Format::has_checkpoints),
        kept_rows: Vec::new(),
        expected: None,
        checked: None,
        of_others,
        has_turns: false,
        in_session: None,
    })))
}

/// Writes the run's first row.
async fn start(
    request: &Request<'_>,
    opened: &Opened,
    store: &Store,
    plan: &Plan,
    sink: &mut dyn EventSink,
) -> Result<(), RollbackError> {
    let mut phases: Vec<String> = plan
        .pieces
        .iter()
        .map(|piece| piece.layer.phase.clone())
        .collect();
    phases.dedup();
    let commit = request.git_commit.as_deref();
    store
        .start_run(&opened.session, &request.run, "rollback", &phases, commit)
        .await?;
    sink.event(&RunEvent::RunStarted {
        run: request.run.clone(),
        migrations: plan.pieces.len(),
        statements: plan.pieces.iter().map(Piece::statements).sum(),
    });
    Ok(())
}

/// Tells of tables whose triggers the role may not switch, and returns them. One that `phases.toml`
/// names stays among those that are switched, and is an error there.
async fn passed_over(
    opened: &Opened,
    plan: &Plan,
    sink: &mut dyn EventSink,
) -> Result<Vec<QualifiedName>, RollbackError> {
    let all: Vec<Part> = plan
        .pieces
        .iter()
        .enumerate()
        .map(|(piece, one)| Part {
            piece,
            statements: one.script.body(),
            journalled: false,
            ends: true,
        })
        .collect();
    let tables = tables::written_by(&plan.pieces, &all);
    let path = &opened.beginnings.search_path;
    let found = tables::of_others(&opened.session, path, &tables).await?;
    if !found.is_empty() {
        let names: Vec<String> = found.iter().map(ToString::to_string).collect();
        let problem = Problem::new(
            "triggers-stay-on",
            "triggers of tables that belong to another role fire as usual",
        );
        sink.event(&RunEvent::Warning {
            problem: problem.detail(names.join(", ")),
        });
    }
    Ok(found)
}
