"""The session interface: the application's own, with both stores behind it and three rules added.

1. An unknown session does not cost its cookie. Flask-Session deletes or replaces a cookie that names a session its
   store does not have, even when a request changes nothing. In a fleet where one instance still keeps its sessions to
   itself, that logs out a user who is only passing by. So if no store has the session, nothing was put into the new
   one, and the application did not clear it, then nothing is stored and the cookie is left alone, for requests that
   are safe (GET, HEAD, OPTIONS, TRACE), and for all requests while Redis could not be asked. Everything else is
   Flask-Session's own behaviour: logging in gives a new session and cookie, and logging out deletes.
2. A session id that Redis could not be asked about is not used again. Flask-Session 0.5 and 0.6 would store a new,
   nearly empty session under the id of the cookie, which would later count as the newer one.
3. If told so, a response header names the process and the stores that were used.
"""

from __future__ import annotations

import copy
import os
from functools import cache
from typing import Any

from flask import Flask, Request, Response

from .metrics import Metrics
from .store import BridgeStore
from .trace import Trace, current

HEADER = "X-Migrate-Sessions"
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


class Bridged:
    """Comes before the application's own interface class, whose instance it then is, too."""

    cache: BridgeStore
    bridge_metrics: Metrics
    bridge_header: bool

    def open_session(self, app: Flask, request: Request) -> Any:
        """As the application's own, noting where the session came from."""
        seen = Trace()
        token = current.set(seen)
        try:
            session = super().open_session(app, request)  # type: ignore[misc]
        finally:
            current.reset(token)
        if session is None:
            return None
        if seen.unknown:
            session.sid = self._new_sid()
        session.bridge_trace = seen
        session.bridge_keeps_cookie = seen.missed and (seen.unknown or request.method in _SAFE_METHODS)
        session.bridge_cleared = False
        return session

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """As the application's own, unless the cookie names an unknown session and nothing was put into this one."""
        seen = getattr(session, "bridge_trace", None) or Trace()
        token = current.set(seen)
        try:
            if getattr(session, "bridge_keeps_cookie", False) and not session.bridge_cleared and _is_empty(session):
                self.bridge_metrics.count("cookies_kept")
                response.vary.add("Cookie")
            else:
                super().save_session(app, session, response)  # type: ignore[misc]
        finally:
            current.reset(token)
        if self.bridge_header:
            response.headers[HEADER] = f"pid={os.getpid()}; read={seen.read}; wrote={seen.wrote}"

    def _new_sid(self) -> str:
        length = getattr(self, "sid_length", None)
        return str(self._generate_sid() if length is None else self._generate_sid(length))  # type: ignore[attr-defined]


class NotesClearing:
    """Comes before the application's own session class, to tell `session.clear()` from a session that was empty."""

    def clear(self) -> None:
        """Clears the session, and notes that the application wanted that."""
        super().clear()  # type: ignore[misc]
        self.bridge_cleared = True


def _is_empty(session: Any) -> bool:
    return not set(session) - {"_permanent"}


@cache
def _with(mixin: type, base: type) -> type:
    return type(f"Bridged{base.__name__}", (mixin, base), {"__doc__": base.__doc__})


def bridged(interface: Any, store: BridgeStore, metrics: Metrics, *, header: bool) -> Any:
    """A copy of the application's interface that uses the bridge; it is still an instance of its class."""
    result = copy.copy(interface)
    result.__class__ = _with(Bridged, interface.__class__)
    result.session_class = _with(NotesClearing, interface.session_class)
    result.cache = store
    result.bridge_metrics = metrics
    result.bridge_header = header
    return result
