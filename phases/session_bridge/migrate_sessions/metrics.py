"""What the bridge did, in one line an interval.

The line is `migrate_sessions ` and a JSON object, on standard error and, if told to, appended to a file. Every number
is a total since the process began, so a lost line loses nothing: the last line of each `pid` says it all. A line is
written by the first session that is used after the interval is over, and when the process ends; an idle process is
silent, because nothing changed.

| name             | counts |
|------------------|--------|
| reads            | sessions asked for by a cookie |
| hits             | found in Redis |
| old              | found in the old store: not in Redis yet, or newer than what Redis had, or Redis was away |
| misses           | in neither store, or deleted |
| lazy_copies      | copied from the old store to Redis because they were missing or older there |
| falls            | reads, writes and deletions that went to the old store alone because Redis was away |
| writes, deletes  | sessions saved, sessions deleted |
| bytes_read, bytes_written | of Redis values |
| unserializable   | saves and copies that Redis was spared, because a value would have changed its type |
| foreign          | Redis values that somebody else wrote |
| damaged          | Redis values of ours that cannot be decoded |
| untrusted        | session files that were not opened: another owner, a link, writable by others |
| old_failures     | writes that the old store did not take |
| cookies_kept     | cookies that named an unknown session and were left alone |
| open_seconds     | how long the circuit to Redis was open |
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Callable, Optional

COUNTERS = (
    "reads", "hits", "old", "misses", "lazy_copies", "falls", "writes", "deletes", "bytes_read", "bytes_written",
    "unserializable", "foreign", "damaged", "untrusted", "old_failures", "cookies_kept",
)  # fmt: skip
NAME = "migrate_sessions"


class Metrics:
    """Counts, and writes the line when it is due. Safe to use from several threads and after a fork."""

    def __init__(self, interval: float, file: Optional[Path], open_seconds: Callable[[], float]) -> None:
        self._interval = interval
        self._file = file
        self._open_seconds = open_seconds
        self._lock = threading.Lock()
        self._reset()
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self.write)

    def _reset(self) -> None:
        self._totals = dict.fromkeys(COUNTERS, 0)
        self._changed = False
        self._due = time.monotonic() + self._interval

    def _after_fork(self) -> None:
        # A worker forked from a master that has the application loaded counts its own, with a lock nobody holds.
        self._lock = threading.Lock()
        self._reset()

    def count(self, name: str, number: int = 1) -> None:
        """Adds to a counter."""
        with self._lock:
            self._totals[name] += number
            self._changed = True

    def totals(self) -> dict[str, int]:
        """The counters as they are."""
        with self._lock:
            return dict(self._totals)

    def write_if_due(self) -> None:
        """Writes the line if the interval is over."""
        with self._lock:
            due = time.monotonic() >= self._due
            if due:
                self._due = time.monotonic() + self._interval
        if due:
            self.write()

    def write(self) -> None:
        """Writes the line, if there is anything new to say."""
        with self._lock:
            if not self._changed:
                return
            self._changed = False
            totals = dict(self._totals)
        values = {"pid": os.getpid(), **totals, "open_seconds": round(self._open_seconds(), 3)}
        line = f"{NAME} {json.dumps(values)}\n"
        try:
            sys.stderr.write(line)
            sys.stderr.flush()
            if self._file is not None:
                # One write to a file opened for appending: lines of several processes do not mix.
                with self._file.open("ab", buffering=0) as file:
                    file.write(line.encode())
        except (OSError, ValueError):
            pass  # A full disk or a closed stderr must not end a request.
