"""The circuit breaker: when Redis fails, it is left alone for a while instead of making every request wait.

closed     every call goes to Redis; so many failures in a row open it
open       no call goes to Redis, until the cooldown is over
half-open  one call, and only one, tries; success closes the circuit, failure opens it for another cooldown

Each process has its own. It needs no thread or timer: whoever asks first after the cooldown is the one who tries. A
caller that never reports back does not block it: after another cooldown somebody else may try.
"""

from __future__ import annotations

import threading
import time
from typing import Callable, Optional


class Breaker:
    """Safe to use from several threads; the clock can be replaced in tests."""

    def __init__(self, failures: int, cooldown: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._cooldown = cooldown
        self._clock = clock
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._opened: Optional[float] = None
        self._try_at = 0.0
        self._open_before = 0.0

    def allows(self) -> bool:
        """Whether this caller may go to Redis now. One who may must report `succeeded` or `failed`."""
        with self._lock:
            if self._opened is None:
                return True
            now = self._clock()
            if now < self._try_at:
                return False
            self._try_at = now + self._cooldown
            return True

    def succeeded(self) -> None:
        """Redis answered."""
        with self._lock:
            self._in_a_row = 0
            if self._opened is not None:
                self._open_before += self._clock() - self._opened
                self._opened = None

    def failed(self) -> None:
        """Redis did not answer."""
        with self._lock:
            self._in_a_row += 1
            now = self._clock()
            if self._opened is not None:
                self._try_at = now + self._cooldown
            elif self._in_a_row >= self._limit:
                self._opened = now
                self._try_at = now + self._cooldown

    @property
    def is_open(self) -> bool:
        """Whether Redis is being left alone, or tried for the first time since."""
        with self._lock:
            return self._opened is not None

    def open_seconds(self) -> float:
        """How long the circuit has been open, all together."""
        with self._lock:
            return self._open_before + (self._clock() - self._opened if self._opened is not None else 0.0)
