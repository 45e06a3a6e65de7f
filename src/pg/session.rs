//! One session on the server: queries of our own, pipelined statements of the user.

use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, TryStreamExt};
use tokio::sync::mpsc;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{SimpleQueryMessage, SimpleQueryRow};

use super::cancel::Canceller;
use super::connect::{Connection, Notice};
use super::error::DbFailure;
use super::silence::Pulse;
use super::stream::{Bound, Waiting};
use crate::report::sanitize::for_terminal;

/// A row of one of evmig's own queries; every column is selected as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(Vec<Option<String>>);

impl Row {
    /// Makes a row from its values, for tests of code that reads rows.
    pub fn new(values: Vec<Option<String>>) -> Self {
        Self(values)
    }

    /// Returns a column, or `None` for SQL's null and for a column that is not there.
    pub fn get(&self, column: usize) -> Option<&str> {
        self.0.get(column).and_then(Option::as_deref)
    }

    /// Returns a column as text; empty for null.
    pub fn text(&self, column: usize) -> String {
        self.get(column).unwrap_or_default().to_owned()
    }

    /// Returns a column as a number, or `None` for null or another text.
    pub fn number(&self, column: usize) -> Option<i64> {
        self.get(column).and_then(|text| text.parse().ok())
    }

    /// Returns whether a column is SQL's true.
    pub fn truth(&self, column: usize) -> bool {
        matches!(self.get(column), Some("true" | "t"))
    }
}

/// A row as it came, which may be long: its columns are not copied.
#[derive(Debug)]
pub struct Texts(SimpleQueryRow);

impl Texts {
    /// Returns a column, or `None` for SQL's null and for a column that is not there.
    pub fn get(&self, column: usize) -> Option<&str> {
        self.0.try_get(column).ok().flatten()
    }
}

/// Tells what is sent, on one line; parameters are not told, since they hold whole scripts.
fn trace(sql: &str) {
    /// Enough to know the statement again.
    const SHOWN: usize = 160;
    tracing::debug!(
        "{}",
        for_terminal(&sql.split_whitespace().collect::<Vec<_>>().join(" "))
            .chars()
            .take(SHOWN)
            .collect::<String>()
    );
}

/// Reads a row whose columns were all selected as text.
fn text_row(row: &tokio_postgres::Row) -> Result<Row, tokio_postgres::Error> {
    (0..row.len())
        .map(|column| row.try_get(column))
        .collect::<Result<_, _>>()
        .map(Row)
}

/// One message for the server.
#[derive(Debug, Clone)]
pub enum Command<'a> {
    /// Text sent with the simple protocol, unchanged; rows are read and thrown away.
    Text(&'a str),
    /// One of our own statements with text parameters, as an unnamed prepared statement.
    Own(&'a str, &'a [Option<&'a str>]),
}

impl Command<'_> {
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Own(text, parameters) => {
                text.len()
                    + parameters
                        .iter()
                        .flatten()
                        .map(|value| value.len())
                        .sum::<usize>()
            }
        }
    }
}

/// How much may be in flight before an answer is awaited. Memory is bounded by it, and a statement
/// larger than the window is sent alone.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// Commands without an answer.
    pub commands: usize,
    /// Bytes of commands without an answer.
    pub bytes: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            commands: 256,
            bytes: 4 << 20,
        }
    }
}

/// Why a `COPY` did not get its data to the server.
#[derive(Debug)]
pub enum CopyFailure<E> {
    /// The server, or the way to it.
    Server(Box<DbFailure>),
    /// The data could not be had.
    Data(E),
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<Row>, DbFailure>> + 'a>>;

/// Notices and warnings of a session, in the order they came.
pub type Notices = mpsc::Receiver<Notice>;

/// A connected session.
#[derive(Debug)]
pub struct Session {
    connection: Connection,
}

impl Session {
    /// Takes over a connection; the notices come apart, to be read while statements run.
    pub fn new(mut connection: Connection) -> (Self, Notices) {
        let nothing = mpsc::channel(1).1;
        let notices = std::mem::replace(&mut connection.notices, nothing);
        (Self { connection }, notices)
    }

    /// Returns the connection below.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns what cancels the running statement from another connection.
    pub fn canceller(&self) -> Canceller {
        self.connection.canceller()
    }

    /// Returns what tells whether the server is there, also after this session.
    pub fn pulse(&self) -> Pulse {
        self.connection.pulse()
    }

    /// Returns whether the connection is known to be gone.
    pub fn is_closed(&self) -> bool {
        self.connection.client.is_closed()
    }

    /// Runs a text of evmig's own with the simple protocol; its answer is short.
    pub async fn run(&self, sql: &str) -> Result<(), DbFailure> {
        let _waiting = self.connection.observer().own(Bound::Short);
        self.run_text(sql).await
    }

    async fn run_text(&self, sql: &str) -> Result<(), DbFailure> {
        trace(sql);
        self.connection
            .client
            .batch_execute(sql)
            .await
            .map_err(|error| self.failure(&error))
    }

    /// Runs a statement of the user's, unchanged: its rows are read and thrown away, however many.
    pub async fn run_users(&self, sql: &str) -> Result<(), DbFailure> {
        let _waiting = self.connection.observer().users();
        self.run_text(sql).await
    }

    /// Runs a text of evmig's own in one transaction; after a failure nothing of it remains.
    pub async fn run_in_transaction(&self, sql: &str) -> Result<(), DbFailure> {
        let result = self.run(&format!("begin; {sql}; commit")).await;
        if result.is_err() {
            // The server skips the rest of the text after an error, `commit` included. Where even
            // this fails, the session is over, and the first failure says why.
            drop(self.run("rollback").await);
        }
        result
    }

    /// Returns how many commands were done, of all that were sent in this session.
    pub fn commands(&self) -> u64 {
        self.connection.observer().lock().commands
    }

    /// Returns how many notices came faster than they were read, and were not kept.
    pub fn lost_notices(&self) -> u64 {
        self.connection.lost_notices()
    }

    /// Runs one of evmig's own queries with text parameters and text columns, in one round trip. A
    /// server whose answer is longer than 4 MiB has lost the session.
    pub async fn query(
        &self,
        sql: &str,
        parameters: &[Option<&str>],
    ) -> Result<Vec<Row>, DbFailure> {
        self.ask(sql, parameters, Bound::Short).await
    }

    /// The same for what grows with the project: the history. Its rows may have 256 MiB.
    pub async fn query_long(
        &self,
        sql: &str,
        parameters: &[Option<&str>],
    ) -> Result<Vec<Row>, DbFailure> {
        self.ask(sql, parameters, Bound::Long).await
    }

    /// The same for what grows with the database.
    pub async fn query_catalog(
        &self,
        sql: &str,
        parameters: &[Option<&str>],
    ) -> Result<Vec<Row>, DbFailure> {
        self.ask(sql, parameters, Bound::Catalog).await
    }

    /// Runs a message of several of evmig's own statements with the simple protocol; the rows of all of them come one
    /// after the other, and may grow with the database.
    pub async fn query_texts(&self, sql: &str) -> Result<Vec<Texts>, DbFailure> {
        trace(sql);
        let _waiting = self.connection.observer().own(Bound::Catalog);
        let messages = self.connection.client.simple_query(sql).await;
        let messages = messages.map_err(|error| self.failure(&error))?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(Texts(row)),
            _ => None,
        });
        Ok(rows.collect())
    }

    async fn ask(
        &self,
        sql: &str,
        parameters: &[Option<&str>],
        bound: Bound,
    ) -> Result<Vec<Row>, DbFailure> {
        trace(sql);
        let _waiting = self.connection.observer().own(bound);
        let typed: Vec<(&(dyn ToSql + Sync), Type)> = parameters
            .iter()
            .map(|value| (value as &(dyn ToSql + Sync), Type::TEXT))
            .collect();
        self.read_rows(sql, typed)
            .await
            .map_err(|error| self.failure(&error))
    }

    /// Takes the rows as they come, so that no row is there twice.
    async fn read_rows(
        &self,
        sql: &str,
        typed: Vec<(&(dyn ToSql + Sync), Type)>,
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let client = &self.connection.client;
        let mut answer = pin!(client.query_typed_raw(sql, typed).await?);
        let mut rows = Vec::new();
        let mut unreadable = None;
        // Read to its end in any case: what is behind the answer is another one's.
        while let Some(row) = answer.try_next().await? {
            match text_row(&row) {
                Ok(row) => rows.push(row),
                Err(error) => unreadable = Some(error),
            }
        }
        unreadable.map_or(Ok(rows), Err)
    }

    /// Sends `COPY … FROM stdin` and streams its data; at most one chunk waits for the server. If the
    /// data end in an error, the server is told to give the `COPY` up.
    pub async fn copy_in<E>(
        &self,
        statement: &str,
        data: impl IntoIterator<Item = Result<Bytes, E>>,
    ) -> Result<(), CopyFailure<E>> {
        trace(statement);
        // Triggers may say as much as they like.
        let _waiting = self.connection.observer().users();
        let failure =
            |error: tokio_postgres::Error| CopyFailure::Server(Box::new(self.failure(&error)));
        let client = &self.connection.client;
        let sink = client
            .copy_in::<_, Bytes>(statement)
            .await
            .map_err(failure)?;
        let mut sink = pin!(sink);
        for chunk in data {
            // A sink that is dropped before its end makes the driver send CopyFail.
            let chunk = chunk.map_err(CopyFailure::Data)?;
            sink.send(chunk).await.map_err(failure)?;
        }
        sink.finish().await.map_err(failure)?;
        Ok(())
    }

    /// The same with data that are waited for: `next` returns `None` at their end.
    pub async fn copy_in_from<E>(
        &self,
        statement: &str,
        mut next: impl AsyncFnMut() -> Option<Result<Bytes, E>>,
    ) -> Result<(), CopyFailure<E>> {
        trace(statement);
        let _waiting = self.connection.observer().users();
        let failure =
            |error: tokio_postgres::Error| CopyFailure::Server(Box::new(self.failure(&error)));
        let client = &self.connection.client;
        let sink = client
            .copy_in::<_, Bytes>(statement)
            .await
            .map_err(failure)?;
        let mut sink = pin!(sink);
        while let Some(chunk) = next().await {
            // A sink that is dropped before its end makes the driver send CopyFail.
            let chunk = chunk.map_err(CopyFailure::Data)?;
            sink.send(chunk).await.map_err(failure)?;
        }
        sink.finish().await.map_err(failure)?;
        Ok(())
    }

    /// Sends commands without waiting for each answer, keeps at most a window of them in flight,
    /// and reports the answers in order.
    ///
    /// After the first failure nothing more is sent; what is in flight is still read, so that the
    /// session can be used again. Inside a transaction the server skips those commands itself.
    pub async fn pipeline<'a>(
        &'a self,
        commands: impl IntoIterator<Item = Command<'a>>,
        window: Window,
        mut answered: impl FnMut(usize),
    ) -> Result<usize, (usize, DbFailure)> {
        self.pipeline_rows(commands, window, |at, _| answered(at))
            .await
    }

    /// The same, with the rows of evmig's own statements; of the user's there are none.
    pub async fn pipeline_rows<'a>(
        &'a self,
        commands: impl IntoIterator<Item = Command<'a>>,
        window: Window,
        mut answered: impl FnMut(usize, Vec<Row>),
    ) -> Result<usize, (usize, DbFailure)> {
        let mut flight: VecDeque<(usize, Answer<'a>)> = VecDeque::new();
        let mut bytes_in_flight = 0;
        let mut done = 0;
        let mut failed: Option<(usize, DbFailure)> = None;
        let mut settle = |result: Result<Vec<Row>, DbFailure>,
                          failed: &mut Option<(usize, DbFailure)>| {
            match result {
                Ok(rows) if failed.is_none() => answered(done, rows),
                Err(failure) if failed.is_none() => *failed = Some((done, failure)),
                _ => {}
            }
            done += 1;
        };
        for command in commands {
            let size = command.bytes();
            while flight.len() >= window.commands
                || (!flight.is_empty() && bytes_in_flight + size > window.bytes)
            {
                if let Some((size, answer)) = flight.pop_front() {
                    settle(answer.await, &mut failed);
                    bytes_in_flight -= size;
                }
            }
            if failed.is_some() {
                break;
            }
            bytes_in_flight += size;
            flight.push_back((size, self.send(&command)));
        }
        while let Some((_, answer)) = flight.pop_front() {
            settle(answer.await, &mut failed);
        }
        match failed {
            None => Ok(done),
            Some(failure) => Err(failure),
        }
    }

    /// Puts a command on the wire now, by polling its future once, and returns its answer.
    fn send<'a>(&'a self, command: &Command<'a>) -> Answer<'a> {
        let mut answer: Answer<'a> = match *command {
            Command::Text(sql) => {
                Box::pin(async move { self.run_users(sql).await.map(|()| Vec::new()) })
            }
            Command::Own(sql, parameters) => Box::pin(self.query(sql, parameters)),
        };
        match answer.as_mut().now_or_never() {
            Some(result) => Box::pin(std::future::ready(result)),
            None => answer,
        }
    }

    /// Says that an answer to a statement of the user's is waited for.
    pub(super) fn waits_for_users(&self) -> Waiting {
        self.connection.observer().users()
    }

    /// The driver's client.
    pub(super) fn client(&self) -> &tokio_postgres::Client {
        &self.connection.client
    }

    /// The server's last words say more than the driver's "connection closed".
    pub(super) fn failure(&self, error: &tokio_postgres::Error) -> DbFailure {
        self.connection.failure(error)
    }

    /// Drops the session without a word: for one that is out of step or does not answer. Its lock
    /// goes once the server has noticed.
    pub fn abandon(&self) {
        self.connection.abandon();
    }

    /// Ends the session and waits until the server has been told, at most `limit`.
    pub async fn close(self, limit: Duration) {
        self.connection.close(limit).await;
    }
}
