"""Copying a tree: what is copied, what is left out, and how a copy is resumed."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from host_programs.files.copy import copy, missing_bytes
from host_programs.files.tree_copy import bytes_in, is_done
from host_programs.request import CONFIGURATION, FOREIGN, NO_ROOM, NOT_THERE, Refusal
from support import as_process

VOLATILE = ["logs", "*.log", "sessions"]


@pytest.fixture
def original(tmp_path: Path) -> Path:
    root = tmp_path / "original"
    (root / "sub/sessions").mkdir(parents=True)
    (root / "logs").mkdir(mode=0o750)
    (root / "run.py").write_text("app = 1\n")
    (root / "sub/data").write_bytes(b"\0" * 3000)
    (root / "sub/a.log").write_text("x")
    (root / "sub/sessions/one").write_text("x")
    (root / "logs/today").write_text("x")
    (root / "link").symlink_to("sub/data")
    os.mkfifo(str(root / "pipe"))
    (root / "run.py").chmod(0o640)
    os.utime(str(root / "run.py"), ns=(1, 2_000_000_001))
    return root


def copied(original: Path, **more: Any) -> Path:
    target = original.parent / "copy"
    request = {"from": str(original), "to": str(target), "rollout": "ours", "volatile": VOLATILE, "needed_bytes": 1}
    as_process(copy, {**request, **more})
    return target


def names(root: Path) -> set[str]:
    return {str(one.relative_to(root)) for one in root.rglob("*") if ".migrate" not in one.parts}


def test_volatile_directories_are_empty_and_volatile_files_left_out(original: Path) -> None:
    target = copied(original)
    assert names(target) == {"run.py", "sub", "sub/data", "sub/sessions", "logs", "link", "pipe"}
    assert stat.S_IMODE((target / "logs").stat().st_mode) == 0o750
    assert (target / "run.py").read_text() == "app = 1\n"
    facts = (target / "run.py").stat()
    assert (facts.st_mtime_ns, stat.S_IMODE(facts.st_mode)) == (2_000_000_001, 0o640)
    assert os.readlink(str(target / "link")) == "sub/data"
    assert stat.S_ISFIFO((target / "pipe").stat().st_mode)
    assert (target / ".migrate/owner").read_text() == "ours\n"
    assert {one.name for one in (target / ".migrate").iterdir()} == {"owner", "complete"}


def test_hard_links_become_files_of_their_own(original: Path) -> None:
    os.link(str(original / "run.py"), str(original / "same.py"))
    target = copied(original)
    assert (target / "same.py").stat().st_nlink == 1


def test_a_volatile_link_to_a_directory_becomes_a_directory(original: Path) -> None:
    (original / "elsewhere").mkdir()
    (original / "sub/logs").symlink_to("../elsewhere")
    (original / "sub/more").mkdir()
    (original / "sub/more/logs").symlink_to("nowhere")
    target = copied(original)
    assert (target / "sub/logs").is_dir()
    assert not (target / "sub/logs").is_symlink()
    assert not os.path.lexists(str(target / "sub/more/logs"))


def test_a_complete_copy_is_left_as_it_is(original: Path) -> None:
    target = copied(original)
    (original / "new").touch()
    copied(original)
    assert not (target / "new").exists()


def test_an_interrupted_copy_is_resumed(original: Path) -> None:
    target = copied(original)
    done = (target / "run.py").stat().st_ino
    (target / ".migrate/complete").unlink()
    (target / ".migrate/part").write_text("half a file")
    (target / "too much").mkdir()
    (target / "sub/data").write_bytes(b"other")
    (target / "link").unlink()
    (target / "link").mkdir()
    copied(original)
    assert names(target) == {"run.py", "sub", "sub/data", "sub/sessions", "logs", "link", "pipe"}
    assert (target / "sub/data").read_bytes() == b"\0" * 3000
    assert (target / "run.py").stat().st_ino == done
    assert not (target / ".migrate/part").exists()


def test_a_file_is_done_when_mode_size_and_time_are_the_originals(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for path in (one, other):
        path.write_text("text")
        os.utime(str(path), ns=(1, 1))
    assert is_done(one.stat(), other.stat())
    os.utime(str(other), ns=(1, 2))
    assert not is_done(one.stat(), other.stat())
    os.utime(str(other), ns=(1, 1))
    other.chmod(0o600)
    assert not is_done(one.stat(), other.stat())


def test_what_is_copied_already_is_not_needed_again(original: Path) -> None:
    handle = os.open(str(original), os.O_RDONLY)
    assert bytes_in(handle) == len("app = 1\n") + 3000 + 3
    os.close(handle)
    assert [missing_bytes(10, copied) for copied in (0, 4, 12)] == [10, 6, 0]


def test_a_copy_that_is_not_possible_is_refused_before_anything_is_made(original: Path) -> None:
    parent = original.parent
    (parent / "alias").symlink_to(original)
    (parent / "theirs").mkdir()
    (parent / "theirs/file").touch()
    cases = [
        ({"from": str(parent / "no")}, NOT_THERE, "there is no directory"),
        ({"to": str(parent / "no/copy")}, NOT_THERE, "there is no directory"),
        ({"to": str(parent / "alias/copy")}, CONFIGURATION, "lie in each other"),
        ({"from": str(original / "sub"), "to": str(original)}, CONFIGURATION, "lie in each other"),
        ({"to": str(parent / "theirs")}, FOREIGN, "without our mark"),
        ({"needed_bytes": 1 << 62}, NO_ROOM, "MiB needed"),
    ]
    before = names(parent)
    for request, code, why in cases:
        with pytest.raises(Refusal, match=why) as refused:
            copied(original, **request)
        assert refused.value.code == code
    assert names(parent) == before
    (original / ".migrate").mkdir()
    with pytest.raises(Refusal, match=r"holds a \.migrate of its own"):
        copied(original)
