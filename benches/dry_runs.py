"""The row about `evmig plan`: of all that is shipped on an empty database, with and without the sample data, and of
one file on all of it applied; once with everything run anew, and once as the next dry run of the same.

Beside psql running the same files, in turn. The dry run has a server of its own for it, which is running already and
knows no power cut; psql's is durable, its data in memory. psql measures nothing, and leaves what it made.
"""

import glob
import json
import os
import re
import shutil
import signal
import tempfile

import measure
import rollbacks
import seed

CAP = 300
ROUNDS = 5
EMPTY, FULL, COPY = "bench_dry_empty", "bench_dry_full", "bench_dry"
# What is pending after everything else, in the last step.
PENDING = "migrations/4_optimization/3_monitoring/V4990__pending.sql"
TEXT = ("create index orders_quantity_idx on public.orders (quantity);\n"
        "create index payments_currency_idx on public.payments (currency);\n"
        "comment on index public.orders_quantity_idx is 'Orders by size.';\n")


def files(folder):
    """All migrations, the oldest first."""
    found = []
    for place, _, names in os.walk(os.path.join(folder, "migrations")):
        for name in names:
            version = re.match(r"V(\d+)__", name)
            if version:
                found.append((int(version[1]), os.path.join(place, name)))
    return [path for _, path in sorted(found)]


def write_script(bench, name, paths):
    """The files as psql gets them: a transaction each, but for what cannot be in one."""
    path = os.path.join(bench.work, name)
    with open(path, "w", encoding="utf-8") as file:
        for one in paths:
            with open(one, encoding="utf-8") as script:
                text = script.read()
            file.write(text if "index concurrently" in text.lower() else f"begin;\n{text}\n;commit;\n")
    return path


def row(bench, _row):
    folder, server = rollbacks.project(bench, "shipped-dry"), bench.server
    home = tempfile.mkdtemp(prefix="evmig-bench-home-", dir=os.path.dirname(server.directory))
    # The embedded server runs as somebody else where the benchmark runs as root.
    os.chmod(home, 0o755)
    bench.environment |= {"EVMIG_DATA_DIR": home, "EVMIG_PG_BIN": server.programs}
    try:
        server.fresh(EMPTY)
        server.fresh(FULL)
        every = files(folder)
        whole = write_script(bench, "all.sql", every)
        psql(bench, FULL, whole)
        server.drop(FULL)
        server.fresh(FULL)
        rollbacks.evmig(bench, folder, FULL, "apply")
        result = {"whole": race(bench, folder, "whole", every, EMPTY, "template0", whole)}
        # What may run in a protected environment.
        lasting = [path for path in every if "sample_data" not in path]
        script = write_script(bench, "lasting.sql", lasting)
        words = ["--phase", "core", "--phase", "logic", "--phase", "optimization"]
        result["lasting"] = race(bench, folder, "without sample data", lasting, EMPTY, "template0", script, words)
        edit(folder, 0)
        one = write_script(bench, "pending.sql", [os.path.join(folder, PENDING)])
        result["pending"] = race(bench, folder, "one pending file", [one], FULL, FULL, one)
    finally:
        stop(home)
        for name in (COPY, FULL):
            server.query(f"drop database if exists {name} with (force)")
        server.drop(EMPTY)
    return {"files": len(every), **result}


def edit(folder, number):
    with open(os.path.join(folder, PENDING), "w", encoding="utf-8") as file:
        file.write(f"{TEXT}comment on index public.payments_currency_idx is 'Edit {number}.';\n")


def race(bench, folder, what, paths, target, template, script, words=()):
    server, count = bench.server, len(paths)
    # Where files are applied, they are what has run in an earlier dry run; the pending one is another each time.
    applied = target == FULL
    samples = {"evmig plan": [], "psql": []} if applied else {"evmig plan --fresh": [], "evmig plan": [], "psql": []}
    edits = 0
    # The first run starts the server, and where files are applied keeps them.
    planned(bench, folder, target, count, words)
    for number in range(ROUNDS):
        bench.say(f"dry-run, {what}: round {number + 1} of {ROUNDS}")
        for name in [*samples, *reversed(samples)]:
            if name == "psql":
                server.query(f"drop database if exists {COPY} with (force)")
                server.query(f"create database {COPY} template {template}")
                server.query("checkpoint")
                done = psql(bench, COPY, script)
            elif name.endswith("--fresh"):
                done = planned(bench, folder, target, count, [*words, "--fresh"])
            elif applied:
                edits += 1
                edit(folder, edits)
                done = planned(bench, folder, target, count, words, None)
            else:
                done = planned(bench, folder, target, count, words, count)
            samples[name].append(done.seconds)
    medians = {name: measure.median(seconds) for name, seconds in samples.items()}
    return {"samples_s": samples, "seconds": medians, "files": count}


def planned(bench, folder, database, count, words, earlier=-1):
    """A dry run, which must have tried all files on what is proven to be like the target; of how many it must have
    known the outcome, unless that is all the same."""
    done = rollbacks.evmig(bench, folder, database, "plan", "--format", "json", *words)
    with open(bench.output, encoding="utf-8") as file:
        text = file.read()
    told, _ = json.JSONDecoder().raw_decode(text[text.index('{\n  "schema"'):])
    tried = sum(one["tried"] for one in told["migrations"])
    if told["forecast"] != "would_apply" or tried != count or not told["before"]["proven"]:
        raise SystemExit(f"error: plan: {told['forecast']}, {tried} files tried, {told['before']}")
    known = told["remembered"] and told["remembered"]["migrations"]
    if "--fresh" in words:
        earlier = None
    if earlier not in (-1, known):
        raise SystemExit(f"error: plan: {known} files were known, not {earlier}")
    return done


def psql(bench, database, script):
    url = bench.server.url(database)
    return seed.checked(bench.run(seed.psql(bench, database, "-f", script), bench.work, url, CAP), "psql")


def stop(home):
    """Ends the embedded server that the dry runs have started, and removes its data."""
    for path in glob.glob(os.path.join(home, "*", "*", "data", "postmaster.pid")):
        with open(path, encoding="utf-8") as file:
            os.kill(int(file.readline()), signal.SIGQUIT)
    shutil.rmtree(home, ignore_errors=True)
