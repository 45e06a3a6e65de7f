//! Sessions that stand in the way: they hold a lock or a snapshot until they are told to let go.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::database::Target;
use super::sql::Session;

/// A session with an open transaction, in a thread of its own. Dropping it rolls back.
pub(crate) struct Holder {
    pid: i32,
    release: Option<Sender<()>>,
    thread: Option<JoinHandle<Duration>>,
}

impl Holder {
    /// Opens a transaction, runs `sql` in it, and holds what that took for `limit` at most.
    /// Returns once it is held.
    pub(crate) fn transaction(target: &Target, sql: &str, limit: Duration) -> Self {
        let (held, is_held) = channel();
        let (release, released) = channel();
        let (target, sql) = (target.clone(), sql.to_owned());
        let thread = std::thread::spawn(move || {
            let mut session = Session::connect(&target);
            let pid = session.pid();
            session.execute("begin");
            session.execute(&sql);
            held.send(pid).expect("the test waits for this");
            let time = wait(&released, limit);
            session.execute("rollback");
            time
        });
        Self {
            pid: is_held.recv().expect("the holder's statements succeed"),
            release: Some(release),
            thread: Some(thread),
        }
    }

    /// Holds a table as a plain reader does: `ACCESS SHARE`, from `SELECT`.
    pub(crate) fn reader(target: &Target, table: &str, limit: Duration) -> Self {
        Self::transaction(target, &format!("select 1 from {table} limit 1"), limit)
    }

    /// Holds an old snapshot and no table: what `CREATE INDEX CONCURRENTLY` waits for.
    pub(crate) fn snapshot(target: &Target, limit: Duration) -> Self {
        Self::transaction(
            target,
            "set transaction isolation level repeatable read; select 1",
            limit,
        )
    }

    /// Waits until a plain autovacuum is at work on a table, on a server with
    /// `Options::slow_autovacuum`; returns the worker's process id. The worker holds
    /// `SHARE UPDATE EXCLUSIVE` and goes on for minutes unless it is cancelled.
    pub(crate) fn autovacuum(target: &Target, table: &str, limit: Duration) -> i32 {
        let mut session = Session::connect(target);
        session.execute(&format!(
            "create table if not exists {table} (id int, filler text);
             insert into {table} select n, repeat('x', 500) from generate_series(1, 20000) n;
             delete from {table} where id % 2 = 0;"
        ));
        let query = format!(
            "select a.pid from pg_stat_activity a join pg_locks l using (pid)
             where a.backend_type = 'autovacuum worker' and l.granted
               and l.mode = 'ShareUpdateExclusiveLock' and l.relation = '{table}'::regclass"
        );
        let started = Instant::now();
        loop {
            if let Some(pid) = session.lines(&query).first() {
                return pid.parse().expect("a number");
            }
            assert!(started.elapsed() < limit, "no autovacuum within {limit:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The process id of the holding backend.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Lets go and returns how long it was held.
    pub(crate) fn release(mut self) -> Duration {
        self.finish().expect("released once")
    }

    fn finish(&mut self) -> Option<Duration> {
        drop(self.release.take());
        let thread = self.thread.take()?;
        Some(thread.join().expect("the holder ends in order"))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // A test that is already failing must not be turned into an abort.
        if std::thread::panicking() {
            drop(self.release.take());
        } else {
            self.finish();
        }
    }
}

fn wait(released: &Receiver<()>, limit: Duration) -> Duration {
    let started = Instant::now();
    match released.recv_timeout(limit) {
        Ok(()) | Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
    }
    started.elapsed()
}
