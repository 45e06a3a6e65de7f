"""A private PostgreSQL server with the durable settings it comes with, its data in memory unless asked otherwise."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

USER = "postgres"
TEMPLATES = ("template0", "template1", "postgres")


class Server:
    """Starts on entering, and is stopped and removed on leaving, however that happens."""

    def __init__(self, programs, on_disk=False):
        self.programs = programs
        parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) and not on_disk else None
        self.directory = tempfile.mkdtemp(prefix="evmig-bench-", dir=parent)
        self.data = os.path.join(self.directory, "data")
        self.port = free_port()
        self.owner = server_owner()
        self.version = None

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        if self.owner:
            shutil.chown(self.directory, self.owner.pw_uid, self.owner.pw_gid)
        # Trust: passwords would measure the client's SCRAM, once per connection.
        self._run("initdb", "-D", self.data, "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C")
        # Only where it listens and how many may come differ from what initdb has written: fsync and
        # synchronous_commit stay on.
        settings = [
            f"-c port={self.port}",
            "-c listen_addresses=127.0.0.1",
            "-c max_connections=300",
            f"-c unix_socket_directories={self.directory}",
        ]
        log = os.path.join(self.directory, "log")
        self._run("pg_ctl", "-D", self.data, "-l", log, "-w", "-o", " ".join(settings), "start")
        self.version = self.query("show server_version")

    def __exit__(self, *_):
        if os.path.exists(os.path.join(self.data, "postmaster.pid")):
            subprocess.run(self._as_owner("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop"),
                           stdout=subprocess.DEVNULL, cwd="/", check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _as_owner(self, program, *arguments):
        command = [os.path.join(self.programs, program), *arguments]
        # PostgreSQL refuses to run as root.
        return ["runuser", "-u", self.owner.pw_name, "--", *command] if self.owner else command

    def _run(self, program, *arguments):
        done = subprocess.run(self._as_owner(program, *arguments), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, cwd="/", text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"error: {program} failed:\n{done.stdout}")

    def client(self, name):
        """A client program: the server's own where it came with one, else the one on PATH."""
        beside = os.path.join(self.programs, name)
        return beside if os.access(beside, os.X_OK) else name

    def url(self, database, port=None):
        return f"postgres://{USER}@127.0.0.1:{port or self.port}/{database}"

    def psql(self, *arguments, database="postgres", text=None):
        """Runs psql for a purpose of the benchmark's own; returns what it prints."""
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port),
             "-U", USER, "-d", database, *arguments],
            input=text, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"error: psql {' '.join(arguments)[:200]} failed: {done.stderr}")
        return done.stdout.strip()

    def query(self, sql, database="postgres"):
        return self.psql("-c", sql, database=database)

    def fresh(self, name):
        """An empty database of this name, whatever was there."""
        self.query(f'drop database if exists "{name}" with (force)')
        self.query(f'create database "{name}"')

    def drop(self, name):
        self.query(f'drop database if exists "{name}" with (force)')
        # Roles outlive databases, and the shipped schema makes some; a run must find none.
        roles = self.query("select rolname from pg_roles where rolname !~ '^pg_' and rolname <> current_user")
        for role in filter(None, roles.splitlines()):
            self.query(f'drop role if exists "{role}"')


def server_owner():
    """As whom the server runs where the benchmark runs as root; None where it runs as itself."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise SystemExit("error: PostgreSQL does not run as root, and there is no user postgres or nobody")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"error: {what} did not happen within {seconds} s")
        time.sleep(0.02)
