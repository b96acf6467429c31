"""What the tests share."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "phases/session_bridge"
sys.path[:0] = [str(PACKAGE), str(Path(__file__).resolve().parent)]
sys.dont_write_bytecode = True

from migrate_sessions.breaker import Breaker  # noqa: E402
from redis_server import RedisServer  # noqa: E402


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The one server that most tests share."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _no_last_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every bridge of the tests would write its line when pytest ends."""
    monkeypatch.setattr("migrate_sessions.metrics.atexit", SimpleNamespace(register=lambda function: function))


class SetClock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time, in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += seconds


@pytest.fixture
def breaker_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """The clock of the circuit breaker of every application that is bridged after this."""
    clock = SetClock()
    # By its module: the package's attribute of that name is the function.
    module = importlib.import_module("migrate_sessions.install")
    monkeypatch.setattr(module, "Breaker", partial(Breaker, clock=clock))
    return clock


@pytest.fixture
def redis(shared_redis: RedisServer) -> RedisServer:
    """A server that is up, and empty."""
    shared_redis.client().flushall()
    return shared_redis


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of this test's own, to be stopped."""
    (tmp_path / "redis").mkdir()
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.stop(keep=False)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The directory of the session files."""
    directory = tmp_path / "flask_session"
    directory.mkdir()
    return directory
