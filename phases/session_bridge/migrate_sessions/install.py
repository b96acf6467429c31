"""Putting the bridge into an application that is already there."""

from __future__ import annotations

import functools
import logging
import os
import sys
from typing import Any, NoReturn, Optional

from flask import Flask

from . import find, interface, redis_store, trial, versions
from .breaker import Breaker
from .errors import Refused
from .metrics import Metrics
from .old_store import OldStore
from .redis_store import RedisStore
from .settings import Settings
from .store import BridgeStore

APPLICATION = "MIGRATE_WSGI_APP"
# Gunicorn's own status for a worker that cannot start: it ends, instead of trying for ever.
_CANNOT_START = 3
_log = logging.getLogger(__name__)


def activate() -> Any:
    """What the WSGI entry does: imports the original application and gives it back, bridged.

    `Session(app)` is watched while the application is imported and after it, so it does not matter where it is called:
    in the module, in a factory, or, if MIGRATE_SESSIONS_LATE says so, after the import.
    """
    try:
        settings = prepared()
        trial.listen(settings)
        name = os.environ.get(APPLICATION)
        if not name:
            raise Refused(f"{APPLICATION} is not set; it names the original application, like run:app")
        watch(settings)
        found = find.load(name)
        install(found, settings)
    except Refused as problem:
        end(problem)
    return found


def install(found: Any, settings: Optional[Settings] = None) -> Flask:
    """Bridges the application inside `found`, unless it is bridged already; raises `Refused`."""
    settings = settings or prepared()
    app = find.flask_in(found)
    if app is None:
        raise Refused(f"there is no Flask application in what was loaded, a {type(found).__name__}")
    if settings.cookie_name is not None:
        app.config["SESSION_COOKIE_NAME"] = settings.cookie_name
    if isinstance(app.session_interface, interface.Bridged):
        return app
    if not hasattr(app.session_interface, "session_class") or not hasattr(app.session_interface, "key_prefix"):
        if settings.late:
            _log.warning("the application has no server-side sessions yet; waiting for Session(app)")
            return app
        raise Refused(
            f"the application has no server-side sessions, but {type(app.session_interface).__name__}"
            " (if it calls Session(app) later than its import, set MIGRATE_SESSIONS_LATE=yes)"
        )
    app.session_interface = _bridge(app, settings)
    trial.offer(app, settings)
    return app


def watch(settings: Settings) -> None:
    """From now on, every `Session(app)` gives a bridged application."""
    from flask_session import Session

    original = getattr(Session.init_app, "__wrapped__", Session.init_app)

    @functools.wraps(original)
    def init_app(self: Any, app: Flask) -> None:
        original(self, app)
        try:
            install(app, settings)
        except Refused as problem:
            end(problem)

    Session.init_app = init_app


def end(problem: Refused) -> NoReturn:
    """Says the sentence and ends the process."""
    sys.stderr.write(f"migrate_sessions: {problem}\n")
    raise SystemExit(_CANNOT_START)


def prepared() -> Settings:
    """Checks the libraries and reads the settings."""
    versions.check()
    return Settings.from_environment()


def _bridge(app: Flask, settings: Settings) -> Any:
    original = app.session_interface
    if not hasattr(original, "cache"):
        raise Refused(f"the application's sessions are not in files, but in {type(original).__name__}")
    breaker = Breaker(settings.breaker_failures, settings.breaker_cooldown)
    metrics = Metrics(settings.metrics_interval, settings.metrics_file, breaker.open_seconds)
    own_prefix = original.key_prefix  # type: ignore[attr-defined]
    prefix = own_prefix if settings.key_prefix is None else settings.key_prefix
    store = BridgeStore(
        RedisStore(redis_store.client(settings), breaker, metrics),
        OldStore.of(original.cache, settings, metrics),
        metrics,
        redis_key=lambda key: prefix + key[len(own_prefix) :],
        lifetime=lambda: int(app.permanent_session_lifetime.total_seconds()),
        write_both=settings.write_both,
        read_msgspec=settings.read_msgspec,
        unserializable_is_error=settings.unserializable_is_error,
    )
    return interface.bridged(original, store, metrics, header=settings.header)
