"""The package's own comparison of values, with which a trial judges what came back."""

from __future__ import annotations

from typing import Any

import pytest

from migrate_sessions.codec import decode, encode
from migrate_sessions.trial import zoo
from migrate_sessions.trial.facts import _compare, difference, facts

VALUES = zoo.values()


@pytest.fixture(scope="module")
def all_facts() -> dict[str, tuple[Any, ...]]:
    """The facts of every value of the zoo: `difference` compares these, and most of its time goes into making them."""
    return {name: facts(value) for name, value in VALUES.items()}


@pytest.mark.parametrize("name", list(VALUES))
def test_the_packages_comparison_knows_every_value_and_takes_none_for_another(
    name: str, all_facts: dict[str, tuple[Any, ...]]
) -> None:
    assert difference(VALUES[name], decode(encode(zoo.values()[name]))) is None
    own = all_facts[name]
    same = [other for other, theirs in all_facts.items() if other != name and _compare(own, theirs, "") is None]
    assert same == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (0.0, -0.0),
        ((1,), [1]),
        ("a", b"a"),
        ({1: 2, 3: 4}, {3: 4, 1: 2}),
        ({1}, frozenset({1})),
        ({"a": 1}, {"a": 1, "b": 2}),
        ([1, 2], [1]),
    ],
    ids=str,
)
def test_the_packages_comparison_tells_plain_values_apart(one: Any, other: Any) -> None:
    assert difference(one, other) is not None
    assert difference(other, one) is not None
    assert difference({"x": [one]}, {"x": [other]}) is not None


def test_the_packages_comparison_tells_tables_apart() -> None:
    pd = pytest.importorskip("pandas")
    import numpy as np

    day = pd.date_range("2025-01-01", periods=3, freq="D")
    frame = pd.DataFrame({"a": [1, 2, 3]})
    pairs = [
        (pd.RangeIndex(3), pd.Index([0, 1, 2])),
        (day, day._with_freq(None)),
        (day, day.rename("d")),
        (day.tz_localize("UTC"), day),
        (day.tz_localize("Europe/Berlin"), day.tz_localize("Europe/Paris")),
        (pd.Categorical(["a"], ["a", "b"]), pd.Categorical(["a"], ["b", "a"])),
        (pd.Categorical(["a"], ordered=True), pd.Categorical(["a"])),
        (frame, frame.astype("int32")),
        (frame, frame.astype("Int64")),
        (frame, frame.rename(columns={"a": "b"})),
        (frame, frame.set_axis(pd.Index([0, 1, 2]), axis=0)),
        (frame, frame.assign(a=[1, 2, 4])),
        (pd.Series([None], dtype=object), pd.Series([np.nan], dtype=object)),
        (pd.Series([pd.NA], dtype=object), pd.Series([np.nan], dtype=object)),
        (pd.Series([1.0, np.nan]), pd.Series([1.0, 0.0])),
        (pd.array([1, None], dtype="Int64"), pd.array([1, 0], dtype="Int64")),
        (np.array([1], dtype="<i4"), np.array([1], dtype=">i4")),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.float64(1), 1.0),
        (np.float32(1), np.float64(1)),
        (pd.Timestamp("2025-01-01"), pd.Timestamp("2025-01-01", tz="UTC")),
        (pd.Timedelta(1, "s"), pd.Timedelta(2, "s")),
        (pd.NaT, pd.NA),
    ]
    for one, other in pairs:
        assert difference(one, other) is not None, (one, other)
