"""The people in front of the load balancer notice what is wrong, and nothing else."""

from __future__ import annotations

import json
import subprocess
import time

from conftest import LAB, Lab

WIPE = "rm -rf ChatMRPT/flask_session/*"
SIGNED_IN = '"POST /login[^"]*" 200 '
KNOWN, UNKNOWN = [f'"GET /whoami[^"]*" {status} ' for status in (200, 401)]


def users(lab: Lab, seconds: int | None = None, count: int = 6) -> subprocess.Popen[str]:
    """Lets some in, for so many seconds or until a signal, once every target of the tests before is back."""
    lab.wait_targets(["healthy", "healthy"])
    words = [
        "users",
        "--dir",
        str(lab.directory),
        "--count",
        str(count),
        *(["--seconds", str(seconds)] if seconds else []),
    ]
    return subprocess.Popen([str(LAB / "lab"), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def seen(started: subprocess.Popen[str]) -> tuple[int, dict]:
    """What they say when they leave."""
    said, trouble = started.communicate(timeout=90)
    return started.returncode, json.loads(said) if said else {"trouble": trouble}


def answered(lab: Lab, host: str, what: str) -> int:
    """How many such answers are in the access log there."""
    return int(lab.ssh(host, f"grep -cE '{what}' ChatMRPT/logs/access.log || true"))


def wait_for_more(lab: Lab, host: str, what: str, than: int) -> None:
    """Until that host has given more such answers."""
    deadline = time.monotonic() + 60
    while answered(lab, host, what) <= than:
        assert time.monotonic() < deadline, f"{host} does not answer {what}"


def test_nothing_is_wrong_with_the_application_as_it_is(lab: Lab) -> None:
    code, report = seen(users(lab, 5))
    assert code == 0, report
    assert report["users"] == 6, report
    assert report["requests"] > 20, report
    assert report["places"] == ["production-1", "production-2"], report


def test_a_lost_session_is_noticed(lab: Lab) -> None:
    known, unknown = [(what, answered(lab, "production-1", what)) for what in (KNOWN, UNKNOWN)]
    started = users(lab)
    wait_for_more(lab, "production-1", *known)
    lab.ssh("production-1", WIPE)
    wait_for_more(lab, "production-1", *unknown)
    started.terminate()
    code, report = seen(started)
    assert code == 1, report
    assert report["lost"], report


def test_a_restart_that_refuses_connections_is_noticed(lab: Lab) -> None:
    hosts = ("production-1", "production-2")
    before = sum(answered(lab, host, SIGNED_IN) for host in hosts)
    started = users(lab, count=30)
    deadline = time.monotonic() + 60
    while sum(answered(lab, host, SIGNED_IN) for host in hosts) < before + 30:
        assert time.monotonic() < deadline, "not all are in"
    # Longer than any of them takes until they ask again: users on it are refused, or sent to another target after it.
    lab.ssh("production-2", "sudo -n systemctl stop chatmrpt; sleep 3; sudo -n systemctl start chatmrpt")
    started.terminate()
    code, report = seen(started)
    assert code == 1, report
    assert report["failed"], report
