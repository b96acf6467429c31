"""pandas: single moments, durations, periods, intervals, and the two ways to say "missing"."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..errors import Unserializable
from .columns import moments, unit_of
from .wire import Reader, Writer, register


def _write_integer(writer: Writer, moment: Any) -> None:
    writer.value(int(moment.asm8.view(np.int64)))


def _read_integer(reader: Reader, kind: str, unit: str) -> Any:
    return moments(np.array([reader.expect(int)], dtype=np.int64), kind, unit)[0]


def _write_timestamp(writer: Writer, moment: Any) -> None:
    writer.text(unit_of(moment))
    writer.part(".tz", moment.tz)
    _write_integer(writer, moment)


def _read_timestamp(reader: Reader) -> Any:
    unit = reader.text()
    zone = reader.value()
    moment = pd.Timestamp(_read_integer(reader, "M", unit))
    return moment if zone is None else moment.tz_localize("UTC").tz_convert(zone)


def _write_timedelta(writer: Writer, duration: Any) -> None:
    writer.text(unit_of(duration))
    _write_integer(writer, duration)


def _read_timedelta(reader: Reader) -> Any:
    unit = reader.text()
    return pd.Timedelta(_read_integer(reader, "m", unit))


def _write_period(writer: Writer, period: Any) -> None:
    if pd.PeriodDtype(period.freqstr) != pd.PeriodDtype(period.freq):
        raise Unserializable(f"a period of the frequency {period.freqstr}")
    writer.text(period.freqstr)
    writer.value(period.ordinal)


def _read_period(reader: Reader) -> Any:
    frequency = reader.text()
    return pd.Period(ordinal=reader.expect(int), freq=frequency)


def _write_interval(writer: Writer, interval: Any) -> None:
    writer.text(interval.closed)
    writer.value(interval.left)
    writer.value(interval.right)


def _read_interval(reader: Reader) -> Any:
    closed = reader.text()
    left = reader.value()
    return pd.Interval(left, reader.value(), closed=closed)


register(0x78, pd.Timestamp, _write_timestamp, _read_timestamp)
register(0x79, pd.Timedelta, _write_timedelta, _read_timedelta)
register(0x7A, pd.Period, _write_period, _read_period)
register(0x7B, pd.Interval, _write_interval, _read_interval)
register(0x7C, type(pd.NaT), lambda w, v: None, lambda r: pd.NaT)
register(0x7D, type(pd.NA), lambda w, v: None, lambda r: pd.NA)
