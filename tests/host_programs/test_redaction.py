"""Secrets in what is reported."""

from host_programs.redaction import redacted, secret_values


def test_secrets_are_found_by_the_names_of_variables() -> None:
    variables = {
        "SECRET_KEY": "hunter2",
        "redis_url": "redis://x",
        "COLOR": "red",
        "TOKEN_FILE": "/run/token",
        "DB_PASSWORD": "pässword",
    }
    assert secret_values(variables) == ["hunter2", "redis://x", "pässword"]


def test_the_longest_secret_is_replaced_first_and_short_ones_stay() -> None:
    assert redacted("hunter2-again hunter2 abc", ["hunter2", "hunter2-again", "abc", ""]) == "[redacted] [redacted] abc"
