"""What tests of `host_programs` share, besides fixtures."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from host_programs.release.site import Site


def add_release(site: Site, name: str, owner: str = "ours", marks: Any = ("complete", "whole")) -> Path:
    """Makes a release with these marks; its path."""
    release = Path(site.releases) / name
    (release / ".migrate").mkdir(parents=True)
    (release / ".migrate/owner").write_text(owner + "\n")
    for mark in marks:
        (release / ".migrate" / mark).touch()
    return release


def as_process(work: Callable[[Any], Any], request: Any) -> Any:
    """Carries out a request as a process of its own would: what it has opened, locks too, is closed at its end."""
    before = set(os.listdir("/proc/self/fd"))
    try:
        return work(request)
    finally:
        for number in set(os.listdir("/proc/self/fd")) - before:
            with contextlib.suppress(OSError):
                os.close(int(number))
