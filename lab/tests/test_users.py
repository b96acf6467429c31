"""The people in front of the load balancer notice what is wrong, and nothing else."""

from __future__ import annotations

import json
import subprocess

from conftest import LAB, Lab

WIPE = "rm -rf ChatMRPT/flask_session/*"


def users(lab: Lab, seconds: int, count: int = 6) -> subprocess.Popen[str]:
    """Lets some in, once no test before this one has left a target that is still coming back."""
    lab.wait_targets(["healthy", "healthy"])
    words = ["users", "--dir", str(lab.directory), "--count", str(count), "--seconds", str(seconds)]
    return subprocess.Popen([str(LAB / "lab"), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def seen(started: subprocess.Popen[str]) -> tuple[int, dict]:
    """What they say when they leave."""
    said, trouble = started.communicate(timeout=90)
    return started.returncode, json.loads(said) if said else {"trouble": trouble}


def on_host(lab: Lab, host: str, script: str) -> None:
    """Runs something on a host."""
    words = ["ssh", "-F", str(lab.directory / "ssh_config"), host, script]
    line = [str(LAB / "lab"), "enter", "--dir", str(lab.directory), "--", *words]
    subprocess.run(line, check=True, capture_output=True, timeout=60)


def test_nothing_is_wrong_with_the_application_as_it_is(lab: Lab) -> None:
    code, report = seen(users(lab, 5))
    assert code == 0 and report["users"] == 6 and report["requests"] > 20, report
    assert report["places"] == ["production-1", "production-2"], report


def test_a_lost_session_is_noticed(lab: Lab) -> None:
    started = users(lab, 8)
    try:
        started.wait(3)
    except subprocess.TimeoutExpired:
        on_host(lab, "production-1", WIPE)
    code, report = seen(started)
    assert code == 1 and report["lost"], report


def test_a_restart_that_refuses_connections_is_noticed(lab: Lab) -> None:
    started = users(lab, 8, count=30)
    try:
        started.wait(3)
    except subprocess.TimeoutExpired:
        on_host(lab, "production-2", "sudo -n systemctl restart chatmrpt")
    code, report = seen(started)
    assert code == 1 and report["failed"] and not report["lost"], report
