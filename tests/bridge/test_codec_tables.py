"""numpy's and pandas' values come back as the same types."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from migrate_sessions.codec import Unserializable, decode, encode
from same import same

np = pytest.importorskip("numpy")
pd = pytest.importorskip("pandas")

PANDAS = tuple(int(part) for part in pd.__version__.split(".")[:2])
NAMED_UNITS = ["s", "ms", "us", "ns"] if PANDAS >= (2, 0) else ["ns"]


def arrays() -> list[Any]:
    """Arrays and scalars of numpy, of every kind, shape and order."""
    kinds = "?bhilqBHILQefdgFDG"
    found: list[Any] = [np.arange(6).astype(kind) for kind in kinds]
    found += [np.dtype(kind).type(1) for kind in kinds]
    found += [
        np.arange(5, dtype=">i4"),
        np.arange(5, dtype=">f8"),
        np.array(["a", "bcd\u00e4"]),
        np.array([b"a", b"bc"]),
    ]
    found += [np.array([], dtype=kind) for kind in ("?", "i", "d", "U5", "S3", "O")] + [
        np.array(["", ""]),
        np.zeros((0, 3)),
        np.zeros((3, 0)),
    ]
    found += [
        np.array(5),
        np.array(None),
        np.arange(24).reshape(2, 3, 4),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    ]
    found += [np.arange(20)[::2], np.arange(12).reshape(3, 4).T, np.array([np.nan, np.inf, -np.inf, -0.0])]
    found += [np.array(["2025-01-01", "NaT"], dtype=f"M8[{unit}]") for unit in ("D", "s", "ns", "M")]
    found += [np.array([1, -1, "NaT"], dtype=f"m8[{unit}]") for unit in ("D", "us", "ns")]
    found += [np.datetime64("NaT"), np.datetime64("2025-01-01"), np.datetime64(5, "25s"), np.timedelta64(3, "h")]
    found += [np.str_("text"), np.bytes_(b"x"), np.str_(""), np.void(b"abc"), np.bool_(True), np.float64("nan")]
    found += [np.array([(1, 2.5, "x")], dtype=[("a", "<i4"), ("b", "<f8"), ("c", "<U3")])]
    found += [np.array([([1, 2],)], dtype=[("pair", "<i4", (2,))])]
    objects = np.empty((2, 2), dtype=object)
    objects[0, 0], objects[0, 1], objects[1, 0] = [1, 2], {"k": (1,)}, np.int8(1)
    return [*found, objects, np.array(["a", None, "b"], dtype=object), np.array(["a", "b"], dtype=object)]


@pytest.mark.parametrize("value", arrays(), ids=lambda value: f"{type(value).__name__}-{value.dtype}")
def test_numpy_comes_back(value: Any) -> None:
    assert same(decode(encode(value)), value)


def columns() -> dict[str, Any]:
    """Something for each kind of column, three rows each."""
    found: dict[str, Any] = {
        kind: pd.array([1, None, 3], dtype=kind) for kind in ("Int8", "Int64", "UInt16", "Float32")
    }
    found |= {
        kind: np.array([1, 2, 3], dtype=kind) for kind in ("i1", "u2", "i4", "i8", "u8", "f2", "f4", "f8", "c16", "?")
    }
    found["boolean"] = pd.array([True, None, False], dtype="boolean")
    found["float with gaps"] = [1.5, np.nan, -0.0]
    found["string"] = pd.array(["a", None, "\u00e4"], dtype="string")
    found["texts"] = ["a", "", "c"]
    found["texts with gaps"] = ["a", None, "c"]
    found["python objects"] = pd.Series([1, "a", [1, {"k": (2,)}]], dtype=object)
    found["object texts"] = pd.Series(["a", "b", "c"], dtype=object)
    found["object numbers"] = pd.Series([1, 2.0, True], dtype=object)
    found["nothing"] = pd.Series([None, np.nan, pd.NA], dtype=object)
    found["not a time"] = pd.Series([pd.NaT, None, 1], dtype=object)
    found["decimals"] = [Decimal("1.10"), Decimal("NaN"), None]
    found["dates"] = [date(2025, 1, 1), None, date(1, 1, 1)]
    found["moments"] = (
        pd.to_datetime(["2025-01-01", None, "1999-12-31 23:59:59.123456789"], format="ISO8601")
        if PANDAS >= (2, 0)
        else None
    )
    found["zoned"] = pd.to_datetime(["2025-01-01", None, "2025-07-01"]).tz_localize("Europe/Berlin")
    found["utc"] = pd.to_datetime(["2025-01-01", None, "2025-07-01"], utc=True)
    found["fixed zone"] = (
        pd.to_datetime(["2025-01-01", None, "2025-07-01"]).tz_localize(timezone.utc).tz_convert("+05:30")
    )
    for unit in NAMED_UNITS:
        found[f"moments {unit}"] = np.array([0, 1, "NaT"], dtype=f"M8[{unit}]")
        found[f"durations {unit}"] = np.array([0, 1, "NaT"], dtype=f"m8[{unit}]")
    found["categories"] = pd.Categorical(["b", None, "a"], categories=["c", "b", "a"], ordered=True)
    found["number categories"] = pd.Categorical([1.5, 2.5, 1.5])
    found["moment categories"] = pd.Categorical(pd.date_range("2025", periods=3, tz="UTC"))
    found["periods"] = pd.array(pd.PeriodIndex(["2025-01", None, "2025-03"], freq="M"))
    found["intervals"] = pd.arrays.IntervalArray.from_tuples([(0, 1), None, (2, 3)], closed="left")
    found["time intervals"] = pd.interval_range(pd.Timestamp("2025"), periods=3)
    found["sparse"] = pd.arrays.SparseArray([0, 0, 5])
    found["sparse floats"] = pd.arrays.SparseArray([np.nan, 1.0, np.nan])
    return {name: values for name, values in found.items() if values is not None}


@pytest.mark.parametrize("name", columns())
def test_columns_come_back(name: str) -> None:
    values = columns()[name]
    series = pd.Series(values, name=("a", 1))
    assert same(decode(encode(series)), series)
    frame = pd.DataFrame({"x": values, 5: [1, 2, 3], None: values})
    assert same(decode(encode({"frame": frame})), {"frame": frame})
    assert same(decode(encode(frame.iloc[:0])), frame.iloc[:0])
    assert same(decode(encode(series.array)), series.array)


def indexes() -> dict[str, Any]:
    """Something for each kind of index, three entries each."""
    found = {
        "range": pd.RangeIndex(3),
        "range with steps": pd.RangeIndex(10, 4, -2, name="r"),
        "numbers": pd.Index([3, 1, 2]),
        "floats": pd.Index([1.5, np.nan, 2.5], name="f"),
        "truths": pd.Index([True, False, True]),
        "texts": pd.Index(["a", "b", "c"], name=("t", 1)),
        "objects": pd.Index([1, "a", (1, 2)], dtype=object, tupleize_cols=False),
        "object texts": pd.Index(["a", "b", "c"], dtype=object),
        "duplicates": pd.Index(["a", "a", "b"]),
        "categories": pd.CategoricalIndex(["a", "b", "a"], categories=["b", "a", "z"], ordered=True, name="c"),
        "days": pd.date_range("2025-01-01", periods=3, freq="D"),
        "months": pd.date_range("2025-01-31", periods=3, freq="MS"),
        "zoned": pd.date_range("2025-03-29", periods=3, freq="D", tz="Europe/Berlin"),
        "hours": pd.timedelta_range("1h", periods=3, freq="90min"),
        "moments": pd.DatetimeIndex(["2025-01-01", "2025-01-05", "NaT"]),
        "durations": pd.TimedeltaIndex(["1h", "NaT", "3h"]),
        "periods": pd.period_range("2025-01", periods=3, freq="M"),
        "quarters": pd.period_range("2025Q1", periods=3, freq="Q-NOV"),
        "intervals": pd.interval_range(0, 3),
        "multi": pd.MultiIndex.from_product([["a"], [1, 2, 3]], names=["x", None]),
        "multi with gaps": pd.MultiIndex.from_tuples([("a", 1), ("b", None), (None, 3)]),
        "multi unused": pd.MultiIndex.from_product([["a", "b"], [1, 2, 3]])[:3],
        "multi moments": pd.MultiIndex.from_arrays([pd.date_range("2025", periods=3), pd.Categorical(["x", "y", "x"])]),
    }
    if PANDAS >= (2, 0):
        found["small numbers"] = pd.Index([1, 2, 3], dtype="int8")
    found["nullable"] = pd.Index(pd.array([1, None, 3], dtype="Int64"))
    return found


@pytest.mark.parametrize("name", indexes())
def test_indexes_come_back(name: str) -> None:
    index = indexes()[name]
    assert same(decode(encode(index)), index)
    rows = pd.DataFrame({"x": [1, 2, 3], "y": ["a", "b", "c"]}, index=index)
    assert same(decode(encode(rows)), rows)
    across = pd.DataFrame([[1, "x", 2.0]], columns=index)
    assert same(decode(encode(across)), across)
    table = pd.DataFrame(np.eye(3), index=index, columns=index)
    assert same(decode(encode(table)), table)


FRAMES = {
    "empty": lambda: pd.DataFrame(),
    "only rows": lambda: pd.DataFrame(index=["a", "b"]),
    "only columns": lambda: pd.DataFrame(columns=["a", "b"]),
    "only a range of rows": lambda: pd.DataFrame(index=pd.RangeIndex(7)),
    "same names": lambda: pd.DataFrame([[1, "x", 2.0], [3, "y", 4.0]], columns=["a", "a", "b"]),
    "same rows and names": lambda: pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"], index=[0, 0]),
    "axis names": lambda: pd.DataFrame({"a": [1]}).rename_axis(columns="c", index="r"),
    "nested": lambda: pd.DataFrame({"f": pd.Series([pd.DataFrame({"x": [1]}), pd.Series([1])], dtype=object)}),
    "sliced": lambda: pd.DataFrame(np.arange(20.0).reshape(4, 5))[::2],
    "turned": lambda: pd.DataFrame(np.arange(6.0).reshape(2, 3)).T,
    "many columns": lambda: pd.DataFrame({f"c{n}": [n, n + 1] if n % 2 else ["a", "b"] for n in range(300)}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_come_back(name: str) -> None:
    frame = FRAMES[name]()
    assert same(decode(encode(frame)), frame)


def test_attributes_and_flags_come_back() -> None:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = {"source": {"rows": (1, 2), 3: b"x"}}
    frame = frame.set_flags(allows_duplicate_labels=False)
    series = frame["a"].copy()
    assert same(decode(encode([frame, series])), [frame, series])


def test_what_comes_back_can_be_changed() -> None:
    for frame in (pd.DataFrame(np.eye(3)), pd.DataFrame({"a": [1], "b": ["x"], "c": [1.5]})):
        back = decode(encode(frame))
        back.iloc[0, 0] = 9
        back["new"] = 1
        assert back.iloc[0, 0] == 9


def scalars() -> list[Any]:
    found = [pd.NaT, pd.NA, pd.Timestamp("2025-01-01 12:00:00.123456789"), pd.Timestamp(0), pd.Timedelta("-1 day 3ns")]
    found += [pd.Timestamp("2025-07-01", tz=zone) for zone in ("UTC", "Europe/Berlin", "+03:00")]
    found += [
        pd.Timestamp("2025-10-26 00:30", tz="UTC").tz_convert("Europe/Berlin") + pd.Timedelta(n, "h") for n in (0, 1)
    ]
    found += [
        pd.Timestamp(datetime(2025, 1, 1, tzinfo=timezone.utc)),
        pd.Period("2025-03", "M"),
        pd.Period("2025Q1", "Q-NOV"),
    ]
    found += [pd.Interval(0, 1, closed="both"), pd.Interval(pd.Timestamp("2025"), pd.Timestamp("2026"))]
    if PANDAS >= (2, 0):
        found += [pd.Timestamp("2025-01-01").as_unit(unit) for unit in NAMED_UNITS]
        found += [pd.Timestamp(np.datetime64("9999-12-31", "s")), pd.Timedelta("1h").as_unit("s")]
    return found


@pytest.mark.parametrize("value", scalars(), ids=str)
def test_pandas_scalars_come_back(value: Any) -> None:
    assert same(decode(encode({value: [value]})), {value: [value]})


class MyFrame(pd.DataFrame):
    """A frame with behaviour of its own."""


@pytest.mark.parametrize(
    "value",
    [
        MyFrame({"a": [1]}),
        np.ma.masked_array([1, 2], [True, False]),
        np.matrix([[1]]),
        np.array([(1, None)], dtype=[("a", "i4"), ("b", "O")]),
        np.zeros(1, dtype={"names": ["a"], "formats": ["i4"], "offsets": [4]}),
        pd.offsets.Day(1),
        pd.Grouper(key="a"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_would_come_back_as_something_else_is_refused(value: Any) -> None:
    with pytest.raises(Unserializable):
        encode({"value": value})


def test_the_place_inside_a_frame_is_named() -> None:
    frame = pd.DataFrame({"ok": [1, 2], "bad": [1, object()]})
    with pytest.raises(Unserializable, match=r"session\['table'\]\['bad'\]\[1\]: the type builtins.object"):
        encode({"table": frame})
