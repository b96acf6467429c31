"""Moves a Flask application's file sessions to a shared Redis without logging anyone out.

The package is put beside the application and changes none of its files. Either Gunicorn is given `migrate_wsgi:app`
instead of the application's own name, or a Gunicorn hook installs the bridge (see `gunicorn_hook`). All settings are
environment variables (see `settings`). If it cannot do its work it ends the process with one sentence, at start.

- `store` is the heart: which copy of a session counts, and what is written where.
- `interface` keeps Flask-Session's behaviour, and says where it departs from it.
- `old_store` and `redis_store` are the stores, `breaker` what happens when Redis is away.
- `envelope` and `codec` are what is in Redis; `stamps` says how old it is.
- `metrics` is the line it writes.
- `trial` is what a trial run may ask of the process; `census` is a program that counts sessions in files.
"""

import os
import sys

# Python names itself so while it imports what `-m` runs: the census, which lives in an application's directory but
# must not import anything from there, nor leave byte code.
if sys.argv[:1] == ["-m"]:
    sys.dont_write_bytecode = True
    sys.path[:] = [place for place in sys.path if place not in ("", os.getcwd())]  # noqa: PTH109

from .errors import Refused
from .install import activate, install

__all__ = ["Refused", "activate", "install"]
