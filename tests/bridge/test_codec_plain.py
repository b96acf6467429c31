"""Python's own values come back as the same types."""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, deque, namedtuple
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from ipaddress import ip_address
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup

from migrate_sessions.codec import Unserializable, decode, encode
from same import same

BERLIN = ZoneInfo("Europe/Berlin")
VALUES = [
    None, ..., True, False, 0, 1, -1, 127, 128, -128, -129, 2**63, -(2**63), 2**64, 10**400, -(10**400),
    0.0, -0.0, 1.5, float("inf"), float("-inf"), float("nan"), sys.float_info.min, 1 + 2j, complex("nan"),
    "", "text", "\u00e4\U0001f600\0", "\ud800", b"", b"\x00\xff", bytearray(b"x"), bytearray(),
    [], [1, [2, [3]]], (), (1, "a", None), ((),), set(), {1, "a", (2,)}, frozenset({1}), {frozenset({1}): {2}},
    {}, {1: "int", "1": "str", 1.5: 2, None: 3, (1, 2): 4, True and "t": 5, b"k": 6}, {"b": 1, "a": 2},
    OrderedDict(b=1, a=2), Counter("aab"), deque([1, 2], maxlen=5), deque(),
    datetime(2025, 1, 2, 3, 4, 5, 6), datetime(2025, 10, 26, 2, 30, tzinfo=BERLIN, fold=1),
    datetime.min, datetime.max,
    datetime(2025, 1, 1, tzinfo=timezone.utc), datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=-5), "EST")),
    datetime(2025, 1, 1, tzinfo=timezone(timedelta(seconds=3601))),
    datetime(2025, 1, 1, tzinfo=timezone(timedelta(0), "Z")),
    date(1, 1, 1), time(23, 59, 59, 999999, fold=1), time(1, tzinfo=timezone.utc), timedelta.min, timedelta.max,
    timedelta(days=-1, microseconds=1), timezone.utc, BERLIN, ZoneInfo("UTC"),
    Decimal("1.10"), Decimal("-0"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("1E+50000"),
    Fraction(-1, 3), UUID(int=5),
    Markup("<b>x</b>"), ip_address("10.0.0.1"), ip_address("::1"), range(1, 10, 3), range(0),
    {"_flashes": [("message", Markup("<i>hi</i>"))], "_permanent": True, "roles": {"analyst"}},
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{type(value).__name__}")
def test_value_comes_back(value: object) -> None:
    assert same(decode(encode(value)), value)
    assert same(decode(encode({"k": [value]})), {"k": [value]})


def test_utc_stays_the_very_same_object() -> None:
    assert decode(encode(timezone.utc)) is timezone.utc


class Mine:
    pass


class Colour(Enum):
    RED = 1


class Text(str):
    __slots__ = ()


Point = namedtuple("Point", "x")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"user": {"profile": Mine()}}, "session['user']['profile']: the type test_codec_plain.Mine"),
        ({"list": [1, (2, Mine())]}, "session['list'][1][1]: "),
        ({"colour": Colour.RED}, "session['colour']: the type test_codec_plain.Colour"),
        ({"text": Text("x")}, "session['text']: the type test_codec_plain.Text"),
        ({"point": Point(1)}, "session['point']: "),
        ({Mine(): 1}, "session.key(Mine): "),
        ({"f": len}, "session['f']: the type builtins.builtin_function_or_method"),
        ({"x" * 500: Mine()}, "xxx...]: "),
    ],
)
def test_other_classes_are_refused_with_the_place(value: object, said: str) -> None:
    with pytest.raises(Unserializable) as caught:
        encode(value)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(Unserializable, match="contains itself"):
        encode({"loop": value})


def test_deep_nesting_is_refused_before_python_gives_up() -> None:
    value: object = 1
    for _ in range(5000):
        value = [value]
    with pytest.raises(Unserializable):
        encode(value)
    value = 1
    for number in range(36):
        value = {"k": (value,)} if number % 2 else [value]
    assert same(decode(encode(value)), value)
