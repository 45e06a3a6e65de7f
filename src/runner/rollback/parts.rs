//! Cuts the scripts of a rollback into as few transactions as their statements allow.

use std::ops::Range;

use super::prepare::Piece;
use crate::project::script::{Mode, Script, StepwiseReason};
use crate::sql::classify::Verb;
use crate::sql::object::ObjectClass;

/// Statements of one script that run in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Index of the script.
    pub piece: usize,
    /// Its statements.
    pub statements: Range<usize>,
    /// Whether they are journalled: others of the script run outside of this transaction.
    pub journalled: bool,
    /// Whether the script ends with them, so that the history row belongs to this transaction.
    pub ends: bool,
}

/// What is done in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// One transaction.
    Shot(Vec<Part>),
    /// One statement that runs outside of any.
    Bare {
        /// Index of the script.
        piece: usize,
        /// The statement.
        statement: usize,
    },
}

/// Returns the segments in the order in which they run. A rollback that needs no other than one
/// transaction is one segment.
pub fn segments(pieces: &[Piece]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut shot: Vec<Part> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        match piece.script.mode() {
            Mode::Transaction { .. } => shot.push(Part {
                piece: index,
                statements: piece.script.body(),
                journalled: false,
                ends: true,
            }),
            Mode::Stepwise(reason) => stepwise(index, piece, reason, &mut shot, &mut segments),
        }
    }
    if !shot.is_empty() {
        segments.push(Segment::Shot(shot));
    }
    segments
}

/// Returns everything that a transaction can have, to be tried in one that is rolled back.
pub fn all_in_transaction(pieces: &[Piece]) -> Vec<Part> {
    let segments = segments(pieces).into_iter();
    let mut parts: Vec<Part> = segments
        .filter_map(|segment| match segment {
            Segment::Shot(parts) => Some(parts),
            Segment::Bare { .. } => None,
        })
        .flatten()
        .collect();
    for part in &mut parts {
        part.journalled = false;
        part.ends = true;
    }
    parts
}

fn stepwise(
    index: usize,
    piece: &Piece,
    reason: StepwiseReason,
    shot: &mut Vec<Part>,
    segments: &mut Vec<Segment>,
) {
    let script = &piece.script;
    // Who asks for no transaction wants each statement committed; a new enum value must be.
    let each = !matches!(reason, StepwiseReason::Outside(_));
    let mut first = piece.done;
    for statement in piece.done..script.len() {
        let bare = runs_bare(script, statement);
        if !bare && !each {
            continue;
        }
        let before = if bare { statement } else { statement + 1 };
        if first < before {
            shot.push(Part {
                piece: index,
                statements: first..before,
                journalled: true,
                ends: false,
            });
        }
        if !shot.is_empty() {
            segments.push(Segment::Shot(std::mem::take(shot)));
        }
        if bare {
            segments.push(Segment::Bare {
                piece: index,
                statement,
            });
        }
        first = statement + 1;
    }
    // The row of the history has a transaction even where no statement is left for it.
    shot.push(Part {
        piece: index,
        statements: first..script.len(),
        journalled: true,
        ends: true,
    });
}

/// A `CALL` or `DO` of a script that is not one transaction may commit inside.
fn runs_bare(script: &Script, statement: usize) -> bool {
    let class = script.class(statement);
    class.outside_transaction.is_some()
        || class.object == ObjectClass::Code
        || class.verb == Verb::Call
}
