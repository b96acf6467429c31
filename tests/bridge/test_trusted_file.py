"""Only files that the application itself must have written are unpickled."""

from __future__ import annotations

import os
import pickle
import stat
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from migrate_sessions import Refused
from redis_server import RedisServer
from test_bridge import session_files
from world import User, bridged, original, totals


class Evil:
    """Makes a directory when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.proof),)


def linked(file: Path) -> None:
    file.rename(file.parent.parent / "target")
    file.symlink_to(file.parent.parent / "target")


def a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


CHANGES: dict[str, Callable[[Path], None]] = {
    "writable by the group": lambda file: file.chmod(0o620),
    "writable by everyone": lambda file: file.chmod(0o602),
    "a link": linked,
    "a pipe": a_pipe,
    "a directory": a_directory,
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_untrusted_file_is_not_opened(redis: RedisServer, files: Path, tmp_path: Path, name: str) -> None:
    app, user, proof = bridged(files, redis.url), User(), tmp_path / "proof"
    user.puts(original(files), user="alice")
    (file,) = session_files(files)
    file.write_bytes(struct.pack("I", int(time.time()) + 60) + pickle.dumps(Evil(proof)))
    CHANGES[name](file)
    assert user.gets(app, "user") is None
    assert not proof.exists()
    assert totals(app)["untrusted"] == 1


def test_a_file_of_another_user_is_not_opened(redis: RedisServer, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app, user = bridged(files, redis.url), User()
    user.puts(original(files), user="alice")
    (file,) = session_files(files)
    if os.geteuid() == 0:
        os.chown(file, 12345, 12345)
    else:
        someone = os.geteuid() + 1
        monkeypatch.setattr("migrate_sessions.trusted_file.os.geteuid", lambda: someone)
    assert user.gets(app, "user") is None
    assert totals(app)["untrusted"] == 1
    assert totals(app)["old"] == 0


def test_the_same_file_is_opened_when_it_is_ours(redis: RedisServer, files: Path, tmp_path: Path) -> None:
    # So that the tests above fail for the right reason: this very payload does run when it is trusted.
    app, user, proof = bridged(files, redis.url), User(), tmp_path / "proof"
    user.puts(original(files), user="alice")
    (file,) = session_files(files)
    file.write_bytes(struct.pack("I", int(time.time()) + 60) + pickle.dumps(Evil(proof)))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert user.gets(app, "user") is None
    assert proof.exists()


@pytest.mark.parametrize(
    "content", [b"", b"abc", struct.pack("I", 0), struct.pack("I", 0) + b"\x80\x05", b"\xff" * 300]
)
def test_a_broken_file_is_no_session(redis: RedisServer, files: Path, content: bytes) -> None:
    app, user = bridged(files, redis.url), User()
    user.puts(original(files), user="alice")
    (file,) = session_files(files)
    file.write_bytes(content)
    assert user.gets(app, "user") is None
    user.puts(app, user="bob")
    assert user.gets(app, "user") == "bob"


def test_files_that_others_may_write_are_refused_at_the_start(redis: RedisServer, files: Path) -> None:
    with pytest.raises(Refused, match="SESSION_FILE_MODE"):
        bridged(files, redis.url, {"SESSION_FILE_MODE": 0o660})
