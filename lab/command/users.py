"""`lab users`: people in front of the load balancer, from a program that knows nothing of `migrate`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from command import lifecycle, setup

ENTRANCE = "http://chatmrpt.lab.internal"


def run(directory: Path, count: int, seconds: int | None, prefix: str) -> int:
    """Lets them in, for so many seconds or until a signal; says what they saw. 0 when nothing was wrong."""
    lifecycle.running(directory)
    with tempfile.TemporaryDirectory(prefix="lab-users-") as place:
        report = Path(place) / "report.json"
        words = [
            str(setup.virtualenv("users") / "bin/locust"),
            "-f",
            str(setup.LAB / "users/locustfile.py"),
            "--headless",
            "--only-summary",
            "--skip-log-setup",
            "--users",
            str(count),
            "--spawn-rate",
            "25",
            "--host",
            ENTRANCE,
            "--stop-timeout",
            "20",
            *(["--run-time", f"{seconds}s"] if seconds else []),
        ]
        environment = {
            **os.environ,
            **lifecycle.environment(directory),
            "LAB_USERS_REPORT": str(report),
            "LAB_USERS_PREFIX": prefix,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        child = subprocess.Popen(
            lifecycle.command_line(directory, words),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        # Whoever ends this command wants to know what was seen.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: child.send_signal(signal.SIGTERM))
        said = child.communicate()[1]
        if not report.exists():
            raise lifecycle.LabError(f"the users left no report:\n{said[-2000:]}")
        seen = json.loads(report.read_text())
    json.dump(seen, sys.stdout)
    print()
    return 1 if seen["failed"] or seen["lost"] or not seen["requests"] else 0
