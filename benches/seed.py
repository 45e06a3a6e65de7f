"""The row about `evmig seed`: beside `psql \\copy` of the same rows, in turn, into copies of one empty database.

Both pass by triggers (session_replication_role), both into the same tables with the same indexes, and both
analyse them at the end; psql has its files ready and copies each table in one piece, which is in its favour.
"""

import os
import re

import measure

SCALES = (4, 16)
CAP = 900
ROUNDS = 3
EMPTY, FULL = "bench_seed_empty", "bench_seed"


def tables(root):
    """The tables with their columns, in the order in which they are loaded."""
    with open(os.path.join(root, "src/seed/tables.rs"), encoding="utf-8") as file:
        text = file.read()
    names = dict(re.findall(r'Self::(\w+) => "([\w.]+)"', text))
    lists = re.findall(r'Self::(\w+) =>\s*\{?\s*"([\w, \\\n]+)"', text)
    columns = {
        name: re.sub(r"\\\s*", "", body) for name, body in lists if "." not in body
    }
    assert len(names) == len(columns) > 10, (names, columns)
    return [(names[name], columns[name]) for name in names]


def row(bench, _row):
    """Speed at the larger scale in turn; memory at both, which must not differ."""
    folder = bench.shipped_folder()
    server = bench.server
    server.fresh(EMPTY)
    try:
        evmig(bench, folder, EMPTY, "apply")
        peaks = {}
        for scale in SCALES:
            bench.say(f"seed: scale {scale}")
            copy_of_empty(server)
            peaks[scale] = evmig(bench, folder, FULL, "seed", "--scale", str(scale), "--yes").peak_bytes
        script = write_script(bench)
        samples = {"evmig seed": [], "psql \\copy": []}
        for number in range(ROUNDS):
            bench.say(f"seed: round {number + 1} of {ROUNDS}")
            order = ["evmig seed", "psql \\copy"]
            for name in order + order[::-1]:
                copy_of_empty(server)
                if name == "evmig seed":
                    done = evmig(bench, folder, FULL, "seed", "--scale", str(SCALES[-1]), "--yes")
                else:
                    done = checked(bench.run(psql(bench, FULL, "-f", script), folder, server.url(FULL), CAP), name)
                samples[name].append(done.seconds)
        rows = int(server.query("select sum(n_live_tup) from pg_stat_user_tables", database=FULL) or 0)
    finally:
        for name in (FULL, EMPTY):
            server.query(f"drop database if exists {name} with (force)")
        server.drop(EMPTY)
    ratio = measure.median(samples["psql \\copy"]) / measure.median(samples["evmig seed"])
    return {"scale": SCALES[-1], "rows": rows, "samples_s": samples, "speed_ratio": ratio,
            "peaks": {str(scale): peak for scale, peak in peaks.items()}}


def copy_of_empty(server):
    server.query(f"drop database if exists {FULL} with (force)")
    server.query(f"create database {FULL} template {EMPTY}")
    server.query("checkpoint")


def evmig(bench, folder, database, *words):
    url = bench.server.url(database)
    command = [bench.options.evmig, *words, "--database-url", url]
    return checked(bench.run(command, folder, url, CAP), words[0])


def psql(bench, database, *arguments):
    return ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", bench.server.url(database), *arguments]


def checked(done, what):
    if not done.ok:
        raise SystemExit(f"error: {what}: {done.complaint()}")
    return done


def write_script(bench):
    """What is in the seeded database now, as psql would load it."""
    script = os.path.join(bench.work, "load.sql")
    with open(script, "w", encoding="utf-8") as file:
        file.write("begin;\nset local session_replication_role = replica;\n")
        for name, columns in tables(bench.root):
            path = os.path.join(bench.work, name)
            bench.server.psql("-c", f"\\copy (select {columns} from {name}) to '{path}'", database=FULL)
            file.write(f"\\copy {name} ({columns}) from '{path}'\n")
        names = [name for name, _ in tables(bench.root) if name != "auth.users"]
        file.write(f"commit;\nanalyze {', '.join(names)};\n")
    return script
