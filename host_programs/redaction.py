"""Removing secrets from what a program reports of an application's log."""

from typing import Dict, Iterable, List

# A variable whose name contains one of these may hold a secret.
SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASS", "PWD", "CREDENTIAL", "DSN", "URL", "URI", "AUTH")
# A shorter value is in ordinary words, too: replacing it would make a log unreadable.
SHORTEST_SECRET = 4


def secret_values(variables: Dict[str, str]) -> List[str]:
    """The values of variables that may be secrets, by the variables' names. A path is not a secret."""
    return [
        value
        for name, value in variables.items()
        if any(word in name.upper() for word in SECRET_WORDS) and not value.startswith("/")
    ]


def redacted(text: str, values: Iterable[str]) -> str:
    """A text with `[redacted]` in place of each of these values, the longest first."""
    for value in sorted(set(values), key=len, reverse=True):
        if len(value) >= SHORTEST_SECRET:
            text = text.replace(value, "[redacted]")
    return text
