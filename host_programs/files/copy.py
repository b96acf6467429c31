"""Program: copies a live tree into a directory that the rollout owns, or resumes such a copy."""

import os
from typing import Optional, Tuple

from host_programs.files.tree_copy import TreeCopy, bytes_in
from host_programs.owned import COMPLETE, DIRECTORY, MARKS, OWNER, PART, facts_of, ownership
from host_programs.owned_changes import lock, write_whole
from host_programs.request import (
    CONFIGURATION,
    FOREIGN,
    NO_ROOM,
    NOT_THERE,
    Progress,
    Refusal,
    Request,
    name_of,
    perform,
    shown,
)


def copy(request: Request) -> None:
    """Copies `from` to `to`. A copy that is complete is left as it is."""
    origin, path = name_of(request["from"]), name_of(request["to"])
    parent = os.path.dirname(path)
    for directory in (origin, parent):
        if not os.path.isdir(directory):
            raise Refusal(NOT_THERE, "there is no directory %s" % shown(directory))
    real = [os.path.realpath(one) + "/" for one in (origin, path)]
    if real[0].startswith(real[1]) or real[1].startswith(real[0]):
        raise Refusal(CONFIGURATION, "%s and %s lie in each other" % (shown(origin), shown(path)))
    source = os.open(origin, os.O_RDONLY | os.O_DIRECTORY)
    if facts_of(MARKS, source) is not None:
        raise Refusal(FOREIGN, "%s holds a %s of its own" % (shown(origin), MARKS))
    state, why, root, marks = ownership(path, request["rollout"])
    if state == "foreign":
        raise Refusal(FOREIGN, why)
    if state == "complete":
        return
    file_system = os.statvfs(parent)
    free = file_system.f_bavail * file_system.f_frsize
    needed = missing_bytes(request["needed_bytes"], bytes_in(root) if root is not None else 0)
    if free < needed:
        sentence = "%d MiB free at %s, %d MiB needed" % (free >> 20, shown(parent), (needed >> 20) + 1)
        raise Refusal(NO_ROOM, sentence)
    root, marks = mark(path, root, marks, request["rollout"])
    TreeCopy(marks, [name_of(one) for one in request["volatile"]]).directory(source, root, ".")
    if facts_of(PART, marks) is not None:
        os.unlink(PART, dir_fd=marks)
    write_whole(marks, marks, COMPLETE, b"", 0o600)


def missing_bytes(needed: int, copied: int) -> int:
    """What a resumed copy still needs, in bytes."""
    return max(0, needed - copied)


def mark(path: str, root: Optional[int], marks: Optional[int], rollout: str) -> Tuple[int, int]:
    """Marks the directory as the rollout's before anything else is in it; both are returned opened."""
    Progress.has_written = True
    if root is None:
        os.mkdir(path, 0o700)
        root = os.open(path, DIRECTORY)
    # Until the copy is done: the original's mode comes last.
    os.fchmod(root, 0o700)
    if marks is None:
        os.mkdir(MARKS, 0o700, dir_fd=root)
        marks = os.open(MARKS, DIRECTORY, dir_fd=root)
    lock(marks, path)
    if facts_of(OWNER, marks) is None:
        write_whole(marks, marks, OWNER, rollout.encode("utf-8") + b"\n", 0o600)
    return root, marks


if __name__ == "__main__":
    perform(copy)
