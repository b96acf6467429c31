"""What somebody with access to Redis may put there: it costs no memory, runs no code and breaks no request."""

from __future__ import annotations

import contextlib
import os
import pickle
import resource
import struct
import time
from pathlib import Path
from typing import Any

import pytest

from migrate_sessions import envelope
from migrate_sessions.codec import BadPayload, decode, encode
from migrate_sessions.codec.wire import Reader
from redis_server import RedisServer
from world import User, bridged, totals

HUGE = b"\xff\xff\xff\xff\xff\xff\xff\x7f"


class Evil:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.proof),)


@pytest.mark.parametrize("tag", range(0x90))
def test_a_huge_length_is_refused_before_memory_is_taken(tag: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for body in (HUGE, HUGE * 4, b"\x01" + HUGE, b"C\x0a\x01\x03\x07" + HUGE[:7], b""):
        with contextlib.suppress(BadPayload):
            decode(bytes([tag]) + body)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB: importing pandas takes some


def test_huge_shapes_and_items_are_refused() -> None:
    pytest.importorskip("numpy")
    shape = encode((10**12, 10**12))
    for dtype in (
        encode("<f8"),
        encode("<U0"),
        encode("|V999999999"),
        encode("<U999999999"),
        encode("O"),
        encode("object"),
    ):
        for text in (
            b"AC" + shape + b"N" + dtype + b"\0",
            b"AC" + encode((0,)) + b"N" + dtype + b"\0",
            b"AC" + shape + b"OV\0",
        ):
            try:
                decode(text)
            except BadPayload:
                continue
            assert dtype in (encode("<f8"), encode("<U0"))


def test_what_is_announced_must_be_there() -> None:
    with pytest.raises(BadPayload, match="3 bytes announced, 2 left"):
        Reader(memoryview(b"ab")).raw(3)
    with pytest.raises(BadPayload, match="3 items announced, 2 bytes left"):
        Reader(memoryview(b"\x03ab")).count()
    with pytest.raises(BadPayload, match="1 items announced, 3 bytes left"):
        Reader(memoryview(b"\x01abc")).count(size=4)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(BadPayload, match="nested"):
        decode(b"\x09\x01" * 100_000 + b"\0")


def sealed(body: bytes, **parts: Any) -> bytes:
    values = {
        "magic": envelope.MAGIC,
        "version": 1,
        "kind": b"S",
        "stamp": time.time_ns(),
        "length": len(body),
        **parts,
    }
    return struct.pack(">4sBcQQ", *values.values()) + body


def payloads(proof: Path) -> dict[str, bytes]:
    evil = pickle.dumps({"user": Evil(proof)})
    body = encode({"user": "mallory"})
    return {
        "pickle": evil,
        "old pickle": pickle.dumps({"user": Evil(proof)}, 0),
        "pickle in our envelope": sealed(evil),
        "pickle after magic": envelope.MAGIC + evil,
        "nothing": b"",
        "magic": envelope.MAGIC,
        "half a header": sealed(body)[:15],
        "cut short": sealed(body)[:-1],
        "too long": sealed(body) + b"x",
        "wrong length": sealed(body, length=2**63),
        "another version": sealed(body, version=2),
        "another kind": sealed(body, kind=b"X"),
        "from the future": sealed(body, stamp=2**63),
        "no stamp": sealed(body, stamp=0),
        "not a session": sealed(encode([1, 2])),
        "unhashable key": sealed(b"\x0d\x01\x09\x00\x00"),
        "text": b"hello",
        "json": b'{"user":"mallory"}',
        "a json list": b"[1,2]",
        "msgpack with a number for a key": b"\x81\x01\x02",
        "deep json": b"[" * 100_000,
        "random": os.urandom(300),
    }


@pytest.mark.parametrize("name", payloads(Path("/")))
@pytest.mark.parametrize("policy", ["ignore", "msgspec"])
def test_a_request_survives_whatever_is_in_redis(
    redis: RedisServer, files: Path, tmp_path: Path, name: str, policy: str
) -> None:
    proof = tmp_path / "proof"
    app = bridged(files, redis.url, FOREIGN=policy)
    user = User()
    user.puts(app, user="alice", n=1)
    client = redis.client()
    client.set(f"session:{user.cookie}", payloads(proof)[name])
    found = user.gets(app, "user")
    assert not proof.exists()
    assert found == ("mallory" if (name, policy) == ("json", "msgspec") and _has_msgspec() else "alice")
    if found == "alice":
        assert totals(app)["foreign"] + totals(app)["damaged"] == 1
        # Saving the session puts it right.
        assert decode(envelope.unseal(client.get(f"session:{user.cookie}")).body)["user"] == "alice"


def test_a_key_of_another_kind_breaks_nothing(redis: RedisServer, files: Path) -> None:
    app = bridged(files, redis.url)
    user = User()
    user.puts(app, user="alice")
    redis.client().delete(f"session:{user.cookie}")
    redis.client().lpush(f"session:{user.cookie}", "x")
    assert user.gets(app, "user") == "alice"
    assert totals(app)["falls"] == 1
    assert totals(app)["open_seconds"] == 0 if "open_seconds" in totals(app) else True


def _has_msgspec() -> bool:
    try:
        import msgspec  # noqa: F401
    except ImportError:
        return False
    return True
