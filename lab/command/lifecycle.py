"""`lab up`, `lab down`, `lab enter`: a lab is one process and one directory."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from command import setup

LAB = setup.LAB
MARKER = "lab-directory"
# What `save` copies. `screen` is written by tests: one file for each command they ran.
RECORDS = ("log", "rollout.yaml", ".migrate", "screen")


class LabError(Exception):
    """What went wrong, for the person at the terminal."""


def world_pid(directory: Path) -> int | None:
    """The lab's first process, if it lives. A number that another program got meanwhile does not count."""
    try:
        pid = int((directory / "world.pid").read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(directory) in words and os.fsencode(LAB / "world/init.py") in words else None


def running(directory: Path) -> int:
    """Like world_pid, but a lab that is not up is an error."""
    pid = world_pid(directory)
    if pid is None:
        raise LabError(f"no lab is up in {directory}; start one with: lab/lab up --dir {directory}")
    return pid


def up(directory: Path, when_created: Callable[[], None] = lambda: None) -> None:
    """Starts a lab and returns when everything in it answers. Calls `when_created` when its directory is there."""
    if world_pid(directory):
        setup.say(f"already up in {directory}")
        return
    if not setup.is_done():
        setup.run()
    if directory.exists() and not (directory / MARKER).exists() and any(directory.iterdir()):
        raise LabError(f"{directory} is not empty and is not a lab's directory")
    started = time.monotonic()
    shutil.rmtree(directory, ignore_errors=True)
    (directory / "log").mkdir(parents=True)
    (directory / "state").mkdir()
    (directory / MARKER).write_text("Made by lab/lab up; lab/lab down removes it.\n")
    shutil.copy(LAB / "rollout.yaml", directory / "rollout.yaml")
    when_created()
    log = directory / "log/world.log"
    path = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    with log.open("wb") as output:
        outer = subprocess.Popen(
            [
                "unshare",
                "--user",
                "--map-root-user",
                "--net",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                setup.SYSTEM_PYTHON,
                "-B",
                str(LAB / "world/init.py"),
                str(directory),
                str(setup.virtualenv("application")),
                str(setup.virtualenv("cloud")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
            env={"PATH": path, "LANG": "C.UTF-8", "HOME": os.environ.get("HOME", "/")},
        )
    try:
        ready = _follow(log, outer)
    except BaseException:
        down(directory)  # Ctrl-C before it is up leaves nothing behind.
        raise
    if not ready:
        down(directory, keep=True)
        raise LabError(f"the lab did not come up; its logs are in {directory}/log")
    setup.say(f"up in {time.monotonic() - started:.1f} s: {directory}")


def _follow(log: Path, outer: subprocess.Popen) -> bool:
    """Shows the lab's progress until it is ready (true) or has ended (false)."""
    with log.open() as lines:
        while True:
            line = lines.readline()
            if line == "ready\n":
                return True
            if line:
                setup.say(line.rstrip())
            elif outer.poll() is not None:
                for rest in lines.read().splitlines():
                    setup.say(rest)
                return False
            else:
                time.sleep(0.05)


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _network_of(pid: int) -> int | None:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return None


def save(directory: Path, place: Path) -> None:
    """Copies what a failure is understood by: logs, rollout, journal, evidence, and screens. Replaces what is there."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in RECORDS:
        if (directory / name).is_dir():
            shutil.copytree(directory / name, place / name)
        elif (directory / name).exists():
            shutil.copy(directory / name, place / name)


def down(directory: Path, keep: bool = False, save_to: Path | None = None) -> None:
    """Ends a lab: its first process takes all the others, the mounts and the networks with it.

    Its records are copied to `save_to` before its directory is removed.
    """
    if not (directory / MARKER).exists():
        raise LabError(f"{directory} is not a lab's directory")
    pid = world_pid(directory)
    if pid:
        inside = _network_of(pid)
        # Readable only when everything in the pid namespace is gone too.
        process = os.pidfd_open(pid)
        os.kill(pid, signal.SIGKILL)
        select.select([process], [], [], 10)
        os.close(process)
        _end_visitors(inside)
    if save_to:
        save(directory, save_to)
    if keep:
        return
    shutil.rmtree(directory)
    setup.say("down")


def _end_visitors(inside: int | None) -> None:
    """Ends what `lab enter` brought in and left behind, such as a shared ssh connection: it is still in the network."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = [pid for pid in _processes() if inside and _network_of(pid) == inside]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        for _ in range(50):
            if not any(_network_of(pid) == inside for pid in left):
                return
            time.sleep(0.02)


def environment(directory: Path) -> dict[str, str]:
    """What the lab's `env` file says."""
    lines = (directory / "env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def command_line(directory: Path, words: list[str]) -> list[str]:
    """A command line that runs `words` on the operator's machine of the lab, in the present directory."""
    return [
        "nsenter",
        "--target",
        str(running(directory)),
        "--user",
        "--net",
        "--mount",
        "--preserve-credentials",
        "--",
        "env",
        "-C",
        str(Path.cwd()),
        *words,
    ]


def enter(directory: Path, words: list[str]) -> None:
    """Becomes the command: nothing of this program is left, so signals and the exit code are the command's own."""
    if not words:
        words = [os.environ.get("SHELL", "/bin/bash")]
    line = command_line(directory, words)
    os.environ.update(environment(directory), LAB_DIRECTORY=str(directory))
    sys.stdout.flush()
    os.execvp(line[0], line)
