"""Python's own types. Subclasses are other types: they are refused, as they would not come back as themselves."""

from __future__ import annotations

import struct
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Callable
from uuid import UUID, SafeUUID

from markupsafe import Markup

from ..errors import BadPayload, Unserializable
from .wire import Reader, Writer, register

_FLOAT = struct.Struct("<d")
_COMPLEX = struct.Struct("<dd")
_DATE = struct.Struct("<HBB")
_TIME = struct.Struct("<BBBIB")
_TIMEDELTA = struct.Struct("<iII")
_LONGEST_KEY_SHOWN = 40


def _constant(tag: int, value: Any) -> None:
    register(tag, type(value), lambda writer, _: None, lambda reader: value)


def _write_bool(writer: Writer, value: bool) -> None:
    writer.raw(b"\x01" if value else b"\x00")


def _read_bool(reader: Reader) -> bool:
    byte = reader.byte()
    if byte > 1:
        raise BadPayload("a truth value that is neither")
    return byte == 1


def _write_int(writer: Writer, value: int) -> None:
    writer.blob(value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))


def _read_int(reader: Reader) -> int:
    return int.from_bytes(reader.blob(), "little", signed=True)


def _write_each(writer: Writer, values: Any) -> None:
    writer.count(len(values))
    writer.values(values)


def _write_items(writer: Writer, value: Any) -> None:
    writer.count(len(value))
    for key, item in value.items():
        # A loop of its own and not `part`: a step is made only when there is an error to report.
        try:
            writer.value(key)
        except Unserializable as error:
            raise error.under(f".key({type(key).__name__})") from None
        try:
            writer.value(item)
        except Unserializable as error:
            raise error.under(f"[{_shown(key)}]") from None


def _shown(key: Any) -> str:
    text = repr(key)
    return text if len(text) <= _LONGEST_KEY_SHOWN else text[:_LONGEST_KEY_SHOWN] + "..."


def _read_items(reader: Reader) -> Iterable[tuple[Any, Any]]:
    for _ in range(reader.count(size=2)):
        key = reader.value()
        yield key, reader.value()


def _write_deque(writer: Writer, value: Any) -> None:
    writer.value(value.maxlen)
    _write_each(writer, value)


def _read_deque(reader: Reader) -> Any:
    maxlen = reader.value()
    return deque(reader.values(), maxlen)


def _write_datetime(writer: Writer, value: datetime) -> None:
    writer.raw(_DATE.pack(value.year, value.month, value.day))
    _write_time(writer, value)


def _read_datetime(reader: Reader) -> datetime:
    year, month, day = _DATE.unpack(reader.raw(_DATE.size))
    hour, minute, second, microsecond, fold = _TIME.unpack(reader.raw(_TIME.size))
    return datetime(year, month, day, hour, minute, second, microsecond, reader.value(), fold=fold)


def _write_time(writer: Writer, value: Any) -> None:
    writer.raw(_TIME.pack(value.hour, value.minute, value.second, value.microsecond, value.fold))
    writer.part(".tzinfo", value.tzinfo)


def _read_time(reader: Reader) -> time:
    hour, minute, second, microsecond, fold = _TIME.unpack(reader.raw(_TIME.size))
    return time(hour, minute, second, microsecond, reader.value(), fold=fold)


def _read_date(reader: Reader) -> date:
    return date(*_DATE.unpack(reader.raw(_DATE.size)))


def _read_timedelta(reader: Reader) -> timedelta:
    return timedelta(*_TIMEDELTA.unpack(reader.raw(_TIMEDELTA.size)))


def _write_uuid(writer: Writer, value: UUID) -> None:
    writer.raw(value.bytes)
    writer.value(value.is_safe.value)


def _read_uuid(reader: Reader) -> UUID:
    raw = bytes(reader.raw(16))
    return UUID(bytes=raw, is_safe=SafeUUID(reader.value()))


def _write_fraction(writer: Writer, value: Fraction) -> None:
    writer.value(value.numerator)
    writer.value(value.denominator)


def _read_fraction(reader: Reader) -> Fraction:
    numerator = reader.expect(int)
    return Fraction(numerator, reader.expect(int))


def _text_of(kind: Callable[[str], Any]) -> Callable[[Reader], Any]:
    return lambda reader: kind(reader.text())


_constant(0x00, None)
_constant(0x01, Ellipsis)
register(0x02, bool, _write_bool, _read_bool)
register(0x03, int, _write_int, _read_int)
register(0x04, float, lambda w, v: w.raw(_FLOAT.pack(v)), lambda r: _FLOAT.unpack(r.raw(8))[0])
register(
    0x05, complex, lambda w, v: w.raw(_COMPLEX.pack(v.real, v.imag)), lambda r: complex(*_COMPLEX.unpack(r.raw(16)))
)
register(0x06, str, Writer.text, Reader.text)
register(0x07, bytes, Writer.blob, lambda r: bytes(r.blob()))
register(0x08, bytearray, lambda w, v: w.blob(bytes(v)), lambda r: bytearray(r.blob()))
register(0x09, list, _write_each, Reader.values)
register(0x0A, tuple, _write_each, lambda r: tuple(r.values()))
register(0x0B, set, _write_each, lambda r: set(r.values()))
register(0x0C, frozenset, _write_each, lambda r: frozenset(r.values()))
register(0x0D, dict, _write_items, lambda r: dict(_read_items(r)))
register(0x0E, OrderedDict, _write_items, lambda r: OrderedDict(_read_items(r)))
register(0x0F, Counter, _write_items, lambda r: Counter(dict(_read_items(r))))
register(0x10, deque, _write_deque, _read_deque)
register(0x11, datetime, _write_datetime, _read_datetime)
register(0x12, date, lambda w, v: w.raw(_DATE.pack(v.year, v.month, v.day)), _read_date)
register(0x13, time, _write_time, _read_time)
register(0x14, timedelta, lambda w, v: w.raw(_TIMEDELTA.pack(v.days, v.seconds, v.microseconds)), _read_timedelta)
register(0x15, Decimal, lambda w, v: w.text(str(v)), _text_of(Decimal))
register(0x16, Fraction, _write_fraction, _read_fraction)
register(0x17, UUID, _write_uuid, _read_uuid)
register(0x18, Markup, lambda w, v: w.text(str.__str__(v)), _text_of(Markup))
register(0x19, IPv4Address, lambda w, v: w.text(str(v)), _text_of(IPv4Address))
register(0x1A, IPv6Address, lambda w, v: w.text(str(v)), _text_of(IPv6Address))
register(0x1B, range, lambda w, v: w.value((v.start, v.stop, v.step)), lambda r: range(*r.expect(tuple)))
