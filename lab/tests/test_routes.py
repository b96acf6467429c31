"""A host changes its own routes, as root and in its own network only; a route to `lo` is an outage."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from conftest import Lab

TARGET = "10.78.0.22"  # production-2


@pytest.fixture
def routes(shared_lab: Lab) -> Iterator[Lab]:
    """The lab, with staging's routes as they were afterwards."""
    yield shared_lab
    shared_lab.ssh("staging", f"while sudo -n ip route del {TARGET}/32 2>/dev/null; do :; done")


def attempt(seconds: int) -> list[str]:
    """A command that ends with 0 when ssh answers there, with 124 when nothing does."""
    return ["timeout", str(seconds), "bash", "-c", f"exec 3<>/dev/tcp/{TARGET}/22"]


def reaches(lab: Lab, host: str) -> bool:
    """Whether ssh answers a host, for which a busy machine has time."""
    return lab.ssh(host, f"{shlex.join(attempt(30))} 2>/dev/null; echo $?") == "0\n"


def hangs(lab: Lab, host: str) -> bool:
    """Whether nothing answers a host."""
    return lab.ssh(host, f"{shlex.join(attempt(1))} 2>/dev/null; echo $?") == "124\n"


def test_a_route_to_lo_swallows_everything_and_only_here(routes: Lab) -> None:
    assert reaches(routes, "staging")
    routes.ssh("staging", f"sudo -n ip route prepend {TARGET}/32 dev lo")
    assert hangs(routes, "staging")
    assert reaches(routes, "production-1")
    assert "dev lo" in routes.ssh("staging", f"ip -4 route show {TARGET}/32")
    assert "dev lo" not in routes.ssh("production-1", "ip route")
    routes.ssh("staging", f"sudo -n ip route del {TARGET}/32 dev lo")
    assert reaches(routes, "staging")


def test_a_connection_that_is_there_hangs_and_goes_on(routes: Lab) -> None:
    said = routes.ssh(
        "staging",
        f"""python3 - <<'END'
import socket, subprocess
def route(*words): subprocess.run(["sudo", "-n", "ip", "route", *words, "{TARGET}/32", "dev", "lo"], check=True)
speaker = socket.create_connection(("{TARGET}", 22), 30)
speaker.recv(100)
speaker.settimeout(1)
route("prepend")
speaker.sendall(b"SSH-2.0-test\\r\\n")
try:
    print("answered", speaker.recv(10))
except TimeoutError:
    print("hangs")
route("del")
speaker.settimeout(30)
print("goes on" if speaker.recv(10) else "closed")
END""",
    )
    assert said.split("\n") == ["hangs", "goes on", ""]


def test_what_was_there_before_is_there_afterwards(routes: Lab) -> None:
    before = routes.ssh("staging", f"sudo -n ip route add {TARGET}/32 dev eth0; ip route show {TARGET}/32")
    routes.ssh("staging", f"sudo -n ip route prepend {TARGET}/32 dev lo")
    assert hangs(routes, "staging")
    routes.ssh("staging", f"sudo -n ip route del {TARGET}/32 dev lo")
    assert routes.ssh("staging", f"ip route show {TARGET}/32") == before


def test_it_takes_root(routes: Lab) -> None:
    said = routes.ssh("staging", f"ip route add {TARGET}/32 dev lo 2>&1; echo code $?")
    assert said == "RTNETLINK answers: Operation not permitted\ncode 2\n"
    assert reaches(routes, "staging")


@pytest.mark.parametrize(
    "words",
    [
        "add 0.0.0.0/0 dev lo",
        "add 10.78.0.2/32 dev lo",
        "add 10.78.0.22/32 via 10.78.0.1",
        "add",
        "replace 10.78.0.0/24 dev lo",
    ],
)
def test_what_the_lab_does_not_understand_is_refused(routes: Lab, words: str) -> None:
    before = routes.ssh("staging", "ip route")
    assert routes.ssh("staging", f"sudo -n ip route {words} 2>/dev/null; echo $?") == "1\n"
    assert routes.ssh("staging", "ip route") == before


def test_everything_else_is_the_real_one(routes: Lab) -> None:
    assert "LOOPBACK" in routes.ssh("staging", "ip address show lo")


def test_the_operator_loses_a_host_that_everybody_else_still_reaches(lab: Lab) -> None:
    assert lab.command("path", "production-2", "cut").stdout == "cut off\n"
    try:
        assert lab.enter(*attempt(1), check=False).returncode == 124
        assert reaches(lab, "staging")
        assert lab.wait_targets(["healthy", "healthy"])
    finally:
        assert lab.command("path", "production-2", "restore").stdout == "reachable\n"
    assert lab.enter(*attempt(30), check=False).returncode == 0
    # Twice is once, and nothing else is let go.
    assert lab.command("path", "production-2", "restore").stdout == "reachable\n"
    assert "no host of this lab" in lab.command("path", "nowhere", "cut", check=False).stderr
