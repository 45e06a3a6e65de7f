"""The row about the platform itself: how many purchases it commits in a second.

Sixteen clients of pgbench call the API's function as the API's role, each call a transaction, and each
waits until it is durable (`synchronous_commit` is on). The machine runs the clients as well.
"""

import glob
import os
import re
import subprocess

from server import Server

CLIENTS = 16
SECONDS = 20
WARM_UP_SECONDS = 5

# Organisations, events and categories enough for all; 1 is everybody's favourite.
SHOP = """
insert into public.organizations (id, name, slug)
values ('a0000000-0000-4000-8000-000000000001', 'Bench', 'bench');
insert into public.events (id, organization_id, name, start_date, end_date, status, visibility)
select ('e0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'a0000000-0000-4000-8000-000000000001',
    'Event ' || n, now() + interval '30 days', now() + interval '31 days', 'confirmed', 'public'
from generate_series(1, 20) n;
insert into public.ticket_categories (id, organization_id, event_id, name, price_cents, capacity)
select ('b0000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'a0000000-0000-4000-8000-000000000001',
    ('e0000000-0000-4000-8000-' || lpad((1 + n % 20)::text, 12, '0'))::uuid, 'Category ' || n, 2500, 100000000
from generate_series(1, 100) n;
"""


def row(bench, _row):
    """Many categories and a single one, with the data in memory and on disk."""
    measured = run_on(bench, bench.server, "memory")
    with Server(bench.options.postgres, on_disk=True) as server:
        measured += run_on(bench, server, "disk")
    return {"measured": measured, "clients": CLIENTS, "seconds": SECONDS}


def run_on(bench, server, place):
    folder = bench.shipped_folder()
    url = server.url("purchases")
    server.fresh("purchases")
    try:
        done = bench.run([bench.options.evmig, "apply", "--database-url", url], folder, url, 120)
        if not done.ok:
            raise SystemExit(f"error: evmig: {done.complaint()}")
        server.psql(text=SHOP, database="purchases")
        found = []
        for categories in (100, 1):
            bench.say(f"purchase: {CLIENTS} clients, {categories} categories, data in {place}")
            pgbench(bench, server, categories, WARM_UP_SECONDS, None)
            # What the planner knows of empty tables is wrong by now; autovacuum would find out within a minute.
            server.query("vacuum analyze", database="purchases")
            prefix = os.path.join(bench.work, f"purchases-{place}-{categories}")
            found.append({"place": place, "categories": categories,
                          **pgbench(bench, server, categories, SECONDS, prefix)})
        return found
    finally:
        server.drop("purchases")


def pgbench(bench, server, categories, seconds, prefix):
    command = [
        server.client("pgbench"), "-h", "127.0.0.1", "-p", str(server.port), "-U", "postgres", "-n", "-M", "prepared",
        "-c", str(CLIENTS), "-j", "2", "-T", str(seconds), "-D", f"categories={categories}",
        "-f", os.path.join(bench.root, "benches/purchase.sql"),
        *(["-l", f"--log-prefix={prefix}"] if prefix else []), "purchases",
    ]
    environment = dict(bench.environment, PGOPTIONS="-c role=anon")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        raise SystemExit(f"error: pgbench failed: {done.stderr[-2000:]}")
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    latencies = sorted(latency for path in glob.glob(f"{prefix}.*") for latency in read(path)) if prefix else []
    return {
        "per_second": float(re.search(r"tps = ([\d.]+)", done.stdout)[1]),
        "p95_ms": latencies[int(len(latencies) * 0.95)] if latencies else None,
        "failed": int(failed[1]) if failed else 0,
    }


def read(path):
    """The latency of each transaction in milliseconds (pgbench's manual, "Per-Transaction Logging")."""
    with open(path, encoding="ascii") as file:
        return [int(line.split()[2]) / 1000 for line in file]
