//! A client program that is running: its last words, its output in pieces, and its end.
//!
//! What is read blocks, so that it is read in threads; whoever waits never does.

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::mpsc;

use super::client::ClientCommand;
use super::error::last_lines;

/// How much of what it says on standard error is kept: the end of it.
const WORDS: usize = 16 << 10;

/// How many bytes a piece of its output has at most.
const PIECE: usize = 64 << 10;

/// How many pieces wait to be read; the program waits, too, once there are more.
const PIECES: usize = 4;

/// How often is looked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How long it may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pieces of a program's standard output.
pub type Pieces = mpsc::Receiver<io::Result<Bytes>>;

/// A running program. Dropped, it is killed.
#[derive(Debug)]
pub struct ClientChild {
    child: Child,
    words: Arc<Mutex<Vec<u8>>>,
    listener: Option<thread::JoinHandle<()>>,
}

impl ClientChild {
    /// Starts it; what it writes is thrown away.
    pub fn start(command: ClientCommand) -> io::Result<Self> {
        let mut command = command.0;
        command.stdout(Stdio::null());
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> io::Result<Self> {
        command.stderr(Stdio::piped());
        // Ctrl-C is for evmig, which ends it in order.
        command.process_group(0);
        let mut child = command.spawn()?;
        let words = Arc::new(Mutex::new(Vec::new()));
        let stream = child.stderr.take();
        let kept = Arc::clone(&words);
        let listener = thread::Builder::new()
            .name("client's words".to_owned())
            .spawn(move || {
                if let Some(stream) = stream {
                    listen(stream, &kept);
                }
            })?;
        Ok(Self {
            child,
            words,
            listener: Some(listener),
        })
    }

    /// Starts it, and reads what it writes.
    pub fn start_reading(command: ClientCommand) -> io::Result<(Self, Pieces)> {
        let mut command = command.0;
        let (read, write) = io::pipe()?;
        command.stdout(write);
        let started = Self::spawn(command)?;
        let (sender, pieces) = mpsc::channel(PIECES);
        thread::Builder::new()
            .name("client's output".to_owned())
            .spawn(move || forward(read, &sender))?;
        Ok((started, pieces))
    }

    /// Returns what it said last, on one line or a few.
    pub fn last_words(&self) -> String {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        last_lines(&words, 12)
    }

    /// Waits until it ends.
    pub async fn ended(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                // It has closed its end: what it said is all there in a moment.
                if let Some(listener) = self.listener.take() {
                    drop(listener.join());
                }
                return Ok(status);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Asks it and what it has started to end, and makes them where they do not.
    pub async fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let ended = tokio::time::timeout(PATIENCE, self.ended()).await;
        if ended.is_err() {
            self.signal(Signal::SIGKILL);
            drop(self.ended().await);
        }
    }

    /// It leads a process group of its own, with all that it has started.
    fn signal(&self, signal: Signal) {
        let group = Pid::from_raw(-(self.child.id() as i32));
        // It may be gone, which is what was asked for.
        let _gone = kill(group, signal);
    }
}

impl Drop for ClientChild {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(Signal::SIGKILL);
            drop(self.child.wait());
        }
    }
}

/// Keeps the end of what a program says.
fn listen(mut stream: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.extend(&buffer[..count]);
                let over = kept.len().saturating_sub(WORDS);
                kept.drain(..over);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Passes on what a program writes, until it ends or nobody reads any more.
fn forward(mut stream: impl Read, pieces: &mpsc::Sender<io::Result<Bytes>>) {
    let mut buffer = vec![0; PIECE];
    loop {
        let piece = match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => Ok(Bytes::copy_from_slice(&buffer[..count])),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let over = piece.is_err();
        if pieces.blocking_send(piece).is_err() || over {
            return;
        }
    }
}
