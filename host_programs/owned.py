"""A directory that a rollout owns: how it is recognised. Changes nothing.

The directory `.migrate` in it holds everything of ours, with a file that names the rollout.
"""

import errno
import os
import stat
from typing import Iterable, NamedTuple, Optional

from host_programs.request import shown

MARKS, OWNER, COMPLETE, PART = ".migrate", "owner", "complete", "part"
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# What may be in a mark, in bytes.
LONGEST_OWNER = 4096


class Ownership(NamedTuple):
    """What is at a path: `missing`, `foreign`, `unfinished` or `complete`.

    `why` is the reason for `foreign`. The directory and its marks are held open where they are ours.
    """

    state: str
    why: Optional[str] = None
    root: Optional[int] = None
    marks: Optional[int] = None


def facts_of(name: str, directory: Optional[int]) -> Optional[os.stat_result]:
    """The result of lstat(2), or None when no file has that name."""
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def open_below(directory: int, name: str) -> Optional[int]:
    """Opens a directory in another one; None when there is none of that name, or a link, or a file."""
    try:
        return os.open(name, DIRECTORY, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return None
        raise


def ownership(path: str, rollout: str) -> Ownership:
    """What is at `path`, seen by a rollout."""
    try:
        facts = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Ownership("missing")
    if stat.S_ISLNK(facts.st_mode):
        return Ownership("foreign", "%s is a symbolic link" % shown(path))
    if not stat.S_ISDIR(facts.st_mode):
        return Ownership("foreign", "%s exists and is not a directory" % shown(path))
    root = os.open(path, DIRECTORY)
    names = os.listdir(root)
    marks = open_below(root, MARKS)
    unmarked = "%s exists without our mark %s/%s, so another owner made it: remove it, or name another directory" % (
        shown(path),
        MARKS,
        OWNER,
    )
    if marks is None:
        return Ownership("foreign", unmarked) if names else Ownership("unfinished", None, root)
    try:
        with open(os.open(OWNER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=marks), "rb") as file:
            owner = file.read(LONGEST_OWNER).decode("utf-8", "backslashreplace").strip()
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP):
            raise
        # A crash between making the directory and marking it, or between removing the mark and the directory.
        if names == [MARKS] and set(os.listdir(marks)) <= {PART}:
            return Ownership("unfinished", None, root, marks)
        return Ownership("foreign", unmarked)
    if owner != rollout:
        return Ownership("foreign", "%s exists and belongs to the rollout `%s`" % (shown(path), shown(owner)))
    is_complete = facts_of(COMPLETE, marks) is not None
    return Ownership("complete" if is_complete else "unfinished", None, root, marks)


def is_volatile(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name matches a pattern as `find -name` means it: a name, or `*` and the end of one."""
    return any(name.endswith(one[1:]) if one.startswith("*") else name == one for one in patterns)
