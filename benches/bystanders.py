"""The row about everybody else: what an application notices while its tables are migrated.

`pgbench --rate` offers transactions at times that do not depend on how long others take (open loop),
and writes a line for each, with its latency from the time at which it was due. So a second in which
nothing moves is not one slow transaction, but all that were due in it.
"""

import datetime
import glob
import json
import os
import re
import subprocess
import time

import layouts
from server import wait_until

ROLE = "bench_app"
RATE = 200
# More than are due while one try waits for its lock: no transaction waits for a free client.
CLIENTS = 260
BASELINE_SECONDS = 30
DURING_SECONDS = 100
HOLDER_SECONDS = 30
LOCK_TIMEOUT_MS = 1000
# Beyond this, the crowd that a window has made must be gone: what comes later counts as outside.
DRAIN_SECONDS = 0.25

TABLES = f"""
create role {ROLE} login;
create table account (id bigint primary key, balance bigint not null, note text);
create table entry (id bigint generated always as identity primary key, account_id bigint not null,
    amount bigint not null, at timestamptz not null default now());
insert into account select n, 0, 'account ' || n from generate_series(1, 100000) n;
insert into entry (account_id, amount) select 1 + n % 100000, 1 from generate_series(1, 200000) n;
grant select, insert, update on account, entry to {ROLE};
vacuum analyze;
"""

READ = """\\set id random(1, 100000)
select balance, note from account where id = :id;
"""

WRITE = """\\set id random(1, 100000)
\\set amount random(-100, 100)
begin;
update account set balance = balance + :amount where id = :id;
insert into entry (account_id, amount) values (:id, :amount);
commit;
"""

# On the tables in use, but for a few: what a release brings.
MIGRATIONS = [
    ("tag", "create table tag (id bigint primary key, name text not null);"),
    ("email", "alter table account add column email text;"),
    ("status", "alter table account add column status text not null default 'open';"),
    ("status_index", "create index concurrently account_status on account (status);"),
    ("account_tag", "create table account_tag (account_id bigint references account (id), "
                    "tag_id bigint references tag (id), primary key (account_id, tag_id));"),
    ("kind", "alter table entry add column kind text;"),
    ("entry_account", "alter table entry add constraint entry_account foreign key (account_id) "
                      "references account (id) not valid;"),
    ("entry_account_valid", "alter table entry validate constraint entry_account;"),
    ("balance_check", "alter table account add constraint balance_small "
                      "check (balance between -1000000000 and 1000000000) not valid;"),
    ("balance_check_valid", "alter table account validate constraint balance_small;"),
    ("note_default", "alter table account alter column note set default '';"),
    ("entry_index", "create index concurrently entry_account_id on entry (account_id);"),
    ("tag_policies", f"alter table tag enable row level security;\n"
                     f"create policy tag_read on tag for select to {ROLE} using (true);"),
    ("account_policies", f"create policy account_all on account for all to {ROLE} using (true) with check (true);\n"
                         f"alter table account enable row level security;"),
    ("entry_policies", f"create policy entry_all on entry for all to {ROLE} using (true) with check (true);\n"
                       f"alter table entry enable row level security;"),
    ("touch_function", "create function touch() returns trigger language plpgsql as "
                       "$$ begin return new; end $$;"),
    ("touch_trigger", "create trigger account_touch before update on account "
                      "for each row execute function touch();"),
    ("touch_trigger_gone", "drop trigger account_touch on account;"),
    ("fillfactor", "alter table account set (fillfactor = 90);"),
    ("statistics", "alter table account alter column status set statistics 200;"),
    ("view", "create view open_account as select id, balance from account where status = 'open';"),
    ("comment", "comment on table account is 'who owes what';"),
    ("grant", f"grant select on tag, open_account to {ROLE};"),
    ("score", "alter table account add column score integer;"),
    ("email_index", "create unique index concurrently account_email on account (email);"),
    ("remark", "alter table entry add column remark text;"),
    ("tags", "insert into tag select n, 'tag ' || n from generate_series(1, 1000) n;"),
    ("scores", "update account set score = 0 where id <= 100;"),
    ("status_index_gone", "drop index concurrently account_status;"),
    ("remark_gone", "alter table entry drop column remark;"),
]


def row(bench, _row):
    server = bench.server
    folder = os.path.join(bench.work, "bystanders")
    migrations = [layouts.Migration(version, name, f"{text}\n")
                  for version, (name, text) in enumerate(MIGRATIONS, start=1)]
    layouts.evmig(folder, migrations)
    for name, text in (("read", READ), ("write", WRITE)):
        layouts.write(f"{folder}/{name}.pgbench", text)
    server.fresh("bystanders")
    server.psql(text=TABLES, database="bystanders")
    try:
        bench.say(f"bystanders: {BASELINE_SECONDS} s without migrations")
        baseline = Pgbench(bench, folder, "baseline", BASELINE_SECONDS)
        baseline.wait()
        bench.say(f"bystanders: {DURING_SECONDS} s with them, and a session that holds a lock for {HOLDER_SECONDS} s")
        during = Pgbench(bench, folder, "during", DURING_SECONDS)
        time.sleep(3)
        applied = apply_beside_a_holder(bench, folder)
        during.wait()
    finally:
        server.drop("bystanders")
    if applied["complaint"]:
        return {"reason": f"evmig: {applied['complaint']}"}
    if applied["end"] > during.started + DURING_SECONDS:
        return {"reason": f"apply took {applied['end'] - applied['start']:.0f} s, longer than the bystanders ran"}
    return judge(baseline, during, applied)


class Pgbench:
    """The application: a load that goes on whatever happens."""

    def __init__(self, bench, folder, name, seconds):
        self.prefix = os.path.join(folder, name)
        command = [
            bench.server.client("pgbench"), "-h", "127.0.0.1", "-p", str(bench.server.port), "-U", ROLE, "-n", "-M", "simple",
            "-f", f"{folder}/read.pgbench@2", "-f", f"{folder}/write.pgbench@1", "-c", str(CLIENTS), "-j", "2",
            "--rate", str(RATE), "-T", str(seconds), "-l", f"--log-prefix={self.prefix}",
            "--random-seed=7", "bystanders",
        ]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        cwd=folder, env=bench.environment)
        # The clients connect first; the clock of `-T` begins after that.
        wait_until(lambda: any(os.path.getsize(path) for path in glob.glob(f"{self.prefix}.*")) or
                   connected(bench.server) >= CLIENTS or self.process.poll() is not None, 30, "pgbench's start")
        self.started = time.time()
        self.errors = 0

    def wait(self):
        output, _ = self.process.communicate()
        failed = re.search(r"number of failed transactions: (\d+)", output)
        # A client that meets an error is aborted, with a line for it.
        self.errors = len(re.findall(r"ERROR:|FATAL:| aborted", output)) + int(failed[1] if failed else 0)
        if self.process.returncode != 0 and not self.errors:
            raise SystemExit(f"error: pgbench failed: {output[-2000:]}")

    def transactions(self):
        """Each transaction: when it was due, when it was over, and how long it ran once begun, in seconds."""
        found = []
        for path in glob.glob(f"{self.prefix}.*"):
            with open(path, encoding="ascii") as file:
                for line in file:
                    # client, number, latency, script, seconds, microseconds, lag (pgbench's manual):
                    # with --rate, the latency counts from when it was due.
                    part = line.split()
                    latency, over, lag = int(part[2]) / 1e6, int(part[4]) + int(part[5]) / 1e6, int(part[6]) / 1e6
                    found.append((over - latency, over, latency - lag))
        return found


def connected(server):
    return int(server.query(f"select count(*) from pg_stat_activity where usename = '{ROLE}'"))


def apply_beside_a_holder(bench, folder):
    """Applies while a session that has read the hot table sits in its transaction; returns how it went."""
    holder = subprocess.Popen(
        ["psql", "-X", "-q", "-h", "127.0.0.1", "-p", str(bench.server.port), "-U", "postgres", "-d", "bystanders"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        holder.stdin.write("set application_name = 'holder'; begin; select count(*) from account where id < 10;\n")
        holder.stdin.flush()
        sits = ("select count(*) from pg_stat_activity "
                "where application_name = 'holder' and state = 'idle in transaction'")
        wait_until(lambda: bench.server.query(sits) == "1", 10, "the lock holder's transaction")
        began = time.time()
        events = os.path.join(folder, "events.jsonl")
        command = [bench.options.evmig, "apply", "--database-url", bench.server.url("bystanders"), "--lock-timeout",
                   f"{LOCK_TIMEOUT_MS}ms", "--events", events]
        with open(os.path.join(folder, "apply"), "w+", encoding="utf-8") as output:
            apply = subprocess.Popen(command, cwd=folder, env=bench.environment, stdin=subprocess.DEVNULL,
                                     stdout=output, stderr=subprocess.STDOUT)
            try:
                apply.wait(HOLDER_SECONDS)
            except subprocess.TimeoutExpired:
                pass
            finally:
                held = time.time() - began
                holder.stdin.write("commit;\n")
                holder.stdin.close()
            status = apply.wait()
            output.seek(0)
            lines = output.read().splitlines()
        error = next((line for line in lines if line.startswith("error")), f"exit code {status}")
        return {"start": began, "end": time.time(), "held_s": held, "events": read_events(events),
                "complaint": None if status == 0 else error}
    finally:
        holder.kill()
        holder.wait()


def read_events(path):
    found = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            # Nanoseconds are more than Python reads.
            at = re.sub(r"(\.\d{6})\d*Z$", r"\1Z", event["at"]).replace("Z", "+00:00")
            event["at"] = datetime.datetime.fromisoformat(at).timestamp()
            found.append(event)
    return found


def retry_windows(events):
    """When a migration that had to try again was trying: from the start of each try to its end.

    Its pauses are not in it, and neither is any try of a migration that came through at once. When a
    try has begun is not told; it cannot have begun before the event before it, and hardly earlier than
    the lock timeout before its end.
    """
    windows, before, retried = [], {}, set()
    longest = LOCK_TIMEOUT_MS / 1000 + 0.2
    for event in events:
        kind = event["event"]
        version = (event.get("migration") or {}).get("version")
        if kind == "retrying":
            windows.append((max(before[version], event["at"] - longest), event["at"]))
            retried.add(version)
        elif kind == "migration_applied" and version in retried:
            windows.append((max(before[version], event["at"] - longest), event["at"]))
        if kind in ("migration_started", "retrying"):
            before[version] = event["at"]
    return windows


def with_drain(windows, transactions):
    """Each window until the last transaction that met it is over, or a quarter of a second more."""
    longer = []
    for start, end in windows:
        met = [over for due, over, _ in transactions if due < end and over > start]
        longer.append((start, min(max([end, *met]), end + DRAIN_SECONDS)))
    return longer


def judge(baseline, during, applied):
    quiet = baseline.transactions()
    transactions = [one for one in during.transactions() if one[1] > applied["start"] and one[0] < applied["end"]]
    windows = with_drain(retry_windows(applied["events"]), transactions)

    def inside(one):
        return any(one[0] < end and one[1] > start for start, end in windows)

    return {
        "baseline": latencies(quiet),
        "outside": latencies([one for one in transactions if not inside(one)]),
        "inside": latencies([one for one in transactions if inside(one)]),
        "longest_ms": max(one[2] for one in transactions) * 1000,
        "errors": baseline.errors + during.errors,
        "migrations": sum(event["event"] == "migration_applied" for event in applied["events"]),
        "retries": sum(event["event"] == "retrying" for event in applied["events"]),
        "windows": len(windows),
        "window_s": sum(end - start for start, end in windows),
        "apply_s": applied["end"] - applied["start"],
        "held_s": applied["held_s"],
        "rate": RATE,
        "lock_timeout_ms": LOCK_TIMEOUT_MS,
    }


def latencies(transactions):
    """Percentiles of the latency from when a transaction was due, in milliseconds."""
    values = sorted((over - due) * 1000 for due, over, _ in transactions)
    if not values:
        return {"count": 0}

    def at(share):
        return values[min(len(values) - 1, int(len(values) * share))]

    return {"count": len(values), "p50_ms": at(0.5), "p99_ms": at(0.99), "p999_ms": at(0.999), "max_ms": values[-1]}
