"""`lab budget`: what the orchestrator itself takes while 50 users are on the copy: memory, and time of a processor."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from command import lifecycle, main_job, repeat

# The issue's: under 64 MiB and a quarter of one processor at 200 requests a second.
MOST_KIB = 64 * 1024
MOST_SHARE = 0.25

_PAUSE = 0.25
_TICK = os.sysconf("SC_CLK_TCK")


def run(directory: Path, minutes: float, binary: Path | None) -> int:
    """A lab of its own; phase 3 whose leak test is the load that is measured."""
    binary = binary.resolve() if binary else main_job.build()
    lifecycle.up(directory)
    try:
        rollout = directory / "rollout.yaml"
        repeat.shorten(rollout)
        text = rollout.read_text().replace("minimum_time: 60s", f"minimum_time: {round(60 * minutes / 1.05)}s")
        rollout.write_text(text)
        one = repeat.Round(directory, binary)
        for phase in ("1", "2"):
            code, said = one.migrate("phase", phase)
            if code:
                raise lifecycle.LabError(f"phase {phase} ended with exit code {code}:\n{said}")
        return measured(directory, binary)
    finally:
        lifecycle.down(directory, keep=True)


def measured(directory: Path, binary: Path) -> int:
    """Runs phase 3 and watches the process; 0 when it kept the budget."""
    line = lifecycle.command_line(directory, [str(binary), "--rollout", str(directory / "rollout.yaml"), "phase", "3"])
    journal = directory / ".migrate/journal.jsonl"
    began, events = journal.stat().st_size, {}
    process = subprocess.Popen(
        line,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **lifecycle.environment(directory)},
    )
    most, taken = 0, 0.0
    while process.poll() is None:
        # `lab enter` becomes the command: its process id is the command's own.
        if seen := look(process.pid):
            most, taken = max(most, seen[0]), seen[1]
        with journal.open("rb") as file:
            file.seek(began)
            said = file.read()
        for name in (b'"step_started","data":{"step":"3.leak"', b'"gate_judged","data":{"step":"3.leak"'):
            if name in said:
                events.setdefault(name, (time.monotonic(), taken))
        time.sleep(_PAUSE)
    if len(events) < 2:
        raise lifecycle.LabError(f"phase 3 ended with exit code {process.returncode} before the leak test was over")
    (start, before), (end, after) = events.values()
    requests = int(re.findall(rb"\((\d+) requests\)", said)[-1])
    share, rate = (after - before) / (end - start), requests / (end - start)
    print(
        f"{end - start:.0f} s under {rate:.0f} requests a second (counted after the warm-up): "
        f"{100 * share:.1f} % of a processor, {100 * share * 200 / rate:.1f} % at 200 a second, "
        f"and {most / 1024:.0f} MiB of memory at most; the machine's load was {os.getloadavg()[1]:.1f}"
    )
    return 0 if most < MOST_KIB and share * max(1.0, 200 / rate) < MOST_SHARE else 1


def look(pid: int) -> tuple[int, float] | None:
    """The most memory so far, in KiB, and the time of processors so far, in seconds."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return (int(found[1]), (int(words[11]) + int(words[12])) / _TICK) if found else None
