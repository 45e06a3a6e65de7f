"""The row about `evmig snapshot` and `evmig diff`: 10,000 tables, beside `pg_dump --schema-only` and migra.

In turn, on one database and, for what compares, a copy of it with four changes. The machine may be busy: beside the
time on the wall there is the processor's, of the client and of the server process that served it.
"""

import os
import time

import measure
import seed

CAP = 600
ROUNDS = 5
TABLES = 10_000
BEFORE, AFTER = "bench_snapshot", "bench_snapshot_changed"
# Two indexes each, of which one is the primary key's.
TABLE = """create table t{number} (id bigint primary key, name text not null, parent bigint references t{parent},
    amount numeric(12,2) not null default 0, at timestamptz default now());
create index t{number}_name on t{number} (name);
"""
CHANGES = """alter table t77 add column x integer; alter table t99 alter name type varchar(40);
drop index t100_name; create index t101_at on t101 (at);"""
# Reading both databases is no part of it: what is timed inside compares what was read.
COMPARED = """import sys, time
from migra import Migration
from sqlbag import S
with S(sys.argv[1]) as before, S(sys.argv[2]) as after:
    migration = Migration(before, after)
    migration.set_safety(False)
    started = time.perf_counter()
    migration.add_all_changes()
    print("evmig-bench", time.perf_counter() - started)
"""


def fill(server):
    """Many tables in one transaction would need more locks than the server has by default."""
    parts = []
    for number in range(TABLES):
        if number % 500 == 0:
            parts.append("begin;\n" if number == 0 else "commit;\nbegin;\n")
        parts.append(TABLE.format(number=number, parent=max(number - 1, 0)))
    parts.append("commit;\n")
    server.fresh(BEFORE)
    server.psql(database=BEFORE, text="".join(parts))
    server.query(f"drop database if exists {AFTER} with (force)")
    server.query(f"create database {AFTER} template {BEFORE}")
    server.psql(database=AFTER, text=CHANGES)
    for database in (BEFORE, AFTER):
        server.query("vacuum analyze", database=database)


class Timed:
    """Runs commands, with the processor time of the server processes that end meanwhile."""

    def __init__(self, bench):
        self.bench, self.samples = bench, {}
        with open(os.path.join(bench.server.data, "postmaster.pid"), encoding="utf-8") as file:
            self.postmaster = int(file.readline())

    def served(self):
        """What the postmaster's children that have ended have used; None where the system does not tell."""
        try:
            with open(f"/proc/{self.postmaster}/stat", encoding="utf-8") as file:
                fields = file.read().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            return None
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def run(self, name, command, folder):
        bench = self.bench
        before = self.served()
        done = seed.checked(bench.run(command, folder, bench.server.url(BEFORE), CAP), name)
        # The server process ends a moment after its client.
        time.sleep(0.5)
        after = self.served()
        used = None if before is None else done.cpu_seconds + after - before
        self.samples.setdefault(name, []).append((done.seconds, used))
        return done

    def told(self):
        found = {}
        for name, samples in self.samples.items():
            seconds, used = zip(*samples)
            found[name] = {"samples_s": list(seconds), "median_s": measure.median(seconds),
                           "processor_s": None if None in used else measure.median(used)}
        return found


def row(bench, _row):
    server = bench.server
    folder = bench.shipped_folder()
    bench.say(f"snapshot: {TABLES} tables")
    # Autovacuum would come in the middle, and its workers are children of the postmaster's, too.
    server.query("alter system set autovacuum = off")
    server.query("select pg_reload_conf()")
    try:
        fill(server)
        return measured(bench, folder)
    finally:
        for database in (BEFORE, AFTER):
            server.query(f"drop database if exists {database} with (force)")
        server.query("alter system reset autovacuum")
        server.query("select pg_reload_conf()")


def measured(bench, folder):
    server, timed = bench.server, Timed(bench)
    files = {name: os.path.join(bench.work, f"{name}.json") for name in (BEFORE, AFTER)}
    take = {name: [bench.options.evmig, "snapshot", "--out", files[name], "--database-url", server.url(name)]
            for name in files}
    dump = [server.client("pg_dump"), "--schema-only", "--file", os.path.join(bench.work, "dump.sql"),
            "--dbname", server.url(BEFORE)]
    compare_files = [bench.options.evmig, "diff", files[BEFORE], files[AFTER]]
    compare = [bench.options.evmig, "diff", server.url(BEFORE), server.url(AFTER)]
    python = os.path.join(bench.options.peers, "migra", "bin", "python")
    seed.checked(bench.run(take[AFTER], folder, server.url(AFTER), CAP), "snapshot")
    for number in range(ROUNDS):
        bench.say(f"snapshot: round {number + 1} of {ROUNDS}")
        pair = [("evmig snapshot", take[BEFORE]), ("pg_dump -s", dump)]
        for name, command in pair + pair[::-1]:
            timed.run(name, command, folder)
        timed.run("evmig diff of two files", compare_files, folder)
        timed.run("evmig diff of two databases", compare, folder)
    result = {"tables": TABLES, "round_trips": round_trips(bench, folder)}
    if os.access(python, os.X_OK):
        # SQLAlchemy knows the scheme by its long name alone.
        urls = [server.url(name).replace("postgres://", "postgresql://", 1) for name in (BEFORE, AFTER)]
        bench.say("snapshot: migra")
        done = timed.run("migra", [python, "-c", COMPARED, *urls], folder)
        result["migra_compares_s"] = float(done.output.split("evmig-bench")[1].split()[0])
    else:
        result["missing"] = "migra could not be installed"
    return result | {"commands": timed.told()}


def round_trips(bench, folder):
    """How many round trips the snapshot of an empty database waits for, by what a long line adds to it."""
    bench.server.fresh("bench_empty")
    samples = {}
    try:
        for number in range(2 * ROUNDS):
            delay = 0 if number % 2 else 20
            url = bench.server.url("bench_empty", bench.port(delay))
            command = [bench.options.evmig, "snapshot", "--out", os.path.join(bench.work, "empty.json"),
                       "--database-url", url]
            done = seed.checked(bench.run(command, folder, url, CAP), "snapshot")
            samples.setdefault(delay, []).append(done.seconds)
    finally:
        bench.server.query("drop database if exists bench_empty with (force)")
    added = measure.median(samples[20]) - measure.median(samples[0])
    return round(added / bench.slow_line.measured_round_trip())
