"""`lab repeat-phase-3`: phase 3 again and again, with each way in which a copy can be unfit for it, unattended.

The issue's promise is ten right verdicts in ten runs of each, on a noisy machine; this is what counts them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

from command import lifecycle, main_job

# A variant, the exit code of phase 3, the gate that has to say so, and words it has to say.
EXPECTED = {
    "healthy": (0, None, "phase 3 passed"),
    "leaks": (5, "3.leak", "headroom of .* lasts"),
    "crashes": (5, "3.ramp", "workers crashed|workers end again and again|a signal ended"),
    "per-worker": (5, "3.cross-worker-state", "its state is kept per worker"),
    "bleeds": (5, "3.ramp", "users were mixed up|users share an identity"),
    "stalls": (5, "3.ramp", "WORKER TIMEOUT|mostly: .*timed out|no answer within"),
}

# Shorter than the lab's own, and a comparison that a busy machine passes: what is tried are phase 3's verdicts.
_SHORTER = [
    (r"rounds: 8, round: 3s,", "rounds: 6, round: 2s,"),
    (r"slower: 250%, far_slower: 700%", "slower: 2000%, far_slower: 3000%"),
    (r"more_errors: 2%", "more_errors: 5%"),
    (r"worker_counts: \[2, 3, 4\]", "worker_counts: [2, 3]"),
    (r"minimum_time: \d+s", "minimum_time: 60s"),
]

# The copy only: whoever reads its `.env` is a new worker, which a HUP brings. One that stalls does not end by itself.
_SET = """
cd ChatMRPT-redis-test || exit 1
sed -i '/^VARIANT=/d' .env
[ "$1" = healthy ] || printf 'VARIANT=%s\\n' "$1" >>.env
master=$(cat .migrate/gunicorn.pid)
old=$(pgrep -P "$master")
kill -HUP "$master"
sleep 2
kill -KILL $old 2>/dev/null
for i in $(seq 100); do
    curl -sf -o /dev/null --max-time 2 http://127.0.0.1:8081/ping && exit 0
    sleep 0.1
done
echo 'the copy does not answer' >&2; exit 1
"""

# How many workers the copy was told to have, how many it has, and whether it answers.
_STATE = """
master=$(cat ChatMRPT-redis-test/.migrate/gunicorn.pid)
tr '\\0' '\\n' </proc/$master/cmdline | grep -A1 -x -e --workers | tail -1
pgrep -P "$master" | wc -l
curl -s --max-time 5 http://127.0.0.1:8081/ping
"""


class Round:
    """One run of phase 3 with one variant, and the way back."""

    def __init__(self, directory: Path, binary: Path) -> None:
        self.directory, self.binary = directory, binary
        self.journal = directory / ".migrate/journal.jsonl"

    def migrate(self, *words: str) -> tuple[int, str]:
        """The exit code of `migrate` and everything it said."""
        line = [str(self.binary), "--rollout", str(self.directory / "rollout.yaml"), *words]
        return self._run(line)

    def _run(self, line: list[str]) -> tuple[int, str]:
        done = subprocess.run(
            lifecycle.command_line(self.directory, line),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **lifecycle.environment(self.directory)},
        )
        return done.returncode, done.stdout

    def staging(self, script: str) -> str:
        """What a script on staging says."""
        code, said = self._run(["ssh", "-F", str(self.directory / "ssh_config"), "staging", script])
        if code:
            raise lifecycle.LabError(f"staging: exit code {code}: {said}")
        return said

    def set(self, variant: str) -> None:
        """Makes the copy that variant."""
        self.staging(f"set -- {variant}\n{_SET}")

    def events(self, after: int) -> list[dict]:
        """The journal's events from a byte on."""
        with self.journal.open("rb") as file:
            file.seek(after)
            return [json.loads(line)["record"]["entry"]["event"] for line in file]

    def run(self, variant: str) -> dict:
        """The whole round; what came of it."""
        code, gate, words = EXPECTED[variant.partition(":")[0]]
        self.set(variant)
        after, began = self.journal.stat().st_size, time.monotonic()
        found, said = self.migrate("phase", "3")
        seconds = time.monotonic() - began
        failed = [event["data"]["step"] for event in self.events(after) if event["type"] == "step_failed"]
        told, running, ping = [*self.staging(_STATE).splitlines(), "", "", ""][:3]
        back, back_said = self.migrate("rollback", "--to", "2")
        told_back = self.staging(_STATE).splitlines()[:2]
        wrong = []
        if found != code:
            wrong.append(f"exit code {found}")
        if failed != ([gate] if gate else []):
            wrong.append(f"failed: {', '.join(failed) or 'nothing'}")
        if not re.search(words, said):
            wrong.append("other words")
        # One that stalls is asked in vain, and one that crashes may be between two workers.
        if told != running and variant != "stalls":
            wrong.append(f"the copy was told {told} workers and has {running}")
        if back or told_back != ["2", "2"]:
            wrong.append(f"rollback {back}: the copy has {told_back}\n{back_said}")
        summary = [line for line in said.splitlines() if "judged" in line or "failed" in line]
        return {
            "variant": variant,
            "right": not wrong,
            "wrong": "; ".join(wrong),
            "seconds": round(seconds),
            "left": told,
            "gate": failed,
            "words": summary,
            "ping": ping,
            "said": said if wrong else "",
        }


def run(directory: Path, rounds: int, variants: list[str], binary: Path | None) -> int:
    """So many rounds of each variant, in a lab that is started for it unless one is up; how many were right."""
    began = time.monotonic()
    binary = binary.resolve() if binary else main_job.build()
    was_up = lifecycle.world_pid(directory) is not None
    if not was_up:
        lifecycle.up(directory)
    try:
        one = Round(directory, binary)
        if not was_up:
            shorten(directory / "rollout.yaml")
            for phase in ("1", "2"):
                code, said = one.migrate("phase", phase)
                if code:
                    raise lifecycle.LabError(f"phase {phase} ended with exit code {code}:\n{said}")
        results = repeat(one, rounds, variants, directory / "repeat-phase-3.jsonl")
    finally:
        if not was_up:
            lifecycle.down(directory, keep=True)
    table(results, time.monotonic() - began)
    return 0 if all(result["right"] for result in results) else 1


def shorten(rollout: Path) -> None:
    """Makes a lab's rollout quicker."""
    text = rollout.read_text()
    for pattern, replacement in _SHORTER:
        text, count = re.subn(pattern, replacement, text)
        if count != 1:
            raise lifecycle.LabError(f"`{pattern}` is {count} times in {rollout}")
    rollout.write_text(text)


def repeat(one: Round, rounds: int, variants: list[str], record: Path) -> list[dict]:
    """Every variant once, then all of them again: what makes the machine noisy meets all."""
    results = []
    for number in range(1, rounds + 1):
        for variant in variants:
            load = os.getloadavg()[0]
            result = {"round": number, "load": round(load, 1), **one.run(variant)}
            with record.open("a") as file:
                file.write(json.dumps(result) + "\n")
            results.append(result)
            verdict = "right" if result["right"] else f"WRONG: {result['wrong']}"
            print(f"round {number:2} {variant:12} {result['seconds']:4} s, load {load:5.1f}: {verdict}", flush=True)
            for line in [] if result["right"] else result["words"]:
                print(f"    {line}", flush=True)
    return results


def table(results: list[dict], seconds: float) -> None:
    """Right verdicts of each variant."""
    print("\n| variant | right | seconds | caught by |\n|---|---|---|---|")
    for variant in dict.fromkeys(result["variant"] for result in results):
        own = [result for result in results if result["variant"] == variant]
        right = sum(result["right"] for result in own)
        times = sorted(result["seconds"] for result in own)
        gates = ", ".join(sorted({gate for result in own for gate in result["gate"]})) or "nothing"
        print(f"| {variant} | {right} of {len(own)} | {times[0]} to {times[-1]} | {gates} |")
    print(
        f"\n{seconds / 60:.0f} minutes; the machine's load was {min(r['load'] for r in results)} to "
        f"{max(r['load'] for r in results)} on {os.cpu_count()} processors."
    )
