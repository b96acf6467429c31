"""What recorded versions of the bridge wrote is read by this one: Redis values, session files, the metrics file.

`tests/fixtures/README.md` describes the recordings.
"""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from importlib import metadata
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from migrate_sessions import envelope
from migrate_sessions.codec import decode
from migrate_sessions.errors import BadPayload
from redis_server import RedisServer
from same import same
from world import User, bridged, totals

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = sorted((ROOT / "tests/fixtures").glob("*/redis/flask-session-*.json"))
HERE = ".".join(metadata.version("Flask-Session").split(".")[:2])


def described(recording: Path) -> Any:
    """The module beside a recording that rebuilds its sessions."""
    spec = spec_from_file_location(f"sessions_of_{recording.parents[1].name}", recording.parent / "sessions.py")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.SESSIONS


def cases() -> list[Any]:
    """Each recorded value that can be rebuilt here: as pandas makes it, only under the versions that recorded it."""
    found = []
    for recording in RECORDINGS:
        sessions = described(recording)
        for value in json.loads(recording.read_text())["values"]:
            session = sessions[value["session"]]
            is_own = recording.stem.endswith(HERE)
            if all(find_spec(module) for module in session.needs) and (session.portable or is_own):
                name = f"{recording.parents[1].name}-{recording.stem}-{value['session']}"
                found.append(pytest.param(value, session, id=name.replace(" ", "-")))
    return found


def session_files() -> list[Any]:
    """Each recorded session file, under every version: what is in them needs no package."""
    found = []
    for recording in RECORDINGS:
        for file in json.loads(recording.read_text())["files"]:
            found.append(pytest.param(file, id=f"{recording.parents[1].name}-{recording.stem}-{file['what']}"))
    return found


def documents() -> list[Any]:
    """Each recording."""
    return [pytest.param(file, id=f"{file.parents[1].name}-{file.stem}") for file in RECORDINGS]


def short(file: Path) -> str:
    """The name of a recorded file below the fixtures."""
    return str(file.relative_to(ROOT / "tests/fixtures"))


def user_of(key: str) -> User:
    """The user whose session is kept under that key."""
    return User(key.removeprefix("session:"))


def content(session: Any) -> dict[Any, Any]:
    """A session as a dictionary, without what Flask-Session adds."""
    return {key: value for key, value in dict(session).items() if key != "_permanent"}


def place(directory: Path, file: dict[str, str]) -> Path:
    """Puts a recorded session file where the application keeps its own."""
    path = directory / file["file"]
    path.write_bytes(b64decode(file["content"]))
    path.chmod(0o600)
    return path


def test_every_supported_version_is_recorded() -> None:
    for directory in {recording.parent for recording in RECORDINGS}:
        found = {file.stem.removeprefix("flask-session-") for file in directory.glob("*.json")}
        assert found >= {"0.5", "0.6", "0.7", "0.8"}, directory
    assert sum(HERE in case.id for case in cases()) >= 6


@pytest.mark.parametrize(("value", "session"), cases())
def test_a_recorded_value_decodes_to_its_session(value: dict[str, str], session: Any) -> None:
    sealed = envelope.unseal(b64decode(value["value"]))
    assert not sealed.deleted
    found = content(decode(sealed.body))
    assert same(found, session.build())


@pytest.mark.parametrize(("value", "session"), cases())
def test_its_user_is_still_signed_in(redis: RedisServer, files: Path, value: dict[str, str], session: Any) -> None:
    redis.client().set(value["key"], b64decode(value["value"]))
    app, user = bridged(files, redis.url), user_of(value["key"])
    found, counted = user.does(app, content, method="GET"), totals(app)
    assert same(found, session.build())
    assert (counted["hits"], counted["damaged"], counted["foreign"]) == (1, 0, 0)


@pytest.mark.parametrize("recording", documents())
def test_a_recorded_deletion_is_one(redis: RedisServer, files: Path, recording: Path) -> None:
    marker = json.loads(recording.read_text())["deleted"]
    assert envelope.unseal(b64decode(marker["value"])).deleted
    redis.client().set(marker["key"], b64decode(marker["value"]))
    app, user = bridged(files, redis.url), user_of(marker["key"])
    found = user.does(app, content, method="GET")
    assert found == {}
    assert (totals(app)["misses"], totals(app)["damaged"]) == (1, 0)


@pytest.mark.parametrize("file", [case for case in session_files() if "deletion" not in case.id])
def test_a_recorded_session_file_is_read(redis: RedisServer, files: Path, file: dict[str, str]) -> None:
    expected = {
        "both": {"where": "in both stores", "roles": {"analyst"}},
        "alone": {"where": "in its file alone"},
    }[file["what"]]
    path = place(files, file)
    app, user = bridged(files, redis.url), user_of(file["key"])
    entry = app.session_interface.cache.old.find(file["key"])
    assert entry is not None
    assert (entry.path, entry.marked, entry.deleted) == (path, True, False)
    found = user.does(app, content, method="GET")
    assert same(found, expected)
    assert (totals(app)["old"], totals(app)["lazy_copies"], totals(app)["untrusted"]) == (1, 1, 0)


@pytest.mark.parametrize("file", [case for case in session_files() if "both" in case.id])
def test_neither_store_of_a_recorded_session_is_newer(redis: RedisServer, files: Path, file: dict[str, str]) -> None:
    path = place(files, file)
    redis.client().set(file["key"], b64decode(file["redis"]))
    app, user = bridged(files, redis.url), user_of(file["key"])
    entry = app.session_interface.cache.old.find(file["key"])
    assert entry is not None
    assert entry.path == path
    assert entry.stamp == envelope.unseal(b64decode(file["redis"])).stamp
    user.does(app, content, method="GET")
    assert (totals(app)["hits"], totals(app)["old"], totals(app)["lazy_copies"]) == (1, 0, 0)


@pytest.mark.parametrize("file", [case for case in session_files() if "deletion" in case.id])
def test_a_recorded_deletion_note_is_passed_on(redis: RedisServer, files: Path, file: dict[str, str]) -> None:
    redis.client().set(file["key"], b64decode(file["redis"]))
    path = place(files, file)
    app, user = bridged(files, redis.url), user_of(file["key"])
    found = user.does(app, content, method="GET")
    assert found == {}
    assert envelope.unseal(redis.client().get(file["key"])).deleted
    assert not path.exists()


@pytest.mark.parametrize("recording", documents())
def test_a_value_of_a_later_format_is_refused_by_name(recording: Path) -> None:
    value = bytearray(b64decode(json.loads(recording.read_text())["values"][0]["value"]))
    value[4] += 1
    with pytest.raises(BadPayload, match=f"format version {value[4]}, this is version"):
        envelope.unseal(bytes(value))


@pytest.mark.parametrize("recording", documents())
def test_recorded_metrics_are_read(recording: Path, tmp_path: Path) -> None:
    file = tmp_path / "metrics.log"
    file.write_text(json.loads(recording.read_text())["metrics"])
    (process,) = read_metrics(file)
    assert {name: process[name] for name in ("reads", "falls", "damaged", "unserializable", "old_failures")} == {
        "reads": 1, "falls": 0, "damaged": 0, "unserializable": 0, "old_failures": 0
    }  # fmt: skip


@pytest.mark.parametrize("file", sorted((ROOT / "tests/fixtures").glob("*/*/hosts/*/metrics.log")), ids=short)
def test_metrics_of_a_host_are_read(file: Path) -> None:
    processes = read_metrics(file)
    assert len(processes) >= 2
    assert sum(process["reads"] for process in processes) > 100


def read_metrics(file: Path) -> list[dict[str, int]]:
    """What `migrate` reads of a metrics file on a host."""
    script = (ROOT / "host_programs/bridge_log.py").read_text()
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script, str(file)], check=True, capture_output=True)
    answer = json.loads(done.stdout)
    assert answer["exists"]
    return answer["processes"]
