"""Requests, answers and refusals."""

import errno
import io
import json
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from host_programs import request as module
from host_programs.request import (
    BROKEN,
    FOREIGN,
    INPUT_OUTPUT,
    NO_ROOM,
    PASSING,
    Progress,
    Refusal,
    exit_code_of,
    name_of,
    perform,
    sentence_of,
    shown,
)


class Stream:
    """A standard stream with a buffer of bytes."""

    def __init__(self, content: bytes = b"") -> None:
        self.buffer = io.BytesIO(content)


def performed(monkeypatch: pytest.MonkeyPatch, work: Callable[[Any], Any], request: Any = None) -> tuple[int, str, str]:
    """The exit code and the two outputs of a program."""
    streams = SimpleNamespace(
        stdin=Stream(json.dumps(request).encode()), stdout=Stream(), stderr=Stream(), exit=module.sys.exit
    )
    monkeypatch.setattr(module, "sys", streams)
    with pytest.raises(SystemExit) as ended:
        perform(work)
    return ended.value.code, streams.stdout.buffer.getvalue().decode(), streams.stderr.buffer.getvalue().decode()


def test_an_answer_ends_with_a_line_of_json_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    assert performed(monkeypatch, lambda request: request["path"], {"path": "é"}) == (0, '\n"\\u00e9"\nend\n', "")


def test_a_refusal_says_whether_anything_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Any) -> None:
        raise Refusal(FOREIGN, "not ours")

    def write_and_refuse(_: Any) -> None:
        Progress.has_written = True
        raise Refusal(PASSING, "later")

    assert performed(monkeypatch, refuse) == (FOREIGN, "\nclean\n", "not ours\n")
    assert performed(monkeypatch, write_and_refuse) == (PASSING, "\nunknown\n", "later\n")


def test_any_other_exception_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert performed(monkeypatch, lambda request: request["no"], {}) == (BROKEN, "\nclean\n", "KeyError: 'no'\n")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, NO_ROOM),
        (errno.EDQUOT, NO_ROOM),
        (errno.EBUSY, PASSING),
        (errno.ENOTEMPTY, PASSING),
        (errno.EEXIST, PASSING),
        (errno.EACCES, INPUT_OUTPUT),
        (errno.EIO, INPUT_OUTPUT),
    ],
)
def test_errors_of_the_system_have_an_exit_code(number: int, code: int) -> None:
    assert exit_code_of(OSError(number, "x")) == code


def test_errors_of_the_system_name_their_paths() -> None:
    assert sentence_of(OSError(errno.EACCES, "Permission denied", "/a\nb", None, "/c")) == (
        "/a\\nb: /c: Permission denied"
    )
    assert sentence_of(OSError("strange")) == "strange"


def test_names_keep_their_bytes_and_are_shown_on_one_line() -> None:
    assert os.fsencode(name_of("é")) == "é".encode()
    assert shown("a\nb\rc") == "a\\nb\\rc"
    assert shown(os.fsdecode(b"\xff")) == "\\xff"


def test_a_sign_of_life_is_written_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now, out = [10.0], Stream()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(module, "sys", SimpleNamespace(stdout=out))
    Progress.reported_at = 0.0
    for now[0] in (10.0, 10.5, 11.0, 11.1):
        module.report_progress()
    assert out.buffer.getvalue() == b".."
