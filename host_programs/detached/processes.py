"""Which processes are ours: those that run in our directory and were told our pid file. Changes nothing.

The number in a pid file proves nothing by itself: the process may have ended, and its number may be another process's.
"""

import contextlib
import os
import sys
from typing import Dict, Iterable, List, NamedTuple, NoReturn, Optional, Set

from host_programs.proc import command_line, path_of, process_ids, stat_fields

TEMPORARY = 75  # EX_TEMPFAIL of sysexits.h: the same call may succeed later


class Process(NamedTuple):
    """A process's parent, and when it started, in clock ticks since boot: fields 4 and 22 of proc_pid_stat(5)."""

    parent: int
    started: int


Processes = Dict[int, Process]


def fail(code: int, message: str) -> NoReturn:
    """Ends this program with a message on standard error."""
    sys.stderr.write(message.rstrip() + "\n")
    sys.exit(code)


def process_of(fields: List[bytes]) -> Process:
    """Parent and start of a process, from its fields of proc_pid_stat(5) from the third on."""
    return Process(int(fields[1]), int(fields[19]))


def all_processes() -> Processes:
    """Parent and start of every process."""
    found = {}
    for pid in process_ids():
        with contextlib.suppress(OSError, IndexError):
            found[pid] = process_of(stat_fields(pid))
    return found


def is_told(words: List[str], pid_file: str) -> bool:
    """Whether a command line is that of a Gunicorn with our pid file.

    With the Python package setproctitle a process hides its command line behind a title; its directory has to do then.
    """
    told = any(pair == ("--pid", pid_file) for pair in zip(words, words[1:]))
    return told or (bool(words) and words[0].startswith("gunicorn: "))


def is_ours(pid: int, directory: str, pid_file: str) -> bool:
    """Whether a process is a Gunicorn in our directory with our pid file."""
    try:
        if path_of(pid, "cwd") not in (directory, os.path.realpath(directory)):
            return False
        words = command_line(pid)
    except OSError:
        return False  # it has ended, or is another account's
    return is_told(words, pid_file)


def our_processes(directory: str, pid_file: str, processes: Iterable[int]) -> Set[int]:
    """The ids of our processes."""
    return {pid for pid in processes if pid != os.getpid() and is_ours(pid, directory, pid_file)}


def noted_pid(pid_file: str) -> int:
    """The number in a pid file; 0 when there is none."""
    try:
        with open(pid_file) as file:
            return int(file.read().strip() or "0")
    except (OSError, ValueError):
        return 0


def master_of(directory: str, pid_file: str, processes: Processes) -> Optional[int]:
    """The id of our master, or None."""
    return topmost(our_processes(directory, pid_file, processes), processes, noted_pid(pid_file))


def topmost(ours: Set[int], processes: Processes, noted: int) -> Optional[int]:
    """The process of ours that has no parent of ours: the noted one, or the oldest when none of them is noted."""
    tops = [pid for pid in ours if processes[pid].parent not in ours]
    if not tops:
        return None
    return noted if noted in tops else min(tops, key=lambda top: processes[top].started)


def with_descendants(pids: Iterable[int], processes: Processes) -> Set[int]:
    """These processes and everything they have started."""
    found = set(pids)
    while True:
        more = {pid for pid, process in processes.items() if process.parent in found} - found
        if not more:
            return found
        found |= more
