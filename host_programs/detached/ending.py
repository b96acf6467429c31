"""Ending our processes, one caller at a time."""

import contextlib
import fcntl
import os
import signal
import time
from typing import Dict, Iterator

from host_programs.detached.processes import TEMPORARY, all_processes, fail, our_processes, process_of, with_descendants
from host_programs.proc import stat_fields

# Seconds until processes that were asked to end are killed.
GRACEFUL_TIMEOUT = 10
# Seconds until killed processes count as ones that do not end.
FORCED_TIMEOUT = 5
# Seconds that another caller is waited for: a start takes at most 60 s, and ends what it has started.
LOCK_TIMEOUT = 150


def is_alive(pid: int, started: int) -> bool:
    """Whether a process that started then still runs. A zombie has ended."""
    try:
        fields = stat_fields(pid)
        return process_of(fields).started == started and fields[0] != b"Z"
    except (OSError, IndexError):
        return False


def end(directory: str, pid_file: str) -> bool:
    """Ends all our processes, gracefully and then by force; whether none is left."""
    is_forced = False
    known: Dict[int, int] = {}
    deadline = time.monotonic() + GRACEFUL_TIMEOUT
    asked = set()
    while True:
        processes = all_processes()
        ours = our_processes(directory, pid_file, processes)
        known.update((pid, processes[pid].started) for pid in with_descendants(ours, processes))
        left = {pid for pid, started in known.items() if is_alive(pid, started)}
        if not left:
            break
        tops = {pid for pid in left if pid not in processes or processes[pid].parent not in left}
        if not is_forced:
            for pid in tops - asked:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGTERM)
            asked |= tops
        if time.monotonic() > deadline:
            if is_forced:
                return False
            is_forced, deadline = True, time.monotonic() + FORCED_TIMEOUT
        if is_forced:
            for pid in left:
                if is_alive(pid, known[pid]):
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    with contextlib.suppress(OSError):
        os.unlink(pid_file)
    return True


@contextlib.contextmanager
def alone(pid_file: str) -> Iterator[None]:
    """Keeps other callers from starting or stopping ours: one whose connection broke may still be at work here."""
    try:
        handle = os.open(os.path.dirname(pid_file), os.O_RDONLY)
    except OSError:
        yield  # without the directory there is nothing to protect
        return
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            if time.monotonic() > deadline:
                fail(TEMPORARY, "another caller has been starting or stopping the copy for %d s" % LOCK_TIMEOUT)
            time.sleep(0.2)
    try:
        yield
    finally:
        os.close(handle)
