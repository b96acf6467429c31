"""Facts (see `facts`) of numpy's and pandas' values."""

from __future__ import annotations

from typing import Any

import numpy as np

from .facts import _name, facts

Facts = tuple[Any, ...]


def table_facts(value: Any) -> Facts:
    """The facts of a value whose type is one of numpy or pandas."""
    if isinstance(value, np.ndarray):
        return (_name(type(value)), *_of_array(value))
    if isinstance(value, np.generic):
        return (_name(type(value)), ("dtype", _dtype(value.dtype)), ("content", _raw(np.asarray(value))))
    return (_name(type(value)), *_of_pandas(value))


def _dtype(dtype: Any) -> str:
    # `repr` tells `string` from `str`, and a category's values; `str` of numpy's tells the byte order.
    return f"{getattr(dtype, 'str', '')} {dtype!r}".strip()


def _raw(array: Any) -> str:
    if array.dtype.kind in "fc" and array.dtype.itemsize not in (2, 4, 8) and array.dtype.char in "gG":
        return repr(array.ravel().tolist())  # Wider than its number: the bytes between say nothing.
    return str(array.tobytes().hex())


def _of_array(array: Any) -> list[tuple[str, Any]]:
    column_major = bool(array.flags.f_contiguous and not array.flags.c_contiguous)
    found = [("dtype", _dtype(array.dtype)), ("shape", repr(array.shape)), ("order", "F" if column_major else "C")]
    found.append(("writable", str(bool(array.flags.writeable))))
    if array.dtype == object:
        return [*found, ("content", facts(array.ravel().tolist()))]
    return [*found, ("content", _raw(array))]


def _of_pandas(value: Any) -> list[tuple[str, Any]]:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        columns = [(f"column {number}", facts(value.iloc[:, number].array)) for number in range(value.shape[1])]
        return [("index", facts(value.index)), ("columns", facts(value.columns)), *columns, *_extras(value)]
    if isinstance(value, pd.Series):
        name = ("name", facts(value.name))
        return [name, ("index", facts(value.index)), ("values", facts(value.array)), *_extras(value)]
    if isinstance(value, pd.Index):
        return _of_index(value)
    if isinstance(value, pd.api.extensions.ExtensionArray):
        return _of_extension(value)
    if isinstance(value, pd.Timestamp):
        ticks = ("ticks", f"{getattr(value, 'unit', 'ns')} {value.asm8.view('i8')}")
        return [("text", str(value)), ticks, ("zone", facts(value.tz)), ("fold", str(value.fold))]
    if isinstance(value, pd.Timedelta):
        return [("ticks", f"{getattr(value, 'unit', 'ns')} {value.asm8.view('i8')}")]
    if isinstance(value, pd.Period):
        return [("ticks", f"{value.freqstr} {value.ordinal}")]
    if isinstance(value, pd.Interval):
        return [("closed", value.closed), ("left", facts(value.left)), ("right", facts(value.right))]
    return [("text", repr(value))]


def _extras(value: Any) -> list[tuple[str, Any]]:
    flags = str(value.flags.allows_duplicate_labels)
    return [("attrs", facts(dict(value.attrs))), ("allows duplicate labels", flags)]


def _of_index(index: Any) -> list[tuple[str, Any]]:
    import pandas as pd

    found: list[tuple[str, Any]] = [("names", facts(list(index.names)))]
    if isinstance(index, pd.RangeIndex):
        return [*found, ("range", repr((index.start, index.stop, index.step)))]
    if isinstance(index, pd.MultiIndex):
        found += [(f"level {number}", facts(level)) for number, level in enumerate(index.levels)]
        return found + [
            (f"codes {number}", repr(np.asarray(codes).tolist())) for number, codes in enumerate(index.codes)
        ]
    frequency = getattr(index, "freq", None)
    return [*found, ("freq", "" if frequency is None else frequency.freqstr), ("values", facts(index.array))]


def _of_extension(array: Any) -> list[tuple[str, Any]]:
    import pandas as pd

    dtype = array.dtype
    found: list[tuple[str, Any]] = [("dtype", _dtype(dtype))]
    if isinstance(dtype, np.dtype) and dtype.kind not in "mM":
        return [*found, ("values", (_name(np.ndarray), *_of_array(array.to_numpy())))]
    if isinstance(dtype, pd.CategoricalDtype):
        codes = ("codes", repr(array.codes.tolist()))
        return [*found, codes, ("ordered", str(dtype.ordered)), ("categories", facts(dtype.categories))]
    if hasattr(array, "asi8"):
        return [*found, ("zone", facts(getattr(array, "tz", None))), ("ticks", repr(array.asi8.tolist()))]
    if isinstance(dtype, pd.SparseDtype):
        fill = ("fill", facts(array.fill_value))
        return [*found, ("kind", array.kind), fill, ("values", facts(np.asarray(array).tolist()))]
    if isinstance(dtype, pd.StringDtype):
        missing = repr(getattr(dtype, "na_value", pd.NA))
        found += [("storage", dtype.storage), ("missing", missing)]
    return [*found, ("values", facts(list(array)))]
