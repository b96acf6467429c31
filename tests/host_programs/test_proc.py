"""Parsing /proc."""

import os
import subprocess
import sys

from host_programs.paths import is_inside
from host_programs.proc import (
    command_line,
    environment_of,
    parse_command_line,
    parse_environment,
    parse_stat,
    path_of,
    process_ids,
    stat_fields,
    without_deleted,
)


def test_words_of_a_command_line_may_be_empty_and_hold_any_bytes() -> None:
    assert parse_command_line(b"python\0-c\0\0a b\0") == ["python", "-c", "", "a b"]
    assert [os.fsencode(word) for word in parse_command_line(b"\xff\0")] == [b"\xff"]
    assert parse_command_line(b"") == []


def test_a_title_has_no_nul_at_its_end() -> None:
    # A process that writes a longer title over its command line and environment.
    assert parse_command_line(b"gunicorn: master [run:app]\0\0\0") == ["gunicorn: master [run:app]", "", ""]


def test_variables_may_hold_equals_signs_and_newlines() -> None:
    assert parse_environment(b"A=b=c\0EMPTY=\0LINES=1\n2\0not a variable\0") == {
        "A": "b=c",
        "EMPTY": "",
        "LINES": "1\n2",
    }


def test_a_name_with_parentheses_does_not_move_the_fields() -> None:
    assert parse_stat(b"42 (a) S 7 (b)) R 41 1") == [b"R", b"41", b"1"]
    assert parse_stat(b"") == []


def test_the_note_of_a_deleted_path_is_dropped() -> None:
    assert [without_deleted(path) for path in ("/srv/app (deleted)", "/srv/app")] == ["/srv/app", "/srv/app"]


def test_a_running_process_is_read() -> None:
    pid = os.getpid()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={"COLOR": "red"}, cwd="/")
    try:
        while command_line(child.pid)[1:] != ["-c", "input()"]:
            pass
        assert environment_of(child.pid)["COLOR"] == "red"
        assert int(stat_fields(child.pid)[1]) == pid
        assert path_of(child.pid, "cwd") == "/"
        assert {pid, child.pid} <= set(process_ids())
    finally:
        child.communicate()


def test_a_directory_is_inside_itself_and_not_inside_its_namesakes() -> None:
    assert [is_inside(path, "/srv/app") for path in ("/srv/app", "/srv/app/a", "/srv/app2", "/srv")] == [
        True, True, False, False,
    ]  # fmt: skip
