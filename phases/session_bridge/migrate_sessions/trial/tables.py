"""The part of the type zoo that is numpy's and pandas'."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

_UNITS = ("s", "ms", "us", "ns")


def of_numpy() -> dict[str, Any]:
    """Scalars and arrays."""
    found: dict[str, Any] = {}
    for kind in ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"):
        dtype = np.dtype(kind)
        found[f"numpy scalar {dtype.name}"] = dtype.type(1)
        found[f"numpy array {dtype.name}"] = np.array([0, 1, 1], dtype=dtype)
    found["numpy scalar not a number"] = np.float64("nan")
    found["numpy scalar text"] = np.str_("t\u00e4xt")
    found["numpy scalar bytes"] = np.bytes_(b"raw")
    found["numpy scalar moment"] = [np.datetime64("2025-01-31T12:00:00", "ms"), np.datetime64("NaT")]
    found["numpy scalar duration"] = [np.timedelta64(-3, "h"), np.timedelta64("NaT")]
    found["numpy array not a number"] = np.array([np.nan, np.inf, -np.inf, -0.0])
    found["numpy array of another byte order"] = np.arange(4, dtype=">i4")
    found["numpy array of texts"] = np.array(["a", "bcd\u00e4", ""])
    found["numpy array of bytes"] = np.array([b"a", b"bc"])
    found["numpy array of moments"] = np.array(["2025-01-31", "NaT"], dtype="M8[s]")
    found["numpy array of durations"] = np.array([1, -1, "NaT"], dtype="m8[us]")
    found["numpy array of objects"] = np.array(["a", None, 2**70], dtype=object)
    found["numpy array with fields"] = np.array([(1, 2.5, "x")], dtype=[("a", "<i4"), ("b", "<f8"), ("c", "<U3")])
    found["numpy array, empty"] = np.zeros((0, 3), dtype="f4")
    found["numpy array without dimensions"] = np.array(5)
    found["numpy array, column-major"] = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    found["numpy array, three dimensions"] = np.arange(24, dtype="i2").reshape(2, 3, 4)
    return found


def of_pandas() -> dict[str, Any]:
    """Scalars, Series, indexes and DataFrames."""
    found = {f"pandas {name}": value for name, value in _scalars().items()}
    columns = _columns()
    for name, column in columns.items():
        found[f"series {name}"] = _series(column, name)
    for name, index in _indexes().items():
        found[f"index {name}"] = index
        found[f"frame by {name}"] = _frame({"x": [1, 2, 3], "y": ["a", "b", "c"]}, index)
    found["frame of every dtype"] = _frame(columns, None)
    found.update(_frames())
    return found


def _scalars() -> dict[str, Any]:
    import pandas as pd

    return {
        "missing": [pd.NaT, pd.NA],
        "timestamp": pd.Timestamp("2025-01-31 12:00:00.123456789"),
        "timestamp in a zone": pd.Timestamp("2025-07-01 12:00", tz="Europe/Berlin"),
        "timestamp in UTC": pd.Timestamp("2025-07-01 12:00", tz="UTC"),
        "timestamp with an offset": pd.Timestamp("2025-07-01 12:00+05:30"),
        "timedelta": pd.Timedelta("-1 day 3ns"),
        "period": pd.Period("2025-03", "M"),
        "interval": pd.Interval(0, 1, closed="both"),
    }


def _columns() -> dict[str, Any]:
    """A column of three for each dtype."""
    import pandas as pd

    found: dict[str, Any] = {}
    for kind in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        found[kind] = np.array([1, 0, 1], dtype=kind)
    for kind in ("float32", "float64", "complex64", "complex128"):
        found[kind] = np.array([1.5, np.nan, -0.0], dtype=kind)
    for kind in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float32", "Float64"):
        found[kind] = pd.array([1, None, 3], dtype=kind)
    found["boolean"] = pd.array([True, None, False], dtype="boolean")
    found["string"] = pd.array(["a", None, "\u00e4"], dtype="string")
    found["texts"] = ["a", "", "c"]
    found["texts with gaps"] = ["a", None, "c"]
    found["object"] = pd.Series(["a", 1, (2, None)], dtype=object)
    found["object with every gap"] = pd.Series([None, np.nan, pd.NA], dtype=object)
    found["object of decimals"] = pd.Series([Decimal("1.10"), None, Decimal("NaN")], dtype=object)
    found["object of dates"] = pd.Series([date(2025, 1, 31), None, date(1, 1, 1)], dtype=object)
    moments = pd.to_datetime(["2025-01-31", None, "2025-07-01"])
    found["datetime64 in a zone"] = moments.tz_localize("Europe/Berlin")
    found["datetime64 in UTC"] = moments.tz_localize("UTC")
    for unit in _UNITS if hasattr(pd.Timestamp, "as_unit") else ("ns",):
        found[f"datetime64[{unit}]"] = np.array([0, 1, "NaT"], dtype=f"M8[{unit}]")
        found[f"timedelta64[{unit}]"] = np.array([0, -1, "NaT"], dtype=f"m8[{unit}]")
    found["category"] = pd.Categorical(["b", None, "a"], categories=["c", "b", "a"])
    found["category, ordered"] = pd.Categorical(["b", "c", "a"], categories=["c", "b", "a"], ordered=True)
    found["category of numbers"] = pd.Categorical([2.5, 1.5, 2.5])
    found["period"] = pd.array(pd.PeriodIndex(["2025-01", None, "2025-03"], freq="M"))
    found["interval"] = pd.arrays.IntervalArray.from_tuples([(0, 1), None, (2, 3)], closed="left")
    found["sparse"] = pd.arrays.SparseArray([0, 0, 5])
    return found


def _indexes() -> dict[str, Any]:
    """An index of three for each kind."""
    import pandas as pd

    return {
        "a range": pd.RangeIndex(10, 4, -2, name="r"),
        "integers": pd.Index([3, 1, 2]),
        "floats": pd.Index([1.5, np.nan, 2.5], name="f"),
        "truths": pd.Index([True, False, True]),
        "texts": pd.Index(["a", "b", "c"], name=("t", 1)),
        "objects": pd.Index([1, "a", (1, 2)], dtype=object, tupleize_cols=False),
        "duplicates": pd.Index(["a", "a", "b"]),
        "categories": pd.CategoricalIndex(["a", "b", "a"], categories=["b", "a", "z"], ordered=True, name="c"),
        "days": pd.date_range("2025-01-31", periods=3, freq="D"),
        "months": pd.date_range("2025-01-01", periods=3, freq="MS", name="m"),
        "days in a zone": pd.date_range("2025-03-29", periods=3, freq="D", tz="Europe/Berlin"),
        "moments": pd.DatetimeIndex(["2025-01-01", "2025-01-05", "NaT"]),
        "durations": pd.TimedeltaIndex(["1h", "NaT", "3h"]),
        "steps": pd.timedelta_range("1h", periods=3, freq="90min"),
        "periods": pd.period_range("2025Q1", periods=3, freq="Q-NOV"),
        "intervals": pd.interval_range(0, 3),
        "nullable integers": pd.Index(pd.array([1, None, 3], dtype="Int64")),
        "several levels": pd.MultiIndex.from_product([["a"], [1, 2, 3]], names=["x", None]),
        "levels with gaps": pd.MultiIndex.from_tuples([("a", 1), ("b", None), (None, 3)]),
        "levels, some unused": pd.MultiIndex.from_product([["a", "b"], [1, 2, 3]])[:3],
    }


def _series(column: Any, name: str) -> Any:
    import pandas as pd

    return pd.Series(column, name=name)


def _frame(columns: dict[str, Any], index: Any) -> Any:
    import pandas as pd

    return pd.DataFrame(columns, index=index)


def _frames() -> dict[str, Any]:
    import pandas as pd

    marked = pd.DataFrame({"a": [1]}).rename_axis(columns="c", index="r")
    marked.attrs = {"source": ("upload", 3)}
    return {
        "frame, empty": pd.DataFrame(),
        "frame, only rows": pd.DataFrame(index=["a", "b"]),
        "frame, only columns": pd.DataFrame(columns=["a", "b"]),
        "frame without rows": pd.DataFrame({"a": np.array([], dtype="i2"), "b": pd.array([], dtype="string")}),
        "frame with one name twice": pd.DataFrame([[1, "x", 2.0], [3, "y", 4.0]], columns=["a", "a", "b"]),
        "frame with names of other types": pd.DataFrame({1: [1], (2, "b"): [2.5], None: ["x"]}),
        "frame with levels of columns": pd.DataFrame(
            np.arange(4.0).reshape(2, 2), columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])
        ),
        "frame with attributes": marked,
        "frame without duplicates": pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False),
        "frame of one block": pd.DataFrame(np.arange(6, dtype="f4").reshape(2, 3)),
        "frame inside a frame": pd.DataFrame({"f": pd.Series([pd.DataFrame({"x": [1]}), None], dtype=object)}),
    }
