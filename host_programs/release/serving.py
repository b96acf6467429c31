"""Whether a Gunicorn worker has loaded the application and waits for requests. Changes nothing."""

import os
import stat
from typing import Dict, List, Set, Tuple

from host_programs.release.processes import ticks_of

# A worker that never had a heartbeat file is of another kind: it counts as ready when it is this old, in seconds.
READY_AGE = 15
# A file's time before this is no date, but an uptime in seconds.
FIRST_DATE = 10**9

# Workers that were seen with a heartbeat file of their own: pid and start. Gunicorn closes the file when a worker whose
# application does not load ends, and the interpreter may take a while to exit after that.
WITH_HEARTBEAT: Set[Tuple[int, int]] = set()


def is_beaten(modified: float, mode: int) -> bool:
    """Whether a heartbeat file has been beaten, by its time and its mode.

    The first beat sets the file's time to the machine's uptime, long before any date. Gunicorn before 21 switches the
    file's mode between 0 and 1 instead.
    """
    return modified < FIRST_DATE or stat.S_IMODE(mode) in (0, 1)


def heartbeats(worker: int) -> Dict[int, bool]:
    """The heartbeat files that a worker has open, by inode: whether they have been beaten.

    A worker beats on an unlinked temporary file (`wgunicorn-...`), and only from its loop, which it enters when the
    application is loaded.
    """
    found: Dict[int, bool] = {}
    try:
        names = os.listdir("/proc/%d/fd" % worker)
    except OSError:
        return found
    for name in names:
        path = "/proc/%d/fd/%s" % (worker, name)
        try:
            if "wgunicorn-" in os.readlink(path):
                facts = os.stat(path)
                found[facts.st_ino] = is_beaten(facts.st_mtime, facts.st_mode)
        except OSError:
            continue
    return found


def uptime() -> float:
    """Seconds since boot."""
    with open("/proc/uptime") as file:
        return float(file.read().split()[0])


def all_serve(workers: List[int]) -> bool:
    """Whether each of these workers, the oldest first, has loaded the application and waits for requests."""
    older: Set[int] = set()
    for worker in workers:
        beats = heartbeats(worker)
        # Before Gunicorn 22 a worker inherits the files of those before it.
        own = [beat for inode, beat in beats.items() if inode not in older]
        older |= set(beats)
        began = ticks_of(worker)
        if own:
            WITH_HEARTBEAT.add((worker, began))
        age = uptime() - began / float(os.sysconf("SC_CLK_TCK"))
        if not (any(own) if own else age > READY_AGE and (worker, began) not in WITH_HEARTBEAT):
            return False
    return True
