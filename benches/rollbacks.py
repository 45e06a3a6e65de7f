"""The row about `evmig rollback`: phases 4, 3 and 2 with the sample data, beside psql running the same scripts.

In turn, on copies of one database to which everything is applied. psql has no lock, no history, no bracket around
triggers, no proof of foreign keys or of the catalog; each script is a transaction of its own there, since two of
them have CONCURRENTLY.
"""

import json
import os
import re
import shutil

import measure
import seed

CAP = 300
ROUNDS = 5
FULL, COPY = "bench_rollback_full", "bench_rollback"
STAGING = "STAGING_DATABASE_URL"


def project(bench, name="shipped-whole"):
    """What is shipped, with an environment that takes the sample data and asks for no TLS."""
    folder = os.path.join(bench.work, name)
    for part in ("migrations", "rollback", "tests/database"):
        shutil.copytree(os.path.join(bench.root, part), os.path.join(folder, part))
    with open(os.path.join(bench.root, "phases.toml"), encoding="utf-8") as file:
        text = file.read()
    plain = re.sub(r'(url_env = "STAGING_DATABASE_URL"\n)sslmode = ".*"\n', r"\1", text)
    assert plain != text, "no staging environment with TLS in phases.toml"
    with open(os.path.join(folder, "phases.toml"), "w", encoding="utf-8") as file:
        file.write(plain)
    return folder


def scripts(folder):
    """The rollback scripts of phases 2, 3 and 4, the newest first."""
    found = []
    for place, _, names in os.walk(os.path.join(folder, "rollback")):
        for name in names:
            version = re.match(r"V(\d+)__", name)
            if version and int(version[1]) >= 2000:
                found.append((int(version[1]), os.path.join(place, name)))
    return [path for _, path in sorted(found, reverse=True)]


def write_script(bench, folder):
    path = os.path.join(bench.work, "rollback.sql")
    with open(path, "w", encoding="utf-8") as file:
        for one in scripts(folder):
            with open(one, encoding="utf-8") as script:
                text = script.read()
            file.write(text if "concurrently" in text.lower() else f"begin;\n{text}\ncommit;\n")
    return path


def row(bench, _row):
    folder, server = project(bench), bench.server
    script = write_script(bench, folder)
    server.fresh(FULL)
    samples = {"evmig rollback": [], "psql": []}
    held = []
    try:
        # Two runs: the history has a checkpoint of what the rollback must lead back to.
        evmig(bench, folder, FULL, "apply", "--phase", "1")
        evmig(bench, folder, FULL, "apply")
        newest = server.query("select max(version) from evmig.migration where version < 2000", database=FULL)
        for number in range(ROUNDS):
            bench.say(f"rollback: round {number + 1} of {ROUNDS}")
            for name in ("evmig rollback", "psql", "psql", "evmig rollback"):
                server.query(f"drop database if exists {COPY} with (force)")
                server.query(f"create database {COPY} template {FULL}")
                server.query("checkpoint")
                if name == "psql":
                    command = seed.psql(bench, COPY, "-f", script)
                    done = seed.checked(bench.run(command, folder, server.url(COPY), CAP), name)
                else:
                    done = evmig(bench, folder, COPY, "rollback", "--to", newest, "--format", "json")
                    held.append(told(bench.output))
                samples[name].append(done.seconds)
    finally:
        server.query(f"drop database if exists {COPY} with (force)")
        server.drop(FULL)
    return {"scripts": len(scripts(folder)), "samples_s": samples, "lock_held_ms": measure.median(held),
            "ratio": measure.median(samples["evmig rollback"]) / measure.median(samples["psql"])}


def told(path):
    """How long the rollback says that locks were held; it must have proven that it led back."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    document, _ = json.JSONDecoder().raw_decode(text[text.index('{\n  "schema"'):])
    if document["proof"]["proven"] != "yes":
        raise SystemExit(f"error: rollback: {document['proof']}")
    return document["lock_held_ms"]


def evmig(bench, folder, database, *words):
    url = bench.server.url(database)
    command = [bench.options.evmig, *words, "--env", "staging", "--yes"]
    bench.environment[STAGING] = url
    return seed.checked(bench.run(command, folder, url, CAP), words[0])
