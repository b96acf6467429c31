"""A running Gunicorn switches to another tree and back behind the load balancer, and no user notices.

What is tried is what phase 4 installs: `phases/release/gunicorn_configuration.py` and the programs that switch.
"""

from __future__ import annotations

import itertools
import subprocess
import time
from collections.abc import Iterator

import pytest

from conftest import LAB, Lab
from release_host import CONFIGURATION, LIVE, RELEASES, Killed, Refused, ReleaseHost, Users

SLOW = """
import time
@app.get("/slow")
def slow():
    time.sleep(12)
    return "slow, and whole"
"""
# Gunicorn's own is 30 s.
GRACE = "graceful_timeout = 4\n"


@pytest.fixture(scope="module")
def plain(shared_lab: Lab) -> ReleaseHost:
    """production-2, as it is before us."""
    return ReleaseHost(shared_lab, "production-2")


@pytest.fixture
def host(plain: ReleaseHost) -> Iterator[ReleaseHost]:
    """With room for releases. Afterwards everything is as it was, whatever the test did."""
    before = plain.listing()
    plain.make_room()
    yield plain
    plain.to(None)
    plain.remove_releases()
    plain.clear_room()
    assert plain.listing() == before
    facts = plain.facts()
    assert facts["directory"]["state"] == "missing", facts
    assert not facts["may_hand_over"], facts


def test_there_and_back_with_users_all_the_while(host: ReleaseHost, shared_lab: Lab) -> None:
    users = Users(shared_lab, 4)
    for name in ("one", "two"):
        host.build(name)
    host.build("broken", 'raise ImportError("a bad release")\n')
    host.build("crashes", "import os, threading\nthreading.Timer(0.5, os._exit, [1]).start()\n")
    facts = host.facts()
    assert facts["releases"] == ["broken", "crashes", "one", "two"]
    assert not facts["unfinished"]
    assert facts["shared"] == ["flask_session", "instance", "logs", "uploads"]
    assert facts["in_place"] == []
    host.to("one")
    assert host.runs() == ("one", "one")
    master = host.facts()["running"]["master"]
    host.to("one")
    assert host.facts()["running"]["master"] == master, "what is done is not done again"
    with pytest.raises(Refused, match="still the release one"):
        host.remove_releases()
    with pytest.raises(Refused, match="switch back first"):
        host.clear_room()
    host.to("two")
    assert host.runs() == ("two", "two")
    # A release that does not start: the one before serves on.
    refuses(host, "broken", 30, "ImportError: a bad release")
    host.to(None)
    assert host.runs() == (None, None)
    users.saw_nothing(100)
    # One whose workers serve for a moment and end: whoever they were at work for has seen it, and nobody else.
    refuses(host, "crashes", 6, "not ready within 6 s")


# Loads for longer than a worker of an unknown kind is waited for, fails, and takes its time to exit.
LATE = """import atexit, time
atexit.register(time.sleep, 4)
time.sleep(16)
raise ImportError("late")
"""


def test_a_release_that_fails_late_and_ends_slowly_is_not_taken_for_one_that_serves(host: ReleaseHost) -> None:
    host.build("late", LATE)
    refuses(host, "late", 60, "ImportError: late")
    assert host.runs() == (None, None)


def refuses(host: ReleaseHost, name: str, patience: int, why: str) -> None:
    """Does not switch to it, as if nothing had been tried."""
    before = host.runs()
    with pytest.raises(Refused, match=why) as refused:
        host.to(name, patience=patience)
    assert (refused.value.code, refused.value.clean) == (69, True), refused.value
    assert host.runs() == before


def test_room_is_made_and_cleared_from_wherever_it_was_interrupted(plain: ReleaseHost, shared_lab: Lab) -> None:
    before, users = plain.listing(), Users(shared_lab, 2)
    for step in itertools.count(1):
        ends = 0
        for call in (plain.make_room, plain.clear_room):
            try:
                call(step)
                ends += 1
            except Killed:
                call()
            facts = plain.facts()
            assert (facts["directory"]["state"] == "complete") == (call == plain.make_room), facts
            assert plain.runs() == (None, None)
        assert plain.listing() == before, step
        if ends == 2:
            break
    assert step > 10
    users.saw_nothing(50)


# A switch has about thirty steps. At every other one it is killed and finished by the same call; at those between it is
# killed and taken back by the opposite call.


def test_a_switch_is_finished_from_wherever_it_was_interrupted(host: ReleaseHost, shared_lab: Lab) -> None:
    host.build("three")
    users = Users(shared_lab, 2)
    for step in itertools.count(1, 2):
        killed = [is_killed(host, to, step) for to in ("three", None)]
        if not any(killed):
            break
    assert step > 10
    users.saw_nothing(100)


@pytest.mark.parametrize(("to", "back"), [("three", None), (None, "three")], ids=["to a release", "to the original"])
def test_a_switch_is_taken_back_from_wherever_it_was_interrupted(
    host: ReleaseHost, shared_lab: Lab, to: str | None, back: str | None
) -> None:
    host.build("three")
    host.to(back)
    users = Users(shared_lab, 2)
    for step in itertools.count(2, 2):
        if not is_killed(host, to, step, then=back):
            break
    assert step > 10
    users.saw_nothing(100)


SAME = "the same call, again"


def is_killed(host: ReleaseHost, to: str | None, step: int, then: str | None = SAME) -> bool:
    """Switches, is killed at that step, and calls once more. Whether there was such a step."""
    try:
        host.to(to, killed_at=step)
    except Killed:
        end = to if then == SAME else then
        host.to(end)
        assert host.runs() == (end, end), step
        return True
    assert host.runs() == (to, to), step
    return False


def test_a_request_is_finished_that_takes_longer_than_gunicorn_would_wait(host: ReleaseHost, shared_lab: Lab) -> None:
    host.build("slow", SLOW, **{"gunicorn.conf.py": GRACE + CONFIGURATION})
    host.to("slow")
    line = [
        str(LAB / "lab"),
        "enter",
        "--dir",
        str(shared_lab.directory),
        "--",
        "curl",
        "-sS",
        "-w",
        " %{http_code}",
        "http://production-2:8080/slow",
    ]
    user = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        user.wait(2)
    host.to(None)
    assert host.runs() == (None, None)
    assert user.communicate(timeout=60)[0] == "slow, and whole 200"


def test_as_many_workers_as_the_release_says(shared_lab: Lab) -> None:
    host = ReleaseHost(shared_lab, "staging")
    unit = "/etc/systemd/system/chatmrpt.service"
    change = f"sed -i 's/{{}}/{{}}/' {unit}; sudo systemctl daemon-reload; sudo systemctl restart chatmrpt"
    variables = "tr '\\0' '\\n' </proc/$(systemctl show -P MainPID chatmrpt)/environ"
    host.run(change.format("run:app", "--workers 2 run:app"))
    # The application's own hooks and settings stay.
    own = f"def on_starting(server):\n    open('{LIVE}/logs/hook', 'a').write('x')\n"
    host.run(f"cp {LIVE}/gunicorn.conf.py kept; cat >>{LIVE}/gunicorn.conf.py", own)
    try:
        host.make_room()
        host.build("four", **{".migrate/workers": "3\n", ".migrate/environment": "COLOR=red\n"})
        host.to("four")
        workers = host.facts()["running"]["workers"]
        assert len(workers) == 3
        assert host.run(f"cat {LIVE}/logs/hook").stdout == "x"
        host.run("sudo systemctl reload chatmrpt")
        for _ in range(60):
            reloaded = host.facts()["running"]["workers"]
            if not {each["pid"] for each in workers} & {each["pid"] for each in reloaded}:
                break
            time.sleep(0.5)
        assert len(reloaded) == 3, (workers, reloaded)
        assert reloaded[0] not in workers, (workers, reloaded)
        # After a reload the release's variables are the process's own; they do not reach the original.
        host.to(None)
        assert len(host.facts()["running"]["workers"]) == 2
        assert "COLOR" not in host.run(variables).stdout
        host.remove_releases()
        host.clear_room()
    finally:
        host.run(f"cp kept {LIVE}/gunicorn.conf.py; rm -f {LIVE}/logs/hook")
        host.run(change.format("--workers 2 run:app", "run:app"))
    assert host.runs() == (None, None)


def test_a_dead_service_comes_back_as_the_original(host: ReleaseHost) -> None:
    host.build("five")
    host.to("five")
    host.run("sudo systemctl stop chatmrpt")
    host.to(None)
    assert host.runs() == (None, None)


def test_a_configuration_elsewhere_is_refused(host: ReleaseHost) -> None:
    host.run(f"cp {LIVE}/gunicorn.conf.py /tmp/elsewhere.py")
    unit = "/etc/systemd/system/chatmrpt.service"
    change = (
        f"sed -i 's%config {{}}%config {{}}%' {unit}; sudo systemctl daemon-reload; sudo systemctl restart chatmrpt"
    )
    try:
        host.run(change.format("gunicorn.conf.py", "/tmp/elsewhere.py"))
        with pytest.raises(Refused, match=r"/tmp/elsewhere\.py lies outside of") as refused:
            host.build("six")
        assert refused.value.clean
    finally:
        host.run(change.format("/tmp/elsewhere.py", "gunicorn.conf.py"))
    assert f"{RELEASES}/six" not in host.run(f"ls -d {RELEASES}/*").stdout
