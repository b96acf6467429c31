"""What the unit tests of `host_programs` share."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from host_programs.owned_changes import write_whole
from host_programs.release.site import Site
from host_programs.request import Progress


@pytest.fixture(autouse=True)
def nothing_written() -> Iterator[None]:
    """Each test begins as a program does."""
    Progress.has_written, Progress.reported_at = False, float("inf")
    yield
    Progress.has_written, Progress.reported_at = False, 0.0


@pytest.fixture
def owned_directory(tmp_path: Path) -> Path:
    """A directory that the rollout `ours` owns, complete."""
    directory = tmp_path / "owned"
    (directory / ".migrate").mkdir(parents=True)
    (directory / ".migrate/owner").write_text("ours\n")
    (directory / ".migrate/complete").touch()
    return directory


@pytest.fixture
def marks(owned_directory: Path) -> Iterator[int]:
    """The marks of that directory, opened."""
    handle = os.open(str(owned_directory / ".migrate"), os.O_RDONLY)
    yield handle
    os.close(handle)


@pytest.fixture
def put(owned_directory: Path, marks: int) -> Any:
    """Writes a file into that directory, as the programs do."""
    root = os.open(str(owned_directory), os.O_RDONLY)
    yield lambda name, content, mode=0o644: write_whole(marks, root, name, content, mode)
    os.close(root)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An original with a volatile directory beside an owned directory of releases."""
    live, releases = tmp_path / "app", tmp_path / "releases"
    (live / "uploads").mkdir(parents=True)
    (live / "uploads/one").touch()
    (releases / ".migrate").mkdir(parents=True)
    (releases / ".migrate/owner").write_text("ours\n")
    (releases / "shared").mkdir()
    volatile = ["uploads", "cache", "*.log", "__pycache__", "gunicorn.pid"]
    request = {"live": str(live), "releases": str(releases), "rollout": "ours", "unit": "app.service"}
    return Site(dict(request, volatile=volatile))
