"""The serializer: Python values to bytes and back, as the same types, without running code.

A value is one tag byte and what the tag says follows; containers hold values. There is no tag for "call this", no
class is looked up by name, and every length is compared with what is left of the input before anything is allocated.

- `wire`: numbers, texts and limits; dispatch by exact type (writing) and by tag (reading).
- `plain`: Python's own types.  `zones`: time zones.
- `arrays`: numpy.  `columns`, `indexes`, `frames`, `scalars`: pandas. They are imported when first needed, so that
  an application without numpy does not need it.
"""

from __future__ import annotations

from typing import Any, Union

from ..errors import BadPayload, Unserializable
from . import plain, zones  # noqa: F401  (they register themselves)
from .wire import Reader, Writer

__all__ = ["BadPayload", "Unserializable", "decode", "encode"]


def encode(value: Any) -> bytes:
    """Encodes a value; raises `Unserializable`, with the place, if any part of it would not come back the same."""
    writer = Writer()
    writer.value(value)
    return writer.bytes()


def decode(data: Union[bytes, memoryview]) -> Any:
    """Decodes a value; raises `BadPayload`, and nothing else, for any input that `encode` did not make."""
    reader = Reader(memoryview(data))
    try:
        value = reader.value()
    except BadPayload:
        raise
    except Exception as error:
        # Hostile input can make numpy, pandas or a constructor raise anything. The text may quote data: left out.
        raise BadPayload(f"cannot be decoded ({type(error).__name__})") from None
    if reader.remaining():
        raise BadPayload(f"{reader.remaining()} bytes too many")
    return value
