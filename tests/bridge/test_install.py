"""Finding the application, wherever it calls Session(app), and refusing with one sentence what cannot work."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from flask import Flask
from flask_session import Session

from conftest import PACKAGE
from migrate_sessions import Refused, find, install, versions
from migrate_sessions.interface import Bridged
from migrate_sessions.settings import Settings
from world import environment, original

URL = "redis://127.0.0.1:1"
SETTINGS = Settings.from_environment(environment(URL))
HEAD = """
from flask import Flask
from flask_session import Session
def make(name="x", sessions=True):
    app = Flask(name)
    app.config.update(SECRET_KEY="s", SESSION_TYPE="filesystem", SESSION_FILE_DIR="flask_session")
    if sessions:
        Session(app)
    return app
"""
TAIL = "\nimport sys\nfrom migrate_sessions.interface import Bridged\n"


def run(directory: Path, source: str, name: str, script: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Imports the entry in a process of its own, as Gunicorn would, and runs a script with `migrate_wsgi`."""
    (directory / "original.py").write_text(HEAD + source)
    variables = {
        **os.environ,
        "PYTHONPATH": f"{directory}:{PACKAGE}",
        "MIGRATE_WSGI_APP": name,
        **environment(URL, **more),
    }
    variables["PYTHONWARNINGS"] = "ignore"
    words = [sys.executable, "-c", f"import migrate_wsgi{TAIL}{script}"]
    return subprocess.run(words, env=variables, cwd=directory, capture_output=True, text=True, timeout=120)


IS_BRIDGED = """
from migrate_sessions.find import flask_in
assert isinstance(flask_in(migrate_wsgi.app).session_interface, Bridged)
"""
LATE = "import original\noriginal.Session(original.app)\n"


@pytest.mark.parametrize(
    ("source", "name", "script", "more"),
    [
        ("app = make()", "original:app", IS_BRIDGED, {}),
        ("application = make()", "original", IS_BRIDGED, {}),
        ("", "original:make()", IS_BRIDGED, {}),
        ("", "original:make('named', sessions=True)", IS_BRIDGED + "\nassert migrate_wsgi.app.name == 'named'", {}),
        (
            "app = make(sessions=False)\nclass holder: inner = app\nSession().init_app(app)",
            "original:holder.inner",
            IS_BRIDGED,
            {},
        ),
        ("from werkzeug.middleware.proxy_fix import ProxyFix\napp = ProxyFix(make())", "original:app", IS_BRIDGED, {}),
        ("app = make().wsgi_app", "original:app", IS_BRIDGED, {}),
        ("app = make(sessions=False)", "original:app", LATE + IS_BRIDGED, {"LATE": "yes"}),
    ],
)
def test_the_application_is_found_and_bridged(
    tmp_path: Path, source: str, name: str, script: str, more: dict[str, str]
) -> None:
    done = run(tmp_path, source, name, script, **more)
    said = done.stderr.replace("the application has no server-side sessions yet; waiting for Session(app)\n", "")
    assert (done.returncode, said) == (0, "")


@pytest.mark.parametrize(
    ("source", "name", "said", "more"),
    [
        (
            "app = make(sessions=False)",
            "original:app",
            "has no server-side sessions, but SecureCookieSessionInterface",
            {},
        ),
        ("app = print", "original:app", "there is no Flask application in what was loaded", {}),
        ("", "original:nothing", "the module original has no nothing", {}),
        ("", "original:make(x)", "MIGRATE_WSGI_APP is not like module:attribute", {}),
        ("", "", "MIGRATE_WSGI_APP is not set", {}),
        ("app = make()", "original:app", "unknown variable MIGRATE_SESSIONS_TYPO", {"TYPO": "1"}),
        ("app = make()", "original:app", "does not exist: /nowhere", {"OLD_DIR": "/nowhere"}),
        (
            "app = Flask('x')\napp.config['SESSION_TYPE'] = 'redis'\nSession(app)",
            "original:app",
            "not in files, but in RedisSessionInterface",
            {},
        ),
    ],
)
def test_what_cannot_work_ends_with_one_sentence(
    tmp_path: Path, source: str, name: str, said: str, more: dict[str, str]
) -> None:
    done = run(tmp_path, source, name, **more)
    assert done.returncode == 3
    assert said in done.stderr
    assert done.stderr.startswith("migrate_sessions: ")
    assert done.stderr.count("\n") == 1


def test_an_error_of_the_application_stays_its_own(tmp_path: Path) -> None:
    done = run(tmp_path, "import a_module_that_is_missing", "original:app")
    assert done.returncode == 1
    assert "ModuleNotFoundError: No module named 'a_module_that_is_missing'" in done.stderr


@pytest.mark.parametrize(
    ("package", "version", "said"),
    [
        ("Flask-Session", "0.4.1", "Flask-Session 0.4.1 is not supported; 0.5, 0.6, 0.7, 0.8 are"),
        ("Flask-Session", "0.9.0", "Flask-Session 0.9.0 is not supported"),
        ("Flask-Session", "1.0.0rc1", "Flask-Session 1.0.0rc1 is not supported"),
        ("Flask-Session", None, "Flask-Session is not installed here"),
        ("redis", "3.5.3", "the package redis 3.5.3 is too old"),
        ("redis", None, "the package redis is not installed"),
    ],
)
def test_unsupported_versions_are_refused(
    monkeypatch: pytest.MonkeyPatch, package: str, version: str | None, said: str
) -> None:
    genuine = metadata.version

    def pretended(name: str) -> str:
        if name != package:
            return genuine(name)
        if version is None:
            raise metadata.PackageNotFoundError(name)
        return version

    monkeypatch.setattr("migrate_sessions.versions.metadata.version", pretended)
    with pytest.raises(Refused, match=said):
        versions.check()


def test_this_version_is_supported() -> None:
    versions.check()


def test_bridging_twice_is_bridging_once(tmp_path: Path) -> None:
    app = original(tmp_path)
    genuine = app.session_interface
    install(app, SETTINGS)
    bridged = app.session_interface
    assert install(app, SETTINGS).session_interface is bridged
    # Still what it was, for an application that asks; and the original's own object is untouched.
    assert isinstance(bridged, type(genuine))
    assert isinstance(bridged, Bridged)
    assert not isinstance(genuine, Bridged)
    assert genuine.cache is not bridged.cache


def test_other_kinds_of_files_are_refused(tmp_path: Path) -> None:
    from cachelib.serializers import BaseSerializer
    from cachelib.simple import SimpleCache

    app = original(tmp_path)
    app.session_interface.cache.serializer = BaseSerializer()
    with pytest.raises(Refused, match="not pickles"):
        install(app, SETTINGS)
    app.session_interface.cache = SimpleCache()
    with pytest.raises(Refused, match="SimpleCache, not in files"):
        install(app, SETTINGS)


def test_a_cachelib_interface_is_bridged(tmp_path: Path) -> None:
    if versions._version("Flask-Session") < "0.7":
        pytest.skip("there is none before 0.7")
    from cachelib.file import FileSystemCache

    app = Flask("x")
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=FileSystemCache(str(tmp_path)))
    Session(app)
    assert isinstance(install(app, SETTINGS).session_interface, Bridged)


def test_middleware_without_end_is_not_followed_for_ever() -> None:
    class Ring:
        @property
        def app(self) -> object:
            return Ring()

    assert find.flask_in(Ring()) is None
