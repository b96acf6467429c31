"""Ways in which an application can be unfit for what a migration wants of it, one at a time, for the lab's tests.

`VARIANT` in the environment or in `.env` chooses one: `slower`, or with a number, `slower:80`. The file
`instance/variant-of-releases` chooses one for releases alone: the tree they are made of stays as it was. Without either
this module is not even imported.
"""

from __future__ import annotations

import importlib
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from flask import Flask, Response, jsonify, request, session


def slower(app: Flask, milliseconds: float) -> None:
    """Every request takes so many milliseconds longer (20)."""
    app.before_request(lambda: time.sleep(milliseconds / 1000))


def leaks(app: Flask, kibibytes: float) -> None:
    """Every request keeps so many KiB for ever (64)."""
    kept: list[bytes] = []

    @app.before_request
    def keep() -> None:
        # Written, not only reserved: otherwise it costs no memory.
        kept.append(b"x" * int(kibibytes * 1024))


def per_worker(app: Flask, _: float) -> None:
    """The count of messages is kept in the worker instead of the session: right about half the time with two."""
    counts: dict[str, int] = {}

    def read() -> Response:
        return jsonify(count=counts.get(session.get("user", ""), 0))

    def increase() -> Response:
        user = session.get("user", "")
        counts[user] = counts.get(user, 0) + 1
        return jsonify(count=counts[user])

    app.view_functions["conversation.read"] = read
    app.view_functions["conversation.increase"] = increase


def bleeds(app: Flask, every: float) -> None:
    """One answer of so many (10) to "who am I" is about the last other user of this worker."""
    whoami = app.view_functions["account.whoami"]
    last: dict[str, object] = {}
    asked = 0

    def confused() -> object:
        nonlocal asked
        asked += 1
        own = whoami()
        user = session.get("user")
        if user is None:
            return own
        other = next((answer for name, answer in last.items() if name != user), None)
        last.clear()
        last[user] = own
        return other if other is not None and asked % int(every) == 0 else own

    app.view_functions["account.whoami"] = confused


def crashes(app: Flask, most: float) -> None:
    """A worker ends without a word when more than so many requests (20) reach it within a second."""
    recent: deque[float] = deque()

    @app.before_request
    def count() -> None:
        now = time.monotonic()
        recent.append(now)
        while recent[0] < now - 1:
            recent.popleft()
        if len(recent) > most:
            os._exit(1)


def stalls(app: Flask, seconds: float) -> None:
    """Every 50th request of a worker takes so many seconds (130): longer than Gunicorn lets a worker be silent."""
    served = 0

    @app.before_request
    def stall() -> None:
        nonlocal served
        served += 1
        if served % 50 == 0:
            time.sleep(seconds)


def late_import_error(app: Flask, _: float) -> None:
    """Starts and answers health checks, and lacks a module that only uploads need."""

    @app.before_request
    def load() -> None:
        if request.path == "/upload":
            importlib.import_module("chatmrpt_geocoder")


def strays(app: Flask, _: float) -> None:
    """Keeps a log open by an absolute path in the original's tree, wherever it runs itself."""
    # Kept open on purpose.
    log = Path("/home/ec2-user/ChatMRPT/logs/stray.log").open("a", buffering=1)  # noqa: SIM115
    app.before_request(lambda: print(request.path, file=log))


def fails_to_start(app: Flask, _: float) -> None:
    """Does not start."""
    raise RuntimeError("this application does not start")


def broken(app: Flask, _: float) -> None:
    """Starts, and answers every request with 500, health checks included."""
    app.before_request(lambda: (jsonify(error="broken"), 500))


def fails_with_a_cookie(app: Flask, _: float) -> None:
    """Green for a health check, which has no cookie, and 500 for everybody who has one."""
    app.before_request(lambda: (jsonify(error="broken"), 500) if request.cookies else None)


def forgets(app: Flask, _: float) -> None:
    """Looks for sessions under another name, and so knows nobody who was here before."""
    app.session_interface.key_prefix = "forgotten:"


_ALL: dict[str, tuple[Callable[[Flask, float], None], float]] = {
    "slower": (slower, 20),
    "leaks": (leaks, 64),
    "per-worker": (per_worker, 0),
    "bleeds": (bleeds, 10),
    "crashes": (crashes, 20),
    "stalls": (stalls, 130),
    "late-import-error": (late_import_error, 0),
    "strays": (strays, 0),
    "fails-to-start": (fails_to_start, 0),
    "broken": (broken, 0),
    "fails-with-a-cookie": (fails_with_a_cookie, 0),
    "forgets": (forgets, 0),
}


def apply(app: Flask, variant: str) -> None:
    """Makes the application that variant; `healthy` changes nothing, and what nobody knows is an error."""
    name, _, number = variant.partition(":")
    if name == "healthy":
        return
    if name not in _ALL:
        raise ValueError(f"VARIANT={variant}: there are healthy, {', '.join(_ALL)}")
    change, default = _ALL[name]
    change(app, float(number) if number else default)
