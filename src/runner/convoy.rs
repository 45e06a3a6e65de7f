//! Files that travel together: many on their way, committed one after the other.
//!
//! A slow link so costs a few round trips for a run, not one for each file, and small files share a
//! message, since on a fast link most of what a small file costs is its message. After a failure nothing
//! behind it runs: the server skips the rest of the message, and each message begins by proving that
//! the one before it is committed.

use std::cell::Cell;
use std::collections::VecDeque;
use std::ops::Range;

use tokio::sync::mpsc;

use super::attempt::Answer;
use super::packed::Packed;
use super::transactional::At;
use crate::pg::error::DbFailure;
use crate::pg::flight::Flight;
use crate::pg::session::Session;

/// How many files may be on their way.
const FILES: usize = 64;
/// How many bytes; a larger file waits until it is alone.
const BYTES: usize = 1 << 20;

/// From how many files on small ones share messages. Few are worth more in messages of their own:
/// `pg_stat_activity` shows the beginning of a message, and the answers of a message come together.
const MANY: usize = 64;
/// How many files may share a message.
const SHARED_FILES: usize = 16;
/// How many bytes such a message may have.
const SHARED_BYTES: usize = 32 << 10;

/// What stopped a convoy.
#[derive(Debug)]
pub(super) enum Halted {
    /// A failure in the file behind those that are committed.
    File(Box<(At, DbFailure)>),
    /// A message of several files was refused before any of it ran: one of them cannot be read. Nothing
    /// is known of the others, which must travel alone.
    Message,
}

/// Cuts files, by the bytes of their texts, into those that share a message.
pub(super) fn messages(bytes: &[usize], alone: bool) -> Vec<Range<usize>> {
    let most = if alone || bytes.len() < MANY {
        1
    } else {
        SHARED_FILES
    };
    let mut messages = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for (at, size) in bytes.iter().enumerate() {
        if at > start && (at - start >= most || sum + size > SHARED_BYTES) {
            messages.push(start..at);
            (start, sum) = (at, 0);
        }
        sum += size;
    }
    if start < bytes.len() {
        messages.push(start..bytes.len());
    }
    messages
}

/// A message on its way.
struct Underway {
    files: Range<usize>,
    packed: Vec<Packed>,
    bytes: usize,
    flight: Flight,
}

/// A message that waits for room.
struct Loaded {
    files: Range<usize>,
    packed: Vec<Packed>,
    text: String,
}

impl Loaded {
    fn new(files: &Range<usize>, pack: &dyn Fn(usize) -> Packed) -> Self {
        let packed: Vec<Packed> = files.clone().map(pack).collect();
        Self {
            files: files.clone(),
            text: packed.iter().map(|file| file.text.as_str()).collect(),
            packed,
        }
    }

    fn has_room(&self, underway: &VecDeque<Underway>) -> bool {
        let count: usize = underway.iter().map(|one| one.files.len()).sum();
        let bytes: usize = underway.iter().map(|one| one.bytes).sum();
        underway.is_empty()
            || (count + self.files.len() <= FILES && bytes + self.text.len() <= BYTES)
    }

    async fn depart(self, session: &Session) -> Underway {
        Underway {
            files: self.files,
            packed: self.packed,
            bytes: self.text.len(),
            flight: Flight::depart(session, &self.text).await,
        }
    }
}

/// Sends the files and waits for their answers, until one fails or `halt` is set; returns what stopped
/// the one behind those that were answered. `sent` counts the files that were put on the wire.
///
/// Files are packed while those before them are on their way.
pub(super) async fn send(
    session: &Session,
    prologue: &str,
    messages: &[Range<usize>],
    pack: &dyn Fn(usize) -> Packed,
    halt: &Cell<bool>,
    sent: &Cell<usize>,
    answers: mpsc::UnboundedSender<Answer>,
) -> Option<Halted> {
    let mut halted = None;
    let mut commands = session.commands();
    let mut underway: VecDeque<Underway> = VecDeque::new();
    let mut waiting = messages
        .iter()
        .map(|files| Loaded::new(files, pack))
        .peekable();
    let mut ahead = Some(Flight::depart(session, prologue).await);
    loop {
        while halted.is_none()
            && !halt.get()
            && let Some(next) = waiting.next_if(|next| next.has_room(&underway))
        {
            sent.set(next.files.end);
            underway.push_back(next.depart(session).await);
        }
        if let Some(mut flight) = ahead.take()
            && let Err(failure) = finish(session, &mut flight, &mut commands).await
        {
            halted = Some(Halted::File(Box::new((At::Begin, failure))));
        }
        let Some(mut first) = underway.pop_front() else {
            return halted;
        };
        let listener = halted.is_none().then_some(&answers);
        let landed = land(session, &mut first, listener, &mut commands).await;
        if halted.is_none() {
            let stopped = landed.err();
            halted = stopped.map(|stopped| stopped.halted(&first, halt.get()));
        }
    }
}

async fn finish(
    session: &Session,
    flight: &mut Flight,
    commands: &mut u64,
) -> Result<(), DbFailure> {
    while flight.next_done(session, false).await?.is_some() {
        *commands += 1;
    }
    Ok(())
}

/// Where a message stopped.
struct Stopped {
    file: usize,
    /// How many of its commands were done.
    done: usize,
    failure: DbFailure,
}

/// Reads a message's answers, and tells the listener of them. `commands` counts those of the session.
///
/// A message that ends without an error was done as a whole, however many answers it had.
async fn land(
    session: &Session,
    message: &mut Underway,
    listener: Option<&mpsc::UnboundedSender<Answer>>,
    commands: &mut u64,
) -> Result<(), Stopped> {
    // The listener may be gone; nothing depends on it.
    let tell = |answer| listener.map(|answers| answers.send(answer));
    let mut over = false;
    for (index, file) in message.files.clone().zip(&message.packed) {
        let mut duration_ms = 0.0;
        let commands_left = if over { 0 } else { file.len() };
        for done in 0..commands_left {
            let stopped = |failure| Stopped {
                file: index,
                done,
                failure,
            };
            let is_record = done == file.record();
            let next = message.flight.next_done(session, is_record).await;
            let Some(answer) = next.map_err(stopped)? else {
                over = true;
                break;
            };
            *commands += 1;
            if is_record {
                // The row names itself: what is told of the file is told of this file.
                duration_ms = file
                    .read_record(answer.value.as_deref())
                    .ok_or_else(|| stopped(out_of_step()))?;
            }
            if let Some(At::Statement(statement)) = file.at(done) {
                tell(Answer::Statement(statement));
            }
        }
        let committed = Answer::Committed {
            index,
            duration_ms,
            commands: *commands,
        };
        if index + 1 < message.files.end {
            tell(committed);
            continue;
        }
        // The end of a message may be lost like everything else; what became of its last file is then
        // asked like that of any other, and the run goes on in a new session.
        if !over {
            let stopped = |failure| Stopped {
                file: index,
                done: file.len(),
                failure,
            };
            let finished = finish(session, &mut message.flight, commands).await;
            finished.map_err(stopped)?;
        }
        tell(committed);
    }
    Ok(())
}

/// Nothing is known then, and the history is asked, as after a lost connection.
fn out_of_step() -> DbFailure {
    DbFailure::connection_lost("the server's answers are out of step with what it was sent")
}

impl Stopped {
    fn halted(self, message: &Underway, cancelled: bool) -> Halted {
        let (before, from) = message.packed.split_at(self.file - message.files.start);
        let nothing_ran = before.is_empty() && self.done == 0;
        if nothing_ran && message.files.len() > 1 && !cancelled && self.failure.is_the_statements()
        {
            return Halted::Message;
        }
        let characters: usize = before.iter().map(|file| file.text.chars().count()).sum();
        let failure = self.failure.after(characters as u32);
        Halted::File(Box::new(match from.first() {
            Some(file) => file.place(self.done, failure),
            None => (At::Commit, failure),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_files_share_a_message_where_there_are_many() {
        let empty: [Range<usize>; 0] = [];
        assert_eq!(messages(&[], false), empty);
        assert_eq!(messages(&[10, 10, 10], false), [0..1, 1..2, 2..3]);
        let mut many = [10; MANY];
        assert_eq!(messages(&many, false)[..2], [0..16, 16..32]);
        assert_eq!(messages(&many, true).len(), MANY);
        many[1] = SHARED_BYTES;
        assert_eq!(messages(&many, false)[..3], [0..1, 1..2, 2..18]);
    }
}
