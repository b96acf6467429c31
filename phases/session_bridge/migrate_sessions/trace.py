"""What happened to the session of the request that is being answered; each thread or greenlet sees its own."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import NamedTuple, Optional


class Kept(NamedTuple):
    """A session as Redis has it."""

    key: str
    body: memoryview
    stamp: int


@dataclass
class Trace:
    """Filled in by the store, read by the interface."""

    read: str = "none"  # The store it came from: `redis`, `old`, or `none`.
    wrote: str = "none"  # The stores that took it: `redis`, `old`, `both`, or `none`.
    missed: bool = False  # A cookie named it, and no store that answered has it.
    unknown: bool = False  # Missed, but Redis was not there to be asked.
    kept: Optional[Kept] = None  # What was read from Redis.


current: ContextVar[Optional[Trace]] = ContextVar("migrate_sessions_trace", default=None)


def trace() -> Trace:
    """The trace of this request, or one that nobody reads."""
    return current.get() or Trace()
