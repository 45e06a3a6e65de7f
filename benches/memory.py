"""The row about memory: a migration that loads a file of 1 GB."""

import os
import shutil

import layouts
import measure

ROWS_OF_DATA = 10_000_000
BYTES = 1_000_000_000
CAP = 900


def write_copy_file(path):
    """A table and `COPY` data for it, of a gigabyte; written in pieces, since it would not fit twice."""
    with open(path, "w", encoding="ascii", buffering=1 << 20) as file:
        file.write("create table big (id bigint, name text);\ncopy big (id, name) from stdin;\n")
        fill = "x" * 88
        for first in range(0, ROWS_OF_DATA, 10_000):
            file.write("".join(f"{number:010}\t{fill}\n" for number in range(first, first + 10_000)))
        file.write("\\.\n")


def row(bench, _row):
    """evmig and psql load it, once each: memory does not vary as time does."""
    told = []
    folder = os.path.join(bench.work, "memory")
    layouts.evmig(folder, [layouts.Migration(1, "big", "")])
    path = os.path.join(folder, "migrations/1_bench/1_all/V00001__big.sql")
    write_copy_file(path)
    try:
        for tool in bench.tools:
            if tool.name not in ("evmig", "psql"):
                continue
            bench.say(f"memory: {tool.name} loads {os.path.getsize(path) / 1e9:.2f} GB")
            bench.server.fresh("big")
            url = bench.server.url("big")
            command = tool.apply(url) + (["-1", "-f", path] if tool.name == "psql" else [])
            done = bench.run(command, folder, url, CAP)
            told.append(judge(bench, tool.name, done))
            bench.server.query("drop database big with (force)")
            # The log of a gigabyte need not wait for the next checkpoint by time.
            bench.server.query("checkpoint")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return {"tools": told, "floor_bytes": measure.own_peak_bytes()}


def judge(bench, name, done):
    if done.timed_out:
        return {"tool": name, "reason": f"> {CAP} s", "peak_bytes": done.peak_bytes}
    if not done.ok:
        return {"tool": name, "reason": f"failed: {done.complaint()} (peak {done.peak_bytes / 1e6:,.0f} MB)",
                "peak_bytes": done.peak_bytes}
    loaded = int(bench.server.query("select count(*) from big", database="big"))
    if loaded != ROWS_OF_DATA:
        return {"tool": name, "reason": f"failed: {loaded} of {ROWS_OF_DATA} rows are there"}
    return {"tool": name, "peak_bytes": done.peak_bytes, "seconds": done.seconds}
