"""The type zoo: one value, always the same, of every type that a session keeps.

Python's own are here, numpy's and pandas' in `tables`, where the application has them.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup

from ..codec import Unserializable, encode
from .facts import Difference, difference

STORE = "the store"
_MOMENT = (2025, 10, 26, 2, 30, 15, 123456)


def values() -> dict[str, Any]:
    """New values, by name."""
    found = _plain()
    if find_spec("numpy") is not None:
        from . import tables

        found.update(tables.of_numpy())
        if find_spec("pandas") is not None:
            found.update(tables.of_pandas())
    return found


def compare(found: dict[str, Any], read: str) -> dict[str, Any]:
    """What is missing, wrong and right in `found`, a zoo that came from the store `read`."""
    missing, right = [], []
    wrong: list[dict[str, str]] = []
    if found and read != "redis":
        # The old store keeps every type. What comes from it says nothing about Redis.
        wrong.append(_wrong(STORE, Difference("", "redis", read)))
    for name, expected in values().items():
        if name not in found:
            missing.append(name)
            continue
        differs = difference(expected, found[name]) or _not_kept(expected)
        if differs is None:
            right.append(name)
        else:
            wrong.append(_wrong(name, differs))
    return {"missing": missing, "wrong": wrong, "right": right}


def _not_kept(value: Any) -> Any:
    try:
        encode(value)
    except Unserializable as problem:
        return Difference("", "a type that Redis keeps", problem.reason)
    return None


def _wrong(name: str, differs: Difference) -> dict[str, str]:
    place = f"{differs.place.lstrip('.')}: " if differs.place else ""
    return {"name": name, "expected": place + differs.expected, "found": place + differs.found}


def _plain() -> dict[str, Any]:
    found: dict[str, Any] = {
        "none": None,
        "truth": [True, False],
        "integers": [0, -1, 2**31, -(2**63)],
        "integers past 64 bits": [2**63, 2**64, -(2**63) - 1, 10**40],
        "floats": [0.0, -0.0, 1.5, 1e308, 5e-324, float("inf"), float("-inf"), float("nan")],
        "complex": complex(1.5, -0.0),
        "text": "h\u00e4user \u2603 \U0001f600",
        "half a character": "\ud83d",
        "bytes": b"\x00\xff\x80bytes",
        "bytearray": bytearray(b"\x00\xffarray"),
        "list": [1, [2, []], "3"],
        "tuple": (1, ("two", (3.0,)), ()),
        "set": {1, "two", (3, 4)},
        "frozenset": frozenset({b"a", None}),
        "dictionary in its order": {"z": 1, "a": {"nested": (1, 2)}},
        "non-string keys": {1: "integer", 2.5: "float", None: "none", (1, "a"): "tuple", b"k": "bytes", False: "truth"},
        "moment as key": {date(2025, 1, 31): 1, UUID(int=1): 2, Decimal("1.10"): 3},
        "ordered dictionary": OrderedDict([("b", 1), ("a", 2)]),
        "counter": Counter({"a": 3, "b": -1}),
        "deque": deque([1, 2, 3], 5),
        "range": range(10, 0, -3),
        "ellipsis": ...,
        "datetime": datetime(*_MOMENT),
        "datetime in a fold": datetime(*_MOMENT, fold=1),
        "datetime in UTC": datetime(*_MOMENT, tzinfo=timezone.utc),
        "datetime with an offset": datetime(*_MOMENT, tzinfo=timezone(timedelta(hours=5, minutes=45), "NPT")),
        "date": date(1999, 12, 31),
        "time": time(23, 59, 59, 999999),
        "timedelta": timedelta(days=-1, seconds=1, microseconds=7),
        "decimal": [Decimal("1.10"), Decimal("-0"), Decimal("NaN"), Decimal("1E+400")],
        "fraction": Fraction(-22, 7),
        "uuid": UUID("12345678-1234-5678-1234-567812345678"),
        "markup": Markup("<b>safe</b>"),
        "addresses": [IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")],
    }
    try:
        berlin = ZoneInfo("Europe/Berlin")
    except ZoneInfoNotFoundError:  # A host without time zone data.
        return found
    found["datetime in a zone"] = datetime(*_MOMENT, tzinfo=berlin, fold=1)
    return found
