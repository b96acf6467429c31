"""Program: watches a Gunicorn and its host. Prints one line of JSON a sample, until the reader has gone or time is up.

Arguments: `pid-file` or `unit`, which one, error log or nothing, milliseconds between samples, milliseconds in all,
samples between two of PSS. A sample takes 1.5 to 3.5 ms of processor time beside 150 other processes (measured with
four workers of 250 MB; starting takes 35 ms once): every file is read in few calls, and children are looked for among
new processes only. The same in sh took 18 ms, because a shell reads byte by byte.
"""

import contextlib
import gc
import json
import os
import select
import sys
import time
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

TICK_MS = 1000.0 / os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
# What is read of a log at a time, in bytes.
LOG_BYTES = 1 << 20
# What is kept of a line without an end, in bytes.
LONGEST_LINE = 4096
# After so many samples every process is looked at again: an id may have been given to another one.
FORGET_INTERVAL = 60
# After so many samples the service manager is asked again for the main process.
ASK_INTERVAL = 12
COUNTED = (
    ("tracebacks", (b"Traceback (most recent call last)",)),
    ("timeouts", (b"WORKER TIMEOUT",)),
    ("killed", (b"was sent SIG", b"was terminated due to signal")),
    ("booted", (b"Booting worker",)),
)

Sample = Dict[str, Any]


def read(path: str, limit: int = 65536) -> Optional[bytes]:
    """A file's content, or None when it does not exist or is not ours to see."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        data = piece = os.read(descriptor, limit)
        # The kernel returns long files page by page.
        while len(piece) > 2048:
            piece = os.read(descriptor, limit)
            data += piece
        return data
    except OSError:
        return None
    finally:
        os.close(descriptor)


def parse_stat(text: Optional[bytes]) -> Optional[List[bytes]]:
    """The fields of proc_pid_stat(5) from the third on: a command's name may contain spaces and parentheses.

    None for a process that does not run. A zombie has ended; only its parent has not asked yet.
    """
    fields = text.rpartition(b")")[2].split() if text else ()
    return fields if len(fields) > 21 and fields[0] not in (b"Z", b"X") else None


def stat_of(pid: str) -> Optional[List[bytes]]:
    """The fields of a process that runs, or None."""
    return parse_stat(read("/proc/%s/stat" % pid))


def parse_pss(text: bytes) -> Optional[int]:
    """The proportional set size in smaps_rollup, in bytes."""
    pss = None
    for line in text.splitlines():
        if line.startswith(b"Pss:"):
            pss = int(line.split()[1]) * 1024
    return pss


def process_sample(pid: str, fields: List[bytes], with_pss: bool) -> Sample:
    """One process's sample, from its fields of proc_pid_stat(5)."""
    try:
        descriptors = len(os.listdir("/proc/%s/fd" % pid))
    except OSError:
        descriptors = None
    return {
        "pid": int(pid),
        "started_ticks": int(fields[19]),
        "rss_bytes": int(fields[21]) * PAGE_BYTES,
        "pss_bytes": parse_pss(read("/proc/%s/smaps_rollup" % pid) or b"") if with_pss else None,
        "cpu_ms": int((int(fields[11]) + int(fields[12])) * TICK_MS),
        "descriptors": descriptors,
    }


class Master:
    """Which process the master is: by a pid file, or by a unit's main process."""

    def __init__(self, kind: str, name: str) -> None:
        self.kind, self.name = kind, name
        self.known: Optional[str] = None

    def find(self, number: int) -> Tuple[Optional[str], Optional[List[bytes]]]:
        """Its id and its fields; no fields when it does not run. `number` is the sample's."""
        if self.kind == "pid-file":
            named = (read(self.name, 32) or b"").strip().decode("ascii", "replace")
            return named, stat_of(named) if named.isdigit() else None
        fields = stat_of(self.known) if self.known else None
        if fields is None or number % ASK_INTERVAL == 0:
            self.known = self.main_process()
            fields = stat_of(self.known) if self.known else None
        return self.known, fields

    def main_process(self) -> Optional[str]:
        """The unit's main process, or None. A service manager that is busy does not make us forget it."""
        import subprocess  # Takes 10 ms: only where it is needed.

        try:
            said = subprocess.check_output(["systemctl", "show", self.name, "-p", "MainPID"], stdin=subprocess.DEVNULL)
        except (OSError, subprocess.SubprocessError) as error:
            if self.known is None:
                what = "the service manager cannot be asked for the main process of %s: %s"
                sys.exit(what % (self.name, error))
            return self.known
        pid = said.decode("ascii", "replace").strip().rpartition("=")[2]
        return pid if pid.isdigit() and pid != "0" else None


class Family:
    """A process's children, found without looking at every process every time."""

    def __init__(self) -> None:
        self.parent: Optional[str] = None
        self.strangers: Set[str] = set()

    def children(self, parent: str, number: int) -> List[str]:
        """The ids of the children. Those of its main thread are all: Gunicorn forks nowhere else."""
        listed = read("/proc/%s/task/%s/children" % (parent, parent))
        if listed is not None:
            return [child.decode() for child in listed.split()]
        # This kernel does not list them.
        if parent != self.parent or number % FORGET_INTERVAL == 0:
            self.parent, self.strangers = parent, set()
        processes = set(filter(str.isdigit, os.listdir("/proc")))
        self.strangers &= processes
        found = []
        for process in processes - self.strangers:
            fields = stat_of(process)
            if fields and fields[1] == parent.encode():
                found.append(process)
            else:
                self.strangers.add(process)
        return found


class Log:
    """Counts what is added to a log, also while it is rotated or truncated."""

    def __init__(self, path: str) -> None:
        self.path, self.counts, self.rest = path, dict.fromkeys((name for name, _ in COUNTED), 0), b""
        self.identity: Optional[Tuple[int, int]] = None
        self.offset = 0
        try:
            found = os.stat(path)
            self.identity, self.offset = (found.st_dev, found.st_ino), found.st_size
        except OSError:
            pass

    def follow(self) -> Optional[Dict[str, int]]:
        """The counts with the new lines; None, for unknown, when the log does not exist or is not ours to read."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except OSError:
            return None
        try:
            found = os.fstat(descriptor)
            identity = (found.st_dev, found.st_ino)
            if identity != self.identity or found.st_size < self.offset:
                self.identity, self.offset, self.rest = identity, 0, b""
            text = os.pread(descriptor, LOG_BYTES, self.offset) if found.st_size > self.offset else b""
        except OSError:
            return None
        finally:
            os.close(descriptor)
        self.offset += len(text)
        self.count(text)
        return self.counts

    def count(self, text: bytes) -> None:
        """Counts in the lines that are whole; the beginning of the next line is kept."""
        whole, newline, rest = (self.rest + text).rpartition(b"\n")
        self.rest = rest[-LONGEST_LINE:]
        if newline:
            for name, words in COUNTED:
                self.counts[name] += sum(whole.count(word) for word in words)


def parse_processor_times(text: bytes) -> Tuple[int, int]:
    """The ticks in which all processors were busy, and idle, since boot: the first line of /proc/stat."""
    times = [int(field) for field in text.split(b"\n", 1)[0].split()[1:9]]
    idle = times[3] + times[4]
    return sum(times) - idle, idle


def parse_memory(text: bytes) -> Dict[bytes, int]:
    """Memory and swap of /proc/meminfo, in bytes."""
    memory = {}
    for line in text.splitlines():
        name, _, value = line.partition(b":")
        if name in (b"MemTotal", b"MemAvailable", b"SwapTotal", b"SwapFree"):
            memory[name] = int(value.split()[0]) * 1024
    return memory


def parse_counters(text: bytes) -> Dict[bytes, int]:
    """Pages swapped out, and kills for want of memory, since boot: /proc/vmstat. A kernel may not count the latter."""
    counters = {}
    for line in text.splitlines():
        if line.startswith((b"pswpout ", b"oom_kill ")):
            name, value = line.split()
            counters[name] = int(value)
    return counters


def parse_time_wait(text: bytes) -> int:
    """The sockets in TIME_WAIT of /proc/net/sockstat."""
    sockets = text.partition(b" tw ")[2].split()
    return int(sockets[0]) if sockets else 0


def host_sample(processors: int) -> Sample:
    """The host's sample."""
    busy, idle = parse_processor_times(read("/proc/stat", 512) or b"")
    memory = parse_memory(read("/proc/meminfo") or b"")
    counters = parse_counters(read("/proc/vmstat") or b"")
    return {
        "processors": processors,
        "busy_ms": int(busy * TICK_MS),
        "idle_ms": int(idle * TICK_MS),
        "available_bytes": memory[b"MemAvailable"],
        "total_bytes": memory[b"MemTotal"],
        "swap_used_bytes": memory[b"SwapTotal"] - memory[b"SwapFree"],
        "swapped_out_bytes": counters.get(b"pswpout", 0) * PAGE_BYTES,
        "out_of_memory_kills": counters.get(b"oom_kill"),
        "load": float((read("/proc/loadavg") or b"0").split()[0]),
        "time_wait": parse_time_wait(read("/proc/net/sockstat") or b""),
    }


class Limits(NamedTuple):
    """When samples are taken: the seconds between two, the seconds in all, and samples between two of PSS."""

    interval: float
    duration: float
    pss_interval: int


class Watch:
    """A Gunicorn and its host, watched."""

    def __init__(self, master: Master, log: Log, limits: Limits) -> None:
        self.master, self.log, self.limits = master, log, limits
        self.family = Family()
        self.processors = os.sysconf("SC_NPROCESSORS_ONLN")

    def sample(self, number: int) -> Sample:
        """One sample, without its time."""
        with_pss = number % self.limits.pss_interval == 0
        master, workers = None, []
        named, fields = self.master.find(number)
        if fields:
            master = process_sample(named, fields, with_pss)
            for child in sorted(self.family.children(named, number), key=int):
                fields = stat_of(child)
                if fields:
                    workers.append(process_sample(child, fields, with_pss))
        host = host_sample(self.processors)
        return {"master": master, "workers": workers, "host": host, "log": self.log.follow()}

    def run(self) -> None:
        """Takes samples at even moments. That the reader has gone is noticed at once, not only at the next line."""
        gc.disable()
        reader = select.poll()
        reader.register(1, select.POLLERR | select.POLLHUP)
        begun = time.monotonic()
        number = taken = 0
        while True:
            now = time.monotonic() - begun
            if now > self.limits.duration:
                break
            line = {"at_ms": int(now * 1000)}
            line.update(self.sample(taken))
            taken += 1
            data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
            while data:
                data = data[os.write(1, data) :]
            number = next_number(number, time.monotonic() - begun, self.limits.interval)
            wait = begun + number * self.limits.interval - time.monotonic()
            if reader.poll(max(wait, 0) * 1000):
                return
        os.write(1, b"end\n")


def next_number(number: int, elapsed: float, interval: float) -> int:
    """The number of the next sample. After a pause of the whole host, missed samples are not made up for."""
    return max(number + 1, int(elapsed / interval))


def watch(arguments: List[str]) -> None:
    """Watches as the arguments say."""
    kind, name, log = arguments[:3]
    interval, duration, pss_interval = (int(argument) for argument in arguments[3:6])
    limits = Limits(interval / 1000.0, duration / 1000.0, pss_interval)
    with contextlib.suppress(BrokenPipeError):
        Watch(Master(kind, name), Log(log), limits).run()


if __name__ == "__main__":
    watch(sys.argv[1:])
