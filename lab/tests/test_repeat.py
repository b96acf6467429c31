"""What `lab repeat-phase-3` and `lab budget` rest on, without a lab."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from conftest import LAB

sys.path.insert(0, str(LAB))

from command import budget, repeat, variant


def test_every_shortening_still_finds_its_line(tmp_path: Path) -> None:
    rollout = Path(shutil.copy(LAB / "rollout.yaml", tmp_path))
    before = rollout.read_text()
    repeat.shorten(rollout)
    assert "minimum_time: 60s" in rollout.read_text()
    assert rollout.read_text() != before


def test_every_variant_is_one_of_the_application_s() -> None:
    assert set(repeat.EXPECTED) <= set(variant.NAMES)


def test_a_process_is_looked_at_until_it_is_gone() -> None:
    most, seconds = budget.look(os.getpid()) or (0, -1.0)
    assert most > 1024
    assert seconds >= 0
    assert budget.look(2**22 + 1) is None
