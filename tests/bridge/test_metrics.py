"""The line of metrics."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from conftest import SetClock
from migrate_sessions.metrics import COUNTERS, Metrics
from redis_server import RedisServer
from test_bridge import original
from world import User, bridged


def lines(text: str) -> list[dict[str, float]]:
    return [json.loads(line.split(" ", 1)[1]) for line in text.splitlines() if line.startswith("migrate_sessions {")]


def test_one_line_an_interval_with_everything(
    redis: RedisServer, files: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "metrics.log"
    app, user = bridged(files, redis.url, METRICS_INTERVAL="3600", METRICS_FILE=str(file)), User()
    user.puts(original(files), user="alice")
    for _ in range(5):
        user.gets(app, "user")
    assert lines(capfd.readouterr().err) == []
    app.session_interface.bridge_metrics._due = time.monotonic()  # The interval is over.
    user.gets(app, "user")
    user.gets(app, "user")
    (line,) = lines(capfd.readouterr().err)
    assert lines(file.read_text()) == [line]
    assert list(line) == ["pid", *COUNTERS, "open_seconds"]
    assert (line["pid"], line["reads"], line["hits"], line["old"], line["lazy_copies"], line["writes"]) == (
        os.getpid(),
        6,
        5,
        1,
        1,
        5,
    )
    # Written twice: copied, and saved by the same request. The others changed nothing.
    assert line["bytes_read"] > 5 * 22
    assert line["bytes_written"] > 2 * 22
    assert line["open_seconds"] == 0


def test_the_open_circuit_is_timed(files: Path, breaker_clock: SetClock) -> None:
    app, user = bridged(files, "redis://127.0.0.1:1", BREAKER_COOLDOWN="60"), User()
    user.puts(app, n=1)
    user.puts(app, n=2)
    breaker_clock.advance(12.5)
    assert app.session_interface.bridge_metrics._open_seconds() == 12.5


def test_nothing_new_is_not_said_again(capfd: pytest.CaptureFixture[str]) -> None:
    metrics = Metrics(60, None, lambda: 0.0)
    metrics.write()
    metrics.count("reads")
    metrics.write()
    metrics.write()
    assert [line["reads"] for line in lines(capfd.readouterr().err)] == [1]


def test_a_fork_counts_its_own(tmp_path: Path) -> None:
    metrics = Metrics(60, tmp_path / "log", lambda: 0.0)
    metrics.count("reads", 5)
    child = os.fork()
    if child == 0:
        metrics.count("reads")
        metrics.write()
        os._exit(0)
    os.waitpid(child, 0)
    (line,) = lines((tmp_path / "log").read_text())
    assert (line["pid"], line["reads"]) == (child, 1)


def test_a_file_that_cannot_be_written_ends_nothing() -> None:
    metrics = Metrics(60, Path("/nowhere/log"), lambda: 0.0)
    metrics.count("reads")
    metrics.write()
