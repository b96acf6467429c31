"""Whether two values are the same: by type and by value, all the way down."""

from __future__ import annotations

import math
import struct
from typing import Any


def same(one: Any, other: Any) -> bool:
    """Not `==`: 1, 1.0 and True are three values here, and NaN is itself."""
    if type(one) is not type(other):
        return False
    root = type(one).__module__.partition(".")[0]
    if root == "numpy":
        return _same_numpy(one, other)
    if root == "pandas":
        return _same_pandas(one, other)
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, dict):
        return (
            len(one) == len(other)
            and all(map(same, one.keys(), other))
            and all(map(same, one.values(), other.values()))
        )
    if isinstance(one, (set, frozenset)):
        return len(one) == len(other) and all(any(same(a, b) for b in other) for a in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if hasattr(one, "maxlen"):
        return one.maxlen == other.maxlen and same(list(one), list(other))
    if hasattr(one, "tzinfo"):
        return one == other and one.fold == other.fold and same(one.tzinfo, other.tzinfo) and str(one) == str(other)
    if hasattr(one, "as_tuple"):
        return one.as_tuple() == other.as_tuple()
    if hasattr(one, "key") or hasattr(one, "zone"):
        return str(one) == str(other)
    return one == other


def _same_numpy(one: Any, other: Any) -> bool:
    import numpy as np

    if not isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.tobytes() == other.tobytes()
    if one.dtype != other.dtype or one.shape != other.shape or not (one.flags.writeable and other.flags.writeable):
        return False
    if all(array.flags.contiguous or array.flags.fnc for array in (one, other)) and one.flags.fnc != other.flags.fnc:
        return False
    if one.dtype == object:
        return same(one.ravel().tolist(), other.ravel().tolist())
    return one.tobytes() == other.tobytes()


def _same_pandas(one: Any, other: Any) -> bool:
    import pandas as pd

    if one is other:
        return True
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True)
        same_columns = all(_same_column(one.iloc[:, number], other.iloc[:, number]) for number in range(one.shape[1]))
        return (
            same_columns
            and same(one.index, other.index)
            and same(one.columns, other.columns)
            and _same_extras(one, other)
        )
    if isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other, check_exact=True)
        return (
            _same_column(one, other)
            and same(one.index, other.index)
            and same(one.name, other.name)
            and _same_extras(one, other)
        )
    if isinstance(one, pd.Index):
        return _same_index(one, other)
    if isinstance(one, pd.api.extensions.ExtensionArray):
        pd.testing.assert_extension_array_equal(one, other, check_exact=True)
        return one.dtype == other.dtype and repr(one.dtype) == repr(other.dtype)
    if isinstance(one, (pd.Timestamp, pd.Timedelta)):
        zones = not isinstance(one, pd.Timestamp) or (str(one.tz) == str(other.tz) and type(one.tz) is type(other.tz))
        return (
            zones and one == other and getattr(one, "unit", "") == getattr(other, "unit", "") and str(one) == str(other)
        )
    return one == other


def _same_extras(one: Any, other: Any) -> bool:
    return same(one.attrs, other.attrs) and one.flags.allows_duplicate_labels == other.flags.allows_duplicate_labels


def _same_column(one: Any, other: Any) -> bool:
    if repr(one.dtype) != repr(other.dtype):
        return False
    return one.dtype != object or same(one.tolist(), other.tolist())


def _same_index(one: Any, other: Any) -> bool:
    import pandas as pd

    pd.testing.assert_index_equal(one, other, exact=True, check_exact=True)
    if getattr(one, "freq", None) != getattr(other, "freq", None) or not same(list(one.names), list(other.names)):
        return False
    if isinstance(one, pd.MultiIndex):
        return (
            len(one.codes) == len(other.codes)
            and all(map(same, one.levels, other.levels))
            and all((a == b).all() for a, b in zip(one.codes, other.codes))
        )
    if isinstance(one, pd.RangeIndex):
        return (one.start, one.stop, one.step) == (other.start, other.stop, other.step)
    return repr(one.dtype) == repr(other.dtype) and (one.dtype != object or same(one.tolist(), other.tolist()))
