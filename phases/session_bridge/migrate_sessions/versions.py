"""Which versions of the libraries the bridge was tested with."""

from __future__ import annotations

from importlib import metadata
from typing import Optional

from .errors import Refused

FLASK_SESSION = ("0.5", "0.6", "0.7", "0.8")
_OLDEST_REDIS = (4, 2)


def check() -> None:
    """Refuses what the tests do not cover."""
    found = _version("Flask-Session")
    if found is None:
        raise Refused("Flask-Session is not installed here")
    if ".".join(found.split(".")[:2]) not in FLASK_SESSION:
        raise Refused(f"Flask-Session {found} is not supported; {', '.join(FLASK_SESSION)} are")
    redis = _version("redis")
    if redis is None:
        raise Refused("the package redis is not installed here; the bridge needs it")
    if tuple(int(part) for part in redis.split(".")[:2]) < _OLDEST_REDIS:
        raise Refused(f"the package redis {redis} is too old; {'.'.join(map(str, _OLDEST_REDIS))} or newer is needed")


def _version(package: str) -> Optional[str]:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
