"""Stamps: which of two copies of a session is newer.

Every write gets a stamp, and both stores keep it beside the data. A stamp is the time in nanoseconds since 1970, except
that it is always larger than every stamp this process has given or seen (a hybrid logical clock). A request reads a
session before it writes it, so what it writes is newer than what it read, even if the host's clock is behind the
clock of the host that wrote it, or was set back.
"""

from __future__ import annotations

import threading
import time

# A stamp further ahead than this is damage or malice, not a clock that is wrong.
MAXIMUM_LEAD = 24 * 3600 * 10**9


class Clock:
    """Gives stamps. One for each process; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest = 0

    def next(self) -> int:
        """A stamp that is newer than every stamp given or observed before."""
        with self._lock:
            self._latest = max(self._latest + 1, time.time_ns())
            return self._latest

    def observe(self, stamp: int) -> None:
        """Notes a stamp that was read from a store."""
        if not plausible(stamp):
            return
        with self._lock:
            self._latest = max(self._latest, stamp)


def plausible(stamp: int) -> bool:
    """Whether a stamp can have been given by a clock that is about right."""
    return 0 < stamp <= time.time_ns() + MAXIMUM_LEAD
