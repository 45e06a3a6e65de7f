//! Files that travel together: one message each, many on their way, committed one after the other.
//!
//! A slow link so costs a few round trips for a run, not one for each file. After a failure nothing
//! behind it runs: each file begins by proving that the one before it is committed.

use std::cell::Cell;
use std::collections::VecDeque;

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

/// Sends the files and waits for their answers, until one fails or `halt` is set; returns what stopped
/// the one behind those that were answered. `sent` counts what was put on the wire.
pub(super) async fn send(
    session: &Session,
    prologue: &str,
    files: &[Packed],
    halt: &Cell<bool>,
    sent: &Cell<usize>,
    answers: mpsc::UnboundedSender<Answer>,
) -> Option<(At, DbFailure)> {
    let mut failed = None;
    let mut flights = VecDeque::new();
    let mut bytes = 0;
    let mut ahead = Some(Flight::depart(session, prologue).await);
    loop {
        while failed.is_none()
            && !halt.get()
            && flights.len() < FILES
            && let Some(file) = files.get(sent.get())
            && (flights.is_empty() || bytes + file.text.len() <= BYTES)
        {
            flights.push_back((sent.get(), Flight::depart(session, &file.text).await));
            bytes += file.text.len();
            sent.set(sent.get() + 1);
        }
        if let Some(mut flight) = ahead.take()
            && let Err(failure) = finish(session, &mut flight).await
        {
            failed = Some((At::Begin, failure));
        }
        let Some((index, mut flight)) = flights.pop_front() else {
            return failed;
        };
        bytes -= files[index].text.len();
        let landed = land(session, &files[index], &mut flight, &answers).await;
        if failed.is_some() {
            continue;
        }
        match landed {
            // The listener may be gone; nothing depends on it.
            Ok(()) => drop(answers.send(Answer::Committed(index))),
            Err(stopped) => failed = Some(stopped),
        }
    }
}

async fn finish(session: &Session, flight: &mut Flight) -> Result<(), DbFailure> {
    while flight.next_done(session).await? {}
    Ok(())
}

/// Reads a file's answers.
async fn land(
    session: &Session,
    file: &Packed,
    flight: &mut Flight,
    answers: &mpsc::UnboundedSender<Answer>,
) -> Result<(), (At, DbFailure)> {
    let mut commands = 0;
    loop {
        match flight.next_done(session).await {
            Ok(false) => return Ok(()),
            Ok(true) => {
                if let Some(At::Statement(index)) = file.at(commands) {
                    let _ = answers.send(Answer::Statement(index));
                }
                commands += 1;
            }
            Err(failure) => return Err(file.place(commands, failure)),
        }
    }
}
