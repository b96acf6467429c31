"""Program: reports who owns a directory, what files contain, and in what two trees differ. Changes nothing."""

import hashlib
import os
import stat
from typing import Any, Dict, Iterable, List, NamedTuple, Optional

from host_programs.owned import facts_of, is_volatile, open_below, ownership
from host_programs.request import CONFIGURATION, NOT_THERE, PASSING, Refusal, Request, name_of, perform, shown

# For an entry that is not a file: a text of which no file has the digest.
NOT_A_FILE = "migrate: no file but "
# The limit for a private file of ours, in bytes: a hundred synthetic users take a few hundred KiB.
LARGEST_PRIVATE = 1 << 19
# Bytes hashed at a time.
PIECE = 1 << 20
# How many differences of two trees are reported.
MAX_DIFFERENCES = 10


def digest_of(name: str, directory: Optional[int]) -> str:
    """The SHA-256 digest of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory), "rb") as file:
        for piece in iter(lambda: file.read(PIECE), b""):
            digest.update(piece)
    return digest.hexdigest()


def file_at(directory: int, parts: List[str]) -> Optional[Dict[str, Any]]:
    """Digest and mode of the file at a path below a directory, or None when there is none."""
    try:
        facts = facts_of(parts[0], directory)
        if facts is None:
            return None
        if len(parts) > 1 and stat.S_ISDIR(facts.st_mode):
            below = open_below(directory, parts[0])
            if below is None:
                return None
            try:
                return file_at(below, parts[1:])
            finally:
                os.close(below)
        if len(parts) == 1 and stat.S_ISREG(facts.st_mode):
            digest = digest_of(parts[0], directory)
        elif len(parts) > 1 and not stat.S_ISLNK(facts.st_mode):
            return None
        else:
            digest = hashlib.sha256((NOT_A_FILE + oct(stat.S_IFMT(facts.st_mode))).encode("ascii")).hexdigest()
    except FileNotFoundError:
        return None
    return {"digest": digest, "mode": stat.S_IMODE(facts.st_mode)}


def files(request: Request) -> List[Optional[Dict[str, Any]]]:
    """Digest and mode of each of `paths` below `directory`."""
    try:
        root = os.open(name_of(request["directory"]), os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return [None] * len(request["paths"])
    return [file_at(root, [name_of(part) for part in path.split("/")]) for path in request["paths"]]


def private(request: Request) -> str:
    """The content of a file, which only its owner may be able to read."""
    path = os.path.join(name_of(request["directory"]), name_of(request["path"]))
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Refusal(NOT_THERE, "there is no file %s" % shown(path)) from None
    with open(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or facts.st_mode & 0o077:
            raise Refusal(CONFIGURATION, "%s is not a file that only its owner can read" % shown(path))
        if facts.st_size > LARGEST_PRIVATE:
            raise Refusal(CONFIGURATION, "%s has more than %d KiB" % (shown(path), LARGEST_PRIVATE >> 10))
        return file.read(LARGEST_PRIVATE).decode("utf-8").strip()


class Entry(NamedTuple):
    """An entry of a tree: its facts, the target of a link, and its whole path."""

    facts: os.stat_result
    target: Optional[str]
    path: str


def listing(path: str, left_out: Iterable[str]) -> Dict[str, Entry]:
    """Every entry of a tree, by its path below the root."""
    found, waiting = {}, [""]
    while waiting:
        inner = waiting.pop()
        whole = os.path.join(path, inner)
        facts = os.lstat(whole) if inner else os.stat(whole)
        target = os.readlink(whole) if stat.S_ISLNK(facts.st_mode) else None
        found[inner] = Entry(facts, target, whole)
        if stat.S_ISDIR(facts.st_mode):
            waiting.extend(os.path.join(inner, name) for name in os.listdir(whole) if not is_volatile(name, left_out))
    return found


def difference(one: Entry, other: Entry) -> Optional[str]:
    """In what two entries differ, or None when they do not."""
    modes = [entry.facts.st_mode for entry in (one, other)]
    if stat.S_IFMT(modes[0]) != stat.S_IFMT(modes[1]):
        return "its kind"
    if modes[0] != modes[1]:
        return "its mode (%o and %o)" % (stat.S_IMODE(modes[0]), stat.S_IMODE(modes[1]))
    if one.target != other.target:
        return "where it leads"
    if stat.S_ISREG(modes[0]) and (
        one.facts.st_size != other.facts.st_size or digest_of(one.path, None) != digest_of(other.path, None)
    ):
        return "its content"
    return None


def differences(request: Request) -> List[str]:
    """In what the trees `one` and `other` differ, as sentences: at most ten."""
    left_out = [name_of(one) for one in request["left_out"]]
    try:
        trees = [listing(name_of(request[which]), left_out) for which in ("one", "other")]
        sentences: List[str] = []
        for path in sorted(set(trees[0]) | set(trees[1])):
            one, other = trees[0].get(path), trees[1].get(path)
            if one is None or other is None:
                words = "only in %s" % shown(name_of(request["other" if one is None else "one"]))
            else:
                words = difference(one, other)
            if words is not None:
                sentences.append("%s: %s" % (shown(path) or ".", words))
            if len(sentences) == MAX_DIFFERENCES:
                break
        return sentences
    except FileNotFoundError as error:
        raise Refusal(PASSING, "%s vanished while it was compared" % shown(error.filename or "")) from None


def owned(request: Request) -> Dict[str, Optional[str]]:
    """Who owns the directory `to`, and why it is foreign if it is."""
    found = ownership(name_of(request["to"]), request["rollout"])
    return {"state": found.state, "why": found.why}


def look(request: Request) -> Any:
    """Answers the question that `look` names."""
    return {"owned": owned, "files": files, "private": private, "differences": differences}[request["look"]](request)


if __name__ == "__main__":
    perform(look)
