"""The trial endpoints: requests with the token are answered here, all others go on to the application.

    GET  /__migrate__/settings   the process, the settings that count, watched variables that were never read
    GET  /__migrate__/session    the key of this request's session, and the store it came from
    POST /__migrate__/types      puts one value of every type into this request's session
    GET  /__migrate__/types      compares them with what they must be
    POST /__migrate__/restart    tells Gunicorn's master to replace its workers

They are not routes of the application but stand in front of it, so its hooks, login walls and protections neither see
them nor stop them, and a request without the token gets what the application says to any path it does not know. The
session is opened and saved by the application's own interface, in a request context of the application.
"""

from __future__ import annotations

import hmac
import json
import logging
import os
import signal
from collections.abc import Iterable
from typing import Any, Callable, Optional

from flask import Flask, Response, session

from ..settings import Settings, Trial
from . import reads, zoo
from .effective import effective

PATH = "/__migrate__/"
HEADER = "HTTP_X_MIGRATE_TRIAL"
KEY = "migrate_type_zoo"
_log = logging.getLogger(__name__)
Environ = dict[str, Any]


class Endpoints:
    """A WSGI application in front of another."""

    def __init__(self, app: Flask, inner: Callable[..., Iterable[bytes]], settings: Settings, trial: Trial) -> None:
        self.app = app
        self._inner = inner
        self._settings = settings
        self._trial = trial
        self._token = trial.token.reveal().encode()
        # Where Gunicorn's master is known to be: the application is loaded in it, or in a child of it.
        self._loaded_in = os.getpid()
        self._loaded_under = os.getppid()
        self._answers: dict[tuple[str, str], Callable[[Environ], Response]] = {
            ("GET", "settings"): self._say_settings,
            ("GET", "session"): self._with_session(self._say_session),
            ("POST", "types"): self._with_session(self._put_types),
            ("GET", "types"): self._with_session(self._compare_types),
            ("POST", "restart"): self._restart,
        }

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answers, or lets the application answer."""
        path = environ.get("PATH_INFO", "")
        if path.startswith(PATH) and self._may(environ):
            answer = self._answers.get((environ["REQUEST_METHOD"], path[len(PATH) :]))
            if answer is not None:
                response = answer(environ)
                response.headers["Cache-Control"] = "no-store"
                return response(environ, start_response)
        return self._inner(environ, start_response)

    def _may(self, environ: Environ) -> bool:
        return hmac.compare_digest(environ.get(HEADER, "").encode("latin-1", "replace"), self._token)

    # Answers

    def _say_settings(self, environ: Environ) -> Response:
        return _json(
            pid=os.getpid(),
            master=os.getppid(),
            settings=effective(self.app, self._settings),
            unread=reads.unread(self._trial.watch),
        )

    def _say_session(self) -> Response:
        interface: Any = self.app.session_interface
        read = _read_from()
        key = None if read == "none" else interface.cache.redis_key(interface.key_prefix + session.sid)  # type: ignore[attr-defined]
        return _json(pid=os.getpid(), key=key, read=read)

    def _put_types(self) -> Response:
        values = zoo.values()
        session[KEY] = values
        response = _json(pid=os.getpid(), names=list(values))
        self.app.session_interface.save_session(self.app, session._get_current_object(), response)  # type: ignore[attr-defined]
        return response

    def _compare_types(self) -> Response:
        found = session.get(KEY)
        return _json(pid=os.getpid(), **zoo.compare(found if type(found) is dict else {}, _read_from()))

    def _restart(self, environ: Environ) -> Response:
        problem = self._not_a_worker(environ)
        if problem is not None:
            return _json(409, pid=os.getpid(), master=os.getppid(), error=problem)
        master = os.getppid()
        os.kill(master, signal.SIGHUP)
        return _json(pid=os.getpid(), master=master)

    def _not_a_worker(self, environ: Environ) -> Optional[str]:
        """Why the parent of this process is not to be signalled; None if it is Gunicorn's master."""
        if "gunicorn.socket" not in environ:
            return "this process is not a worker of Gunicorn"
        parent, own = os.getppid(), os.getpid()
        if parent == self._loaded_in or (own == self._loaded_in and parent == self._loaded_under):
            return None
        return "the master of this worker has ended"

    def _with_session(self, answer: Callable[[], Response]) -> Callable[[Environ], Response]:
        def answered(environ: Environ) -> Response:
            context = self.app.request_context(environ)
            try:
                context.push()  # Opens the session.
                return answer()
            except Exception as error:
                _log.exception("a trial endpoint failed")
                return _json(500, pid=os.getpid(), error=type(error).__name__)
            finally:
                try:
                    context.pop()
                except Exception:  # Of the application's own, which expects its hooks to have been called.
                    _log.warning("a teardown function of the application failed after a trial request", exc_info=True)

        return answered


def _read_from() -> str:
    seen = getattr(session, "bridge_trace", None)
    return "none" if seen is None else str(seen.read)


def _json(status: int = 200, **values: Any) -> Response:
    return Response(json.dumps(values) + "\n", status, mimetype="application/json")
