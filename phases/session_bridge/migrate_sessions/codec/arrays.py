"""numpy: scalars, arrays of any shape and memory order, structured types, arrays of Python objects."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from ..errors import BadPayload, Unserializable
from .wire import Reader, Writer, register

# Booleans, numbers, texts, raw bytes, moments and durations with their unit. Not `O`: objects are values, one by one.
_SIMPLE_TYPE = re.compile(r"[<>|=][biufcSUVMmqQ]\d*(\[\w+\])?\Z")
_LARGEST_ITEM = 64 << 20
_MOST_ITEMS = 1 << 40


def write_dtype(writer: Writer, dtype: Any) -> None:
    """A numpy type other than `object`."""
    if dtype.names is not None:
        described = dtype.descr
        if np.dtype(described) != dtype or dtype.hasobject:
            raise Unserializable(f"a structured numpy type with a layout of its own: {dtype}")
        writer.value(described)
        return
    # `q` and `l` are two types of the same size here; `str` would not tell them apart.
    text = f"={dtype.char}" if dtype.char in "qQ" and dtype.isnative else dtype.str
    if not _SIMPLE_TYPE.match(text):
        raise Unserializable(f"the numpy type {dtype}")
    writer.value(text)


def read_dtype(reader: Reader) -> Any:
    """A numpy type other than `object`."""
    described = reader.value()
    if type(described) is list:
        for field in described:
            if len(field) not in (2, 3) or not _SIMPLE_TYPE.match(field[1]):
                raise BadPayload("an unknown numpy type")
    elif not _SIMPLE_TYPE.match(described):
        raise BadPayload("an unknown numpy type")
    dtype = np.dtype(described)
    if dtype.hasobject or not 0 <= dtype.itemsize <= _LARGEST_ITEM:
        raise BadPayload("an unusable numpy type")
    return dtype


def _write_scalar(writer: Writer, value: Any) -> None:
    write_dtype(writer, value.dtype)
    writer.blob(value.tobytes() if value.dtype.itemsize else b"")


def _read_scalar(reader: Reader) -> Any:
    dtype = read_dtype(reader)
    raw = reader.raw(reader.count())
    if len(raw) != dtype.itemsize:
        raise BadPayload("a numpy scalar of the wrong size")
    if dtype.itemsize == 0:
        return np.zeros((), dtype)[()]
    return np.frombuffer(bytes(raw), dtype)[0]


def _write_array(writer: Writer, array: Any) -> None:
    column_major = array.flags.f_contiguous and not array.flags.c_contiguous
    writer.raw(b"F" if column_major else b"C")
    writer.value(array.shape)
    if array.dtype.kind == "O" and array.dtype.names is None:
        writer.raw(b"O")
        write_objects(writer, array.ravel(order="F" if column_major else "C"))
        return
    writer.raw(b"N")
    write_dtype(writer, array.dtype)
    flat = array.ravel(order="F" if column_major else "C")
    writer.blob(flat.view(np.uint8).data if flat.nbytes else b"")


def _read_array(reader: Reader) -> Any:
    order: Any = {b"C": "C", b"F": "F"}[bytes(reader.raw(1))]
    shape = reader.expect(tuple)
    items = math.prod(shape)
    if not all(type(length) is int and 0 <= length <= _MOST_ITEMS for length in shape) or items > _MOST_ITEMS:
        raise BadPayload("a numpy array of an impossible shape")
    kind = bytes(reader.raw(1))
    if kind == b"O":
        flat = read_objects(reader)
        if len(flat) != items:
            raise BadPayload("a numpy array whose shape does not fit its values")
        return flat.reshape(shape, order=order)
    if kind != b"N":
        raise BadPayload("a numpy array of an unknown kind")
    dtype = read_dtype(reader)
    raw = reader.blob()
    if len(raw) != items * dtype.itemsize:
        raise BadPayload("a numpy array whose shape does not fit its bytes")
    if not raw:
        return np.zeros(shape, dtype, order=order)
    # A bytearray: what was a writable array must not come back as one that cannot be changed.
    return np.frombuffer(bytearray(raw), dtype).reshape(shape, order=order)


def write_objects(writer: Writer, flat: Any) -> None:
    """A flat array of Python objects; texts alone, or with None or NaN, take the fast way."""
    values = flat.tolist()
    if set(map(type, values)) == {str}:
        writer.raw(b"T")
        writer.texts(values)
        return
    writer.raw(b"V")
    writer.count(len(values))
    writer.values(values)


def read_objects(reader: Reader) -> Any:
    """A flat array of Python objects."""
    kind = bytes(reader.raw(1))
    if kind not in (b"T", b"V"):
        raise BadPayload("an array of objects of an unknown kind")
    values = reader.texts() if kind == b"T" else reader.values()
    array = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):  # Not `array[:] = values`: numpy would look inside lists.
        array[index] = value
    return array


for _kind in {scalar for scalar in np.sctypeDict.values() if scalar is not np.object_} | {np.longlong, np.ulonglong}:
    register(0x40, _kind, _write_scalar, _read_scalar)
register(0x41, np.ndarray, _write_array, _read_array)
