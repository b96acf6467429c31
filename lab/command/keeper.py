"""The keeper of a lab: ends it when the process it was started for has ended, even when that one was killed."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

# Run as a program, this file is alone on the path.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from command import lifecycle, setup

# How often the keeper looks whether its lab was ended by somebody else.
POLL_SECONDS = 1.0


def start(directory: Path, owner: int, save: Path | None) -> None:
    """Starts the keeper: a process of its own, which outlives this command.

    Raises LabError when there is no process `owner`.
    """
    try:
        # Not a number, which another process may get: this one process.
        process = os.pidfd_open(owner)
    except ProcessLookupError:
        raise lifecycle.LabError(f"there is no process {owner} that could own the lab") from None
    with (directory / "log/keeper.log").open("ab") as log:
        subprocess.Popen(
            [setup.SYSTEM_PYTHON, "-B", str(Path(__file__).resolve()), str(directory), str(process), str(save or "")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[process],
            start_new_session=True,
            cwd="/",
        )
    os.close(process)


def keep(directory: Path, owner: int, save: Path | None) -> None:
    """Waits until the owner, a pidfd, has ended or the lab is gone. A lab that is left is saved and ended."""
    while not select.select([owner], [], [], POLL_SECONDS)[0]:
        if not (directory / lifecycle.MARKER).exists():
            return
    if (directory / lifecycle.MARKER).exists():
        lifecycle.down(directory, save_to=save)


if __name__ == "__main__":
    keep(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]) if sys.argv[3] else None)
