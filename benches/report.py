"""Figures to Markdown: a table of promises, and one table for each row."""

import os
import shutil

BEGIN = "<!-- begin: what scripts/bench prints -->"
END = "<!-- end: what scripts/bench prints -->"


def binary_row(bench, _row):
    """The size of each program that is one file."""
    sizes = []
    for tool in bench.tools:
        path = shutil.which(tool.version()[0])
        if path:
            with open(path, "rb") as file:
                script = file.read(2) == b"#!"
            if not script:
                sizes.append({"tool": tool.name, "bytes": os.path.getsize(os.path.realpath(path))})
    return {"sizes": sizes}


def milliseconds(value):
    if value >= 10000:
        return f"{value / 1000:,.1f} s"
    if value >= 100:
        return f"{value:,.0f} ms"
    return f"{value:.1f} ms"


def factor(told):
    """A ratio with its interval."""
    return f"{told['ratio']:.3f} ({told['low']:.3f} to {told['high']:.3f})"


def tool_of(row, name):
    return next((one for one in row.get("tools", []) if one["tool"] == name), None)


class Promises:
    """The rows of the table that says what must hold, what was seen, and whether it holds."""

    def __init__(self, document):
        self.rows = {row["row"]: row for row in document["rows"]}
        self.lines = []

    def add(self, what, bar, seen, holds):
        self.lines.append(f"| {what} | {bar} | {seen} | {'yes' if holds else '**no**'} |")

    def ratio(self, row, peer, bar, what):
        told = tool_of(self.rows.get(row, {}), peer)
        ours = tool_of(self.rows.get(row, {}), "evmig")
        if ours and "reason" in ours:
            self.add(what, f"≤ {bar}", f"evmig: {ours['reason']}", False)
        elif told and "evmig_ratio" in told:
            self.add(what, f"≤ {bar}", factor(told["evmig_ratio"]), told["evmig_ratio"]["ratio"] <= bar)

    def median(self, row, bar_ms, what):
        told = tool_of(self.rows.get(row, {}), "evmig")
        if told and "median_ms" in told:
            self.add(what, f"≤ {bar_ms} ms", milliseconds(told["median_ms"]), told["median_ms"] <= bar_ms)
        elif told:
            self.add(what, f"≤ {bar_ms} ms", told["reason"], False)

    def each(self, row, bar_us, what):
        told = tool_of(self.rows.get(row, {}), "evmig")
        if told and "median_ms" in told:
            each = told["median_ms"] * 1000 / self.rows[row]["migrations"]
            self.add(what, f"≤ {bar_us} µs each", f"{each:.0f} µs", each <= bar_us)

    def fastest(self):
        """evmig against every peer on every row: the whole interval must be on its side."""
        behind, rows = [], 0
        for row in self.rows.values():
            if row["row"].startswith(("shipped", "ddl", "trivial", "noop", "start-up")):
                rows += 1
                ours = tool_of(row, "evmig")
                if "reason" in ours:
                    behind.append(f"{row['row']}: evmig {ours['reason']}")
                for told in row["tools"]:
                    # psql is not a peer: it keeps no history. Its bars are above.
                    if told["tool"] != "psql" and "evmig_ratio" in told and told["evmig_ratio"]["high"] >= 1:
                        behind.append(f"{row['row']}: {told['tool']} {told['evmig_ratio']['ratio']:.2f}")
        if rows:
            seen = "not sure of it: " + "; ".join(behind) if behind else f"in {rows} of {rows} rows"
            self.add("against every peer, on every row it can run", "evmig fastest", seen, not behind)

    def memory(self):
        row = self.rows.get("memory")
        if row:
            ours = tool_of(row, "evmig")
            if "reason" in ours:
                self.add("memory while loading a 1 GB `COPY` file", "≤ 64 MB", ours["reason"], False)
            else:
                peak = ours["peak_bytes"] / 1e6
                self.add("memory while loading a 1 GB `COPY` file", "≤ 64 MB", f"{peak:,.0f} MB", peak <= 64)

    def binary(self):
        row = self.rows.get("binary")
        if row:
            size = next(one["bytes"] for one in row["sizes"] if one["tool"] == "evmig") / 1e6
            self.add("the binary", "≤ 15 MB", f"{size:.1f} MB", size <= 15)

    def bystanders(self):
        row = self.rows.get("bystanders")
        if not row:
            return
        if "reason" in row:
            self.add("bystanders", "0 errors", row["reason"], False)
            return
        self.add("bystanders: errors", "0", str(row["errors"]), row["errors"] == 0)
        bar = row["baseline"]["p999_ms"] + 25
        self.add("bystanders: p99.9 outside of retry windows", f"≤ {bar:.1f} ms (baseline + 25 ms)",
                 f"{row['outside']['p999_ms']:.1f} ms", row["outside"]["p999_ms"] <= bar)
        limit = row["lock_timeout_ms"] + 200
        self.add("bystanders: longest wait of anybody", f"≤ {limit} ms (lock_timeout + 200 ms)",
                 f"{row['longest_ms']:.0f} ms", row["longest_ms"] <= limit)

    def purchases(self):
        for one in self.rows.get("purchase", {}).get("measured", []):
            what = f"purchases by 16 clients, {one['categories']} {'category' if one['categories'] == 1 else 'categories'}"
            seen = f"{one['per_second']:,.0f} a second, p95 {one['p95_ms']:.0f} ms"
            if one["place"] == "memory":
                holds = one["per_second"] >= 1000 and one["p95_ms"] <= 100
                self.add(f"{what}, data in memory", "≥ 1,000 a second, p95 ≤ 100 ms", seen, holds)

    def seed(self):
        row = self.rows.get("seed")
        if row:
            ratio = row["speed_ratio"]
            self.add("`evmig seed` by the speed of `psql \\copy`", "≥ 0.8", f"{ratio:.2f}", ratio >= 0.8)
            small, large = row["peaks"].values()
            seen = f"{small / 1e6:.1f} MB and, with four times the rows, {large / 1e6:.1f} MB"
            self.add("memory of `evmig seed`", "flat", seen, large <= small * 1.1)

    def rollback(self):
        row = self.rows.get("rollback")
        if row:
            self.add("`evmig rollback` of phases 4, 3 and 2 with sample data / psql running the same scripts", "< 10",
                     f"{row['ratio']:.2f}, locks held {row['lock_held_ms'] / 1000:.2f} s at most", row["ratio"] < 10)

    def dry_run(self):
        row = self.rows.get("dry-run")
        if not row:
            return
        whole, lasting, pending = (row[part] for part in ("whole", "lasting", "pending"))
        every, few = f"all {whole['files']} files, from empty", f"the {lasting['files']} without sample data"
        for part, command, what, bar in ((whole, "evmig plan", f"{every}, again", 2),
                                         (whole, "evmig plan --fresh", every, 2),
                                         (lasting, "evmig plan --fresh", few, 2),
                                         (lasting, "evmig plan", f"{few}, again", 2),
                                         (pending, "evmig plan", "one edited file on all of them", 1)):
            seconds, floor = part["seconds"][command], part["seconds"]["psql"]
            self.add(f"`{command}` of {what}", f"≤ {bar} s", f"{seconds:.2f} s, {seconds / floor:.2f} × psql",
                     seconds <= bar)

    def snapshot(self):
        row = self.rows.get("snapshot")
        if not row:
            return
        told, tables = row["commands"], f"{row['tables']:,} tables"
        own, dump = told["evmig snapshot"], told["pg_dump -s"]
        ratio = own["median_s"] / dump["median_s"]
        holds, seen = ratio <= 0.5, f"{ratio:.2f}"
        if own["processor_s"] is not None:
            used = own["processor_s"] / dump["processor_s"]
            holds, seen = holds and used <= 0.5, f"{seen}; processor time, server's included: {used:.2f}"
        self.add(f"snapshot of {tables} / `pg_dump -s`", "≤ 0.5", seen, holds)
        self.add("round trips of a snapshot, connecting included", "≤ 10", f"{row['round_trips']}", row["round_trips"] <= 10)
        files = told["evmig diff of two files"]["median_s"]
        self.add(f"diff of two snapshots of {tables}, reading both files", "≤ 300 ms", f"{files * 1000:.0f} ms", files <= 0.3)
        if "migra" in told:
            faster = told["migra"]["median_s"] / told["evmig diff of two databases"]["median_s"]
            self.add("`evmig diff` of the two databases, faster than migra", "≥ 5 ×", f"{faster:.1f} ×", faster >= 5)

    def markdown(self):
        self.ratio("shipped-0ms", "psql", 0.7, "the shipped schema: evmig / `psql -1 -f`, loopback")
        self.ratio("shipped-20ms", "psql", 0.05, "the shipped schema: evmig / `psql -1 -f`, 20 ms")
        self.ratio("ddl-0ms", "psql", 1.05, "1,000 DDL migrations: evmig / psql, one transaction each")
        self.each("trivial-0ms", 100, "2,000 trivial migrations")
        self.median("noop-10000-0ms", 25, "nothing to do, 10,000 applied")
        self.median("start-up", 5, "`evmig --version`")
        self.binary()
        self.fastest()
        self.bystanders()
        self.memory()
        self.purchases()
        self.seed()
        self.rollback()
        self.dry_run()
        self.snapshot()
        if not self.lines:
            return ""
        return "| what | bar | seen | holds |\n|---|---|---|---|\n" + "\n".join(self.lines)


def tools_table(row):
    lines = ["| tool | median | evmig / tool (95 % interval) | processor time of the tool | runs |",
             "|---|---:|---:|---:|---:|"]
    for told in row["tools"]:
        if "reason" in told:
            lines.append(f"| {told['tool']} | {cell(told['reason'])} | | | |")
            continue
        against = factor(told["evmig_ratio"]) if "evmig_ratio" in told else ""
        lines.append(f"| {told['tool']} | {milliseconds(told['median_ms'])} | {against} | "
                     f"{milliseconds(told['cpu_median_ms'])} | {len(told['samples_ms'])} |")
    return "\n".join(lines)


def cell(text):
    """Another tool's message as part of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")[:160]


def row_text(row, rows):
    text = [f"### {row['row']}: {row['title']}", ""]
    if row["row"] == "binary":
        text += ["| tool | size |", "|---|---:|"]
        text += [f"| {one['tool']} | {one['bytes'] / 1e6:.1f} MB |" for one in row["sizes"]]
    elif row["row"] == "memory":
        text += ["| tool | peak memory | time |", "|---|---:|---:|"]
        for told in row["tools"]:
            text.append(f"| {told['tool']} | {cell(told['reason'])} | |" if "reason" in told else
                        f"| {told['tool']} | {told['peak_bytes'] / 1e6:,.0f} MB | {told['seconds']:.1f} s |")
    elif row["row"] == "bystanders":
        text.append(bystanders_text(row))
    elif row["row"] == "purchase":
        text += ["| data | categories | purchases a second | p95 | failed |", "|---|---:|---:|---:|---:|"]
        for one in row["measured"]:
            place = {"memory": "in memory", "disk": "on disk"}[one["place"]]
            text.append(f"| {place} | {one['categories']} | {one['per_second']:,.0f} | {one['p95_ms']:.1f} ms | "
                        f"{one['failed']} |")
    elif row["row"] == "seed":
        text += [f"Scale {row['scale']}, about {row['rows']:,} rows.", "", "| | runs, in seconds |", "|---|---|"]
        for name, samples in row["samples_s"].items():
            text.append(f"| `{name}` | {', '.join(f'{one:.2f}' for one in samples)} |")
    elif row["row"] == "rollback":
        text += [f"{row['scripts']} scripts.", "", "| | runs, in seconds |", "|---|---|"]
        for name, samples in row["samples_s"].items():
            text.append(f"| `{name}` | {', '.join(f'{one:.2f}' for one in samples)} |")
    elif row["row"] == "dry-run":
        text += [f"{row['files']} files.", "", "| files | | runs, in seconds |", "|---|---|---|"]
        for part in ("whole", "lasting", "pending"):
            for name, samples in row[part]["samples_s"].items():
                text.append(f"| {part} | `{name}` | {', '.join(f'{one:.2f}' for one in samples)} |")
    elif row["row"] == "snapshot":
        text += ["| | median | processor time, client and server | runs |", "|---|---:|---:|---:|"]
        for name, told in row["commands"].items():
            used = "" if told["processor_s"] is None else f"{told['processor_s']:.2f} s"
            text.append(f"| `{name}` | {told['median_s']:.2f} s | {used} | {len(told['samples_s'])} |")
        if "migra_compares_s" in row:
            text += ["", f"Of migra's time {row['migra_compares_s']:.2f} s is for comparing what it has read."]
        if "missing" in row:
            text += ["", f"{row['missing']}."]
    else:
        text.append(tools_table(row))
        trips = round_trips(row, rows)
        if trips:
            text += ["", trips]
    return "\n".join(text)


def round_trips(row, rows):
    """How many round trips a tool waits for, from what 20 ms more cost it."""
    near = next((one for one in rows if one["row"] == row["row"].replace("-20ms", "-0ms")), None)
    if not row.get("round_trip_ms") or not near or near is row:
        return ""
    found = []
    for told in row["tools"]:
        other = tool_of(near, told["tool"])
        if "median_ms" in told and other and "median_ms" in other:
            count = (told["median_ms"] - other["median_ms"]) / row["round_trip_ms"]
            # Nothing is done without one: where the machine is too busy to see them, none is told.
            if count >= 1:
                found.append(f"{told['tool']} {count:,.0f}")
    return f"Round trips waited for, from the difference to 0 ms: {', '.join(found)}." if found else ""


def bystanders_text(row):
    if "reason" in row:
        return row["reason"]
    lines = ["| | transactions | p50 | p99 | p99.9 | longest |", "|---|---:|---:|---:|---:|---:|"]
    for name, key in (("baseline, nobody migrates", "baseline"), ("during apply, outside of retry windows", "outside"),
                      ("during apply, inside of retry windows", "inside")):
        one = row[key]
        if one["count"]:
            lines.append(f"| {name} | {one['count']:,} | {one['p50_ms']:.1f} ms | {one['p99_ms']:.1f} ms | "
                         f"{one['p999_ms']:.1f} ms | {one['max_ms']:.0f} ms |")
    lines += ["", f"{row['migrations']} migrations in {row['apply_s']:.1f} s, {row['retries']} retries; "
              f"{row['windows']} retry windows, {row['window_s']:.1f} s in all; {row['rate']} transactions per second "
              f"offered; longest wait of anybody {row['longest_ms']:.0f} ms; {row['errors']} errors."]
    return "\n".join(lines)


def surroundings(document):
    machine = document.get("machine")
    if not machine:
        return ""
    settings = ", ".join(f"{name} {value}" for name, value in machine["settings"].items())
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}; PostgreSQL {machine['postgresql']}, "
        f"{settings}; data {machine['data']}.",
    ]
    if "fsync_us" in document:
        before, after = document["fsync_us"]
        lines.append(f"An fsync of 8 kB where the data is: {before} µs before, {after} µs after.")
    if "slow_line_ms" in document:
        lines.append(f"The slow line, measured: {document['slow_line_ms']} ms there and back.")
    busy = max((row.get("load_before", 0) for row in document["rows"]), default=0)
    lines.append(f"Load of the machine before a row: at most {busy:.1f}. The rows before it are in it; above "
                 f"{machine['cores'] + 1} somebody else was at work, too.")
    versions = "; ".join(f"{name}: {version}" for name, version in document["versions"].items())
    notes = "; ".join(f"{name}: {note}" for name, note in document["notes"].items())
    lines.append(f"Versions: {versions}.")
    if notes:
        lines.append(f"Notes: {notes}.")
    return "\n\n".join(lines)


def markdown(document):
    parts = [Promises(document).markdown(), surroundings(document)]
    parts += [row_text(row, document["rows"]) for row in document["rows"]]
    return "\n\n".join(part for part in parts if part)


def write_docs(path, text):
    """Replaces what is between the two marks."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"error: {path} lacks the lines {BEGIN} and {END}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
