"""A session that a request did not change is not written again: only its end moves."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from migrate_sessions import envelope
from migrate_sessions.codec import decode
from redis_server import RedisServer
from test_bridge import session_files
from world import LIFETIME, User, bridged, original, totals


def kept(redis: RedisServer) -> tuple[int, Any]:
    """The stamp and the content of the one session in Redis."""
    (key,) = redis.client().keys()
    found = envelope.unseal(redis.client().get(key))
    return found.stamp, None if found.deleted else decode(found.body)


def shorten(redis: RedisServer, files: Path) -> None:
    """As if most of the lifetime were over."""
    (key,) = redis.client().keys()
    redis.client().expire(key, 100)
    for file in session_files(files):
        with file.open("r+b") as opened:
            opened.write(struct.pack("I", int(time.time()) + 100))


def remaining(file: Path) -> float:
    return float(struct.unpack("I", file.read_bytes()[:4])[0] - time.time())


def test_only_the_end_moves(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url, HEADER="yes"), User()
    user.puts(app, name="alice", table=[1, 2])
    before, (file,) = kept(redis), session_files(files)
    written, content = totals(app)["bytes_written"], file.read_bytes()
    shorten(redis, files)
    assert user.gets(app, "name") == "alice"
    assert kept(redis) == before
    assert totals(app)["bytes_written"] == written
    assert file.read_bytes()[4:] == content[4:]
    (key,) = redis.client().keys()
    assert redis.client().ttl(key) > LIFETIME - 10
    assert remaining(file) > LIFETIME - 10
    assert "read=redis; wrote=both" in user.response.headers["X-Migrate-Sessions"]
    # The original application knows it, too.
    assert user.gets(original(files), "name") == "alice"


def test_what_is_changed_in_place_is_saved_although_nobody_said_so(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url), User()
    user.puts(app, table=[1, 2])
    before = kept(redis)[0]
    user.does(app, lambda session: session["table"].append(3), method="GET")
    assert kept(redis)[0] > before
    assert kept(redis)[1]["table"] == [1, 2, 3]
    assert user.gets(original(files), "table") == [1, 2, 3]


def meanwhile(app: Any, user: User, event: Callable[[], Any]) -> None:
    """Something that happens while a request that changes nothing is being answered."""

    def act(session: Any) -> None:
        assert session["name"] == "alice"
        event()

    user.does(app, act, method="GET")


def test_what_another_wrote_meanwhile_is_not_overwritten(redis: RedisServer, files: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    app, user = bridged(files, redis.url), User()
    other = bridged(tmp_path / "other", redis.url)
    user.puts(app, name="alice")
    meanwhile(app, user, lambda: User(user.cookie).puts(other, name="bob"))
    assert kept(redis)[1]["name"] == "bob"
    assert user.gets(app, "name") == user.gets(other, "name") == "bob"


def test_what_another_deleted_meanwhile_stays_deleted(redis: RedisServer, files: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    app, user = bridged(files, redis.url), User()
    other = bridged(tmp_path / "other", redis.url)
    user.puts(app, name="alice")
    thief = User(user.cookie)
    meanwhile(app, user, lambda: User(user.cookie).leaves(other))
    assert kept(redis)[1] is None
    assert thief.gets(app, "name") is None
    assert not session_files(files)


def test_what_redis_lost_meanwhile_is_saved(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url), User()
    user.puts(app, name="alice")
    before = kept(redis)[0]
    meanwhile(app, user, redis.client().flushall)
    assert kept(redis)[0] > before
    assert kept(redis)[1]["name"] == "alice"


def test_when_redis_goes_away_meanwhile_the_file_is_written(fragile: RedisServer, files: Path) -> None:
    app, user = bridged(files, fragile.url, WRITE="redis"), User()
    user.puts(app, name="alice")
    assert not session_files(files)
    meanwhile(app, user, lambda: fragile.stop(keep=False))
    assert len(session_files(files)) == 1
    assert user.gets(app, "name") == "alice"


@pytest.mark.parametrize("state", ["missing", "older"])
def test_a_file_that_is_not_what_redis_has_is_written(
    redis: RedisServer, files: Path, tmp_path: Path, state: str
) -> None:
    (tmp_path / "other").mkdir()
    app, user = bridged(files, redis.url), User()
    other = bridged(tmp_path / "other", redis.url)
    if state == "older":
        user.puts(app, name="eve")
    user.puts(other, name="alice")
    before = kept(redis)
    assert user.gets(app, "name") == "alice"
    assert kept(redis) == before
    assert user.gets(original(files), "name") == "alice"


def test_a_file_that_others_may_write_is_not_touched(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url), User()
    user.puts(app, name="alice")
    (file,) = session_files(files)
    shorten(redis, files)
    file.chmod(0o666)
    assert user.gets(app, "name") == "alice"
    (file,) = session_files(files)
    # Written anew, as the application does, and not changed where it lay.
    assert file.stat().st_mode & 0o777 == 0o600
    assert remaining(file) > LIFETIME - 10
