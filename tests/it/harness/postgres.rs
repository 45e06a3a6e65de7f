//! PostgreSQL servers: shared ones for each major and shape, private ones, and standbys.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock, Mutex, OnceLock};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::database::{Database, Role, Shape, Target};
use super::scratch;
use super::sql::Session;
use super::tools;

/// The bootstrap superuser of every server.
pub(crate) const ADMIN: &str = "admin";

/// The password of every role here: `cmd.rs` asserts of each run that its output lacks it.
pub(crate) const PASSWORD: &str = "canary-7f3a91c4";

/// The majors that evmig supports.
pub(crate) const SUPPORTED: [u32; 5] = [14, 15, 16, 17, 18];

/// How a private server differs from a shared one.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    major: u32,
    settings: Vec<(String, String)>,
    hba: Vec<String>,
    files: Vec<(String, String)>,
    own_identity: bool,
}

impl Options {
    /// A server of this major with the settings of a shared one.
    pub(crate) fn new(major: u32) -> Self {
        Self {
            major,
            settings: Vec::new(),
            hba: Vec::new(),
            files: Vec::new(),
            own_identity: false,
        }
    }

    /// Adds a line to `postgresql.conf`.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Makes autovacuum start within a second of the first dead rows and then crawl: what
    /// `Holder::autovacuum` needs.
    pub(crate) fn slow_autovacuum(self) -> Self {
        self.set("autovacuum_naptime", "1s")
            .set("autovacuum_vacuum_threshold", "1")
            .set("autovacuum_vacuum_scale_factor", "0")
            .set("autovacuum_vacuum_cost_delay", "100ms")
            .set("autovacuum_vacuum_cost_limit", "1")
    }

    /// Adds a line before all others to `pg_hba.conf`; lines keep the order of the calls.
    pub(crate) fn hba(mut self, line: &str) -> Self {
        self.hba.push(line.to_owned());
        self
    }

    /// Adds a file to the data directory, readable by the server alone (a certificate's key).
    pub(crate) fn file(mut self, name: &str, contents: &str) -> Self {
        self.files.push((name.to_owned(), contents.to_owned()));
        self
    }

    /// Runs initdb for this server, so that its system identifier is its own. Otherwise a server
    /// starts from a copy, and all of one major carry the same identifier.
    pub(crate) fn own_identity(mut self) -> Self {
        self.own_identity = true;
        self
    }
}

/// A running PostgreSQL server.
#[derive(Debug)]
pub(crate) struct Server {
    major: u32,
    port: u16,
    directory: PathBuf,
    supabase_template: OnceLock<()>,
}

type Slot = Arc<OnceLock<Arc<Server>>>;
static SHARED: LazyLock<Mutex<HashMap<(u32, bool), Slot>>> = LazyLock::new(Mutex::default);
static TEMPLATES: LazyLock<Mutex<HashMap<u32, Arc<OnceLock<PathBuf>>>>> =
    LazyLock::new(Mutex::default);

impl Server {
    /// Returns this process's server of a major for databases of this shape.
    ///
    /// Roles belong to a cluster, so the Supabase-shaped databases, which need `anon` and its
    /// companions, and the plain ones, which must lack them, are on different servers.
    pub(crate) fn shared(major: u32, shape: Shape) -> Arc<Self> {
        let slot = {
            let mut servers = SHARED.lock().expect("no panic while it is held");
            Arc::clone(servers.entry((major, shape == Shape::Plain)).or_default())
        };
        let server = Arc::clone(slot.get_or_init(|| Self::private(&Options::new(major))));
        if shape == Shape::Plain {
            server.assert_plain();
        }
        server
    }

    /// Starts a server of the test's own; it stops when the last reference goes.
    pub(crate) fn private(options: &Options) -> Arc<Self> {
        let directory = scratch::server_directory(&format!("pg{}", options.major));
        let data = directory.join("data");
        if options.own_identity {
            initdb(options.major, &data);
        } else {
            copy(&template(options.major), &data);
        }
        for (name, contents) in &options.files {
            write_for_server(&data.join(name), contents);
        }
        let hba = data.join("pg_hba.conf");
        let default = fs::read_to_string(&hba).expect("made by initdb");
        write_for_server(&hba, &format!("{}\n{default}", options.hba.join("\n")));
        Arc::new(Self::start(options.major, directory, &options.settings))
    }

    /// Starts a hot standby of this server: a copy taken by the backup functions, since
    /// `pg_basebackup` does not come with every set of server binaries.
    pub(crate) fn standby(&self) -> Arc<Self> {
        let directory = scratch::server_directory(&format!("standby{}", self.major));
        let data = directory.join("data");
        let (start, stop) = if self.major >= 15 {
            ("pg_backup_start('copy', true)", "pg_backup_stop(false)")
        } else {
            (
                "pg_start_backup('copy', true, false)",
                "pg_stop_backup(false, false)",
            )
        };
        let mut session = Session::connect(&self.admin("postgres"));
        session.execute(&format!("select {start}"));
        copy(&self.data_directory(), &data);
        let label = session.value(&format!("select labelfile from {stop}"));
        for stale in ["postmaster.pid", "postmaster.opts"] {
            fs::remove_file(data.join(stale)).expect("a copy of a running server has it");
        }
        write_for_server(&data.join("backup_label"), &label);
        write_for_server(&data.join("standby.signal"), "");
        let primary = format!(
            "host={} port={} user={ADMIN}",
            self.directory.display(),
            self.port
        );
        let settings = [("primary_conninfo".to_owned(), primary)];
        Arc::new(Self::start(self.major, directory, &settings))
    }

    /// Makes a fresh database and returns how to reach it as `role`.
    pub(crate) fn database(self: &Arc<Self>, shape: Shape, role: Role) -> Database {
        Database::create(self, shape, role)
    }

    /// Makes a database in the encoding LATIN1, which evmig refuses.
    pub(crate) fn latin1_database(self: &Arc<Self>) -> Database {
        Database::create_latin1(self)
    }

    /// The major version, such as 15.
    pub(crate) fn major(&self) -> u32 {
        self.major
    }

    /// The port, on 127.0.0.1 and in the name of the socket.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the Unix socket.
    pub(crate) fn socket_directory(&self) -> &Path {
        &self.directory
    }

    /// The data directory.
    pub(crate) fn data_directory(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// How the superuser reaches a database of this server.
    pub(crate) fn admin(&self, database: &str) -> Target {
        Target {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            socket_directory: Some(self.directory.clone()),
            user: ADMIN.to_owned(),
            password: PASSWORD.to_owned(),
            database: database.to_owned(),
        }
    }

    /// What the server has logged since it started.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.directory.join("log")).unwrap_or_default())
            .into_owned()
    }

    /// Stops the server as a crash would; connections break.
    pub(crate) fn crash(&self) {
        stop(&self.directory, Signal::SIGQUIT);
    }

    /// Starts it again after `crash`, on the same port; returns once it takes sessions.
    pub(crate) fn restart(&self) {
        let output = self.pg_ctl_start();
        assert!(
            output.status.success(),
            "PostgreSQL {} did not start again:\n{}\n{}",
            self.major,
            String::from_utf8_lossy(&output.stderr),
            self.log()
        );
    }

    fn pg_ctl_start(&self) -> std::process::Output {
        let pg_ctl = tools::postgres_bin(self.major).join("pg_ctl");
        scratch::server_command(&pg_ctl)
            .args(["start", "-w", "-s", "-t", "60", "-D"])
            .arg(self.data_directory())
            .arg("-l")
            .arg(self.directory.join("log"))
            .output()
            .expect("pg_ctl")
    }

    /// Runs `make` once for this server: the template of its Supabase-shaped databases.
    pub(super) fn once_for_supabase(&self, make: impl FnOnce()) {
        self.supabase_template.get_or_init(make);
    }

    /// A plain server on which someone made Supabase's roles would make other tests pass falsely.
    fn assert_plain(&self) {
        let roles = Session::connect(&self.admin("postgres"))
            .value("select count(*) from pg_roles where rolname in ('anon', 'authenticated', 'service_role')");
        assert_eq!(
            roles, "0",
            "a test created Supabase's roles on the shared plain server: it must ask for \
             Server::private"
        );
    }

    fn start(major: u32, directory: PathBuf, settings: &[(String, String)]) -> Self {
        let data = directory.join("data");
        let log = directory.join("log");
        let conf = data.join("postgresql.conf");
        let default = fs::read_to_string(&conf).expect("made by initdb");
        let mut server = Self {
            major,
            port: 0,
            directory,
            supabase_template: OnceLock::new(),
        };
        // A free port may be taken before the server has it; that, and only that, is tried again.
        for _ in 0..5 {
            server.port = free_port();
            let lines = configuration(server.port, &server.directory, settings);
            write_for_server(&conf, &format!("{default}\n{lines}"));
            let output = server.pg_ctl_start();
            if output.status.success() {
                return server;
            }
            let said = fs::read_to_string(&log).unwrap_or_default();
            assert!(
                said.contains("could not bind"),
                "PostgreSQL {major} did not start:\n{}\n{said}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        panic!("PostgreSQL {major} found no free port in five tries");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        stop(&self.directory, Signal::SIGQUIT);
        scratch::remove(&self.directory);
    }
}

/// Returns a loopback port that nobody listens on at this moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free loopback port")
        .port()
}

/// Writes a file that the server's user owns and nobody else reads.
pub(crate) fn write_for_server(path: &Path, contents: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("our own file");
    scratch::give_to_server_user(path);
}

/// Durability is off: these servers hold nothing worth a disk write. `localhost` is IPv4 alone
/// since a container may have no IPv6.
fn configuration(port: u16, directory: &Path, settings: &[(String, String)]) -> String {
    let port = port.to_string();
    let directory = directory.display().to_string();
    let defaults = [
        ("port", port.as_str()),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", directory.as_str()),
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
        ("shared_buffers", "32MB"),
        ("max_connections", "60"),
        ("jit", "off"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        ("lc_messages", "C"),
    ];
    let mut lines = String::new();
    for (name, value) in defaults
        .into_iter()
        .chain(settings.iter().map(|(n, v)| (n.as_str(), v.as_str())))
    {
        let value = value.replace('\'', "''");
        writeln!(lines, "{name} = '{value}'").expect("a String takes it");
    }
    lines
}

/// The data directory that servers of a major start from, made once per process: copying takes
/// 0.03 s and initdb 0.6 s.
fn template(major: u32) -> PathBuf {
    let slot = {
        let mut templates = TEMPLATES.lock().expect("no panic while it is held");
        Arc::clone(templates.entry(major).or_default())
    };
    slot.get_or_init(|| {
        let data = scratch::server_directory(&format!("template{major}")).join("data");
        initdb(major, &data);
        data
    })
    .clone()
}

fn initdb(major: u32, data: &Path) {
    let password = data.with_file_name("password");
    write_for_server(&password, PASSWORD);
    let initdb = tools::postgres_bin(major).join("initdb");
    run(scratch::server_command(&initdb)
        .args(["-U", ADMIN, "-E", "UTF8", "--locale=C", "--no-sync"])
        .args([
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--pwfile",
        ])
        .arg(&password)
        .arg("-D")
        .arg(data));
}

fn copy(from: &Path, to: &Path) {
    run(scratch::server_command(Path::new("/bin/cp"))
        .arg("-Rp")
        .arg(from)
        .arg(to));
}

/// Runs a command to its end and panics with all it said if it fails.
pub(crate) fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Signals the server of a directory and waits until its pid file is gone; no server, no work.
fn stop(directory: &Path, signal: Signal) {
    let file = directory.join("data/postmaster.pid");
    let pid = fs::read_to_string(&file)
        .ok()
        .and_then(|text| text.lines().next()?.trim().parse().ok());
    let Some(pid) = pid else { return };
    if kill(Pid::from_raw(pid), signal).is_err() {
        return;
    }
    let started = Instant::now();
    while file.exists() && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
}
