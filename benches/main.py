"""The command behind scripts/bench: chooses rows, runs them, keeps and prints what was seen."""

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bystanders
import dry_runs
import layouts
import measure
import memory
import purchases
import report
import rollbacks
import seed
import snapshots
from rows import Bench
from server import Server
from tools import all_tools, prefer


def row_table(root):
    """Every row by name: what it is, and the function that measures it."""
    table = {}

    def apply(name, title, set_name, migrations, psql_arguments):
        for round_trip in (0, 20):
            table[f"{name}-{round_trip}ms"] = (
                f"{title}, {round_trip} ms round trip",
                lambda bench, row, round_trip=round_trip: bench.apply(
                    row, set_name, migrations(), psql_arguments, round_trip))

    apply("shipped", "the shipped schema (phases 1 and 2) on an empty database", "shipped",
          lambda: layouts.shipped(root), ["-1", "-f", "all.sql"])
    apply("ddl", "1,000 migrations that make a table each", "tables-1000",
          lambda: layouts.tables(1000), ["-f", "each.sql"])
    apply("trivial", "2,000 migrations of `select 1`", "trivial-2000",
          lambda: layouts.trivial(2000), ["-f", "each.sql"])
    for count in (1000, 10000):
        for round_trip in (0, 20):
            table[f"noop-{count}-{round_trip}ms"] = (
                f"nothing to do, {count:,} applied, {round_trip} ms round trip",
                lambda bench, row, count=count, round_trip=round_trip: bench.nothing_to_do(
                    row, count, round_trip))
    table["start-up"] = ("`--version`", lambda bench, row: bench.start_up(row))
    table["binary"] = ("size of the programs", report.binary_row)
    table["memory"] = ("peak memory while loading a file of 1 GB", memory.row)
    table["bystanders"] = ("what others notice of 30 migrations on their tables", bystanders.row)
    table["purchase"] = ("purchases that the platform commits in a second", purchases.row)
    table["seed"] = ("`evmig seed` beside `psql \\copy` of the same rows", seed.row)
    table["rollback"] = ("`evmig rollback` of phases 4, 3 and 2 beside psql running the same scripts", rollbacks.row)
    table["dry-run"] = ("`evmig plan` of all that is shipped, and of one pending file, beside psql", dry_runs.row)
    table["snapshot"] = ("`evmig snapshot` and `evmig diff` of 10,000 tables beside `pg_dump -s` and migra", snapshots.row)
    return table


def chosen_by(asked, name):
    """Whether a row is meant: `noop` means all that begin so, `noop-1000` not those with 10,000."""
    return name == asked or name.startswith(f"{asked}-")


def arguments(names):
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures evmig beside its peers; docs/performance.md tells how.")
    parser.add_argument("rows", nargs="*", metavar="ROW",
                        help="rows to run, by name or by the name's beginning; all of them by default")
    parser.add_argument("--rounds", type=int, default=11, help="rounds of A B B A (default 11)")
    parser.add_argument("--cap", type=float, default=60, help="seconds that one run may take (default 60)")
    parser.add_argument("--tools", help="only these, separated by commas (evmig is always there)")
    parser.add_argument("--json", metavar="FILE", help="where to keep the figures (default: target/bench/)")
    parser.add_argument("--from", dest="kept", action="append", default=[], metavar="FILE",
                        help="begin with the figures of this file; rows that run replace its rows")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/performance.md")
    parser.add_argument("--list", action="store_true", help="print the rows")
    parser.add_argument("--evmig", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--peers", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--postgres", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--target", required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    for asked in options.rows:
        if asked != "none" and not any(chosen_by(asked, name) for name in names):
            parser.error(f"there is no row {asked}; the rows are {', '.join(names)}")
    if options.rounds < 1:
        parser.error("at least one round")
    return options


def machine(server):
    model = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), model)
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "postgresql": server.version,
        "settings": {name: server.query(f"show {name}")
                     for name in ("fsync", "synchronous_commit", "full_page_writes")},
        "data": "in memory" if server.directory.startswith("/dev/shm") else "on disk",
    }


def measure_rows(options, root, chosen, table, document):
    # In memory too: reading migrations from a disk would be part of what is measured.
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    work = tempfile.mkdtemp(prefix="evmig-bench-work-", dir=parent)
    try:
        prefer(options.postgres)
        tools = all_tools(options.evmig, options.peers)
        if options.tools:
            wanted = {"evmig", *options.tools.split(",")}
            tools = [tool for tool in tools if tool.name in wanted]
        with Server(options.postgres) as server:
            bench = Bench(server, tools, work, root, options)
            try:
                document["machine"] = machine(server)
                document["versions"] = {
                    tool.name: tool.missing() or tool.version_text() for tool in tools}
                document["notes"] = {tool.name: tool.note for tool in tools if tool.note}
                probes = [measure.fsync_probe(server.directory)]
                round_trip = None
                for name in chosen:
                    title, function = table[name]
                    bench.say(f"--- {name}: {title}")
                    started, load = time.time(), os.getloadavg()[0]
                    found = function(bench, name)
                    took = round(time.time() - started, 1)
                    found |= {"row": name, "title": title, "load_before": load, "took_s": took}
                    document["rows"] = [one for one in document["rows"] if one["row"] != name] + [found]
                    save(document, options)
                if bench.slow_line:
                    round_trip = bench.slow_line.measured_round_trip()
                probes.append(measure.fsync_probe(server.directory))
                document["fsync_us"] = probes
                if round_trip:
                    document["slow_line_ms"] = round(round_trip * 1000, 2)
            finally:
                bench.close()
    finally:
        shutil.rmtree(work, ignore_errors=True)


def save(document, options):
    """Kept after each row: an hour of figures must not be lost to the last row."""
    os.makedirs(os.path.dirname(options.json) or ".", exist_ok=True)
    with open(options.json, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1)
        file.write("\n")


def main():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    table = row_table(root)
    options = arguments(list(table))
    if options.list:
        for name, (title, _) in table.items():
            print(f"{name:16}  {title}")
        return
    chosen = [name for name in table
              if not options.rows or any(chosen_by(asked, name) for asked in options.rows)]
    options.json = options.json or os.path.join(
        options.target, "bench", time.strftime("%Y-%m-%dT%H-%M-%S.json"))
    document = {"rows": [], "rounds": options.rounds, "cap_s": options.cap}
    for path in options.kept:
        with open(path, encoding="utf-8") as file:
            kept = json.load(file)
        replaced = {row["row"] for row in kept["rows"]}
        rows = [row for row in document["rows"] if row["row"] not in replaced] + kept["rows"]
        document = document | kept | {"rows": rows}
    if chosen:
        measure_rows(options, root, chosen, table, document)
    order = list(table)
    document["rows"].sort(key=lambda row: order.index(row["row"]))
    save(document, options)
    text = report.markdown(document)
    print(text)
    print(f"\nKept in {options.json}")
    if options.write_docs:
        report.write_docs(os.path.join(root, "docs/performance.md"), text)


if __name__ == "__main__":
    main()
