"""`evmig seed` beside `psql \\copy` of the same rows, in turn, into copies of one empty database.

    python3 -B benches/seed.py --evmig PATH --server URL [--scale N] [--rounds N]

URL is a superuser's, to any database of a server that may be filled with throw-away ones. Both sides
pass by triggers (session_replication_role), both into the same tables with the same indexes, and both
analyse them at the end; psql has its files ready and copies each table in one piece, which is in its
favour.
"""

import argparse
import os
import re
import sys
import tempfile
from urllib.parse import urlsplit, urlunsplit

import measure

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CAP = 3600


def tables():
    """The tables with their columns, in the order in which they are loaded."""
    with open(os.path.join(ROOT, "src/seed/tables.rs"), encoding="utf-8") as file:
        text = file.read()
    names = dict(re.findall(r'Self::(\w+) => "([\w.]+)"', text))
    lists = re.findall(r'Self::(\w+) =>\s*\{?\s*"([\w, \\\n]+)"', text)
    columns = {
        name: re.sub(r"\\\s*", "", body) for name, body in lists if "." not in body
    }
    assert len(names) == len(columns) > 10, (names, columns)
    return [(names[name], columns[name]) for name in names]


class Databases:
    """Throw-away databases on one server."""

    def __init__(self, url, work):
        self.url, self.work = url, work
        self.environment = dict(os.environ, LC_ALL="C.UTF-8")

    def of(self, name):
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def run(self, command):
        output = os.path.join(self.work, "output")
        run = measure.run(command, cwd=ROOT, env=self.environment, output_path=output, cap=CAP)
        if not run.ok:
            sys.exit(f"{' '.join(command)}: {run.complaint()}")
        return run

    def psql(self, database, *arguments):
        base = ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", self.of(database)]
        return self.run([*base, *arguments])

    def fresh(self, name, template):
        self.psql("postgres", "-c", f"drop database if exists {name}")
        self.psql("postgres", "-c", f"create database {name} template {template}")


def main():
    """Measures and prints one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--evmig", required=True)
    parser.add_argument("--server", required=True, metavar="URL")
    parser.add_argument("--scale", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evmig-bench-") as work:
        databases = Databases(options.server, work)
        try:
            compare(databases, options, work)
        finally:
            for name in ("bench_seed", "bench_seed_empty"):
                databases.psql("postgres", "-c", f"drop database if exists {name}")


def compare(databases, options, work):
    """Runs both in turn, and prints what they took."""

    def evmig(database, *words):
        url = databases.of(database)
        return databases.run([options.evmig, *words, "--yes", "--database-url", url])

    databases.fresh("bench_seed_empty", "template0")
    evmig("bench_seed_empty", "apply", "--phase", "1", "--phase", "2")
    scale = ["seed", "--scale", str(options.scale)]

    databases.fresh("bench_seed", "bench_seed_empty")
    evmig("bench_seed", *scale)
    script = os.path.join(work, "load.sql")
    with open(script, "w", encoding="utf-8") as file:
        file.write("begin;\nset local session_replication_role = replica;\n")
        for name, columns in tables():
            path = os.path.join(work, name)
            databases.psql("bench_seed", "-c", f"\\copy (select {columns} from {name}) to '{path}'")
            file.write(f"\\copy {name} ({columns}) from '{path}'\n")
        names = [name for name, _ in tables() if name != "auth.users"]
        file.write(f"commit;\nanalyze {', '.join(names)};\n")

    runs = {"evmig seed": [], "psql \\copy": []}
    for _ in range(options.rounds):
        databases.fresh("bench_seed", "bench_seed_empty")
        runs["psql \\copy"].append(databases.psql("bench_seed", "-f", script))
        databases.fresh("bench_seed", "bench_seed_empty")
        runs["evmig seed"].append(evmig("bench_seed", *scale))

    print(f"Scale {options.scale}, {options.rounds} rounds, in turn\n")
    print("| | median s | all s | client's CPU s | client's peak MiB |")
    print("|---|---|---|---|---|")
    for name, samples in runs.items():
        seconds = [run.seconds for run in samples]
        shown = " ".join(f"{one:.1f}" for one in seconds)
        cpu = measure.median([run.cpu_seconds for run in samples])
        peak = max(run.peak_bytes for run in samples) / 2**20
        print(f"| {name} | {measure.median(seconds):.2f} | {shown} | {cpu:.2f} | {peak:.1f} |")
    pairs = zip(runs["psql \\copy"], runs["evmig seed"])
    ratio = measure.median([psql.seconds / evmig.seconds for psql, evmig in pairs])
    print(f"\nSpeed of evmig seed by that of psql \\copy: {ratio:.2f}")


if __name__ == "__main__":
    main()
