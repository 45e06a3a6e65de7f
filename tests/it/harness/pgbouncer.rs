//! PgBouncer in front of a server, in any of its pool modes.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::database::{Database, Target};
use super::postgres::{ADMIN, PASSWORD, Server, free_port, write_for_server};
use super::{scratch, tools};

/// When PgBouncer gives a server connection to another client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PoolMode {
    /// After the client disconnects.
    Session,
    /// After each transaction.
    Transaction,
    /// After each statement.
    Statement,
}

/// A running PgBouncer; it stops when dropped.
#[derive(Debug)]
pub(crate) struct Pgbouncer {
    port: u16,
    directory: PathBuf,
    process: Child,
    _server: Arc<Server>,
}

impl Pgbouncer {
    /// Starts one with the defaults of its own configuration file and waits until it listens.
    pub(crate) fn start(database: &Database, mode: PoolMode) -> Self {
        Self::with_settings(database, mode, "")
    }

    /// Starts one with further lines for the section `[pgbouncer]`.
    pub(crate) fn with_settings(database: &Database, mode: PoolMode, settings: &str) -> Self {
        let server = database.server();
        let directory = scratch::server_directory("pgbouncer");
        let port = free_port();
        let users = [ADMIN, "postgres", database.user.as_str()]
            .map(|user| format!("\"{user}\" \"{PASSWORD}\"\n"))
            .concat();
        write_for_server(&directory.join("users.txt"), &users);
        let mode = match mode {
            PoolMode::Session => "session",
            PoolMode::Transaction => "transaction",
            PoolMode::Statement => "statement",
        };
        let place = directory.display();
        let backend = server.port();
        write_for_server(
            &directory.join("pgbouncer.ini"),
            &format!(
                "[databases]\n* = host=127.0.0.1 port={backend}\n[pgbouncer]\n\
                 listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir = {place}\n\
                 auth_type = scram-sha-256\nauth_file = {place}/users.txt\n\
                 pidfile = {place}/pgbouncer.pid\nlogfile = {place}/log\n\
                 pool_mode = {mode}\n{settings}\n"
            ),
        );
        let process = scratch::server_command(&tools::program("pgbouncer"))
            .arg("-q")
            .arg(directory.join("pgbouncer.ini"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer");
        let mut pooler = Self {
            port,
            directory,
            process,
            _server: Arc::clone(server),
        };
        pooler.wait_until_it_listens();
        pooler
    }

    /// The same database and role, reached through the pooler.
    pub(crate) fn target(&self, target: &Target) -> Target {
        Target {
            port: self.port,
            socket_directory: None,
            ..target.clone()
        }
    }

    fn wait_until_it_listens(&mut self) {
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.process.try_wait().expect("our own child");
            assert!(
                ended.is_none() && started.elapsed() < Duration::from_secs(20),
                "pgbouncer does not listen ({ended:?}):\n{}",
                std::fs::read_to_string(self.directory.join("log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Pgbouncer {
    fn drop(&mut self) {
        // Both fail only for a process that is gone, which is what is wanted.
        self.process.kill().ok();
        self.process.wait().ok();
        scratch::remove(&self.directory);
    }
}
