"""The load balancer follows the target group, checks for itself, and keeps a user where they are."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator

import pytest

from conftest import LAB, Lab

ASK = """
import json, sys, urllib.request
cookie, count = sys.argv[1], int(sys.argv[2])
seen = []
for _ in range(count):
    request = urllib.request.Request("http://chatmrpt.lab.internal/ping", headers={"Cookie": cookie} if cookie else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            placed = [c.split(";")[0] for c in answer.headers.get_all("Set-Cookie") or [] if c.startswith("AWSALB=")]
            seen.append([answer.status, placed[0] if placed else ""])
    except urllib.error.HTTPError as error:
        seen.append([error.code, ""])
print(json.dumps(seen))
"""


def ask(lab: Lab, cookie: str = "", count: int = 1) -> list[list]:
    """Status and placement cookie of so many requests."""
    return json.loads(lab.enter("/usr/bin/python3", "-c", ASK, cookie, str(count)).stdout)


ASK_ON = """
import signal, sys, urllib.request
asked_to_end = []
signal.signal(signal.SIGTERM, lambda *_: asked_to_end.append(True))
while not asked_to_end:
    request = urllib.request.Request("http://chatmrpt.lab.internal/ping")
    if sys.argv[1]:
        request.add_header("Cookie", sys.argv[1])
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            print(answer.status, flush=True)
    except urllib.error.HTTPError as error:
        print(error.code, flush=True)
"""


@contextlib.contextmanager
def asking(lab: Lab, cookie: str) -> Iterator[set[int]]:
    """Somebody asks again and again, from before the body to after it; what they were answered is known afterwards."""
    statuses: set[int] = set()
    line = [str(LAB / "lab"), "enter", "--dir", str(lab.directory), "--", "/usr/bin/python3", "-c", ASK_ON, cookie]
    asker = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    try:
        statuses.add(int(asker.stdout.readline()))
        yield statuses
    finally:
        asker.terminate()
        rest, _ = asker.communicate(timeout=60)
        statuses.update(int(status) for status in rest.split())


def test_users_are_spread_and_stay_where_they_are(lab: Lab) -> None:
    lab.wait_targets(["healthy", "healthy"])
    answers = ask(lab, count=4)
    assert {status for status, _ in answers} == {200}
    places = {placed for _, placed in answers}
    assert places == {"AWSALB=production-1", "AWSALB=production-2"}
    # Who has a place is not given another one.
    for place in places:
        assert ask(lab, place, 4) == [[200, ""]] * 4
    # And the cloud says so.
    said = lab.aws("elbv2", "describe_target_group_attributes", TargetGroupArn=lab.target_group())["Attributes"]
    assert {"Key": "stickiness.enabled", "Value": "true"} in said


def test_a_target_that_stops_is_unhealthy_and_comes_back(lab: Lab) -> None:
    lab.wait_targets(["healthy", "healthy"])
    lab.ssh("production-2", "sudo systemctl stop chatmrpt")
    try:
        lab.wait_targets(["healthy", "unhealthy"])
        assert {placed for _, placed in ask(lab, count=4)} == {"AWSALB=production-1"}
    finally:
        lab.ssh("production-2", "sudo systemctl start chatmrpt")
    lab.wait_targets(["healthy", "healthy"])


@pytest.mark.parametrize("cookie", ["", "AWSALB=production-2"])
def test_nobody_is_sent_to_another_target_in_place_of_one_that_failed(lab: Lab, cookie: str) -> None:
    # Between the stop and the second failed check, users of that target see an error, as behind a real one.
    lab.wait_targets(["healthy", "healthy"])
    with asking(lab, cookie) as statuses:
        lab.ssh("production-2", "sudo systemctl stop chatmrpt")
        try:
            lab.wait_targets(["healthy", "unhealthy"])
        finally:
            lab.ssh("production-2", "sudo systemctl start chatmrpt")
    assert 503 in statuses, statuses
    lab.wait_targets(["healthy", "healthy"])
