"""Everything that can be set, from environment variables named MIGRATE_SESSIONS_..."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional
from urllib.parse import unquote, urlsplit

from .errors import Refused

PREFIX = "MIGRATE_SESSIONS_"
# What RFC 6265 allows in the name of a cookie.
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_SHORTEST_TOKEN = 32


class Secret:
    """A text that shows itself to nobody who did not ask for it by name."""

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the connection, and nothing else."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(redacted)"


@dataclass(frozen=True)
class RedisAddress:
    """Where Redis is, and how to get in."""

    host: str
    port: int
    database: int
    tls: bool
    username: Optional[str]
    password: Optional[Secret]
    ca_file: Optional[str]
    password_file: Optional[Path] = None


@dataclass(frozen=True)
class Trial:
    """What the trial endpoints were told; without a token there are none."""

    token: Secret  # TRIAL_TOKEN_FILE: holds what a request must bring
    token_file: Path
    watch: tuple[str, ...] = ()  # TRIAL_WATCH: variables that the application is expected to read


@dataclass(frozen=True)
class Settings:
    """What the bridge was told. The field's comment names the variable, without its prefix."""

    redis: RedisAddress  # REDIS_URL, REDIS_PASSWORD or REDIS_PASSWORD_FILE, REDIS_CA_FILE
    key_prefix: Optional[str] = None  # KEY_PREFIX: of keys in Redis; the application's own when not set
    write_both: bool = True  # WRITE: `both` stores, or `redis` only
    old_directory: Optional[Path] = None  # OLD_DIR: session files; the application's own when not set
    old_hash: Optional[str] = None  # OLD_HASH: `md5` or `sha256`, how files are named; cachelib's own when `auto`
    read_msgspec: bool = False  # FOREIGN: `ignore` what others left in Redis, or read it with `msgspec`
    unserializable_is_error: bool = False  # UNSERIALIZABLE: keep it in the `old` store, or `error`
    connect_timeout: float = 0.25  # CONNECT_TIMEOUT: seconds
    answer_timeout: float = 0.5  # ANSWER_TIMEOUT: seconds
    breaker_failures: int = 3  # BREAKER_FAILURES: in a row, until Redis is left alone
    breaker_cooldown: float = 5.0  # BREAKER_COOLDOWN: seconds, until it is tried again
    metrics_interval: float = 60.0  # METRICS_INTERVAL: seconds
    metrics_file: Optional[Path] = None  # METRICS_FILE: also appended to this file
    header: bool = False  # HEADER: `yes` tells process and store in a response header
    late: bool = False  # LATE: `yes` allows Session(app) to be called after the import
    cookie_name: Optional[str] = None  # COOKIE_NAME: of the session cookie; the application's own when not set
    trial: Optional[Trial] = None

    @classmethod
    def from_environment(cls, environment: Optional[Mapping[str, str]] = None) -> Settings:
        """Reads the variables; a name or a value that is not understood is refused, not ignored."""
        variables = _Variables(os.environ if environment is None else environment)
        settings = cls(
            redis=_redis_address(variables),
            key_prefix=variables.take("KEY_PREFIX"),
            write_both=variables.choice("WRITE", ("both", "redis")) == "both",
            old_directory=variables.path("OLD_DIR"),
            old_hash=_unless(variables.choice("OLD_HASH", ("auto", "md5", "sha256")), "auto"),
            read_msgspec=variables.choice("FOREIGN", ("ignore", "msgspec")) == "msgspec",
            unserializable_is_error=variables.choice("UNSERIALIZABLE", ("old", "error")) == "error",
            connect_timeout=variables.seconds("CONNECT_TIMEOUT", cls.connect_timeout),
            answer_timeout=variables.seconds("ANSWER_TIMEOUT", cls.answer_timeout),
            breaker_failures=variables.whole("BREAKER_FAILURES", cls.breaker_failures),
            breaker_cooldown=variables.seconds("BREAKER_COOLDOWN", cls.breaker_cooldown),
            metrics_interval=variables.seconds("METRICS_INTERVAL", cls.metrics_interval),
            metrics_file=variables.path("METRICS_FILE"),
            header=variables.choice("HEADER", ("no", "yes")) == "yes",
            late=variables.choice("LATE", ("no", "yes")) == "yes",
            cookie_name=_cookie_name(variables),
            trial=_trial(variables),
        )
        variables.refuse_the_rest()
        return settings


class _Variables:
    """The variables of ours, each taken once."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._left = {name: value for name, value in environment.items() if name.startswith(PREFIX)}

    def take(self, name: str) -> Optional[str]:
        value = self._left.pop(PREFIX + name, None)
        return value or None

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of some words; the first when not set."""
        value = self.take(name) or allowed[0]
        if value not in allowed:
            raise Refused(f"{PREFIX}{name} must be {' or '.join(allowed)}")
        return value

    def path(self, name: str) -> Optional[Path]:
        value = self.take(name)
        if value is None:
            return None
        path = Path(value)
        if not path.is_absolute():
            raise Refused(f"{PREFIX}{name} must be an absolute path")
        return path

    def seconds(self, name: str, default: float) -> float:
        """A number of seconds, above zero."""
        value = self.take(name)
        try:
            number = default if value is None else float(value)
        except ValueError:
            number = 0.0
        if not 0.0 < number < 86_400.0:
            raise Refused(f"{PREFIX}{name} must be a number of seconds above 0")
        return number

    def whole(self, name: str, default: int) -> int:
        """A whole number, above zero."""
        value = self.take(name)
        if value is not None and not (value.isdecimal() and 0 < int(value) < 1_000_000):
            raise Refused(f"{PREFIX}{name} must be a whole number above 0")
        return default if value is None else int(value)

    def refuse_the_rest(self) -> None:
        """A variable that nothing reads is a change that changes nothing."""
        if self._left:
            raise Refused(f"unknown variable {', '.join(sorted(self._left))}")


def _unless(value: str, nothing: str) -> Optional[str]:
    return None if value == nothing else value


def _redis_address(variables: _Variables) -> RedisAddress:
    url = variables.take("REDIS_URL")
    password, password_file = _password(variables)
    ca_file = variables.path("REDIS_CA_FILE")
    if url is None:
        raise Refused(f"{PREFIX}REDIS_URL is not set; it looks like rediss://host:6379/0")
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
        database = int(parts.path.strip("/") or 0)
    except ValueError:
        raise Refused(f"{PREFIX}REDIS_URL is not an address like rediss://host:6379/0") from None
    if parts.password is not None:
        raise Refused(f"{PREFIX}REDIS_URL must not hold the password; use {PREFIX}REDIS_PASSWORD_FILE")
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or parts.query or parts.fragment or database < 0:
        raise Refused(f"{PREFIX}REDIS_URL is not an address like rediss://host:6379/0")
    tls = parts.scheme == "rediss"
    if ca_file is not None and not tls:
        raise Refused(f"{PREFIX}REDIS_CA_FILE is set, but the address does not begin with rediss://")
    if ca_file is not None and not ca_file.is_file():
        raise Refused(f"{PREFIX}REDIS_CA_FILE names no file: {ca_file}")
    username = unquote(parts.username) if parts.username else None
    return RedisAddress(
        parts.hostname, port, database, tls, username, password, str(ca_file) if ca_file else None, password_file
    )


def _password(variables: _Variables) -> tuple[Optional[Secret], Optional[Path]]:
    text = variables.take("REDIS_PASSWORD")
    file = variables.path("REDIS_PASSWORD_FILE")
    if text is not None and file is not None:
        raise Refused(f"{PREFIX}REDIS_PASSWORD and {PREFIX}REDIS_PASSWORD_FILE are both set")
    if file is not None:
        return _secret_in(file, "REDIS_PASSWORD_FILE"), file
    return (Secret(text) if text else None), None


def _secret_in(file: Path, name: str) -> Secret:
    """What a file holds that only some may read."""
    try:
        if file.stat().st_mode & stat.S_IROTH:
            raise Refused(f"{PREFIX}{name} can be read by everyone: {file}")
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{PREFIX}{name} cannot be read: {file} ({type(error).__name__})") from None
    if not text:
        raise Refused(f"{PREFIX}{name} is empty: {file}")
    return Secret(text)


def _cookie_name(variables: _Variables) -> Optional[str]:
    name = variables.take("COOKIE_NAME")
    if name is not None and not _COOKIE_NAME.match(name):
        raise Refused(f"{PREFIX}COOKIE_NAME is not a name that a cookie can have")
    return name


def _trial(variables: _Variables) -> Optional[Trial]:
    file = variables.path("TRIAL_TOKEN_FILE")
    names = variables.take("TRIAL_WATCH")
    if file is None:
        if names is not None:
            raise Refused(f"{PREFIX}TRIAL_WATCH is set, but {PREFIX}TRIAL_TOKEN_FILE is not")
        return None
    token = _secret_in(file, "TRIAL_TOKEN_FILE")
    if len(token.reveal()) < _SHORTEST_TOKEN or not token.reveal().isascii():
        raise Refused(
            f"{PREFIX}TRIAL_TOKEN_FILE holds fewer than {_SHORTEST_TOKEN} characters, or strange ones: {file}"
        )
    return Trial(token, file, tuple(name.strip() for name in (names or "").split(",") if name.strip()))
