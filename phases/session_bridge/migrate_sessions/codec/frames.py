"""pandas: Series and DataFrame, with labels, attributes and flags."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..errors import BadPayload, Unserializable
from .columns import unwrapped
from .wire import Reader, Writer, register


def _write_series(writer: Writer, series: Any) -> None:
    writer.part(".name", series.name)
    writer.part(".index", series.index)
    writer.part(".values", unwrapped(series.array))
    _write_extras(writer, series)


def _read_series(reader: Reader) -> Any:
    name = reader.value()
    index = reader.value()
    array = reader.value()
    return _with_extras(reader, pd.Series(array, index=index, dtype=array.dtype, name=name, copy=False))


def _write_frame(writer: Writer, frame: Any) -> None:
    writer.part(".index", frame.index)
    writer.part(".columns", frame.columns)
    if _is_one_block(frame):
        writer.raw(b"B")
        writer.value(frame.to_numpy())
    else:
        writer.raw(b"C")
        for position in range(frame.shape[1]):
            try:
                writer.value(unwrapped(frame.iloc[:, position].array))
            except Unserializable as error:
                raise error.under(f"[{frame.columns[position]!r}]") from None
    _write_extras(writer, frame)


def _is_one_block(frame: Any) -> bool:
    """Whether all the columns have one numpy type, so that they can be written as one table."""
    kinds = set(frame.dtypes)
    return len(kinds) == 1 and isinstance(kind := kinds.pop(), np.dtype) and kind.kind != "O"


def _read_frame(reader: Reader) -> Any:
    index = reader.value()
    columns = reader.value()
    shape = (len(index), len(columns))
    kind = bytes(reader.raw(1))
    if kind == b"B":
        table = reader.expect(np.ndarray)
        if table.shape != shape:
            raise BadPayload("a frame whose table does not fit its labels")
        frame = pd.DataFrame(table, copy=False)
    elif kind == b"C":
        frame = _from_columns([reader.value() for _ in _bounded(reader, shape[1])], shape[0])
    else:
        raise BadPayload("a frame of an unknown kind")
    frame.index = index
    frame.columns = columns
    return _with_extras(reader, frame)


def _bounded(reader: Reader, number: int) -> range:
    if number > reader.remaining():
        raise BadPayload("a frame with more columns than bytes")
    return range(number)


def _from_columns(arrays: list[Any], rows: int) -> Any:
    """A frame of these columns, under numbers: names may not be unique, and types must not be guessed again."""
    if any(len(array) != rows for array in arrays):
        raise BadPayload("a frame whose columns do not fit its index")
    series = {number: pd.Series(array, dtype=array.dtype, copy=False) for number, array in enumerate(arrays)}
    return pd.DataFrame(series, index=pd.RangeIndex(rows))


def _write_extras(writer: Writer, labelled: Any) -> None:
    writer.part(".attrs", labelled.attrs)
    writer.value(bool(labelled.flags.allows_duplicate_labels))


def _with_extras(reader: Reader, labelled: Any) -> Any:
    attributes = reader.expect(dict)
    if attributes:
        labelled.attrs = attributes
    if not reader.expect(bool):
        labelled.flags.allows_duplicate_labels = False
    return labelled


register(0x70, pd.Series, _write_series, _read_series)
register(0x71, pd.DataFrame, _write_frame, _read_frame)
