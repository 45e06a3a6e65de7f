"""How long a command takes, what it needs, and what a set of such figures allows to say."""

import os
import random
import resource
import signal
import statistics
import sys
import threading
import time
from dataclasses import dataclass


@dataclass
class Run:
    """One run of a command."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    status: int
    timed_out: bool
    output: str

    @property
    def ok(self):
        return self.status == 0 and not self.timed_out

    def complaint(self):
        """The line that says why it failed."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        for line in lines:
            if "error" in line.lower():
                return line[:300]
        return (lines[-1] if lines else f"exit code {self.status}")[:300]


def run(command, *, cwd, env, output_path, cap=None):
    """Runs a command to its end, or kills it and its children after `cap` seconds.

    The clock starts before the process is made and stops when it is reaped: start-up is part of it.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output_path, flags, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    timed_out = threading.Event()
    here = os.getcwd()
    os.chdir(cwd)
    try:
        started = time.perf_counter()
        pid = os.posix_spawnp(command[0], command, env, file_actions=actions, setpgroup=0)
    finally:
        os.chdir(here)
    timer = None
    if cap:
        def expire():
            timed_out.set()
            os.killpg(pid, signal.SIGKILL)
        timer = threading.Timer(cap, expire)
        timer.start()
    _, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - started
    if timer:
        timer.cancel()
    # macOS counts bytes, Linux kilobytes (getrusage(2)).
    unit = 1 if sys.platform == "darwin" else 1024
    with open(output_path, errors="replace") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - 20000))
        output = file.read()
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit,
               os.waitstatus_to_exitcode(status), timed_out.is_set(), output)


def own_peak_bytes():
    """This process's own peak: a child's figure cannot be smaller, since exec keeps the mark."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def median(samples):
    return statistics.median(samples)


def ratio(left, right, seed):
    """The ratio of the medians, with its 95 % bootstrap interval."""
    chance = random.Random(seed)
    ratios = sorted(
        median(chance.choices(left, k=len(left))) / median(chance.choices(right, k=len(right)))
        for _ in range(4000)
    )
    return {
        "ratio": median(left) / median(right),
        "low": ratios[int(len(ratios) * 0.025)],
        "high": ratios[int(len(ratios) * 0.975)],
    }


def fsync_probe(directory, times=300):
    """The median time of writing a page and forcing it to the disk, in microseconds."""
    path = os.path.join(directory, "fsync-probe")
    page = bytes(8192)
    took = []
    with open(path, "wb", buffering=0) as file:
        for _ in range(times):
            file.seek(0)
            started = time.perf_counter()
            file.write(page)
            os.fsync(file.fileno())
            took.append((time.perf_counter() - started) * 1e6)
    os.unlink(path)
    return round(median(took), 1)
