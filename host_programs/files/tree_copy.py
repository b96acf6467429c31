"""Copying a live tree, entry by entry, and resuming a copy that was interrupted.

A file has its name in the copy only when it is whole, and its times are set before: so an entry with the original's
size and times is done. A file that is removed while it is copied is left out. Hard links become files of their own: a
copy that shared one with the original could change it.
"""

import os
import stat
from typing import List, Optional

from host_programs.owned import DIRECTORY, MARKS, PART, facts_of, is_volatile, open_below
from host_programs.owned_changes import erase
from host_programs.request import BROKEN, PASSING, Progress, Refusal, report_progress, shown

# Bytes read at a time.
PIECE = 1 << 20
# How often a file that the application writes to meanwhile is read again.
MAX_READS = 3


class Vanished(Exception):
    """The live application has removed an entry while it was copied."""


def is_done(copied: os.stat_result, original: os.stat_result) -> bool:
    """Whether the copy of a file is done: its mode, size and time are the original's."""
    copied_facts = (copied.st_mode, copied.st_size, copied.st_mtime_ns)
    return copied_facts == (original.st_mode, original.st_size, original.st_mtime_ns)


def is_open_to_owner(directory: os.stat_result) -> bool:
    """Whether a directory's owner may list, enter and change it."""
    return directory.st_mode & stat.S_IRWXU == stat.S_IRWXU


def bytes_in(directory: int) -> int:
    """The sizes of all files below a directory, in bytes."""
    total = 0
    for name in os.listdir(directory):
        facts = facts_of(name, directory)
        if facts is not None and stat.S_ISREG(facts.st_mode):
            total += facts.st_size
        elif facts is not None and stat.S_ISDIR(facts.st_mode):
            below = open_below(directory, name)
            if below is not None:
                total += bytes_in(below)
                os.close(below)
    return total


def linked_facts(directory: int, name: str) -> Optional[os.stat_result]:
    """The facts of what a link leads to, or None when it leads nowhere."""
    try:
        return os.stat(name, dir_fd=directory)
    except OSError:
        return None


def writable_directory(parent: int, name: str, existing: Optional[os.stat_result]) -> int:
    """Opens a directory of the copy, made when there is none."""
    if existing is not None and not stat.S_ISDIR(existing.st_mode):
        erase(parent, name)
        existing = None
    if existing is None:
        Progress.has_written = True
        os.mkdir(name, 0o700, dir_fd=parent)
    return os.open(name, DIRECTORY, dir_fd=parent)


class TreeCopy:
    """One copy: the directory of its marks, opened, and the patterns of volatile names.

    `source` and `target` are opened directories, `name` an entry of both, and `path` its path for messages.
    """

    def __init__(self, marks: int, volatile: List[str]) -> None:
        self.marks = marks
        self.volatile = volatile

    def directory(self, source: int, target: int, path: str) -> None:
        """Makes a directory's content equal to the original's."""
        expected = {MARKS} if path == "." else set()
        for name in os.listdir(source):
            report_progress()
            try:
                if self.entry(source, target, name, path + "/" + name):
                    expected.add(name)
            except Vanished:
                continue
        for name in os.listdir(target):
            if name not in expected:
                erase(target, name)
        facts = os.fstat(source)
        os.fchmod(target, stat.S_IMODE(facts.st_mode))
        os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    def entry(self, source: int, target: int, name: str, path: str) -> bool:
        """Copies one entry; whether the copy has it."""
        facts = facts_of(name, source)
        if facts is None:
            raise Vanished
        existing = facts_of(name, target)
        if is_volatile(name, self.volatile):
            # An application expects its directories, and must not write through a link into the original's.
            meant = linked_facts(source, name) if stat.S_ISLNK(facts.st_mode) else facts
            if meant is None or not stat.S_ISDIR(meant.st_mode):
                return False
            made = writable_directory(target, name, existing)
            os.fchmod(made, stat.S_IMODE(meant.st_mode))
            os.close(made)
        elif stat.S_ISLNK(facts.st_mode):
            self.link(source, target, name, existing, facts)
        elif stat.S_ISDIR(facts.st_mode):
            self.below(source, target, name, path, existing)
        elif stat.S_ISREG(facts.st_mode):
            self.file(source, target, name, path, existing)
        elif stat.S_ISFIFO(facts.st_mode) or stat.S_ISSOCK(facts.st_mode):
            erase(target, name)
            os.mknod(name, stat.S_IFMT(facts.st_mode) | 0o600, dir_fd=target)
            os.chmod(name, stat.S_IMODE(facts.st_mode), dir_fd=target)
        else:
            raise Refusal(BROKEN, "%s is a device, which is not copied" % shown(path))
        return True

    def below(self, source: int, target: int, name: str, path: str, existing: Optional[os.stat_result]) -> None:
        """Copies a directory and everything in it."""
        try:
            read = os.open(name, DIRECTORY, dir_fd=source)
        except FileNotFoundError:
            raise Vanished from None
        try:
            if existing is not None and stat.S_ISDIR(existing.st_mode) and not is_open_to_owner(existing):
                # Finished by an earlier attempt, with a mode that keeps even its owner out.
                erase(target, name)
                existing = None
            written = writable_directory(target, name, existing)
            os.fchmod(written, 0o700)
            try:
                self.directory(read, written, path)
            finally:
                os.close(written)
        finally:
            os.close(read)

    def link(
        self, source: int, target: int, name: str, existing: Optional[os.stat_result], facts: os.stat_result
    ) -> None:
        """Copies a symbolic link, with the same target."""
        try:
            leads = os.readlink(name, dir_fd=source)
        except FileNotFoundError:
            raise Vanished from None
        if existing is None or not stat.S_ISLNK(existing.st_mode) or os.readlink(name, dir_fd=target) != leads:
            erase(target, name)
            os.symlink(leads, name, dir_fd=target)
        os.utime(name, ns=(facts.st_atime_ns, facts.st_mtime_ns), dir_fd=target, follow_symlinks=False)

    def file(self, source: int, target: int, name: str, path: str, existing: Optional[os.stat_result]) -> None:
        """Copies a regular file, unless its copy is done."""
        try:
            # O_NONBLOCK: a pipe may have taken the file's place.
            read = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source)
        except FileNotFoundError:
            raise Vanished from None
        try:
            facts = os.fstat(read)
            if not stat.S_ISREG(facts.st_mode):
                raise Refusal(PASSING, "%s changed while it was copied" % shown(path))
            if existing is not None and is_done(existing, facts):
                return
            # A file that is written all the time is copied as it is in the end: its digest shows whether that matters.
            for _ in range(MAX_READS):
                before, facts = facts, self.content(read)
                if (before.st_size, before.st_mtime_ns) == (facts.st_size, facts.st_mtime_ns):
                    break
        finally:
            os.close(read)
        if existing is not None and stat.S_ISDIR(existing.st_mode):
            erase(target, name)
        os.rename(PART, name, src_dir_fd=self.marks, dst_dir_fd=target)

    def content(self, read: int) -> os.stat_result:
        """Writes all of an opened file under a name of ours; the original's facts afterwards."""
        if facts_of(PART, self.marks) is not None:
            os.unlink(PART, dir_fd=self.marks)
        part = os.open(PART, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=self.marks)
        try:
            os.lseek(read, 0, os.SEEK_SET)
            while True:
                piece = memoryview(os.read(read, PIECE))
                if not piece:
                    break
                while piece:
                    piece = piece[os.write(part, piece) :]
                report_progress()
            facts = os.fstat(read)
            os.fchmod(part, stat.S_IMODE(facts.st_mode))
            os.utime(part, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        finally:
            os.close(part)
        return facts
