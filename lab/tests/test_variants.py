"""Each way of being unfit shows where a migration would look for it, and `healthy` ends it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import LAB, Lab, unless_busy, wait_until


@pytest.fixture
def staging(shared_lab: Lab) -> Iterator[Lab]:
    """The lab, with a healthy application on staging afterwards."""
    yield shared_lab
    shared_lab.command("variant", "staging", "healthy")


def ask(lab: Lab, path: str, *words: str, jar: str = "") -> tuple[int, str]:
    """The status and body of one answer of staging; 0 when there is none."""
    jars = ("-b", jar, "-c", jar) if jar else ()
    said = lab.enter(
        "curl",
        "-sS",
        "--max-time",
        "30",
        "-w",
        "\n%{http_code}",
        *jars,
        *words,
        f"http://staging:8080{path}",
        check=False,
    )
    body, _, code = said.stdout.rpartition("\n")
    return int(code), body


def many(lab: Lab, path: str, count: int) -> tuple[list[float], list[str]]:
    """Seconds and status of each of so many requests, one after the other, from staging itself."""
    said = lab.ssh(
        "staging",
        f"for i in $(seq {count}); do curl -s -o /dev/null "
        f"-w '%{{time_total}} %{{http_code}}\\n' --max-time 30 localhost:8080{path}; done; true",
    ).split()
    return [float(seconds) for seconds in said[::2]], said[1::2]


def test_the_names_are_the_application_s(shared_lab: Lab) -> None:
    source = (LAB / "application/tree/app/variants.py").read_text()
    names = re.findall(r'^    "([a-z-]+)": \(', source, re.MULTILINE)
    shown = shared_lab.command("variant", "staging", "nonsense", check=False).stderr
    assert shown.strip().endswith("there are: " + ", ".join(["healthy", *names]))


def test_it_is_shown_and_taken_back(staging: Lab) -> None:
    assert staging.command("variant", "staging").stdout == "healthy\n"
    before = staging.ssh("staging", "cat ChatMRPT/.env")
    staging.command("variant", "staging", "slower:30")
    assert staging.command("variant", "staging").stdout == "slower:30\n"
    assert staging.command("variant", "production-1").stdout == "healthy\n"
    staging.command("variant", "staging", "healthy")
    assert staging.ssh("staging", "cat ChatMRPT/.env") == before


def test_slower(staging: Lab) -> None:
    healthy, _ = many(staging, "/ping", 10)
    staging.command("variant", "staging", "slower:200")
    slow, statuses = many(staging, "/ping", 10)
    assert min(slow) >= 0.2 > min(healthy)
    assert set(statuses) == {"200"}


def test_leaks(staging: Lab) -> None:
    def resident() -> int:
        return int(
            staging.ssh(
                "staging",
                "main=$(systemctl show -P MainPID chatmrpt); cat $(pgrep -P $main | "
                "sed 's,.*,/proc/&/smaps_rollup,') | awk '/^Rss/ { sum += $2 } END { print sum }'",
            )
        )

    staging.command("variant", "staging", "leaks:2048")
    many(staging, "/ping", 10)
    before = resident()
    many(staging, "/ping", 30)
    assert resident() - before > 50_000


def test_per_worker(staging: Lab, tmp_path: Path) -> None:
    staging.command("variant", "staging", "per-worker")
    jar = str(tmp_path / "jar")
    ask(staging, "/login", "-d", "user=ann", jar=jar)
    for _ in range(5):
        ask(staging, "/counter", "-X", "POST", jar=jar)
    seen = set()

    def told_two_counts() -> bool:
        seen.add(json.loads(ask(staging, "/counter", jar=jar)[1])["count"])
        return len(seen) > 1

    wait_until(told_two_counts, "both workers are asked, and tell counts of their own")


def test_bleeds(staging: Lab, tmp_path: Path) -> None:
    staging.command("variant", "staging", "bleeds:2")
    seen = set()
    for user in ("ann", "bob"):
        ask(staging, "/login", "-d", f"user={user}", jar=str(tmp_path / user))

    def mixed_up() -> bool:
        for user in ("ann", "bob"):
            seen.add((user, json.loads(ask(staging, "/whoami", jar=str(tmp_path / user))[1])["user"]))
        return len(seen) > 2

    wait_until(mixed_up, "one is taken for the other")
    assert seen >= {("ann", "ann"), ("bob", "bob")}


def test_crashes(staging: Lab) -> None:
    staging.command("variant", "staging", "crashes:5")
    # Many at once: one after another they may be fewer than five a second, as they may be on a busy machine even so.
    one = "curl -s -o /dev/null -w '%{http_code}\\n' --max-time 30 localhost:8080/ping"

    def some_are_lost() -> None:
        statuses = staging.ssh("staging", f"seq 40 | xargs -P 20 -I{{}} {one}; true").split()
        assert "000" in statuses
        assert "200" in statuses

    unless_busy(some_are_lost)


def test_stalls(staging: Lab) -> None:
    staging.command("variant", "staging", "stalls:2")
    took, statuses = many(staging, "/ping", 110)
    assert max(took) >= 2
    assert set(statuses) == {"200"}


def test_late_import_error(staging: Lab) -> None:
    staging.command("variant", "staging", "late-import-error")
    assert ask(staging, "/ping")[0] == 200
    assert ask(staging, "/upload", "-d", "rows=5")[0] == 500
    staging.command("variant", "staging", "healthy")
    assert ask(staging, "/upload", "-d", "rows=5")[0] == 200


def test_strays(staging: Lab) -> None:
    staging.command("variant", "staging", "strays")
    assert ask(staging, "/ping")[0] == 200
    assert "/ping\n" in staging.ssh("staging", "cat ChatMRPT/logs/stray.log")


@pytest.mark.parametrize(("name", "bare", "known"), [("broken", 500, 500), ("fails-with-a-cookie", 200, 500)])
def test_those_that_answer_500(staging: Lab, name: str, bare: int, known: int, tmp_path: Path) -> None:
    jar = str(tmp_path / "jar")
    assert ask(staging, "/login", "-d", "user=ada", jar=jar)[0] == 200
    staging.ssh(
        "staging",
        f"sed -i '/^VARIANT=/d' ChatMRPT/.env; echo VARIANT={name} >>ChatMRPT/.env; sudo -n systemctl restart chatmrpt",
    )
    wait_until(lambda: ask(staging, "/ping")[0] == bare, f"a {bare}")
    assert ask(staging, "/whoami", jar=jar)[0] == known


def test_forgets(staging: Lab, tmp_path: Path) -> None:
    jar = str(tmp_path / "jar")
    assert ask(staging, "/login", "-d", "user=ada", jar=jar)[0] == 200
    staging.command("variant", "staging", "forgets")
    assert ask(staging, "/whoami", jar=jar)[0] == 401


def test_one_of_releases_is_another_matter(staging: Lab) -> None:
    staging.command("variant", "staging", "broken", "--of-releases")
    staging.ssh("staging", "sudo -n systemctl restart chatmrpt")
    wait_until(lambda: ask(staging, "/ping")[0] == 200, "a 200")
    in_release = (
        "mkdir -p x.releases && cp -r ChatMRPT x.releases/one && cd x.releases/one && ../../chatmrpt_env/bin/python -c "
        "'from app import create_app; print(create_app().test_client().get(\"/ping\").status_code)'; rm -r ~/x.releases"
    )
    assert staging.ssh("staging", in_release).split() == ["500"]
    staging.ssh("staging", "rm ChatMRPT/instance/variant-of-releases")
