"""Counting, within limits.

| field               | meaning |
|---------------------|---------|
| directories         | in which session files were found |
| sessions            | files that are sessions and have not expired |
| untrusted           | files that were not opened: another owner, a link, writable by others |
| unreadable          | files that could not be read as a session |
| expired             | sessions that have expired; nothing else counts them |
| file_bytes          | of their files: median, 95th percentile, largest |
| redis_bytes         | of what Redis would hold of the same sessions: median, 95th percentile, largest |
| redis_total_bytes   | all of them together; if not all were examined, as many as there are would be |
| remaining_seconds   | they still have to live: median, 95th percentile, longest; without those that never end |
| types               | how many values of each type there are, by the type's full name |
| unserializable      | types that the bridge keeps in the old store alone, with how many sessions hold one |
| examined            | only if not all were: how many. redis_bytes, types and unserializable are theirs alone |
"""

from __future__ import annotations

import random
import time
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..trusted_file import Untrusted, open_trusted
from .contents import contents
from .directories import Broken, Head, head, session_directories, session_files


@dataclass(frozen=True)
class Limits:
    """How much is unpickled."""

    sessions: int = 2000  # At most so many, taken at random.
    seconds: float = 60.0  # None after so long.
    file_bytes: int = 256 << 20  # None larger than this.


class _Census:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._random = random.Random(0)
        self._sample: list[Head] = []
        self.live = self.untrusted = self.unreadable = self.expired = self.examined = 0
        self.file_bytes, self.remaining, self.redis_bytes = array("Q"), array("Q"), array("Q")
        self.types: Counter[str] = Counter()
        self.unserializable: Counter[str] = Counter()

    def look_at(self, path: Path, now: float) -> None:
        """Counts a file by its head, and perhaps takes it into the sample."""
        try:
            found = head(path)
        except Untrusted:
            self.untrusted += 1
            return
        except (OSError, Broken):
            self.unreadable += 1
            return
        if found is None:
            return
        if found.expires and found.expires < now:
            self.expired += 1
            return
        self.live += 1
        self.file_bytes.append(found.size)
        if found.expires:
            self.remaining.append(int(found.expires - now))
        # Every file is as likely as any other to be in the sample, however many there are (reservoir sampling).
        if len(self._sample) < self._limits.sessions:
            self._sample.append(found)
        else:
            place = self._random.randrange(self.live)
            if place < self._limits.sessions:
                self._sample[place] = found

    def examine(self) -> None:
        """Unpickles the sample."""
        until = time.monotonic() + self._limits.seconds
        for found in self._sample:
            if time.monotonic() > until:
                return
            if found.size <= self._limits.file_bytes:
                self._open(found)

    def _open(self, found: Head) -> None:
        try:
            file = open_trusted(found.path)
            if file is None:  # Gone: the application goes on.
                self.live -= 1
                return
            with file:
                inside = contents(found, file)
        except (OSError, Untrusted, Broken):
            self.live -= 1
            self.unreadable += 1
            return
        self.examined += 1
        self.types.update(inside.types)
        self.unserializable.update(inside.unserializable)
        if inside.redis_bytes is not None:
            self.redis_bytes.append(inside.redis_bytes)


def report(application: Path, limits: Limits) -> dict[str, Any]:
    """Counts the sessions below a directory."""
    directories = session_directories(application)
    census = _Census(limits)
    now = time.time()
    for directory in directories:
        for path in session_files(directory):
            census.look_at(path, now)
    census.examine()
    total = sum(census.redis_bytes)
    found: dict[str, Any] = {
        "directories": [str(directory) for directory in directories],
        "sessions": census.live,
        "untrusted": census.untrusted,
        "unreadable": census.unreadable,
        "expired": census.expired,
        "file_bytes": _three(census.file_bytes),
        "redis_bytes": _three(census.redis_bytes),
        "redis_total_bytes": total * census.live // census.examined if census.examined else total,
        "remaining_seconds": _three(census.remaining),
        "types": dict(sorted(census.types.items())),
        "unserializable": dict(sorted(census.unserializable.items())),
    }
    if census.examined < census.live:
        found["examined"] = census.examined
    return found


def _three(numbers: Sequence[int]) -> list[int]:
    """Median, 95th percentile and largest: each is one of the numbers."""
    ordered = sorted(numbers)
    if not ordered:
        return [0, 0, 0]
    return [ordered[-(-len(ordered) * percent // 100) - 1] for percent in (50, 95, 100)]
