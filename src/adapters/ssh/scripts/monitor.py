"""Watches a Gunicorn and its host: one line of JSON a sample, until the reader has gone or the time is up.

Arguments: `pid-file` or `unit`, which one, error log or nothing, milliseconds between samples, milliseconds in all,
samples between two of PSS. Needs Python 3.6 and /proc. A sample takes 1.5 to 3.5 ms of processor time beside 150 other
processes (measured with four workers of 250 MB; starting takes 35 ms once): every file is read in few calls, and
children are looked for among new processes only. The same in sh took 18 ms, because a shell reads byte by byte.
"""

import gc
import json
import os
import select
import sys
import time

KIND, NAME, LOG = sys.argv[1:4]
EVERY, AT_MOST, PSS_EVERY = int(sys.argv[4]) / 1000.0, int(sys.argv[5]) / 1000.0, int(sys.argv[6])
TICK_MS = 1000.0 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
MOST_OF_LOG = 1 << 20
# After so many samples every process is looked at again: an id may have been given to another.
FORGET = 60
# After so many the service manager is asked again who the main process is.
ASK_AGAIN = 12
COUNTED = (
    ("tracebacks", (b"Traceback (most recent call last)",)),
    ("timeouts", (b"WORKER TIMEOUT",)),
    ("killed", (b"was sent SIG", b"was terminated due to signal")),
    ("booted", (b"Booting worker",)),
)


def read(path, limit=65536):
    """A file's beginning, or None when it is not there or not ours to see."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        data = piece = os.read(descriptor, limit)
        # The kernel gives out long files page by page.
        while len(piece) > 2048:
            piece = os.read(descriptor, limit)
            data += piece
        return data
    except OSError:
        return None
    finally:
        os.close(descriptor)


def stat(pid):
    """Fields of proc_pid_stat(5) from the third on: a command's name may hold spaces and parentheses."""
    text = read("/proc/%s/stat" % pid)
    fields = text.rpartition(b")")[2].split() if text else ()
    # A zombie has ended; only its parent has not looked yet.
    return fields if len(fields) > 21 and fields[0] not in (b"Z", b"X") else None


def sample_of(pid, fields, with_pss):
    """What is to be known of one process."""
    pss = None
    if with_pss:
        for line in (read("/proc/%s/smaps_rollup" % pid) or b"").splitlines():
            if line.startswith(b"Pss:"):
                pss = int(line.split()[1]) * 1024
    try:
        descriptors = len(os.listdir("/proc/%s/fd" % pid))
    except OSError:
        descriptors = None
    return {
        "pid": int(pid),
        "started_ticks": int(fields[19]),
        "rss_bytes": int(fields[21]) * PAGE,
        "pss_bytes": pss,
        "cpu_ms": int((int(fields[11]) + int(fields[12])) * TICK_MS),
        "descriptors": descriptors,
    }


class Master:
    """Which process the master is."""

    def __init__(self):
        self.known = None

    def find(self, number):
        """Its id and its fields; no fields when it does not run."""
        if KIND == "pid-file":
            named = (read(NAME, 32) or b"").strip().decode("ascii", "replace")
            return named, stat(named) if named.isdigit() else None
        fields = stat(self.known) if self.known else None
        if fields is None or number % ASK_AGAIN == 0:
            self.known = self.main_process()
            fields = stat(self.known) if self.known else None
        return self.known, fields

    def main_process(self):
        """The unit's main process, or None. A service manager that is busy does not make us forget it."""
        import subprocess  # Takes 10 ms: only for those who need it.

        try:
            said = subprocess.check_output(["systemctl", "show", NAME, "-p", "MainPID"], stdin=subprocess.DEVNULL)
        except (OSError, subprocess.SubprocessError) as error:
            if self.known is None:
                sys.exit("the service manager cannot be asked for the main process of %s: %s" % (NAME, error))
            return self.known
        pid = said.decode("ascii", "replace").strip().rpartition("=")[2]
        return pid if pid.isdigit() and pid != "0" else None


class Family:
    """A process's children, found without looking at every process every time."""

    def __init__(self):
        self.parent = None
        self.strangers = set()

    def children(self, parent, number):
        """Ids of the children. Those of its main thread are all: Gunicorn forks nowhere else."""
        listed = read("/proc/%s/task/%s/children" % (parent, parent))
        if listed is not None:
            return [child.decode() for child in listed.split()]
        # The kernel does not list them.
        if parent != self.parent or number % FORGET == 0:
            self.parent, self.strangers = parent, set()
        processes = set(filter(str.isdigit, os.listdir("/proc")))
        self.strangers &= processes
        found = []
        for process in processes - self.strangers:
            fields = stat(process)
            if fields and fields[1] == parent.encode():
                found.append(process)
            else:
                self.strangers.add(process)
        return found


class Log:
    """What is added to a log: counted, however it is rotated or truncated."""

    def __init__(self, path):
        self.path, self.counts, self.rest = path, dict.fromkeys((name for name, _ in COUNTED), 0), b""
        self.identity, self.offset = None, 0
        try:
            found = os.stat(path)
            self.identity, self.offset = (found.st_dev, found.st_ino), found.st_size
        except OSError:
            pass

    def follow(self):
        """Counts the new lines; None when the log is not there, or not ours to read: then nothing is known."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except OSError:
            return None
        try:
            found = os.fstat(descriptor)
            identity = (found.st_dev, found.st_ino)
            if identity != self.identity or found.st_size < self.offset:
                self.identity, self.offset, self.rest = identity, 0, b""
            text = os.pread(descriptor, MOST_OF_LOG, self.offset) if found.st_size > self.offset else b""
        except OSError:
            return None
        finally:
            os.close(descriptor)
        self.offset += len(text)
        whole, newline, rest = (self.rest + text).rpartition(b"\n")
        # A line without an end is not kept for ever.
        self.rest = rest[-4096:]
        if newline:
            for name, words in COUNTED:
                self.counts[name] += sum(whole.count(word) for word in words)
        return self.counts


def host():
    """What is to be known of the host."""
    times = [int(field) for field in (read("/proc/stat", 512) or b"").split(b"\n", 1)[0].split()[1:9]]
    idle = times[3] + times[4]
    memory = {}
    for line in (read("/proc/meminfo") or b"").splitlines():
        name, _, value = line.partition(b":")
        if name in (b"MemTotal", b"MemAvailable", b"SwapTotal", b"SwapFree"):
            memory[name] = int(value.split()[0]) * 1024
    counters = {}
    for line in (read("/proc/vmstat") or b"").splitlines():
        if line.startswith((b"pswpout ", b"oom_kill ")):
            name, value = line.split()
            counters[name] = int(value)
    sockets = (read("/proc/net/sockstat") or b"").partition(b" tw ")[2].split()
    return {
        "processors": PROCESSORS,
        "busy_ms": int((sum(times) - idle) * TICK_MS),
        "idle_ms": int(idle * TICK_MS),
        "available_bytes": memory[b"MemAvailable"],
        "total_bytes": memory[b"MemTotal"],
        "swap_used_bytes": memory[b"SwapTotal"] - memory[b"SwapFree"],
        "swapped_out_bytes": counters.get(b"pswpout", 0) * PAGE,
        "out_of_memory_kills": counters.get(b"oom_kill"),
        "load": float((read("/proc/loadavg") or b"0").split()[0]),
        "time_wait": int(sockets[0]) if sockets else 0,
    }


def sample(leader, family, log, number):
    """One sample, but for its time."""
    with_pss = number % PSS_EVERY == 0
    master, workers = None, []
    named, fields = leader.find(number)
    if fields:
        master = sample_of(named, fields, with_pss)
        for child in sorted(family.children(named, number), key=int):
            fields = stat(child)
            if fields:
                workers.append(sample_of(child, fields, with_pss))
    return {"master": master, "workers": workers, "host": host(), "log": log.follow()}


def main():
    """Samples at even moments. The reader's going away is noticed at once, not only by the next line."""
    gc.disable()
    leader, family, log = Master(), Family(), Log(LOG)
    reader = select.poll()
    reader.register(1, select.POLLERR | select.POLLHUP)
    begun = time.monotonic()
    number = taken = 0
    while True:
        now = time.monotonic() - begun
        if now > AT_MOST:
            break
        line = {"at_ms": int(now * 1000)}
        line.update(sample(leader, family, log, taken))
        taken += 1
        data = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        while data:
            data = data[os.write(1, data) :]
        # After a stop of the whole host the missed moments are not made up for.
        number = max(number + 1, int((time.monotonic() - begun) / EVERY))
        wait = begun + number * EVERY - time.monotonic()
        if reader.poll(max(wait, 0) * 1000):
            return
    os.write(1, b"end\n")


PROCESSORS = os.sysconf("SC_NPROCESSORS_ONLN")
try:
    main()
except BrokenPipeError:
    pass
