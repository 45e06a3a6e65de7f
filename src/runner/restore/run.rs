//! Does a restore: all of it in one transaction, with its row in the history.

use std::cell::Cell;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::RestoreError;
use super::plan::{Plan, Restored, plan};
use crate::backup::error::BackupError;
use crate::backup::figures::{READING, count, quoted};
use crate::backup::ledger::{self, Ledger};
use crate::backup::listing::entries;
use crate::backup::manifest::{DUMP, Manifest, Sequence};
use crate::backup::stream::{CopyHead, DumpText, StreamFault};
use crate::clock::jitter;
use crate::history::store::Store;
use crate::pg::error::Kind;
use crate::pg::lock::HistoryLock;
use crate::pg::session::{CopyFailure, Session};
use crate::report::backup::RestoreProgress;
use crate::report::event::EventSink;
use crate::report::run::Outcome;
use crate::runner::attempt::Interrupt;
use crate::runner::bracket::{Bracket, Closed};
use crate::runner::error::RunError;
use crate::runner::open::Opened;
use crate::runner::retry::LockPolicy;
use crate::runner::turn;
use crate::shadow::{ClientChild, ClientCommand, ClientProgram, Pieces};
use crate::sql::name::QualifiedName;

/// The longest wait between two tries to get the locks.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How long the server may take to take a cancel request.
const CANCEL: Duration = Duration::from_secs(5);

/// Everything that a restore is made from.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The backup's folder; every byte of it has been verified.
    pub folder: &'a Path,
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// The manifest's hash.
    pub manifest_sha256: &'a str,
    /// `pg_restore`.
    pub program: &'a ClientProgram,
    /// evmig's state directory.
    pub state: &'a Path,
    /// The machine.
    pub host: &'a str,
    /// The schema of the history.
    pub history_schema: &'a str,
    /// Tables as they were typed; all where there are none.
    pub tables: &'a [String],
    /// Run id.
    pub run: &'a str,
    /// The checkout's commit.
    pub git_commit: Option<&'a str>,
    /// How long to wait for another run.
    pub wait: Duration,
    /// How to wait for locks.
    pub policy: LockPolicy,
}

/// What a restore came to.
#[derive(Debug, Default)]
pub struct Came {
    /// Whether the run is in the history.
    pub recorded: bool,
    /// The tables that were restored.
    pub tables: Vec<Restored>,
    /// What the trigger bracket has found.
    pub closed: Option<Closed>,
    /// Sequences that were moved on.
    pub sequences: usize,
    /// Tries that failed for want of a lock.
    pub retries: u32,
}

/// Waits until no other run is at work.
pub async fn take_turn(
    request: Request<'_>,
    opened: &Opened,
    interrupt: &mut Interrupt,
    sink: &mut dyn EventSink,
) -> Result<(), RestoreError> {
    let lock = HistoryLock::new(request.history_schema);
    turn::take(&opened.session, lock, request.wait, interrupt, sink).await?;
    Ok(())
}

/// Restores, with the lock taken; what came of it is noted in `came` also where an error ends it.
pub async fn restore(
    request: Request<'_>,
    opened: &mut Opened,
    came: &mut Came,
    interrupt: &mut Interrupt,
    told: &mut dyn FnMut(&RestoreProgress),
) -> Result<(), RestoreError> {
    let look = opened.take_look().await?;
    let mut located = look.located(0).map_err(RunError::from)?;
    let session = &opened.session;
    let history = |error| RestoreError::from(RunError::History(error));
    located.make_ready(session).await.map_err(history)?;
    let store = located.store();
    let ledger = Ledger::new(request.history_schema);
    ledger.create(session).await?;
    // Nobody else runs now: what was shown may be out of date.
    let plan = plan(
        session,
        request.manifest,
        request.history_schema,
        request.tables,
    )
    .await?;
    store
        .start_run(session, request.run, "restore", &[], request.git_commit)
        .await
        .map_err(history)?;
    came.recorded = true;
    let work = Work {
        request,
        session,
        plan: &plan,
        store: &store,
        ledger: &ledger,
        lock: HistoryLock::new(request.history_schema),
        committing: Cell::new(false),
    };
    let result = work.watched(came, interrupt, told).await;
    match &result {
        Ok(()) => analyse(session, &plan).await,
        // Whether it was committed stands in the run's own row.
        Err(RestoreError::Unknown { .. }) => {}
        Err(error) => {
            // After a lost connection both fail, and the server rolls back by itself.
            drop(session.run("rollback").await);
            let outcome = match error {
                RestoreError::Interrupted => Outcome::Interrupted,
                _ => Outcome::Failed,
            };
            let text = error.to_string();
            drop(
                store
                    .finish_run(session, request.run, outcome.as_str(), Some(&text))
                    .await,
            );
        }
    }
    result
}

/// The planner would take the tables for what they were before; that they are not analysed is no
/// failure of the restore.
async fn analyse(session: &Session, plan: &Plan) {
    let names: Vec<String> = plan.tables.iter().map(Restored::quoted).collect();
    let analysed = session
        .run_users(&format!("analyze {}", names.join(", ")))
        .await;
    if let Err(failure) = analysed {
        tracing::debug!(%failure, "analyze");
    }
}

struct Work<'a> {
    request: Request<'a>,
    session: &'a Session,
    plan: &'a Plan,
    store: &'a Store,
    ledger: &'a Ledger,
    lock: HistoryLock,
    /// From here on a signal comes too late.
    committing: Cell<bool>,
}

impl Work<'_> {
    async fn watched(
        &self,
        came: &mut Came,
        interrupt: &mut Interrupt,
        told: &mut dyn FnMut(&RestoreProgress),
    ) -> Result<(), RestoreError> {
        let canceller = self.session.canceller();
        let mut work = Box::pin(self.transaction(came, told));
        tokio::select! {
            biased;
            result = &mut work => return result,
            () = interrupt.wait() => {}
        }
        if self.committing.get() {
            return work.await;
        }
        // What is waited for ends on the server, too; pg_restore goes with the work.
        drop(canceller.cancel(CANCEL).await);
        drop(work);
        Err(RestoreError::Interrupted)
    }

    async fn transaction(
        &self,
        came: &mut Came,
        told: &mut dyn FnMut(&RestoreProgress),
    ) -> Result<(), RestoreError> {
        let session = self.session;
        let bracket = self.begin(&mut came.retries).await?;
        if self.plan.deferred {
            session
                .run("set constraints all deferred")
                .await
                .map_err(RestoreError::statement("could not defer the constraints"))?;
        }
        for table in self.plan.tables.iter().rev() {
            let name = table.quoted();
            session
                .run_users(&format!("delete from only {name}"))
                .await
                .map_err(RestoreError::statement(format!("could not empty {name}")))?;
        }
        self.fill(told).await?;
        for table in &self.plan.tables {
            self.compare(table).await?;
        }
        came.closed = Some(bracket.close(session).await?);
        for sequence in &self.plan.sequences {
            came.sequences += usize::from(self.move_on(sequence).await?);
        }
        self.record().await?;
        self.committing.set(true);
        session.run("commit").await.map_err(|failure| {
            let failure = Box::new(failure);
            if failure.kind() == Kind::ConnectionLost {
                RestoreError::Unknown { failure }
            } else {
                RestoreError::Statement {
                    what: "could not commit".to_owned(),
                    failure,
                }
            }
        })?;
        came.tables.clone_from(&self.plan.tables);
        Ok(())
    }

    /// Begins with everybody else who writes kept out, and the triggers off.
    async fn begin(&self, retries: &mut u32) -> Result<Bracket, RestoreError> {
        let policy = self.request.policy;
        loop {
            let failure = match self.try_to_begin().await {
                Ok(bracket) => return Ok(bracket),
                Err(error) => match error.failure() {
                    Some(failure)
                        if matches!(failure.kind(), Kind::LockTimeout | Kind::Deadlock) =>
                    {
                        failure.clone()
                    }
                    _ => return Err(error),
                },
            };
            self.session
                .run("rollback")
                .await
                .map_err(RestoreError::statement("could not roll back"))?;
            *retries += 1;
            if *retries > policy.retries {
                return Err(RestoreError::Locked {
                    tries: *retries,
                    failure: Box::new(failure),
                });
            }
            let most = Duration::from_millis(100) * 2u32.pow((*retries).min(8));
            tokio::time::sleep(jitter(most.min(LONGEST_WAIT))).await;
        }
    }

    async fn try_to_begin(&self) -> Result<Bracket, RestoreError> {
        let session = self.session;
        let guarded = self.plan.guarded.iter().cloned();
        let mut names: Vec<String> = self
            .plan
            .tables
            .iter()
            .map(Restored::quoted)
            .chain(guarded)
            .map(|name| format!("only {name}"))
            .collect();
        // All runs in the same order: two of them do not deadlock.
        names.sort();
        let sql = format!(
            "begin; set local lock_timeout = {}; {READING}; \
             lock table {} in share row exclusive mode",
            self.request.policy.lock_timeout.as_millis(),
            names.join(", ")
        );
        session
            .run_users(&sql)
            .await
            .map_err(RestoreError::statement("could not lock the tables"))?;
        Ok(Bracket::open(session, &self.plan.names(), self.plan.switch).await?)
    }

    /// Streams the rows of all tables, in the plan's order.
    async fn fill(&self, told: &mut dyn FnMut(&RestoreProgress)) -> Result<(), RestoreError> {
        let list = self.list().await?;
        let (mut child, mut text) = self.start(&list)?;
        let of = self.plan.tables.len();
        for (done, table) in self.plan.tables.iter().enumerate() {
            told(&RestoreProgress {
                table: table.name(),
                done,
                of,
            });
            let head = match text.next_copy().await {
                Ok(Some(head)) => head,
                Ok(None) => return Err(self.ended_early(&mut child, table).await),
                Err(fault) => return Err(self.blame(&mut child, fault).await),
            };
            let statement = copy_statement(&head, table)?;
            let copied = self
                .session
                .copy_in_from(&statement, async || text.rows().await)
                .await;
            match copied {
                Ok(()) => {}
                Err(CopyFailure::Server(failure)) => {
                    return Err(RestoreError::Statement {
                        what: format!("could not fill {}", table.name()),
                        failure,
                    });
                }
                Err(CopyFailure::Data(fault)) => return Err(self.blame(&mut child, fault).await),
            }
        }
        if let Some(head) = text.next_copy().await? {
            return Err(RestoreError::WrongTable {
                found: format!("{}.{}", head.schema, head.name),
                wanted: "the end".to_owned(),
            });
        }
        ended_well(&mut child).await
    }

    /// Asks the archive for its entries; returns the lines of those that are wanted, in order.
    async fn list(&self) -> Result<String, RestoreError> {
        let mut command = self.request.program.command();
        command.arg("--list").arg(self.request.folder.join(DUMP));
        let (mut child, mut pieces) = self.run_program(command)?;
        let mut text = Vec::new();
        while let Some(piece) = pieces.recv().await {
            text.extend_from_slice(&piece.map_err(StreamFault::Unreadable)?);
        }
        ended_well(&mut child).await?;
        let text = String::from_utf8_lossy(&text);
        let entries = entries(&text);
        let mut list = String::new();
        for table in &self.plan.tables {
            let line = entries
                .get(&table.table.oid)
                .ok_or_else(|| RestoreError::WrongTable {
                    found: "no entry".to_owned(),
                    wanted: table.name(),
                })?;
            list.push_str(line);
            list.push('\n');
        }
        Ok(list)
    }

    fn run_program(&self, command: ClientCommand) -> Result<(ClientChild, Pieces), RestoreError> {
        let path = &self.request.program.path;
        let started = ClientChild::start_reading(command);
        Ok(started.map_err(|error| BackupError::io_of("run", path, error))?)
    }

    fn start(&self, list: &str) -> Result<(Program, DumpText), RestoreError> {
        let path = self
            .request
            .state
            .join(format!("restore-{}.list", self.request.run));
        let file = ListFile::write(path, list)?;
        let mut command = self.request.program.command();
        command
            .arg("--data-only")
            .arg("--use-list")
            .arg(&file.0)
            .arg("--file=-")
            .arg(self.request.folder.join(DUMP));
        let (child, pieces) = self.run_program(command)?;
        let program = Program { child, _list: file };
        Ok((program, DumpText::new(pieces)))
    }

    /// Holds a table against the manifest: nobody else has written to it.
    async fn compare(&self, table: &Restored) -> Result<(), RestoreError> {
        let wanted = &table.table;
        let mut found = wanted.clone();
        count(self.session, &mut found, wanted.checksum.is_some()).await?;
        let differs = |difference| RestoreError::Differs {
            table: table.name(),
            difference,
        };
        if found.rows != wanted.rows {
            return Err(differs(format!(
                "{} rows instead of {}",
                found.rows, wanted.rows
            )));
        }
        if found.checksum != wanted.checksum {
            return Err(differs(
                "as many rows, and their checksum is another one".to_owned(),
            ));
        }
        Ok(())
    }

    /// Moves a sequence on to where it stood, and never back: what it has given out since may be known
    /// elsewhere, and unlike all else this is not undone where the transaction fails.
    async fn move_on(&self, sequence: &Sequence) -> Result<bool, RestoreError> {
        let name = quoted(&sequence.schema, &sequence.name);
        let (value, called) = (sequence.last_value, sequence.is_called);
        let beyond = if sequence.descending { "<" } else { ">" };
        let sql = format!(
            "select (case when {value} {beyond} s.last_value \
             or ({value} = s.last_value and {called} and not s.is_called) \
             then setval($1::regclass, {value}, {called}) end is not null)::text from {name} s"
        );
        let rows = self
            .session
            .query(&sql, &[Some(&name)])
            .await
            .map_err(RestoreError::statement(format!("could not set {name}")))?;
        Ok(rows.first().is_some_and(|row| row.truth(0)))
    }

    /// Writes what happened into the history, in the restore's own transaction; it fails where the run's
    /// lock is gone.
    async fn record(&self) -> Result<(), RestoreError> {
        let own = || RestoreError::statement("could not write the history");
        let session = self.session;
        let held = format!("select ({})::text", self.lock.held());
        session.query(&held, &[]).await.map_err(own())?;
        let names: Vec<String> = self.plan.tables.iter().map(Restored::name).collect();
        let what = format!(
            "backup {}, pg_restore {}: {}",
            self.request.manifest.id,
            self.request.program.version,
            names.join(", ")
        );
        let restored = ledger::Restored {
            run: self.request.run,
            manifest: self.request.manifest,
            manifest_sha256: self.request.manifest_sha256,
            path: &self.request.folder.display().to_string(),
            host: self.request.host,
            rows: self.plan.tables.iter().map(|one| one.table.rows).sum(),
            what: &what,
        };
        self.ledger
            .restored(session, &restored)
            .await
            .map_err(own())?;
        let outcome = Outcome::Applied.as_str();
        self.store
            .finish_run(session, self.request.run, outcome, None)
            .await
            .map_err(|error| RunError::History(error).into())
    }

    /// Says why rows that are due do not come: the program knows best.
    async fn ended_early(&self, child: &mut Program, table: &Restored) -> RestoreError {
        match ended_well(child).await {
            Err(error) => error,
            Ok(()) => RestoreError::WrongTable {
                found: "nothing".to_owned(),
                wanted: table.name(),
            },
        }
    }

    /// A text that is cut off is so because the program failed.
    async fn blame(&self, child: &mut Program, fault: StreamFault) -> RestoreError {
        if !matches!(fault, StreamFault::Cut) {
            return fault.into();
        }
        match ended_well(child).await {
            Err(error) => error,
            Ok(()) => fault.into(),
        }
    }
}

/// `pg_restore` at work, with the list that it reads.
struct Program {
    child: ClientChild,
    _list: ListFile,
}

impl std::ops::Deref for Program {
    type Target = ClientChild;

    fn deref(&self) -> &ClientChild {
        &self.child
    }
}

impl std::ops::DerefMut for Program {
    fn deref_mut(&mut self) -> &mut ClientChild {
        &mut self.child
    }
}

/// The list of entries for `pg_restore`, removed when dropped. It holds names and no secrets.
struct ListFile(PathBuf);

impl ListFile {
    fn write(path: PathBuf, list: &str) -> Result<Self, BackupError> {
        let file = Self(path);
        OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&file.0)
            .and_then(|mut open| open.write_all(list.as_bytes()))
            .map_err(|error| BackupError::io_of("write", &file.0, error))?;
        Ok(file)
    }
}

impl Drop for ListFile {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

/// Waits for a program's end, which must be a good one.
async fn ended_well(child: &mut ClientChild) -> Result<(), RestoreError> {
    let status = child
        .ended()
        .await
        .map_err(|error| BackupError::io_of("wait for", Path::new("pg_restore"), error))?;
    if status.success() {
        return Ok(());
    }
    Err(RestoreError::Program {
        status: status.to_string(),
        words: child.last_words(),
    })
}

/// Makes the statement that fills a table: the rows that come must be this table's, with its columns.
fn copy_statement(head: &CopyHead, table: &Restored) -> Result<String, RestoreError> {
    let wanted = &table.table;
    let mut columns: Vec<&str> = head.columns.iter().map(String::as_str).collect();
    columns.sort_unstable();
    let mut expected: Vec<&str> = wanted
        .columns
        .iter()
        .filter(|column| !column.generated)
        .map(|column| column.name.as_str())
        .collect();
    expected.sort_unstable();
    if (&head.schema, &head.name) != (&wanted.schema, &wanted.name) || columns != expected {
        return Err(RestoreError::WrongTable {
            found: format!("{}.{} ({})", head.schema, head.name, columns.join(", ")),
            wanted: format!("{} ({})", table.name(), expected.join(", ")),
        });
    }
    let list: Vec<String> = head.columns.iter().map(|name| ident(name)).collect();
    let list = if list.is_empty() {
        String::new()
    } else {
        format!(" ({})", list.join(", "))
    };
    Ok(format!("copy {}{list} from stdin", table.quoted()))
}

fn ident(name: &str) -> String {
    QualifiedName {
        schema: None,
        name: name.to_owned(),
    }
    .quoted()
}
