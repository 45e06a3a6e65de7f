//! What a rollback will do: read from the history without a lock, and read again under it.

use std::time::Duration;

use super::error::RollbackError;
use crate::history::locate::Look;
use crate::history::model::{History, Journal, Key, StatementState};
use crate::history::store::{Store, StoredByRow};
use crate::plan::undo::{Layer, Undo, UndoSelection, is_unfinished, undo};
use crate::plan::undo_refusal::UndoRefusal;
use crate::plan::undo_script::{Origin, Prefer, Taken, Text, texts};
use crate::project::script::Script;
use crate::project::{Manifest, Project, ProjectError};
use crate::report::event::{EventSink, MigrationRef};
use crate::runner::bill::{self, Bill};
use crate::runner::bracket::Switch;
use crate::runner::open::{Opened, Opening, open};
use crate::runner::retry::LockPolicy;

/// What to roll back, where, and how.
pub struct Request<'a> {
    /// The project, where there is a sound one.
    pub project: Option<&'a Project>,
    /// Its `phases.toml`, which may be had without a sound project.
    pub manifest: Option<&'a Manifest>,
    /// What.
    pub selection: &'a UndoSelection,
    /// Which of two texts.
    pub prefer: Prefer,
    /// Versions that may be stepped over for want of a script.
    pub irreversible: &'a [i64],
    /// Where.
    pub opening: Opening,
    /// How long to wait for another run.
    pub wait: Duration,
    /// Lock waits and retries.
    pub policy: LockPolicy,
    /// Which triggers of the tables are switched off.
    pub switch: Switch,
    /// Whether the rows that are destroyed are copied first.
    pub keep_data: bool,
    /// Whether a catalog that is not what it was is committed all the same.
    pub accept_differences: bool,
    /// Whether nothing is to be changed.
    pub dry_run: bool,
    /// Run id.
    pub run: String,
    /// The checkout's commit, for the history.
    pub git_commit: Option<String>,
}

/// One migration that is taken back, with its statements.
#[derive(Debug, Clone)]
pub struct Piece {
    /// What is taken back.
    pub layer: Layer,
    /// The same, for people; its file is where the text comes from.
    pub named: MigrationRef,
    /// The statements.
    pub script: Script,
    /// Where the text comes from, and why.
    pub origin: Origin,
    /// The text, for the history; `None` for a large one.
    pub text: Option<String>,
    /// How many of its statements an earlier run has done.
    pub done: usize,
}

impl Piece {
    /// Returns how many statements there are in all.
    pub fn statements(&self) -> usize {
        self.script.body().len()
    }
}

/// What is going to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The scripts, in the order in which they run.
    pub pieces: Vec<Piece>,
    /// Migrations without a script that are stepped over.
    pub stepped_over: Vec<String>,
    /// Migrations that stay, and were applied after one that goes.
    pub stays_behind: Vec<String>,
    /// The run whose rollback is gone on with.
    pub continues: Option<String>,
    /// The rollback that was done last, where this goes further back.
    pub further: Option<String>,
    /// A rollback that was committed, and whose end nobody could write.
    pub unheard: Option<String>,
    /// The newest row of the history.
    pub newest: i64,
}

impl Plan {
    /// Returns whether it is the same work.
    pub fn is_same(&self, other: &Self) -> bool {
        let work = |plan: &Self| -> Vec<(i64, Script)> {
            let pieces = plan.pieces.iter();
            pieces
                .map(|piece| (piece.layer.seq, piece.script.clone()))
                .collect()
        };
        self.unheard == other.unheard && work(self) == work(other)
    }
}

/// A session, and what was decided on it.
pub struct Prepared {
    /// The session; nothing is locked.
    pub opened: Opened,
    /// What would be done.
    pub plan: Plan,
    /// The rows that this destroys.
    pub bill: Bill,
}

/// Opens the session and decides; nothing is written and nothing locked.
pub async fn prepare(
    request: &Request<'_>,
    sink: &mut dyn EventSink,
) -> Result<Prepared, RollbackError> {
    let mut opened = open(&request.opening).await?;
    for warning in std::mem::take(&mut opened.warnings) {
        sink.event(&warning);
    }
    let look = opened.take_look().await?;
    let plan = decide(request, &opened, look).await?;
    let statements = all_statements(&plan);
    let path = &opened.beginnings.search_path;
    let bill = bill::present(&opened.session, path, &statements)
        .await
        .map_err(|error| RollbackError::Bracket(Box::new(error)))?;
    Ok(Prepared { opened, plan, bill })
}

/// Returns the statements that are still to run, of all scripts.
fn all_statements(plan: &Plan) -> Vec<&str> {
    let statements = plan.pieces.iter().flat_map(|piece| {
        let body = piece.script.body();
        let first = body.start.max(piece.done);
        (first..body.end).map(|index| piece.script.text(index))
    });
    statements.collect()
}

/// Decides on what the history says now.
pub(super) async fn decide(
    request: &Request<'_>,
    opened: &Opened,
    look: Look,
) -> Result<Plan, RollbackError> {
    let session = &opened.session;
    let look = look.in_full(session).await?;
    let located = look.located(0)?;
    if !located.exists {
        return Err(UndoRefusal::Nothing { recorded: 0 }.into());
    }
    let store = located.store();
    let history = &look.history;
    // What is half done goes on; only what is whole may have been done without a word.
    if request.selection.is_relative()
        && !is_unfinished(history)
        && let Some(run) = store.unheard_rollback(session).await?
    {
        return Ok(unheard(run, history));
    }
    let undo = undo(history, request.manifest, request.selection)?;
    let stored = stored(&store, opened, &undo).await?;
    let taken = texts(
        &undo.layers,
        &stored,
        request.project,
        request.prefer,
        // What an unfinished rollback steps over is not among what is left of it.
        match undo.continues {
            Some(_) => &[],
            None => request.irreversible,
        },
    )?;
    let stepped_over = undo
        .layers
        .iter()
        .filter(|layer| !taken.iter().any(|taken| taken.layer.seq == layer.seq))
        .map(Layer::label)
        .collect();
    Ok(Plan {
        pieces: pieces(&taken, history)?,
        stepped_over,
        stays_behind: undo.stays_behind,
        continues: undo.continues,
        further: undo.further,
        unheard: None,
        newest: newest(history),
    })
}

fn newest(history: &History) -> i64 {
    history.rows.last().map_or(0, |row| row.seq)
}

fn unheard(run: String, history: &History) -> Plan {
    Plan {
        pieces: Vec::new(),
        stepped_over: Vec::new(),
        stays_behind: Vec::new(),
        continues: None,
        further: None,
        unheard: Some(run),
        newest: newest(history),
    }
}

/// Reads the texts that may be needed.
async fn stored(store: &Store, opened: &Opened, undo: &Undo) -> Result<StoredByRow, RollbackError> {
    let seqs: Vec<i64> = undo
        .layers
        .iter()
        .map(|layer| layer.previous.unwrap_or(layer.scripts))
        .collect();
    Ok(store.scripts(&opened.session, &seqs).await?)
}

/// Cuts the texts into statements; everything that is wrong is said at once.
fn pieces(taken: &[Taken<'_>], history: &History) -> Result<Vec<Piece>, RollbackError> {
    let mut pieces = Vec::new();
    let mut errors: Vec<ProjectError> = Vec::new();
    for one in taken {
        let label = one.layer.label();
        let (file, built, text) = match &one.text {
            Text::File(file) => (
                file.path.to_string(),
                Script::build_rollback(file),
                file.stored().map(std::borrow::Cow::into_owned),
            ),
            Text::Stored(text) => {
                let name = match one.origin {
                    Origin::Previous => format!("{label}.sql (its stored text of before)"),
                    _ => format!("{label}.sql (the stored rollback script)"),
                };
                let built = Script::build_stored(&name, text);
                (name, built, Some((*text).to_owned()))
            }
        };
        match built {
            Ok(script) => pieces.push(Piece {
                layer: one.layer.clone(),
                named: named(one.layer, file),
                script,
                origin: one.origin,
                text,
                done: done(history, one.layer),
            }),
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() {
        Ok(pieces)
    } else {
        Err(RollbackError::Scripts { errors })
    }
}

fn named(layer: &Layer, file: String) -> MigrationRef {
    MigrationRef {
        version: match &layer.key {
            Key::Version(version) => Some(version.to_string()),
            Key::Repeatable(_) => None,
        },
        name: layer.name.clone(),
        phase: layer.phase.clone(),
        step: layer.step.clone(),
        file,
    }
}

/// How many statements of a script the journal has as done, from the first one on.
fn done(history: &History, layer: &Layer) -> usize {
    let mut next = 0;
    for row in history.journal_of(Journal::Down, &layer.key) {
        if row.state == StatementState::Done && row.position == next {
            next += 1;
        }
    }
    next
}
