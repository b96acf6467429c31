"""The processes of a unit, without control groups: everything in the sessions that the manager opened for it.

Each command of a unit starts in a session of its own (setsid), and its children stay in it unless they leave on
purpose. That is what a control group would hold for a web server, and needs no privilege.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

BASE_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}


def session_members(sessions: set[int]) -> list[int]:
    """The living processes of these sessions."""
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # The name may hold spaces and brackets: read from behind its end. Then: state ppid pgrp session.
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) in sessions and fields[0] != "Z":
            members.append(int(entry.name))
    return members


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def send(pids: list[int], signal: int) -> None:
    """Signals processes; one that is gone is no error."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal)


def spawn(argv: list[str], environment: dict[str, str], directory: str, output: int, umask: int = 0o022) -> int:
    """Starts a command in a new session and returns its pid. The manager, as pid 1, reaps it."""
    process = subprocess.Popen(
        argv,
        env=environment,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        umask=umask,
    )
    process.returncode = 0  # Reaped by the manager's own loop: keeps subprocess from waiting for it.
    return process.pid
