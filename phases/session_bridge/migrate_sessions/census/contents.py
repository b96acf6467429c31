"""What is in one session: types, the size it would have in Redis, and what Redis cannot keep. Never a value."""

from __future__ import annotations

import re
import sys
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

from .. import envelope
from ..codec import Unserializable, encode
from .directories import EXPIRY, Broken, Head
from .restricted import RestrictedUnpickler

_MAPPINGS = (dict, OrderedDict, Counter)
_SEQUENCES = (list, tuple, set, frozenset, deque)
_NAMED_TYPE = re.compile(r"the type (\S+) is not one that can be kept\Z")


class Contents(NamedTuple):
    """What was found."""

    types: Counter[str]
    redis_bytes: Optional[int]  # None if it stays in the old store.
    unserializable: frozenset[str]


def contents(head: Head, file: Any) -> Contents:
    """Looks into an opened session file; raises `Broken` if it is not a session, or cannot be unpickled."""
    file.seek(EXPIRY.size)
    try:
        session = RestrictedUnpickler(file).load()
    except Exception:  # Of an unfinished or hostile pickle: anything.
        raise Broken from None
    if type(session) is not dict:
        raise Broken
    types = Counter(_name(type(value)) for value in _walk(session))
    types.subtract([_name(dict)])  # The session itself.
    try:
        return Contents(+types, len(envelope.seal(encode(session), 0)), frozenset())
    except Unserializable as problem:
        return Contents(+types, None, frozenset(_refused(session)) or frozenset([_type_in(problem, dict)]))


def _walk(session: dict[Any, Any]) -> Iterator[Any]:
    """Every value, and every key that is not a text; what is inside tables is not gone into."""
    waiting: list[Any] = [session]
    been: set[int] = set()
    while waiting:
        value = waiting.pop()
        yield value
        if type(value) in _MAPPINGS and id(value) not in been:
            been.add(id(value))
            waiting.extend(key for key in value if type(key) is not str)
            waiting.extend(value.values())
        elif type(value) in _SEQUENCES and id(value) not in been:
            been.add(id(value))
            waiting.extend(value)


def _refused(session: dict[Any, Any]) -> Iterator[str]:
    for value in _walk(session):
        if type(value) not in _MAPPINGS and type(value) not in _SEQUENCES:
            try:
                encode(value)
            except Unserializable as problem:
                yield _type_in(problem, type(value))


def _type_in(problem: Unserializable, kind: type) -> str:
    """The type that was refused, perhaps inside a table; the table's own if it is for another reason."""
    named = _NAMED_TYPE.match(problem.reason)
    return named.group(1).replace("builtins.", "", 1) if named else _name(kind)


def _name(kind: type) -> str:
    """The type's full name; where its library also has it at the top, that one, which is the same in all versions."""
    if kind.__module__ == "builtins":
        return kind.__qualname__
    root = kind.__module__.partition(".")[0]
    public = getattr(sys.modules.get(root), kind.__qualname__, None) is kind
    return f"{root if public else kind.__module__}.{kind.__qualname__}"
