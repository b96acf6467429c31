"""pandas: the arrays that columns and indexes are made of. Every one of them is a value, too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.arrays import (
    BooleanArray,
    DatetimeArray,
    FloatingArray,
    IntegerArray,
    IntervalArray,
    PeriodArray,
    SparseArray,
    TimedeltaArray,
)
from pandas.core.arrays.string_ import BaseStringArray

from ..errors import BadPayload, Unserializable
from . import arrays  # noqa: F401  (numpy's types register themselves)
from .wire import Reader, Writer, register, register_family

try:
    from pandas.arrays import NumpyExtensionArray
except ImportError:  # pandas before 2.1
    from pandas.arrays import PandasArray as NumpyExtensionArray

_MASKED = {
    name: getattr(pd, f"{name}Dtype")
    for name in (
        "Int8",
        "Int16",
        "Int32",
        "Int64",
        "UInt8",
        "UInt16",
        "UInt32",
        "UInt64",
        "Float32",
        "Float64",
        "Boolean",
    )
}


def unwrapped(array: Any) -> Any:
    """The numpy array behind pandas' thin wrapper of one."""
    return array.to_numpy() if type(array) is NumpyExtensionArray else array


def moments(integers: Any, kind: str, unit: str) -> Any:
    """Integers as moments (`M`) or durations (`m`) of a unit."""
    if unit not in ("s", "ms", "us", "ns"):
        raise BadPayload("an unknown unit of time")
    return integers.view(f"{kind}8[{unit}]")


def unit_of(array: Any) -> str:
    """The unit of a pandas array of moments or durations; pandas before 2 only had one."""
    return getattr(array, "unit", "ns")


def integers(reader: Reader) -> Any:
    """A flat array of 64-bit integers."""
    array = reader.expect(np.ndarray)
    if array.dtype != np.int64 or array.ndim != 1:
        raise BadPayload("numbers of another type where 64-bit integers belong")
    return array


def _write_categorical(writer: Writer, array: Any) -> None:
    writer.value(np.asarray(array.codes))
    writer.value(bool(array.ordered))
    writer.part(".categories", array.categories)


def _read_categorical(reader: Reader) -> Any:
    codes = reader.expect(np.ndarray)
    ordered = reader.expect(bool)
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(reader.value(), ordered))


def _write_datetimes(writer: Writer, array: Any) -> None:
    writer.text(unit_of(array))
    writer.value(array.tz)
    writer.value(array.asi8)


def _read_datetimes(reader: Reader) -> Any:
    unit = reader.text()
    zone = reader.value()
    index = pd.DatetimeIndex(moments(integers(reader), "M", unit))
    return (index if zone is None else index.tz_localize("UTC").tz_convert(zone)).array


def _write_timedeltas(writer: Writer, array: Any) -> None:
    writer.text(unit_of(array))
    writer.value(array.asi8)


def _read_timedeltas(reader: Reader) -> Any:
    unit = reader.text()
    return pd.TimedeltaIndex(moments(integers(reader), "m", unit)).array


def _write_periods(writer: Writer, array: Any) -> None:
    if pd.PeriodDtype(array.freqstr) != array.dtype:
        raise Unserializable(f"periods of the frequency {array.freqstr}")
    writer.text(array.freqstr)
    writer.value(array.asi8)


def _read_periods(reader: Reader) -> Any:
    dtype = pd.PeriodDtype(reader.text())
    return PeriodArray(integers(reader), dtype=dtype)


def _write_intervals(writer: Writer, array: Any) -> None:
    writer.text(array.closed)
    writer.value(array.left)
    writer.value(array.right)


def _read_intervals(reader: Reader) -> Any:
    closed = reader.text()
    left = reader.value()
    return IntervalArray.from_arrays(left, reader.value(), closed=closed)


def _write_masked(writer: Writer, array: Any) -> None:
    missing = np.asarray(array.isna(), dtype=bool)
    plain = array.dtype.numpy_dtype
    writer.text("Boolean" if type(array) is BooleanArray else array.dtype.name)
    writer.value(array.to_numpy(dtype=plain, na_value=plain.type(0)))
    writer.value(missing)


def _read_masked(reader: Reader) -> Any:
    dtype = _MASKED[reader.text()]()
    values = reader.expect(np.ndarray)
    missing = reader.expect(np.ndarray)
    if values.dtype != dtype.numpy_dtype:
        raise BadPayload("a masked array whose numbers are of another type")
    return dtype.construct_array_type()(values, missing)


def _write_strings(writer: Writer, array: Any) -> None:
    writer.text(array.dtype.storage)
    # pandas 3 has two: missing as NaN (`str`) and missing as NA (`string`).
    writer.value(getattr(array.dtype, "na_value", pd.NA) is pd.NA)
    missing = np.asarray(array.isna(), dtype=bool)
    writer.value(missing)
    writer.texts([text for text, absent in zip(array.tolist(), missing.tolist()) if not absent])


def _read_strings(reader: Reader) -> Any:
    storage = reader.text()
    dtype = pd.StringDtype(storage) if reader.expect(bool) else pd.StringDtype(storage, na_value=np.nan)
    missing = reader.expect(np.ndarray)
    values = np.empty(len(missing), dtype=object)
    values[~missing] = reader.texts()
    values[missing] = pd.NA if dtype.na_value is pd.NA else np.nan
    return pd.array(values, dtype=dtype)


def _write_sparse(writer: Writer, array: Any) -> None:
    writer.text(array.kind)
    writer.value(array.fill_value)
    writer.value(np.asarray(array))


def _read_sparse(reader: Reader) -> Any:
    kind = reader.text()
    fill = reader.value()
    dense = reader.expect(np.ndarray)
    return SparseArray(dense, fill_value=fill, kind=kind, dtype=pd.SparseDtype(dense.dtype, fill))


register(
    0x50, NumpyExtensionArray, lambda w, v: w.value(v.to_numpy()), lambda r: NumpyExtensionArray(r.expect(np.ndarray))
)
register(0x51, pd.Categorical, _write_categorical, _read_categorical)
register(0x52, DatetimeArray, _write_datetimes, _read_datetimes)
register(0x53, TimedeltaArray, _write_timedeltas, _read_timedeltas)
register(0x54, PeriodArray, _write_periods, _read_periods)
register(0x55, IntervalArray, _write_intervals, _read_intervals)
for _array in (IntegerArray, FloatingArray, BooleanArray):
    register(0x56, _array, _write_masked, _read_masked)
register(0x57, type(pd.array(["text"], dtype="string")), _write_strings, _read_strings)
# One class for each way to keep texts; which there are depends on pandas' version and on pyarrow.
register_family(0x57, BaseStringArray, _write_strings)
register(0x58, SparseArray, _write_sparse, _read_sparse)
