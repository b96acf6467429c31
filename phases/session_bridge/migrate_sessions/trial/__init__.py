"""What a trial run may ask of the running process: which settings count, where a session is, whether types come back.

Only when MIGRATE_SESSIONS_TRIAL_TOKEN_FILE is set, and only for requests that bring the token.

- `endpoints` answers them, in front of the application.  `effective` is what it says about settings.
- `reads` notes which environment variables the application asks for.
- `zoo` and `tables` are one value of every type that a session keeps; `facts` tells whether two values are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import reads

if TYPE_CHECKING:
    from flask import Flask

    from ..settings import Settings


def listen(settings: Settings) -> None:
    """Notes from now on which watched variables are read; nothing without a trial."""
    if settings.trial is not None:
        reads.listen(settings.trial.watch)


def offer(app: Flask, settings: Settings) -> None:
    """Puts the endpoints in front of a bridged application; nothing without a trial."""
    if settings.trial is not None:
        from .endpoints import Endpoints

        app.wsgi_app = Endpoints(app, app.wsgi_app, settings, settings.trial)  # type: ignore[method-assign]
