"""The circuit breaker alone, with a clock of the test's own."""

from __future__ import annotations

import threading

from migrate_sessions.breaker import Breaker
from migrate_sessions.stamps import MAXIMUM_LEAD, Clock


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def opened(time: Time) -> Breaker:
    breaker = Breaker(failures=3, cooldown=5.0, clock=time)
    for _ in range(3):
        assert breaker.allows()
        breaker.failed()
    return breaker


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    breaker = Breaker(3, 5.0, Time())
    for outcome in "ffsffs":
        assert breaker.allows()
        breaker.failed() if outcome == "f" else breaker.succeeded()
    assert not breaker.is_open
    for _ in range(3):
        breaker.failed()
    assert breaker.is_open
    assert not breaker.allows()


def test_after_the_cooldown_one_caller_tries() -> None:
    time = Time()
    breaker = opened(time)
    time.now += 4.9
    assert not breaker.allows()
    time.now += 0.2
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.failed()
    time.now += 4.9
    assert not breaker.allows()
    time.now += 0.2
    assert breaker.allows()
    breaker.succeeded()
    assert not breaker.is_open
    assert breaker.allows()
    assert breaker.allows()
    assert round(breaker.open_seconds(), 3) == 10.2


def test_a_caller_that_never_reports_back_does_not_block_it() -> None:
    time = Time()
    breaker = opened(time)
    time.now += 5.1
    assert breaker.allows()
    time.now += 5.1
    assert breaker.allows()


def test_of_many_threads_one_tries() -> None:
    time = Time()
    breaker = opened(time)
    time.now += 6
    start = threading.Barrier(16)
    allowed = []

    def ask() -> None:
        start.wait()
        allowed.append(breaker.allows())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 1


def test_stamps_only_grow_and_follow_what_was_seen() -> None:
    clock = Clock()
    first = clock.next()
    clock.observe(first + 10**9 * 60)
    assert clock.next() == first + 10**9 * 60 + 1
    clock.observe(first)
    clock.observe(first + 2 * MAXIMUM_LEAD)
    assert clock.next() == first + 10**9 * 60 + 2
