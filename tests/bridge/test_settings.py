"""Settings: what is accepted, what is refused and with which sentence, and that secrets stay secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrate_sessions import Refused
from migrate_sessions.settings import Settings
from world import environment


def read(**variables: str) -> Settings:
    return Settings.from_environment(environment("rediss://user@cache.example:6380/2", **variables))


def test_everything_has_a_default_but_the_address() -> None:
    settings = Settings.from_environment({"MIGRATE_SESSIONS_REDIS_URL": "redis://cache.example", "HOME": "/"})
    assert (settings.redis.host, settings.redis.port, settings.redis.database, settings.redis.tls) == (
        "cache.example",
        6379,
        0,
        False,
    )
    assert settings.write_both
    assert not settings.header
    assert not settings.read_msgspec
    assert settings.old_hash is None
    with pytest.raises(Refused, match="MIGRATE_SESSIONS_REDIS_URL is not set"):
        Settings.from_environment({})


def test_the_address_and_the_password(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("swordfish\n")
    file.chmod(0o600)
    settings = read(REDIS_PASSWORD_FILE=str(file))
    assert settings.redis.password is not None
    assert settings.redis.password.reveal() == "swordfish"
    assert (settings.redis.username, settings.redis.port, settings.redis.database, settings.redis.tls) == (
        "user",
        6380,
        2,
        True,
    )
    assert "swordfish" not in repr(settings) + str(settings)
    file.chmod(0o604)
    with pytest.raises(Refused, match="can be read by everyone"):
        read(REDIS_PASSWORD_FILE=str(file))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("REDIS_URL", "rediss://user:swordfish@cache:6379", "must not hold the password"),
        ("REDIS_URL", "http://cache", "is not an address"),
        ("REDIS_URL", "redis://cache:x", "is not an address"),
        ("REDIS_URL", "redis://cache/zero", "is not an address"),
        ("REDIS_CA_FILE", "/nowhere/ca.pem", "names no file"),
        ("REDIS_PASSWORD_FILE", "/nowhere/token", "cannot be read"),
        ("WRITE", "old", "must be both or redis"),
        ("FOREIGN", "pickle", "must be ignore or msgspec"),
        ("OLD_DIR", "relative", "must be an absolute path"),
        ("CONNECT_TIMEOUT", "0", "must be a number of seconds above 0"),
        ("ANSWER_TIMEOUT", "nan", "must be a number of seconds above 0"),
        ("BREAKER_FAILURES", "1.5", "must be a whole number"),
        ("HEADER", "true", "must be no or yes"),
        ("COOKIE_NAME", "a name", "is not a name that a cookie can have"),
        ("COOKIE_NAME", "a=b", "is not a name that a cookie can have"),
        ("TRIAL_WATCH", "MODE", "TRIAL_WATCH is set, but MIGRATE_SESSIONS_TRIAL_TOKEN_FILE is not"),
        ("TRIAL_TOKEN_FILE", "/nowhere/token", "TRIAL_TOKEN_FILE cannot be read"),
        ("WRIET", "both", "unknown variable MIGRATE_SESSIONS_WRIET"),
    ],
)
def test_what_is_not_understood_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        read(**{name: value})
    assert "swordfish" not in str(caught.value)


def test_two_passwords_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="both set"):
        read(REDIS_PASSWORD="x", REDIS_PASSWORD_FILE=str(tmp_path / "token"))


def test_the_token_of_a_trial(tmp_path: Path) -> None:
    assert read().trial is None
    assert read().cookie_name is None
    file = tmp_path / "token"
    for content, mode, said in (
        ("swordfish" * 8, 0o604, "can be read by everyone"),
        ("", 0o600, "is empty"),
        ("swordfish", 0o600, "fewer than 32 characters"),
    ):
        file.write_text(content)
        file.chmod(mode)
        with pytest.raises(Refused, match=said) as caught:
            read(TRIAL_TOKEN_FILE=str(file))
        assert "swordfish" not in str(caught.value)
    file.write_text("swordfish" * 8 + "\n")
    trial = read(TRIAL_TOKEN_FILE=str(file), TRIAL_WATCH="MODE, DEPTH,").trial
    assert trial is not None
    assert trial.watch == ("MODE", "DEPTH")
    assert trial.token.reveal() == "swordfish" * 8
    assert "swordfish" not in repr(trial)
