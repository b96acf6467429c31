"""Releases: masters and workers, whether they serve, what they log, and how they end."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from host_programs.release import processes, serving
from host_programs.release.log_excerpt import LogExcerpt, parse_variables
from host_programs.release.processes import came_from, last_line, parse_properties
from host_programs.release.retirement import retire_interrupted
from host_programs.release.serving import all_serve, is_beaten
from host_programs.release.site import Site
from host_programs.release.switch import noted_in
from host_programs.request import Refusal
from support import add_release


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Processes in place of the machine's: id, then parent, command line and environment."""

    def put(**table: Any) -> None:
        known = {int(pid[1:]): facts for pid, facts in table.items()}
        monkeypatch.setattr(processes, "process_ids", lambda: sorted(known))
        monkeypatch.setattr(processes, "fields_of", lambda pid: fields(pid, known.get(pid)))
        monkeypatch.setattr(processes, "words_of", lambda pid: known.get(pid, (0, "", {}))[1].split("|"))
        monkeypatch.setattr(processes, "variables_of", lambda pid: known.get(pid, (0, "", {}))[2])

    def fields(pid: int, facts: Any) -> list[bytes]:
        return [b"S", b"%d" % facts[0]] + [b"0"] * 17 + [b"%d" % (1000 - pid)] if facts else []

    return put


def test_masters_and_workers_are_told_apart(family: Callable[..., None]) -> None:
    family(
        p10=(1, "gunicorn", {}),
        p11=(10, "gunicorn", {}),
        p12=(10, "gunicorn", {}),
        p20=(10, "gunicorn", {"GUNICORN_PID": "10"}),
        p21=(20, "gunicorn", {"GUNICORN_PID": "10"}),
    )
    assert processes.successors_of(10) == [20]
    assert processes.workers_of(10) == [12, 11]  # the oldest first
    assert (processes.ancestors_of(20), processes.ancestors_of(10)) == ([10], [])
    assert processes.workers_of(20) == [21]
    assert processes.identity_of(11) == {"pid": 11, "started_ticks": 989}
    assert (processes.parent_of(99), processes.ticks_of(99), processes.is_running(99)) == (0, 0, False)


def test_titles_tell_masters_from_workers(family: Callable[..., None]) -> None:
    family(p1=(0, "init", {}), p10=(1, "gunicorn: master [x]", {}), p11=(10, "gunicorn: worker [x]", {}),
           p20=(10, "gunicorn: master [x]", {}))  # fmt: skip
    assert came_from(20, 10)
    assert not came_from(11, 10)
    assert not came_from(10, 1)
    assert processes.successors_of(10) == [20]


def test_only_gunicorns_in_releases_are_in_use(
    site: Site, family: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    family(
        p10=(1, "gunicorn|run:app", {}),
        p11=(10, "python|task.py", {}),
        p30=(1, "vi|run.py", {}),
        p40=(1, "gunicorn|run:app", {}),
    )
    trees = {10: ("release", "one"), 11: ("release", "one"), 30: ("release", "one"), 40: ("original", None)}
    monkeypatch.setattr(Site, "tree_of", lambda _, pid: trees[pid])
    monkeypatch.setattr(processes, "main_process", lambda _: None)
    assert processes.in_releases(site) == [10, 11]


@pytest.mark.parametrize(
    ("modified", "mode", "beaten"),
    [(1_700_000_000.0, 0o600, False), (4242.0, 0o600, True), (1_700_000_000.0, 1, True), (1_700_000_000.0, 0, True)],
)
def test_a_heartbeat_has_a_time_or_a_mode(modified: float, mode: int, beaten: bool) -> None:
    assert is_beaten(modified, stat.S_IFREG | mode) == beaten


def test_a_worker_serves_when_its_own_heartbeat_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: dict[int, dict[int, bool]] = {11: {1: True}, 12: {1: True, 2: False}}
    ticks = os.sysconf("SC_CLK_TCK")
    monkeypatch.setattr(serving, "heartbeats", lambda pid: beats[pid])
    monkeypatch.setattr(serving, "ticks_of", lambda _: 100 * ticks)
    monkeypatch.setattr(serving, "uptime", lambda: 103.0)
    monkeypatch.setattr(serving, "WITH_HEARTBEAT", set())
    assert all_serve([11])
    assert not all_serve([11, 12])  # 12 has inherited the file of 11, and has not beaten its own
    beats[12][2] = True
    assert all_serve([11, 12])
    # A worker of another kind has no file: its age has to do. One that had a file and has it no more is ending.
    beats[13] = beats[12] = {}
    assert not all_serve([13])
    monkeypatch.setattr(serving, "uptime", lambda: 116.0)
    assert all_serve([13])
    assert not all_serve([12])


def test_a_pid_file_has_a_number_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("42\n")
    (tmp_path / "b").write_text("x")
    assert [noted_in(str(tmp_path / name)) for name in ("a", "b", "no")] == [42, None, None]


def test_variables_of_a_file_are_secrets_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_variables("A=1\nB=x=y\n") == {"A": "1", "B": "x=y"}
    release = add_release(site, "one")
    (release / ".migrate/environment").write_text("REDIS_URL=rediss://user:pw@host\n")
    (release / ".migrate/redis-password").write_text("hunter2\n")
    with open(str(release / "error.log"), "w") as log:
        log.write("before\n")
    excerpt = LogExcerpt(site, os.getpid(), ("release", "one"))
    excerpt.lengths = {str(release / "error.log"): 7}
    excerpt.variables = {"SECRET_KEY": "topsecret"}
    with open(str(release / "error.log"), "a") as log:
        log.write("\n".join(["one"] * 30 + ["no rediss://user:pw@host", "", "hunter2 topsecret"]))
    lines = excerpt.lines()
    assert (len(lines), lines[-2:]) == (25, ["no [redacted]", "[redacted] [redacted]"])
    excerpt.lengths = {}
    monkeypatch.setattr(LogExcerpt, "journal", lambda _: ["of the journal"])
    assert excerpt.lines() == ["of the journal"]


def test_a_log_in_the_tree_is_expected_in_the_other_tree(site: Site) -> None:
    release = add_release(site, "one")
    names = ["error.log", "access.log"]
    program = "import time, sys; files = [open(n, 'w') for n in sys.argv[1:]]; print(flush=True); time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", program, *names], cwd=site.live, stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        excerpt = LogExcerpt(site, child.pid, ("release", "one"))
        assert excerpt.lengths == {site.live + "/error.log": 0, str(release / "error.log"): 0}
    finally:
        child.kill()
        child.communicate()


def test_a_retirement_that_was_interrupted_is_finished(site: Site) -> None:
    note = Path(site.releases) / ".migrate/retiring"
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        note.write_text(json.dumps({"pid": child.pid, "started_ticks": 1}))
        retire_interrupted(site)  # another process has the number by now
        assert child.poll() is None
        assert not note.exists()
        note.write_text(json.dumps(processes.identity_of(child.pid)))
        retire_interrupted(site)
        assert child.wait(10) == -signal.SIGTERM
        assert not note.exists()
        retire_interrupted(site)
    finally:
        child.kill()
        child.wait()


def test_the_service_manager_is_asked_about_a_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(words: list[str], **_: Any) -> Any:
        asked.append(words)
        return SimpleNamespace(returncode=0, stdout=b"MainPID=%d\n" % os.getpid(), stderr=b"")

    monkeypatch.setattr(subprocess, "run", run)
    assert processes.main_process("app.service") == os.getpid()
    assert asked == [["systemctl", "show", "app.service", "-p", "MainPID"]]
    monkeypatch.setattr(
        subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=1, stderr=b"no bus\n", stdout=b"")
    )
    with pytest.raises(Refusal, match=r"systemctl show app\.service: no bus"):
        processes.main_process("app.service")


def test_properties_are_lines_of_name_and_value() -> None:
    assert parse_properties("MainPID=7\nExecStart={ argv[]=a=b }\nEmpty=\n") == {
        "MainPID": "7",
        "ExecStart": "{ argv[]=a=b }",
        "Empty": "",
    }
    assert [last_line(said) for said in (b"a\nb\n\n", b"", b"\xff")] == ["b", "no message", "�"]
