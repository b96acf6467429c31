"""The bridge's log, the import of a module, and one connection attempt."""

import errno
import json
import socket
import sys
from pathlib import Path
from types import ModuleType

import pytest

from host_programs.bridge_log import bridge_log, last_totals
from host_programs.module_import import distribution_candidates, imported, version_of
from host_programs.reach import reach, word_for


def line(pid: int, reads: int) -> str:
    totals = {"pid": pid, "reads": reads, "falls": 0, "damaged": 0, "unserializable": 0, "old_failures": 0, "more": 1}
    return f"migrate_sessions {json.dumps(totals)}\n"


def test_the_last_line_of_each_process_counts() -> None:
    text = line(1, 5) + "other\n" + line(2, 1) + line(1, 9) + 'migrate_sessions {"pid": 2, "reads"\n' + line(3, 7)[:-1]
    assert [(one["pid"], one["reads"]) for one in last_totals(text.encode())] == [(2, 1), (1, 9)]
    assert last_totals(b"") == []


def test_a_log_that_is_missing_is_reported(tmp_path: Path) -> None:
    assert bridge_log(str(tmp_path / "no")) == {"exists": False, "processes": []}
    (tmp_path / "log").write_text(line(4, 2))
    assert bridge_log(str(tmp_path / "log"))["processes"][0]["pid"] == 4


def test_a_distribution_may_have_another_name() -> None:
    assert distribution_candidates("flask_session.redis", {"flask_session": ["Flask-Session"]}) == [
        "Flask-Session", "flask_session", "flask-session",
    ]  # fmt: skip


def test_a_version_is_the_distributions_or_the_modules_own() -> None:
    assert imported("pytest") == {"version": pytest.__version__, "problem": None}
    module = ModuleType("no_such_distribution")
    assert version_of("no_such_distribution", module) is None
    module.__version__ = "1.2"
    assert version_of("no_such_distribution", module) == "1.2"


def test_a_failed_import_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leaves.py").write_text("raise SystemExit(3)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert imported("leaves") == {"version": None, "problem": "SystemExit: 3"}
    assert imported("no_such_module")["problem"] == "ModuleNotFoundError: No module named 'no_such_module'"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (socket.gaierror(-2, "unknown"), "no_route"),
        (TimeoutError("timed out"), "timed_out"),
        (OSError(errno.ETIMEDOUT, "x"), "timed_out"),
        (OSError(errno.ECONNREFUSED, "x"), "refused"),
        (OSError(errno.EHOSTUNREACH, "x"), "no_route"),
        (OSError(errno.ENETDOWN, "x"), "no_route"),
    ],
)
def test_a_failed_attempt_has_a_word(error: OSError, word: str) -> None:
    assert word_for(error) == word


def test_other_failures_are_not_hidden() -> None:
    with pytest.raises(OSError, match="strange"):
        word_for(OSError(errno.EMFILE, "strange"))


def test_a_port_is_open_or_refused() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        assert reach("127.0.0.1", port, 2) == "refused"
        server.listen(1)
        assert reach("127.0.0.1", port, 2) == "open"
