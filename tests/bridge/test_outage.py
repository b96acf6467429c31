"""Redis goes away and comes back: no request fails, nothing that was written meanwhile is lost."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import SetClock
from migrate_sessions import envelope
from migrate_sessions.codec import decode
from redis_server import RedisServer, free_port
from test_bridge import in_redis, original
from world import User, bridged, totals

# A little longer than the breaker's cooldown: see world.environment.
COOLDOWN = 0.31


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Asks until it holds."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, f"not in 30 s: {what}"
        time.sleep(0.01)


def test_redis_stops_and_comes_back_with_older_data(fragile: RedisServer, files: Path, breaker_clock: SetClock) -> None:
    app, user, new = bridged(files, fragile.url), User(), User()
    user.puts(app, n=1)
    cookie = user.cookie
    fragile.stop(keep=True)
    assert user.gets(app, "n") == 1
    user.puts(app, n=2)
    assert user.gets(app, "n") == 2
    new.puts(app, user="born during the outage")
    assert totals(app)["falls"] >= 6
    fragile.start()
    assert in_redis(fragile, user)["n"] == 1
    breaker_clock.advance(COOLDOWN)
    # The first to ask after the cooldown tries; Redis still holds the older session, and does not win.
    assert user.gets(app, "n") == 2
    assert in_redis(fragile, user)["n"] == 2
    assert new.gets(app, "user") == "born during the outage"
    assert in_redis(fragile, new)["user"] == "born during the outage"
    assert user.cookie == cookie
    hits = totals(app)["hits"]
    assert user.gets(app, "n") == 2
    assert totals(app)["hits"] == hits + 1


def test_the_same_when_only_redis_is_written(fragile: RedisServer, files: Path, breaker_clock: SetClock) -> None:
    app, user = bridged(files, fragile.url, WRITE="redis"), User()
    user.puts(app, n=1)
    fragile.freeze()
    stranger = User()
    stranger.puts(app, n=5)
    assert stranger.gets(app, "n") == 5
    fragile.thaw()
    breaker_clock.advance(COOLDOWN)
    assert (user.gets(app, "n"), stranger.gets(app, "n")) == (1, 5)
    assert in_redis(fragile, stranger)["n"] == 5


def test_redis_comes_back_empty(fragile: RedisServer, files: Path, breaker_clock: SetClock) -> None:
    app, user = bridged(files, fragile.url), User()
    user.puts(app, n=1)
    fragile.stop(keep=False)
    fragile.start()
    assert user.gets(app, "n") == 1
    breaker_clock.advance(COOLDOWN)
    assert user.gets(app, "n") == 1
    assert in_redis(fragile, user)["n"] == 1


def test_logging_out_during_an_outage_is_not_undone(fragile: RedisServer, files: Path, breaker_clock: SetClock) -> None:
    app, user = bridged(files, fragile.url), User()
    user.puts(app, user="alice")
    thief = User(user.cookie)
    fragile.stop(keep=True)
    user.leaves(app)
    assert user.cookie is None
    assert thief.gets(app, "user") is None
    fragile.start()
    breaker_clock.advance(COOLDOWN)
    assert in_redis(fragile, thief)["user"] == "alice"
    assert thief.gets(app, "user") is None
    assert in_redis(fragile, thief) == "deleted"
    assert thief.gets(app, "user") is None


def test_to_the_original_a_deletion_during_an_outage_is_an_expired_session(fragile: RedisServer, files: Path) -> None:
    app, user = bridged(files, fragile.url), User()
    user.puts(app, user="alice")
    thief = User(user.cookie)
    fragile.freeze()
    user.leaves(app)
    assert thief.gets(original(files), "user") is None


def test_a_session_that_only_redis_has_outlives_the_outage(
    fragile: RedisServer, files: Path, breaker_clock: SetClock
) -> None:
    app, user = bridged(files, fragile.url, WRITE="redis"), User()
    user.puts(app, user="alice")
    cookie = user.cookie
    fragile.freeze()
    for method in ("GET", "POST"):
        assert user.does(app, lambda session: session.get("user"), method=method) is None
        user.does(app, lambda session: setattr(session, "permanent", True), method=method)
    assert user.cookie == cookie
    # Somebody who does put something into a session gets a new one; the other is not overwritten.
    other = User(cookie)
    other.puts(app, theme="dark")
    assert other.cookie not in (None, cookie)
    fragile.thaw()
    breaker_clock.advance(COOLDOWN)
    assert user.gets(app, "user") == "alice"


def test_a_redis_that_never_answers_costs_little(fragile: RedisServer, files: Path) -> None:
    app, user = bridged(files, fragile.url, BREAKER_COOLDOWN="60"), User()
    user.puts(app, n=0)
    fragile.freeze()
    began = time.monotonic()
    for number in range(1, 61):
        user.puts(app, n=number)
    assert time.monotonic() - began < 9  # Two timeouts of 0.3 s, and then none: sixty would be 18 s.
    assert user.gets(app, "n") == 60


def test_an_address_that_accepts_nothing_costs_little(files: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        app, user = bridged(files, f"redis://127.0.0.1:{deaf.getsockname()[1]}"), User()
        began = time.monotonic()
        user.puts(app, n=1)
        assert user.gets(app, "n") == 1
        assert time.monotonic() - began < 5


def test_no_redis_at_all_from_the_start(files: Path) -> None:
    app, user = bridged(files, f"redis://127.0.0.1:{free_port()}"), User()
    user.puts(app, n=1)
    assert user.gets(app, "n") == 1
    assert totals(app)["falls"] >= 3


def test_a_wrong_password_is_an_outage(tmp_path: Path, files: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = RedisServer(tmp_path, password="correct horse")
    server.start()
    try:
        app, user = bridged(files, server.url, REDIS_PASSWORD="battery staple"), User()
        user.puts(app, n=1)
        assert user.gets(app, "n") == 1
        right = bridged(files, server.url, REDIS_PASSWORD="correct horse")
        assert user.gets(right, "n") == 1
        assert server.client().keys() == [f"session:{user.cookie}".encode()]
        assert "battery" not in caplog.text
        assert "horse" not in caplog.text
    finally:
        server.stop(keep=False)


def test_a_redis_that_refuses_to_write_loses_nothing(fragile: RedisServer, files: Path) -> None:
    app, user = bridged(files, fragile.url, WRITE="redis"), User()
    user.puts(app, n=1)
    fragile.client().execute_command("REPLICAOF", "127.0.0.1", str(free_port()))  # Read-only, as after a failover.
    user.puts(app, n=2)
    assert user.gets(app, "n") == 2
    fragile.client().execute_command("REPLICAOF", "NO", "ONE")
    assert user.gets(app, "n") == 2
    found = envelope.unseal(fragile.client().get(f"session:{user.cookie}"))
    assert decode(found.body)["n"] == 2


def test_many_threads_over_an_outage(fragile: RedisServer, files: Path) -> None:
    app = bridged(files, fragile.url)
    cache = app.session_interface.cache
    wrong: list[str] = []
    end = threading.Event()

    def live(number: int) -> None:
        count = 0
        while not end.is_set():
            count += 1
            cache.set(f"session:{number}", {"n": count}, 60)
            found = cache.get(f"session:{number}")
            if found != {"n": count}:
                wrong.append(f"{number}: {found} instead of {count}")

    threads = [threading.Thread(target=live, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: totals(app)["hits"] > 50, "hits before the outage")
        fragile.freeze()
        wait_until(lambda: totals(app)["falls"] > 50, "reads and writes without Redis")
        # Longer than a cooldown: one of them has tried Redis in vain.
        wait_until(lambda: app.session_interface.bridge_metrics._open_seconds() > COOLDOWN, "the circuit stays open")
        fragile.thaw()
        hits = totals(app)["hits"]
        wait_until(lambda: totals(app)["hits"] > hits + 50, "hits after the outage")
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert wrong == []
