"""What is ours among the processes: those that run in our directory and were told our pid file.

The number in a pid file proves nothing by itself: the process may be dead, and its number somebody else's. This file is
put in front of the program that needs it. It runs on whatever Python the application runs on, from 3.6 on.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time

TEMPORARY = 75  # EX_TEMPFAIL of sysexits.h: the same call may work later
MARK = " (deleted)"  # what the kernel adds to a path that no longer exists


def content(pid, name):
    with open("/proc/%d/%s" % (pid, name), "rb") as file:
        return file.read()


def link(pid, name):
    path = os.readlink("/proc/%d/%s" % (pid, name))
    return path[: -len(MARK)] if path.endswith(MARK) else path


def words(pid):
    """The command line."""
    return [os.fsdecode(word) for word in content(pid, "cmdline").split(b"\0")[:-1]]


def variables(pid):
    """The environment it was started with."""
    pairs = (entry.split(b"=", 1) for entry in content(pid, "environ").split(b"\0") if b"=" in entry)
    return {os.fsdecode(name): os.fsdecode(value) for name, value in pairs}


def status(pid):
    """Its parent, and when it started: fields 4 and 22 of proc_pid_stat(5)."""
    fields = content(pid, "stat").rsplit(b")", 1)[1].split()
    return int(fields[1]), int(fields[19])


def everyone():
    """Parent and start of every process."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                found[int(name)] = status(int(name))
    return found


def inside(path, directory):
    return path == directory or path.startswith(directory + "/")


def is_ours(pid, directory, pid_file):
    try:
        if link(pid, "cwd") not in (directory, os.path.realpath(directory)):
            return False
        line = words(pid)
    except OSError:
        return False  # it is gone, or somebody else's
    told = any(pair == ("--pid", pid_file) for pair in zip(line, line[1:]))
    return told or (bool(line) and line[0].startswith("gunicorn: "))  # what setproctitle makes of it


def ours(directory, pid_file, processes):
    return {pid for pid in processes if pid != os.getpid() and is_ours(pid, directory, pid_file)}


def noted(pid_file):
    try:
        with open(pid_file) as file:
            return int(file.read().strip() or "0")
    except (OSError, ValueError):
        return 0


def master(directory, pid_file, processes):
    """The topmost of ours: the one in the pid file, or the oldest when the pid file names none of them."""
    mine = ours(directory, pid_file, processes)
    tops = [pid for pid in mine if processes[pid][0] not in mine]
    if not tops:
        return None
    pid = noted(pid_file)
    return pid if pid in tops else min(tops, key=lambda top: processes[top][1])


def below(pids, processes):
    """These and everything they started."""
    found = set(pids)
    while True:
        more = {pid for pid, (parent, _) in processes.items() if parent in found} - found
        if not more:
            return found
        found |= more


def is_alive(pid, started):
    try:
        return status(pid)[1] == started and content(pid, "stat").rsplit(b")", 1)[1].split()[0] != b"Z"
    except (OSError, IndexError):
        return False


def end(directory, pid_file, patience=10):
    """Ends everything of ours, gracefully and then by force; whether nothing is left."""
    forced = False
    known = {}
    deadline = time.monotonic() + patience
    asked = set()
    while True:
        processes = everyone()
        mine = ours(directory, pid_file, processes)
        known.update((pid, processes[pid][1]) for pid in below(mine, processes))
        left = {pid for pid, started in known.items() if is_alive(pid, started)}
        if not left:
            break
        tops = {pid for pid in left if processes.get(pid, (0,))[0] not in left}
        if not forced:
            for pid in tops - asked:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGTERM)
            asked |= tops
        if time.monotonic() > deadline:
            if forced:
                return False
            forced, deadline = True, time.monotonic() + 5
        if forced:
            for pid in left:
                if is_alive(pid, known[pid]):
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    with contextlib.suppress(OSError):
        os.unlink(pid_file)
    return True


def fail(code, message):
    sys.stderr.write(message.rstrip() + "\n")
    sys.exit(code)


@contextlib.contextmanager
def alone(pid_file, seconds=150):
    """Nobody else starts or stops it meanwhile: a caller whose connection broke may still be at work here."""
    try:
        handle = os.open(os.path.dirname(pid_file), os.O_RDONLY)
    except OSError:
        yield  # without the directory there is nothing to protect
        return
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            if time.monotonic() > deadline:
                fail(TEMPORARY, "somebody else has been starting or stopping it for %d s" % seconds)
            time.sleep(0.2)
    try:
        yield
    finally:
        os.close(handle)
