"""The whole of it: Gunicorn with two workers, the entry beside the application, Redis with TLS and a password."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from pathlib import Path

import pytest

from conftest import PACKAGE
from redis_server import RedisServer, free_port
from world import environment

TOKEN = "a-token-that-nobody-may-see"
APPLICATION = """
import os
from flask import Flask, jsonify, request, session
from flask_session import Session

def create_app():
    app = Flask(__name__)
    app.config.update(SECRET_KEY="s", SESSION_TYPE="filesystem", SESSION_FILE_DIR=os.path.abspath("flask_session"))
    Session(app)

    @app.post("/login")
    def login():
        session["user"] = request.form["user"]
        session["roles"] = {"a", (1, 2)}
        return jsonify(pid=os.getpid())

    @app.get("/whoami")
    def whoami():
        return jsonify(user=session.get("user"), kind=type(session.get("roles")).__name__, pid=os.getpid())

    @app.post("/logout")
    def logout():
        session.clear()
        return jsonify(pid=os.getpid())

    return app

app = create_app()
"""


class Server:
    """Gunicorn in a directory, with or without the bridge."""

    def __init__(self, directory: Path, variables: dict[str, str], *words: str) -> None:
        self.port = free_port()
        self.log = directory / f"gunicorn-{self.port}.log"
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.port}", "--workers", "2", *words]
        clean = {key: value for key, value in os.environ.items() if not key.startswith("MIGRATE_")}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=directory, env={**clean, **variables}, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self) -> Server:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                Browser().get(self, "/whoami")
                return self
            except (OSError, urllib.error.URLError):
                time.sleep(0.05)
        raise TimeoutError(self.log.read_text())

    def ended(self) -> int:
        return self._process.wait(60)

    def stop(self) -> str:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
        return self.log.read_text()


class Browser:
    def __init__(self) -> None:
        self.cookie: str | None = None
        self.headers: dict[str, str] = {}

    def get(self, server: Server, path: str, body: bytes | None = None) -> dict[str, object]:
        request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", body)
        if self.cookie:
            request.add_header("Cookie", f"session={self.cookie}")
        with urllib.request.urlopen(request, timeout=60) as answer:
            for header in answer.headers.get_all("Set-Cookie") or []:
                (morsel,) = SimpleCookie(header).values()
                self.cookie = morsel.value
            self.headers = dict(answer.headers)
            return json.load(answer)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tls")
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1"
    words += f" -addext subjectAltName=IP:127.0.0.1 -keyout {directory}/key.pem -out {directory}/cert.pem"
    subprocess.run(words.split(), check=True, capture_output=True)
    return directory


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of an application, with the bridge dropped in."""
    directory = tmp_path / "copy"
    directory.mkdir()
    (directory / "original.py").write_text(APPLICATION)
    shutil.copytree(
        PACKAGE / "migrate_sessions", directory / "migrate_sessions", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(PACKAGE / "migrate_wsgi.py", directory)
    return directory


@pytest.fixture
def secured(tmp_path: Path, certificate: Path) -> Iterator[tuple[RedisServer, dict[str, str]]]:
    """Redis as ElastiCache offers it, and the variables to get in."""
    (tmp_path / "redis").mkdir()
    files = [
        "--tls-cert-file",
        f"{certificate}/cert.pem",
        "--tls-key-file",
        f"{certificate}/key.pem",
        "--tls-auth-clients",
        "no",
    ]
    server = RedisServer(tmp_path / "redis", *files, password=TOKEN, tls=True)
    server.start()
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "token").chmod(0o600)
    more = {"REDIS_PASSWORD_FILE": str(tmp_path / "token"), "REDIS_CA_FILE": f"{certificate}/cert.pem", "HEADER": "yes"}
    yield server, environment(server.url, ANSWER_TIMEOUT="10", CONNECT_TIMEOUT="10", **more)
    server.stop(keep=False)


Answer = dict[str, object]


def at_once(ask: Callable[[], Answer]) -> list[Answer]:
    """Asked several times at the same moment: a worker that is busy leaves the next request to the other one, where
    one request after the other may all be answered by the same.
    """
    with ThreadPoolExecutor(4) as threads:
        return [asked.result() for asked in [threads.submit(ask) for _ in range(4)]]


def answered_by_all(browser: Browser, server: Server) -> list[Answer]:
    """Asks until both workers have answered."""
    answers: list[Answer] = []
    deadline = time.monotonic() + 60
    while len({answer["pid"] for answer in answers}) < 2 and time.monotonic() < deadline:
        answers += at_once(lambda: browser.get(server, "/whoami"))
    assert len({answer["pid"] for answer in answers}) == 2
    return answers


@pytest.mark.parametrize("way", ["entry", "hook", "preload"])
def test_from_the_original_to_the_bridge_and_back(
    tree: Path, secured: tuple[RedisServer, dict[str, str]], way: str
) -> None:
    _, variables = secured
    variables["MIGRATE_SESSIONS_METRICS_FILE"] = str(tree / "metrics.log")
    words = ["migrate_wsgi:app"]
    variables["MIGRATE_WSGI_APP"] = "original:create_app()" if way == "entry" else "original:app"
    if way == "hook":
        (tree / "hooked.py").write_text("from migrate_sessions.gunicorn_hook import post_worker_init\n")
        words = ["--config", "hooked.py", "original:app"]
        del variables["MIGRATE_WSGI_APP"]
    elif way == "preload":
        words = ["--preload", "migrate_wsgi:app"]

    old = Server(tree, {}, "original:app").wait()
    alice, bob = Browser(), Browser()
    alice.get(old, "/login", b"user=alice")
    cookie = alice.cookie
    new = Server(tree, variables, *words).wait()
    try:
        # Old users go on, new users are born; every worker knows both; nobody's cookie changes.
        bob.get(new, "/login", b"user=bob")
        for browser, name in ((alice, "alice"), (bob, "bob")):
            for answer in answered_by_all(browser, new):
                assert (answer["user"], answer["kind"]) == (name, "set")
        assert alice.cookie == cookie
        assert "read=redis" in alice.headers["X-Migrate-Sessions"]
        assert "wrote=both" in alice.headers["X-Migrate-Sessions"]
        # Rolled back, while the other still runs: the original knows who was born on Redis.
        assert bob.get(old, "/whoami")["user"] == "bob"
        log = new.stop()
        # Forward again, in new processes, from Redis alone.
        shutil.rmtree(tree / "flask_session")
        new = Server(tree, variables, *words).wait()
        assert (alice.get(new, "/whoami")["user"], bob.get(new, "/whoami")["user"]) == ("alice", "bob")
        thief = Browser()
        thief.cookie = bob.cookie
        bob.get(new, "/logout", b"")
        assert {answer["user"] for answer in answered_by_all(thief, new)} == {None}
    finally:
        log += new.stop()
        log += old.stop()
    assert TOKEN not in log + (tree / "metrics.log").read_text()
    lines = [json.loads(line.split(" ", 1)[1]) for line in (tree / "metrics.log").read_text().splitlines()]
    assert len({line["pid"] for line in lines}) >= 3
    assert sum(line["lazy_copies"] for line in lines) == 1
    assert sum(line["unserializable"] + line["falls"] + line["damaged"] for line in lines) == 0
    assert log.count("migrate_sessions {") == len(lines)


def test_a_worker_that_cannot_start_says_why_and_gunicorn_ends(tree: Path) -> None:
    server = Server(tree, {"MIGRATE_WSGI_APP": "original:app"}, "migrate_wsgi:app")
    assert server.ended() != 0
    assert "migrate_sessions: MIGRATE_SESSIONS_REDIS_URL is not set" in server.stop()


def test_a_certificate_of_somebody_else_is_an_outage(tree: Path, secured: tuple[RedisServer, dict[str, str]]) -> None:
    _, variables = secured
    del variables["MIGRATE_SESSIONS_REDIS_CA_FILE"]
    server = Server(tree, {**variables, "MIGRATE_WSGI_APP": "original:app"}, "migrate_wsgi:app").wait()
    try:
        alice = Browser()
        alice.get(server, "/login", b"user=alice")
        assert alice.get(server, "/whoami")["user"] == "alice"
        assert "wrote=old" in alice.headers["X-Migrate-Sessions"]
    finally:
        log = server.stop()
    assert TOKEN not in log


def test_threads_and_one_request_after_another(tree: Path, secured: tuple[RedisServer, dict[str, str]]) -> None:
    _, variables = secured
    server = Server(
        tree, {**variables, "MIGRATE_WSGI_APP": "original:app"}, "-k", "gthread", "--threads", "4", "migrate_wsgi:app"
    ).wait()
    try:
        browsers = [Browser() for _ in range(6)]
        for number, browser in enumerate(browsers):
            browser.get(server, "/login", f"user={number}".encode())
        for _ in range(5):
            assert [browser.get(server, "/whoami")["user"] for browser in browsers] == list("012345")
    finally:
        server.stop()


TRIAL_TOKEN = "0123456789abcdef" * 4


def trial(browser: Browser, server: Server, path: str, method: str = "GET") -> dict[str, object]:
    """What a trial endpoint answers to the browser's session."""
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/__migrate__/{path}", method=method)
    request.add_header("X-Migrate-Trial", TRIAL_TOKEN)
    if browser.cookie:
        request.add_header("Cookie", f"copy_session={browser.cookie}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        for header in answer.headers.get_all("Set-Cookie") or []:
            browser.cookie = SimpleCookie(header)["copy_session"].value
        return json.load(answer)


def trial_of_all(browser: Browser, server: Server, path: str, without: set[object]) -> dict[object, Answer]:
    """The answers of two processes, neither of them one of those."""
    answers: dict[object, Answer] = {}
    deadline = time.monotonic() + 60
    while len(answers) < 2 and time.monotonic() < deadline:
        for answer in at_once(lambda: trial(browser, server, path)):
            if answer["pid"] not in without:
                answers[answer["pid"]] = answer
    assert len(answers) == 2
    return answers


@pytest.mark.parametrize("way", ["entry", "hook", "preload"])
def test_the_zoo_across_workers_and_a_restart(
    tree: Path, secured: tuple[RedisServer, dict[str, str]], way: str
) -> None:
    server_of_redis, variables = secured
    (tree / "trial-token").write_text(TRIAL_TOKEN + "\n")
    (tree / "trial-token").chmod(0o600)
    application = APPLICATION + "\nMODE = os.environ.get('MODE')\n"
    (tree / "original.py").write_text(application)
    variables |= {
        "MIGRATE_SESSIONS_TRIAL_TOKEN_FILE": str(tree / "trial-token"),
        "MIGRATE_SESSIONS_TRIAL_WATCH": "MODE,NOBODY_READS_IT",
        "MIGRATE_SESSIONS_COOKIE_NAME": "copy_session",
        "MIGRATE_SESSIONS_KEY_PREFIX": "rollout:copy:",
        "MODE": "fast",
        "NOBODY_READS_IT": "1",
        "MIGRATE_WSGI_APP": "original:app",
    }
    words = ["--preload"] if way == "preload" else []
    words += ["migrate_wsgi:app"]
    if way == "hook":
        (tree / "hooked.py").write_text("from migrate_sessions.gunicorn_hook import post_worker_init\n")
        words = ["--config", "hooked.py", "original:app"]
    server = Server(tree, variables, *words).wait()
    browser = Browser()
    try:
        names = trial(browser, server, "types", "POST")["names"]
        first = trial_of_all(browser, server, "types", set())
        assert all(answer["right"] == names and not answer["wrong"] for answer in first.values())
        # What they have in common is Redis: the files are gone.
        shutil.rmtree(tree / "flask_session")
        (tree / "flask_session").mkdir()
        settings = trial_of_all(browser, server, "settings", set())
        assert settings.keys() == first.keys()
        assert all(answer["unread"] == ["NOBODY_READS_IT"] for answer in settings.values())
        (master,) = {answer["master"] for answer in settings.values()}
        assert trial(browser, server, "restart", "POST")["master"] == master == server.pid
        second = trial_of_all(browser, server, "types", set(first))
        assert all(answer["right"] == names and not answer["wrong"] for answer in second.values())
        answer = trial(browser, server, "session")
        assert answer["read"] == "redis"
        assert server_of_redis.client().exists(answer["key"])
        assert answer["key"].startswith("rollout:copy:")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            Browser().get(server, "/__migrate__/settings")
    finally:
        log = server.stop()
    assert TRIAL_TOKEN not in log
    assert "Traceback" not in log
