"""The rows of the benchmark: what is timed, and how the runs are arranged."""

import os
import sys
from dataclasses import dataclass, field

import layouts
import measure
import tools as tool_list
from delay import DelayProxy

# A tool whose first run takes longer than this has fewer rounds, and none more above the second.
SLOW_SECONDS = 3
VERY_SLOW_SECONDS = 30
# The one-way delay of the long line, in milliseconds: 20 ms there and back.
ONE_WAY_MS = 10
SLOW_LINE_ROUNDS = 3
SET_UP_CAP = 300

# What must be in the database afterwards, so that nobody is fast by doing less.
OBJECTS = """
select (select count(*) from pg_policy) || ' policies, '
    || (select count(*) from pg_trigger where not tgisinternal) || ' triggers, '
    || (select count(*) from pg_description d join pg_class c on c.oid = d.objoid
        where d.classoid = 'pg_class'::regclass and d.objsubid = 0 and c.relkind = 'r'
        and c.oid >= 16384 and c.relnamespace::regnamespace::text not in ('evmig', 'sqitch')) || ' comments'
"""


@dataclass
class Contestant:
    """A tool in one row: its samples, or why there are none."""

    tool: tool_list.Tool
    rounds: int
    runs: list = field(default_factory=list)
    reason: str | None = None
    checked: str | None = None

    def result(self):
        if self.reason:
            return {"tool": self.tool.name, "reason": self.reason}
        seconds = [one.seconds for one in self.runs]
        return {
            "tool": self.tool.name,
            "median_ms": measure.median(seconds) * 1000,
            "samples_ms": [round(one * 1000, 3) for one in seconds],
            "cpu_median_ms": measure.median([one.cpu_seconds for one in self.runs]) * 1000,
            "peak_bytes": max(one.peak_bytes for one in self.runs),
        }


class Bench:
    """What all rows share: the server, the tools, the folders and the options."""

    def __init__(self, server, tools, work, root, options):
        self.server, self.tools, self.work, self.root, self.options = server, tools, work, root, options
        self.environment = tool_list.environment(work)
        self.output = os.path.join(work, "output")
        self.applied = {}
        self.slow_line = None

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def port(self, round_trip_ms):
        """The port to connect to for this round trip: the server's, or the delaying proxy's."""
        if not round_trip_ms:
            return self.server.port
        if not self.slow_line:
            self.slow_line = DelayProxy(self.server.port, ONE_WAY_MS / 1000)
        return self.slow_line.port

    def close(self):
        if self.slow_line:
            self.slow_line.__exit__()

    def folder(self, tool, set_name, migrations):
        """A folder with these migrations in the tool's own layout, written once."""
        folder = os.path.join(self.work, tool.name, set_name)
        if not os.path.exists(folder):
            os.makedirs(folder)
            if tool.name == "evmig" and set_name == "shipped":
                layouts.evmig_shipped(self.root, folder)
            else:
                tool.layout(folder, migrations)
        return folder

    def shipped_folder(self):
        """The shipped phases as a project of evmig's, for rows that want the platform in a database."""
        evmig = next(tool for tool in self.tools if tool.name == "evmig")
        return self.folder(evmig, "shipped", [])

    def run(self, command, folder, url, cap):
        env = dict(self.environment, BENCH_URL=url)
        return measure.run(command, cwd=folder, env=env, output_path=self.output, cap=cap)

    def contestants(self, history_only=False):
        found = []
        for tool in self.tools:
            if history_only and not tool.history:
                continue
            found.append(Contestant(tool, self.options.rounds, reason=tool.missing()))
        return found

    def race(self, name, contestants, once, round_trip_ms):
        """Runs the contestants in turn, forwards and then backwards, as many rounds as each can have.

        A B B A: what drifts slowly, such as the machine's temperature or the size of a log, hits
        everybody alike.
        """
        for number in range(self.options.rounds):
            active = [one for one in contestants if not one.reason and number < one.rounds]
            if not active:
                break
            self.say(f"{name}: round {number + 1} of {self.options.rounds} ({len(active)} tools)")
            # Who stands at an end runs twice in a row, with all it needs still in the caches.
            first = number % len(active)
            order = active[first:] + active[:first]
            for one in order + order[::-1]:
                if one.reason or (one.runs and one.rounds == 0):
                    continue
                self.one_run(one, once, round_trip_ms)
        result = {"row": name, "round_trip_ms": round_trip_ms,
                  "tools": [one.result() for one in contestants]}
        self.add_ratios(name, contestants, result)
        return result

    def one_run(self, one, once, round_trip_ms):
        done = once(one)
        if done.timed_out:
            one.reason = f"> {self.options.cap:g} s"
            return
        if not done.ok:
            one.reason = f"cannot: {done.complaint()}"
            return
        first = not one.runs
        one.runs.append(done)
        if first:
            one.rounds = self.quota(one.tool, done.seconds, round_trip_ms)

    def quota(self, tool, seconds, round_trip_ms):
        rounds = self.options.rounds
        if seconds > VERY_SLOW_SECONDS:
            return 0
        if seconds > SLOW_SECONDS or (round_trip_ms and tool.name not in ("evmig", "psql")):
            return min(rounds, SLOW_LINE_ROUNDS)
        return rounds

    def add_ratios(self, name, contestants, result):
        ours = next((one for one in contestants if one.tool.name == "evmig" and one.runs), None)
        for one, told in zip(contestants, result["tools"]):
            if ours and one is not ours and one.runs and not one.reason:
                told["evmig_ratio"] = measure.ratio(
                    [run.seconds for run in ours.runs], [run.seconds for run in one.runs],
                    f"{name} {one.tool.name}")

    def apply(self, name, set_name, migrations, psql_arguments, round_trip_ms):
        """Applies all migrations to a new database, over and over."""
        port = self.port(round_trip_ms)

        def once(one):
            folder = self.folder(one.tool, set_name, migrations)
            self.server.fresh("bench")
            url = self.server.url("bench", port)
            command = one.tool.apply(url)
            if one.tool.name == "psql":
                command = command + psql_arguments
            done = self.run(command, folder, url, self.options.cap)
            if done.ok and not one.checked:
                one.checked = self.server.query(OBJECTS, database="bench")
                expected = next((other.checked for other in everybody if other.checked), None)
                if one.checked != expected:
                    done.status = 1
                    done.output = f"error: it left {one.checked} behind, where others left {expected}"
            self.server.drop("bench")
            return done

        everybody = self.contestants()
        result = self.race(name, everybody, once, round_trip_ms)
        result["migrations"] = len(migrations)
        return result

    def nothing_to_do(self, name, count, round_trip_ms):
        """Asks for what is pending where everything is applied."""
        port = self.port(round_trip_ms)
        everybody = self.contestants(history_only=True)
        migrations = layouts.trivial(count)
        for one in everybody:
            if not one.reason:
                one.reason = self.set_up(one.tool, count, migrations)

        def once(one):
            url = self.server.url(f"{one.tool.name}_{count}", port)
            folder = self.folder(one.tool, f"trivial-{count}", migrations)
            return self.run(one.tool.apply(url), folder, url, self.options.cap)

        return self.race(name, everybody, once, round_trip_ms)

    def set_up(self, tool, count, migrations):
        """A database in which the tool has applied all of them; returns why there is none."""
        key = (tool.name, count)
        if key not in self.applied:
            self.say(f"{tool.name} applies {count} migrations, untimed")
            database = f"{tool.name}_{count}"
            self.server.fresh(database)
            url = self.server.url(database)
            folder = self.folder(tool, f"trivial-{count}", migrations)
            done = self.run(tool.apply(url), folder, url, SET_UP_CAP)
            if done.timed_out:
                self.applied[key] = f"cannot: applying them took > {SET_UP_CAP} s"
            else:
                self.applied[key] = None if done.ok else f"cannot: {done.complaint()}"
            # What autovacuum would do within a minute, so that it does not do it while we measure.
            self.server.query("vacuum analyze", database=database)
        return self.applied[key]

    def start_up(self, name):
        def once(one):
            return self.run(one.tool.version(), self.work, "", self.options.cap)

        return self.race(name, self.contestants(), once, 0)
