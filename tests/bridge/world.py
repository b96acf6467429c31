"""Applications, original and bridged, and users who carry one cookie between them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from flask import Flask, session
from flask_session import Session

from migrate_sessions import install
from migrate_sessions.settings import Settings

LIFETIME = 3600


def original(directory: Path, **config: Any) -> Flask:
    """An application as it is before the migration: one route that runs what the test wants with the session."""
    app = Flask("original")
    app.config.update(
        SECRET_KEY="not a secret here",
        SESSION_TYPE="filesystem",
        SESSION_FILE_DIR=str(directory),
        SESSION_PERMANENT=True,
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=LIFETIME),
        TESTING=True,
        **config,
    )
    Session(app)

    @app.route("/", methods=["GET", "POST"])
    def act() -> str:
        app.config["RESULT"] = app.config["ACTION"](session)
        return "done"

    return app


def environment(url: str, **more: str) -> dict[str, str]:
    """The bridge's variables; times are short."""
    variables = {"REDIS_URL": url, "BREAKER_COOLDOWN": "0.3", "BREAKER_FAILURES": "2", "ANSWER_TIMEOUT": "0.3", **more}
    return {f"MIGRATE_SESSIONS_{name}": value for name, value in variables.items()}


def bridge(app: Flask, url: str, **more: str) -> Flask:
    """Bridges an application."""
    return install(app, Settings.from_environment(environment(url, **more)))


def bridged(directory: Path, url: str, config: dict[str, Any] | None = None, **more: str) -> Flask:
    """An application with the bridge."""
    return bridge(original(directory, **(config or {})), url, **more)


def totals(app: Flask) -> dict[str, int]:
    """The bridge's counters."""
    return app.session_interface.bridge_metrics.totals()


class User:
    """A browser with one cookie."""

    def __init__(self, cookie: str | None = None) -> None:
        self.cookie = cookie
        self.response: Any = None

    def does(self, app: Flask, action: Callable[[Any], Any], method: str = "POST") -> Any:
        """Runs `action(session)` in a request to an application, and gives back its result."""
        app.config["ACTION"] = action
        headers = {"Cookie": f"session={self.cookie}"} if self.cookie else {}
        client = app.test_client(use_cookies=False)
        self.response = client.open("/", method=method, headers=headers)
        for header in self.response.headers.getlist("Set-Cookie"):
            morsel = SimpleCookie(header)["session"]
            self.cookie = morsel.value or None
        assert self.response.status_code == 200
        return copy.copy(app.config["RESULT"])

    def puts(self, app: Flask, **values: Any) -> None:
        """Puts values into the session."""
        self.does(app, lambda session: session.update(values))

    def gets(self, app: Flask, key: str) -> Any:
        """Reads a value of the session."""
        return self.does(app, lambda session: session.get(key), method="GET")

    def leaves(self, app: Flask) -> None:
        """Empties the session."""
        self.does(app, lambda session: session.clear())
