"""Program: installs files in a directory that the rollout owns, and removes them.

Each file is installed whole or not at all, in the order in which they are named.
"""

import errno
import os
import secrets
import stat
from typing import List

from host_programs.owned import DIRECTORY, MARKS, facts_of, open_below, ownership
from host_programs.owned_changes import erase, lock, write_whole
from host_programs.request import CONFIGURATION, FOREIGN, NOT_THERE, Progress, Refusal, Request, name_of, perform, shown


def parts_of(path: str) -> List[str]:
    """The parts of a relative path. One that could lead out of the directory is refused."""
    parts = [name_of(part) for part in path.split("/")]
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise Refusal(CONFIGURATION, "%s is not a path below a directory" % shown(name_of(path)))
    return parts


def directory_for(root: int, parts: List[str], path: str) -> int:
    """Opens the directory that a file goes into, made where it is missing."""
    directory = os.dup(root)
    for part in parts:
        if facts_of(part, directory) is None:
            Progress.has_written = True
            os.mkdir(part, 0o700, dir_fd=directory)
            handle = os.open(part, DIRECTORY, dir_fd=directory)
            os.fchmod(handle, 0o700 if part == MARKS else 0o755)
            os.close(handle)
        below = open_below(directory, part)
        if below is None:
            raise Refusal(FOREIGN, "%s: %s is in the way, and is not a directory of ours" % (shown(path), shown(part)))
        os.close(directory)
        directory = below
    return directory


def install(request: Request) -> None:
    """Installs `files` below `to`. A random token that exists already is not replaced."""
    path = name_of(request["to"])
    state, why, root, marks = ownership(path, request["rollout"])
    if state == "foreign":
        raise Refusal(FOREIGN, why)
    if state != "complete":
        raise Refusal(NOT_THERE, "the copy in %s is %s: nothing is installed in it" % (shown(path), state))
    files = [(parts_of(file["path"]), file) for file in request["files"]]
    lock(marks, path)
    for parts, file in files:
        directory = directory_for(root, parts[:-1], name_of(file["path"]))
        existing = facts_of(parts[-1], directory)
        if existing is not None and stat.S_ISDIR(existing.st_mode):
            raise Refusal(FOREIGN, "%s is a directory" % shown(name_of(file["path"])))
        if file["random"]:
            if existing is not None and stat.S_ISREG(existing.st_mode) and existing.st_size:
                with open(os.open(parts[-1], os.O_RDONLY | os.O_NOFOLLOW, dir_fd=directory), "rb") as token:
                    os.fchmod(token.fileno(), file["mode"])
            else:
                content = secrets.token_hex(file["random"]).encode("ascii") + b"\n"
                write_whole(marks, directory, parts[-1], content, file["mode"])
        else:
            write_whole(marks, directory, parts[-1], bytes.fromhex(file["content"]), file["mode"])
        os.close(directory)


def uninstall(request: Request) -> None:
    """Removes the files at `paths` below `to`."""
    path = name_of(request["to"])
    state, why, root, marks = ownership(path, request["rollout"])
    if state == "foreign":
        raise Refusal(FOREIGN, why)
    if marks is None:
        return
    paths = [parts_of(one) for one in request["paths"]]
    lock(marks, path)
    for parts in paths:
        remove_file(root, parts)


def remove_file(directory: int, parts: List[str]) -> None:
    """Removes one file, and the directories that are empty then. A link is not a directory of ours."""
    if len(parts) == 1:
        existing = facts_of(parts[0], directory)
        if existing is not None and stat.S_ISDIR(existing.st_mode):
            raise Refusal(FOREIGN, "%s is a directory, not the file that was installed" % shown(parts[0]))
        erase(directory, parts[0])
        if parts[0].endswith(".py"):
            remove_byte_code(directory, parts[0])
        return
    below = open_below(directory, parts[0])
    if below is None:
        return
    remove_file(below, parts[1:])
    os.close(below)
    remove_if_empty(directory, parts[0])


def remove_byte_code(directory: int, name: str) -> None:
    """Removes the byte code that Python made of a module."""
    cache = open_below(directory, "__pycache__")
    if cache is None:
        return
    stem = name[: -len(".py")] + "."
    for made in os.listdir(cache):
        if made.startswith(stem) and made.endswith(".pyc"):
            erase(cache, made)
    os.close(cache)
    remove_if_empty(directory, "__pycache__")


def remove_if_empty(directory: int, name: str) -> None:
    """Removes a directory that has no entries."""
    try:
        os.rmdir(name, dir_fd=directory)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT, errno.ENOTDIR):
            raise


def install_or_uninstall(request: Request) -> None:
    """A request with `paths` removes files; one with `files` installs them."""
    if "paths" in request:
        uninstall(request)
    else:
        install(request)


if __name__ == "__main__":
    perform(install_or_uninstall)
