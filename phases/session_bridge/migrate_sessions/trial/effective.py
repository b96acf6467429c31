"""The settings that count, asked of what was built from them; secrets are left out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Optional
from urllib.parse import quote

from flask import Flask

from ..settings import PREFIX, RedisAddress, Settings

APPLICATION = "MIGRATE_WSGI_APP"


def effective(app: Flask, settings: Settings) -> dict[str, Optional[str]]:
    """Every setting by the name of its variable, as the text that sets it; None where nothing is set or to be told."""
    interface: Any = app.session_interface
    store = interface.cache
    found: dict[str, Optional[str]] = {
        "REDIS_URL": _address(settings.redis),
        "REDIS_PASSWORD_FILE": _path(settings.redis.password_file),
        "REDIS_CA_FILE": settings.redis.ca_file,
        "KEY_PREFIX": store.redis_key(interface.key_prefix),
        "WRITE": "both" if store.writes_both else "redis",
        "OLD_DIR": os.path.abspath(store.old.directory),  # noqa: PTH100  (a link stays the link that was named)
        "OLD_HASH": store.old.hash_name,
        "FOREIGN": "msgspec" if settings.read_msgspec else "ignore",
        "UNSERIALIZABLE": "error" if settings.unserializable_is_error else "old",
        "CONNECT_TIMEOUT": f"{settings.connect_timeout:g}",
        "ANSWER_TIMEOUT": f"{settings.answer_timeout:g}",
        "BREAKER_FAILURES": str(settings.breaker_failures),
        "BREAKER_COOLDOWN": f"{settings.breaker_cooldown:g}",
        "METRICS_INTERVAL": f"{settings.metrics_interval:g}",
        "METRICS_FILE": _path(settings.metrics_file),
        "HEADER": _yes(interface.bridge_header),
        "LATE": _yes(settings.late),
        "COOKIE_NAME": str(app.config["SESSION_COOKIE_NAME"]),
        "TRIAL_TOKEN_FILE": _path(settings.trial.token_file) if settings.trial else None,
        "TRIAL_WATCH": ",".join(settings.trial.watch) if settings.trial else None,
    }
    named = {PREFIX + name: value for name, value in found.items()}
    return {APPLICATION: dict(os.environ).get(APPLICATION), **named}


def _address(address: RedisAddress) -> str:
    user = f"{quote(address.username, safe='')}@" if address.username else ""
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"redis{'s' if address.tls else ''}://{user}{host}:{address.port}/{address.database}"


def _path(path: Optional[Path]) -> Optional[str]:
    return None if path is None else str(path)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
