"""Changes in a directory that a rollout owns: files written whole, entries removed, one writer at a time."""

import fcntl
import os
import stat

from host_programs.owned import DIRECTORY, PART, facts_of
from host_programs.request import BROKEN, PASSING, Progress, Refusal, report_progress, shown


def lock(marks: int, path: str) -> None:
    """Makes this process the only writer: one whose connection was lost may still be at work."""
    try:
        fcntl.flock(marks, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Refusal(PASSING, "something is still being written in %s" % shown(path)) from None


def write_whole(marks: int, directory: int, name: str, content: bytes, mode: int) -> None:
    """Writes a file, whole or not at all: under a name of ours first, then renamed."""
    Progress.has_written = True
    if facts_of(PART, marks) is not None:
        os.unlink(PART, dir_fd=marks)
    part = os.open(PART, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=marks)
    with open(part, "wb") as file:
        file.write(content)
        file.flush()
        os.fchmod(part, mode)
        os.fsync(part)
    os.rename(PART, name, src_dir_fd=marks, dst_dir_fd=directory)


def erase(directory: int, name: str) -> None:
    """Removes whatever has that name, with everything in it. Follows no link."""
    Progress.has_written = True
    facts = facts_of(name, directory)
    if facts is None:
        return
    if not stat.S_ISDIR(facts.st_mode):
        os.unlink(name, dir_fd=directory)
        return
    if facts.st_dev != os.fstat(directory).st_dev:
        raise Refusal(BROKEN, "another file system is mounted on %s in it: unmount it" % shown(name))
    if facts.st_mode & stat.S_IRWXU != stat.S_IRWXU:
        handle = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=directory)
        os.chmod("/proc/self/fd/%d" % handle, 0o700)
        os.close(handle)
    below = os.open(name, DIRECTORY, dir_fd=directory)
    try:
        for child in os.listdir(below):
            report_progress()
            erase(below, child)
    finally:
        os.close(below)
    os.rmdir(name, dir_fd=directory)
