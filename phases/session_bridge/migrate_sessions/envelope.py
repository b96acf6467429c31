"""What a Redis value of ours looks like: a fixed header, then the encoded session.

    offset 0   4 bytes   magic: C1 4D 53 42. The byte C1 begins no MessagePack, JSON or pickle document
           4   1 byte    version of this format: 1
           5   1 byte    kind: `S` a session, `D` a session that was deleted
           6   8 bytes   stamp, big-endian (see `stamps`)
          14   8 bytes   length of the body, big-endian
          22             body (see `codec`); empty for a deleted session

A deleted session is kept as a marker of 22 bytes for as long as a session lives, because an instance that did not see
the deletion still has its file: without the marker, the file would bring the session back.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from .errors import BadPayload
from .stamps import plausible

MAGIC = b"\xc1MSB"
VERSION = 1
SESSION = b"S"
DELETED = b"D"
_HEADER = struct.Struct(">4sBcQQ")


class Envelope(NamedTuple):
    """A Redis value, taken apart; the body is not yet decoded."""

    deleted: bool
    stamp: int
    body: memoryview


def is_ours(payload: bytes) -> bool:
    """Whether a payload claims to be written by this package."""
    return payload[: len(MAGIC)] == MAGIC


def seal(body: bytes, stamp: int) -> bytes:
    """The Redis value for an encoded session."""
    return _HEADER.pack(MAGIC, VERSION, SESSION, stamp, len(body)) + body


def deleted(stamp: int) -> bytes:
    """The Redis value for a session that was deleted."""
    return _HEADER.pack(MAGIC, VERSION, DELETED, stamp, 0)


def unseal(payload: bytes) -> Envelope:
    """Takes a Redis value apart."""
    if len(payload) < _HEADER.size:
        raise BadPayload("shorter than a header")
    magic, version, kind, stamp, length = _HEADER.unpack_from(payload)
    if magic != MAGIC:
        raise BadPayload("not written by this package")
    if version != VERSION:
        raise BadPayload(f"format version {version}, this is version {VERSION}")
    if kind not in (SESSION, DELETED):
        raise BadPayload("neither a session nor a deletion")
    if not plausible(stamp):
        raise BadPayload("its time is in the future")
    body = memoryview(payload)[_HEADER.size :]
    if len(body) != length:
        raise BadPayload(f"{len(body)} bytes where the header says {length}")
    return Envelope(kind == DELETED, stamp, body)
