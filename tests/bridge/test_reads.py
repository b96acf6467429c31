"""Which environment variables the application was seen to read. In processes of their own: it changes `os.environ`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import PACKAGE

# Runs each script in a process of its own, forked from one in which everything is imported: that takes far longer.
FORKS = """
import json, os, sys, traceback, types
from migrate_sessions.trial import reads
NAMES = ["MODE", "DEPTH", "ABSENT"]
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            reads.listen(NAMES)
            exec(json.loads(line), {"os": os, "sys": sys, "types": types, "reads": reads})
            print(json.dumps(reads.unread(NAMES)), flush=True)
        except BaseException:
            print(json.dumps(traceback.format_exc()), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""
Ask = Callable[[str], list[str]]


@pytest.fixture(scope="module")
def unread_after() -> Iterator[Ask]:
    """Runs a script and tells the names that it has not read."""
    variables = {**os.environ, "PYTHONPATH": str(PACKAGE), "MODE": "fast", "DEPTH": "3", "PYTHONWARNINGS": "ignore"}
    words = [sys.executable, "-B", "-c", FORKS]
    with subprocess.Popen(words, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(script: str) -> list[str]:
            process.stdin.write(json.dumps(script) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.mark.parametrize(
    "script",
    [
        "os.environ['MODE']",
        "os.environ.get('MODE')",
        "os.environ.get('MODE', 'slow')",
        "os.getenv('MODE')",
        "'MODE' in os.environ",
        "os.environ.pop('MODE')",
        "os.environ.setdefault('MODE', 'slow')",
        "'MODE' in os.environ.keys()",
        "for name in os.environ:\n    pass\nos.environ['MODE']",
        "from os import environ, getenv\ngetenv('MODE')",
        "import os as other\nother.environ['MODE']",
    ],
)
def test_asking_by_name_is_reading(unread_after: Ask, script: str) -> None:
    assert unread_after(script) == ["DEPTH", "ABSENT"]


@pytest.mark.parametrize(
    "script",
    [
        "",
        "os.environ.copy()",
        "dict(os.environ)",
        "{**os.environ}",
        "os.environ | {}",
        "dict().update(os.environ)",
        "[pair for pair in os.environ.items()]",
        "list(os.environ.values())",
        "{name: os.environ[name] for name in os.environ}",
        "len(os.environ), repr(os.environ), sorted(os.environ)",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import os; os.environ[\"MODE\"]'])",
        "os.environ.get('ABSENT')",
        # A value of the application's own is not the one that was set.
        "os.environ['MODE'] = 'slow'\nos.environ['MODE']",
        # python-dotenv asks whether a name is taken.
        "dotenv = types.ModuleType('dotenv.main')\n"
        "exec('import os\\ndef load():\\n    return \"MODE\" in os.environ', dotenv.__dict__)\nassert dotenv.load()",
    ],
)
def test_going_through_everything_is_reading_nothing(unread_after: Ask, script: str) -> None:
    assert unread_after(script) == ["MODE", "DEPTH", "ABSENT"]


def test_what_was_read_stays_read_and_the_environment_works_as_before(unread_after: Ask) -> None:
    script = """
os.environ["MODE"]
reads.listen(["DEPTH"])
os.environ["NEW"] = "x"
assert os.environ["NEW"] == "x" and os.getenv("NEW") == "x" and "NEW" in os.environ and "NEVER" not in os.environ
del os.environ["NEW"]
try:
    os.environ["NEW"]
except KeyError as error:
    assert error.args == ("NEW",)
else:
    raise AssertionError
assert isinstance(os.environ, os._Environ) and type(os.environ.copy()) is dict
"""
    assert unread_after(script) == ["DEPTH", "ABSENT"]


def test_in_an_application(tmp_path: Path) -> None:
    """The whole way: MIGRATE_WSGI_APP, an application that reads one of two, and the endpoint."""
    token = "0123456789abcdef" * 4
    (tmp_path / "token").write_text(token)
    (tmp_path / "token").chmod(0o600)
    (tmp_path / "original.py").write_text(
        "import os\nfrom flask import Flask\nfrom flask_session import Session\napp = Flask('x')\n"
        "app.config.update(SESSION_TYPE='filesystem', MODE=os.environ.get('MODE'))\nSession(app)\n"
        "@app.get('/')\ndef late():\n    return os.environ['DEPTH']\n"
    )
    script = f"""
import migrate_wsgi
client = migrate_wsgi.app.test_client()
def unread():
    return client.get("/__migrate__/settings", headers={{"X-Migrate-Trial": "{token}"}}).get_json()["unread"]
assert unread() == ["DEPTH", "TYPO"], unread()
client.get("/")
assert unread() == ["TYPO"], unread()
"""
    variables = {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}:{PACKAGE}",
        "PYTHONWARNINGS": "ignore",
        "MODE": "fast",
        "DEPTH": "3",
        "MIGRATE_WSGI_APP": "original:app",
        "MIGRATE_SESSIONS_REDIS_URL": "redis://127.0.0.1:1",
        "MIGRATE_SESSIONS_TRIAL_TOKEN_FILE": str(tmp_path / "token"),
        "MIGRATE_SESSIONS_TRIAL_WATCH": "MODE,DEPTH,TYPO",
    }
    words = [sys.executable, "-B", "-c", script]
    done = subprocess.run(words, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
