"""pandas: indexes. A RangeIndex stays a range, a MultiIndex keeps its levels as they are, unused ones included."""

from __future__ import annotations

from typing import Any, Optional

import pandas as pd
from pandas.tseries.frequencies import to_offset

from ..errors import Unserializable
from .columns import unwrapped
from .wire import Reader, Writer, register


def _write_range(writer: Writer, index: Any) -> None:
    writer.part(".name", index.name)
    writer.value((index.start, index.stop, index.step))


def _read_range(reader: Reader) -> Any:
    name = reader.value()
    return pd.RangeIndex(*reader.expect(tuple), name=name)


def _write_multi(writer: Writer, index: Any) -> None:
    writer.part(".names", list(index.names))
    writer.count(len(index.levels))
    for level, codes in zip(index.levels, index.codes):
        writer.value(level.rename(None))
        writer.value(pd.Index(codes).to_numpy())


def _read_multi(reader: Reader) -> Any:
    names = reader.expect(list)
    pairs = [(reader.value(), reader.value()) for _ in range(reader.count(size=2))]
    return pd.MultiIndex([level for level, _ in pairs], [codes for _, codes in pairs], names=names)


def _write_plain(writer: Writer, index: Any) -> None:
    writer.part(".name", index.name)
    writer.value(unwrapped(index.array))


def _read_plain(reader: Reader) -> Any:
    name = reader.value()
    array = reader.value()
    return pd.Index(array, dtype=array.dtype, name=name, tupleize_cols=False)


def _write_regular(writer: Writer, index: Any) -> None:
    writer.value(_frequency(index))
    _write_plain(writer, index)


def _read_regular(reader: Reader) -> Any:
    frequency = reader.value()
    index = _read_plain(reader)
    return index if frequency is None else type(index)(index, freq=to_offset(frequency))


def _frequency(index: Any) -> Optional[str]:
    frequency = index.freq
    if frequency is None:
        return None
    try:
        if to_offset(frequency.freqstr) == frequency:
            return str(frequency.freqstr)
    except ValueError:
        pass
    raise Unserializable(f"an index with the frequency {frequency}")


register(0x60, pd.RangeIndex, _write_range, _read_range)
register(0x61, pd.MultiIndex, _write_multi, _read_multi)
for _kind in {
    pd.Index,
    pd.CategoricalIndex,
    pd.PeriodIndex,
    pd.IntervalIndex,
    *map(type, (pd.Index([1]), pd.Index([1.0]))),
}:
    register(0x62, _kind, _write_plain, _read_plain)
for _kind in (pd.DatetimeIndex, pd.TimedeltaIndex):
    register(0x63, _kind, _write_regular, _read_regular)
