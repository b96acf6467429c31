"""Time zones of `pytz`, which pandas before 3 gives out."""

from __future__ import annotations

from typing import Any

import pytz
from pytz.tzinfo import BaseTzInfo

from ..errors import BadPayload, Unserializable
from .wire import Reader, Writer, register, register_family

_TAG = 0x80


def _write(writer: Writer, zone: Any) -> None:
    # A name, an offset in minutes, or nothing for UTC. Offsets follow the name of a zone bound to a moment.
    _, arguments = zone.__reduce__()
    if not all(type(argument) in (str, int) for argument in arguments):
        raise Unserializable("a pytz time zone of an unknown kind")
    writer.value(arguments)


def _read(reader: Reader) -> Any:
    arguments = reader.expect(tuple)
    if not arguments:
        return pytz.UTC
    if type(arguments[0]) is int:
        return pytz.FixedOffset(*arguments)
    if arguments[0] not in pytz.all_timezones_set:
        raise BadPayload("an unknown time zone")
    return pytz.unpickler(*arguments)


register(_TAG, type(pytz.UTC), _write, _read)
register(_TAG, type(pytz.FixedOffset(1)), _write, _read)
# pytz makes a class for each zone.
register_family(_TAG, BaseTzInfo, _write)
