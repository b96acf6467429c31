"""Time zones of the standard library. Those of `pytz`, for older pandas, are in `pytz_zones`."""

from __future__ import annotations

from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

from ..errors import Unserializable
from .wire import Reader, Writer, register


def _write_fixed(writer: Writer, zone: timezone) -> None:
    # The arguments that make an equal one: the offset, and a name if it was given one.
    writer.value(zone.__getinitargs__())  # type: ignore[attr-defined]


def _read_fixed(reader: Reader) -> timezone:
    offset, *name = reader.expect(tuple)
    if offset == timedelta(0) and not name:
        return timezone.utc
    return timezone(offset, *name)


def _write_named(writer: Writer, zone: ZoneInfo) -> None:
    if zone.key is None:
        raise Unserializable("a time zone without a name")
    writer.text(zone.key)


register(0x30, timezone, _write_fixed, _read_fixed)
register(0x31, ZoneInfo, _write_named, lambda reader: ZoneInfo(reader.text()))
