"""Finding session files: cachelib names them by a hash, and begins them with a time and a pickle."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..trusted_file import Untrusted, open_trusted

_NAME = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{64})\Z")
# Where cachelib counts its files: named like a session, but none.
_COUNTERS = frozenset(hashlib.new(name, b"__wz_cache_count").hexdigest() for name in ("md5", "sha256"))
_USUAL_NAME = "flask_session"
_NOT_LOOKED_INTO = frozenset({".git", ".migrate", "__pycache__", "node_modules", "site-packages"})
EXPIRY = struct.Struct("I")
_PICKLE = 0x80


class Head(NamedTuple):
    """What a session file says before it is unpickled."""

    path: Path
    size: int
    expires: int


class Broken(Exception):
    """A file that cannot be a session."""


def session_directories(application: Path) -> list[Path]:
    """The directories below the application's, itself included, that hold session files."""
    found: dict[str, Path] = {}
    for name, inner, _ in os.walk(application, onerror=_say):
        inner[:] = sorted(set(inner) - _NOT_LOOKED_INTO)
        directory = Path(name)
        # A link is not gone into, but where it leads may be where the sessions are.
        for candidate in [directory, *(directory / one for one in inner if (directory / one).is_symlink())]:
            if _holds_sessions(candidate):
                found.setdefault(os.path.realpath(candidate), candidate)
    return [found[name] for name in sorted(found)]


def session_files(directory: Path) -> Iterator[Path]:
    """The files in a directory that are named like sessions."""
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if _NAME.match(entry.name) and entry.name not in _COUNTERS:
                    yield Path(entry.path)
    except OSError as error:
        _say(error)


def head(path: Path) -> Head | None:
    """The head of a session file; None if it is gone. Raises `Untrusted`, or `Broken`."""
    file = open_trusted(path)
    if file is None:
        return None
    with file:
        begin = file.read(EXPIRY.size + 1)
        if len(begin) <= EXPIRY.size or begin[EXPIRY.size] != _PICKLE:
            raise Broken
        return Head(path, os.fstat(file.fileno()).st_size, EXPIRY.unpack_from(begin)[0])


def _holds_sessions(directory: Path) -> bool:
    if any((directory / name).is_file() for name in _COUNTERS):
        return True
    usual = directory.name == _USUAL_NAME
    for path in session_files(directory):
        try:
            if head(path) is not None:
                return True
        except (OSError, Untrusted, Broken):
            if usual:
                return True
    return False


def _say(error: OSError) -> None:
    sys.stderr.write(f"migrate_sessions.census: {error.filename} cannot be listed ({error.strerror})\n")
