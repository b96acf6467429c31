"""A cookie that no store knows: when it is left alone, and when Flask-Session has its way."""

from __future__ import annotations

from pathlib import Path

import pytest

from redis_server import RedisServer
from world import User, bridged, original, totals

SAFE_ACTIONS = {
    "reads": lambda session: session.get("user"),
    "reads and pops": lambda session: session.pop("_flashes", None),
    "is made permanent": lambda session: setattr(session, "permanent", True),
    "nothing": lambda session: None,
}


@pytest.fixture
def passing(files: Path, tmp_path: Path) -> tuple[User, Path]:
    """A user whose session is known to an original instance only."""
    (tmp_path / "other").mkdir()
    user = User()
    user.puts(original(tmp_path / "other"), user="alice")
    return user, tmp_path / "other"


@pytest.mark.parametrize("name", SAFE_ACTIONS)
def test_a_user_passing_by_is_not_logged_out(
    redis: RedisServer, files: Path, passing: tuple[User, Path], name: str
) -> None:
    user, home = passing
    cookie = user.cookie
    app = bridged(files, redis.url)
    user.does(app, SAFE_ACTIONS[name], method="GET")
    assert user.cookie == cookie
    assert "Set-Cookie" not in user.response.headers
    assert redis.client().keys() == []
    assert totals(app)["cookies_kept"] == 1
    assert user.gets(original(home), "user") == "alice"
    # Also when that instance is bridged later: nothing newer was left in Redis.
    assert user.gets(bridged(home, redis.url), "user") == "alice"


def test_logging_in_gives_a_cookie(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url), User("unknown-to-everyone")
    user.puts(app, user="bob")
    assert user.gets(app, "user") == "bob"


def test_a_value_put_into_an_unknown_session_is_kept_even_by_a_get(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url), User("unknown-to-everyone")
    user.does(app, lambda session: session.update(theme="dark"), method="GET")
    assert user.gets(app, "theme") == "dark"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_clearing_an_unknown_session_is_meant(
    redis: RedisServer, files: Path, passing: tuple[User, Path], method: str
) -> None:
    user, _ = passing
    app = bridged(files, redis.url)
    user.does(app, lambda session: session.clear(), method=method)
    assert totals(app)["cookies_kept"] == 0


def test_a_changing_request_is_flask_sessions_business(redis: RedisServer, files: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    app, plain = bridged(files, redis.url), original(tmp_path / "x")
    one, other = User("unknown-to-everyone"), User("unknown-to-everyone")
    one.does(app, SAFE_ACTIONS["is made permanent"])
    other.does(plain, SAFE_ACTIONS["is made permanent"])
    assert one.cookie == other.cookie


def test_without_a_cookie_nothing_is_different(redis: RedisServer, files: Path, tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    app, plain = bridged(files, redis.url), original(tmp_path / "x")
    for action in SAFE_ACTIONS.values():
        one, other = User(), User()
        one.does(app, action, method="GET")
        other.does(plain, action, method="GET")
        assert (one.cookie is None) == (other.cookie is None)
    assert totals(app)["reads"] == 0


def test_the_header_only_when_told_so(redis: RedisServer, files: Path) -> None:
    import os

    app, user = bridged(files, redis.url, HEADER="yes"), User()
    user.puts(app, user="alice")
    assert user.response.headers["X-Migrate-Sessions"] == f"pid={os.getpid()}; read=none; wrote=both"
    user.gets(app, "user")
    assert "read=redis" in user.response.headers["X-Migrate-Sessions"]
    quiet = bridged(files, redis.url)
    user.gets(quiet, "user")
    assert "X-Migrate-Sessions" not in user.response.headers
