//! Commands of a rollback's transaction on their way, each with what it is.

use std::cell::Cell;
use std::time::Instant;

use tokio::sync::mpsc;

use super::proof;
use crate::history::record::Prepared as Statement;
use crate::pg::error::DbFailure;
use crate::pg::session::{Command, CopyFailure, Session, Window};
use crate::project::RereadFault;
use crate::project::script::Script;
use crate::report::rollback::Checked;
use crate::runner::attempt::Answer;
use crate::runner::bill::keep::KeepError;
use crate::runner::bracket::BracketError;
use crate::runner::proof::ProofError;

/// Where a try failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// Before a part's first statement.
    Begin(usize),
    /// In a statement of a part.
    Statement(usize, usize),
    /// Rows that could not be read again.
    Rows(usize, usize, RereadFault),
    /// Behind a part's last statement.
    End(usize),
    /// In a part's history row.
    Record(usize),
    /// In the commit.
    Commit,
}

impl At {
    /// The part that is to blame.
    pub(super) fn part(&self, of: usize) -> usize {
        match self {
            Self::Begin(part)
            | Self::Statement(part, _)
            | Self::Rows(part, ..)
            | Self::End(part)
            | Self::Record(part) => *part,
            Self::Commit => of.saturating_sub(1),
        }
    }
}

/// Why a try failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// The server refused something.
    At(At, Box<DbFailure>),
    /// The triggers could not be switched, or not be switched back, or a foreign key does not hold.
    Bracket(BracketError),
    /// Rows could not be copied.
    Keep(KeepError),
    /// What the catalog is cannot be read.
    Proof(ProofError),
    /// The catalog is not what it was.
    Differs(Checked),
}

impl Failed {
    /// Returns the server's answer, where there was one.
    pub(super) fn failure(&self) -> Option<&DbFailure> {
        match self {
            Self::At(_, failure) => Some(failure),
            Self::Bracket(error) => error.failure(),
            Self::Keep(error) => error.failure(),
            Self::Proof(error) => proof::failure(error),
            Self::Differs(_) => None,
        }
    }

    /// Makes it of a failure before a part's first statement or behind the last.
    pub(super) fn own(at: At) -> impl FnOnce(DbFailure) -> Self {
        move |failure| Self::At(at, Box::new(failure))
    }
}

impl From<KeepError> for Failed {
    fn from(error: KeepError) -> Self {
        Self::Keep(error)
    }
}

impl From<ProofError> for Failed {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}

impl From<BracketError> for Failed {
    fn from(error: BracketError) -> Self {
        Self::Bracket(error)
    }
}

/// One of the commands that gather until they are sent together.
enum Gathered {
    Text(String),
    Own(Statement),
}

/// Commands on their way, each with what it is.
pub(super) struct Sending<'a> {
    pub(super) session: &'a Session,
    answers: mpsc::UnboundedSender<Answer>,
    commands: Vec<Gathered>,
    places: Vec<At>,
    /// When each part began.
    begun: Vec<Cell<Option<Instant>>>,
}

impl<'a> Sending<'a> {
    /// Begins with nothing gathered, for so many parts.
    pub(super) fn new(
        session: &'a Session,
        answers: mpsc::UnboundedSender<Answer>,
        parts: usize,
    ) -> Self {
        Self {
            session,
            answers,
            commands: Vec::new(),
            places: Vec::new(),
            begun: vec![Cell::new(None); parts],
        }
    }

    /// Returns when each part began.
    pub(super) fn begun(&self) -> Vec<Option<Instant>> {
        self.begun.iter().map(Cell::get).collect()
    }

    /// Gathers a statement of a script, or streams its rows.
    pub(super) async fn statement(
        &mut self,
        script: &Script,
        part: usize,
        index: usize,
    ) -> Result<(), Failed> {
        let text = script.text(index);
        let Some(data) = script.copy_data(index) else {
            self.push(text.to_owned(), At::Statement(part, index));
            return Ok(());
        };
        self.flush().await?;
        let copied = self.session.copy_in(text, data.chunks()).await;
        copied.map_err(|failure| copy_failed(part, index, failure))?;
        // The listener may be gone; nothing depends on it.
        let _ = self.answers.send(Answer::Statement(index));
        Ok(())
    }

    pub(super) fn push(&mut self, text: String, at: At) {
        self.commands.push(Gathered::Text(text));
        self.places.push(at);
    }

    pub(super) fn own(&mut self, statement: Statement, at: At) {
        self.commands.push(Gathered::Own(statement));
        self.places.push(at);
    }

    /// Sends what has gathered and waits for the answers.
    pub(super) async fn flush(&mut self) -> Result<(), Failed> {
        let gathered = std::mem::take(&mut self.commands);
        let places = std::mem::take(&mut self.places);
        let parameters: Vec<Vec<Option<&str>>> = gathered
            .iter()
            .map(|one| match one {
                Gathered::Text(_) => Vec::new(),
                Gathered::Own(statement) => statement.borrowed(),
            })
            .collect();
        let commands: Vec<Command<'_>> = gathered
            .iter()
            .zip(&parameters)
            .map(|(one, parameters)| match one {
                Gathered::Text(text) => Command::Text(text),
                Gathered::Own(statement) => Command::Own(&statement.sql, parameters),
            })
            .collect();
        let before = self.session.commands();
        let answered = |at: usize| self.tell(&places, at, before);
        self.session
            .pipeline(commands, Window::default(), answered)
            .await
            .map(|_| ())
            .map_err(|(at, failure)| {
                Failed::At(
                    places.get(at).cloned().unwrap_or(At::Commit),
                    Box::new(failure),
                )
            })
    }

    /// Tells the listener of an answer. The listener may be gone; nothing depends on it.
    fn tell(&self, places: &[At], at: usize, before: u64) {
        let answer = match places.get(at) {
            Some(At::Statement(_, index)) => Answer::Statement(*index),
            Some(At::Begin(part)) => {
                let begun = &self.begun[*part];
                let is_first = begun.get().is_none();
                begun.set(begun.get().or_else(|| Some(Instant::now())));
                if is_first && *part > 0 {
                    Answer::Turned {
                        index: *part,
                        commands: before + at as u64,
                    }
                } else {
                    Answer::Begun
                }
            }
            _ => Answer::Begun,
        };
        let _ = self.answers.send(answer);
    }
}

fn copy_failed(part: usize, index: usize, failure: CopyFailure<RereadFault>) -> Failed {
    match failure {
        CopyFailure::Server(failure) => Failed::At(At::Statement(part, index), failure),
        CopyFailure::Data(why) => {
            let failure = DbFailure::protocol(&why.to_string());
            Failed::At(At::Rows(part, index, why), Box::new(failure))
        }
    }
}
