//! What a rollback takes back, in which order: (history, selection) to layers, or a refusal.
//!
//! Every time that a migration was applied is a layer; a rollback removes the newest one of its
//! migration. A version has one layer at most, a repeatable file one for each text that was run.

use std::collections::{HashMap, HashSet};

use super::undo_refusal::UndoRefusal;
use crate::history::model::{Action, History, Journal, Key, StatementState};
use crate::project::{Manifest, Selector};

/// What the user asked to take back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UndoSelection {
    /// What is left of the last run that applied something.
    #[default]
    LastRun,
    /// What is left of this run.
    Run(String),
    /// Everything of this phase.
    Phase(Selector),
    /// Everything that was applied after this version.
    To(i64),
    /// The newest migrations, so many.
    Last(usize),
    /// Everything.
    All,
}

impl UndoSelection {
    /// Returns whether it means something else once it was done: then doing it twice is no repetition.
    pub fn is_relative(&self) -> bool {
        matches!(self, Self::LastRun | Self::Last(_))
    }
}

/// One application of a migration that is in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Which migration.
    pub key: Key,
    /// Its name.
    pub name: String,
    /// Number of its phase.
    pub phase_number: u32,
    /// Name of its phase.
    pub phase: String,
    /// Name of its step.
    pub step: String,
    /// The run that applied it.
    pub run: String,
    /// How it came into the history.
    pub action: Action,
    /// Position of the row that applied it: its place in the order.
    pub seq: i64,
    /// Position of the row that has its scripts: a repair may have replaced them.
    pub scripts: i64,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Refinery's checksum.
    pub refinery_checksum: Option<String>,
    /// For a repeatable file that was run before: the position of the row with its text of then.
    pub previous: Option<i64>,
}

impl Layer {
    /// Returns `V101__name` or `R__name`.
    pub fn label(&self) -> String {
        self.key.label(&self.name)
    }
}

/// Returns everything that is in the database by the history, in the order in which it was applied.
pub fn layers(history: &History) -> Vec<Layer> {
    let mut found: Vec<Option<Layer>> = Vec::new();
    let mut of_key: HashMap<&Key, Vec<usize>> = HashMap::new();
    for row in &history.rows {
        let own = of_key.entry(&row.key).or_default();
        let newest = own.last().copied();
        match row.action {
            Action::Rollback => {
                if let Some(at) = own.pop() {
                    found[at] = None;
                }
                continue;
            }
            Action::Repair => {
                if let Some(layer) = newest.and_then(|at| found[at].as_mut()) {
                    layer.scripts = row.seq;
                    layer.name.clone_from(&row.name);
                    layer.sha256.clone_from(&row.sha256);
                    layer.refinery_checksum.clone_from(&row.refinery_checksum);
                    continue;
                }
            }
            Action::Apply | Action::Baseline | Action::Adopt => {}
        }
        let previous = newest.and_then(|at| found[at].as_ref());
        own.push(found.len());
        found.push(Some(Layer {
            key: row.key.clone(),
            name: row.name.clone(),
            phase_number: u32::try_from(row.phase_number).unwrap_or_default(),
            phase: row.phase.clone(),
            step: row.step.clone(),
            run: row.run.clone(),
            action: row.action,
            seq: row.seq,
            scripts: row.seq,
            sha256: row.sha256.clone(),
            refinery_checksum: row.refinery_checksum.clone(),
            previous: previous.map(|layer| layer.scripts),
        }));
    }
    found.into_iter().flatten().collect()
}

/// What is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undo {
    /// The layers, the newest first.
    pub layers: Vec<Layer>,
    /// Migrations that stay, and were applied after one that goes: `V101__name`.
    pub stays_behind: Vec<String>,
    /// Whether an earlier rollback is gone on with.
    pub continues: Option<String>,
    /// The rollback that the history ends with, where the selection means something else after it.
    pub further: Option<String>,
}

/// Chooses what to take back.
pub fn undo(
    history: &History,
    manifest: Option<&Manifest>,
    selection: &UndoSelection,
) -> Result<Undo, UndoRefusal> {
    refuse_half_applied(history)?;
    let all = layers(history);
    if let Some(begun) = unfinished(history, &all) {
        let chosen = select(history, manifest, selection, &all);
        return go_on(begun, &all, selection, &chosen.unwrap_or_default());
    }
    let chosen = select(history, manifest, selection, &all)?;
    let seqs: HashSet<i64> = chosen.iter().map(|layer| layer.seq).collect();
    refuse_covered(&all, &seqs)?;
    refuse_required(manifest, &all, &seqs)?;
    let oldest = seqs.iter().min().copied().unwrap_or_default();
    Ok(Undo {
        stays_behind: all
            .iter()
            .filter(|layer| layer.seq > oldest && !seqs.contains(&layer.seq))
            .map(Layer::label)
            .collect(),
        layers: newest_first(chosen),
        continues: None,
        further: further(history, selection),
    })
}

/// Who types the same again may have missed that it was done, and means no second one.
fn further(history: &History, selection: &UndoSelection) -> Option<String> {
    let newest = history.rows.last()?;
    let is_further = selection.is_relative() && newest.action == Action::Rollback;
    is_further.then(|| newest.run.clone())
}

fn newest_first(mut layers: Vec<Layer>) -> Vec<Layer> {
    layers.sort_by_key(|layer| std::cmp::Reverse(layer.seq));
    layers
}

/// A file that stopped half way has made things that no down script knows of, on top of everything.
fn refuse_half_applied(history: &History) -> Result<(), UndoRefusal> {
    let latest = history.latest();
    let mut labels: Vec<String> = Vec::new();
    for row in &history.open_statements {
        let is_in = row.journal == Journal::Up && row.state != StatementState::Failed;
        let label = match latest.get(&row.key) {
            Some(word) => row.key.label(&word.name),
            // What never came to its end has its name in its file alone.
            None => row.key.label("").trim_end_matches("__").to_owned(),
        };
        if is_in && !labels.contains(&label) {
            labels.push(label);
        }
    }
    if labels.is_empty() {
        Ok(())
    } else {
        Err(UndoRefusal::HalfApplied { labels })
    }
}

/// A rollback that was begun statement by statement and did not come to its end.
struct Begun {
    run: String,
    keys: Vec<Key>,
}

/// Reads it from the journal: the turns that are open. Whatever was applied since ended it.
fn unfinished(history: &History, all: &[Layer]) -> Option<Begun> {
    let turns: Vec<_> = history
        .open_statements
        .iter()
        .filter(|row| row.journal == Journal::Undo)
        .collect();
    let newest = turns.last()?;
    let after: i64 = newest.note.as_deref()?.parse().ok()?;
    let own: Vec<_> = turns.iter().filter(|row| row.run == newest.run).collect();
    let given_up = own.iter().any(|row| row.state == StatementState::Failed);
    let superseded = all.iter().any(|layer| layer.seq > after);
    (!given_up && !superseded).then(|| Begun {
        run: newest.run.clone(),
        keys: own.iter().map(|row| row.key.clone()).collect(),
    })
}

/// Returns whether a rollback was begun that is not at its end.
pub fn is_unfinished(history: &History) -> bool {
    unfinished(history, &layers(history)).is_some()
}

/// Only the same command, or the bare one, may go on with a rollback that is half done.
fn go_on(
    begun: Begun,
    all: &[Layer],
    selection: &UndoSelection,
    chosen: &[Layer],
) -> Result<Undo, UndoRefusal> {
    let left: Vec<Layer> = all
        .iter()
        .filter(|layer| begun.keys.contains(&layer.key))
        .cloned()
        .collect();
    let same = match selection {
        UndoSelection::LastRun => true,
        UndoSelection::Last(count) => left.len() <= *count,
        _ => left == chosen,
    };
    if !same {
        return Err(UndoRefusal::Unfinished {
            run: begun.run,
            labels: newest_first(left).iter().map(Layer::label).collect(),
        });
    }
    Ok(Undo {
        layers: newest_first(left),
        stays_behind: Vec::new(),
        continues: Some(begun.run),
        further: None,
    })
}

fn select(
    history: &History,
    manifest: Option<&Manifest>,
    selection: &UndoSelection,
    all: &[Layer],
) -> Result<Vec<Layer>, UndoRefusal> {
    let filtered = |wanted: &dyn Fn(&Layer) -> bool| -> Vec<Layer> {
        all.iter().filter(|layer| wanted(layer)).cloned().collect()
    };
    let chosen = match selection {
        UndoSelection::LastRun => {
            let newest = all.iter().rev().find(|layer| layer.action == Action::Apply);
            newest.map_or_else(Vec::new, |newest| of_run(&newest.run, all))
        }
        UndoSelection::Run(run) => {
            if !history.rows.iter().any(|row| row.run == *run) {
                return Err(unknown_run(history, run));
            }
            of_run(run, all)
        }
        UndoSelection::Phase(selector) => {
            let name = phase_name(manifest, selector, all)?;
            filtered(&|layer| layer.phase == name)
        }
        UndoSelection::To(version) => {
            let kept = all.iter().find(|layer| layer.key == Key::Version(*version));
            let kept = kept.ok_or_else(|| unknown_version(*version, all))?.seq;
            filtered(&|layer| layer.seq > kept)
        }
        UndoSelection::Last(count) => all[all.len().saturating_sub(*count)..].to_vec(),
        UndoSelection::All => {
            let only: Vec<i64> = history
                .refinery_only()
                .iter()
                .map(|row| row.version)
                .collect();
            if !only.is_empty() {
                return Err(UndoRefusal::NotAdopted { versions: only });
            }
            all.to_vec()
        }
    };
    if chosen.is_empty() {
        return Err(UndoRefusal::Nothing {
            recorded: all.len(),
        });
    }
    Ok(chosen)
}

/// What a run applied, or, where it only recorded, what it recorded.
fn of_run(run: &str, all: &[Layer]) -> Vec<Layer> {
    let own = || all.iter().filter(|layer| layer.run == run);
    let applied: Vec<Layer> = own()
        .filter(|layer| layer.action == Action::Apply)
        .cloned()
        .collect();
    if applied.is_empty() {
        own().cloned().collect()
    } else {
        applied
    }
}

fn unknown_run(history: &History, wanted: &str) -> UndoRefusal {
    let mut runs: Vec<String> = Vec::new();
    for row in history.rows.iter().rev() {
        if row.action == Action::Apply && !runs.contains(&row.run) && runs.len() < 3 {
            runs.push(row.run.clone());
        }
    }
    UndoRefusal::UnknownRun {
        wanted: wanted.to_owned(),
        newest: runs,
    }
}

fn unknown_version(wanted: i64, all: &[Layer]) -> UndoRefusal {
    let mut versions: Vec<i64> = all
        .iter()
        .filter_map(|layer| match layer.key {
            Key::Version(version) => Some(version),
            Key::Repeatable(_) => None,
        })
        .collect();
    versions.sort_by_key(|version| version.abs_diff(wanted));
    versions.truncate(3);
    UndoRefusal::NotApplied {
        wanted,
        nearest: versions,
    }
}

/// A phase is known by `phases.toml`, or by what was applied of it.
fn phase_name(
    manifest: Option<&Manifest>,
    selector: &Selector,
    all: &[Layer],
) -> Result<String, UndoRefusal> {
    let mut known: Vec<(u32, String)> = manifest
        .iter()
        .flat_map(|manifest| &manifest.phases)
        .map(|phase| (phase.number.value, phase.name.value.clone()))
        .collect();
    for layer in all {
        if !known.iter().any(|(_, name)| *name == layer.phase) {
            known.push((layer.phase_number, layer.phase.clone()));
        }
    }
    let found = known.iter().find(|(number, name)| match selector {
        Selector::Number(wanted) => number == wanted,
        Selector::Name(wanted) => name == wanted,
    });
    found
        .map(|(_, name)| name.clone())
        .ok_or_else(|| UndoRefusal::UnknownPhase {
            wanted: match selector {
                Selector::Number(number) => number.to_string(),
                Selector::Name(name) => name.clone(),
            },
            valid: known
                .iter()
                .map(|(number, name)| format!("{number} ({name})"))
                .collect(),
        })
}

/// A text of a repeatable file cannot be taken from below a newer one.
fn refuse_covered(all: &[Layer], chosen: &HashSet<i64>) -> Result<(), UndoRefusal> {
    for layer in all.iter().filter(|layer| chosen.contains(&layer.seq)) {
        let above = all.iter().find(|above| {
            above.key == layer.key && above.seq > layer.seq && !chosen.contains(&above.seq)
        });
        if let Some(above) = above {
            return Err(UndoRefusal::NewerText {
                label: layer.label(),
                run: above.run.clone(),
            });
        }
    }
    Ok(())
}

/// What was applied later, in a phase that requires the one that loses something, must go too.
fn refuse_required(
    manifest: Option<&Manifest>,
    all: &[Layer],
    chosen: &HashSet<i64>,
) -> Result<(), UndoRefusal> {
    let Some(manifest) = manifest else {
        return Ok(());
    };
    let mut oldest: HashMap<&str, i64> = HashMap::new();
    for layer in all.iter().filter(|layer| chosen.contains(&layer.seq)) {
        let first = oldest.entry(layer.phase.as_str()).or_insert(layer.seq);
        *first = layer.seq.min(*first);
    }
    let mut dependents: Vec<(String, Vec<String>)> = Vec::new();
    let mut lost = String::new();
    for phase in &manifest.phases {
        for required in &phase.requires {
            let Some(first) = oldest.get(required.value.as_str()) else {
                continue;
            };
            let stays: Vec<String> = all
                .iter()
                .filter(|layer| layer.phase == phase.name.value && layer.seq > *first)
                .filter(|layer| !chosen.contains(&layer.seq))
                .map(Layer::label)
                .collect();
            if !stays.is_empty() && !dependents.iter().any(|(name, _)| *name == phase.name.value) {
                lost.clone_from(&required.value);
                dependents.push((phase.name.value.clone(), stays));
            }
        }
    }
    if dependents.is_empty() {
        Ok(())
    } else {
        Err(UndoRefusal::Required {
            phase: lost,
            dependents,
        })
    }
}

#[cfg(test)]
#[path = "undo_tests.rs"]
mod tests;
