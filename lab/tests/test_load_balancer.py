"""The load balancer follows the target group, checks for itself, and keeps a user where they are."""

from __future__ import annotations

import json

import pytest
from conftest import Lab

ASK = """
import json, sys, urllib.request
cookie, count = sys.argv[1], int(sys.argv[2])
seen = []
for _ in range(count):
    request = urllib.request.Request("http://chatmrpt.lab.internal/ping", headers={"Cookie": cookie} if cookie else {})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            placed = [c.split(";")[0] for c in answer.headers.get_all("Set-Cookie") or [] if c.startswith("AWSALB=")]
            seen.append([answer.status, placed[0] if placed else ""])
    except urllib.error.HTTPError as error:
        seen.append([error.code, ""])
print(json.dumps(seen))
"""


def ask(lab: Lab, cookie: str = "", count: int = 1) -> list[list]:
    """Status and placement cookie of so many requests."""
    return json.loads(lab.enter("/usr/bin/python3", "-c", ASK, cookie, str(count)).stdout)


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
    lab.ssh("production-2", "sudo systemctl stop chatmrpt")
    try:
        statuses = {status for status, _ in ask(lab, cookie, 6)}
        assert 503 in statuses, statuses
    finally:
        lab.ssh("production-2", "sudo systemctl start chatmrpt")
    lab.wait_targets(["healthy", "healthy"])
