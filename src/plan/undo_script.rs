//! Which text takes a migration back: the one that the history stored, or the file in the checkout.

use super::standing::key;
use super::undo::Layer;
use super::undo_refusal::UndoRefusal;
use crate::history::model::Key;
use crate::history::store::StoredByRow;
use crate::project::{Project, RollbackScript, checksum};

/// Which of two texts is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Prefer {
    /// The stored one where they differ: it belongs to what was applied.
    #[default]
    Applied,
    /// The stored one, always.
    History,
    /// The file, wherever there is one.
    Files,
}

/// Where a text comes from, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The file, which is what was stored.
    File,
    /// The file, since the history has no text.
    FileOnly,
    /// The file, which differs from what was stored: it was asked for.
    FileAsked,
    /// The history: it was asked for.
    HistoryAsked,
    /// The history: no project was read.
    NoProject,
    /// The history: the file is gone.
    FileGone,
    /// The history: the file was changed since.
    FileDiffers,
    /// The history: a repeatable file's text of before.
    Previous,
}

/// What is run to take a layer back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text<'a> {
    /// A file of the project.
    File(&'a RollbackScript),
    /// A text from the history.
    Stored(&'a str),
}

/// One layer and its script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken<'a> {
    /// What is taken back.
    pub layer: &'a Layer,
    /// By what.
    pub text: Text<'a>,
    /// Where that comes from, and why.
    pub origin: Origin,
}

/// Finds the text of each layer; those of `irreversible` that have none are stepped over.
pub fn texts<'a>(
    layers: &'a [Layer],
    stored: &'a StoredByRow,
    project: Option<&'a Project>,
    prefer: Prefer,
    irreversible: &[i64],
) -> Result<Vec<Taken<'a>>, UndoRefusal> {
    let is_named = |layer: &Layer| matches!(layer.key, Key::Version(version) if irreversible.contains(&version));
    if let Some(wanted) = irreversible.iter().find(|wanted| {
        !layers
            .iter()
            .any(|layer| layer.key == Key::Version(**wanted))
    }) {
        return Err(UndoRefusal::NotSelected { wanted: *wanted });
    }
    let mut taken = Vec::new();
    let (mut without, mut unstored) = (Vec::new(), Vec::new());
    for layer in layers {
        let found = match layer.previous {
            Some(previous) => stored
                .get(&previous)
                .and_then(|scripts| scripts.up.as_deref())
                .map(|text| (Text::Stored(text), Origin::Previous)),
            None => down(layer, stored, project, prefer),
        };
        match found {
            Some((text, origin)) => taken.push(Taken {
                layer,
                text,
                origin,
            }),
            None if is_named(layer) => {}
            None if layer.previous.is_some() => unstored.push(layer.label()),
            None => without.push(layer.label()),
        }
    }
    if !without.is_empty() {
        return Err(UndoRefusal::Irreversible {
            labels: without,
            project: project.is_some(),
        });
    }
    if !unstored.is_empty() {
        return Err(UndoRefusal::PreviousNotStored { labels: unstored });
    }
    Ok(taken)
}

fn down<'a>(
    layer: &Layer,
    stored: &'a StoredByRow,
    project: Option<&'a Project>,
    prefer: Prefer,
) -> Option<(Text<'a>, Origin)> {
    let stored = stored
        .get(&layer.scripts)
        .and_then(|scripts| scripts.down.as_deref());
    let file = project.and_then(|project| {
        let own = |one: &&crate::project::Migration| key(one) == layer.key;
        project.migrations.iter().find(own)?.rollback.as_ref()
    });
    match (stored, file) {
        (Some(stored), _) if prefer == Prefer::History => {
            Some((Text::Stored(stored), Origin::HistoryAsked))
        }
        (Some(stored), Some(file)) if is_same(stored, file) => {
            Some((Text::File(file), Origin::File))
        }
        (Some(_), Some(file)) if prefer == Prefer::Files => {
            Some((Text::File(file), Origin::FileAsked))
        }
        (Some(stored), Some(_)) => Some((Text::Stored(stored), Origin::FileDiffers)),
        (Some(stored), None) if project.is_none() => {
            Some((Text::Stored(stored), Origin::NoProject))
        }
        (Some(stored), None) => Some((Text::Stored(stored), Origin::FileGone)),
        (None, Some(file)) if prefer != Prefer::History => {
            Some((Text::File(file), Origin::FileOnly))
        }
        (None, _) => None,
    }
}

/// Line endings do not count, as they do not for a migration.
fn is_same(stored: &str, file: &RollbackScript) -> bool {
    let text = file.stored();
    text.is_some_and(|text| checksum::sha256(stored) == checksum::sha256(&text))
}
