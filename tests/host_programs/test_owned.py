"""Directories that a rollout owns."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from host_programs.owned import Ownership, is_volatile, ownership
from host_programs.owned_changes import erase, lock
from host_programs.request import PASSING, Progress, Refusal


def state_of(path: Path) -> Ownership:
    return ownership(str(path), "ours")


def test_a_path_without_a_directory_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert state_of(tmp_path / "no") == Ownership("missing")
    assert state_of(tmp_path / "file/below") == Ownership("missing")


def test_an_owned_directory_is_complete_or_unfinished(owned_directory: Path) -> None:
    found = state_of(owned_directory)
    assert (found.state, found.why) == ("complete", None)
    assert os.listdir(found.marks) == os.listdir(str(owned_directory / ".migrate"))
    (owned_directory / ".migrate/complete").unlink()
    assert state_of(owned_directory).state == "unfinished"


@pytest.mark.parametrize("entries", [(), (".migrate",), (".migrate", ".migrate/part")])
def test_what_a_crash_leaves_of_the_first_moments_is_unfinished(tmp_path: Path, entries: Any) -> None:
    directory = tmp_path / "new"
    directory.mkdir()
    for entry in entries:
        (directory / entry).mkdir()
    assert state_of(directory).state == "unfinished"


def test_what_is_not_ours_is_foreign(tmp_path: Path, owned_directory: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(owned_directory)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/theirs").touch()
    cases = {
        "file": "exists and is not a directory",
        "link": "is a symbolic link",
        "full": "without our mark .migrate/owner",
    }
    for name, why in cases.items():
        found = state_of(tmp_path / name)
        assert found.state == "foreign"
        assert why in found.why
        assert (found.root, found.marks) == (None, None)
    (owned_directory / ".migrate/owner").write_text("others\n")
    assert "belongs to the rollout `others`" in state_of(owned_directory).why


def test_a_mark_that_is_a_link_is_not_a_mark(tmp_path: Path, owned_directory: Path) -> None:
    (tmp_path / "mark").write_text("ours\n")
    (owned_directory / ".migrate/owner").unlink()
    (owned_directory / ".migrate/owner").symlink_to(tmp_path / "mark")
    assert state_of(owned_directory).state == "foreign"


@pytest.mark.parametrize(
    ("name", "matches"),
    [
        ("logs", True),
        ("logs2", False),
        ("a.log", True),
        (".log", True),
        ("a.logs", False),
        ("*.log", True),
        ("", False),
    ],
)
def test_volatile_names_match_as_find_matches(name: str, matches: bool) -> None:
    assert is_volatile(name, ["logs", "*.log"]) == matches


def test_a_file_is_written_whole_with_its_mode(owned_directory: Path, put: Callable[..., None]) -> None:
    (owned_directory / ".migrate/part").write_text("half of an earlier one")
    put("file", b"whole", 0o600)
    assert (owned_directory / "file").read_bytes() == b"whole"
    assert (owned_directory / "file").stat().st_mode & 0o7777 == 0o600
    assert Progress.has_written
    assert not (owned_directory / ".migrate/part").exists()


def test_there_is_one_writer_at_a_time(owned_directory: Path, marks: int) -> None:
    lock(marks, str(owned_directory))
    other = os.open(str(owned_directory / ".migrate"), os.O_RDONLY)
    with pytest.raises(Refusal, match="still being written") as refused:
        lock(other, str(owned_directory))
    assert refused.value.code == PASSING
    os.close(other)


def test_erasing_follows_no_link_and_opens_what_is_closed(tmp_path: Path, owned_directory: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    closed = owned_directory / "tree/closed"
    closed.mkdir(parents=True)
    (closed / "file").touch()
    (owned_directory / "tree/link").symlink_to(precious)
    closed.chmod(0)
    root = os.open(str(owned_directory), os.O_RDONLY)
    erase(root, "tree")
    erase(root, "nothing")
    os.close(root)
    assert not (owned_directory / "tree").exists()
    assert (precious / "file").exists()
