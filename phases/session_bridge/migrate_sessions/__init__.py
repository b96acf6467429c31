"""Moves a Flask application's file sessions to a shared Redis without logging anyone out.

The package is put beside the application and changes none of its files. Either Gunicorn is given `migrate_wsgi:app`
instead of the application's own name, or a Gunicorn hook installs the bridge (see `gunicorn_hook`). All settings are
environment variables (see `settings`). If it cannot do its work it ends the process with one sentence, at start.

- `store` is the heart: which copy of a session counts, and what is written where.
- `interface` keeps Flask-Session's behaviour, and says where it departs from it.
- `old_store` and `redis_store` are the stores, `breaker` what happens when Redis is away.
- `envelope` and `codec` are what is in Redis; `stamps` says how old it is.
- `metrics` is the line it writes.
"""

from .errors import Refused
from .install import activate, install

__all__ = ["Refused", "activate", "install"]
