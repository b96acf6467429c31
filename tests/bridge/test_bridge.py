"""Which store is read and written when: an original application and a bridged one share files, real Redis behind."""

from __future__ import annotations

import hashlib
import os
import pickle
import struct
import threading
import time
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cachelib.file import FileSystemCache

from migrate_sessions import envelope
from migrate_sessions.codec import decode, encode
from redis_server import RedisServer
from same import same
from world import LIFETIME, User, bridged, original, totals

RICH = {
    "user": "alice",
    "roles": {"analyst"},
    "since": datetime.now(timezone.utc),
    "sum": Decimal("1.10"),
    5: (1, b"x"),
    "big": 2**70,
}


def in_redis(redis: RedisServer, user: User) -> Any:
    """What Redis holds for a user: the session, `deleted`, or None."""
    value = redis.client().get(f"session:{user.cookie}")
    if value is None:
        return None
    found = envelope.unseal(value)
    return "deleted" if found.deleted else decode(found.body)


def session_files(directory: Path) -> list[Path]:
    counter = {hashlib.new(name, b"__wz_cache_count").hexdigest() for name in ("md5", "sha256")}
    return sorted(file for file in directory.iterdir() if file.name not in counter)


def age(directory: Path, seconds: float) -> None:
    """Makes files look as if they had been written earlier."""
    for file in session_files(directory):
        os.utime(file, (time.time() - seconds,) * 2)


def rich(session: Any) -> None:
    session.update(RICH)


def is_rich(session: Any) -> bool:
    return same({key: session.get(key) for key in RICH}, RICH)


# Nobody is logged out


def test_a_session_of_the_original_goes_on_and_is_copied(redis: RedisServer, files: Path) -> None:
    before, after, user = original(files), bridged(files, redis.url), User()
    user.does(before, rich)
    cookie = user.cookie
    assert in_redis(redis, user) is None
    assert user.does(after, is_rich, method="GET")
    assert user.cookie == cookie
    assert is_rich(in_redis(redis, user))
    assert (totals(after)["old"], totals(after)["lazy_copies"], totals(after)["hits"]) == (1, 1, 0)
    assert user.does(after, is_rich, method="GET")
    assert (totals(after)["old"], totals(after)["lazy_copies"], totals(after)["hits"]) == (1, 1, 1)


def test_a_session_born_on_redis_is_read_by_the_original(redis: RedisServer, files: Path) -> None:
    before, after, user = original(files), bridged(files, redis.url), User()
    user.does(after, rich)
    cookie = user.cookie
    assert user.does(before, is_rich)
    assert user.cookie == cookie
    user.puts(before, after_rollback=True)
    # And forward again: what the original wrote last is newer than what Redis holds.
    assert user.gets(after, "after_rollback") is True
    assert in_redis(redis, user)["after_rollback"] is True


def test_another_instance_sees_the_session(redis: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    a, b, user = bridged(tmp_path / "a", redis.url), bridged(tmp_path / "b", redis.url), User()
    user.does(a, rich)
    assert user.does(b, is_rich)
    user.puts(b, user="bob")
    assert user.gets(a, "user") == "bob"


@pytest.mark.parametrize("name", ["md5", "sha256"])
def test_both_kinds_of_file_names_are_found(redis: RedisServer, files: Path, name: str) -> None:
    app, user = bridged(files, redis.url), User("a-cookie-from-before")
    cache = FileSystemCache(str(files), hash_method=getattr(hashlib, name))
    cache.set("session:a-cookie-from-before", {"user": "alice"}, 60)
    assert (files / hashlib.new(name, b"session:a-cookie-from-before").hexdigest()).exists()
    assert user.gets(app, "user") == "alice"
    user.leaves(app)
    assert session_files(files) == []


@pytest.mark.parametrize("name", ["md5", "sha256"])
def test_files_are_named_for_the_original_when_told_so(redis: RedisServer, files: Path, name: str) -> None:
    app, user = bridged(files, redis.url, OLD_HASH=name), User()
    user.puts(app, user="alice")
    (file,) = session_files(files)
    assert file.name == hashlib.new(name, f"session:{user.cookie}".encode()).hexdigest()
    assert (
        FileSystemCache(str(files), hash_method=getattr(hashlib, name)).get(f"session:{user.cookie}")["user"] == "alice"
    )


def test_a_file_is_laid_out_as_the_original_does_it(redis: RedisServer, files: Path, tmp_path: Path) -> None:
    user = User()
    user.puts(bridged(files, redis.url), user="alice")
    (file,) = session_files(files)
    (tmp_path / "other").mkdir()
    user_of_original = User()
    user_of_original.puts(original(tmp_path / "other"), user="alice")
    (expected,) = session_files(tmp_path / "other")
    content, other = file.read_bytes(), expected.read_bytes()
    assert content[4:-12] == other[4:]
    assert abs(struct.unpack("I", content[:4])[0] - time.time() - LIFETIME) < 3
    assert file.stat().st_mode == expected.stat().st_mode
    assert (len(file.name), len(list(files.iterdir()))) == (
        len(expected.name),
        len(list((tmp_path / "other").iterdir())),
    )
    assert pickle.loads(content[4:])["user"] == "alice"


def test_the_key_prefix_can_be_another(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url, KEY_PREFIX="chat:"), User()
    user.puts(app, user="alice")
    assert redis.client().keys() == [f"chat:{user.cookie}".encode()]
    assert user.gets(original(files), "user") == "alice"


def test_signed_cookies_go_on(redis: RedisServer, files: Path) -> None:
    config = {"SESSION_USE_SIGNER": True}
    before, after, user = original(files, **config), bridged(files, redis.url, config), User()
    user.puts(before, user="alice")
    cookie = user.cookie
    assert "." in (cookie or "")
    assert user.gets(after, "user") == "alice"
    assert User((cookie or "")[:-2]).gets(after, "user") is None
    assert user.cookie == cookie


def test_an_old_directory_can_be_set(redis: RedisServer, files: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    before, user = original(tmp_path / "elsewhere"), User()
    user.puts(before, user="alice")
    after = bridged(files, redis.url, OLD_DIR=str(tmp_path / "elsewhere"))
    assert user.gets(after, "user") == "alice"
    assert session_files(files) == []


# Lifetimes


def test_what_has_expired_is_not_brought_back(redis: RedisServer, files: Path) -> None:
    before, after, user = original(files), bridged(files, redis.url), User()
    user.puts(before, user="alice")
    (file,) = session_files(files)
    file.write_bytes(struct.pack("I", int(time.time()) - 5) + file.read_bytes()[4:])
    assert user.gets(after, "user") is None
    assert in_redis(redis, user) is None


def test_a_copy_lives_as_long_as_the_file_would(redis: RedisServer, files: Path) -> None:
    before, user = original(files, SESSION_REFRESH_EACH_REQUEST=False), User()
    after = bridged(files, redis.url, {"SESSION_REFRESH_EACH_REQUEST": False})
    user.puts(before, user="alice")
    (file,) = session_files(files)
    file.write_bytes(struct.pack("I", int(time.time()) + 100) + file.read_bytes()[4:])
    after.session_interface.cache.get(f"session:{user.cookie}")
    assert 95 <= redis.client().ttl(f"session:{user.cookie}") <= 100
    user.puts(after, more=1)
    assert LIFETIME - 5 <= redis.client().ttl(f"session:{user.cookie}") <= LIFETIME


def test_a_file_that_never_ends_is_a_copy_that_never_ends(redis: RedisServer, files: Path) -> None:
    FileSystemCache(str(files)).set("session:x", {"user": "alice"}, 0)
    bridged(files, redis.url).session_interface.cache.get("session:x")
    assert redis.client().ttl("session:x") == -1


# Logging out


def test_logging_out_is_everywhere(redis: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    a, b, user = bridged(tmp_path / "a", redis.url), bridged(tmp_path / "b", redis.url), User()
    user.puts(a, user="alice")
    user.puts(b, more=1)
    thief = User(user.cookie)
    user.leaves(b)
    assert user.cookie is None
    assert session_files(tmp_path / "b") == []
    # Instance A still has its file, but Redis says that the session was deleted after it was written.
    assert len(session_files(tmp_path / "a")) == 1
    assert thief.gets(a, "user") is None
    assert session_files(tmp_path / "a") == []
    assert thief.gets(b, "user") is None
    assert thief.gets(original(tmp_path / "a"), "user") is None


def test_the_marker_of_a_deletion_lives_as_long_as_a_session(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url), User()
    user.puts(app, user="alice")
    key = f"session:{user.cookie}"
    user.leaves(app)
    assert LIFETIME - 5 <= redis.client().ttl(key) <= LIFETIME
    assert len(redis.client().get(key)) == 22


def test_clearing_what_never_was_leaves_nothing_in_redis(redis: RedisServer, files: Path) -> None:
    app = bridged(files, redis.url)
    User().leaves(app)
    assert redis.client().keys() == []


# Writing


def test_written_to_redis_only_when_told_so(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url, WRITE="redis"), User()
    user.does(app, rich)
    assert session_files(files) == []
    assert user.does(app, is_rich)


def test_what_cannot_be_kept_stays_in_the_old_store(
    redis: RedisServer, files: Path, caplog: pytest.LogCaptureFixture
) -> None:
    app, user = bridged(files, redis.url, WRITE="redis"), User()
    user.puts(app, user="alice")
    user.puts(app, profile={"colour": Profile("secret value")})
    assert type(user.gets(app, "profile")["colour"]) is Profile
    assert user.gets(original(files), "user") == "alice"
    assert in_redis(redis, user) is not None
    assert "profile" not in in_redis(redis, user)
    assert totals(app)["unserializable"] >= 2
    assert "session['profile']['colour']: the type test_bridge.Profile" in caplog.text
    assert "secret value" not in caplog.text
    assert caplog.text.count("not kept in Redis") == 1
    user.does(app, lambda session: session.pop("profile"))
    assert user.gets(app, "user") == "alice"
    assert "profile" not in in_redis(redis, user)
    assert totals(app)["hits"] >= 1


def test_what_cannot_be_kept_is_an_error_when_told_so(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url, UNSERIALIZABLE="error"), User()
    with pytest.raises(TypeError, match=r"session\['profile'\]"):
        user.puts(app, profile=Profile("x"))


def test_what_no_store_can_keep_is_the_applications_error(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url), User()
    with pytest.raises(TypeError, match=r"session\['lock'\]"):
        user.puts(app, lock=threading.Lock())
    assert session_files(files) == []


def test_a_full_old_store_does_not_end_requests(
    redis: RedisServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, user = bridged(files, redis.url), User()
    monkeypatch.setattr("cachelib.file.tempfile.mkstemp", _no_space)
    user.puts(app, user="alice")
    assert user.gets(app, "user") == "alice"
    assert totals(app)["old_failures"] == 2
    assert totals(app)["hits"] == 1


def _no_space(**_: Any) -> Any:
    raise OSError(28, "No space left on device")


class Profile:
    """A class of the application's own."""

    def __init__(self, text: str) -> None:
        self.text = text


# Which copy counts


def test_the_newer_copy_counts_whatever_the_clocks_say(redis: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    a, b, user = bridged(tmp_path / "a", redis.url), bridged(tmp_path / "b", redis.url), User()
    user.puts(a, n=1)
    # Instance A's clock is an hour ahead; what B writes after reading that must still be newer.
    ahead = time.time_ns() + 3600 * 10**9
    redis.client().set(f"session:{user.cookie}", envelope.seal(encode({"n": 2, "_permanent": True}), ahead))
    assert user.gets(b, "n") == 2
    user.puts(b, n=3)
    assert envelope.unseal(redis.client().get(f"session:{user.cookie}")).stamp > ahead
    assert user.gets(a, "n") == 3


def test_an_older_file_does_not_count(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url, WRITE="redis"), User()
    before = original(files)
    user.puts(before, n=1)
    user.puts(app, n=2)
    age(files, 60)
    assert user.gets(app, "n") == 2


def test_a_lazy_copy_does_not_replace_what_appeared_meanwhile(redis: RedisServer, files: Path) -> None:
    app, user = bridged(files, redis.url), User()
    user.puts(original(files), n=1)
    store = app.session_interface.cache
    key = f"session:{user.cookie}"
    entry = store._old.find(key)
    redis.client().set(key, envelope.seal(encode({"n": 2}), time.time_ns()))
    assert store._only_old(key, entry)["n"] == 1
    assert in_redis(redis, user) == {"n": 2}


def test_threads_do_not_lose_or_mix_sessions(redis: RedisServer, files: Path) -> None:
    app = bridged(files, redis.url, METRICS_INTERVAL="0.01")
    cache = app.session_interface.cache
    failures: list[str] = []

    def live(number: int) -> None:
        key = f"session:user-{number}"
        for count in range(25):
            cache.set(key, {"n": count, "who": number}, 60)
            if not same(cache.get(key), {"n": count, "who": number}):
                failures.append(f"{number}: {count}")
        cache.delete(key)
        if cache.get(key) is not None:
            failures.append(f"{number}: deleted")

    threads = [threading.Thread(target=live, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    counted = totals(app)
    assert (counted["reads"], counted["hits"], counted["writes"], counted["deletes"], counted["misses"]) == (
        208,
        200,
        200,
        8,
        8,
    )
