"""Ending a Gunicorn master and its workers without a failed request."""

import contextlib
import json
import os
import signal
import time
from typing import Iterable

from host_programs.owned import MARKS
from host_programs.release.processes import fields_of, identity_of, is_running, ticks_of, workers_of
from host_programs.release.serving import all_serve
from host_programs.release.site import Site

# Seconds that a worker may take for its last request before it is killed.
GRACE = 120
# Seconds until a master that was sent SIGSTOP has to be stopped, and until a killed one has to be gone.
STOP_TIMEOUT = 1
KILL_TIMEOUT = 5


def send(pid: int, number: int) -> None:
    """Sends a signal. A process that has ended needs none."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_until_ended(pids: Iterable[int], seconds: float) -> bool:
    """Waits until none of these processes runs; whether that is so in time."""
    deadline = time.monotonic() + seconds
    while any(is_running(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def note_path(site: Site) -> str:
    """The file that names the master that is being ended."""
    return os.path.join(site.releases, MARKS, "retiring")


def retire(site: Site, master: int) -> None:
    """Ends a master and its workers. Each worker finishes its requests, and accepts no new ones.

    The master is stopped meanwhile: it would replace its workers, and its own limit for them (graceful_timeout, 30 s by
    default) is shorter than a request may take. A file notes which master is being ended, so that a process that
    continues after a crash does not take a master without workers for one that serves.
    """
    note = note_path(site)
    if os.path.isdir(os.path.dirname(note)):
        with open(note + ".new", "w") as file:
            json.dump(identity_of(master), file)
        os.rename(note + ".new", note)
    send(master, signal.SIGSTOP)
    deadline = time.monotonic() + STOP_TIMEOUT
    while is_running(master) and fields_of(master)[:1] != [b"T"] and time.monotonic() < deadline:
        time.sleep(0.01)
    for worker in workers_of(master):
        send(worker, signal.SIGTERM if all_serve([worker]) else signal.SIGKILL)
    if not wait_until_ended(workers_of(master), GRACE):
        for worker in workers_of(master):
            send(worker, signal.SIGKILL)
    send(master, signal.SIGTERM)
    send(master, signal.SIGCONT)
    if not wait_until_ended([master], GRACE):
        send(master, signal.SIGKILL)
        wait_until_ended([master], KILL_TIMEOUT)
    if os.path.lexists(note):
        os.unlink(note)


def retire_interrupted(site: Site) -> None:
    """Ends the master whose end was interrupted, if there is one."""
    note = note_path(site)
    try:
        with open(note) as file:
            noted = json.load(file)
    except (OSError, ValueError):
        return
    if is_running(noted["pid"]) and ticks_of(noted["pid"]) == noted["started_ticks"]:
        retire(site, noted["pid"])
    elif os.path.lexists(note):
        os.unlink(note)
