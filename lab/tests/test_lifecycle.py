"""Up, enter, down: a lab comes, is entered without leaving a wrapper behind, and goes without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from conftest import LAB, Lab, wait_until


def processes_of(directory: Path) -> list[str]:
    """The processes that name a lab's directory, or run in a mount of it."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if os.fsencode(directory) in (entry / "cmdline").read_bytes() + (entry / "mountinfo").read_bytes():
                found.append((entry / "cmdline").read_text())
        except OSError:
            pass
    return found


def test_a_second_up_says_so(shared_lab: Lab) -> None:
    assert "already up" in shared_lab.command("up").stderr
    assert shared_lab.command("status").stdout.startswith("up: ")


def test_enter_keeps_directory_output_and_exit_code(shared_lab: Lab) -> None:
    done = shared_lab.enter("sh", "-c", "pwd; echo $AWS_ENDPOINT_URL; exit 7", check=False)
    assert (done.stdout, done.returncode) == (f"{Path.cwd()}\nhttp://10.78.0.2:4566\n", 7)


def test_enter_becomes_the_command(shared_lab: Lab) -> None:
    entered = subprocess.Popen([str(LAB / "lab"), "enter", "--dir", str(shared_lab.directory), "--", "sleep", "60"])
    line = Path(f"/proc/{entered.pid}/cmdline")
    wait_until(lambda: line.read_bytes().startswith(b"sleep\0"), "the process becomes the command")
    entered.send_signal(signal.SIGTERM)
    assert entered.wait(60) == -signal.SIGTERM


def test_two_labs_side_by_side_and_no_trace_afterwards(shared_lab: Lab, tmp_path: Path) -> None:
    other = Lab(tmp_path / "other")
    with other.up():
        other.ssh("staging", "touch /tmp/only-here")
        assert "only-here" not in shared_lab.ssh("staging", "ls /tmp")
        # What a command leaves behind, such as a shared ssh connection, is inside the lab too.
        other.enter("sh", "-c", "sleep 300 >/dev/null 2>&1 &")
        assert processes_of(other.directory)
    assert not other.directory.exists()
    assert processes_of(other.directory) == []
    assert str(other.directory) not in Path("/proc/mounts").read_text()
    assert "status" in shared_lab.enter("curl", "-s", "http://staging:8080/ping").stdout


def test_down_after_the_world_was_killed(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "killed")
    with lab.up():
        os.kill(int((lab.directory / "world.pid").read_text()), signal.SIGKILL)
        wait_until(lambda: lab.command("status", check=False).returncode == 1, "it is down")
    assert not lab.directory.exists()
    assert processes_of(lab.directory) == []


def test_a_strangers_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    lab = Lab(tmp_path)
    for command in ("up", "down"):
        done = lab.command(command, check=False)
        assert done.returncode == 1
        assert "lab's directory" in done.stderr
    assert (tmp_path / "precious").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="is an ordinary user already")
def test_an_ordinary_user_may_have_a_lab(tmp_path: Path) -> None:
    home = Path("/tmp") / f"lab-test-{os.getpid()}"
    home.mkdir()
    os.chown(home, 65534, 65534)
    lab = Lab(home / "lab", user=("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"))
    try:
        with lab.up():
            assert "ec2-user" in lab.ssh("production-1", "id; systemctl restart chatmrpt")
    finally:
        home.rmdir()


def test_a_lab_ends_with_its_owner_even_when_that_is_killed_and_its_records_are_kept(tmp_path: Path) -> None:
    owner = subprocess.Popen(["sleep", "600"])
    lab = Lab(tmp_path / "owned")
    saved = tmp_path / "saved"
    lab.command("up", "--owner", str(owner.pid), "--save", str(saved))
    (lab.directory / "screen").mkdir()
    (lab.directory / "screen/01-phase-1.stdout").write_text("the last screen")
    lab.enter("sh", "-c", "sleep 300 >/dev/null 2>&1 &")
    owner.kill()
    owner.wait()
    wait_until(lambda: not lab.directory.exists() and not processes_of(lab.directory), "the lab is gone")
    assert (saved / "screen/01-phase-1.stdout").read_text() == "the last screen"
    assert (saved / "log/staging.log").exists()
    assert (saved / "rollout.yaml").exists()


def test_a_lab_of_a_process_that_is_gone_is_not_started(tmp_path: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    lab = Lab(tmp_path / "orphan")
    done = lab.command("up", "--owner", str(ended.pid), check=False)
    assert done.returncode == 1
    assert f"there is no process {ended.pid}" in done.stderr
    assert not processes_of(lab.directory)
