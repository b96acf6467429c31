"""The other way in: a Gunicorn hook, for when the command line must keep the name of the application.

In a Gunicorn configuration file that replaces the original's (and reads it first, if it is to keep its settings):

    from migrate_sessions.gunicorn_hook import post_worker_init

`MIGRATE_WSGI_APP` is not needed. The application must have called `Session(app)` by the time the worker is ready, or
MIGRATE_SESSIONS_LATE=yes be set. With `preload_app` the master loads the application, and each worker bridges its copy.
"""

from __future__ import annotations

import contextlib
from typing import Any

from . import trial
from .errors import Refused
from .install import end, install, prepared, watch

# The application is imported before the hook is called: what it reads is noted from now on. Settings that are refused
# are reported by the hook.
with contextlib.suppress(Refused):
    trial.listen(prepared())


def post_worker_init(worker: Any) -> None:
    """Called by Gunicorn in each worker, when the application has been loaded and before the first request."""
    try:
        settings = prepared()
        watch(settings)
        install(worker.wsgi, settings)
    except Refused as problem:
        end(problem)
