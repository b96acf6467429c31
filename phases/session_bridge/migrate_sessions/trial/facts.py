"""What there is to know about a value, as texts in tuples: type and content, all the way down.

Two values are the same if their facts are equal. That is stricter than `==`: 1, 1.0 and True are three values, NaN is
itself, 0.0 is not -0.0, and of tables it asks types, kinds of index, frequencies, zones, the order of categories, and
how a missing value is written. Known types only: the zoo has no others. A type that is not known is named.
"""

from __future__ import annotations

from typing import Any, Callable, NamedTuple, Optional

_LONGEST = 200
# Their text is all there is to know.
_BY_TEXT = {
    "NoneType", "ellipsis", "bool", "int", "str", "bytes", "bytearray", "range", "date", "timedelta", "Decimal",
    "Fraction", "Markup", "IPv4Address", "IPv6Address", "NaTType", "NAType",
}  # fmt: skip


class Difference(NamedTuple):
    """Where two values differ, and what is there."""

    place: str
    expected: str
    found: str


def difference(expected: Any, found: Any) -> Optional[Difference]:
    """The first difference; None if the values are the same."""
    return _compare(facts(expected), facts(found), "")


def facts(value: Any) -> tuple[Any, ...]:
    """The name of the type, then pairs of what and its facts or text."""
    kind = type(value)
    root = kind.__module__.partition(".")[0]
    if root in ("numpy", "pandas") and kind.__name__ not in _BY_TEXT:
        return _of_tables(value)
    made = _MAKERS.get(kind.__name__)
    content = made(value) if made else [("text", repr(value))]
    if not made and kind.__name__ not in _BY_TEXT:
        # Zones of several libraries, and what should not be here: the text has what tells two of them apart.
        content.append(("name", str(value)))
    return (_name(kind), *content)


def _name(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _compare(expected: Any, found: Any, place: str) -> Optional[Difference]:
    if expected == found:
        return None
    if isinstance(expected, str) or isinstance(found, str) or expected[0] != found[0]:
        return Difference(place, _shown(expected), _shown(found))
    for (name, one), (other_name, other) in zip(expected[1:], found[1:]):
        if name != other_name:
            return Difference(place, name, other_name)
        inner = _compare(one, other, f"{place}.{name}")
        if inner is not None:
            return inner
    return Difference(place, f"{len(expected) - 1} parts", f"{len(found) - 1} parts")


def _shown(part: Any) -> str:
    text = part if isinstance(part, str) else " ".join([part[0], *(str(inner) for inner in part[1:2])])
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def _of_tables(value: Any) -> tuple[Any, ...]:
    from .table_facts import table_facts

    return table_facts(value)


def _numbered(values: Any) -> list[tuple[str, Any]]:
    return [(str(number), facts(value)) for number, value in enumerate(values)]


def _of_items(value: Any) -> list[tuple[str, Any]]:
    return [pair for key, item in value.items() for pair in ((f"key({key!r})", facts(key)), (repr(key), facts(item)))]


def _of_float(value: float) -> list[tuple[str, Any]]:
    return [("text", "nan" if value != value else value.hex())]


def _of_moment(value: Any) -> list[tuple[str, Any]]:
    return [("text", value.isoformat()), ("fold", str(value.fold)), ("zone", facts(value.tzinfo))]


_MAKERS: dict[str, Callable[[Any], list[tuple[str, Any]]]] = {
    "float": _of_float,
    "complex": lambda value: [("real", facts(value.real)), ("imag", facts(value.imag))],
    "list": _numbered,
    "tuple": _numbered,
    "deque": lambda value: [("maxlen", facts(value.maxlen)), *_numbered(value)],
    "set": lambda value: [(str(number), fact) for number, fact in enumerate(sorted(map(facts, value), key=repr))],
    "frozenset": lambda value: [(str(number), fact) for number, fact in enumerate(sorted(map(facts, value), key=repr))],
    "dict": _of_items,
    "OrderedDict": _of_items,
    "Counter": _of_items,
    "datetime": _of_moment,
    "time": _of_moment,
    "UUID": lambda value: [("text", str(value)), ("is_safe", value.is_safe.name)],
}
