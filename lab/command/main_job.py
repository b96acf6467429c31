"""`lab run`: the main job from nothing. Builds `migrate`, starts a lab, and walks every phase and its rollback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from command import lifecycle, setup

ROOT = setup.LAB.parent

# What the operator types, the exit code each must have, and why it is shown.
ACT_ONE = [
    (["check"], 0, "is rollout.yaml right? (reads only the file)"),
    (["check", "--live"], 4, "the seed's first status: waiting for permissions"),
]
ACT_TWO = [
    (["check", "--live", "--quiet"], 0, "the permissions are granted: preflight holds"),
    (["plan", "1"], 0, "what phase 1 would create, and what it costs"),
    (["phase", "1"], 0, "do it: the store, and the connection test from staging"),
    (["check", "--for", "2"], 0, "may phase 2 be entered? The gate that CI uses"),
    (["plan", "2"], 0, "what phase 2 would do on staging, and nowhere else"),
    (["phase", "2"], 0, "the copy beside the original, its rollback rehearsed, compared, its store lost and found"),
    (["check", "--for", "3"], 0, "may phase 3 be entered?"),
    (
        ["phase", "3"],
        0,
        "2, 3 and 4 workers under 50 users, state that workers share, leaks, and how many workers to take",
    ),
    (["check", "--for", "4"], 6, "may phase 4 be entered? Not before somebody has approved it"),
    (["approve", "4", "--reason", "the lab's main job"], 0, "whoever is responsible says yes, for a day"),
    (["plan", "4"], 0, "what phase 4 would do, one instance after the other"),
]
# People are in front of the load balancer all the while.
ACT_THREE = [
    (["phase", "4"], 0, "production: a release tried, switched in place, observed; then the second instance"),
    (["check", "--for", "done"], 0, "is the whole checklist proven?"),
    (["rollback", "--to", "3", "--reason", "as on-call would"], 0, "both instances on what they ran before"),
]
ACT_FOUR = [
    (["rollback", "--to", "2", "--reason", "as on-call would"], 0, "the copy has as many workers as phase 2 gave it"),
    (["rollback", "--to", "1", "--reason", "as on-call would"], 0, "the copy goes, the original was never touched"),
    (["rollback", "--to", "0", "--reason", "the lab's main job ends"], 0, "go back: everything created is released"),
    (["status"], 0, "where it stands"),
]


class MainJobError(Exception):
    """The main job did not go as it must."""


def run(directory: Path, leave_up: bool) -> None:
    """The whole job. Ends the lab, unless it is to stay."""
    began = time.monotonic()
    setup.run()
    binary = build()
    lifecycle.down(directory) if (directory / lifecycle.MARKER).exists() else None
    heading("start the lab: four hosts, a store, a stand-in for AWS")
    lifecycle.up(directory)
    try:
        control(directory, "permissions", "withhold", "elasticache")
        walk(directory, binary, ACT_ONE)
        heading("lab permissions grant")
        control(directory, "permissions", "grant")
        walk(directory, binary, ACT_TWO)
        heading(
            "lab users --count 50", "people sign in and stay, through the load balancer; locust, not our load generator"
        )
        seen = with_people(directory, lambda: walk(directory, binary, ACT_THREE))
        walk(directory, binary, ACT_FOUR)
        control(directory, "resources", "--check-none")
        made = effects(directory)
    finally:
        if not leave_up:
            lifecycle.down(directory, keep=True)
    summary(directory, made, seen, time.monotonic() - began, leave_up)


def build() -> Path:
    """The binary, built with the profile the tests use too."""
    cargo = shutil.which("cargo") or str(Path.home() / ".cargo/bin/cargo")
    if not Path(cargo).exists():
        raise MainJobError("cargo is not installed: https://rustup.rs (Rust 1.94.1 or later)")
    heading("cargo build (the first time about 10 minutes on two cores: the AWS SDKs)")
    subprocess.run([cargo, "build"], cwd=ROOT, check=True)
    target = json.loads(
        subprocess.run(
            [cargo, "metadata", "--format-version", "1", "--no-deps"], cwd=ROOT, check=True, capture_output=True
        ).stdout
    )["target_directory"]
    return Path(target) / "debug/migrate"


def walk(directory: Path, binary: Path, commands: list[tuple[list[str], int, str]]) -> None:
    """Types commands on the operator's machine; each must end with its exit code."""
    for words, expected, why in commands:
        heading(f"migrate {' '.join(words)}", why)
        line = [str(binary), "--rollout", str(directory / "rollout.yaml"), *words]
        code = inside(directory, line)
        if code != expected:
            raise MainJobError(f"`migrate {' '.join(words)}` ended with exit code {code}, not {expected}")
        if expected:
            print(f"(exit code {code}, as it must)", flush=True)


def with_people(directory: Path, job: Callable[[], None]) -> dict[str, object]:
    """Does the job while fifty people use the application; what they saw. One wrong answer is an error."""
    line = [str(setup.LAB / "lab"), "users", "--dir", str(directory), "--count", "50"]
    people = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        job()
    finally:
        people.send_signal(signal.SIGTERM)
        said = people.communicate()[0]
    if people.returncode != 0:
        raise MainJobError(f"people noticed something: {said}")
    return json.loads(said)


def inside(directory: Path, line: list[str]) -> int:
    """Runs a command on the operator's machine of the lab."""
    words = lifecycle.command_line(directory, line)
    return subprocess.run(words, env={**os.environ, **lifecycle.environment(directory)}).returncode


def control(directory: Path, *words: str) -> None:
    """Runs one of the lab's own commands."""
    subprocess.run([str(setup.LAB / "lab"), words[0], "--dir", str(directory), *words[1:]], check=True)


def effects(directory: Path) -> list[str]:
    """What was created and deleted in the cloud, from the cloud's own record."""
    done = subprocess.run(
        [str(setup.LAB / "lab"), "calls", "--dir", str(directory), "--json"], check=True, capture_output=True, text=True
    ).stdout
    verbs = ("Create", "Delete", "Authorize", "Revoke")
    return [
        f"{call['action']} {call['resource']}"
        for call in json.loads(done)
        if call["action"].startswith(verbs) and call["outcome"] == "ok" and not call["dry_run"]
    ]


def heading(title: str, why: str = "") -> None:
    """A line that can be found again in a long output."""
    bold, end = ("\033[1m", "\033[0m") if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else ("", "")
    print(f"\n{bold}==> {title}{end}" + (f"\n    {why}" if why else ""), flush=True)


def summary(directory: Path, made: list[str], seen: dict[str, object], seconds: float, is_up: bool) -> None:
    """What was done, and where to look."""
    shown = os.path.relpath(directory)
    heading(f"done in {seconds:.0f} s: phases 1 to 4 forward and back on real servers, and nothing is left")
    print(
        f"    People:   {seen['users']} signed in, {seen['requests']} requests during phase 4 and its rollback, "
        f"{seen['failed']} failed, {len(seen['lost'])} sessions lost"
    )
    print("    In the cloud:\n      " + "\n      ".join(made))
    print(
        f"    Look at:  {shown}/.migrate/journal.jsonl   every event, one line each\n"
        f"              {shown}/.migrate/evidence/       every measurement\n"
        f"              {shown}/log/                     the hosts, the store, the cloud"
    )
    if is_up:
        print("    The lab is still up; `lab/lab down` ends it.")
    else:
        print("    The lab is down; `lab/lab up` starts a fresh one to play with: see lab/README.md.")
