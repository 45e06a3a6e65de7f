//! PostgreSQL servers for tests: own directory, own port, stopped and removed at the end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail the test"
)]

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use evmig::pg::connect::{ConnectOptions, Connection, connect};
use evmig::pg::connect_error::ConnectError;
use evmig::pg::params::Parameters;
use evmig::pg::resolve::{Sources, resolve};
use evmig::secret::Secret;

/// A running server. The superuser is `postgres`, and everybody on loopback is trusted.
pub(crate) struct PgServer {
    /// Holds `data`, the socket and whatever a test puts there; others may enter it.
    pub(crate) directory: PathBuf,
    /// The TCP port on 127.0.0.1.
    pub(crate) port: u16,
}

/// Returns the folder with the server's programs. A machine without them fails the test: a
/// skipped test proves nothing.
pub(crate) fn server_bin() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests find the server by the environment"
    )]
    let named = std::env::var_os("EVMIG_TEST_PG_BIN").map(PathBuf::from);
    let usual = || {
        (14..=18)
            .rev()
            .map(|major| PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")))
            .find(|folder| folder.join("initdb").exists())
    };
    named
        .or_else(usual)
        .expect("no PostgreSQL server programs; set EVMIG_TEST_PG_BIN to their folder")
}

/// Returns a port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Returns a command that runs as an unprivileged user: servers refuse to run as root.
pub(crate) fn unprivileged(program: &Path) -> Command {
    if !nix::unistd::geteuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

/// Runs a command and fails the test if the command fails.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Makes a directory that the unprivileged user owns.
pub(crate) fn directory(name: &str) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    };
    let path = parent.join(format!("evmig-it-{name}-{}", evmig::clock::run_id()));
    fs::create_dir(&path).unwrap();
    give_away(&path);
    path
}

/// Makes the unprivileged user the owner of a file.
pub(crate) fn give_away(path: &Path) {
    if nix::unistd::geteuid().is_root() {
        let user = nix::unistd::User::from_name("postgres").unwrap().unwrap();
        nix::unistd::chown(path, Some(user.uid), Some(user.gid)).unwrap();
    }
}

impl PgServer {
    /// Makes a cluster and starts it with further settings.
    pub(crate) fn start(name: &str, settings: &str) -> Self {
        let server = Self {
            directory: directory(name),
            port: free_port(),
        };
        run(unprivileged(&server_bin().join("initdb"))
            .arg("-D")
            .arg(server.data())
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"])
            .args(["--locale", "C.UTF-8"])
            .current_dir(&server.directory));
        server.restart(
            settings,
            "local all all trust\nhost all all 127.0.0.1/32 trust\n",
        );
        server
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Restarts with these settings and these lines of `pg_hba.conf`, in place of earlier ones.
    pub(crate) fn restart(&self, settings: &str, hba: &str) {
        let mut conf = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\n\
             fsync = off\nshared_buffers = 16MB\n",
            self.port,
            self.directory.display()
        );
        writeln!(conf, "{settings}").unwrap();
        fs::write(self.data().join("postgresql.auto.conf"), conf).unwrap();
        fs::write(self.data().join("pg_hba.conf"), hba).unwrap();
        let running = self.data().join("postmaster.pid").exists();
        let action = if running { "restart" } else { "start" };
        run(self
            .pg_ctl()
            .args(["-w", "-m", "fast", "-l"])
            .arg(self.directory.join("log"))
            .arg(action));
    }

    fn pg_ctl(&self) -> Command {
        let mut command = unprivileged(&server_bin().join("pg_ctl"));
        command
            .arg("-D")
            .arg(self.data())
            .current_dir(&self.directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// A connection string for a database of this server, over TCP and without TLS.
    pub(crate) fn url(&self, dbname: &str) -> String {
        format!(
            "postgresql://postgres@127.0.0.1:{}/{dbname}?sslmode=disable",
            self.port
        )
    }

    /// Runs SQL as the superuser.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let output = run(Command::new("psql")
            .args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql])
            .arg(self.url("postgres")));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for PgServer {
    fn drop(&mut self) {
        let stopped = self.pg_ctl().args(["-m", "immediate", "stop"]).status();
        let removed = fs::remove_dir_all(&self.directory);
        if !std::thread::panicking() {
            stopped.unwrap();
            removed.unwrap();
        }
    }
}

/// Resolves a connection string with nothing from the environment but a home directory.
pub(crate) fn parameters(text: &str, home: Option<&Path>) -> Parameters {
    let nothing = std::collections::BTreeMap::new();
    resolve(&Sources {
        connection_string: Some(&Secret::new(text)),
        project: &nothing,
        variables: &nothing,
        os_user: Some("postgres"),
        home,
    })
    .unwrap()
}

/// Connects as evmig does, with a short limit.
pub(crate) async fn open(text: &str, home: Option<&Path>) -> Result<Connection, ConnectError> {
    let options = ConnectOptions {
        timeout: std::time::Duration::from_secs(10),
        application_name: Some("evmig/0.1.0 run=0123456789".to_owned()),
        ..ConnectOptions::default()
    };
    connect(&parameters(text, home), &options).await
}

/// Runs a future on a runtime like evmig's own.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Returns the first column of the first row.
pub(crate) async fn value(connection: &Connection, sql: &str) -> String {
    let messages = connection.client.simple_query(sql).await.unwrap();
    messages
        .iter()
        .find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .unwrap()
}
