"""Which environment variables the application asked for by name.

Counted as read: `os.environ["NAME"]`, `.get`, `in`, `.pop`, `.setdefault` and `os.getenv`, anywhere in the process, if
the answer was the value that the process was started with. A value that the application has replaced (a `.env` file
that overrides) is not the one that was set from outside, and reading it counts for nothing.

Not counted, as they ask for nothing in particular: copying the environment or going through it, and the question of
python-dotenv whether a name is taken. Not seen: C libraries, `os.environb`, the interpreter, Gunicorn's master, and
every other process. So a variable meant for one of those must not be watched.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

_given: dict[str, str] = {}
_read: set[str] = set()
# The very text that a walk gives out for a watched name: if it is looked up, it is the walk that asks, not a program.
_from_a_walk: dict[str, str] = {}


class _Listening(os._Environ):  # type: ignore[type-arg]
    """`os.environ`, noting what is asked for."""

    def __iter__(self) -> Iterator[str]:
        return (_from_a_walk.get(name, name) for name in super().__iter__())

    def __getitem__(self, name: str) -> str:
        value: str = super().__getitem__(name)
        if _given.get(name) == value and name is not _from_a_walk[name]:
            _read.add(name)
        return value

    def __contains__(self, name: object) -> bool:
        asking = str(sys._getframe(1).f_globals.get("__name__"))
        if asking.partition(".")[0] == "dotenv" and isinstance(name, str):
            return self.encodekey(name) in self._data  # type: ignore[attr-defined]
        return super().__contains__(name)


def listen(names: Iterable[str]) -> None:
    """From now on, notes when one of these variables is read. What was noted before stays noted."""
    for name in set(names) - set(_given):
        value = dict(os.environ).get(name)
        if value is not None:
            # Decoded, and so not the same object as any text of the same letters in a program.
            _from_a_walk[name] = name.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
            _given[name] = value
    os.environ.__class__ = _Listening  # type: ignore[assignment]


def unread(names: Iterable[str]) -> list[str]:
    """Those of the names that were never read; a variable that is not set can not have been."""
    return [name for name in names if name not in _read]
