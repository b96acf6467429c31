"""The people in front of the load balancer notice what is wrong, and nothing else."""

from __future__ import annotations

import json
import subprocess

from conftest import LAB, Lab, unless_busy, wait_until

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
    wait_until(lambda: answered(lab, host, what) > than, f"{host} answers {what}")


def test_nothing_is_wrong_with_the_application_as_it_is(lab: Lab) -> None:
    def all_is_well() -> None:
        code, report = seen(users(lab, 5))
        assert code == 0, report
        assert report["users"] == 6, report
        assert report["requests"] > 20, report
        assert report["places"] == ["production-1", "production-2"], report

    # A machine without time for a health check of the load balancer has a target out of service.
    unless_busy(all_is_well)


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
    wait_until(lambda: sum(answered(lab, host, SIGNED_IN) for host in hosts) >= before + 30, "all are in")
    # Longer than any of them takes until they ask again: users on it are refused, or sent to another target after it.
    lab.ssh("production-2", "sudo -n systemctl stop chatmrpt; sleep 3; sudo -n systemctl start chatmrpt")
    started.terminate()
    code, report = seen(started)
    assert code == 1, report
    assert report["failed"], report
