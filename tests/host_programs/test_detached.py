"""A Gunicorn beside the original: which processes are ours, and how its command line is derived."""

import os
import socket
import sys
from typing import Any, Optional

import pytest

from host_programs.detached import derivation
from host_programs.detached.derivation import (
    Launch,
    Original,
    arguments_begin,
    derived,
    interpreter_path,
    moved,
    not_overridden,
    parse_environment_file,
    without_application,
    without_bind,
)
from host_programs.detached.ending import is_alive
from host_programs.detached.facts import is_worker_line, legal, may_write, parse_address, parse_listeners
from host_programs.detached.processes import Process, is_told, noted_pid, process_of, topmost, with_descendants
from host_programs.detached.start import tail

PID_FILE = "/srv/copy/.migrate/gunicorn.pid"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["python", "gunicorn", "--pid", PID_FILE, "run:app"], True),
        (["gunicorn: master [run:app]"], True),
        (["python", "gunicorn", "--pid", "/srv/original/gunicorn.pid"], False),
        (["tail", "-f", PID_FILE], False),
        ([], False),
    ],
)
def test_ours_was_told_our_pid_file(words: list[str], told: bool) -> None:
    assert is_told(words, PID_FILE) == told


def test_parent_and_start_are_fields_4_and_22() -> None:
    fields = [b"S", b"41"] + [b"0"] * 17 + [b"12345", b"7"]
    assert process_of(fields) == Process(41, 12345)


# A master (10) with two workers, one of which has started something, and a second master that is older.
PROCESSES = {10: Process(1, 50), 11: Process(10, 51), 12: Process(10, 52), 13: Process(12, 53), 20: Process(1, 40)}


@pytest.mark.parametrize(
    ("ours", "noted", "expected"),
    [
        ({10, 11, 12}, 10, 10),
        ({10, 11, 12}, 11, 10),
        ({10, 11, 12, 20}, 10, 10),
        ({10, 11, 12, 20}, 0, 20),
        (set(), 10, None),
    ],
)
def test_the_master_is_the_topmost_of_ours(ours: Any, noted: int, expected: Optional[int]) -> None:
    assert topmost(ours, PROCESSES, noted) == expected


def test_descendants_are_found_at_any_depth() -> None:
    assert with_descendants([10], PROCESSES) == {10, 11, 12, 13}
    assert with_descendants([20], PROCESSES) == {20}


def test_a_pid_file_may_hold_anything(tmp_path: Any) -> None:
    file = tmp_path / "pid"
    found = [noted_pid(str(file))]
    for text in ("42\n", "", "x"):
        file.write_text(text)
        found.append(noted_pid(str(file)))
    assert found == [0, 42, 0, 0]


def test_a_process_is_known_by_its_start() -> None:
    with open("/proc/self/stat", "rb") as file:
        started = int(file.read().rpartition(b")")[2].split()[19])
    assert is_alive(os.getpid(), started)
    assert not is_alive(os.getpid(), started + 1)


TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000000000000000
   1: 0100007F:1F91 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0000000000000000
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the table is of a little-endian machine")
def test_only_sockets_that_listen_are_addresses() -> None:
    assert parse_listeners(TABLE, socket.AF_INET) == {"4711": "127.0.0.1:8081"}
    assert parse_address("00000000000000000000000001000000:0050", socket.AF_INET6) == "[::1]:80"
    assert parse_address("00000000:0016", socket.AF_INET) == "0.0.0.0:22"


@pytest.mark.parametrize(("flags", "may"), [("0100000", False), ("0100001", True), ("02102002", True)])
def test_a_descriptor_may_be_open_for_writing(flags: str, may: bool) -> None:
    assert may_write(f"pos:\t0\nflags:\t{flags}\nmnt_id:\t25\n") == may


def test_a_worker_has_its_masters_command_line_or_a_title() -> None:
    master = ["python", "gunicorn", "run:app"]
    lines = [master, ["gunicorn: worker [run:app]"], ["sh", "-c", "x"], []]
    assert [is_worker_line(line, master) for line in lines] == [True, True, False, False]


def test_any_bytes_are_legal_in_the_answer() -> None:
    assert legal(os.fsdecode(b"a\xff")) == "a�"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/srv/app", "/srv/copy"),
        ("/srv/app/gunicorn.conf.py", "/srv/copy/gunicorn.conf.py"),
        ("/srv/app2/x", "/srv/app2/x"),
        ("--config=/srv/app/a.py", "--config=/srv/copy/a.py"),
        ("/usr/bin:/srv/app/bin:/bin", "/usr/bin:/srv/copy/bin:/bin"),
        ("x/srv/app", "x/srv/app"),
        ("COLOR=/srv/app", "COLOR=/srv/app"),
    ],
)
def test_paths_of_the_original_become_the_copys(text: str, expected: str) -> None:
    assert moved(text, "/srv/app", "/srv/copy") == expected


@pytest.mark.parametrize(
    ("words", "begin"),
    [
        (["/v/bin/python", "/v/bin/gunicorn", "run:app"], 2),
        (["python3", "-m", "gunicorn", "run:app"], 3),
        (["python3", "-u", "-m", "gunicorn.app.wsgiapp", "run:app"], 4),
        (["gunicorn", "run:app"], None),
        (["python3", "-m", "flask", "run"], None),
        (["python3", "-m"], None),
    ],
)
def test_gunicorns_arguments_follow_its_name(words: list[str], begin: Optional[int]) -> None:
    assert arguments_begin(words) == begin


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["--bind", "0.0.0.0:80", "run:app"], ["run:app"]),
        (["-b", ":80", "-w", "2"], ["-w", "2"]),
        (["--bind=:80", "-b:81", "--backlog", "5"], ["--backlog", "5"]),
        (["run:app", "--bind"], ["run:app"]),
    ],
)
def test_every_bind_is_left_out(arguments: list[str], left: list[str]) -> None:
    assert without_bind(arguments) == left


def test_the_last_word_that_names_the_application_is_left_out() -> None:
    assert without_application(["--name", "run:app", "run:app", "-w", "2"], "run:app") == [
        "--name",
        "run:app",
        "-w",
        "2",
    ]


def refusal(capsys: pytest.CaptureFixture, work: Any) -> str:
    with pytest.raises(SystemExit) as ended:
        work()
    assert ended.value.code == derivation.REFUSED
    return capsys.readouterr().err


def test_an_environment_file_has_lines_of_name_and_value(capsys: pytest.CaptureFixture) -> None:
    assert parse_environment_file(b"A=1\n\nB=x = y \nC=") == {"A": "1", "B": "x = y ", "C": ""}
    assert "line 2 of the copy's" in refusal(capsys, lambda: parse_environment_file(b"A=1\nexport B\n"))


def test_the_interpreter_is_found_as_a_shell_finds_it(tmp_path: Any, capsys: pytest.CaptureFixture) -> None:
    (tmp_path / "python").touch(mode=0o755)
    (tmp_path / "closed").touch(mode=0o644)
    assert interpreter_path("../bin/python", "/srv/app", "") == "/srv/bin/python"
    assert interpreter_path("python", "/srv/app", f"/nowhere::{tmp_path}") == str(tmp_path / "python")
    assert "`missing` is not on its PATH" in refusal(capsys, lambda: interpreter_path("missing", "/", str(tmp_path)))


JOB: dict[str, Any] = {
    "unit": "app.service",
    "original": "/srv/app",
    "directory": "/srv/copy",
    "application": None,
    "port": 8081,
    "workers": 3,
    "pid_file": PID_FILE,
    "access_log": "/srv/copy/access.log",
    "error_log": "/srv/copy/error.log",
    "exactly": False,
}


def original_of(words: list[str], environment: dict[str, str]) -> Original:
    found = Original.__new__(Original)
    begin = arguments_begin(words)
    assert begin is not None
    found.words, found.environment, found.directory = words, environment, "/srv/app"
    found.before, found.arguments = words[:begin], words[begin:]
    return found


def gunicorn_parser(_: str, arguments: list[str], __: dict[str, str]) -> dict[str, Any]:
    """What Gunicorn's parser would answer for the few options here."""
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("args", nargs="*")
    parser.add_argument("-b", "--bind", action="append")
    parser.add_argument("-w", "--workers", type=int)
    for option, name in (
        ("--pid", "pidfile"),
        ("--access-logfile", "accesslog"),
        ("--error-logfile", "errorlog"),
        ("--chdir", "chdir"),
        ("--config", "config"),
    ):
        parser.add_argument(option, dest=name)
    parser.add_argument("--daemon", action="store_true")
    return {"options": ["--bind", "--no-control-socket"], "known": vars(parser.parse_args(
        [word for word in arguments if word != "--no-control-socket"]))}  # fmt: skip


def test_a_copy_is_started_as_the_original_with_its_own_settings(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "environment").write_text("REDIS_URL=rediss://x\nCOLOR=blue\n")
    monkeypatch.setattr(derivation, "parsed", gunicorn_parser)
    words = [
        "/srv/app/venv/bin/python",
        "/srv/app/venv/bin/gunicorn",
        "--bind",
        ":80",
        "--config=/srv/app/g.py",
        "run:app",
    ]
    environment = {"COLOR": "red", "UPLOADS": "/srv/app/uploads", "NOTIFY_SOCKET": "/run/x", "GUNICORN_PID": "1"}
    job = dict(JOB, environment_file=str(tmp_path / "environment"))
    launch = derived(original_of(words, environment), job)
    assert launch == Launch(
        [
            "/srv/copy/venv/bin/python", "/srv/copy/venv/bin/gunicorn", "--config=/srv/copy/g.py",
            "--bind", "127.0.0.1:8081", "--workers", "3", "--pid", PID_FILE, "--access-logfile", "/srv/copy/access.log",
            "--error-logfile", "/srv/copy/error.log", "--chdir", "/srv/copy", "--daemon", "--no-control-socket",
            "run:app",
        ],
        {
            "COLOR": "blue", "UPLOADS": "/srv/copy/uploads", "REDIS_URL": "rediss://x", "MIGRATE_WSGI_APP": "run:app",
            "PWD": "/srv/copy",
        },
    )  # fmt: skip


def test_what_is_not_overridden_is_named() -> None:
    known = gunicorn_parser("", ["--bind", "127.0.0.1:8081", "--bind", ":80", "--workers", "2", "x"], {})["known"]
    wrong = ["accesslog", "args", "bind", "chdir", "daemon", "errorlog", "pidfile", "workers"]
    assert not_overridden(known, JOB, "run:app") == wrong


@pytest.mark.parametrize(
    ("words", "directory", "why"),
    [
        (["python", "-m", "flask"], "/srv/app", "is not Gunicorn"),
        (["gunicorn: master [run:app]"], "/srv/app", "setproctitle"),
        (["python", "-m", "gunicorn", "run:app"], "/srv/other", "runs in /srv/other, not in /srv/app"),
    ],
)
def test_an_original_that_cannot_be_copied_is_refused(
    words: list[str], directory: str, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(derivation, "command_line", lambda _: words)
    monkeypatch.setattr(derivation, "environment_of", lambda _: {})
    monkeypatch.setattr(derivation, "path_of", lambda *_: directory)
    assert why in refusal(capsys, lambda: Original(7, JOB))
    assert "app.service does not run" in refusal(capsys, lambda: Original(0, JOB))


def test_a_logs_tail_begins_behind_the_earlier_text_and_has_no_secret(tmp_path: Any) -> None:
    log = tmp_path / "log"
    log.write_text("old\nnew hunter2\n" + "".join(f"{number}\n" for number in range(30)))
    lines = tail(str(log), 4, {"SECRET_KEY": "hunter2"}).splitlines()
    assert (len(lines), lines[-1]) == (25, "29")
    log.write_text("old\nnew hunter2\n")
    assert tail(str(log), 4, {"SECRET_KEY": "hunter2"}) == "new [redacted]"
    assert tail(str(tmp_path / "no"), 0, {}) == ""
