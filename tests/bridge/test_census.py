"""The census: what it counts, what it refuses to open, and that it runs nothing, imports nothing and writes nothing."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
import struct
import subprocess
import sys
import time
from collections import OrderedDict, defaultdict
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from cachelib.file import FileSystemCache

from conftest import PACKAGE
from migrate_sessions import envelope
from migrate_sessions.census.report import Limits, report
from migrate_sessions.codec import encode
from migrate_sessions.trial import zoo
from redis_server import RedisServer
from world import User, bridged

MODELS = """
import enum, pathlib
pathlib.Path("imported").touch()
class User:
    def __init__(self): self.name = "swordfish"
class Basket(dict): pass
class Trail(list): pass
class Colour(enum.Enum): RED = "swordfish"
class Point(tuple): pass
"""


class Hostile:
    """Unpickling it calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = (function, arguments)

    def __reduce__(self) -> Any:
        return self._call


def put(directory: Path, name: str, value: Any, lifetime: int = 600, hash_name: str = "md5") -> Path:
    """Writes a session file as the application would."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / hashlib.new(hash_name, name.encode()).hexdigest()
    content = value if isinstance(value, bytes) else pickle.dumps(value, 5)
    path.write_bytes(struct.pack("I", int(time.time()) + lifetime) + content)
    path.chmod(0o600)
    return path


def counted(application: Path, **limits: Any) -> dict[str, Any]:
    return report(application, Limits(**limits))


def by_command(directory: Path, application: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The program, as it is called on a host."""
    command = [sys.executable, "-B", "-m", "migrate_sessions.census", "--application", str(application), *words]
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}
    return subprocess.run(command, cwd=directory, env=clean, capture_output=True, text=True, timeout=120)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An application's directory, with the package dropped in."""
    directory = tmp_path / "application"
    directory.mkdir()
    hidden = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE / "migrate_sessions", directory / "migrate_sessions", ignore=hidden)
    return directory


def test_an_application_without_sessions(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / ("a" * 32)).write_text("a file of another kind")
    assert counted(tmp_path) == {
        "directories": [],
        "sessions": 0,
        "untrusted": 0,
        "unreadable": 0,
        "expired": 0,
        "file_bytes": [0, 0, 0],
        "redis_bytes": [0, 0, 0],
        "redis_total_bytes": 0,
        "remaining_seconds": [0, 0, 0],
        "types": {},
        "unserializable": {},
    }


def test_sessions_of_a_real_application_are_counted_and_measured(files: Path, redis: RedisServer) -> None:
    app = bridged(files, redis.url)
    for number in range(3):
        User().puts(app, number=number, price=Decimal("1.10"), steps=(1, {2: "a"}))
    facts = counted(files.parent)
    assert facts["directories"] == [str(files)]
    assert (facts["sessions"], facts["untrusted"], facts["unreadable"], facts["expired"]) == (3, 0, 0, 0)
    assert facts["types"] == {"bool": 3, "decimal.Decimal": 3, "dict": 3, "int": 9, "str": 3, "tuple": 3}
    assert facts["unserializable"] == {}
    assert "examined" not in facts
    sizes = sorted(len(redis.client().get(key)) for key in redis.client().scan_iter())
    assert facts["redis_bytes"] == [sizes[1], sizes[2], sizes[2]]
    assert facts["redis_total_bytes"] == sum(sizes)
    assert 3590 <= facts["remaining_seconds"][0] <= 3600
    kept = [path.stat().st_size for path in files.iterdir() if pickle.loads(path.read_bytes()[4:]) != 3]
    assert facts["file_bytes"] == [sorted(kept)[1], max(kept), max(kept)]


def test_both_kinds_of_names_expired_ones_and_directories(tmp_path: Path) -> None:
    put(tmp_path / "one/flask_session", "a", {"a": 1})
    put(tmp_path / "two/sessions", "a", {"a": 1}, hash_name="sha256")
    put(tmp_path / "two/sessions", "old", {"expired": 1}, lifetime=-5)
    put(tmp_path / "two/.git", "a", {"a": 1})
    never = put(tmp_path / "two/sessions", "never", {"a": 1})
    never.write_bytes(struct.pack("I", 0) + never.read_bytes()[4:])
    (tmp_path / "shared").mkdir()
    put(tmp_path / "elsewhere/of-links", "a", {"a": 1})
    (tmp_path / "three").mkdir()
    (tmp_path / "three/flask_session").symlink_to(tmp_path / "elsewhere/of-links")
    FileSystemCache(str(tmp_path / "two/sessions")).set("cachelib", {"a": 1}, 500)
    facts = counted(tmp_path)
    assert (facts["sessions"], facts["expired"], facts["unreadable"]) == (5, 1, 0)
    assert len(facts["directories"]) == 3
    assert not any(".git" in name for name in facts["directories"])
    assert facts["types"] == {"int": 5}
    assert all(595 <= seconds <= 600 for seconds in facts["remaining_seconds"])  # Not the one that never ends.


def test_a_note_of_the_bridge_about_a_deletion_is_no_session(files: Path, fragile: RedisServer) -> None:
    app = bridged(files, fragile.url)
    alice = User()
    alice.puts(app, a=1)
    fragile.stop(keep=False)
    alice.leaves(app)
    facts = counted(files.parent)
    assert (facts["sessions"], facts["expired"], facts["unreadable"]) == (0, 1, 0)


def test_every_type_of_the_zoo_is_read_and_measured(tmp_path: Path) -> None:
    session = {"zoo": zoo.values()}
    for protocol in (2, 4, 5):
        put(tmp_path / "flask_session", str(protocol), pickle.dumps(session, protocol))
    facts = counted(tmp_path)
    assert (facts["sessions"], facts["unreadable"], facts["unserializable"]) == (3, 0, {})
    assert facts["redis_bytes"] == [len(envelope.seal(encode(session), 1))] * 3
    assert facts["types"]["uuid.UUID"] == 6
    pytest.importorskip("pandas")
    assert facts["types"]["pandas.DataFrame"] > 90
    assert facts["types"]["numpy.float32"] == 3


def test_what_redis_would_not_keep_is_named_by_type_and_counted_by_session(tmp_path: Path) -> None:
    directory = tmp_path / "flask_session"
    put(directory, "a", {"x": [defaultdict(list), defaultdict(int)], "y": Fraction(1, 2)})
    put(directory, "b", {"deep": {"x": {1: defaultdict(list)}}, "fine": OrderedDict(a=1)})
    put(directory, "c", {"fine": 1})
    ring: dict[str, Any] = {}
    ring["ring"] = ring
    put(directory, "d", ring)
    facts = counted(tmp_path)
    assert facts["unserializable"] == {"collections.defaultdict": 2, "dict": 1}
    assert facts["sessions"] == 4
    assert facts["types"]["collections.defaultdict"] == 3
    assert facts["redis_total_bytes"] == len(envelope.seal(encode({"fine": 1}), 1))


def test_a_class_inside_a_table_is_named(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"ok": [1, 2], "bad": pd.Series([1, Hostile(os.system, "true")], dtype=object)})
    put(tmp_path / "flask_session", "a", {"table": frame})
    facts = counted(tmp_path)
    assert facts["unserializable"] == {f"{os.system.__module__}.system": 1}
    assert facts["types"] == {"pandas.DataFrame": 1}


@pytest.mark.parametrize(
    "call",
    [
        lambda marker: (os.system, f"touch {marker}"),
        lambda marker: (eval, f"open({str(marker)!r}, 'w')"),
        lambda marker: (open, str(marker), "w"),
        lambda marker: (subprocess.Popen, ["touch", str(marker)]),
        lambda marker: (shutil.copy, "/etc/hostname", str(marker)),
        lambda marker: (exec, f"open({str(marker)!r}, 'w')"),
    ],
)
def test_a_hostile_pickle_of_the_right_owner_runs_nothing(tmp_path: Path, call: Any) -> None:
    marker = tmp_path / "hostile"
    hostile = Hostile(*call(marker))
    # Genuine: unpickled in the usual way, each would do it.
    put(tmp_path / "flask_session", "a", {"x": hostile})
    put(tmp_path / "flask_session", "b", hostile)
    facts = counted(tmp_path)
    assert not marker.exists()
    assert (facts["sessions"], facts["unreadable"]) == (1, 1)
    assert sum(facts["unserializable"].values()) == 1


@pytest.mark.parametrize(
    ("module", "name", "arguments"),
    [
        ("numpy", "memmap", ("{marker}", "u1", "w+", 0, (4,))),
        ("numpy", "load", ("{marker}",)),
        ("numpy", "save", ("{marker}", 1)),
        ("pandas", "ExcelWriter", ("{marker}",)),
        ("pandas", "HDFStore", ("{marker}",)),
        ("pandas", "eval", ("__import__('os').mkdir('{marker}')",)),
        ("pandas", "DataFrame.to_csv", ("{marker}",)),
        ("pandas.core.frame", "DataFrame.to_csv", ("{marker}",)),
        ("numpy.testing._private.utils", "runstring", ("open('{marker}', 'w')", {})),
        ("pandas.io.pickle", "read_pickle", ("{marker}",)),
    ],
)
def test_of_the_libraries_only_what_makes_values_is_called(
    tmp_path: Path, module: str, name: str, arguments: tuple[Any, ...]
) -> None:
    pytest.importorskip("pandas")
    marker = tmp_path / "hostile"
    filled = tuple(item.format(marker=marker) if isinstance(item, str) else item for item in arguments)
    pickled = b"\x80\x04}X\x01\x00\x00\x00x" + short(module) + short(name) + b"\x93"
    put(tmp_path / "flask_session", "a", pickled + pickle.dumps(filled, 4)[11:-1] + b"Rs.")
    put(tmp_path / "flask_session", "b", pickled + b")" + b"Rs.")
    facts = counted(tmp_path)
    assert not marker.exists()
    assert facts["sessions"] == 2
    assert facts["types"] == {f"{module}.{name}": 2} == facts["unserializable"]


def short(text: str) -> bytes:
    return b"\x8c" + bytes([len(text)]) + text.encode()


def test_attributes_are_not_looked_up(tmp_path: Path) -> None:
    """`getattr` is how pickles reach methods; two of its uses are harmless."""
    put(tmp_path / "flask_session", "a", {"x": Hostile(getattr, Fraction, "from_float")})
    put(tmp_path / "flask_session", "b", {"x": Hostile(getattr, "text", "format")})
    facts = counted(tmp_path)
    assert (facts["sessions"], facts["unreadable"]) == (0, 2)


def test_files_of_others_links_and_writable_ones_are_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "flask_session"
    put(directory, "fine", {"a": 1})
    put(directory, "by everyone", {"b": 2.0}).chmod(0o666)
    put(directory, "by the group", {"b": 2.0}).chmod(0o660)
    target = put(tmp_path, "target", {"b": 2.0}).rename(tmp_path / "target")
    (directory / ("b" * 32)).symlink_to(target)
    os.mkfifo(directory / ("c" * 32))
    facts = counted(tmp_path)
    assert (facts["sessions"], facts["untrusted"], facts["types"]) == (1, 4, {"int": 1})
    # Another owner: all of them, when somebody else asks.
    opened: list[Any] = []
    monkeypatch.setattr("migrate_sessions.census.report.contents", lambda *_: opened.append(_))
    monkeypatch.setattr("migrate_sessions.trusted_file.os.geteuid", lambda: os.getuid() + 1)
    facts = counted(tmp_path)
    assert facts["directories"] == [str(directory)]
    assert (facts["sessions"], facts["untrusted"]) == (0, 5)
    assert not opened


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\x80", b"\x80\x04N.", b"\x80\x04]\x94.", b"\x80\x04}\x94X\xff", b"\x80\x04Px\n."]
)
def test_what_is_no_session_is_counted_as_unreadable(tmp_path: Path, content: bytes) -> None:
    put(tmp_path / "flask_session", "a", content)
    facts = counted(tmp_path)
    assert (facts["sessions"], facts["unreadable"], facts["types"]) == (0, 1, {})


def test_a_file_that_goes_away_meanwhile_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "flask_session", "a", {"a": 1})
    monkeypatch.setattr("migrate_sessions.census.report.open_trusted", lambda path: None)
    facts = counted(tmp_path)
    assert (facts["sessions"], facts["unreadable"], facts["types"]) == (0, 0, {})


def test_of_many_a_sample_is_examined_and_the_report_says_so(tmp_path: Path) -> None:
    for number in range(40):
        put(tmp_path / "flask_session", str(number), {"a": 1})
    facts = counted(tmp_path, sessions=10)
    assert (facts["sessions"], facts["examined"], facts["types"]) == (40, 10, {"int": 10})
    assert facts["redis_total_bytes"] == 40 * facts["redis_bytes"][0]
    assert counted(tmp_path, sessions=40).get("examined") is None
    assert counted(tmp_path, file_bytes=5)["examined"] == 0
    assert counted(tmp_path, seconds=-1)["examined"] == 0


def test_classes_of_the_application_are_counted_by_name_and_not_imported(tree: Path) -> None:
    (tree / "models.py").write_text(MODELS)
    maker = (
        "import pickle, sys, models, collections\n"
        "session = {'u': models.User(), 'b': models.Basket(a=1), 't': models.Trail([1]), 'c': models.Colour.RED,\n"
        "  'p': models.Point((1, 2)), 'k': models.User, 's': {models.User()}, 'd': {models.Colour.RED: 'swordfish'}}\n"
        "sys.stdout.buffer.write(pickle.dumps(session, 5))"
    )
    made = subprocess.run([sys.executable, "-B", "-c", maker], cwd=tree, capture_output=True, check=True).stdout
    (tree / "imported").unlink()
    put(tree / "flask_session", "a", made)
    # Named like what the package imports, and in the directory it is run in.
    for name in ("redis", "numpy", "pandas", "markupsafe", "json"):
        (tree / f"{name}.py").write_text("import pathlib\npathlib.Path('imported').touch()\nraise SystemExit(9)\n")
    before = snapshot(tree)
    done = by_command(tree, tree)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert snapshot(tree) == before
    assert (facts["sessions"], facts["unreadable"]) == (1, 0)
    names = {"models.User", "models.Basket", "models.Trail", "models.Colour", "models.Point"}
    assert names <= set(facts["types"])
    assert names <= set(facts["unserializable"])
    assert facts["types"]["models.Colour"] == 2
    assert "swordfish" not in done.stdout + done.stderr


def snapshot(directory: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in directory.rglob("*"):
        state = path.lstat()
        found[str(path)] = (state.st_mtime_ns, state.st_size)
    return found


def test_no_value_is_printed(tree: Path) -> None:
    secret = "swordfish"
    put(tree / "flask_session", "a", {secret: secret, "n": {1: [secret, Decimal("31415"), datetime(1999, 1, 2)]}})
    put(tree / "flask_session", "b", {"x": Hostile(os.system, secret), secret: defaultdict(list, a=secret)})
    put(tree / "flask_session", "c", pickle.dumps({"a": secret}, 5)[:-3])
    done = by_command(tree, tree)
    facts = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert (facts["sessions"], facts["unreadable"]) == (2, 1)
    assert not {secret, "31415", "1999"} & set(re.findall(r"\w+", done.stdout + done.stderr))


def test_the_fields_are_those_that_the_caller_knows(tree: Path) -> None:
    source = (PACKAGE.parents[1] / "src/ports/census.rs").read_text()
    struct_of = source.partition("pub struct CensusFacts {")[2].partition("\n}")[0]
    fields = re.findall(r"pub (\w+):", struct_of)
    put(tree / "flask_session", "a", {"a": 1})
    found = json.loads(by_command(tree, tree).stdout)
    assert list(found) == [field for field in fields if field != "examined"]
    assert len(fields) >= 11


def test_a_directory_that_is_not_there_is_an_error(tree: Path) -> None:
    done = by_command(tree, tree / "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"migrate_sessions.census: there is no directory {tree / 'nowhere'}\n"


def test_it_does_not_take_all_the_memory(tree: Path) -> None:
    bomb = Hostile(bytearray, 64 << 30)
    put(tree / "flask_session", "a", {"x": bomb})
    put(tree / "flask_session", "b", {"x": 1})
    facts = json.loads(by_command(tree, tree).stdout)
    assert (facts["sessions"], facts["unreadable"]) == (1, 1)
