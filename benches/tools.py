"""The tools that are compared: where each is found, and how it is told to apply what is pending."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Callable

import layouts


@dataclass
class Tool:
    """One tool. `apply` and `version` make commands from a database's URL and the peers' folder."""

    name: str
    layout: Callable
    apply: Callable
    version: Callable
    # What a reader must know to judge the figures.
    note: str = ""
    # Where the program does not tell its version.
    known_version: str | None = None
    # psql has no history, and so nothing to compare where nothing is to be done.
    history: bool = True

    def missing(self):
        """Why it is not here, or None."""
        program = self.version()[0]
        return None if shutil.which(program) else "not installed"

    def version_text(self):
        if self.known_version:
            return self.known_version
        done = subprocess.run(self.version(), capture_output=True, text=True, check=False)
        found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
        return found[0] if found else "unknown"


def environment(home):
    """What every tool runs with: nothing of the caller's that could steer one of them."""
    return {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8", "NO_COLOR": "1"}


def prefer(programs):
    """Puts the server's own programs first: Debian's psql is a script that looks for the real one."""
    os.environ["PATH"] = f"{programs}{os.pathsep}{os.environ['PATH']}"


def stamp(peers, name):
    """The version that scripts/install-bench-peers has installed."""
    try:
        with open(os.path.join(peers, f"{name}.version"), encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


def all_tools(evmig, peers):
    """Every tool by name, evmig and psql first."""
    node = os.path.join(peers, "npm/node_modules")

    def in_peers(*parts):
        return os.path.join(peers, *parts)

    # The package's program, and not the script of Node's around it.
    dbmate = shutil.which("dbmate") or next(
        (path for path in (os.path.join(node, "@dbmate", name, "bin/dbmate")
                           for name in (os.listdir(os.path.join(node, "@dbmate"))
                                        if os.path.isdir(os.path.join(node, "@dbmate")) else []))
         if os.access(path, os.X_OK)), in_peers("dbmate"))
    node_pg_migrate = os.path.join(node, ".bin/node-pg-migrate")
    tools = [
        Tool("evmig", layouts.evmig,
             lambda url: [evmig, "apply", "--database-url", url],
             lambda: [evmig, "--version"]),
        Tool("psql", layouts.psql,
             # Which file, and whether `-1`, is the row's matter.
             lambda url: ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url],
             lambda: ["psql", "--version"],
             note="no history, no checks, no lock: the floor of a client that waits for each answer",
             history=False),
        Tool("refinery", layouts.refinery,
             lambda url: [in_peers("bin/refinery"), "migrate", "-e", "BENCH_URL", "-p", "migrations"],
             lambda: [in_peers("bin/refinery"), "--version"]),
        Tool("sqlx-cli", layouts.sqlx,
             lambda url: [in_peers("bin/sqlx"), "migrate", "run", "--source", "migrations",
                          "--database-url", url],
             lambda: [in_peers("bin/sqlx"), "--version"]),
        Tool("dbmate", layouts.dbmate,
             lambda url: [dbmate, "--url", f"{url}?sslmode=disable", "--no-dump-schema", "migrate"],
             lambda: [dbmate, "--version"],
             note="without the dump of the schema that it makes by default"),
        Tool("node-pg-migrate", layouts.node_pg_migrate,
             lambda url: [node_pg_migrate, "up", "-m", "migrations", "-d", "BENCH_URL"],
             lambda: [node_pg_migrate, "--version"],
             note="all pending migrations in one transaction, its default",
             # It tells "unknown".
             known_version=(stamp(peers, "npm") or "").rpartition(" ")[2] or None),
        Tool("yoyo", layouts.yoyo,
             lambda url: [in_peers("yoyo/bin/yoyo"), "apply", "--batch", "--no-config-file", "--database",
                          url.replace("postgres://", "postgresql://"), "migrations"],
             # It has no `--version`.
             lambda: [in_peers("yoyo/bin/yoyo"), "--help"],
             note="`--help` in place of `--version`",
             known_version=stamp(peers, "yoyo")),
        Tool("sqitch", layouts.sqitch,
             lambda url: ["sqitch", "deploy", url.replace("postgres://", "db:pg://")],
             lambda: ["sqitch", "--version"],
             note="runs psql once for each migration"),
    ]
    return tools
